"""What the service refuses, and how it words that."""

import copy
import io
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from gemini_batch.testing import Emulator, Limits, ManualClock
from tests.emulator.service import KEY, Service, recorded, request_of

EMBED = {"model": "models/gemini-embedding-2", "method": "asyncBatchEmbedContent"}
FULL = "gemini/create-inline-full-options.request.json"
FIRST = "batch.input_config.requests.requests[0]"


def _row(body: dict[str, Any]) -> dict[str, Any]:
    row = body["batch"]["inputConfig"]["requests"]["requests"][0]["request"]
    assert isinstance(row, dict)
    return row


def _set(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        target: Any = body
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value

    return change


def _set_in_row(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda body: _set(*path, value=value)(_row(body))


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        (_set("batch", "src", value={}), "batch", "Unknown name \"src\" at 'batch'"),
        (_set("model", value="m"), "", 'Unknown name "model": Cannot find field.'),
        (
            _set("batch", "inputConfig", "gcsUri", value="gs://x"),
            "batch.input_config",
            "Cannot find field.",
        ),
        (_set("batch", "displayName", value=7), "batch.display_name", "(TYPE_STRING), 7"),
        (_set("batch", "priority", value="high"), "batch.priority", "(TYPE_INT64)"),
        (_set("batch", "priority", value=2**63), "batch.priority", "(TYPE_INT64)"),
        (
            _set_in_row("config", value={}),
            f"{FIRST}.request",
            f"Unknown name \"config\" at '{FIRST}.request': Cannot find field.",
        ),
        (
            _set_in_row("generationConfig", "cachedContent", value="cachedContents/x"),
            f"{FIRST}.request.generation_config",
            'Unknown name "cachedContent"',
        ),
        (
            _set_in_row("generationConfig", "temperature", value="0.2"),
            f"{FIRST}.request.generation_config.temperature",
            '(TYPE_FLOAT), "0.2"',
        ),
        (
            _set_in_row("generationConfig", "maxOutputTokens", value=1.5),
            f"{FIRST}.request.generation_config.max_output_tokens",
            "(TYPE_INT32), 1.5",
        ),
        (
            _set_in_row("generationConfig", "seed", value=2**31),
            f"{FIRST}.request.generation_config.seed",
            "(TYPE_INT32)",
        ),
        (
            _set_in_row("generationConfig", "responseSchema", "type", value="OBJ"),
            f"{FIRST}.request.generation_config.response_schema.type",
            'v1beta.Type), "OBJ"',
        ),
        (
            _set_in_row("systemInstruction", value="You are a chef."),
            f"{FIRST}.request.system_instruction",
            'v1beta.Content), "You are a chef."',
        ),
        (
            _set_in_row("systemInstruction", value=[{"text": "x"}]),
            f"{FIRST}.request",
            "Proto field is not repeating, cannot start list.",
        ),
        (
            _set_in_row("contents", 0, "parts", 0, "txt", value="x"),
            f"{FIRST}.request.contents[0].parts[0]",
            'Unknown name "txt"',
        ),
        (
            _set_in_row("contents", 0, "parts", value={"role": "user"}),
            f"{FIRST}.request.contents[0].parts",
            'Unknown name "role"',
        ),
        (
            _set_in_row("contents", 0, "parts", value="x"),
            f"{FIRST}.request.contents[0].parts",
            "Invalid value",
        ),
        (
            _set_in_row("contents", 0, "parts", 0, "inlineData", value={"data": "AA=="}),
            f"{FIRST}.request.contents[0].parts[0]",
            "oneof field 'data' is already set. Cannot set 'inlineData'",
        ),
        (
            _set_in_row("contents", 0, "parts", 0, value={"inlineData": {"data": "*"}}),
            f"{FIRST}.request.contents[0].parts[0].inline_data.data",
            "(TYPE_BYTES)",
        ),
        (
            _set_in_row("labels", value={"a": 1}),
            f'{FIRST}.request.labels["a"]',
            "(TYPE_STRING), 1",
        ),
        (
            _set_in_row("serviceTier", value="STANDARD"),
            f"{FIRST}.request.service_tier",
            "ServiceTier",
        ),
        (
            _set_in_row("system_instruction", value={"parts": [{"text": "again"}]}),
            f"{FIRST}.request",
            "cannot set it twice",
        ),
        (
            _set("batch", "inputConfig", "fileName", value="files/x"),
            "batch.input_config",
            "oneof field 'source' is already set. Cannot set 'fileName'",
        ),
    ],
)
async def test_a_misfit_is_named_with_its_place(
    service: Service, change: Callable[[dict[str, Any]], None], field: str, text: str
) -> None:
    body = copy.deepcopy(recorded(FULL))
    change(body)

    path = "/v1beta/models/gemini-2.5-flash:batchGenerateContent"
    answer = await service.call("POST", path, json=body)

    assert answer.status == 400
    error = answer.json["error"]
    assert error["status"] == "INVALID_ARGUMENT"
    assert error["details"][0]["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    [violation] = error["details"][0]["fieldViolations"]
    assert violation.get("field", "") == field
    assert text in violation["description"]
    assert error["message"] == violation["description"]
    assert not service.emulator.jobs


async def test_several_misfits_are_worded_like_the_recorded_ones(service: Service) -> None:
    parts = {"role": "user"}
    request = {"contents": [{"parts": parts}, {"parts": parts}]}
    config = {"requests": {"requests": [{"request": request}]}}

    error = (await service.create({"inputConfig": config})).json["error"]

    place = f"{FIRST}.request."
    violations = error["details"][0]["fieldViolations"]
    for violation in violations:
        violation["field"] = violation["field"].removeprefix(place)
        violation["description"] = violation["description"].replace(place, "")
    error["message"] = error["message"].replace(place, "")
    assert {"error": error} == recorded("errors/400-field-violations.json")


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ({}, "contents is not specified"),
        ({"contents": []}, "contents is not specified"),
        ({"contents": [{"role": "user"}]}, "parts must not be empty"),
        ({"contents": [{"parts": [{}]}]}, "must have one initialized field"),
        ({"contents": [{"parts": [{"thought": True}]}]}, "must have one initialized field"),
        (request_of("x", systemInstruction={"parts": [{"text": ""}]}), "must not be empty"),
        (request_of("x", systemInstruction={}), "must not be empty"),
        ({"contents": [{"role": "system", "parts": [{"text": "x"}]}]}, "valid role"),
        *(
            (request_of("x", cachedContent="cachedContents/a", **{member: value}), "Cached")
            for member, value in (
                ("systemInstruction", {"parts": [{"text": "x"}]}),
                ("tools", [{"googleSearch": {}}]),
                ("toolConfig", {}),
            )
        ),
    ],
)
async def test_rules_of_requests(
    service: Service, request_: dict[str, Any], text: str
) -> None:
    config = {"requests": {"requests": [{"request": request_}]}}

    inline = await service.create({"inputConfig": config})
    line = json.dumps({"key": "k", "request": request_}).encode()
    file = await service.upload(line)
    from_file = await service.create({"inputConfig": {"fileName": file["name"]}})

    assert inline.status == from_file.status == 400
    assert text in inline.message
    assert text in from_file.message
    assert from_file.message.startswith("Error on line 1: ")


