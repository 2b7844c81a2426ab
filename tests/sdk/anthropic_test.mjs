// The official Anthropic SDK against a running server: node anthropic_test.mjs <base_url> [<key>]
// Works with any model: it checks shapes, types, counts and invariants, never what the model says.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { collect, rejects, run, slotsAreFree } from './checks.mjs';

const [baseUrl, apiKey = 'none'] = process.argv.slice(2);
if (!baseUrl) {
  console.error('usage: node anthropic_test.mjs <base_url> [<api_key>]');
  process.exit(2);
}
const root = baseUrl.replace(/\/+$/, '');
// Sends the key as x-api-key.
const client = new Anthropic({ baseURL: root, apiKey, maxRetries: 0, timeout: 120_000 });

const user = (content) => [{ role: 'user', content }];
const say = user('Say hello.');
const listed = await fetch(`${root}/v1/models`, {
  headers: { Authorization: `Bearer ${apiKey}` },
});
const model = (await listed.json()).data[0].id;
const ask = { model, messages: say, max_tokens: 24, temperature: 0 };
// An answer that goes on until somebody ends it.
const endless = {
  ...ask,
  max_tokens: 4_000,
  output_config: {
    format: {
      type: 'json_schema',
      schema: { type: 'array', minItems: 900, items: { const: 'again and again' } },
    },
  },
};

const weather = {
  name: 'get_weather',
  description: 'The weather at a place',
  input_schema: {
    type: 'object',
    properties: { location: { type: 'string', enum: ['Paris', 'Rome'] } },
    required: ['location'],
    additionalProperties: false,
  },
};

function checkUsage(usage) {
  const read = usage.cache_read_input_tokens;
  assert.ok(usage.input_tokens + read > 0);
  assert.ok(usage.output_tokens > 0);
}

