"""Which call of the service is answered where."""

from gemini_batch.testing.emulator.developer.batches import Batches
from gemini_batch.testing.emulator.developer.create import Creates
from gemini_batch.testing.emulator.developer.files import Files
from gemini_batch.testing.emulator.developer.uploads import Uploads
from gemini_batch.testing.emulator.dispatch import Route, route


def all_routes(
    *, batches: Batches, creates: Creates, files: Files, uploads: Uploads
) -> tuple[Route, ...]:
    """Return every method the emulator knows."""
    job, file = "/{version}/batches/{id}", "/{version}/files/{id}"
    model = "(?P<model>(models|tunedModels)/[^/:]+)"
    create = "(?P<method>batchGenerateContent|asyncBatchEmbedContent)"
    update = "(?P<method>updateGenerateContentBatch|updateEmbedContentBatch)"
    return (
        route("POST", f"/{{version}}/{model}:{create}", creates.create),
        route("GET", "/{version}/batches", batches.list),
        route("GET", job, batches.get),
        route("POST", f"{job}:cancel", batches.cancel),
        route("DELETE", job, batches.delete),
        route("PATCH", f"{job}:{update}", batches.update),
        route("POST", "/upload/{version}/files", uploads.handle),
        route("GET", "/{version}/files", files.list),
        route("GET", file, files.get),
        route("DELETE", file, files.delete),
        route("GET", f"(?:/download)?{file}:download", files.download),
    )
