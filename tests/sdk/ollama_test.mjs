// The official Ollama client against a running server: node ollama_test.mjs <base_url> [<key>]
// Works with any model: it checks shapes, types, counts and invariants, never what the model says.
import assert from 'node:assert/strict';
import { Ollama } from 'ollama';
import { collect, rejects, run, slotsAreFree } from './checks.mjs';

const [baseUrl, apiKey = 'none'] = process.argv.slice(2);
if (!baseUrl) {
  console.error('usage: node ollama_test.mjs <base_url> [<api_key>]');
  process.exit(2);
}
const root = baseUrl.replace(/\/+$/, '');
const client = new Ollama({ host: root, headers: { Authorization: `Bearer ${apiKey}` } });

const say = [{ role: 'user', content: 'Say hello.' }];
const model = (await client.list()).models[0].name;
const options = { temperature: 0, num_predict: 12 };
const endless = { type: 'array', minItems: 900, items: { const: 'again and again' } };

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather at a place',
    parameters: {
      type: 'object',
      properties: { location: { type: 'string', enum: ['Paris', 'Rome'] } },
      required: ['location'],
    },
  },
};

function checkEnd(answer) {
  assert.equal(answer.done, true);
  assert.ok(['stop', 'length'].includes(answer.done_reason));
  assert.ok(answer.prompt_eval_count > 0);
  assert.ok(answer.eval_count > 0);
  assert.ok(answer.total_duration > 0);
  assert.ok(!Number.isNaN(new Date(answer.created_at).getTime()));
}

const checks = {
  async 'list shows the models, by their tags'() {
    const { models } = await client.list();
    assert.ok(models.length >= 1);
    assert.match(models[0].name, /:/);
    assert.ok(models[0].size > 0);
    assert.equal(models[0].details.format, 'gguf');
  },
  async 'show tells of one, with and without its tag'() {
    for (const name of [model, model.replace(':latest', '')]) {
      const shown = await client.show({ model: name });
      assert.ok(shown.capabilities.includes('completion'));
      assert.equal(typeof shown.template, 'string');
      assert.ok(shown.details.family.length > 0);
    }
  },
  async 'ps shows what is in memory'() {
    const { models } = await client.ps();
    assert.ok(models.some((one) => one.name === model));
  },
  async 'version is one'() {
    assert.match((await client.version()).version, /^\d+\.\d+\.\d+/);
  },
  async 'chat gives a whole answer'() {
    const answer = await client.chat({ model, messages: say, options });
    assert.equal(answer.model, model);
    assert.equal(answer.message.role, 'assistant');
    assert.equal(typeof answer.message.content, 'string');
    checkEnd(answer);
  },
  async 'chat streams lines that say the same'() {
    const lines = await collect(await client.chat({ model, messages: say, options, stream: true }));
    checkEnd(lines.at(-1));
    assert.ok(lines.slice(0, -1).every((line) => line.done === false));
    const whole = await client.chat({ model, messages: say, options });
    assert.equal(lines.map((line) => line.message.content).join(''), whole.message.content);
  },
  async 'chat takes a conversation with calls and results'() {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'What is the weather in Paris?' },
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ function: { name: 'get_weather', arguments: { location: 'Paris' } } }],
      },
      { role: 'tool', content: '{"temp": 18}', tool_name: 'get_weather' },
    ];
    const answer = await client.chat({ model, messages, tools: [weather], options });
    checkEnd(answer);
  },
  async 'format gives JSON of that shape'() {
    const format = {
      type: 'object',
      properties: { city: { type: 'string', enum: ['Rome', 'Oslo'] } },
      required: ['city'],
    };
    const answer = await client.chat({ model, messages: say, format });
    assert.ok(['Rome', 'Oslo'].includes(JSON.parse(answer.message.content).city));
  },
  async 'generate gives text, whole and as a stream, and raw'() {
    const ask = { model, prompt: 'Say hello.', options };
    const whole = await client.generate(ask);
    checkEnd(whole);
    const lines = await collect(await client.generate({ ...ask, stream: true }));
    assert.equal(lines.map((line) => line.response).join(''), whole.response);
    checkEnd(await client.generate({ ...ask, prompt: 'One, two,', raw: true }));
  },
  async 'generate refuses a suffix, in words'() {
    const error = await rejects(client.generate({ model, prompt: 'a', suffix: 'b' }), Error, {
      status_code: 400,
    });
    assert.match(error.message, /suffix/);
  },
  async 'an empty prompt loads the model'() {
    const loaded = await client.generate({ model, prompt: '' });
    assert.equal(loaded.done_reason, 'load');
  },
  async 'embed gives vectors of length 1, and embeddings one of them'() {
    const { embeddings } = await client.embed({ model, input: ['hello', 'goodbye'] });
    assert.equal(embeddings.length, 2);
    const length = Math.sqrt(embeddings[0].reduce((sum, value) => sum + value * value, 0));
    assert.ok(Math.abs(length - 1) < 1e-3, `length ${length}`);
    const { embedding } = await client.embeddings({ model, prompt: 'hello' });
    assert.ok(embedding.every((value, i) => Math.abs(value - embeddings[0][i]) < 1e-5));
  },
  async 'embed cuts what is too long, unless it must not'() {
    const input = 'hello there, how are you? '.repeat(20_000);
    assert.equal((await client.embed({ model, input })).embeddings.length, 1);
    await rejects(client.embed({ model, input, truncate: false }), Error, { status_code: 400 });
  },
  async 'a stream can be aborted, and the slot is free again'() {
    const stream = await client.chat({ model, messages: say, stream: true, format: endless });
    let lines = 0;
    try {
      for await (const line of stream) {
        assert.equal(line.done, false);
        if (++lines === 3) stream.abort();
      }
    } catch (error) {
      assert.equal(error.name, 'AbortError');
    }
    assert.ok(lines >= 3, `${lines} lines`);  // the client still gives what it had read
    await slotsAreFree(root, apiKey);
  },
  async 'an unknown model is an error with 404'() {
    const error = await rejects(client.chat({ model: 'llama9', messages: say }), Error, {
      status_code: 404,
    });
    assert.match(error.message, /does not exist/);
    await rejects(client.show({ model: 'llama9' }), Error, { status_code: 404 });
  },
  async 'an image is refused: the models here see none'() {
    const messages = [{ role: 'user', content: 'What is this?', images: ['iVBORw0KGgo='] }];
    const error = await rejects(client.chat({ model, messages }), Error, { status_code: 400 });
    assert.match(error.message, /cannot see images/);
  },
  async 'pulling is refused with the command that does it'() {
    const error = await rejects(client.pull({ model: 'llama3.2' }), Error, { status_code: 501 });
    assert.match(error.message, /hearth pull/);
    const other = await rejects(client.delete({ model }), Error, { status_code: 501 });
    assert.match(other.message, /hearth model rm/);
  },
  async 'a wrong token is refused'() {
    if (apiKey === 'none') return;
    const stranger = new Ollama({ host: root, headers: { Authorization: 'Bearer wrong' } });
    await rejects(stranger.chat({ model, messages: say }), Error, { status_code: 401 });
  },
};

await run(checks);
