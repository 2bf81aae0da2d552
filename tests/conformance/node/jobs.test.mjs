// @google/genai's batch calls, judged by what they return.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import {
  BlockedReason,
  FinishReason,
  FunctionCallingConfigMode,
  HarmBlockThreshold,
  HarmCategory,
  JobState,
  Type,
} from "@google/genai";

import {
  EMBEDDER,
  MIB,
  MODEL,
  ai,
  all,
  client,
  create,
  get,
  jsonl,
  rows,
  stage,
  upload,
} from "./stage.mjs";

let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "conformance-"));
});
after(() => rm(folder, { recursive: true }));

async function download(job) {
  const downloadPath = join(folder, "results.jsonl");
  await ai.current.files.download({ file: job.dest.fileName, downloadPath });
  const lines = (await readFile(downloadPath, "utf8")).trimEnd().split("\n");
  return new Map(lines.map((line) => [JSON.parse(line).key, JSON.parse(line)]));
}

async function answers(requests) {
  const job = await create(requests);
  await stage.advance(60);
  const done = await get(job);
  assert.equal(done.state, JobState.JOB_STATE_SUCCEEDED);
  return done.dest.inlinedResponses;
}

const text = (answer) => answer.response.candidates[0].content.parts[0].text;

test("the life of a job made from a file", async () => {
  const file = await upload(rows("One", "Two", "[emulator:error:8]"));

  const job = await create(file.name, { displayName: "Nächtlich" });
  const states = [job.state];
  for (const seconds of [1, 1, 3, 1]) {
    await stage.advance(seconds);
    states.push((await get(job)).state);
  }
  const done = await get(job);

  assert.deepEqual(states, [
    JobState.JOB_STATE_PENDING,
    JobState.JOB_STATE_PENDING,
    JobState.JOB_STATE_RUNNING,
    JobState.JOB_STATE_RUNNING,
    JobState.JOB_STATE_SUCCEEDED,
  ]);
  assert.match(job.name, /^batches\/[a-z0-9]{36}$/);
  assert.equal(done.displayName, "Nächtlich");
  assert.equal(done.model, `models/${MODEL}`);
  assert.equal(done.createTime, job.createTime);
  assert.equal(job.endTime, undefined);
  assert.equal(Date.parse(done.endTime) - Date.parse(done.createTime), 6000);
  const found = await download(done);
  assert.deepEqual([...found.keys()], ["r0", "r1", "r2"]);
  assert.ok(text(found.get("r0")));
  assert.equal(found.get("r2").error.code, 8);
});

test("a job made from a file that took several chunks", async () => {
  const prompts = Array.from({ length: 18 }, (_, n) => `${n} ` + "word ".repeat(200_000));
  const file = await upload(rows(...prompts));
  assert.ok(Number(file.sizeBytes) > 16 * MIB);

  const job = await create(file.name);
  await stage.advance(60);

  assert.equal((await download(await get(job))).size, 18);
});

test("a source may be an object", async () => {
  const file = await upload(rows("One"));

  const job = await create({ fileName: file.name });

  assert.equal(job.state, JobState.JOB_STATE_PENDING);
});

test("an inlined request with all its options", async () => {
  const [answer] = await answers([
    {
      contents: [{ role: "user", parts: [{ text: "Bake bread" }] }],
      metadata: { key: "bread", shelf: "3" },
      config: {
        systemInstruction: { parts: [{ text: "You are a baker." }] },
        temperature: 0.2,
        topP: 0.9,
        topK: 40,
        candidateCount: 1,
        maxOutputTokens: 2000,
        stopSequences: ["THE END"],
        seed: 7,
        presencePenalty: 0.1,
        frequencyPenalty: 0.1,
        responseMimeType: "application/json",
        responseSchema: {
          type: Type.OBJECT,
          properties: {
            title: { type: Type.STRING },
            minutes: { type: Type.INTEGER },
            steps: { type: Type.ARRAY, items: { type: Type.STRING } },
          },
          required: ["title", "minutes", "steps"],
        },
        thinkingConfig: { thinkingBudget: 0 },
        safetySettings: [
          {
            category: HarmCategory.HARM_CATEGORY_DANGEROUS_CONTENT,
            threshold: HarmBlockThreshold.BLOCK_ONLY_HIGH,
          },
        ],
      },
    },
  ]);

  assert.equal(answer.error, undefined);
  assert.deepEqual(answer.metadata, { key: "bread", shelf: "3" });
  const recipe = JSON.parse(text(answer));
  assert.equal(typeof recipe.title, "string");
  assert.ok(Number.isInteger(recipe.minutes));
  assert.ok(Array.isArray(recipe.steps));
  assert.equal(answer.response.candidates[0].finishReason, FinishReason.STOP);
  assert.ok(answer.response.usageMetadata.promptTokenCount > 0);
  assert.equal(answer.response.modelVersion, MODEL);
});

