"""Results of a file read row by row, wide rows: from the service to what a program looks at.

Wide rows have four safety ratings each, as models sent them for years; `results_lean` has what
current models send.
"""

from benchmarks import _result_files as files
from benchmarks._job import BEFORE, Beyond, Job, Side, Target
from benchmarks._result_files import WIDE

SMALL, LARGE = 50_000, 500_000

JOB = Job(
    name="results",
    title="iterate over the results of a file, wide rows of 1.5 kB",
    unit="rows",
    sizes=(SMALL, LARGE),
    sides=(
        Side(name=files.KEYS, run=WIDE.keys()),
        Side(name=files.TEXTS, run=WIDE.texts()),
        Side(name=files.STRUCTURED, run=WIDE.structured()),
        Side(name=files.STREAM, run=WIDE.discard),
        Side(name=files.DECODE, run=WIDE.decode),
        Side(
            name=files.THEIR_KEYS,
            run=WIDE.theirs(files.key_and_dict, way="bytes"),
            quick=SMALL,
            rounds=3,
        ),
        Side(
            name=files.THEIR_DICTS,
            run=WIDE.theirs(files.text_of_dict, way="bytes"),
            quick=SMALL,
            rounds=3,
        ),
        Side(
            name=files.THEIRS,
            run=WIDE.theirs(files.model, way="decoded"),
            quick=SMALL,
            rounds=3,
        ),
        Side(
            name=files.THEIR_TEXT,
            run=WIDE.theirs(files.text_of_model, way="decoded"),
            most=SMALL,
            rounds=3,
        ),
        Side(
            name=files.THEIR_FILE,
            run=WIDE.theirs(files.model, way="file"),
            most=SMALL,
            rounds=3,
        ),
    ),
    targets=(
        # Key and text are held against the package before, since the quickest way that others
        # have makes no models, and is compared with on lean rows. What two medians of the same
        # program differ by is in the tenth.
        Target(side=files.KEYS, against=BEFORE, size=LARGE, at_most=1.10),
        Target(side=files.TEXTS, against=BEFORE, size=LARGE, at_most=1.10),
        Target(
            side=files.KEYS,
            against=files.STREAM,
            size=LARGE,
            at_most=2.0,
            beyond=Beyond(held=2.6, proof="rows-of-results"),
        ),
        Target(side=files.KEYS, measure="process", size=LARGE, at_most=60),
        Target(side=files.KEYS, measure="stall_max", size=LARGE, at_most=2),
        Target(side=files.TEXTS, measure="process", size=LARGE, at_most=60),
        Target(side=files.TEXTS, measure="stall_max", size=LARGE, at_most=2),
        # One cattrs converter makes every answer: with hooks that are generated it costs 11 us
        # an answer, where a second decoder beside it cost 8.4.
        Target(side=files.STRUCTURED, against=files.THEIRS, size=LARGE, at_least=5.5),
        Target(side=files.STRUCTURED, against=files.DECODE, size=LARGE, at_most=2.1),
        Target(side=files.STRUCTURED, measure="process", size=LARGE, at_most=60),
        Target(side=files.STRUCTURED, measure="stall_max", size=LARGE, at_most=8),
    ),
    prepare=WIDE.prepare,
    server="benchmarks._servers.files",
)
