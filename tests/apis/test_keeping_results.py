"""Results are kept: vectors as a matrix, answers in a file, failures for another job."""

import json
from pathlib import Path
from typing import Any

from gemini_batch import Client, EmbedRequest, Outcome, Tally, write_results
from gemini_batch.testing import ManualClock
from tests.support.rows import EMBED_MODEL, MODEL, jsonl, row


async def test_vectors_are_one_matrix(client: Client, clock: ManualClock) -> None:
    requests = [
        EmbedRequest.from_text(f"Hello {n}", key=f"k{n}", output_dimensionality=8)
        for n in range(40)
    ]
    job = await client.batches.submit(EMBED_MODEL, requests)
    clock.advance(24 * 3600 - 60)
    vectors = {r.key: r.embedding async for r in client.batches.results(job.name)}

    found = await client.batches.collect_embeddings(
        job.name, expected=[f"k{n}" for n in range(40)], ordered=True
    )

    assert found.keys == tuple(f"k{n}" for n in range(40))
    assert found.matrix.shape == (40, 8)
    assert [found.vector(n).tolist() for n in range(40)] == [
        list(vectors[key] or ()) for key in found.keys
    ]


async def test_what_failed_is_submitted_again_and_completes_the_file(
    client: Client, clock: ManualClock, tmp_path: Path
) -> None:
    source, again, out = (tmp_path / f"{n}.jsonl" for n in ("in", "failed", "out"))
    source.write_bytes(jsonl(row("a"), row("b", "[emulator:error:13]"), row("c")))

    async def run(path: Path, **options: Any) -> Tally:
        job = await client.batches.submit(MODEL, path)
        clock.advance(24 * 3600 - 60)
        results = client.batches.results(job.name, expected=path)
        return await write_results(results, out, **options)

    first = await run(source, failures=again, requests=source)
    assert first.outcomes == {Outcome.OK: 2, Outcome.ERROR: 1}
    assert again.read_bytes() == source.read_bytes().splitlines(keepends=True)[1]

    again.write_bytes(again.read_bytes().replace(b"[emulator:error:13]", b"Hello"))
    second = await run(again)

    rows = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert second.outcomes == {Outcome.OK: 1}
    assert sorted((r["key"], r["outcome"]) for r in rows) == [
        ("a", "ok"),
        ("b", "ok"),
        ("c", "ok"),
    ]
