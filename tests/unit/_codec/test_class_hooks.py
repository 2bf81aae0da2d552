"""Generated structure hooks do what cattrs' own do, only faster."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from attrs import Factory, define, exceptions, field, fields, frozen, has, validators
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch._codec import Codec
from gemini_batch._codec.class_hooks import renames
from gemini_batch._codec.converter import build_converter
from gemini_batch._codec.scalar_hooks import PROTO3, register_scalars
from gemini_batch._codec.structured_output.answer_hooks import register_answers
from gemini_batch._wire.bigquery import Column
from gemini_batch.errors import DecodeError
from gemini_batch.types import (
    BatchResult,
    Candidate,
    EmbedContentResponse,
    File,
    GenerateContentResponse,
    Part,
    RpcStatus,
)
from tests.support.own_class import own_class
from tests.support.recorded import names, recorded

CODEC = Codec()


def stock_converter() -> Converter:
    """A converter with our scalars, whose classes are left to cattrs."""
    converter = Converter()
    register_scalars(converter)
    register_answers(converter)
    for strict, lenient in PROTO3.items():
        kind = int if "int" in strict.__name__ else float
        converter.register_structure_hook(kind, lenient)

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


@own_class
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


@own_class
@frozen
class Shut:
    a: int = 0


@own_class
@define
class Needs:
    a: int


@own_class
@define
class Checked:
    share: float = field(default=0.0, validator=validators.ge(0))


@own_class
@define
class Holds:
    shut: Shut | None = None
    needs: Needs | None = None
    checked: Checked = Factory(Checked)
    made: list[int] = Factory(list)
    wide: dict[str, int] | None = None
    sure: int = 5


def test_classes_of_every_kind_are_made_as_by_calling_them() -> None:
    value = {"shut": {"a": "1"}, "needs": {"a": 2}, "made": [3], "wide": {"b": 4}}

    made = CODEC.structure({**value, "sure": None}, Holds)

    assert made == Holds(Shut(1), Needs(2), Checked(), [3], {"b": 4}, 5)
    assert CODEC.structure({}, Holds).made is not CODEC.structure({}, Holds).made
    assert {type(made), type(made.shut)} == {Holds, Shut}
    with pytest.raises(exceptions.FrozenInstanceError):
        made.shut.a = 2  # type: ignore[misc, union-attr]
    with pytest.raises(DecodeError, match=r"must be >= 0: -1.0 @ \$.checked"):
        CODEC.structure({"checked": {"share": -1}}, Holds)


def test_a_class_may_hold_itself() -> None:
    columns = CODEC.structure({"name": "a", "fields": [{"name": "b"}]}, Column)

    assert columns == Column(name="a", fields=(Column(name="b"),))
    with pytest.raises(DecodeError, match=r"got int @ \$.fields\[0\].fields\[1\]"):
        CODEC.structure(
            {"name": "a", "fields": [{"name": "b", "fields": [{"name": "c"}, 5]}]}, Column
        )


def test_only_what_does_not_fit_is_complained_of() -> None:
    """Lenient numbers and new enum values are no misfits beside one."""
    answer = {"index": "5", "finishReason": "NEW", "tokenCount": 3.0, "content": 7}

    with pytest.raises(DecodeError) as caught:
        CODEC.structure(answer, Candidate)

    assert str(caught.value) == "Candidate: expected an object, got int @ $.content"


def test_a_subclass_of_a_callers_has_the_wires_names_too() -> None:
    @define(kw_only=True)
    class Note(Part):
        my_note: str = "mine"

    note = CODEC.structure({"text": "x", "myNote": "y"}, Note)

    assert (type(note), note.text, note.my_note) == (Note, "x", "y")
    assert CODEC.unstructure(note) == {"text": "x", "myNote": "y"}


def test_a_plain_subclass_of_a_frozen_class_is_made_as_well() -> None:
    class Same(Shut):
        pass

    hook: Any = CODEC.converter.get_structure_hook(Same)
    made = CODEC.structure({"a": "3"}, Same)

    assert (type(made), made.a) == (Same, 3)
    assert hook.function({"a": 4}, Same).a == 4
    with pytest.raises(exceptions.FrozenInstanceError):
        made.a = 2  # type: ignore[misc]


def test_hooks_registered_before_the_first_call_hold_in_any_order() -> None:
    codec = Codec()
    whole = codec.converter.get_structure_hook(GenerateContentResponse)
    part = codec.converter.get_structure_hook(Part)
    codec.converter.register_structure_hook(Part, lambda v, _: part({"text": "mine"}, Part))

    made = whole({"candidates": [{"content": {"parts": [{}]}}]}, GenerateContentResponse)

    assert made.text == "mine"


def test_many_threads_may_be_the_first_to_call_a_hook() -> None:
    answer = {"candidates": [{"content": {"parts": [{"text": "x"}]}, "index": "5"}] * 3}
    for _ in range(20):
        codec = Codec()
        with ThreadPoolExecutor(8) as pool:
            tasks = [
                pool.submit(codec.structure, answer, GenerateContentResponse)
                for _ in range(8)
            ]
        made = [task.result() for task in tasks]

        assert all(each == made[0] for each in made)
        assert made[0].candidates[2].index == 5


def test_a_class_that_cannot_be_structured_says_so_each_time() -> None:
    for _ in range(2):
        with pytest.raises(DecodeError, match="BatchResult"):
            CODEC.structure({}, BatchResult)
