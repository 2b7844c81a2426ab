// The official OpenAI SDK against a running server: node openai_test.mjs <base_url> [<api_key>]
// Works with any model: it checks shapes, types, counts and invariants, never what the model says.
// Prints one line per check and ends "N passed, N failed"; exit code 1 if any failed.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { collect, rejects, run, slotsAreFree } from './checks.mjs';

const [baseUrl, apiKey = 'none'] = process.argv.slice(2);
if (!baseUrl) {
  console.error('usage: node openai_test.mjs <base_url> [<api_key>]');
  process.exit(2);
}
const root = baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '');
// Node's own fetch: the one that this SDK brings takes each chunked stream for one that was cut,
// on Node 18.20.
const { fetch } = globalThis;
const baseURL = `${root}/v1`;
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 120_000, fetch });
// Version 4 has it among what is not final.
const streamHelper = client.chat.completions.stream
  ? client.chat.completions
  : client.beta.chat.completions;

const user = (content) => [{ role: 'user', content }];
const say = user('Say hello.');
let model = '';

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather at a place',
    parameters: {
      type: 'object',
      properties: { location: { type: 'string', enum: ['Paris', 'Rome'] } },
      required: ['location'],
      additionalProperties: false,
    },
  },
};
const clock = {
  type: 'function',
  function: {
    name: 'get_time',
    parameters: { type: 'object', properties: {}, additionalProperties: false },
  },
};

function checkUsage(usage) {
  assert.ok(usage.prompt_tokens > 0);
  assert.ok(usage.completion_tokens > 0);
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
  assert.ok(usage.prompt_tokens_details.cached_tokens >= 0);
  assert.ok(usage.prompt_tokens_details.cached_tokens <= usage.prompt_tokens);
}

