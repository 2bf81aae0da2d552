"""The same inline job as the service has been seen to send it: all answers there twice."""

from attrs import evolve

from benchmarks import inline_get
from benchmarks._job import Target
from benchmarks.inline_get import GET, LARGE, READ, preparing

JOB = evolve(
    inline_get.JOB,
    name="inline_twice",
    title="get an inline job whose body has its answers twice, 2 kB a row",
    sizes=(LARGE,),
    targets=(
        Target(side=GET, against=READ, size=LARGE, at_most=1.5),
        # What aiohttp needs to read it is twice the body; ours has no more.
        Target(side=GET, against=READ, measure="peak", size=LARGE, at_most=1.05),
        Target(side=GET, measure="stall_max", size=LARGE, at_most=25),
    ),
    prepare=preparing(twice=True),
)
