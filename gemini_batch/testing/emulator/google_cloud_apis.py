"""Google Cloud behind the emulator's port: Vertex AI, Cloud Storage and BigQuery."""

from collections.abc import Callable
from typing import Final

from attrs import field, frozen

from gemini_batch.testing.emulator.core.address import Address
from gemini_batch.testing.emulator.core.clock import Clock
from gemini_batch.testing.emulator.core.file_store import Store
from gemini_batch.testing.emulator.core.limits import Limits
from gemini_batch.testing.emulator.dispatch import Route, route
from gemini_batch.testing.emulator.google_cloud.bigquery import BigQuery
from gemini_batch.testing.emulator.google_cloud.buckets import Buckets
from gemini_batch.testing.emulator.google_cloud.storage import Storage
from gemini_batch.testing.emulator.google_cloud.storage_uploads import (
    StorageUploads,
)
from gemini_batch.testing.emulator.google_cloud.tables import Tables
from gemini_batch.testing.emulator.google_cloud.tokens import Tokens
from gemini_batch.testing.emulator.model.answer import Answer
from gemini_batch.testing.emulator.vertex.create import JobMaker
from gemini_batch.testing.emulator.vertex.endpoints import Vertex
from gemini_batch.testing.emulator.vertex.inputs import Inputs
from gemini_batch.testing.emulator.vertex.registry import VertexJobs

BUCKET: Final = "emulator-bucket"
"""A bucket that is there from the beginning."""

_PARENT: Final = "/(?:v1|v1beta1)/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)"
_BIGQUERY: Final = "/bigquery/v2/projects/(?P<project>[^/]+)/datasets"
_DATASET: Final = f"{_BIGQUERY}/(?P<dataset>[^/]+)"
_TABLE: Final = f"{_DATASET}/tables/(?P<table>[^/]+)"
_BUCKET: Final = "/storage/v1/b/(?P<bucket>[^/]+)"


@frozen(kw_only=True)
class GoogleCloudApis:
    """What the emulated project has."""

    buckets: Buckets
    tables: Tables
    datasets: dict[str, str]
    """Tables of multimodal datasets, by the names of these."""

    jobs: VertexJobs
    store: Store
    clock: Clock
    limits: Limits
    tokens: Tokens = field(factory=Tokens)

    @classmethod
    def of(
        cls, store: Store, clock: Clock, limits: Limits, answer: Callable[[], Answer]
    ) -> "GoogleCloudApis":
        """Return a project with a bucket, and nothing in it."""
        buckets, tables = Buckets(store, clock), Tables()
        buckets.add_bucket(BUCKET)
        datasets: dict[str, str] = {}
        jobs = VertexJobs(
            inputs=Inputs(buckets=buckets, tables=tables, datasets=datasets),
            store=store,
            datasets=datasets,
            clock=clock,
            limits=limits,
            answer=answer,
        )
        return cls(
            buckets=buckets,
            tables=tables,
            datasets=datasets,
            jobs=jobs,
            store=store,
            clock=clock,
            limits=limits,
        )

    def routes(self, address: Address) -> tuple[Route, ...]:
        """Return every method of Vertex AI, Cloud Storage and BigQuery there is."""
        return (*self._vertex(), *self._storage(address), *self._bigquery())

    def _vertex(self) -> tuple[Route, ...]:
        vertex = Vertex(
            jobs=self.jobs,
            maker=JobMaker(self.store, self.clock),
            clock=self.clock,
            limits=self.limits,
        )
        jobs = f"{_PARENT}/batchPredictionJobs"
        job = f"{jobs}/{{id}}"
        return (
            route("POST", jobs, vertex.create),
            route("GET", jobs, vertex.list),
            route("GET", job, vertex.get),
            route("POST", f"{job}:cancel", vertex.cancel),
            route("DELETE", job, vertex.delete),
            route("GET", f"{_PARENT}/operations/{{id}}", vertex.get_operation),
        )

    def _storage(self, address: Address) -> tuple[Route, ...]:
        storage = Storage(
            buckets=self.buckets, store=self.store, clock=self.clock, address=address
        )
        uploads = StorageUploads(self.buckets, self.store, self.clock, address)
        stored = f"{_BUCKET}/o/(?P<object>.+)"
        return (
            route("GET", _BUCKET, storage.get_bucket),
            route("POST", "/storage/v1/b", storage.insert_bucket),
            route("GET", f"{_BUCKET}/o", storage.list),
            route("GET", f"(?:/download)?{stored}", storage.get),
            route("DELETE", stored, storage.delete),
            route("POST", f"/upload{_BUCKET}/o", uploads.start),
            route("PUT", f"/upload{_BUCKET}/o", uploads.send),
            route("DELETE", f"/upload{_BUCKET}/o", uploads.cancel),
        )

    def _bigquery(self) -> tuple[Route, ...]:
        bigquery = BigQuery(tables=self.tables, clock=self.clock)
        return (
            route("POST", _BIGQUERY, bigquery.insert_dataset),
            route("GET", _DATASET, bigquery.get_dataset),
            route("POST", f"{_DATASET}/tables", bigquery.insert_table),
            route("GET", _TABLE, bigquery.get_table),
            route("DELETE", _TABLE, bigquery.delete_table),
            route("GET", f"{_TABLE}/data", bigquery.list_rows),
            route("POST", f"{_TABLE}/insertAll", bigquery.insert_all),
        )
