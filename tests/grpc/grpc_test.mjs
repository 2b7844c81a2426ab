// gRPC against the real program with @grpc/grpc-js:
//   node grpc_test.mjs <hearth> <scripted model> [<example program>]
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import * as h from './harness.mjs';
import { aios, bearer, call, collect, Daemon, fails, grpc, status, until } from './harness.mjs';

const [hearth, scripted, example] = process.argv.slice(2);
const neverEnding = { prompt: 'Never stop.', temperature: 0 };
const four = { prompt: 'What is 2+2?', temperature: 0 };
const token = 'a-token-of-this-test';
const withScript = (options = {}) =>
  new Daemon(hearth, { ...options, args: ['--model', scripted, ...(options.args ?? [])] });
const twoModels =
  '[[pool.model]]\nname = "ember"\nlevel = "operational"\n' +
  '[[pool.model]]\nname = "second"\nlevel = "tactical"\n';

// One daemon for what changes nothing about it.
const shared = await withScript().ready();
const client = shared.client();

// With a daemon of its own, which goes with the check.
const alone = (options, check, make = withScript) => async () => {
  const daemon = make(options);
  try {
    await check(daemon);
  } finally {
    await daemon.close();
  }
};
const pooled = (options, check) =>
  alone(options, check, (given) => new Daemon(hearth, { toml: twoModels, ...given }));

async function firstChunk(stream) {
  return new Promise((done, failed) => stream.once('data', done).once('error', failed));
}

