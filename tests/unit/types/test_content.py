"""Parts of contents."""

from gemini_batch.types import (
    Part,
)


def test_parts_are_made_by_shape() -> None:
    assert Part.from_text("a") == Part(text="a")
    part = Part.from_bytes(b"\x89PNG", mime_type="image/png")
    assert part.inline_data is not None
    assert part.inline_data.data == b"\x89PNG"
    assert "PNG" not in repr(part)
    uri = Part.from_uri("https://x/files/a", mime_type="image/png").file_data
    assert uri is not None
    assert uri.file_uri == "https://x/files/a"
