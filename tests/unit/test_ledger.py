"""What is held on disk is let go of, whoever still uses it."""

import sqlite3
import threading

import pytest

from gemini_batch._codec import Codec, MissingResults, ResultDecoder
from gemini_batch.resources.batches.results.expected_keys import ExpectedKeys
from gemini_batch.resources.batches.results.matching import (
    CountMatcher,
    KeyMatcher,
    Matched,
    Matcher,
    OrderedMatcher,
)
from gemini_batch.types import JobKind, RpcStatus

MISSING = MissingResults(RpcStatus(message="gone"))
ROW = ResultDecoder(Codec(), JobKind.GENERATE).result(b'{"key":"b","error":{}}', 0)


def made(kind: str) -> Matcher:
    if kind == "count":
        return CountMatcher(2)
    ledger = OrderedMatcher() if kind == "ordered" else KeyMatcher()
    ledger.add(["a", "b"])
    ledger.complete(None)
    return ledger


@pytest.mark.parametrize("kind", ["count", "keys", "ordered"])
def test_a_ledger_that_is_closed_does_nothing_more(kind: str) -> None:
    ledger = made(kind)
    assert not ledger.match([ROW]).foreign

    ledger.close()
    ledger.close()

    assert ledger.match([ROW]) == Matched()
    assert ledger.rest(MISSING) == []
    if isinstance(ledger, KeyMatcher):
        ledger.add(["c"])
        ledger.complete(None)


@pytest.mark.parametrize("kind", ["count", "keys", "ordered"])
def test_one_that_is_closed_during_a_hop_lets_go_when_it_ends(kind: str) -> None:
    """As it is where a task is cancelled natively: its thread goes on."""
    ledger = made(kind)
    begun, go_on = threading.Event(), threading.Event()

    class Slow(list[object]):
        def __iter__(self) -> object:  # type: ignore[override]
            begun.set()
            assert go_on.wait(10)
            return iter([ROW])

    thread = threading.Thread(target=ledger.match, args=(Slow([ROW]),))
    thread.start()
    assert begun.wait(10)
    ledger.close()
    go_on.set()
    thread.join()

    assert ledger.rest(MISSING) == []
    if isinstance(ledger, KeyMatcher):
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            ledger._keys.following(0)


def test_keys_are_found_whatever_their_number_and_order() -> None:
    keys = ExpectedKeys()
    assert keys.following(0) == []
    for start in range(0, 5_000, 700):
        keys.add([f"k{number}" for number in range(start, start + 700)])
    keys.add([])
    keys.complete(None)

    assert keys.count == 5_600
    assert keys.positions(["k3", None, "no", "k5599", "k3"]) == [3, None, None, 5_599, 3]
    assert keys.positions([]) == []
    assert keys.following(0)[:2] == ["k0", "k1"]
    assert keys.following(1_399) == ["k1399"]
    assert keys.following(5_600) == []
    keys.close()
