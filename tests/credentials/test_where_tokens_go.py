"""Where tokens go: to the three services of Vertex AI, and nowhere else."""

from collections.abc import AsyncIterator

import pytest
from attrs import evolve

from gemini_batch import CredentialsError, SecurityError
from gemini_batch._transport import check_api
from gemini_batch._wire.http import Request
from gemini_batch.types import VertexAI
from tests.support.cloud import TOKEN, StandIn, open_transport, vertex_at
from tests.support.looking_service import Service, service_that_looks

GET = Request(method="GET", path="/v1/x", idempotent=True)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with service_that_looks() as service:
        yield service


async def test_each_service_has_its_own_address() -> None:
    async with (
        service_that_looks() as api,
        service_that_looks() as storage,
        service_that_looks() as bigquery,
    ):
        vertex = VertexAI(
            project="project",
            location="us-central1",
            credentials=StandIn(),
            base_url=api.url,
            storage_url=storage.url,
            bigquery_url=bigquery.url,
        )
        async with open_transport(vertex) as transport:
            await transport.send(GET)
            await transport.send(evolve(GET, service="storage"))
            await transport.send(evolve(GET, service="bigquery"))

        for service in (api, storage, bigquery):
            assert service.tokens == [f"Bearer {TOKEN}"]


async def test_no_token_goes_with_a_url_of_its_own(service: Service) -> None:
    own = evolve(GET, url=f"{service.url}/upload?upload_id=abc", service="storage")

    async with open_transport(vertex_at(service.url)) as transport:
        await transport.send(own)

    assert service.tokens == [""]


async def test_a_url_of_its_own_is_on_the_same_service(service: Service) -> None:
    """A URL of the one service is none of the other."""
    async with service_that_looks() as elsewhere:
        vertex = evolve(vertex_at(service.url), storage_url=elsewhere.url)
        async with open_transport(vertex) as transport:
            own = evolve(GET, url=f"{elsewhere.url}/u", service="storage")
            await transport.send(own)
            with pytest.raises(SecurityError):
                await transport.send(evolve(own, service="api"))

        assert len(elsewhere.seen) == 1


@pytest.mark.parametrize("which", ["base_url", "storage_url", "bigquery_url"])
@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://192.168.0.1:80",
        "https://user:password@example.com",
        "https://example.com/?a=b",
        "ftp://example.com",
        "https://",
    ],
)
def test_where_no_token_may_go(which: str, url: str) -> None:
    vertex = evolve(vertex_at("http://localhost:1"), **{which: url})

    with pytest.raises(SecurityError) as caught:
        check_api(vertex)

    assert "password" not in str(caught.value).replace("user name or password", "")


@pytest.mark.parametrize(
    "url", ["http://localhost:9", "http://127.0.0.9:80", "http://[::1]:1", "https://a.b"]
)
def test_where_tokens_may_go(url: str) -> None:
    check_api(vertex_at(url))


def test_a_project_is_needed() -> None:
    with pytest.raises(CredentialsError, match="GOOGLE_CLOUD_PROJECT"):
        check_api(evolve(vertex_at("http://localhost:1"), project=""))
