"""The walk: any row there may be, looked at member by member, its problems told. Pure."""

import codecs
from collections.abc import Mapping
from typing import Any, Final

from attrs import fields

from gemini_batch._codec import Codec
from gemini_batch._requests import hints, rules
from gemini_batch._requests.api_rules import DEVELOPER, ApiRules
from gemini_batch._requests.defaults import read_defaults
from gemini_batch._requests.encoded import EncodedRequest
from gemini_batch._requests.envelope import EnvelopeReader
from gemini_batch._requests.hints import why_not_json
from gemini_batch._requests.normalize import Normalizer, Path, path_text
from gemini_batch._requests.problems import Problems
from gemini_batch.errors import DecodeError
from gemini_batch.types import (
    Content,
    EmbedRequest,
    GenerateRequest,
    GenerationConfig,
    JobKind,
)

MAX_REQUEST_BYTES: Final = 20_000_000
"""Largest row in bytes. It is what the service takes inline; larger media belongs in the Files
API and is pointed at with fileData."""

MAX_PROBLEMS: Final = 1000

_EMBED_MARKS = frozenset(
    {"content", "taskType", "task_type", "outputDimensionality", "output_dimensionality"}
)
_KINDS = {JobKind.GENERATE: "a generation", JobKind.EMBED: "an embedding"}


