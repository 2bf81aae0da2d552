// @google/genai's file calls, judged by what they return.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { MIB, MODEL, ai, all, get, rows, stage, upload } from "./stage.mjs";

let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "conformance-"));
});
after(() => rm(folder, { recursive: true }));

// One chunk, one chunk exactly, several with a rest, several exactly.
const SIZES = [1, 8 * MIB, 17 * MIB + 5, 24 * MIB];

function noise(size) {
  const block = createHash("sha512").update("noise").digest();
  return Buffer.alloc(size, block);
}

const digest = (data) =>
  Buffer.from(createHash("sha256").update(data).digest("hex")).toString("base64");

function check(file, data) {
  assert.match(file.name, /^files\/[a-z0-9-]{1,40}$/);
  assert.equal(file.sizeBytes, String(data.length));
  assert.equal(file.sha256Hash, digest(data));
  assert.equal(file.mimeType, "application/jsonl");
  assert.equal(file.state, "ACTIVE");
  assert.equal(file.source, "UPLOADED");
  const life = Date.parse(file.expirationTime) - Date.parse(file.createTime);
  assert.equal(life, 48 * 3600 * 1000);
}

test("upload from a path, in one chunk or several", async () => {
  for (const size of SIZES) {
    const path = join(folder, "input.jsonl");
    await writeFile(path, noise(size));
    const config = { mimeType: "application/jsonl" };
    check(await ai.current.files.upload({ file: path, config }), noise(size));
  }
});

test("upload from bytes, in one chunk or several", async () => {
  for (const size of SIZES) {
    const file = new Blob([noise(size)], { type: "application/jsonl" });
    check(await ai.current.files.upload({ file }), noise(size));
  }
});

test("a large upload comes in chunks of 8 MiB", async () => {
  await ai.current.files.upload({
    file: new Blob([noise(20 * MIB)]),
    config: { mimeType: "jsonl" },
  });

  const chunks = (await stage.log()).slice(1);
  assert.deepEqual(
    chunks.map((entry) => [entry.command, entry.bytes_in / MIB]),
    [
      ["upload", 8],
      ["upload", 8],
      ["upload, finalize", 4],
    ],
  );
});

test("a file has the name it was given", async () => {
  const made = await upload("{}\n", { name: "my-input", displayName: "Eingabe für heute" });
  const found = await ai.current.files.get({ name: "my-input" });

  assert.equal(made.name, "files/my-input");
  assert.equal(found.displayName, "Eingabe für heute");
  assert.deepEqual(found, made);
});

test("the files are listed across pages", async () => {
  const made = [];
  for (let n = 0; n < 5; n++) made.unshift((await upload("{}\n")).name);

  const listed = await all(ai.current.files.list({ config: { pageSize: 2 } }));

  assert.deepEqual(
    listed.map((file) => file.name),
    made,
  );
});

test("a deleted file is gone", async () => {
  const { name } = await upload("{}\n");

  await ai.current.files.delete({ name });

  await assert.rejects(ai.current.files.get({ name }), (error) =>
    [403, 404].includes(error.status),
  );
  assert.deepEqual(await all(ai.current.files.list()), []);
});

test("a file expires after two days", async () => {
  const { name } = await upload("{}\n");
  await stage.advance(48 * 3600 - 1);
  assert.equal((await ai.current.files.get({ name })).name, name);

  await stage.advance(1);

  await assert.rejects(ai.current.files.get({ name }));
});

test("a result file is downloaded to a place", async () => {
  const file = await upload(rows("One", "Two"));
  const job = await ai.current.batches.create({ model: MODEL, src: file.name });
  await stage.advance(60);
  const done = await get(job);
  const downloadPath = join(folder, "results.jsonl");

  await ai.current.files.download({ file: done.dest.fileName, downloadPath });

  const lines = (await readFile(downloadPath, "utf8")).trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).key),
    ["r0", "r1"],
  );
});

test("an uploaded file cannot be downloaded", async () => {
  const { name } = await upload("{}\n");
  const downloadPath = join(folder, "refused.jsonl");

  await assert.rejects(ai.current.files.download({ file: name, downloadPath }), {
    name: "ApiError",
    status: 400,
  });
});
