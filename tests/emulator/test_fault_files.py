"""Faults as JSON."""

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from gemini_batch.testing import Fault, load_faults
from gemini_batch.testing._load_faults import fault_entry, read_faults

EVERY_MEMBER: dict[str, Any] = {
    "path": "/x",
    "method": "GET",
    "command": "query",
    "when": "*_RUNNING",
    "times": None,
    "skip": 2,
    "probability": 0.5,
    "seed": 7,
    "status": 503,
    "body": "später",
    "headers": {"Retry-After": "1"},
    "drop": "before",
    "refuse": 1.5,
    "drop_body_after": 3,
    "delay": 1,
    "truncate_after": 4,
    "without_length": True,
    "stall_after": 5,
    "bytes_per_second": 6,
    "ignore_range": True,
    "fields": "ignore",
    "rows": ["huge", "shuffled"],
    "row_count": 2,
    "row_bytes": 9,
    "state": "BATCH_STATE_ODD",
    "counts": "stale",
    "no_output": True,
    "empty_page": True,
    "received_shift": -1,
    "keep": 8,
    "replace_object": True,
    "incremental": True,
    "shards": 3,
    "padded": True,
}


def test_every_member_can_be_read_and_shown() -> None:
    assert EVERY_MEMBER.keys() == attrs.fields_dict(Fault).keys()

    [fault] = read_faults([EVERY_MEMBER])

    assert fault.body == "später".encode()
    assert fault.rows == ("huge", "shuffled")
    assert read_faults(json.loads(json.dumps([fault_entry(fault)]))) == [fault]
    assert fault_entry(Fault()) == {}


def test_a_file_is_a_list_of_faults(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text('[{"status": 503, "times": 2}, {"drop": "after", "body": null}]')

    assert load_faults(path) == [Fault(status=503, times=2), Fault(drop="after")]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[", "odd.json: not JSON: "),
        ("\udcff", "odd.json: not JSON: "),
        ("{}", "odd.json: faults are a list of objects"),
        ("[3]", "odd.json: entry 1: is no object"),
        ('[{}, {"stutus": 503}]', "odd.json: entry 2: no such member: 'stutus'"),
        ('[{"skip": "2"}]', "odd.json: entry 1: 'skip' must be a whole number, not \"2\""),
        ('[{"delay": true}]', "odd.json: entry 1: 'delay' must be a number, not true"),
        (
            '[{"drop": "now"}]',
            'odd.json: entry 1: \'drop\' must be "before" or "after" or null, not "now"',
        ),
        (
            '[{"headers": {"a": 1}}]',
            "odd.json: entry 1: 'headers' must be an object of texts, not {\"a\": 1}",
        ),
        ('[{"rows": "huge"}]', "odd.json: entry 1: 'rows' must be a list of "),
        ('[{"probability": 1.5}]', "odd.json: entry 1: 'probability' must be <= 1"),
        ('[{"times": 0}]', "odd.json: entry 1: 'times' must be >= 1"),
        ('[{"bytes_per_second": 0}]', "odd.json: entry 1: 'bytes_per_second' must be > 0"),
        ('[{"stall_after": 1}]', "odd.json: entry 1: 'stall_after' needs a 'delay'"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "odd.json"
    path.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(ValueError) as caught:
        load_faults(path)

    assert str(caught.value).startswith(complaint)


@pytest.mark.parametrize(
    "options",
    [
        {"drop": "never"},
        {"counts": "odd"},
        {"rows": ("tall",)},
        {"status": 42},
        {"row_count": 0},
        {"delay": -1},
        {"truncate_after": -1},
    ],
)
def test_faults_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Fault(**options)
