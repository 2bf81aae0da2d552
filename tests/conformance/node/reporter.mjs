// One JSON line per test: {"file", "name", "error"}.

import { basename } from "node:path";
import { inspect } from "node:util";

export default async function* report(events) {
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const error = type === "test:fail" ? inspect(data.details.error) : "";
    const file = basename(data.file ?? "", ".test.mjs");
    yield JSON.stringify({ file, name: data.name, error }) + "\n";
  }
}