const checks = {
  async 'Infer answers with counts'() {
    const answer = await call(client, 'infer', four);
    assert.equal(answer.text, '2+2 is 4.');
    assert.ok(answer.tokensUsed > 0 && answer.promptTokens > answer.tokensUsed);
    assert.ok(Number(answer.latencyMs) > 0);
    assert.equal(answer.modelUsed, 'scripted');
    assert.equal(answer.finishReason, 'stop');
  },
  async 'a named model, a limit, stop strings and a system prompt count'() {
    const named = await call(client, 'infer', { ...four, model: 'scripted', systemPrompt: 'Add.' });
    assert.equal(named.intelligenceLevel, '');
    const cut = await call(client, 'infer', { prompt: 'Count to thirty.', maxTokens: 3 });
    assert.equal(cut.finishReason, 'length');
    assert.equal(cut.tokensUsed, 3);
    const stopped = await call(client, 'infer', { prompt: 'Count to thirty.', stop: [', 3'] });
    assert.equal(stopped.text, '1, 2');
  },
  async 'StreamInfer sends pieces, then done with counts'() {
    const chunks = await collect(client.streamInfer(four));
    const last = chunks.pop();
    assert.ok(chunks.length > 1, `${chunks.length} chunks`);
    assert.ok(chunks.every((chunk) => !chunk.done && chunk.text));
    assert.equal(chunks.map((chunk) => chunk.text).join(''), '2+2 is 4.');
    assert.ok(last.done && last.text === '' && last.tokensUsed > 0);
    assert.equal(last.modelUsed, 'scripted');
  },
  async 'no chunk splits a character'() {
    const chunks = await collect(client.streamInfer({ prompt: 'Greet me in many languages.' }));
    assert.ok(chunks.every((chunk) => !chunk.text.includes('\ufffd')));
    assert.equal(
      chunks.map((chunk) => chunk.text).join(''),
      'Grüße, 你好, こんにちは, 안녕, привет, 👋🌍🧪 done.',
    );
  },
  async 'a stream begins before the answer is whole, and a cancel frees the slot'() {
    for (let round = 0; round < 3; ++round) {
      const streams = Array.from({ length: 4 }, () => client.streamInfer(neverEnding)); // all slots
      streams.forEach((stream) => stream.on('error', () => {}));
      await Promise.all(streams.map(firstChunk));
      streams.forEach((stream) => stream.cancel());
      assert.equal((await call(client, 'infer', four)).text, '2+2 is 4.');
    }
    await until(
      async () =>
        (await shared.metric('hearth_grpc_requests_total', { code: 'CANCELLED' })) >= 12,
      'all are counted as cancelled',
    );
  },
  async 'a deadline ends the work'() {
    const options = { deadline: Date.now() + 300 };
    await fails(call(client, 'infer', neverEnding, options), 'DEADLINE_EXCEEDED');
    const streams = Array.from({ length: 4 }, () =>
      client.streamInfer(neverEnding, { deadline: Date.now() + 300 }),
    );
    // All are listened to at once: an error that nobody hears ends the program.
    await Promise.all(streams.map((stream) => fails(collect(stream), 'DEADLINE_EXCEEDED')));
    assert.equal((await call(client, 'infer', four)).text, '2+2 is 4.');
  },
  async 'a bad field is INVALID_ARGUMENT and named'() {
    const bad = [
      [{ prompt: '' }, 'prompt'],
      [{ ...four, maxTokens: -1 }, 'max_tokens'],
      [{ ...four, temperature: 2.5 }, 'temperature'],
      [{ ...four, temperature: -0.1 }, 'temperature'],
      [{ ...four, temperature: NaN }, 'temperature'],
      [{ ...four, intelligenceLevel: 'reactive' }, 'intelligence_level'],
      [{ ...four, stop: Array(17).fill('a') }, 'stop'],
      [{ ...four, requestingAgent: 'a\nb' }, 'requesting_agent'],
      [{ ...four, taskId: 'x'.repeat(257) }, 'task_id'],
      [{ ...four, model: 'x'.repeat(257) }, 'model'],
      [{ prompt: 'hello '.repeat(9_000) }, 'prompt'],
    ];
    for (const [request, field] of bad) {
      await fails(call(client, 'infer', request), 'INVALID_ARGUMENT', field);
      await fails(collect(client.streamInfer(request)), 'INVALID_ARGUMENT', field);
    }
    await fails(call(client, 'infer', { ...four, model: 'nobody' }), 'NOT_FOUND', 'nobody');
  },
  async 'temperature 0 and none are both fine'() {
    assert.equal((await call(client, 'infer', { prompt: four.prompt })).text, '2+2 is 4.');
    assert.equal((await call(client, 'infer', { ...four, temperature: 0 })).text, '2+2 is 4.');
  },
  async 'ListModels counts what was asked, whoever asked'() {
    const before = (await call(client, 'listModels', {})).models[0];
    const body = { messages: [{ role: 'user', content: 'Say hello.' }] };
    const headers = { 'content-type': 'application/json' };
    const url = `${shared.url}/v1/chat/completions`;
    await (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).json();
    await call(client, 'infer', four);
    const after = (await call(client, 'listModels', {})).models[0];
    assert.equal(Number(after.requestCount), Number(before.requestCount) + 2);
    assert.ok(Number(after.lastUsed) >= Number(before.lastUsed));
    assert.ok(Math.abs(Number(after.lastUsed) - Date.now()) < 60_000);
    assert.equal(after.status, 'ready');
    assert.equal(after.intelligenceLevel, 'operational');
    assert.ok(Number(after.loadedAt) > 0 && after.contextLength > 0 && after.port === 0);
  },
  async 'HealthCheck tells what there is'() {
    const answer = await call(client, 'healthCheck', {});
    assert.equal(answer.healthy, true);
    assert.equal(answer.service, 'hearth');
    assert.equal(answer.details.loaded_models, '1');
    assert.equal(answer.details['model:scripted'], 'status=ready');
  },
  async 'a single model stays'() {
    await fails(call(client, 'unloadModel', { modelName: 'scripted' }), 'INVALID_ARGUMENT');
    const answer = await call(client, 'loadModel', { modelName: 'scripted' }); // it is there
    assert.equal(answer.status, 'ready');
  },
  async 'the health service answers for the whole and for the runtime'() {
    const health = shared.client(h.health.Health);
    for (const service of ['', 'aios.runtime.AIRuntime']) {
      const serves = async () => (await call(health, 'check', { service })).status === 'SERVING';
      await until(serves, 'it serves');
    }
    await fails(call(health, 'check', { service: 'no.such.Service' }), 'NOT_FOUND');
  },
  async 'reflection describes all services under both its names'() {
    for (const version of ['v1', 'v1alpha']) {
      const stream = shared.client(h.reflection[version].ServerReflection).serverReflectionInfo();
      const ask = (question) =>
        new Promise((done, failed) => {
          stream.once('data', done).once('error', failed);
          stream.write(question);
        });
      const listed = await ask({ listServices: '' });
      const names = listed.listServicesResponse.service.map((service) => service.name);
      for (const name of ['aios.runtime.AIRuntime', 'grpc.health.v1.Health']) {
        assert.ok(names.includes(name), names.join());
        const found = await ask({ fileContainingSymbol: name });
        const file = found.fileDescriptorResponse.fileDescriptorProto[0].toString('latin1');
        assert.ok(file.includes(name.split('.').pop()));
      }
      const none = await ask({ fileByFilename: 'none.proto' });
      assert.equal(none.errorResponse.errorCode, status.NOT_FOUND);
      stream.end();
    }
  },
  async 'a thousand open streams make no threads'() {
    const health = shared.client(h.health.Health);
    const before = shared.threads();
    const streams = Array.from({ length: 1000 }, () => health.watch({ service: '' }));
    streams.forEach((stream) => stream.on('error', () => {}));
    await Promise.all(streams.map(firstChunk));
    assert.ok(shared.threads() <= before + 4, `${before} threads became ${shared.threads()}`);
    streams.forEach((stream) => stream.cancel());
    assert.equal((await call(client, 'infer', four)).text, '2+2 is 4.');
  },
  async 'the daemon says where gRPC is, and nothing on standard error of its own'() {
    assert.ok(shared.log().includes(`gRPC listens on ${shared.address}`), shared.log());
    const strange = shared.log().split('\n').filter((line) => /^[EWID]\d{4}|\.cc:\d+/.test(line));
    assert.deepEqual(strange, []);
    const info = execFileSync(hearth, ['--data', shared.data, 'status', '--json'], {
      env: { ...process.env, HEARTH_GRPC_PORT: '0' },
    });
    assert.equal(JSON.parse(info).grpc, shared.address);
  },
  'a level chooses the model, and a named one wins': pooled({}, async (daemon) => {
    await daemon.ready();
    const mine = daemon.client();
    const used = async (fields) => {
      const answer = await call(mine, 'infer', { prompt: 'The capital of Italy?', ...fields });
      return [answer.modelUsed, answer.intelligenceLevel];
    };
    assert.deepEqual(await used({ intelligenceLevel: 'tactical' }), ['second', 'tactical']);
    assert.deepEqual(await used({ intelligenceLevel: 'operational' }), ['ember', 'operational']);
    assert.deepEqual(await used({ model: 'tactical' }), ['second', 'tactical']);
    assert.deepEqual(await used({ model: 'ember', intelligenceLevel: 'tactical' }), ['ember', '']);
    const either = { model: 'auto', intelligenceLevel: 'tactical' };
    assert.deepEqual(await used(either), ['second', 'tactical']);
    assert.equal((await used({}))[0], 'ember'); // a few words
    const chunks = await collect(mine.streamInfer({ prompt: 'Hi', intelligenceLevel: 'tactical' }));
    assert.equal(chunks.at(-1).modelUsed, 'second');
  }),
  'models are loaded and unloaded, and engines hold no socket of the daemon': pooled(
    {},
    async (daemon) => {
      await daemon.ready();
      const mine = daemon.client();
      const states = async () =>
        (await call(mine, 'listModels', {})).models.map((one) => [one.modelName, one.status]);
      assert.deepEqual(await states(), [['ember', 'ready'], ['second', 'unloaded']]);
      const loaded = await call(mine, 'loadModel', { modelName: 'second' });
      assert.deepEqual([loaded.status, loaded.intelligenceLevel], ['ready', 'tactical']);
      assert.ok(Math.abs(Number(loaded.loadedAt) - Date.now()) < 60_000);
      assert.equal(daemon.children().length, 2);
      const sockets = (pid) =>
        fs
          .readdirSync(`/proc/${pid}/fd`)
          .map((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`))
          .filter((target) => target.startsWith('socket:'));
      const ours = new Set(sockets(daemon.process.pid));
      for (const engine of daemon.children())
        assert.deepEqual(sockets(engine).filter((socket) => ours.has(socket)), []);
      const gone = await call(mine, 'unloadModel', { modelName: 'second' });
      assert.equal(gone.success, true);
      assert.deepEqual(await states(), [['ember', 'ready'], ['second', 'unloaded']]);
      await until(() => daemon.children().length === 1, 'its engine has ended');
      const second = { modelName: 'second' };
      const wrong = [
        ['loadModel', { modelName: 'ghost' }, 'NOT_FOUND', 'model_name'],
        ['unloadModel', { modelName: 'ghost' }, 'NOT_FOUND', 'model_name'],
        ['loadModel', { modelName: '' }, 'INVALID_ARGUMENT', 'model_name'],
        ['loadModel', { modelName: 'auto' }, 'INVALID_ARGUMENT', 'model_name'],
        ['loadModel', { ...second, modelPath: '/none.gguf' }, 'INVALID_ARGUMENT', 'model_path'],
        ['loadModel', { ...second, contextLength: 77 }, 'INVALID_ARGUMENT', 'context_length'],
        ['loadModel', { ...second, gpuLayers: -1 }, 'INVALID_ARGUMENT', 'gpu_layers'],
        ['loadModel', { ...second, threads: 99 }, 'INVALID_ARGUMENT', 'threads'],
        ['loadModel', { ...second, port: 8080 }, 'INVALID_ARGUMENT', 'port'],
      ];
      for (const [method, request, code, field] of wrong)
        await fails(call(mine, method, request), code, field);
      assert.deepEqual(await states(), [['ember', 'ready'], ['second', 'unloaded']]);
      const right = { ...second, modelPath: path.join(daemon.data, 'models/second.gguf') };
      assert.equal((await call(mine, 'loadModel', right)).status, 'ready');
    },
  ),
  'a model that is not there cannot be loaded, and says how to get it': pooled(
    { toml: `${twoModels}[[pool.model]]\nname = "qwen2.5-0.5b"\n` },
    async (daemon) => {
      await daemon.ready();
      const mine = daemon.client();
      const request = { modelName: 'qwen2.5-0.5b' };
      await fails(call(mine, 'loadModel', request), 'UNAVAILABLE', 'hearth pull qwen2.5-0.5b');
      const model = (await call(mine, 'listModels', {})).models[2];
      assert.ok(model.status.startsWith('error: '), model.status);
    },
  ),
  'tokens are asked for, but not by the health service': alone(
    { toml: `[server]\ntokens = ["${token}"]\n` },
    async (daemon) => {
      await daemon.ready({ authorization: `Bearer ${token}` });
      const mine = daemon.client();
      await fails(call(mine, 'infer', four), 'UNAUTHENTICATED', 'needs a token');
      await fails(collect(mine.streamInfer(four)), 'UNAUTHENTICATED');
      for (const method of ['listModels', 'healthCheck', 'loadModel', 'unloadModel'])
        await fails(call(mine, method, {}), 'UNAUTHENTICATED');
      const wrong = { metadata: bearer('another-token') };
      await fails(call(mine, 'infer', four, wrong), 'UNAUTHENTICATED', 'not one of');
      const right = { metadata: bearer(token) };
      assert.equal((await call(mine, 'infer', four, right)).text, '2+2 is 4.');
      const health = daemon.client(h.health.Health);
      const serves = async () => (await call(health, 'check', {})).status === 'SERVING';
      await until(serves, 'it serves'); // which is seen a quarter of a second later
      const look = daemon.client(h.reflection.v1.ServerReflection).serverReflectionInfo();
      await fails(collect(look), 'UNAUTHENTICATED');
    },
  ),
  async 'who comes under another name of the server is refused'() {
    const options = { 'grpc.default_authority': 'evil.example:80' };
    const insecure = grpc.credentials.createInsecure();
    const stranger = new aios.runtime.AIRuntime(shared.address, insecure, options);
    await fails(call(stranger, 'infer', four), 'PERMISSION_DENIED', 'server.hosts');
    const metadata = new grpc.Metadata();
    metadata.set('origin', 'https://evil.example');
    await fails(call(client, 'infer', four, { metadata }), 'PERMISSION_DENIED', 'Origin');
    stranger.close();
  },
  async 'TLS with a certificate of one’s own'() {
    const folder = fs.mkdtempSync('/tmp/hearth-grpc-tls-');
    const [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
    const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1'];
    made.push('-subj', '/CN=localhost', '-addext', names);
    execFileSync('openssl', [...made, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const toml = (one, other) => `[grpc]\ntls_cert = "${one}"\ntls_key = "${other}"\n`;
    await alone({ toml: toml(cert, key) }, async (daemon) => {
      await daemon.ready();
      const trusted = grpc.credentials.createSsl(fs.readFileSync(cert));
      const mine = daemon.client(aios.runtime.AIRuntime, trusted);
      assert.equal((await call(mine, 'infer', four)).text, '2+2 is 4.');
      await fails(call(daemon.client(), 'infer', four), 'UNAVAILABLE');
      const stranger = daemon.client(aios.runtime.AIRuntime, grpc.credentials.createSsl());
      await fails(call(stranger, 'infer', four), 'UNAVAILABLE');
    })();
    const unusable = [
      [toml(key, cert), 'grpc.tls_cert'],
      [toml(cert, '/none.pem'), 'grpc.tls_key'],
      [`[grpc]\ntls_cert = "${cert}"\n`, 'grpc.tls_key'],
    ];
    for (const [text, field] of unusable)
      await alone({ toml: text }, async (daemon) => {
        assert.notEqual(await daemon.ended, 0);
        assert.ok(daemon.log().includes(field), daemon.log());
      })();
    fs.rmSync(folder, { recursive: true });
  },
  'a full queue is RESOURCE_EXHAUSTED': alone(
    { toml: '[model]\nslots = 1\nqueue_max = 1\n' },
    async (daemon) => {
      await daemon.ready();
      const mine = daemon.client();
      const running = mine.streamInfer(neverEnding).on('error', () => {});
      await firstChunk(running);
      const refused = [];
      const more = Array.from({ length: 3 }, () =>
        mine.streamInfer(neverEnding).on('error', (error) => refused.push(error.code)),
      );
      // One of them waits, whichever comes first.
      await until(() => refused.length === 2, 'the queue is full');
      assert.deepEqual(refused, [status.RESOURCE_EXHAUSTED, status.RESOURCE_EXHAUSTED]);
      running.cancel();
      more.forEach((stream) => stream.cancel());
      await until(async () => (await call(mine, 'infer', four).catch(() => '')).text, 'room again');
    },
  ),
  'calls and messages are bounded': alone(
    { toml: '[grpc]\nstreams_max = 2\nmessage_bytes_max = 2048\n' },
    async (daemon) => {
      await daemon.ready();
      const long = { prompt: 'x'.repeat(4_000) };
      await fails(call(daemon.client(), 'infer', long), 'RESOURCE_EXHAUSTED', '2048');
      const streams = [0, 1].map(() => daemon.client().streamInfer(neverEnding));
      streams.forEach((stream) => stream.on('error', () => {}));
      await Promise.all(streams.map(firstChunk));
      await fails(call(daemon.client(), 'infer', four), 'RESOURCE_EXHAUSTED', 'too many calls');
      streams.forEach((stream) => stream.cancel());
      const mine = daemon.client();
      const answers = async () => (await call(mine, 'infer', four).catch(() => '')).text;
      await until(answers, 'there is room');
    },
  ),
  'a crashed engine is UNAVAILABLE, and the next call is answered': alone({}, async (daemon) => {
    await daemon.ready();
    const mine = daemon.client();
    const stream = mine.streamInfer(neverEnding);
    const ended = fails(collect(stream), 'UNAVAILABLE');
    await firstChunk(stream);
    process.kill(daemon.children()[0], 'SIGKILL');
    await ended;
    await until(async () => (await call(mine, 'infer', four).catch(() => '')).text, 'it is back');
  }),
  'a daemon that stops lets answers end, refuses new ones and tells the watchers': alone(
    { toml: '[server]\ndrain_timeout = "2s"\n' },
    async (daemon) => {
      await daemon.ready();
      const mine = daemon.client();
      const seen = [];
      const watch = daemon.client(h.health.Health).watch({ service: 'aios.runtime.AIRuntime' });
      watch.on('data', (chunk) => seen.push(chunk.status)).on('error', () => {});
      await until(() => seen.at(-1) === 'SERVING', 'it serves');
      const stream = mine.streamInfer(neverEnding);
      const ended = fails(collect(stream), 'UNAVAILABLE', 'stopping');
      await firstChunk(stream);
      const stopped = daemon.stop();
      await until(() => seen.at(-1) === 'NOT_SERVING', 'it serves no more');
      await fails(call(mine, 'infer', four), 'UNAVAILABLE', 'stopping');
      await ended;
      assert.equal(await stopped, 0);
    },
  ),
  'while the model loads it does not serve yet, and calls wait': alone({}, async (daemon) => {
    await daemon.listens();
    assert.equal((await call(daemon.client(), 'infer', four)).text, '2+2 is 4.');
  }),
  'a port that others have is done without, unless it was asked for': async () => {
    const busy = net.createServer().listen(0, '127.0.0.1');
    await new Promise((done) => busy.once('listening', done));
    const { port } = busy.address();
    await alone({ env: { HEARTH_GRPC_PORT: String(port) } }, async (daemon) => {
      assert.equal(await daemon.ended, 1);
      assert.ok(daemon.log().includes(`cannot listen on 127.0.0.1:${port} for gRPC`), daemon.log());
    })();
    busy.close();
    const usual = net.createServer();
    await new Promise((done) => {
      usual.once('listening', done).once('error', done).listen(50_051, '127.0.0.1');
    });
    await alone({ env: { HEARTH_GRPC_PORT: undefined } }, async (daemon) => {
      await daemon.ready();
      assert.equal(daemon.address, '');
      assert.ok(daemon.log().includes('no gRPC: cannot listen on 127.0.0.1:50051'), daemon.log());
    })();
    usual.close();
  },
  'it can be switched off': alone({ env: { HEARTH_GRPC_ENABLED: 'false' } }, async (daemon) => {
    await daemon.ready();
    assert.equal(daemon.address, '');
  }),
  async 'the examples print an answer'() {
    const ask = (...command) => {
      const rest = [...command.slice(1), '--address', shared.address, 'What is 2+2?'];
      const done = spawnSync(command[0], rest);
      assert.equal(done.status, 0, String(done.stderr));
      assert.match(String(done.stdout), /^2\+2 is 4\.\n\(\d+ tokens in \d+ ms by scripted\)\n$/);
    };
    ask(process.execPath, path.join(h.root, 'examples/grpc/client.mjs'));
    if (example) ask(example);
  },
};

process.on('exit', () => shared.process.kill('SIGKILL'));
await h.run(checks);
