"""The clients that are compared, made alike."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google import genai

    from gemini_batch import DeveloperAPI

KEY = "benchmark"

AIO = "google-genai async (aiohttp)"
"""Its asynchronous path as it is with aiohttp installed, which is its own choice."""

SYNC = "google-genai sync (httpx2)"
"""Its blocking path, as it is with httpx2 installed."""


def our_api(url: str) -> "DeveloperAPI":
    """Return the service at `url`."""
    from gemini_batch import DeveloperAPI

    return DeveloperAPI(api_key=KEY, base_url=url)


def genai_client(url: str) -> "genai.Client":
    """Return google-genai's client of the service at `url`."""
    from google import genai

    return genai.Client(
        api_key=KEY,
        vertexai=False,
        http_options=genai.types.HttpOptions(base_url=url),
    )
