"""Input built row by row from prompts: typed requests, mappings or ready lines, to JSONL.

Ours is the way that `client.batches.submit` takes before it uploads: every row checked, its
key looked up among all keys, the file spooled. Theirs has no builder of files: the typed path
is the private converter that `batches.create(src=[InlinedRequest, …])` runs.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from benchmarks._data import CONFIG, INSTRUCTION, key, prompts
from benchmarks._job import BEFORE, Job, Run, Setting, Side, Target

if TYPE_CHECKING:
    from gemini_batch import GenerateRequest, GenerationConfig

SMALL, MIDDLE, LARGE = 1_000, 10_000, 100_000
_MODEL = "gemini-2.5-flash"
_WARM = 600

_OWN = "gemini_batch: typed, config of its own per row"
SHARED = "gemini_batch: typed, shared config"
_DEFAULTS = "gemini_batch: typed, config given once as default"
MAPPINGS = "gemini_batch: mappings"
_LINES = "gemini_batch: ready lines"
ORJSON = "orjson.dumps of mappings"
_ORJSON_KEYS = "orjson.dumps of mappings, keys checked"
_JSON = "json.dumps of mappings"
THEIRS = "google-genai typed path (private: inline create), shared config"
_THEIRS_OWN = "google-genai typed path (private: inline create), config of its own per row"
_THEIR_DUMP = "google-genai Content.model_dump, json.dumps"


def asked(count: int) -> Iterator[tuple[str, str]]:
    """Yield key and prompt of each row."""
    texts = prompts()
    for index in range(count):
        yield key(index), texts[index % len(texts)]


def mappings(count: int) -> Iterator[dict[str, Any]]:
    """Yield rows as the wire has them."""
    instruction = {"parts": [{"text": INSTRUCTION}]}
    for name, text in asked(count):
        yield {
            "key": name,
            "request": {
                "contents": [{"role": "user", "parts": [{"text": text}]}],
                "systemInstruction": instruction,
                "generationConfig": CONFIG,
            },
        }


# Ours


def config() -> "GenerationConfig":
    """Return what `CONFIG` says as a value of ours."""
    from gemini_batch import GenerationConfig

    return _config(GenerationConfig)


def _config(cls: "type[GenerationConfig]") -> "GenerationConfig":
    # The class is given, because an import per row would be a cost that no caller has.
    return cls(
        temperature=0.2,
        top_p=0.95,
        top_k=40,
        max_output_tokens=1024,
        candidate_count=1,
        stop_sequences=("END",),
    )


def own(count: int) -> Iterator["GenerateRequest"]:
    """Yield requests whose instruction and config are made anew for each."""
    from gemini_batch import GenerateRequest, GenerationConfig

    for name, text in asked(count):
        yield GenerateRequest.from_text(
            text,
            key=name,
            system_instruction=INSTRUCTION,
            generation_config=_config(GenerationConfig),
        )


def shared(count: int) -> Iterator["GenerateRequest"]:
    """Yield requests that share one instruction and one config."""
    from gemini_batch import Content, GenerateRequest

    instruction, same = Content.from_text(INSTRUCTION), config()
    for name, text in asked(count):
        yield GenerateRequest(
            key=name,
            contents=(Content.from_text(text, role="user"),),
            system_instruction=instruction,
            generation_config=same,
        )


def bare(count: int) -> Iterator["GenerateRequest"]:
    """Yield requests that leave instruction and config to the defaults."""
    from gemini_batch import GenerateRequest

    for name, text in asked(count):
        yield GenerateRequest.from_text(text, key=name)


def lines(count: int) -> Iterator[bytes]:
    """Yield rows as ready lines: one template, so that writing them costs next to nothing."""
    import orjson

    (sample,) = mappings(1)
    name, text = next(asked(1))
    head, _, rest = orjson.dumps(sample).partition(orjson.dumps(name))
    middle, _, tail = rest.partition(orjson.dumps(text))
    texts = [orjson.dumps(text) for text in prompts()]
    for index in range(count):
        name = key(index)
        yield b'%s"%s"%s%s%s' % (
            head,
            name.encode(),
            middle,
            texts[index % len(texts)],
            tail,
        )


def preparing() -> Any:
    """Return the step of `submit` before it uploads. It has no public name."""
    try:
        from gemini_batch._input.prepare import prepare
    except ModuleNotFoundError:  # where it was until the layout was redrawn
        from gemini_batch._transfer.prepare import prepare
    return prepare


def _ours(make: Callable[[int], Iterable[Any]], *, defaults: bool = False) -> Run:
    async def run(setting: Setting) -> int:
        from gemini_batch._codec import Codec

        codec, prepare = Codec(), preparing()
        given: dict[str, Any] = (
            {
                "generation_config": config(),
                "system_instruction": INSTRUCTION,
            }
            if defaults
            else {}
        )

        async def build(count: int) -> int:
            async with prepare(
                make(count), codec=codec, model=_MODEL, inline_limit=0, **given
            ) as prepared:
                assert prepared.path is not None  # spooled
                return prepared.count

        await build(_WARM)
        with setting.meter:
            return await build(setting.size)

    return run


# Floors and theirs


def _writing(make: Callable[[], Callable[[int], Iterable[bytes]]]) -> Run:
    """Return a run that writes the lines that the function made by `make` yields."""

    async def run(setting: Setting) -> int:
        encoded = make()

        def build(count: int) -> int:
            path = setting.data / "built.jsonl"
            written = 0
            with path.open("wb") as file:
                for line in encoded(count):
                    file.write(line)
                    file.write(b"\n")
                    written += 1
            path.unlink()
            return written

        build(_WARM)
        with setting.meter:
            return build(setting.size)

    return run


def _orjson() -> Callable[[int], Iterable[bytes]]:
    import orjson

    return lambda count: map(orjson.dumps, mappings(count))


def _orjson_keys() -> Callable[[int], Iterable[bytes]]:
    import orjson

    def encoded(count: int) -> Iterator[bytes]:
        seen: set[str] = set()
        for row in mappings(count):
            if row["key"] in seen:
                raise ValueError(row["key"])
            seen.add(row["key"])
            yield orjson.dumps(row)

    return encoded


def _json() -> Callable[[int], Iterable[bytes]]:
    import json

    return lambda count: (json.dumps(row).encode() for row in mappings(count))


def _their_config(types: Any) -> Any:
    return types.GenerateContentConfig(
        system_instruction=INSTRUCTION,
        temperature=0.2,
        top_p=0.95,
        top_k=40,
        max_output_tokens=1024,
        candidate_count=1,
        stop_sequences=["END"],
    )


def _their_content(types: Any, text: str) -> Any:
    return types.Content(role="user", parts=[types.Part(text=text)])


def _typed(*, share: bool) -> Callable[[], Callable[[int], Iterable[bytes]]]:
    def make() -> Callable[[int], Iterable[bytes]]:
        import json

        from google import genai
        from google.genai import _common, batches, types

        api = genai.Client(api_key="benchmark")._api_client

        def encoded(count: int) -> Iterator[bytes]:
            same = _their_config(types)
            for name, text in asked(count):
                request = types.InlinedRequest(
                    model=_MODEL,
                    contents=[_their_content(types, text)],
                    metadata={"key": name},
                    config=same if share else _their_config(types),
                )
                row = batches._InlinedRequest_to_mldev(api, request)
                yield json.dumps(_common.convert_to_dict(row)).encode()

        return encoded

    return make


def _dump() -> Callable[[int], Iterable[bytes]]:
    import json

    from google.genai import types

    instruction = {"parts": [{"text": INSTRUCTION}]}

    def encoded(count: int) -> Iterator[bytes]:
        for name, text in asked(count):
            content = _their_content(types, text).model_dump(
                mode="json", by_alias=True, exclude_none=True
            )
            row = {
                "key": name,
                "request": {
                    "contents": [content],
                    "systemInstruction": instruction,
                    "generationConfig": CONFIG,
                },
            }
            yield json.dumps(row).encode()

    return encoded


JOB = Job(
    name="build",
    title="build an input file from requests, 1 kB a row",
    unit="rows",
    sizes=(SMALL, MIDDLE, LARGE),
    sides=(
        Side(name=_OWN, run=_ours(own)),
        Side(name=SHARED, run=_ours(shared)),
        Side(name=_DEFAULTS, run=_ours(bare, defaults=True)),
        Side(name=MAPPINGS, run=_ours(mappings)),
        Side(name=_LINES, run=_ours(lines)),
        Side(name=ORJSON, run=_writing(_orjson), loop=False),
        Side(name=_ORJSON_KEYS, run=_writing(_orjson_keys), loop=False),
        Side(name=_JSON, run=_writing(_json), loop=False),
        Side(
            name=THEIRS,
            run=_writing(_typed(share=True)),
            loop=False,
            most=MIDDLE,
            rounds=3,
        ),
        Side(
            name=_THEIRS_OWN,
            run=_writing(_typed(share=False)),
            loop=False,
            most=MIDDLE,
            rounds=3,
        ),
        Side(name=_THEIR_DUMP, run=_writing(_dump), loop=False),
    ),
    targets=(
        # One strict schema checks lines, mappings and typed requests alike, in place of a
        # writer for each: that costs a typed request several times what it did, and is still
        # far below their typed path, which takes two minutes for the large size.
        Target(side=_OWN, against=_THEIRS_OWN, size=MIDDLE, at_least=45),
        Target(side=SHARED, against=THEIRS, size=MIDDLE, at_least=45),
        # What most users give: it may cost no more than before. What two medians of the same
        # program differ by is in the tenth.
        Target(side=MAPPINGS, against=BEFORE, size=LARGE, at_most=1.10),
        Target(side=_LINES, against=BEFORE, size=LARGE, at_most=1.10),
        Target(side=_OWN, measure="peak", size=LARGE, at_most=2),
        Target(side=SHARED, measure="peak", size=LARGE, at_most=2),
    ),
)