const checks = {
  async 'models.list gives the models'() {
    const page = await client.models.list();
    assert.ok(page.data.length >= 1);
    model = page.data[0].id;
    assert.equal(page.data[0].object, 'model');
    assert.equal(typeof page.data[0].created, 'number');
    assert.equal(typeof page.data[0].owned_by, 'string');
  },
  async 'models.retrieve gives one of them'() {
    assert.equal((await client.models.retrieve(model)).id, model);
  },
  async 'models.retrieve of another is NotFoundError'() {
    await rejects(client.models.retrieve('org/no-such-model'), OpenAI.NotFoundError, {
      status: 404,
      code: 'model_not_found',
      param: 'model',
    });
  },

  async 'chat gives a whole completion'() {
    const answer = await client.chat.completions.create({
      model,
      messages: say,
      max_tokens: 24,
      temperature: 0,
    });
    assert.match(answer.id, /^chatcmpl-/);
    assert.equal(answer.object, 'chat.completion');
    assert.equal(answer.model, model);
    assert.ok(Math.abs(answer.created - Date.now() / 1000) < 60);
    assert.equal(answer.choices.length, 1);
    const [choice] = answer.choices;
    assert.equal(choice.index, 0);
    assert.equal(choice.message.role, 'assistant');
    assert.equal(typeof choice.message.content, 'string');
    assert.equal(choice.message.refusal, null);
    assert.equal(choice.logprobs, null);
    assert.ok(['stop', 'length'].includes(choice.finish_reason));
    checkUsage(answer.usage);
    assert.match(answer._request_id, /^req_/);
  },
  async 'chat reports timings as llama-server does'() {
    const { timings, usage } = await client.chat.completions.create({
      model,
      messages: say,
      max_tokens: 4,
    });
    for (const name of [
      'cache_n',
      'prompt_n',
      'prompt_ms',
      'prompt_per_token_ms',
      'prompt_per_second',
      'predicted_n',
      'predicted_ms',
      'predicted_per_token_ms',
      'predicted_per_second',
    ])
      assert.equal(typeof timings[name], 'number', name);
    assert.equal(timings.cache_n + timings.prompt_n, usage.prompt_tokens);
    assert.equal(timings.predicted_n, usage.completion_tokens);
  },
  async 'chat ends with length at max_tokens, also by its newer name'() {
    for (const name of ['max_tokens', 'max_completion_tokens']) {
      const answer = await client.chat.completions.create({
        model,
        messages: say,
        [name]: 1,
        temperature: 0,
      });
      assert.equal(answer.choices[0].finish_reason, 'length');
      assert.equal(answer.usage.completion_tokens, 1);
    }
  },
  async 'chat is the same for the same seed'() {
    const ask = () =>
      client.chat.completions.create({
        model,
        messages: say,
        seed: 7,
        temperature: 1.5,
        max_tokens: 12,
      });
    const [first, second] = [await ask(), await ask()];
    assert.equal(first.choices[0].message.content, second.choices[0].message.content);
    assert.equal(first.system_fingerprint, second.system_fingerprint);
  },
  async 'chat takes every role and content as parts'() {
    const answer = await client.chat.completions.create({
      model,
      max_tokens: 4,
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is the' },
            { type: 'text', text: 'weather?' },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            {
              id: 'call_1',
              type: 'function',
              function: { name: 'get_weather', arguments: '{"location":"Paris"}' },
            },
          ],
        },
        { role: 'tool', tool_call_id: 'call_1', content: '{"temp": 18}' },
      ],
      tools: [weather],
    });
    assert.equal(answer.choices.length, 1);
  },
  async 'chat stops before a stop string'() {
    const ask = { model, messages: say, temperature: 0, max_tokens: 24 };
    const text = (await client.chat.completions.create(ask)).choices[0].message.content;
    const stop = text.slice(2, 4);
    const cut = await client.chat.completions.create({ ...ask, stop: [stop, 'never said'] });
    assert.equal(cut.choices[0].message.content, text.slice(0, text.indexOf(stop)));
    assert.equal(cut.choices[0].finish_reason, 'stop');
  },
  async 'chat gives n choices and counts the prompt once'() {
    const one = await client.chat.completions.create({ model, messages: say, max_tokens: 4 });
    const answer = await client.chat.completions.create({
      model,
      messages: say,
      n: 3,
      seed: 1,
      max_tokens: 4,
    });
    assert.deepEqual(
      answer.choices.map((choice) => choice.index),
      [0, 1, 2],
    );
    assert.equal(answer.usage.prompt_tokens, one.usage.prompt_tokens);
    assert.ok(answer.usage.completion_tokens >= 3);
  },
  async 'chat gives logprobs'() {
    const answer = await client.chat.completions.create({
      model,
      messages: say,
      max_tokens: 6,
      temperature: 0,
      logprobs: true,
      top_logprobs: 3,
    });
    const { content, refusal } = answer.choices[0].logprobs;
    assert.equal(refusal, null);
    assert.ok(content.length > 0);
    for (const entry of content) {
      assert.equal(typeof entry.token, 'string');
      assert.ok(entry.logprob <= 0);
      assert.ok(entry.bytes.every((byte) => byte >= 0 && byte <= 255));
      assert.equal(entry.top_logprobs.length, 3);
      assert.ok(entry.top_logprobs[0].logprob >= entry.top_logprobs[2].logprob);
    }
    const bytes = Buffer.from(content.flatMap((entry) => entry.bytes));
    assert.ok(bytes.toString('utf8').startsWith(answer.choices[0].message.content.slice(0, 4)));
  },

  async 'a stream begins with the role and ends with a reason'() {
    const chunks = await collect(
      await client.chat.completions.create({
        model,
        messages: say,
        stream: true,
        max_tokens: 12,
        temperature: 0,
      }),
    );
    const [first] = chunks;
    const last = chunks.at(-1);
    assert.equal(first.object, 'chat.completion.chunk');
    assert.equal(first.choices[0].delta.role, 'assistant');
    assert.equal(first.choices[0].delta.content, '');
    assert.ok(['stop', 'length'].includes(last.choices[0].finish_reason));
    assert.deepEqual(last.choices[0].delta, {});
    assert.ok(chunks.every((chunk) => chunk.id === first.id && !('usage' in chunk)));
    const text = chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join('');
    const whole = await client.chat.completions.create({
      model,
      messages: say,
      max_tokens: 12,
      temperature: 0,
    });
    assert.equal(text, whole.choices[0].message.content);
  },
  async 'a stream ends with the usage when asked to'() {
    const chunks = await collect(
      await client.chat.completions.create({
        model,
        messages: say,
        stream: true,
        stream_options: { include_usage: true },
        max_tokens: 6,
      }),
    );
    const last = chunks.at(-1);
    assert.deepEqual(last.choices, []);
    checkUsage(last.usage);
    assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null));
  },
  async 'a stream of n choices finishes each'() {
    const chunks = await collect(
      await client.chat.completions.create({
        model,
        messages: say,
        stream: true,
        n: 2,
        max_tokens: 4,
      }),
    );
    for (const index of [0, 1]) {
      const own = chunks
        .flatMap((chunk) => chunk.choices)
        .filter((choice) => choice.index === index);
      assert.equal(own[0].delta.role, 'assistant');
      assert.ok(own.at(-1).finish_reason);
      assert.equal(own.filter((choice) => choice.finish_reason).length, 1);
    }
  },
  async 'the stream helper of the SDK puts it together'() {
    const runner = streamHelper.stream({
      model,
      messages: say,
      max_tokens: 8,
      stream_options: { include_usage: true },
    });
    const final = await runner.finalChatCompletion();
    assert.equal(final.choices[0].message.role, 'assistant');
    checkUsage(final.usage);
    assert.ok(typeof (await runner.finalContent()) === 'string');
  },
  async 'a stream can be aborted, and the server goes on'() {
    const controller = new AbortController();
    const stream = await client.chat.completions.create(
      { model, messages: say, stream: true, max_tokens: 500, ignore_eos: true },
      { signal: controller.signal },
    );
    let chunks = 0;
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      if (++chunks === 3) controller.abort();
    }
    assert.ok(chunks >= 3 && chunks < 100, `${chunks} chunks`);
    const after = await client.chat.completions.create({ model, messages: say, max_tokens: 2 });
    assert.equal(after.choices.length, 1);
  },
  async 'a waiting request can be aborted'() {
    const controller = new AbortController();
    const pending = client.chat.completions.create(
      { model, messages: say, max_tokens: 500, ignore_eos: true },
      { signal: controller.signal },
    );
    setTimeout(() => controller.abort(), 50);
    await rejects(pending, OpenAI.APIUserAbortError, {});
  },

  async 'tool_choice required gives a call with valid arguments'() {
    const answer = await client.chat.completions.create({
      model,
      messages: user('What is the weather in Paris?'),
      tools: [weather],
      tool_choice: 'required',
      max_tokens: 200,
      temperature: 0,
    });
    const [choice] = answer.choices;
    assert.equal(choice.finish_reason, 'tool_calls');
    assert.equal(choice.message.content, null);
    const [call] = choice.message.tool_calls;
    assert.equal(call.type, 'function');
    assert.ok(call.id.length > 0);
    assert.equal(call.function.name, 'get_weather');
    assert.ok(['Paris', 'Rome'].includes(JSON.parse(call.function.arguments).location));
  },
  async 'tool_choice naming a function gives that one'() {
    const answer = await client.chat.completions.create({
      model,
      messages: user('What is the weather in Paris?'),
      tools: [weather, clock],
      tool_choice: { type: 'function', function: { name: 'get_time' } },
      max_tokens: 200,
      temperature: 0,
    });
    assert.equal(answer.choices[0].message.tool_calls[0].function.name, 'get_time');
    assert.deepEqual(JSON.parse(answer.choices[0].message.tool_calls[0].function.arguments), {});
  },
  async 'tool_choice none gives text'() {
    const answer = await client.chat.completions.create({
      model,
      messages: user('What is the weather in Paris?'),
      tools: [weather],
      tool_choice: 'none',
      max_tokens: 24,
    });
    assert.equal(answer.choices[0].message.tool_calls, undefined);
  },
  async 'a streamed tool call puts itself together'() {
    const chunks = await collect(
      await client.chat.completions.create({
        model,
        messages: user('What is the weather in Paris?'),
        tools: [weather],
        tool_choice: 'required',
        stream: true,
        max_tokens: 200,
        temperature: 0,
      }),
    );
    const pieces = chunks
      .flatMap((chunk) => chunk.choices[0].delta.tool_calls ?? [])
      .filter((call) => call.index === 0);
    assert.ok(pieces[0].id.length > 0);
    assert.equal(pieces[0].type, 'function');
    assert.equal(pieces[0].function.name, 'get_weather');
    assert.ok(pieces.slice(1).every((piece) => piece.id === undefined));
    const text = pieces.map((piece) => piece.function.arguments ?? '').join('');
    assert.ok(['Paris', 'Rome'].includes(JSON.parse(text).location));
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'tool_calls');
  },
  async 'response_format json_schema gives JSON of that shape'() {
    const answer = await client.chat.completions.create({
      model,
      messages: user('Name a city.'),
      max_tokens: 200,
      temperature: 0,
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'city',
          strict: true,
          schema: {
            type: 'object',
            properties: {
              city: { type: 'string', enum: ['Rome', 'Oslo'] },
              big: { type: 'boolean' },
            },
            required: ['city', 'big'],
            additionalProperties: false,
          },
        },
      },
    });
    const value = JSON.parse(answer.choices[0].message.content);
    assert.deepEqual(Object.keys(value).sort(), ['big', 'city']);
    assert.ok(['Rome', 'Oslo'].includes(value.city));
    assert.equal(typeof value.big, 'boolean');
  },

  async 'completions give text, with echo, of several prompts'() {
    const answer = await client.completions.create({
      model,
      prompt: ['One,', 'Two,'],
      max_tokens: 3,
      echo: true,
    });
    assert.match(answer.id, /^cmpl-/);
    assert.equal(answer.object, 'text_completion');
    assert.equal(answer.choices.length, 2);
    assert.ok(answer.choices[0].text.startsWith('One,'));
    assert.ok(answer.choices[1].text.startsWith('Two,'));
    checkUsage(answer.usage);
  },
  async 'completions give the legacy logprobs'() {
    const answer = await client.completions.create({
      model,
      prompt: 'One,',
      max_tokens: 3,
      logprobs: 2,
      temperature: 0,
    });
    const { tokens, token_logprobs, top_logprobs, text_offset } = answer.choices[0].logprobs;
    for (const list of [token_logprobs, top_logprobs, text_offset])
      assert.equal(list.length, tokens.length);
    assert.equal(text_offset[0], 0);
    assert.ok(token_logprobs.every((value) => value <= 0));
  },
  async 'completions stream'() {
    const chunks = await collect(
      await client.completions.create({ model, prompt: 'One,', max_tokens: 4, stream: true }),
    );
    assert.ok(chunks.every((chunk) => chunk.object === 'text_completion'));
    assert.ok(chunks.at(-1).choices[0].finish_reason);
  },

  async 'embeddings come as base64, which the SDK asks for, and as numbers'() {
    const packed = await client.embeddings.create({ model, input: 'hello' });
    const plain = await client.embeddings.create({
      model,
      input: 'hello',
      encoding_format: 'float',
    });
    assert.equal(packed.object, 'list');
    const [a, b] = [packed.data[0].embedding, plain.data[0].embedding];
    assert.equal(a.length, b.length);
    assert.ok(a.every((value, i) => Math.abs(value - b[i]) < 1e-6));
    const length = Math.sqrt(b.reduce((sum, value) => sum + value * value, 0));
    assert.ok(Math.abs(length - 1) < 1e-3, `length ${length}`);
    assert.ok(packed.usage.prompt_tokens > 0);
    assert.equal(packed.usage.total_tokens, packed.usage.prompt_tokens);
  },
  async 'embeddings of several inputs keep their order'() {
    const answer = await client.embeddings.create({
      model,
      input: ['hello', 'goodbye'],
      encoding_format: 'float',
    });
    assert.deepEqual(
      answer.data.map((entry) => entry.index),
      [0, 1],
    );
    assert.notDeepEqual(answer.data[0].embedding, answer.data[1].embedding);
    const wrong = answer.data[0].embedding.length + 1;
    await rejects(
      client.embeddings.create({ model, input: 'hello', dimensions: wrong }),
      OpenAI.BadRequestError,
      { status: 400, param: 'dimensions' },
    );
  },

  async 'an unknown model is NotFoundError'() {
    await rejects(
      client.chat.completions.create({ model: 'gpt-9', messages: say }),
      OpenAI.NotFoundError,
      { status: 404, code: 'model_not_found' },
    );
  },
  async 'bad fields are BadRequestError naming the field'() {
    const cases = [
      [{ temperature: 3 }, 'temperature'],
      [{ max_tokens: 1e18 }, 'max_tokens'],
      [{ messages: [] }, 'messages'],
      [{ messages: [{ role: 'user' }] }, 'messages[0].content'],
      [{ messages: [{ role: 'nobody', content: 'a' }] }, 'messages[0].role'],
      [
        { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
        'messages[0].content[0].image_url.url',
      ],
      [{ tools: [weather, weather] }, 'tools[1].function.name'],
      [
        { tools: [weather], tool_choice: { type: 'function', function: { name: 'other' } } },
        'tool_choice.function.name',
      ],
      [{ n: 9 }, 'n'],
      [{ top_logprobs: 2 }, 'top_logprobs'],
    ];
    for (const [fields, param] of cases) {
      const error = await rejects(
        client.chat.completions.create({ model, messages: say, ...fields }),
        OpenAI.BadRequestError,
        { status: 400, param, type: 'invalid_request_error' },
      );
      assert.ok(error.message.includes(param), error.message);
    }
  },
  async 'an image is BadRequestError: the models here see none'() {
    const url = 'data:image/png;base64,iVBORw0KGgo=';
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url } },
    ];
    const error = await rejects(
      client.chat.completions.create({ model, messages: user(content) }),
      OpenAI.BadRequestError,
      { status: 400, param: 'messages' },
    );
    assert.match(error.message, /cannot see images/);
  },
  async 'a wrong key is AuthenticationError'() {
    if (apiKey === 'none') return;
    const stranger = new OpenAI({ baseURL: `${root}/v1`, apiKey: 'wrong', maxRetries: 0 });
    await rejects(stranger.models.list(), OpenAI.AuthenticationError, { status: 401 });
    await rejects(stranger.responses.retrieve('resp_1'), OpenAI.AuthenticationError, {
      status: 401,
    });
  },

  async 'responses give a whole one, with its text'() {
    const answer = await client.responses.create({
      model,
      input: 'Say hello.',
      instructions: 'Be brief.',
      max_output_tokens: 24,
      temperature: 0,
      metadata: { a: 'b' },
    });
    assert.match(answer.id, /^resp_/);
    assert.equal(answer.object, 'response');
    assert.equal(answer.model, model);
    assert.ok(['completed', 'incomplete'].includes(answer.status));
    assert.equal(typeof answer.output_text, 'string');
    assert.equal(answer.output.at(-1).role, 'assistant');
    assert.equal(answer.instructions, 'Be brief.');
    assert.deepEqual(answer.metadata, { a: 'b' });
    assert.equal(
      answer.usage.total_tokens,
      answer.usage.input_tokens + answer.usage.output_tokens,
    );
  },
  async 'responses stream typed events, numbered, that end with the whole'() {
    const ask = { model, input: 'Say hello.', max_output_tokens: 12, temperature: 0 };
    const events = await collect(await client.responses.create({ ...ask, stream: true }));
    assert.deepEqual(
      events.map((event) => event.sequence_number),
      events.map((_, index) => index),
    );
    assert.equal(events[0].type, 'response.created');
    const text = events
      .filter((event) => event.type === 'response.output_text.delta')
      .map((event) => event.delta)
      .join('');
    const last = events.at(-1);
    assert.ok(['response.completed', 'response.incomplete'].includes(last.type));
    assert.equal(last.response.output.at(-1).content[0].text, text);
    assert.equal((await client.responses.create(ask)).output_text, text);
    const again = await client.responses.retrieve(last.response.id);
    assert.deepEqual(again.output, last.response.output);
  },
  async 'the stream helper of responses puts one together'() {
    const final = await client.responses
      .stream({ model, input: 'Say hello.', max_output_tokens: 8 })
      .finalResponse();
    assert.match(final.id, /^resp_/);
    assert.equal(typeof final.output.at(-1).content[0].text, 'string');
  },
  async 'responses are retrieved, listed by what was asked, and deleted'() {
    const made = await client.responses.create({ model, input: 'Hi.', max_output_tokens: 4 });
    const got = await client.responses.retrieve(made.id);
    assert.deepEqual(got.output, made.output);
    const items = await client.responses.inputItems.list(made.id);
    assert.equal(items.data[0].content[0].text, 'Hi.');
    await client.responses.del(made.id);
    await rejects(client.responses.retrieve(made.id), OpenAI.NotFoundError, { status: 404 });
  },
  async 'responses that are not stored are not found'() {
    const made = await client.responses.create({
      model,
      input: 'Hi.',
      max_output_tokens: 4,
      store: false,
    });
    await rejects(client.responses.retrieve(made.id), OpenAI.NotFoundError, { status: 404 });
  },
  async 'a response follows another, whose tokens are not computed again'() {
    const ask = { model, max_output_tokens: 8, temperature: 0 };
    const first = await client.responses.create({ ...ask, input: 'My name is Ann.' });
    const next = { ...ask, input: 'What is my name?', previous_response_id: first.id };
    const second = await client.responses.create(next);
    assert.equal(second.previous_response_id, first.id);
    assert.ok(second.usage.input_tokens > first.usage.total_tokens);
    const { cached_tokens: cached } = second.usage.input_tokens_details;
    assert.ok(cached >= first.usage.total_tokens - 1, `${cached} cached`);
    const fork = await client.responses.create({ ...next, input: 'Say hello.' });
    assert.ok(fork.usage.input_tokens > first.usage.total_tokens);
    await rejects(
      client.responses.create({ ...next, previous_response_id: 'resp_none' }),
      OpenAI.NotFoundError,
      { status: 404, param: 'previous_response_id' },
    );
  },
  async 'responses call a tool and take its output'() {
    const tool = { type: 'function', ...weather.function, strict: true };
    const called = await client.responses.create({
      model,
      input: 'What is the weather in Paris?',
      tools: [tool],
      tool_choice: 'required',
      max_output_tokens: 200,
      temperature: 0,
    });
    const call = called.output.find((item) => item.type === 'function_call');
    assert.equal(call.name, 'get_weather');
    assert.ok(['Paris', 'Rome'].includes(JSON.parse(call.arguments).location));
    const output = { type: 'function_call_output', call_id: call.call_id, output: '{"temp": 18}' };
    const said = await client.responses.create({
      model,
      previous_response_id: called.id,
      input: [output],
      tools: [tool],
      max_output_tokens: 24,
    });
    assert.ok(said.output.length > 0);
    await rejects(
      client.responses.create({ model, previous_response_id: called.id, input: 'And?' }),
      OpenAI.BadRequestError,
      { status: 400, param: 'input' },
    );
  },
  async 'a background response is made, and another one cancelled'() {
    const ask = { model, input: 'Say hello.', background: true };
    let made = await client.responses.create({ ...ask, max_output_tokens: 4 });
    assert.ok(['queued', 'in_progress'].includes(made.status));
    while (['queued', 'in_progress'].includes(made.status))
      made = await client.responses.retrieve(made.id);
    assert.ok(['completed', 'incomplete'].includes(made.status), made.status);
    const endless = await client.responses.create({
      ...ask,
      text: {
        format: {
          type: 'json_schema',
          name: 'long',
          schema: { type: 'array', minItems: 900, items: { const: 'again and again' } },
        },
      },
    });
    await client.responses.cancel(endless.id);
    assert.equal((await client.responses.retrieve(endless.id)).status, 'cancelled');
    await slotsAreFree(root, apiKey);
  },
  async 'bad fields of responses are BadRequestError'() {
    const cases = [
      [{ temperature: 3 }, 'temperature'],
      [{ input: [] }, 'input'],
      [{ background: true, store: false }, 'background'],
      [{ conversation: 'conv_1' }, 'conversation'],
    ];
    for (const [fields, param] of cases)
      await rejects(
        client.responses.create({ model, input: 'Hi.', ...fields }),
        OpenAI.BadRequestError,
        { status: 400, param, type: 'invalid_request_error' },
      );
  },
  async 'a stream of responses can be aborted'() {
    const controller = new AbortController();
    const stream = await client.responses.create(
      {
        model,
        input: 'Say hello.',
        stream: true,
        text: {
          format: {
            type: 'json_schema',
            name: 'long',
            schema: { type: 'array', minItems: 900, items: { const: 'again and again' } },
          },
        },
      },
      { signal: controller.signal },
    );
    let events = 0;
    for await (const event of stream) {
      assert.notEqual(event.type, 'response.completed');
      if (++events === 6) controller.abort();
    }
    assert.ok(events >= 6, `${events} events`);  // the client still gives what it had read
    await slotsAreFree(root, apiKey);
  },
  async 'a bad grammar or schema is BadRequestError, in a stream too'() {
    for (const stream of [false, true])
      await rejects(
        client.chat.completions.create({ model, messages: say, stream, grammar: 'root ::= (' }),
        OpenAI.BadRequestError,
        { status: 400 },
      );
  },
  async 'a prompt above the context is BadRequestError with both numbers'() {
    const context = (await client.models.retrieve(model)).meta.n_ctx;
    const long = user('hello there, how are you? '.repeat(context));
    for (const stream of [false, true]) {
      const error = await rejects(
        client.chat.completions.create({ model, messages: long, stream }),
        OpenAI.BadRequestError,
        { status: 400, code: 'context_length_exceeded', param: 'messages' },
      );
      assert.ok(error.message.includes(String(context)), error.message);
      assert.ok(
        error.message.match(/\d+/g).some((number) => Number(number) > context),
        error.message,
      );
    }
  },
  async 'an unknown path is NotFoundError'() {
    await rejects(client.post('/no/such/path', { body: {} }), OpenAI.NotFoundError, {
      status: 404,
    });
  },
  async 'a wrong method is refused with 405'() {
    await rejects(client.get('/chat/completions'), OpenAI.APIError, { status: 405 });
  },
};

await run(checks);
