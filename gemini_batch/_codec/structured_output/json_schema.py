"""JSON Schema of callers' own types.

Classes are walked here, because msgspec takes no union of two of them and sorts their members;
what it says of everything else is taken as it is.
"""

import dataclasses
import datetime as dt
import enum
import inspect
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import attrs
import msgspec
from cattrs import Converter

from gemini_batch._codec.class_hooks import is_ours
from gemini_batch._codec.member_names import wire_name
from gemini_batch._codec.structured_output.answer_hooks import (
    fixed_length,
    is_collection,
    is_model,
    shell_of,
)
from gemini_batch.errors import InputProblem

Schema = dict[str, Any]

_UNIONS: Final = (Union, types.UnionType)
_MAPS: Final = (dict, Mapping)
# msgspec leaves these out where a class does not insist on a zone.
_FORMATS: Final = {dt.datetime: "date-time", dt.time: "time"}
DEFS: Final = "#/$defs/"
"""How references begin."""


class JsonSchemas:
    """Makes the JSON Schema of one type, and collects what has none."""

    def __init__(self, answers: Converter) -> None:
        """Make it.

        Args:
            answers: Reads the answers; what it cannot read is not asked for.
        """
        self._answers = answers
        self._names: dict[Any, str] = {}
        self.defs: dict[str, Schema] = {}
        """Schemas of classes, by the last part of their ``$ref``."""
        self.problems: list[InputProblem] = []

    def of(self, cls: Any, path: str) -> Schema:
        """Return the schema of a type, with references into `defs`.

        Args:
            cls: The type.
            path: Where it stands.
        """
        kind, said = _bare(cls)
        origin = get_origin(kind) or kind
        if origin in _UNIONS:
            return self._union(kind, path) | said
        if is_model(kind) or attrs.has(origin) or dataclasses.is_dataclass(origin):
            reference = {"$ref": DEFS + self._class(kind, path)}
            # Beside a reference nothing else may stand.
            return {"anyOf": [reference], **said} if said else reference
        if is_collection(kind):
            shell: Schema = msgspec.json.schema(_with_notes(cls, shell_of(kind)))
            return {**shell, **self._items(kind, path)}
        if origin in _MAPS and get_args(kind):
            inner = self.of(get_args(kind)[1], f"{path}{{}}")
            return {"type": "object", "additionalProperties": inner, **said}
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            doc = {"description": inspect.cleandoc(kind.__doc__)} if kind.__doc__ else {}
            return {"enum": [member.value for member in kind], **doc, **said}
        return self._leaf(cls, kind, path)

    def _union(self, kind: Any, path: str) -> Schema:
        before = len(self.problems)
        options = [self.of(option, path) for option in get_args(kind)]
        if len(self.problems) == before:
            self._check_readable(kind, path)
        return {"anyOf": options}

    def _items(self, kind: Any, path: str) -> Schema:
        items = {"items": self.of(get_args(kind)[0], f"{path}[]")}
        length = fixed_length(kind)
        return (
            items if length is None else {**items, "minItems": length, "maxItems": length}
        )

    def _leaf(self, cls: Any, kind: Any, path: str) -> Schema:
        name = f"{len(self.defs)}"
        try:
            schema = msgspec.json.schema(cls, ref_template=f"{DEFS}{name}.{{name}}")
        except (TypeError, ValueError):
            self._refuse(kind, path)
            return {}
        self._adopt(schema, name)
        if kind is not type(None):
            self._check_readable(kind, path)
        return {**schema, "format": _FORMATS[kind]} if kind in _FORMATS else schema

    def _class(self, cls: Any, path: str) -> str:
        """Return the name in `defs` of a class, which is walked when it is first met."""
        if cls in self._names:
            return self._names[cls]
        name: str = cls.__name__
        while name in self.defs:
            name += "_"
        self._names[cls] = name
        self.defs[name] = {}
        self.defs[name] = (
            self._model(cls, name, path) if is_model(cls) else self._own(cls, path)
        )
        return name

    def _own(self, cls: Any, path: str) -> Schema:
        properties: dict[str, Schema] = {}
        required: list[str] = []
        try:
            members = list(_members(cls))
        except NameError as exc:
            self._report(
                path, f"its annotations cannot be read: {exc}", "Define it in a module."
            )
            return {}
        for name, kind, is_required, description in members:
            schema = self.of(kind, f"{path}.{name}")
            if description:
                bare = {"anyOf": [schema]} if "$ref" in schema else schema
                schema = {**bare, "description": description}
            properties[name] = schema
            if is_required:
                required.append(name)
        doc = _doc_of(cls)
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "propertyOrdering": list(properties),
            **({"description": doc} if doc else {}),
        }

    def _model(self, cls: Any, name: str, path: str) -> Schema:
        try:
            schema: Schema = cls.model_json_schema(ref_template=f"{DEFS}{name}.{{model}}")
        except Exception as exc:  # noqa: BLE001 - its own errors are not known here
            self._report(path, f"it has no JSON Schema: {exc}", "Change the model.")
            return {}
        self._adopt(schema, name)
        return schema

    def _adopt(self, schema: Schema, name: str) -> None:
        """Move the definitions of a schema of others' making to ours, below a name."""
        for inner, definition in schema.pop("$defs", {}).items():
            self.defs[f"{name}.{inner}"] = definition

    def _check_readable(self, kind: Any, path: str) -> None:
        try:
            self._answers.get_structure_hook(kind)
        except Exception as exc:  # noqa: BLE001 - cattrs and its strategies raise several
            self._refuse(kind, path, str(exc).rstrip("."))

    def _refuse(self, kind: Any, path: str, why: str = "") -> None:
        self._report(
            path,
            f"{_name(kind)} is no type that an answer can be read as{why and f': {why}'}",
            "Use texts, numbers, booleans, enums, literals, dates, lists, attrs classes, "
            "dataclasses or pydantic models; classes of a union need members that tell them "
            "apart.",
        )

    def _report(self, path: str, message: str, remedy: str) -> None:
        self.problems.append(InputProblem(message=message, remedy=remedy, field=path))