test("a system instruction may be a text", async () => {
  const [answer] = await answers([
    { contents: "Hello", config: { systemInstruction: "You are a baker." } },
  ]);

  // Three tokens of the prompt, and the instruction's on top.
  assert.ok(answer.response.usageMetadata.promptTokenCount > 3);
});

test("a schema of plain JSON", async () => {
  const responseJsonSchema = {
    type: "object",
    properties: { n: { type: "integer", minimum: 3, maximum: 5 } },
    required: ["n"],
  };
  const config = { responseMimeType: "application/json", responseJsonSchema };

  const [answer] = await answers([{ contents: "Count", config }]);

  const { n } = JSON.parse(text(answer));
  assert.ok(n >= 3 && n <= 5);
});

test("a tool is called", async () => {
  const parameters = {
    type: Type.OBJECT,
    properties: { city: { type: Type.STRING } },
    required: ["city"],
  };
  const config = {
    tools: [{ functionDeclarations: [{ name: "weather", parameters }] }],
    toolConfig: {
      functionCallingConfig: {
        mode: FunctionCallingConfigMode.ANY,
        allowedFunctionNames: ["weather"],
      },
    },
  };

  const [answer] = await answers([{ contents: "Rain in Rome?", config }]);

  const { functionCall } = answer.response.candidates[0].content.parts[0];
  assert.equal(functionCall.name, "weather");
  assert.deepEqual(Object.keys(functionCall.args), ["city"]);
});

test("the tools of the service are accepted", async () => {
  const tools = [{ googleSearch: {} }, { codeExecution: {} }, { urlContext: {} }];

  const found = await answers(
    tools.map((tool) => ({ contents: "News?", config: { tools: [tool] } })),
  );

  assert.equal(found.filter(text).length, 3);
});

test("rarer options are accepted", async () => {
  const configs = [
    { cachedContent: "cachedContents/abc" },
    { imageConfig: { aspectRatio: "1:1" }, responseModalities: ["IMAGE"] },
    { mediaResolution: "MEDIA_RESOLUTION_LOW" },
    { responseLogprobs: true, logprobs: 2 },
    {
      responseModalities: ["AUDIO"],
      speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: "Kore" } } },
    },
    { thinkingConfig: { thinkingLevel: "LOW" } },
    { tools: [{ computerUse: { environment: "ENVIRONMENT_BROWSER" } }] },
    { tools: [{ fileSearch: { fileSearchStoreNames: ["fileSearchStores/a"] } }] },
    { tools: [{ googleMaps: {} }] },
  ];

  const found = await answers(configs.map((config) => ({ contents: "Hello", config })));

  assert.equal(found.filter((answer) => answer.response.candidates).length, configs.length);
});

test("thoughts, images and choices come back as what they are", async () => {
  const [thinking, drawing, choosing] = await answers([
    { contents: "x", config: { thinkingConfig: { includeThoughts: true } } },
    { contents: "x", config: { responseModalities: ["TEXT", "IMAGE"] } },
    {
      contents: "x",
      config: {
        responseMimeType: "text/x.enum",
        responseSchema: { type: Type.STRING, enum: ["yes", "no"] },
      },
    },
  ]);

  const parts = (answer) => answer.response.candidates[0].content.parts;
  assert.deepEqual(
    parts(thinking).map((part) => part.thought),
    [true, undefined],
  );
  assert.equal(parts(drawing)[1].inlineData.mimeType, "image/png");
  assert.ok(["yes", "no"].includes(text(choosing)));
});

test("a job with a webhook", async () => {
  const webhookConfig = { uris: ["https://hooks.example.com/x"], userMetadata: { a: "b" } };

  const job = await create([{ contents: "x" }], { webhookConfig });

  assert.equal(job.state, JobState.JOB_STATE_PENDING);
});

test("several turns and an image", async () => {
  const data = Buffer.from("\x89PNG").toString("base64");
  const contents = [
    { role: "user", parts: [{ inlineData: { data, mimeType: "image/png" } }, { text: "?" }] },
    { role: "model", parts: [{ text: "A picture." }] },
    { role: "user", parts: [{ text: "Of what?" }] },
  ];

  const [answer] = await answers([{ contents }]);

  assert.ok(text(answer));
});

test("answers come in order, each with its outcome", async () => {
  const [good, blocked, empty, stopped, failed, cut] = await answers([
    { contents: "Hello" },
    { contents: "[emulator:block]" },
    { contents: "[emulator:empty]" },
    { contents: "[emulator:safety]" },
    { contents: "[emulator:error:4]" },
    { contents: "Tell much", config: { maxOutputTokens: 2 } },
  ]);

  assert.ok(text(good));
  assert.equal(
    blocked.response.promptFeedback.blockReason,
    BlockedReason.PROHIBITED_CONTENT,
  );
  assert.equal(empty.response.candidates[0].content.parts, undefined);
  assert.equal(stopped.response.candidates[0].finishReason, FinishReason.SAFETY);
  assert.deepEqual(failed.error, {
    code: 4,
    message: "Deadline expired before operation could complete.",
  });
  assert.equal(cut.response.candidates[0].finishReason, FinishReason.MAX_TOKENS);
});

