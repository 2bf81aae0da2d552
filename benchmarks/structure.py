"""Answers made of decoded JSON: our converter, beside cattrs without hooks that are generated.

Wide answers, as in `results`. What they are made of is decoded before.
"""

from collections.abc import Callable
from typing import Any, Final

from benchmarks._clients import our_api
from benchmarks._data import answers
from benchmarks._job import Job, Run, Setting, Side

ANSWERS: Final = 20_000

_OURS: Final = "gemini_batch: client.converter"
_STOCK: Final = "cattrs: the same classes, hooks of its own"
_THEIRS: Final = "google-genai: model_validate"


def _structuring(make: Callable[[], Callable[[Any], object]]) -> Run:
    """Return a run that makes values of answers, with the function made by `make`."""

    async def run(setting: Setting) -> int:
        structure = make()
        given = answers()
        structure(given[0])
        with setting.meter:
            return sum(
                structure(given[index % len(given)]) is not None
                for index in range(setting.size)
            )

    return run


def _ours() -> Callable[[Any], object]:
    from gemini_batch import Client, GenerateContentResponse

    converter = Client(our_api("http://127.0.0.1")).converter
    return lambda value: converter.structure(value, GenerateContentResponse)


def _stock() -> Callable[[Any], object]:
    from attrs import fields, has
    from cattrs.gen import make_dict_structure_fn, override

    from gemini_batch import Client, GenerateContentResponse

    # Ours for single values, cattrs' own for classes.
    converter = Client(our_api("http://127.0.0.1")).converter.copy()

    def factory(cls: type[Any], converter: Any) -> Any:
        renames = {one.name: override(rename=_camel(one.name)) for one in fields(cls)}
        return make_dict_structure_fn(cls, converter, **renames)

    converter.register_structure_hook_factory(has, factory)
    return lambda value: converter.structure(value, GenerateContentResponse)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _theirs() -> Callable[[Any], object]:
    from google.genai import types

    return types.GenerateContentResponse.model_validate


JOB = Job(
    name="structure",
    title="structure answers that are decoded already, wide",
    unit="answers",
    sizes=(ANSWERS,),
    sides=(
        Side(name=_OURS, run=_structuring(_ours), loop=False),
        Side(name=_STOCK, run=_structuring(_stock), loop=False),
        Side(name=_THEIRS, run=_structuring(_theirs), loop=False),
    ),
    targets=(),
)
