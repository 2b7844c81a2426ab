// Asks Hearth over gRPC and prints the answer as it comes:
//   node client.mjs [--address HOST:PORT] [--token TOKEN] [--model NAME | --level LEVEL] PROMPT
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    address: { type: 'string', default: '127.0.0.1:50051' },
    token: { type: 'string' },
    model: { type: 'string' },
    level: { type: 'string' },
  },
});
if (positionals.length === 0) {
  console.error('usage: node client.mjs [--address HOST:PORT] [--token TOKEN] PROMPT');
  process.exit(2);
}

const proto = fileURLToPath(new URL('../../proto/aios/runtime.proto', import.meta.url));
const { aios } = grpc.loadPackageDefinition(loader.loadSync(proto, { defaults: true }));
const client = new aios.runtime.AIRuntime(values.address, grpc.credentials.createInsecure());

const metadata = new grpc.Metadata();
if (values.token) metadata.set('authorization', `Bearer ${values.token}`);
const answer = client.streamInfer(
  { prompt: positionals.join(' '), model: values.model, intelligenceLevel: values.level },
  metadata,
  { deadline: Date.now() + 120_000 },
);
answer.on('data', (chunk) => {
  if (!chunk.done) return process.stdout.write(chunk.text);
  console.log(`\n(${chunk.tokensUsed} tokens in ${chunk.latencyMs} ms by ${chunk.modelUsed})`);
});
answer.on('error', (error) => {
  console.error(`${grpc.status[error.code]}: ${error.details}`);
  process.exitCode = 1;
});