@pytest.mark.parametrize("config", [{}, {"requests": {}}, {"requests": {"requests": []}}])
async def test_a_job_needs_a_request(service: Service, config: dict[str, Any]) -> None:
    answer = await service.create({"inputConfig": config})

    assert answer.status == 400
    assert "at least one request" in answer.message


async def test_an_empty_file_makes_no_job(service: Service) -> None:
    file = await service.upload(b"")

    answer = await service.create({"inputConfig": {"fileName": file["name"]}})

    assert "at least one request" in answer.message


@pytest.mark.parametrize("name", ["input.jsonl", "files/", "files/a/b", "gs://bucket/x"])
async def test_a_file_is_named_files_something(service: Service, name: str) -> None:
    answer = await service.create({"inputConfig": {"fileName": name}})

    assert answer.status == 400
    assert "must be in the form 'files/<id>'" in answer.message


async def test_an_unknown_input_file_looks_forbidden(service: Service) -> None:
    assert (await service.create({"inputConfig": {"fileName": "files/x"}})).status == 403


@pytest.mark.parametrize(
    ("model", "method", "status"),
    [
        ("models/gemini-3-flash-preview", "batchGenerateContent", 200),
        ("tunedModels/mine-123", "batchGenerateContent", 200),
        ("models/imagen-4.0", "batchGenerateContent", 404),
        ("models/gemini-embedding-001", "batchGenerateContent", 404),
        ("models/gemini-2.5-flash", "asyncBatchEmbedContent", 404),
        ("gemini-2.5-flash", "batchGenerateContent", 404),
    ],
)
async def test_only_fitting_models_are_known(
    service: Service, model: str, method: str, status: int
) -> None:
    config = {"requests": {"requests": [{"request": request_of("x")}]}}

    answer = await service.create({"inputConfig": config}, model=model, method=method)

    assert answer.status == status
    if status == 404 and "/" in model:
        assert answer.message == (
            f"{model} is not found for API version v1beta, or is not supported for {method}."
            " Call ListModels to see the list of available models and their supported methods."
        )


