"""Lists that span pages."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from gemini_batch.errors import DecodeError, InputError
from gemini_batch.types import Page

T = TypeVar("T")


def check_page_size(page_size: int, most: int) -> None:
    """Refuse a page size the service does not take."""
    if not 1 <= page_size <= most:
        raise InputError.one(
            f"a page has 1 to {most} items, not {page_size}", field="page_size"
        )


async def every_item(
    fetch: Callable[[str | None], Awaitable[Page[T]]],
) -> AsyncGenerator[T, None]:
    """Yield the items of all pages, each page fetched as the loop reaches it.

    Stops at a page without a token, not at an empty or short one.

    Raises:
        DecodeError: The service gave the same token twice, and would do so for ever.
    """
    token: str | None = None
    seen: set[str] = set()
    while True:
        page = await fetch(token)
        # The page is read and its connection released: nothing is open at this yield.
        for item in page.items:
            yield item
        token = page.next_page_token
        if token is None:
            return
        if token in seen:
            raise DecodeError(
                message="the list goes round in circles: a page token came twice"
            )
        seen.add(token)