def _bare(cls: Any) -> tuple[Any, Schema]:
    """Return a type without its notes, and what they say of it."""
    if get_origin(cls) is not Annotated:
        return cls, {}
    kind, *notes = get_args(cls)
    said = {}
    for note in notes:
        if isinstance(note, msgspec.Meta) and note.description is not None:
            said["description"] = note.description
    return kind, said


def _with_notes(cls: Any, kind: Any) -> Any:
    """Return `kind` with the notes of `cls`."""
    notes = get_args(cls)[1:] if get_origin(cls) is Annotated else ()
    return Annotated[(kind, *notes)] if notes else kind


def _members(cls: Any) -> Iterator[tuple[str, Any, bool, str | None]]:
    """Yield name, type, whether it is required, and description of each member of a class."""
    cls = get_origin(cls) or cls
    hints = get_type_hints(cls, include_extras=True)
    fields: Any = attrs.fields(cls) if attrs.has(cls) else dataclasses.fields(cls)
    for f in fields:
        if not f.init:
            continue
        required = f.default is attrs.NOTHING or f.default is dataclasses.MISSING
        if getattr(f, "default_factory", dataclasses.MISSING) is not dataclasses.MISSING:
            required = False
        # As the converter reads it.
        name = wire_name(f.name) if is_ours(cls) else f.name
        yield name, hints.get(f.name, Any), required, f.metadata.get("description")


def _doc_of(cls: Any) -> str:
    # dataclasses write their signature where there is no docstring.
    doc = inspect.cleandoc(cls.__doc__ or "")
    return "" if doc.startswith(f"{cls.__name__}(") else doc


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)
