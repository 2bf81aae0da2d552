"""Writing results to a file: JSON lines, CSV or Parquet, whole or not at all."""

import os
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from pathlib import Path

import anyio
from attrs import frozen

from gemini_batch._io.input_file import LineReader, shorten_path
from gemini_batch._io.local_files import part_of, remove
from gemini_batch._io.threads import in_thread
from gemini_batch._writers.failures_file import Failures, Requests
from gemini_batch._writers.result_file import ResultWriter
from gemini_batch._writers.result_formats import format_of
from gemini_batch._writers.resume_index import FailedKeys
from gemini_batch.errors import InputError
from gemini_batch.types import BatchResult, Tally

__all__ = ["write_results"]

_BLOCK_BYTES = 262_144  # of rows, gathered for one hop to a thread
_BLOCK_ROWS = 512
_CLEANUP_SECONDS = 10.0


async def write_results(
    results: AsyncIterable[BatchResult] | Iterable[BatchResult],
    path: str | os.PathLike[str],
    *,
    raw: bool = False,
    resume: bool = True,
    failures: str | os.PathLike[str] | None = None,
    requests: Requests | None = None,
) -> Tally:
    """Write results to a file, in constant memory, and return what they add up to.

    The end of the name says what is written: ``.jsonl`` (or ``.ndjson``) one flat record per
    line, ``.csv`` and ``.parquet`` (extra ``tables``) a table with the columns key, outcome,
    text, embedding, response, error_code, error_reason, error, the counts of tokens, and
    metadata. Results are asked for as fast as they are written, and no faster.

    The file appears when it is whole: until then it is beside its path, under a name that
    begins with a dot. If the task is cancelled, that is removed.

    Writing goes on by key. Of rows that are in the file already, those that ended well stay,
    and what comes for their keys is skipped; the others stay until another row comes for their
    key, which takes their place. So the results of a second job, made of `failures`, complete
    the file of the first. What is skipped and says something else than the row in the file is
    counted in `Tally.duplicates`, and logged once: it may be of another job. Where an error ends the call, what was written is kept as
    ``<path>.part``, and the next call with the same path goes on from there.

    Args:
        results: Such as ``client.batches.results(job)``. A generator is closed at the end.
        path: The file to write.
        raw: Write the rows as the service sent them, to JSON lines alone. Of rows in the file
            only those with an error count as not ended well.
        resume: False replaces the file and forgets what was kept.
        failures: Where to write the requests whose rows in the file did not end well, whatever
            the outcome, as lines of input with the same keys, to be submitted again as they
            are. If there are none, there is no such file: an older one is removed.
        requests: The input that was submitted, in which they are found: its path, or the
            requests once more.

    Returns:
        The sum of the results that came, with those that are in the file already as they came;
        what `results` itself left out, its own tally tells.

    Raises:
        InputError: A file cannot be written, or what is there are other rows; or `failures`
            and `requests` are not given together.
        OSError: The disk is full, and the like.
    """
    target = await in_thread(_target, path, "path")
    form = await in_thread(format_of, str(target), raw=raw)
    beside = await _failures_file(failures, requests, target)
    writer = ResultWriter(
        target, form, resume=resume, failed=None if beside is None else beside.keys
    )
    try:
        await _written(results, writer)
        if beside is not None and beside.keys.count:
            await Failures(beside.keys).write(beside.requests, beside.part)
        # The results first: a file of failures without them would have requests paid again
        # whose rows are nowhere.
        await in_thread(writer.replace)
        if beside is not None:
            await in_thread(beside.settle)
    except Exception as exc:
        if await in_thread(writer.keep):
            exc.add_note(f"what was written is kept in {writer.kept}")
        raise
    finally:
        writer.discard()
        if beside is not None:
            beside.discard()
        try:
            with anyio.move_on_after(_CLEANUP_SECONDS, shield=True):
                await in_thread(writer.close)
        finally:
            # A task that is cancelled meanwhile may have kept its thread from starting.
            writer.close(wait=False)
    return writer.tally


async def _written(
    results: AsyncIterable[BatchResult] | Iterable[BatchResult], writer: ResultWriter
) -> None:
    try:
        await in_thread(writer.open)
        while await in_thread(writer.load):
            pass
        await _take_all(results, writer)
        while await in_thread(writer.carry_over):
            pass
        await in_thread(writer.finish)
    finally:
        if isinstance(results, AsyncGenerator):
            await results.aclose()


async def _take_all(
    results: AsyncIterable[BatchResult] | Iterable[BatchResult], writer: ResultWriter
) -> None:
    block = _Block()
    if isinstance(results, AsyncIterable):
        async for result in results:
            if block.add(result):
                await in_thread(writer.take, block.results)
                block = _Block()
    else:
        for result in results:
            if block.add(result):
                await in_thread(writer.take, block.results)
                block = _Block()
    await in_thread(writer.take, block.results)


class _Block:
    """Results that wait for their hop to a thread."""

    def __init__(self) -> None:
        self.results: list[BatchResult] = []
        self._held = 0

    def add(self, result: BatchResult) -> bool:
        """Take a result, and tell whether it is time for the hop."""
        self.results.append(result)
        self._held += len(result.raw)
        return self._held >= _BLOCK_BYTES or len(self.results) >= _BLOCK_ROWS


@frozen
class _Beside:
    """The file of failures."""

    path: Path
    requests: Requests
    part: Path
    """What becomes it in the end."""

    keys: FailedKeys

    def settle(self) -> None:
        """Put the file into its place; if there is none, remove that of an earlier call."""
        if self.part.exists():
            self.part.replace(self.path)
        else:
            remove(self.path)

    def discard(self) -> None:
        """Remove what is not in its place."""
        remove(self.part)
        self.keys.close()


async def _failures_file(
    failures: str | os.PathLike[str] | None, requests: Requests | None, target: Path
) -> _Beside | None:
    if failures is None and requests is None:
        return None
    if failures is None or requests is None:
        raise InputError.one(
            "failures are found in the input: give both, or neither",
            remedy="Set requests= to the path of the input that was submitted.",
            field="requests" if requests is None else "failures",
        )
    path = await in_thread(_target, failures, "failures")
    if path == target or await in_thread(_is_input, path, requests):
        raise InputError.one(
            "the failures would be written over the input, or over the results",
            remedy="Name another file.",
            file=shorten_path(str(path)),
            field="failures",
        )
    return _Beside(path, requests, part_of(path), FailedKeys())


def _is_input(path: Path, requests: Requests) -> bool:
    """Tell whether a path is that of the input, which must be there if it is a file.

    Raises:
        InputError: It is not.
    """
    if not isinstance(requests, str | os.PathLike):
        return False
    LineReader(requests, max_line_bytes=1).check()
    return path.exists() and path.samefile(requests)


def _target(path: str | os.PathLike[str], field: str) -> Path:
    """Return where a file will be written.

    Raises:
        InputError: It cannot be.
    """
    name = os.fspath(path)
    target = Path(name).resolve()  # a link stays a link: what it leads to is replaced
    if "://" in name:
        what, remedy = "files of this machine only are written", "Copy it from here."
    elif target.exists() and not target.is_file():
        what, remedy = "it is a folder, or no ordinary file", "Name the file to write."
    elif not target.parent.is_dir():
        what, remedy = f"there is no folder {target.parent}", "Make it first."
    else:
        return target
    raise InputError.one(what, remedy=remedy, file=shorten_path(name), field=field)
