"""The text of a response."""

from gemini_batch.types import (
    GenerateContentResponse,
    Part,
)


def test_text_leaves_thoughts_out() -> None:
    from gemini_batch.types import Candidate, Content

    parts = (Part(text="hm", thought=True), Part(text="a"), Part(), Part(text="b"))
    content = Content(parts=parts)

    assert GenerateContentResponse(candidates=(Candidate(content=content),)).text == "ab"
    assert GenerateContentResponse(candidates=(Candidate(content=Content()),)).text is None
    assert GenerateContentResponse(candidates=(Candidate(),)).text is None
    assert GenerateContentResponse().text is None
