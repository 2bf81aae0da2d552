"""The same first calls over TLS, with the certificates that a client trusts by default."""

from attrs import evolve

from benchmarks import first_calls

JOB = evolve(
    first_calls.JOB,
    name="first_calls_tls",
    title="the first call of each kind, and the second, over TLS",
    server="benchmarks._servers.first_calls_tls",
)
