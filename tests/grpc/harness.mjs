// Daemons, clients and checks for grpc_test.mjs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

// The example's libraries are the ones that are tested.
const require = createRequire(new URL('../../examples/grpc/package.json', import.meta.url));
export const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const ember = path.join(root, 'models/ember/ember.gguf');
export const { status } = grpc;

function load(name) {
  const includeDirs = [path.join(root, 'proto')];
  const options = { defaults: true, enums: String, oneofs: true, includeDirs };
  return grpc.loadPackageDefinition(loader.loadSync(name, options));
}
export const { aios } = load('aios/runtime.proto');
export const health = load('grpc/health/v1/health.proto').grpc.health.v1;
export const reflection = load('grpc/reflection/v1alpha/reflection.proto').grpc.reflection;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export async function until(holds, what, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await holds();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(20);
  }
}

function cleanEnvironment(extra) {
  const ours = ['HOST', 'PORT', 'MODEL_PATH', 'DB_PATH', 'KEY_PATH', 'PLUGIN_DIR'];
  const kept = Object.entries(process.env).filter(
    ([name]) => !ours.includes(name) && !name.startsWith('HEARTH_'),
  );
  return { ...Object.fromEntries(kept), ...extra };
}

// A `hearth serve` with a data directory of its own and these lines as hearth.toml.
export class Daemon {
  constructor(hearth, { toml = '', env = {}, args = [] } = {}) {
    this.data = fs.mkdtempSync(path.join(os.tmpdir(), 'hearth-grpc-'));
    fs.mkdirSync(path.join(this.data, 'models'));
    fs.symlinkSync(ember, path.join(this.data, 'models/second.gguf'));
    fs.writeFileSync(path.join(this.data, 'hearth.toml'), toml);
    const out = fs.openSync(path.join(this.data, 'out'), 'w');
    this.process = spawn(hearth, ['serve', '--data', this.data, '--port', '0', ...args], {
      stdio: ['ignore', out, out],
      env: cleanEnvironment({ XDG_RUNTIME_DIR: this.data, HEARTH_GRPC_PORT: '0', ...env }),
    });
    fs.closeSync(out);
    this.ended = new Promise((done) => this.process.on('exit', (code) => done(code)));
    this.clients = [];
  }
  log() {
    return fs.readFileSync(path.join(this.data, 'out'), 'utf8');
  }
  info() {
    try {
      const info = JSON.parse(fs.readFileSync(path.join(this.data, 'hearth.pid'), 'utf8'));
      return info.port ? info : null;
    } catch {
      return null;
    }
  }
  async listens() {
    await until(() => {
      if (this.process.exitCode !== null) throw new Error(`it ended:\n${this.log()}`);
      return this.info();
    }, 'the daemon listens');
    Object.assign(this, { url: `http://${this.info().host}:${this.info().port}` });
    this.address = this.info().grpc;
    return this;
  }
  async ready(headers = {}) {
    await this.listens();
    await until(async () => (await this.get('/health/ready', headers)).ok, 'the daemon is ready');
    return this;
  }
  get(where, headers = {}) {
    return fetch(this.url + where, { headers });
  }
  async metric(name, labels = {}) {
    let sum = 0;
    for (const line of (await (await this.get('/metrics')).text()).split('\n')) {
      const match = line.match(/^(\w+)(?:\{(.*)\})? (\S+)$/);
      if (!match || match[1] !== name) continue;
      const has = ([key, value]) => (match[2] ?? '').includes(`${key}="${value}"`);
      if (Object.entries(labels).every(has)) sum += Number(match[3]);
    }
    return sum;
  }
  client(Service = aios.runtime.AIRuntime, credentials = grpc.credentials.createInsecure()) {
    // Each with a connection of its own, as other programs have. TLS wants a name.
    const name = credentials._isSecure() ? { 'grpc.ssl_target_name_override': 'localhost' } : {};
    const options = { 'grpc.use_local_subchannel_pool': 1, ...name };
    const made = new Service(this.address, credentials, options);
    this.clients.push(made);
    return made;
  }
  children() {
    const tasks = `/proc/${this.process.pid}/task`;
    return fs
      .readdirSync(tasks)
      .flatMap((task) => fs.readFileSync(`${tasks}/${task}/children`, 'utf8').split(' '))
      .filter((pid) => pid && fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0engine'))
      .map(Number);
  }
  threads() {
    return fs.readdirSync(`/proc/${this.process.pid}/task`).length;
  }
  stop() {
    this.process.kill('SIGTERM');
    return this.ended;
  }
  async close() {
    for (const client of this.clients) client.close();
    if (this.process.exitCode === null && this.process.signalCode === null)
      this.process.kill('SIGKILL');
    await this.ended;
    fs.rmSync(this.data, { recursive: true, force: true });
  }
}

export function call(client, method, request, { metadata, ...options } = {}) {
  return new Promise((done, failed) => {
    const meta = metadata ?? new grpc.Metadata();
    client[method](request, meta, { deadline: Date.now() + 60_000, ...options }, (error, answer) =>
      error ? failed(error) : done(answer),
    );
  });
}

// All chunks of a stream; an error is thrown, with the chunks so far.
export async function collect(stream) {
  const chunks = [];
  try {
    for await (const chunk of stream) chunks.push(chunk);
  } catch (error) {
    throw Object.assign(error, { chunks });
  }
  return chunks;
}

export async function fails(promise, code, ...words) {
  let error;
  try {
    await promise;
  } catch (caught) {
    error = caught;
  }
  assert.ok(error, 'it was answered');
  assert.equal(status[error.code] ?? error, code, error.details ?? error.stack);
  for (const word of words) assert.ok(error.details.includes(word), error.details);
  return error;
}

export const bearer = (token) => {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return metadata;
};

export { run } from '../sdk/checks.mjs';
