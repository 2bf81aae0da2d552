// What @google/genai raises when the service refuses or fails.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "@google/genai";

import { ai, client, create, rows, stage, upload } from "./stage.mjs";

const NOBODY = "batches/000000000000000000000000000000000000";

async function caught(promise) {
  const error = await promise.then(
    () => assert.fail("it did not fail"),
    (reason) => reason,
  );
  assert.ok(error instanceof ApiError, String(error));
  return { status: error.status, ...JSON.parse(error.message).error };
}

test("400 for lines that do not fit", async () => {
  const file = await upload(rows("x") + '{"key": "b"}\n' + "{\n");

  const error = await caught(create(file.name));

  assert.equal(error.status, "INVALID_ARGUMENT");
  assert.equal(error.code, 400);
  assert.deepEqual(
    error.message.split("\n").map((line) => line.split(":")[0]),
    ["Error on line 2", "Error on line 3"],
  );
});

test("400 for a bad key", async () => {
  const error = await caught(client({}, "wrong").batches.list({ config: { pageSize: 5 } }));

  assert.equal(error.code, 400);
  assert.equal(error.details[0].reason, "API_KEY_INVALID");
});

test("400 for a job that has ended", async () => {
  const job = await create();
  await stage.advance(60);

  const error = await caught(ai.current.batches.cancel({ name: job.name }));

  assert.deepEqual([error.code, error.status], [400, "FAILED_PRECONDITION"]);
});

test("404 for no such job", async () => {
  for (const call of ["get", "cancel", "delete"]) {
    const error = await caught(ai.current.batches[call]({ name: NOBODY }));

    assert.deepEqual([error.code, error.status], [404, "NOT_FOUND"]);
  }
});

test("404 for no such model", async () => {
  const src = [{ contents: "x" }];
  const error = await caught(
    ai.current.batches.create({ model: "gemini-embedding-001", src }),
  );

  assert.deepEqual([error.code, error.status], [404, "NOT_FOUND"]);
});

test("409 for a name that is taken", async () => {
  await upload("{}\n", { name: "mine" });

  const error = await caught(upload("{}\n", { name: "mine" }));

  assert.deepEqual([error.code, error.status], [409, "ALREADY_EXISTS"]);
});

test("429 for too many open jobs", async () => {
  await stage.open({ max_open_jobs: 1 });
  ai.current = client();
  await create();

  const error = await caught(create());
  await stage.advance(60);

  assert.deepEqual([error.code, error.status], [429, "RESOURCE_EXHAUSTED"]);
  assert.ok((await create()).name);
});

test("429 from the service itself", async () => {
  await stage.fault({ status: 429, headers: { "Retry-After": "7" } });

  const error = await caught(create());

  assert.deepEqual([error.code, error.status], [429, "RESOURCE_EXHAUSTED"]);
});

test("500, 503 and 504", async () => {
  for (const [status, name] of [
    [500, "INTERNAL"],
    [503, "UNAVAILABLE"],
    [504, "DEADLINE_EXCEEDED"],
  ]) {
    for (const call of [create, () => upload("{}\n"), () => ai.current.batches.get({ name: NOBODY })]) {
      await stage.fault({ status });

      const error = await caught(call());

      assert.deepEqual([error.code, error.status], [status, name]);
    }
  }
});

test("a page instead of JSON", async () => {
  const body = "<html>Bad Gateway</html>";
  await stage.fault({ status: 502, body, headers: { "Content-Type": "text/html" } });

  const error = await caught(ai.current.batches.get({ name: NOBODY }));

  assert.equal(error.code, 502);
  assert.match(error.message, /Bad Gateway/);
});

test("it tries again if told to", async () => {
  const job = await create();
  ai.current = client({ retryOptions: { attempts: 3 } });
  await stage.fault({ status: 503 });

  assert.equal((await ai.current.batches.get({ name: job.name })).name, job.name);
});