const checks = {
  async 'messages.create gives a whole message'() {
    const message = await client.messages.create({ ...ask, system: 'Be brief.' });
    assert.match(message.id, /^msg_/);
    assert.equal(message.type, 'message');
    assert.equal(message.role, 'assistant');
    assert.equal(message.model, model);
    assert.equal(message.content[0].type, 'text');
    assert.ok(['end_turn', 'max_tokens'].includes(message.stop_reason));
    checkUsage(message.usage);
    assert.match(message._request_id, /^req_/);
  },
  async 'messages end with max_tokens'() {
    const message = await client.messages.create({ ...ask, max_tokens: 1 });
    assert.equal(message.stop_reason, 'max_tokens');
    assert.equal(message.usage.output_tokens, 1);
  },
  async 'messages take every kind of content'() {
    const message = await client.messages.create({
      model,
      max_tokens: 4,
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is the' },
            { type: 'text', text: 'weather?' },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'I look.' },
            { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { location: 'Paris' } },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'toolu_1', content: '{"temp": 18}' },
            { type: 'text', text: 'And?' },
          ],
        },
      ],
      tools: [weather],
    });
    assert.equal(message.role, 'assistant');
  },
  async 'a stop sequence ends a message, and is named'() {
    const whole = (await client.messages.create(ask)).content[0].text;
    const stop = whole.slice(2, 4);
    const cut = await client.messages.create({ ...ask, stop_sequences: [stop] });
    assert.equal(cut.content[0]?.text ?? '', whole.slice(0, whole.indexOf(stop)));
    assert.equal(cut.stop_reason, 'stop_sequence');
    assert.equal(cut.stop_sequence, stop);
  },
  async 'a stream has the events of a message'() {
    const events = await collect(await client.messages.create({ ...ask, stream: true }));
    const types = events.map((event) => event.type);
    assert.equal(types[0], 'message_start');
    assert.equal(types[1], 'content_block_start');
    assert.deepEqual(types.slice(-3), ['content_block_stop', 'message_delta', 'message_stop']);
    const text = events
      .filter((event) => event.type === 'content_block_delta')
      .map((event) => event.delta.text)
      .join('');
    assert.equal(text, (await client.messages.create(ask)).content[0].text);
    assert.ok(events.at(-2).usage.output_tokens > 0);
  },
  async 'the stream helper of the SDK puts it together'() {
    const stream = client.messages.stream(ask);
    let text = '';
    stream.on('text', (piece) => (text += piece));
    const message = await stream.finalMessage();
    assert.equal(message.content[0].text, text);
    checkUsage(message.usage);
  },
  async 'a stream can be aborted, and the slot is free again'() {
    const stream = await client.messages.create({ ...endless, stream: true });
    let events = 0;
    for await (const event of stream) {
      assert.notEqual(event.type, 'message_stop');
      if (++events === 5) stream.controller.abort();
    }
    assert.ok(events >= 5, `${events} events`);  // the client still gives what it had read
    await slotsAreFree(root, apiKey);
  },
  async 'a waiting request can be aborted'() {
    const controller = new AbortController();
    const pending = client.messages.create(endless, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await rejects(pending, Anthropic.APIUserAbortError, {});
    await slotsAreFree(root, apiKey);
  },

  async 'a tool is called, and its result answered'() {
    const question = user('What is the weather in Paris?');
    const called = await client.messages.create({
      model,
      max_tokens: 200,
      temperature: 0,
      messages: question,
      tools: [weather],
      tool_choice: { type: 'any' },
    });
    assert.equal(called.stop_reason, 'tool_use');
    const call = called.content.find((block) => block.type === 'tool_use');
    assert.equal(call.name, 'get_weather');
    assert.ok(['Paris', 'Rome'].includes(call.input.location));
    const result = { type: 'tool_result', tool_use_id: call.id, content: '{"temp": 18}' };
    const said = await client.messages.create({
      model,
      max_tokens: 24,
      messages: [
        ...question,
        { role: 'assistant', content: called.content },
        { role: 'user', content: [result] },
      ],
      tools: [weather],
    });
    assert.equal(said.role, 'assistant');
  },
  async 'a streamed tool call puts itself together'() {
    const message = await client.messages
      .stream({
        model,
        max_tokens: 200,
        temperature: 0,
        messages: user('What is the weather in Paris?'),
        tools: [weather],
        tool_choice: { type: 'tool', name: 'get_weather' },
      })
      .finalMessage();
    assert.equal(message.stop_reason, 'tool_use');
    const call = message.content.find((block) => block.type === 'tool_use');
    assert.ok(['Paris', 'Rome'].includes(call.input.location));
  },
  async 'output_config gives JSON of that shape'() {
    const message = await client.messages.create({
      model,
      max_tokens: 100,
      messages: user('Name a city.'),
      output_config: {
        format: {
          type: 'json_schema',
          schema: {
            type: 'object',
            properties: { city: { type: 'string', enum: ['Rome', 'Oslo'] } },
            required: ['city'],
            additionalProperties: false,
          },
        },
      },
    });
    assert.ok(['Rome', 'Oslo'].includes(JSON.parse(message.content[0].text).city));
  },

  async 'countTokens counts what a message then takes'() {
    const asked = { model, messages: say, system: 'Be brief.', tools: [weather] };
    const { input_tokens: counted } = await client.messages.countTokens(asked);
    const { usage } = await client.messages.create({ ...asked, max_tokens: 1 });
    assert.equal(counted, usage.input_tokens + usage.cache_read_input_tokens);
  },

  async 'an unknown model is NotFoundError'() {
    const error = await rejects(
      client.messages.create({ ...ask, model: 'claude-9' }),
      Anthropic.NotFoundError,
      { status: 404 },
    );
    assert.equal(error.error.error.type, 'not_found_error');
    assert.match(error.requestID, /^req_/);
  },
  async 'bad fields are BadRequestError that name the field'() {
    const cases = [
      [{ temperature: 1.5 }, 'temperature'],
      [{ messages: [] }, 'messages'],
      [{ messages: [{ role: 'king', content: 'a' }] }, 'messages[0].role'],
      [{ tools: [weather, weather] }, 'tools[1].name'],
      [{ tool_choice: { type: 'tool', name: 'none' } }, 'tool_choice.name'],
    ];
    for (const [fields, name] of cases) {
      const error = await rejects(
        client.messages.create({ ...ask, ...fields }),
        Anthropic.BadRequestError,
        { status: 400 },
      );
      assert.equal(error.error.error.type, 'invalid_request_error');
      assert.ok(error.message.includes(name), error.message);
    }
  },
  async 'an image is BadRequestError: the models here see none'() {
    const source = { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' };
    const error = await rejects(
      client.messages.create({ ...ask, messages: user([{ type: 'image', source }]) }),
      Anthropic.BadRequestError,
      { status: 400 },
    );
    assert.match(error.message, /cannot see images/);
  },
  async 'a prompt above the context is BadRequestError, in a stream too'() {
    const long = user('hello there, how are you? '.repeat(20_000));
    for (const stream of [false, true])
      await rejects(
        client.messages.create({ ...ask, messages: long, stream }),
        Anthropic.BadRequestError,
        { status: 400 },
      );
  },
  async 'a wrong key is AuthenticationError'() {
    if (apiKey === 'none') return;
    const stranger = new Anthropic({ baseURL: root, apiKey: 'wrong', maxRetries: 0 });
    const error = await rejects(stranger.messages.create(ask), Anthropic.AuthenticationError, {
      status: 401,
    });
    assert.equal(error.error.error.type, 'authentication_error');
  },
  async 'a token may come as Authorization too'() {
    const bearer = new Anthropic({ baseURL: root, apiKey: null, authToken: apiKey, maxRetries: 0 });
    assert.equal((await bearer.messages.create({ ...ask, max_tokens: 1 })).role, 'assistant');
  },
};

await run(checks);
