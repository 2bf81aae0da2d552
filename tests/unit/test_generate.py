"""Generated structure functions do what cattrs' own do, only faster."""

import json
from typing import Any

import pytest
from attrs import Factory, fields, frozen, has
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch._codec import Codec
from gemini_batch._codec.class_hooks import renames
from gemini_batch._codec.converter import build_converter
from gemini_batch._codec.scalar_hooks import register_leaves
from gemini_batch.types import (
    Candidate,
    EmbedContentResponse,
    File,
    GenerateContentResponse,
    Part,
    RpcStatus,
)
from tests.support.recorded import names, recorded

CODEC = Codec()


def stock_converter() -> Converter:
    """A converter with our leaves, whose classes are left to cattrs."""
    converter = Converter()
    register_leaves(converter)

    def factory(cls: type[Any], converter: Converter) -> Any:
        detailed = make_dict_structure_fn(cls, converter, **renames(cls))

        def structure(value: Any, cls: type[Any]) -> Any:
            if not isinstance(value, dict):
                raise TypeError("expected an object")
            # Null stands for the default here; cattrs' own functions do not know that.
            return detailed({k: v for k, v in value.items() if v is not None}, cls)

        return structure

    converter.register_structure_hook_factory(has, factory)
    return converter


OURS, STOCK = build_converter(), stock_converter()
scalars = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.text(max_size=3)
)
WORDS = ["STOP", "TEXT", "x", "2026-07-02T14:40:59Z", "12", "QUJD"]
values = st.recursive(
    scalars | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "text",
                    "parts",
                    "content",
                    "role",
                    "index",
                    "values",
                    "code",
                    "message",
                    "data",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def members(cls: type) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with the members of a class, of whatever kind."""
    from gemini_batch._codec import wire_name

    return st.dictionaries(
        st.sampled_from([wire_name(f.name) for f in fields(cls)]), values, max_size=4
    )


def outcome(converter: Converter, value: Any, cls: type) -> Any:
    try:
        return converter.structure(value, cls)
    except Exception:  # noqa: BLE001 - that it fails is what is compared
        return "refused"


@pytest.mark.parametrize("cls", [Part, Candidate, RpcStatus, File, GenerateContentResponse])
def test_they_agree_with_cattrs_on_anything(cls: type) -> None:
    @given(members(cls))
    def agree(value: dict[str, Any]) -> None:
        assert outcome(OURS, value, cls) == outcome(STOCK, value, cls)

    agree()


@pytest.mark.parametrize("name", names("jsonl/*output*.jsonl"))
def test_they_agree_with_cattrs_on_recorded_answers(name: str) -> None:
    cls = EmbedContentResponse if "embed" in name else GenerateContentResponse
    for line in recorded(name).splitlines():
        answer = json.loads(line).get("response", {})

        assert OURS.structure(answer, cls) == STOCK.structure(answer, cls)


@frozen
class Odd:
    needed: int
    made: list[int] = Factory(list)
    either: dict[str, int] | None = None
    sure: int | None = 5
    holes: tuple[int | None, ...] = ()


def test_required_members_factories_and_wide_unions() -> None:
    assert CODEC.structure({"needed": "1"}, Odd) == Odd(1)
    assert CODEC.structure({"needed": 1, "sure": None, "made": [2]}, Odd) == Odd(
        1, [2], None, 5
    )
    assert CODEC.structure({"needed": 1, "holes": ["1", None]}, Odd).holes == (1, None)
    first, second = (CODEC.structure({"needed": 1}, Odd) for _ in range(2))
    assert first.made is not second.made
    with pytest.raises(ValueError, match=r"required field missing @ \$.needed"):
        CODEC.structure({}, Odd)
