"""Results that are not what they should be: rows too many, too few, foreign, broken."""

import json
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from gemini_batch.testing.emulator.core.seeded_random import SeededRandom
from gemini_batch.testing.faults import Fault, RowEffect


@frozen
class Slot:
    """One row of what is sent."""

    index: int
    """Which true row it is made of."""

    effect: RowEffect | None = None
    number: int = 0
    """Place among the foreign rows, from 1."""


def arrange(count: int, fault: Fault) -> list[Slot]:
    """Return what stands in place of `count` rows. Pure: one fault, one arrangement.

    Each effect has rows of its own, as far as there are enough.
    """
    dice = SeededRandom(f"rows {fault.seed}")
    pool = _shuffled(range(count), dice)

    def taken(effect: RowEffect) -> list[int]:
        if effect not in fault.rows:
            return []
        chosen = pool[: fault.row_count]
        del pool[: fault.row_count]
        return chosen

    missing, twice = set(taken("missing")), taken("duplicate")
    slots = [Slot(index) for index in range(count) if index not in missing]
    for effect in ("huge", "invalid"):
        marked = set(taken(effect))
        slots = [evolve(s, effect=effect) if s.index in marked else s for s in slots]
    for index in twice:
        slots.insert(dice.below(len(slots) + 1), Slot(index))
    if "foreign" in fault.rows and count:
        for number in range(1, fault.row_count + 1):
            foreign = Slot(dice.below(count), "foreign", number)
            slots.insert(dice.below(len(slots) + 1), foreign)
    return _shuffled(slots, dice) if "shuffled" in fault.rows else slots


def _shuffled(items: Sequence[Any], dice: SeededRandom) -> list[Any]:
    mixed = list(items)
    for last in range(len(mixed) - 1, 0, -1):
        other = dice.below(last + 1)
        mixed[last], mixed[other] = mixed[other], mixed[last]
    return mixed


def write_odd_rows(source: Path, target: Path, fault: Fault) -> int:
    """Write a result file as `fault` wants it. Blocks; run it in a thread.

    Returns:
        Its size in bytes.
    """
    with source.open("rb") as rows:
        starts = [0, *accumulate(len(line) for line in rows)]
    with source.open("rb") as rows, target.open("wb") as odd:
        for slot in arrange(len(starts) - 1, fault):
            rows.seek(starts[slot.index])
            line = rows.readline().rstrip(b"\n")
            odd.write(_odd_line(line, slot, fault) + b"\n")
        return odd.tell()


def odd_results(rows: Sequence[Any], fault: Fault) -> list[Any]:
    """Return inlined results as `fault` wants them."""
    odd: list[Any] = []
    for slot in arrange(len(rows), fault):
        line = json.dumps(rows[slot.index]).encode()
        changed = _odd_line(line, slot, fault)
        # A broken row would break the whole answer; a text is as little of a result.
        odd.append(changed.decode() if slot.effect == "invalid" else json.loads(changed))
    return odd


def _odd_line(line: bytes, slot: Slot, fault: Fault) -> bytes:
    if slot.effect is None:
        return line
    if slot.effect == "invalid":
        return line[: len(line) // 2]
    row = json.loads(line)
    if not isinstance(row, dict):  # a script may say so
        return line
    if slot.effect == "huge":
        _grow(row, fault.row_bytes)
    else:
        key = f"foreign-{slot.number}"
        row |= {"key": key} if "key" in row else {"metadata": {"key": key}}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


def _grow(row: dict[str, Any], size: int) -> None:
    filler = ("x" * 63 + " ") * (size // 64) + "x" * (size % 64)
    for part in _texts(row):
        part["text"] += filler
        return
    error = row.get("error")
    if isinstance(error, dict):
        error["message"] = f"{error.get('message', '')}{filler}"
    elif isinstance(row.setdefault("response", {}), dict):
        row["response"]["padding"] = filler


def _texts(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for candidate in _listed(row.get("response"), "candidates"):
        for part in _listed(candidate.get("content"), "parts"):
            if isinstance(part.get("text"), str):
                yield part


def _listed(value: Any, member: str) -> list[dict[str, Any]]:
    """Return the objects in a list; a test's function may answer anything in its place."""
    found = value.get(member) if isinstance(value, dict) else None
    return [v for v in found if isinstance(v, dict)] if isinstance(found, list) else []
