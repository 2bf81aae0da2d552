"""Lines of any length, however the stream is cut."""

from hypothesis import given
from hypothesis import strategies as st

from gemini_batch._codec import snake_name, wire_name
from gemini_batch._io.lines import LineSplitter


@given(st.lists(st.binary().map(lambda b: b.replace(b"x", b"\n"))))
def test_chunk_borders_do_not_matter(chunks: list[bytes]) -> None:
    """Any way of cutting the stream gives the same lines."""
    splitter = LineSplitter()

    lines = [line for chunk in chunks for line in splitter.feed(chunk)]

    assert all(line.endswith(b"\n") for line in lines)
    assert [*lines, splitter.finish()] == [
        *(line + b"\n" for line in b"".join(chunks).split(b"\n")[:-1]),
        b"".join(chunks).split(b"\n")[-1],
    ]


@given(st.lists(st.integers(0, 20_000), max_size=8), st.integers(1, 50_000))
def test_long_lines_are_cut_like_short_ones(lengths: list[int], step: int) -> None:
    lines = [b"x" * length + b"\n" for length in lengths]
    stream = b"".join([*lines, b"rest"])
    splitter = LineSplitter()

    pieces = [stream[start : start + step] for start in range(0, len(stream), step)]

    assert [line for piece in pieces for line in splitter.feed(piece)] == lines
    assert splitter.finish() == b"rest"


def test_unicode_line_separators_do_not_cut() -> None:
    splitter = LineSplitter()
    line = '{"text": "a\u2028b\x85c"}'.encode()

    assert list(splitter.feed(line + b"\n")) == [line + b"\n"]


def test_names_are_renamed_by_rule() -> None:
    for ours, wire in [
        ("size_bytes", "sizeBytes"),
        ("sha256_hash", "sha256Hash"),
        ("response_json_schema", "responseJsonSchema"),
        ("name", "name"),
    ]:
        assert wire_name(ours) == wire
        assert snake_name(wire) == ours
