// What @google/genai cannot do; ../README.md lists it. A new release may fail these.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { EMBEDDER, MIB, ai, all, client, create, get, rows, stage, upload } from "./stage.mjs";

test("it does not tell why a job failed", async () => {
  const job = await create();
  const look = { state: "BATCH_STATE_FAILED", error: { code: 9, message: "Because." } };
  await stage.script(job.name, look);

  assert.equal((await get(job)).error, undefined);
});

test("it shows no counts, no source and no start", async () => {
  const job = await create((await upload(rows("a", "b"))).name);
  await stage.advance(60);
  const done = await get(job);

  assert.equal(done.completionStats, undefined);
  assert.equal(done.src, undefined);
  assert.equal(done.startTime, undefined);
});

test("its list is empty unless a page size is given", async () => {
  await create();

  assert.deepEqual(await all(ai.current.batches.list()), []);
});

test("it cannot filter a list", async () => {
  await assert.rejects(
    all(ai.current.batches.list({ config: { pageSize: 5, filter: "x" } })),
    /filter parameter is only supported/,
  );
});

test("it has no update and drops a priority", async () => {
  assert.equal(ai.current.batches.update, undefined);
  await create([{ contents: "x" }], { priority: 5 });
});

test("embeddings that all failed are taken for texts", async () => {
  const job = await ai.current.batches.createEmbeddings({
    model: EMBEDDER,
    src: { inlinedRequests: { contents: ["[emulator:error:13]"] } },
  });
  await stage.advance(60);
  const done = await get(job);

  assert.equal(done.dest.inlinedEmbedContentResponses, undefined);
  assert.equal(done.dest.inlinedResponses[0].error.code, 13);
});

test("an error with details in a row can be read", async () => {
  const error = { code: 3, message: "No.", details: [{ "@type": "x", reason: "Y" }] };
  const output = { inlinedResponses: { inlinedResponses: [{ error }] } };
  const job = await create();
  await stage.script(job.name, { state: "BATCH_STATE_SUCCEEDED", output, response: output });

  assert.deepEqual((await get(job)).dest.inlinedResponses[0].error.details, error.details);
});

test("an unknown state is kept by its wire name", async () => {
  const job = await create();
  await stage.script(job.name, "BATCH_STATE_FROZEN");

  assert.equal((await get(job)).state, "BATCH_STATE_FROZEN");
});

test("metadata may be anything", async () => {
  const job = await create([{ contents: "x", metadata: { row: 1 } }]);
  await stage.advance(60);

  assert.deepEqual((await get(job)).dest.inlinedResponses[0].metadata, { row: 1 });
});

test("metadata of embeddings are dropped", async () => {
  const inlinedRequests = { contents: ["a"], metadata: { key: "a" } };
  const job = await ai.current.batches.createEmbeddings({ model: EMBEDDER, src: { inlinedRequests } });
  await stage.advance(60);

  const [answer] = (await get(job)).dest.inlinedEmbedContentResponses;
  assert.ok(answer.response.embedding);
  assert.equal(answer.metadata, undefined);
});

test("it does not guess the type of a JSONL file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "conformance-"));
  const file = join(folder, "input.jsonl");
  await writeFile(file, rows("x"));

  await assert.rejects(ai.current.files.upload({ file }), /Can not determine mimeType/);
  await rm(folder, { recursive: true });
});

test("a cut download ends the program, whatever it catches", async () => {
  const job = await create((await upload(rows("a"))).name);
  await stage.advance(60);
  const { dest } = await get(job);
  await stage.fault({ path: "*:download", truncate_after: 10 });
  const program = `
    import { GoogleGenAI } from "@google/genai";
    const [apiKey, baseUrl, file, downloadPath] = process.argv.slice(1);
    const ai = new GoogleGenAI({ apiKey, httpOptions: { baseUrl } });
    try {
      await ai.files.download({ file, downloadPath });
    } catch {
    }
    console.log("it went on");
  `;
  const folder = await mkdtemp(join(tmpdir(), "conformance-"));

  const done = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", program, stage.key, stage.url, dest.fileName, join(folder, "x")],
    { encoding: "utf8" },
  );
  await rm(folder, { recursive: true });

  assert.equal(done.status, 1);
  assert.equal(done.stdout, "");
  assert.match(done.stderr, /TypeError: terminated/);
});

test("it cuts the address of a result file short", async () => {
  const job = await create((await upload(rows("a"))).name);
  await stage.advance(60);
  const name = (await get(job)).dest.fileName;
  const file = `https://generativelanguage.googleapis.com/v1beta/${name}:download?alt=media`;

  await assert.rejects(ai.current.files.download({ file, downloadPath: "unused" }), /File batch or/);
});

test("it cannot download by the record of a result file", async () => {
  // It takes the record for a video and goes by its address.
  await stage.open({ long_file_ids: true });
  ai.current = client();
  const job = await create((await upload(rows("a"))).name);
  await stage.advance(60);
  const file = await ai.current.files.get({ name: (await get(job)).dest.fileName });

  await assert.rejects(ai.current.files.download({ file, downloadPath: "unused" }));
});

test("it does not give results as bytes", async () => {
  const job = await create((await upload(rows("a"))).name);
  await stage.advance(60);
  const { dest } = await get(job);

  assert.equal(await ai.current.files.download({ file: dest.fileName }), undefined);
});

test("an upload does not survive a cut connection", async () => {
  await stage.fault({ command: "upload, finalize", drop_body_after: MIB });
  const file = new Blob([new Uint8Array(20 * MIB)]);

  await assert.rejects(ai.current.files.upload({ file, config: { mimeType: "jsonl" } }));

  const commands = (await stage.log()).map((entry) => entry.command);
  assert.ok(!commands.includes("query"));
});

test("it cannot upload an empty file", async () => {
  await assert.rejects(upload(""));
});

test("told to try again, it still gives up at a cut connection", async () => {
  ai.current = client({ retryOptions: { attempts: 3 } });
  await stage.fault({ path: "/v1*/batches", drop: "before" });

  await assert.rejects(all(ai.current.batches.list({ config: { pageSize: 5 } })));
});

test("a lost answer to create leaves a job behind", async () => {
  await stage.fault({ path: "*:batchGenerateContent", drop: "after" });

  await assert.rejects(create());

  assert.equal((await all(ai.current.batches.list({ config: { pageSize: 5 } }))).length, 1);
});

test("it gets no record of a result file", async () => {
  const job = await create((await upload(rows("a"))).name);
  await stage.advance(60);
  const { dest } = await get(job);

  await assert.rejects(ai.current.files.get({ name: dest.fileName }), { status: 400 });
});