async def test_a_body_has_a_limit(service: Service) -> None:
    body = io.BytesIO(b'{"batch": {"displayName": "' + b"x" * (20 * 1024 * 1024) + b'"}}')
    path = "/v1beta/models/gemini-2.5-flash:batchGenerateContent"

    answer = await service.call("POST", path, data=body)

    assert answer.status == 400
    assert answer.message == "Request payload size exceeds the limit: 20971520 bytes."


async def test_open_jobs_have_a_limit(clock: ManualClock, service: Service) -> None:
    for _ in range(100):
        await service.create_inline("x")
    config = {"requests": {"requests": [{"request": request_of("x")}]}}

    refused = await service.create({"inputConfig": config})
    clock.advance(60)
    accepted = await service.create({"inputConfig": config})

    assert refused.status == 429
    assert refused.json == recorded("errors/429-help-only.json")
    assert accepted.status == 200


async def test_a_missing_key_is_refused(service: Service) -> None:
    answer = await service.call("GET", "/v1beta/files", headers={})

    assert answer.status == 403
    assert answer.message.startswith("Method doesn't allow unregistered callers")


async def test_a_wrong_key_is_refused_as_recorded(service: Service) -> None:
    answer = await service.call("GET", "/v1beta/files", headers={"x-goog-api-key": "no"})

    assert answer.status == 400
    assert answer.json == recorded("errors/400-api-key-invalid.json")


async def test_the_key_may_stand_in_the_query(service: Service) -> None:
    answer = await service.call("GET", "/v1beta/files?key=emulator-key", headers={})

    assert answer.status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/files"),
        ("GET", "/v1main/files"),
        ("GET", "/v1beta/batches/x/y"),
        ("PUT", "/v1beta/files/x"),
        ("POST", "/v1beta/models/gemini-2.5-flash:generateContent"),
        ("GET", "/"),
    ],
)
async def test_unknown_calls_are_not_found(
    service: Service, method: str, path: str
) -> None:
    answer = await service.call(method, path)

    assert answer.status == 404
    assert answer.headers["Content-Type"].startswith("text/html")


async def test_an_unknown_query_parameter_is_refused(service: Service) -> None:
    answer = await service.call("GET", "/v1beta/files?foo=1")

    assert answer.status == 400
    assert answer.message.startswith(
        'Invalid JSON payload received. Unknown name "foo": Cannot bind query parameter.'
    )


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"x"', b"\xff", b'{"batch": {}, "batch": {}}', b"", b"NaN"]
)
async def test_a_body_that_is_no_message_is_refused(service: Service, body: bytes) -> None:
    path = "/v1beta/models/gemini-2.5-flash:batchGenerateContent"

    answer = await service.call("POST", path, data=body, headers=KEY)

    assert answer.status == 400
    assert answer.json["error"]["status"] == "INVALID_ARGUMENT"


async def test_limits_can_be_changed(clock: ManualClock) -> None:
    limits = Limits(max_open_jobs=1, max_request_bytes=1000)
    async with (
        Emulator(clock=clock, limits=limits) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        await service.create_inline("x")
        config = {"requests": {"requests": [{"request": request_of("x")}]}}
        assert (await service.create({"inputConfig": config})).status == 429
        large = await service.create({"displayName": "x" * 1000})
        assert large.message == "Request payload size exceeds the limit: 1000 bytes."
