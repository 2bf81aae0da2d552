"""Upload of one file over TLS to a service that confirms each request 40 ms late.

An upload of ours is one request, until one has failed: what is left then goes in pieces.
"""

from attrs import evolve

from benchmarks import uploads
from benchmarks._clients import AIO
from benchmarks._job import Setting, Side, Target
from benchmarks._servers.upload import CUT
from benchmarks.uploads import WARM, connected, held, path_of

_PIECES = "gemini_batch: in pieces of 64 MiB, after a connection was cut"


async def in_pieces(setting: Setting) -> int:
    from gemini_batch import Retry

    async with connected(setting, retry=Retry(wait_initial=0.001)) as client:

        async def upload(size: int) -> int:
            path = path_of(setting.data, size)
            return (await client.files.upload(path, display_name=CUT)).size_bytes or 0

        await upload(WARM)
        with setting.meter:
            return await upload(setting.size)


JOB = evolve(
    uploads.JOB,
    name="uploads_far",
    title="upload a file over TLS, each request confirmed 40 ms late",
    sides=(uploads.OURS, Side(name=_PIECES, run=in_pieces), *uploads.THEIRS),
    targets=(
        Target(against=AIO, size=512, at_least=7, beyond=held(5.5)),
        Target(side=_PIECES, against=AIO, size=512, at_least=5, beyond=held(3.8)),
        Target(measure="peak", size=512, at_most=10),
        Target(measure="stall_max", size=512, at_most=5),
        Target(side=_PIECES, measure="peak", size=512, at_most=10),
        Target(side=_PIECES, measure="stall_max", size=512, at_most=5),
    ),
    server="benchmarks._servers.upload_slow",
)
