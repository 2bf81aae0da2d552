"""Requests of every kind, most of them sound, some of them odd, for property tests."""

from array import array
from collections import OrderedDict
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from hypothesis import strategies as st

from gemini_batch.types import (
    Blob,
    CodeExecutionResult,
    CodeLanguage,
    CodeOutcome,
    Content,
    EmbedRequest,
    ExecutableCode,
    FileData,
    FunctionCall,
    FunctionCallingConfig,
    FunctionCallingMode,
    FunctionDeclaration,
    FunctionResponse,
    GenerateRequest,
    GenerationConfig,
    HarmBlockThreshold,
    HarmCategory,
    JobKind,
    Part,
    SafetySetting,
    TaskType,
    ThinkingConfig,
    Tool,
    ToolConfig,
)


class Text(str):
    __slots__ = ()


class Word(StrEnum):
    WORD = "word"


class Whole(int): ...


class Real(float): ...


class Touchy:
    """Like an array of numpy: what it is compared with says nothing."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> Any:
        return self

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")


DEEP: Any = "x"
for _ in range(120):
    DEEP = [DEEP]

ODD = st.sampled_from(
    [
        None,
        "",
        "text",
        "\ud800",
        Text("text"),
        Word.WORD,
        b"",
        b"bytes",
        bytearray(b"bytes"),
        array("b", b"bytes"),
        0,
        1,
        1.0,
        -0.0,
        0.5,
        1e300,
        float("nan"),
        float("-inf"),
        2**53,
        float(2**53),
        2**63,
        10**400,
        True,
        False,
        Whole(3),
        Real(0.5),
        Touchy(),
        [],
        (),
        {},
        set(),
        {"text": "x"},
        [{"text": "x"}],
        {"parts": [{"text": "x"}]},
        {"a": float("nan")},
        {"a": {1, 2}},
        {1: "x"},
        {"type": "STRING", "snake_case": {"maxItems": 5}},
        {"type": "STRING", "maxItems": "5"},
        {"max_items": 5.0},
        {"a": DEEP},
        ["a", "b"],
        ("a", "b"),
        ("a", Text("b")),
        (1,),
        MappingProxyType({"type": "STRING"}),
        OrderedDict(type="STRING"),
        object(),
        Part(text="x"),
        Part(),
        Content.from_text("x"),
        Content(),
        HarmCategory.HARASSMENT,
        HarmCategory("NEW"),
        ThinkingConfig(thinking_budget=1),
    ]
)
TEXTS = st.sampled_from(["", "x", "ünï“ \\ \n\x00", "a long one " * 40]) | st.text()
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-3, 2**60)
WHOLES = st.integers(-(2**63), 2**63 - 1)
FEW = 7
SELDOM = st.integers(0, 40)  # is FEW
PLAIN = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
MAPPINGS = st.dictionaries(TEXTS, PLAIN, max_size=3)


def built(cls: type, **members: Any) -> Any:
    """Values of a class; a few of its members are set, seldom to something odd."""

    @st.composite
    def value(draw: Any) -> Any:
        needed = [name for name in members if name[0] == "_"]
        chosen = draw(st.lists(st.sampled_from([*members]), max_size=3, unique=True))
        given_ = {}
        for name in {*needed, *chosen}:
            odd = draw(SELDOM) == FEW
            given_[name.removeprefix("_")] = draw(ODD if odd else members[name])
        return cls(**given_)

    return value()


def some(strategy: Any, least: int = 0) -> Any:
    lists = st.lists(strategy, min_size=least, max_size=2)
    return lists.map(tuple) | lists


BLOBS = built(Blob, mime_type=TEXTS, _data=st.binary(max_size=9), display_name=TEXTS)
FILES = built(FileData, _file_uri=TEXTS, mime_type=TEXTS, display_name=TEXTS)
CALLS = built(FunctionCall, name=TEXTS, args=MAPPINGS, id=TEXTS)
ANSWERS = built(
    FunctionResponse,
    name=TEXTS,
    response=MAPPINGS,
    id=TEXTS,
    parts=some(st.just({"inline_data": {"data": "AAAA"}}) | MAPPINGS),
    scheduling=TEXTS,
    will_continue=st.booleans(),
)
CODE = built(ExecutableCode, code=TEXTS, language=st.sampled_from(CodeLanguage), id=TEXTS)
RESULTS = built(
    CodeExecutionResult,
    outcome=st.sampled_from(CodeOutcome) | st.just(CodeOutcome("NEW")),
    output=TEXTS,
    id=TEXTS,
)
PARTS = st.one_of(
    st.builds(Part, text=TEXTS),
    st.builds(Part, inline_data=BLOBS),
    st.builds(Part, file_data=FILES),
    st.builds(Part, function_call=CALLS, thought_signature=st.binary(max_size=5)),
    st.builds(Part, function_response=ANSWERS),
    st.builds(Part, executable_code=CODE),
    st.builds(Part, code_execution_result=RESULTS),
) | built(
    Part,
    _text=TEXTS,
    thought=st.booleans(),
    thought_signature=st.binary(max_size=5),
    inline_data=BLOBS,
    file_data=FILES,
    function_call=CALLS,
    function_response=ANSWERS,
    executable_code=CODE,
    code_execution_result=RESULTS,
    video_metadata=st.sampled_from([{"fps": 2.0}, {"start_offset": "1s"}, {"fps": "x"}]),
    media_resolution=st.just({"level": "HIGH"}),
    part_metadata=MAPPINGS,
)
ROLES = st.sampled_from([None, "user", "model", 'o"dd', ""])
CONTENTS = built(Content, _parts=some(PARTS, 1), role=ROLES) | st.builds(
    Content, parts=st.tuples(st.builds(Part, text=TEXTS)), role=ROLES
)
SCHEMAS = st.sampled_from(
    [{"type": "STRING"}, {"type": "OBJECT", "properties": {"a": {"maxItems": 2.0}}}]
)
CONFIGS = built(
    GenerationConfig,
    temperature=NUMBERS,
    top_p=NUMBERS,
    top_k=WHOLES,
    max_output_tokens=WHOLES,
    stop_sequences=some(TEXTS),
    candidate_count=WHOLES,
    seed=WHOLES,
    presence_penalty=NUMBERS,
    frequency_penalty=NUMBERS,
    response_mime_type=st.sampled_from(["application/json", "text/plain"]),
    response_schema=SCHEMAS,
    response_json_schema=MAPPINGS,
    response_modalities=some(st.just("TEXT")),
    response_logprobs=st.booleans(),
    logprobs=WHOLES,
    media_resolution=TEXTS,
    thinking_config=built(
        ThinkingConfig,
        thinking_budget=WHOLES,
        include_thoughts=st.booleans(),
        thinking_level=TEXTS,
    ),
    speech_config=st.just({"language_code": "de"}),
    image_config=st.just({"aspectRatio": "1:1"}),
    enable_enhanced_civic_answers=st.booleans(),
)
PLAIN_CONFIGS = st.sampled_from(
    [
        {},
        {"top_p": 1.0},
        {"topP": 0.5, "temperature": None},
        {"maxTokens": 5},
        {"responseSchema": {"type": "STRING"}},
        {"responseMimeType": "application/json", "response_json_schema": {"a": [1, 1.0]}},
    ]
)
SETTINGS = built(
    SafetySetting,
    _category=st.sampled_from(HarmCategory),
    _threshold=st.sampled_from(HarmBlockThreshold) | st.just("OFF"),
)
KEYS = st.sampled_from([None, "a", "b", "ü", "a,", '","request":', Text("b")])
METADATA = st.sampled_from([{}, {"x": "y"}, {"key": "a"}, {"x": (1, "y")}])
FUNCTIONS = built(
    FunctionDeclaration,
    _name=TEXTS,
    description=TEXTS,
    parameters=SCHEMAS,
    parameters_json_schema=MAPPINGS,
    response=SCHEMAS,
    response_json_schema=MAPPINGS,
)
TOOLS = built(
    Tool,
    function_declarations=some(FUNCTIONS),
    google_search=st.sampled_from([{}, {"time_range_filter": {"start_time": "x"}}]),
    url_context=st.just({}),
    code_execution=st.just({}),
    google_maps=st.sampled_from([{}, {"enableWidget": True}]),
)
TOOL_CONFIGS = built(
    ToolConfig,
    function_calling_config=built(
        FunctionCallingConfig,
        mode=st.sampled_from(FunctionCallingMode) | st.just("NEW"),
        allowed_function_names=some(TEXTS),
    ),
    retrieval_config=st.sampled_from([{}, {"lat_lng": {"latitude": 1}}, {"x": 1}]),
)
PLAIN_SETTINGS = st.sampled_from([{"category": "NEW", "threshold": "OFF"}, {"x": 1}])
PLAIN_TOOLS = st.sampled_from([{"google_search": {}}, {"googleSearch": {}}, {"x": 1}])
GENERATE = built(
    GenerateRequest,
    _contents=some(CONTENTS, 1),
    _key=KEYS,
    system_instruction=CONTENTS,
    generation_config=CONFIGS | PLAIN_CONFIGS,
    safety_settings=some(SETTINGS | PLAIN_SETTINGS),
    tools=some(TOOLS | PLAIN_TOOLS),
    tool_config=TOOL_CONFIGS
    | st.sampled_from([{}, {"function_calling_config": {"mode": "AUTO"}}]),
    cached_content=TEXTS,
    metadata=METADATA,
)
EMBEDS = built(
    EmbedRequest,
    _content=CONTENTS,
    _key=KEYS,
    task_type=st.sampled_from(TaskType) | st.just("RETRIEVAL_DOCUMENT"),
    title=TEXTS,
    output_dimensionality=st.integers(0, 9),
    metadata=METADATA,
)
OPTIONS: Any = st.just({}) | st.fixed_dictionaries(
    {"allow_metadata": st.booleans()},
    optional={
        "kind": st.sampled_from(JobKind),
        "model": st.just("m"),
        "generation_config": st.sampled_from(
            [
                {"temperature": 1.0},
                {"temperature": Real(0.5)},
                GenerationConfig(
                    response_schema={"type": "STRING"},
                    response_mime_type="application/json",
                ),
            ]
        ),
        "system_instruction": st.sampled_from(["be brief", "\ud800"]),
        "max_request_bytes": st.sampled_from([60, 100, 1000]),
    },
)


# Mappings and lines


def mapped(strange: Any, **members: Any) -> Any:
    """Mappings with a few of these members, seldom with something strange for a value."""

    @st.composite
    def value(draw: Any) -> Any:
        needed = [name for name in members if name[0] == "_"]
        chosen = draw(st.lists(st.sampled_from([*members]), max_size=2, unique=True))
        taken = {}
        for name in draw(st.permutations(sorted({*needed, *chosen}))):
            odd = draw(SELDOM) == FEW
            taken[name.removeprefix("_")] = draw(strange if odd else members[name])
        return taken

    return value()


def requests_of(strange: Any) -> Any:
    texts = mapped(strange, _text=TEXTS)
    blobs = mapped(strange, _data=st.sampled_from(["AAAA", "-_8=", "%"]), mimeType=TEXTS)
    files = mapped(strange, _fileUri=TEXTS, mimeType=TEXTS, mime_type=TEXTS)
    parts = (
        texts
        | mapped(strange, _inlineData=blobs)
        | mapped(
            strange,
            _text=TEXTS,
            inlineData=blobs,
            fileData=files,
            thought=st.booleans(),
            functionCall=mapped(strange, name=TEXTS, args=MAPPINGS),
            videoMetadata=st.just({"fps": 2.0}),
            x=TEXTS,
        )
    )
    many = st.lists(parts, min_size=1, max_size=2) | st.lists(texts, min_size=1, max_size=2)
    contents = mapped(strange, _parts=many, role=ROLES)
    configs = PLAIN_CONFIGS | mapped(
        strange, temperature=NUMBERS, topK=WHOLES, stopSequences=st.lists(TEXTS, max_size=2)
    )
    generate = mapped(
        strange,
        _contents=st.lists(contents, min_size=1, max_size=2),
        systemInstruction=contents,
        system_instruction=contents,
        generationConfig=configs,
        generation_config=configs,
        tools=st.sampled_from([[], [{"googleSearch": {}}], [{"google_search": {}}]]),
        toolConfig=st.just({"functionCallingConfig": {"mode": "AUTO"}}),
        safetySettings=st.just([{"category": "X", "threshold": "OFF"}]),
        cachedContent=TEXTS,
        labels=MAPPINGS,
        model=st.sampled_from(["m", "models/m", "n"]),
    )
    embed = mapped(
        strange,
        _content=contents,
        taskType=st.sampled_from(["RETRIEVAL_DOCUMENT", "NEW"]),
        title=TEXTS,
        outputDimensionality=st.integers(-1, 3) | st.just(2**63),
    )
    keys = st.sampled_from([None, "a", "b", "ü"])
    metadata = st.sampled_from([None, {}, {"key": "a"}, {"key": "b", "x": 1}, {"x": [1.0]}])
    bare = generate | embed
    return st.one_of(
        mapped(strange, _request=bare, _key=keys),
        mapped(strange, _request=bare, key=keys, metadata=metadata, id=keys),
        st.tuples(bare, mapped(strange, key=keys, metadata=metadata)).map(
            lambda both: both[0] | both[1]
        ),
    )


JSON_ODD = st.sampled_from(
    [
        None,
        "",
        "text",
        0,
        1,
        1.0,
        0.5,
        2**63,
        10**30,
        True,
        False,
        [],
        {},
        {"text": "x"},
        ["x"],
    ]
)