class FullCheck(Problems):
    """Checks rows one after the other and collects what is wrong with them."""

    def __init__(
        self,
        codec: Codec,
        *,
        file: str | None = None,
        model: str | None = None,
        kind: JobKind | None = None,
        generation_config: GenerationConfig | Mapping[str, Any] | None = None,
        system_instruction: str | Content | Mapping[str, Any] | None = None,
        allow_metadata: bool = False,
        max_request_bytes: int = MAX_REQUEST_BYTES,
        max_problems: int = MAX_PROBLEMS,
        api_rules: ApiRules = DEVELOPER,
        envelopes: type[EnvelopeReader] = EnvelopeReader,
    ) -> None:
        """Create a walker.

        Args:
            codec: Reads and writes JSON.
            file: Name of the file in problems.
            model: Model of the job; rows that name another are refused. None: any.
            kind: What the rows ask for; None takes it from the first good row.
            generation_config: Defaults for members a generation row does not set.
            system_instruction: Default for generation rows without one.
            allow_metadata: Whether rows may carry metadata beside their key.
            max_request_bytes: Largest row, in bytes.
            max_problems: Problems kept; further ones are counted.
            api_rules: Which API the rows are for.
            envelopes: Takes rows apart.

        Raises:
            InputError: A default is wrong, or does not go with embedding rows.
        """
        super().__init__(file=file, limit=max_problems)
        self.kind = kind
        self._codec = codec
        self._api_rules = api_rules
        self._model = None if model is None else api_rules.full_model(model)
        self._max_request_bytes = max_request_bytes
        self._number = 0
        self._unreadable = False
        self._envelopes = envelopes(report=self._say, allow_metadata=allow_metadata)
        after = api_rules.after(self._say)
        self._shapers = {
            trusted: Normalizer(self._say, trusted=trusted, after=after)
            for trusted in (True, False)
        }
        self._defaults = read_defaults(
            codec, generation_config, system_instruction, api_rules
        )
        self._refuse_defaults()
        self.raise_if_any()

    def full_check_line(self, line: bytes | None, number: int) -> EncodedRequest | None:
        """Check one line of JSON; None if it is blank or wrong.

        Args:
            line: The line, without its newline; None is one that was too long to be read.
            number: Its number, from 1.
        """
        self._number = number
        if self._unreadable:
            return None
        if line is None:
            self.too_large(number)
            return None
        if number == 1:
            line = self._without_mark(line)
        if len(line) > self._max_request_bytes:
            self.too_large(number)
            return None
        text = line.strip()
        if not text:
            return None
        try:
            value = self._codec.decode(text)
        except DecodeError as exc:
            self._say("", *why_not_json(line, exc))
            return None
        return self._row(value, trusted=True)

    def full_check_request(self, value: object, number: int) -> EncodedRequest | None:
        """Check one request; None if it is wrong.

        Args:
            value: A `GenerateRequest`, an `EmbedRequest`, a mapping, or a line of JSON.
            number: Its position, from 1.
        """
        self._number = number
        if isinstance(value, str):
            value = value.encode("utf-8", "surrogatepass")
        if isinstance(value, bytes | bytearray):
            if not value.strip():
                self._say("", "the request is empty", f"A row is {hints.ROW_FORM}.")
            return self.full_check_line(bytes(value), number)
        if not isinstance(value, GenerateRequest | EmbedRequest | Mapping):
            self._say(
                "",
                f"expected a request, got {hints.json_type(value)}",
                "Give a GenerateRequest, an EmbedRequest, a mapping or a line of JSON.",
            )
            return None
        try:
            document = _plain(self._codec, value)
        except (RecursionError, TypeError, ValueError, AttributeError) as exc:
            self._say(
                "", f"the request cannot be read: {exc}", f"A row is {hints.ROW_FORM}."
            )
            return None
        return self._row(document, trusted=False, kind=_kind_of(value))

    def too_large(self, number: int) -> None:
        """Report a row that is larger than a row may be."""
        self.report(
            f"the row is larger than {self._max_request_bytes / 1e6:g} MB",
            remedy="Upload media with files.upload and point at it with fileData.",
            number=number,
        )

    # One row

    def _row(
        self, value: Any, *, trusted: bool, kind: JobKind | None = None
    ) -> EncodedRequest | None:
        before = self._found()
        if not isinstance(value, dict):
            form = f"A row is {hints.ROW_FORM}."
            self._say("", f"a row is an object, not {hints.json_type(value)}", form)
            return None
        normalizer = self._shapers[trusted]
        row = self._envelopes.read(value, self._number, normalizer)
        if row is None:
            return None
        request = self._request(row.body, row.path, normalizer, kind)
        if request is None or self._found() != before:
            return None
        return self._encoded(row.key, request, row.metadata)

    def _request(
        self, body: Any, path: Path, normalizer: Normalizer, kind: JobKind | None
    ) -> dict[str, Any] | None:
        kind = kind or _kind_by_members(body) or self.kind or JobKind.GENERATE
        if self.kind is not None and kind != self.kind:
            self._say(
                path_text(path),
                f"this is {_KINDS[kind]} row, where {_KINDS[self.kind]} row is due",
                "A generation row has contents, a list; an embedding row has content, a single "
                "one. A job takes rows of one kind.",
            )
            return None
        before = self._found()
        embed = kind == JobKind.EMBED
        message = self._api_rules.embed if embed else self._api_rules.generate
        shaped = normalizer.message(message, body, path)
        if not isinstance(shaped, dict):
            return None
        clean = self._api_rules.check(kind, shaped, path, self._say)
        self._check_model(clean, path)
        if embed:
            rules.check_embed(clean, path, self._say)
        else:
            clean = self._complete(clean, path)
        if self._found() != before:
            return None
        if self.kind is None:
            self.kind = kind
            self._refuse_defaults()
        return self._api_rules.sent(kind, clean)

    def _complete(self, clean: dict[str, Any], path: Path) -> dict[str, Any]:
        complete = self._defaults.applied(clean)
        filled_in = "systemInstruction" in complete.keys() - clean.keys()
        rules.check_generate(complete, path, self._say, default_instruction=filled_in)
        return complete

    def _check_model(self, clean: dict[str, Any], path: Path) -> None:
        model = clean.get("model")
        if not isinstance(model, str):
            return
        clean["model"] = self._api_rules.full_model(model)
        if self._model is not None and clean["model"] != self._model:
            self._say(
                path_text((path, ".model")),
                f"the row names {clean['model']}, the job {self._model}",
                "Leave the model out of the row; a job has one model.",
            )

    def _encoded(
        self, key: str, request: dict[str, Any], metadata: dict[str, Any] | None
    ) -> EncodedRequest | None:
        try:
            key.encode()
            text = self._codec.dumps(request)
            extra = self._codec.dumps(metadata) if metadata else None
        except (TypeError, ValueError, RecursionError) as exc:
            # Lone surrogates, which a Python string may hold and JSON in UTF-8 may not.
            self._say(
                "", f"the row cannot be written as JSON: {exc}", "Clean its text first."
            )
            return None
        if len(text) > self._max_request_bytes:
            self.too_large(self._number)
            return None
        # Of a subclass, such as numpy's, only the text counts.
        key = str.__str__(key)
        return EncodedRequest(key=key, request=text, metadata=extra, number=self._number)

    def _refuse_defaults(self) -> None:
        if self.kind == JobKind.EMBED:
            for name in self._defaults.given:
                self.report(
                    f"{name} does not go with embedding rows",
                    remedy="Leave it out.",
                    field=name,
                )

    def _without_mark(self, line: bytes) -> bytes:
        if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            self._unreadable = True
            self._say("", "the text is UTF-16, not UTF-8", "Save it again as UTF-8.")
            return b""
        return line.removeprefix(codecs.BOM_UTF8)

    def _say(self, field: str, message: str, remedy: str) -> None:
        self.report(message, remedy=remedy, number=self._number, field=field)


def _kind_of(value: object) -> JobKind | None:
    if isinstance(value, GenerateRequest):
        return JobKind.GENERATE
    return JobKind.EMBED if isinstance(value, EmbedRequest) else None


def _kind_by_members(body: Any) -> JobKind | None:
    if not isinstance(body, dict):
        return None
    if "contents" in body:
        return JobKind.GENERATE
    return None if _EMBED_MARKS.isdisjoint(body) else JobKind.EMBED


def _plain(codec: Codec, value: object) -> Any:
    try:
        return codec.unstructure(value)
    except (TypeError, AttributeError):
        if not isinstance(value, GenerateRequest | EmbedRequest):
            raise
    # A member of another type than declared, such as contents="hello": each member is taken
    # for what it is, so that the walk can say what is wrong with it.
    members = ((f.name, getattr(value, f.name)) for f in fields(type(value)))
    return {name: codec.unstructure(item) for name, item in members if item is not None}
