"""Requests from the texts of a row."""

from collections.abc import Sequence

from gemini_batch.tables._table_reader import Make
from gemini_batch.tables._template import Template
from gemini_batch.types import Content, EmbedRequest, GenerateRequest, TaskType


def generating(
    prompt: Template,
    instruction: Template | None,
    names: Sequence[str],
    model: GenerateRequest,
) -> Make[GenerateRequest]:
    """Return what makes generation requests of the cells of the columns `names`.

    Args:
        prompt: The template of the prompt.
        instruction: The template of the system instruction.
        names: Columns in the order of the cells.
        model: What all have in common; its contents are turns before the prompt.
    """
    fill = prompt.bound(names)
    instruct = None if instruction is None else instruction.bound(names)
    constant = instruction is None or not instruction.columns
    # Most rows share it: made once, it is also written once.
    shared = _instruction(instruct([]) if constant and instruct else "")

    def make(key: str | None, cells: Sequence[str]) -> GenerateRequest | None:
        text = fill(cells)
        if not text.strip():
            return None
        own = _instruction(instruct(cells)) if instruct and not constant else shared
        return GenerateRequest(
            contents=(*model.contents, Content.from_text(text, role="user")),
            key=key,
            system_instruction=own,
            generation_config=model.generation_config,
            safety_settings=model.safety_settings,
            tools=model.tools,
            tool_config=model.tool_config,
            cached_content=model.cached_content,
        )

    return make


def _instruction(text: str) -> Content | None:
    # The service refuses an empty one.
    return Content.from_text(text) if text.strip() else None


def embedding(
    text: str,
    title: str | None,
    names: Sequence[str],
    *,
    task_type: TaskType | None,
    output_dimensionality: int | None,
) -> Make[EmbedRequest]:
    """Return what makes embedding requests of the cells of the columns `names`.

    Args:
        text: The column of what is embedded.
        title: The column of titles.
        names: Columns in the order of the cells.
        task_type: What the embeddings are for.
        output_dimensionality: Numbers per vector.
    """
    body = names.index(text)
    head = None if title is None else names.index(title)

    def make(key: str | None, cells: Sequence[str]) -> EmbedRequest | None:
        if not cells[body].strip():
            return None
        return EmbedRequest.from_text(
            cells[body],
            key=key,
            task_type=task_type,
            title=None if head is None else cells[head] or None,
            output_dimensionality=output_dimensionality,
        )

    return make
