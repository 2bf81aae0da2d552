"""Input files are read during create, and their bad lines named."""

import pytest

from tests.emulator.service import Service, recorded

EMBED = {"model": "models/gemini-embedding-2", "method": "asyncBatchEmbedContent"}
GOOD = b'{"key": "k%d", "request": {"contents": [{"parts": [{"text": "x"}]}]}}'


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"", "near column 1: empty line"),
        (b"   ", "near column 1: empty line"),
        (b'{"key": "a"}', "missing required field: 'request'"),
        (b'{"request": {"contents": [{"parts": [{"text": "x"}]}]}}', "field: 'key'"),
        (GOOD.replace(b"k%d", b""), "missing required field: 'key'"),
        (GOOD % 1, "duplicate key: 'k1' was used on line 1"),
        (b'{"contents": [{"parts": [{"text": "x"}]}]}', "no such field: 'contents'"),
        (GOOD.replace(b'"k%d"', b"7"), "invalid value 7 at 'key'"),
        (b'{"key": "a", "key": "b", "request": {}}', "field set twice: 'key'"),
        (b"[1]", "invalid value"),
        (b'{"key": "a",', "invalid JSON, near column 13"),
        (b"\xff\xfe", "near column 1: invalid UTF-8"),
        (b'{"key": NaN}', "unexpected token NaN"),
        (b"[" * 100_000, "invalid JSON"),
        (b"\xef\xbb\xbf" + GOOD % 2, "invalid JSON"),
    ],
)
async def test_a_bad_line_is_named_by_its_number(
    service: Service, line: bytes, text: str
) -> None:
    file = await service.upload(b"\n".join((GOOD % 1, line, GOOD % 3)) + b"\n")

    answer = await service.create({"inputConfig": {"fileName": file["name"]}})

    assert answer.status == 400
    assert answer.message.startswith("Error on line 2: ")
    assert text in answer.message
    assert "Error on line 3" not in answer.message


async def test_bad_lines_are_worded_like_the_recorded_ones(service: Service) -> None:
    head, tail = '{"key": "k%d", "request": {"contents": [{"parts": [{"text": "', '"}]}], '
    config = '"generationConfig": {"temperature": 0}, "thinking_config"'
    # The recorded error points right behind the member's name.
    padding = "x" * (1031 - len(head % 1) - len(tail) - len(config))
    lines = [(head % number) + padding + tail + config + ": {}}}" for number in (1, 2)]
    file = await service.upload("\n".join(lines).encode())

    answer = await service.create({"inputConfig": {"fileName": file["name"]}})

    assert answer.json == recorded("errors/400-jsonl-validation.json")


async def test_a_byte_order_mark_is_refused(service: Service) -> None:
    file = await service.upload(b"\xef\xbb\xbf" + GOOD % 1)

    answer = await service.create({"inputConfig": {"fileName": file["name"]}})

    assert answer.message == (
        "Error on line 1: invalid JSON, near column 1: unexpected byte order mark"
    )


async def test_the_first_ten_bad_lines_are_listed(service: Service) -> None:
    file = await service.upload(b"{}\n" * 25)

    answer = await service.create({"inputConfig": {"fileName": file["name"]}})

    assert answer.message.count("Error on line") == 10


async def test_a_generate_file_is_no_embedding_input(service: Service) -> None:
    file = await service.upload(GOOD % 1)

    answer = await service.create({"inputConfig": {"fileName": file["name"]}}, **EMBED)

    assert "no such field: 'contents'" in answer.message
