// The emulator in a process of its own, and Google's client for it. See ../serve.py.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, beforeEach } from "node:test";

import { GoogleGenAI } from "@google/genai";

export const MODEL = "gemini-2.5-flash";
export const EMBEDDER = "gemini-embedding-001";
export const MIB = 1 << 20;

const server = spawn(process.env.STAGE_PYTHON, [process.env.STAGE_SERVE], {
  stdio: ["pipe", "pipe", "inherit"],
});
const answers = createInterface({ input: server.stdout })[Symbol.asyncIterator]();

async function tell(command) {
  server.stdin.write(JSON.stringify(command) + "\n");
  const { value, done } = await answers.next();
  if (done) throw new Error(`the emulator ended at ${JSON.stringify(command)}`);
  return JSON.parse(value);
}

export const stage = {
  url: "",
  key: "",
  async open(limits = {}) {
    const opened = await tell({ do: "open", limits });
    stage.url = opened.url;
    stage.key = opened.key;
  },
  advance: (seconds) => tell({ do: "advance", seconds }),
  fault: (members) => tell({ do: "fault", ...members }),
  script: (name, ...looks) => tell({ do: "script", name, looks }),
  log: () => tell({ do: "log" }),
};

export function client(httpOptions = {}, apiKey = stage.key) {
  return new GoogleGenAI({ apiKey, httpOptions: { baseUrl: stage.url, ...httpOptions } });
}

export const ai = { current: undefined };

// createEmbeddings says each time that it is experimental.
console.warn = () => {};

for (const name of ["GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"]) {
  delete process.env[name];
}

beforeEach(async () => {
  await stage.open();
  ai.current = client();
});

after(() => server.stdin.end());

export function rows(...prompts) {
  return jsonl(prompts.map((text) => ({ contents: [{ parts: [{ text }] }] })));
}

export function jsonl(requests) {
  return requests
    .map((request, index) => JSON.stringify({ key: `r${index}`, request }) + "\n")
    .join("");
}

export function upload(text, config = {}) {
  const file = new Blob([text]);
  return ai.current.files.upload({ file, config: { mimeType: "jsonl", ...config } });
}

export function create(src = [{ contents: "x" }], config = {}) {
  return ai.current.batches.create({ model: MODEL, src, config });
}

export const get = (job) => ai.current.batches.get({ name: job.name });

export async function all(pager) {
  const found = [];
  for await (const element of await pager) found.push(element);
  return found;
}
