"""Tallies add up, and so does usage."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch import BatchResult, Outcome, Tally, Usage
from gemini_batch._codec import Codec, ResultDecoder
from gemini_batch.types import JobKind, LeftOut, Modality, ModalityTokenCount

DECODER = ResultDecoder(Codec(), JobKind.GENERATE)
COUNTS = (
    "prompt_token_count",
    "cached_content_token_count",
    "candidates_token_count",
    "thoughts_token_count",
    "tool_use_prompt_token_count",
    "total_token_count",
)
DETAILS = (
    "prompt_tokens_details",
    "cache_tokens_details",
    "candidates_tokens_details",
    "tool_use_prompt_tokens_details",
)
NUMBER = st.integers(0, 10**6)
MODALITY = st.sampled_from([*Modality, Modality("SMELL")])
COUNT = st.builds(ModalityTokenCount, modality=MODALITY, token_count=NUMBER)
TIER = st.sampled_from([None, "standard", "flex"])
USAGE = st.builds(
    Usage,
    **dict.fromkeys(COUNTS, NUMBER),
    **dict.fromkeys(DETAILS, st.lists(COUNT, max_size=3).map(tuple)),
    service_tier=TIER,
    traffic_type=TIER,
)


def by_modality(usage: Usage, member: str) -> Counter[str]:
    found = Counter[str]()
    for one in getattr(usage, member):
        found[str(one.modality)] += one.token_count
    return +found


def result(index: int, text: str = "hi", tokens: int = 3) -> BatchResult:
    answer = {
        "candidates": [{"content": {"parts": [{"text": text}]}}],
        "usageMetadata": {"promptTokenCount": tokens, "totalTokenCount": tokens},
    }
    row = json.dumps({"key": f"k{index}", "response": answer}).encode()
    return DECODER.result(row, index)


@given(USAGE, USAGE)
def test_usage_adds_up_by_kind_and_modality(one: Usage, other: Usage) -> None:
    before = repr((one, other))

    total = one + other

    for member in COUNTS:
        assert getattr(total, member) == getattr(one, member) + getattr(other, member)
    for member in DETAILS:
        each = by_modality(one, member) + by_modality(other, member)
        assert by_modality(total, member) == each
        kinds = [detail.modality for detail in getattr(total, member)]
        assert len(kinds) == len(set(map(str, kinds)))
    same = one.service_tier == other.service_tier
    assert total.service_tier == (one.service_tier if same else None)
    same = one.traffic_type == other.traffic_type
    assert total.traffic_type == (one.traffic_type if same else None)
    assert repr((one, other)) == before


def test_usage_adds_to_nothing_else() -> None:
    with pytest.raises(TypeError):
        Usage() + 1
    with pytest.raises(TypeError):
        Tally() + 1


def test_a_tally_counts_outcomes_tokens_and_bytes() -> None:
    rows = [result(0), result(1, tokens=4), result(2, text="")]
    broken = DECODER.result(b"{\n", 3)
    tally = Tally()

    for row in (*rows, broken):
        tally.add(row)

    assert tally.outcomes == {Outcome.OK: 2, Outcome.EMPTY: 1, Outcome.INVALID: 1}
    assert tally.total == 4
    assert tally.usage == Usage(prompt_token_count=10, total_token_count=10)
    assert tally.bytes == sum(len(row.raw) for row in rows) + 1
    assert (tally.duplicates, tally.foreign, tally.samples) == (0, 0, [])


def test_counting_changes_no_result() -> None:
    usage = {
        "promptTokenCount": 1,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1}],
    }
    row = json.dumps({"key": "k", "response": {"usageMetadata": usage}}).encode()
    one, other = DECODER.result(row, 0), DECODER.result(row, 1)
    tally = Tally()

    tally.add(one)
    tally.add(other)

    expected = Usage(
        prompt_token_count=1,
        prompt_tokens_details=(ModalityTokenCount(modality=Modality.TEXT, token_count=1),),
    )
    assert (one.usage, other.usage) == (expected, expected)
    assert tally.usage == expected + expected


def test_rows_left_out_are_counted_and_a_few_kept() -> None:
    tally = Tally()
    rows = [result(index, text="x" * 2_000) for index in range(30)]

    for row in rows:
        tally.leave_out(row, duplicate=row.index % 2 == 0)

    assert (tally.duplicates, tally.foreign, tally.total) == (15, 15, 0)
    assert tally.bytes == sum(len(row.raw) for row in rows)
    assert tally.samples[:2] == [
        LeftOut(key="k0", index=0, duplicate=True, start=rows[0].raw[:1_000]),
        LeftOut(key="k1", index=1, duplicate=False, start=rows[1].raw[:1_000]),
    ]
    assert len(tally.samples) == 20
    assert "xxx" not in repr(tally)


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=40))
def test_tallies_of_parts_are_the_tally_of_the_whole(
    events: list[tuple[int, bool]],
) -> None:
    whole, parts = Tally(), [Tally(), Tally()]
    for index, (kind, first) in enumerate(events):
        row = result(index)
        for tally in (whole, parts[first]):
            if kind:
                tally.leave_out(row, duplicate=kind == 1)
            else:
                tally.add(row)

    both = parts[0] + parts[1]

    for name in ("outcomes", "duplicates", "foreign", "usage", "bytes", "total"):
        assert getattr(both, name) == getattr(whole, name)
        assert getattr(both + Tally(), name) == getattr(both, name)
    assert len(both.samples) == len(whole.samples)
