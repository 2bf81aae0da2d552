"""Requests are frozen values, also those that are made of a text."""

import copy
import pickle
from typing import Any

import pytest
from attrs import define, evolve, exceptions, fields, frozen

from gemini_batch.types import (
    Content,
    EmbedRequest,
    GenerateRequest,
    GenerationConfig,
    Part,
    TaskType,
)

CONTENT = Content.from_text("x")
VALUES: list[Any] = [
    GenerateRequest(contents=(CONTENT,), key="a", tools=({},)),
    GenerationConfig(top_k=5, temperature=0.5),
    EmbedRequest(content=CONTENT, task_type=TaskType.CLASSIFICATION),
]


@pytest.mark.parametrize("value", VALUES)
def test_they_refuse_to_change(value: Any) -> None:
    for name in (fields(type(value))[0].name, "anything", "__class__"):
        with pytest.raises(exceptions.FrozenInstanceError):
            setattr(value, name, 5)
        with pytest.raises(exceptions.FrozenInstanceError):
            delattr(value, name)
    assert not hasattr(value, "__dict__")


@pytest.mark.parametrize("value", VALUES)
def test_they_are_of_their_class_and_equal_their_copies(value: Any) -> None:
    copies = [pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)]

    assert type(value) in (GenerateRequest, GenerationConfig, EmbedRequest)
    assert [*copies, evolve(value)] == [value] * 4
    assert {type(each) for each in copies} == {type(value)}
    assert repr(value).startswith(f"{type(value).__name__}(")


def test_a_subclass_may_have_members_of_its_own() -> None:
    @frozen(kw_only=True)
    class More(GenerationConfig):
        more: int = 5

    class Same(GenerationConfig):
        pass

    more, same = More(seed=1, top_k=3), Same(top_k=5)

    assert (more.seed, more.top_k, more.more, type(more)) == (1, 3, 5, More)
    assert (same.top_k, same.seed, type(same)) == (5, None, Same)
    with pytest.raises(exceptions.FrozenInstanceError):
        more.more = 6  # type: ignore[misc]


@pytest.mark.parametrize("instruction", [None, "be brief"])
def test_requests_of_texts_are_made_whole(instruction: str | None) -> None:
    config = GenerationConfig(top_k=1)
    made = GenerateRequest.from_text(
        "x", key="a", system_instruction=instruction, generation_config=config
    )

    assert made == GenerateRequest(
        contents=(Content(parts=(Part(text="x"),), role="user"),),
        key="a",
        system_instruction=instruction and Content(parts=(Part(text=instruction),)),  # type: ignore[arg-type]
        generation_config=config,
    )
    assert type(made) is GenerateRequest
    assert repr(pickle.loads(pickle.dumps(made))) == repr(made)
    with pytest.raises(exceptions.FrozenInstanceError):
        made.key = "b"  # type: ignore[misc]


def test_a_subclass_is_made_of_a_text_by_its_own_constructor() -> None:
    @define(kw_only=True)
    class Note(Content):
        note: str = "mine"

    @frozen(kw_only=True)
    class Labelled(GenerateRequest):
        label: str = "none"

    content = Note.from_text("x", role="user")
    request: Any = Labelled.from_text("x", key="a")

    assert content == Note(parts=(Part(text="x"),), role="user")
    assert (type(content), content.note) == (Note, "mine")
    assert (type(request), request.label, request.key) == (Labelled, "none", "a")
