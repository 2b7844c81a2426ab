// What the checks of all SDKs share, and gRPC's.
import assert from 'node:assert/strict';

export async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/// The error that a promise is rejected with, which must be of this class and have these members.
export async function rejects(promise, errorClass, want) {
  let error;
  try {
    await promise;
  } catch (caught) {
    error = caught;
  }
  assert.ok(error, 'it was accepted');
  assert.ok(error instanceof errorClass, `${error.constructor.name}: ${error.message}`);
  for (const [key, value] of Object.entries(want))
    assert.equal(error[key], value, `${key} of: ${error.message}`);
  return error;
}

/// Waits until no model computes any more; what was given up must stop soon.
export async function slotsAreFree(root, apiKey) {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const answer = await fetch(`${root}/metrics`, {
      headers: { Authorization: `Bearer ${apiKey}` },
    });
    const running = [...(await answer.text()).matchAll(/^hearth_requests_running\{.*\} (\d+)$/gm)];
    assert.ok(running.length > 0);
    if (running.every(([, count]) => count === '0')) return;
    assert.ok(Date.now() < deadline, 'the model still computes');
  }
}

/// Prints one line per check and ends the process: exit code 1 if any failed.
export async function run(checks) {
  let passed = 0,
    failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      ++passed;
      console.log(`ok      ${name}`);
    } catch (error) {
      ++failed;
      console.log(
        `FAILED  ${name}\n        ${String(error?.stack ?? error)
          .split('\n')
          .slice(0, 8)
          .join('\n        ')}`,
      );
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}