test("embeddings of inlined texts", async () => {
  const job = await ai.current.batches.createEmbeddings({
    model: EMBEDDER,
    src: {
      inlinedRequests: {
        contents: ["first", "second"],
        config: { taskType: "RETRIEVAL_DOCUMENT", outputDimensionality: 8 },
      },
    },
    config: { displayName: "vectors" },
  });
  await stage.advance(60);
  const done = await get(job);

  assert.equal(done.displayName, "vectors");
  const found = done.dest.inlinedEmbedContentResponses;
  assert.equal(found.length, 2);
  const { values } = found[0].response.embedding;
  assert.equal(values.length, 8);
  assert.ok(Math.abs(values.reduce((sum, v) => sum + v * v, 0) - 1) < 1e-6);
  assert.notDeepEqual(values, found[1].response.embedding.values);
});

test("embeddings of a file", async () => {
  const requests = ["first", "second"].map((word) => ({
    content: { parts: [{ text: word }] },
    outputDimensionality: 4,
  }));
  const file = await upload(jsonl(requests));

  const job = await ai.current.batches.createEmbeddings({
    model: EMBEDDER,
    src: { fileName: file.name },
  });
  await stage.advance(60);

  const found = await download(await get(job));
  assert.deepEqual([...found.keys()], ["r0", "r1"]);
  assert.equal(found.get("r1").response.embedding.values.length, 4);
});

test("jobs are listed across pages, newest first", async () => {
  const made = [];
  for (let n = 0; n < 4; n++) made.unshift((await create()).name);
  const file = await upload(rows("One"));
  made.unshift((await create(file.name)).name);
  await stage.advance(60);

  const listed = await all(ai.current.batches.list({ config: { pageSize: 2 } }));

  assert.deepEqual(
    listed.map((job) => job.name),
    made,
  );
  assert.ok(listed.every((job) => job.state === JobState.JOB_STATE_SUCCEEDED));
  assert.equal(listed[0].dest.fileName, made[0].replace("batches/", "files/batch-"));
  assert.equal(listed[1].dest?.inlinedResponses, undefined);
});

test("a page knows the next", async () => {
  for (let n = 0; n < 3; n++) await create();

  const pager = await ai.current.batches.list({ config: { pageSize: 2 } });

  assert.equal(pager.page.length, 2);
  assert.equal(pager.hasNextPage(), true);
  assert.equal((await pager.nextPage()).length, 1);
});

test("no jobs are an empty list", async () => {
  assert.deepEqual(await all(ai.current.batches.list({ config: { pageSize: 5 } })), []);
});

test("a cancelled job ends soon after", async () => {
  const job = await create();

  await ai.current.batches.cancel({ name: job.name });

  const before = await get(job);
  await stage.advance(1);
  const ended = await get(job);
  assert.equal(before.state, JobState.JOB_STATE_PENDING);
  assert.equal(ended.state, JobState.JOB_STATE_CANCELLED);
});

test("a deleted job is gone", async () => {
  const job = await create();

  await ai.current.batches.delete({ name: job.name });

  await assert.rejects(get(job), { name: "ApiError", status: 404 });
  assert.deepEqual(await all(ai.current.batches.list({ config: { pageSize: 5 } })), []);
});

test("every state is known, of inlined requests and of a file", async () => {
  const file = await upload(rows("x"));
  for (const src of [[{ contents: "x" }], file.name]) {
    for (const name of ["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"]) {
      await stage.script(name, `BATCH_STATE_${name}`);

      const job = await get(await create(src, { displayName: name }));

      assert.equal(job.state, JobState[`JOB_STATE_${name}`]);
      assert.equal(job.dest !== undefined, name === "SUCCEEDED", name);
    }
  }
});

test("a job nobody works on expires", async () => {
  await stage.open({ pending: 1e9 });
  ai.current = client();
  const job = await create();
  await stage.advance(48 * 3600 - 1);
  assert.equal((await get(job)).state, JobState.JOB_STATE_PENDING);

  await stage.advance(1);

  assert.equal((await get(job)).state, JobState.JOB_STATE_EXPIRED);
});

test("both versions are served", async () => {
  for (const apiVersion of ["v1", "v1beta"]) {
    ai.current = client({ apiVersion });
    const job = await create((await upload(rows("x"))).name);
    await stage.advance(60);
    assert.equal((await download(await get(job))).size, 1);
  }
});
