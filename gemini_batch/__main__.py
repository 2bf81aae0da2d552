"""The entry point of the command line: ``gemini-batch`` and ``python -m gemini_batch``."""

import sys

_EXTRA = frozenset({"cyclopts", "rich"})


def main() -> int:
    """Run the command line with the arguments of this process; return its exit code."""
    try:
        from gemini_batch.cli import main as run  # noqa: PLC0415 - an extra may be missing
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] not in _EXTRA:
            raise
        print(  # noqa: T201 - the command line prints
            "The command line needs two more packages: pip install 'gemini-batch[cli]'",
            file=sys.stderr,
        )
        return 2
    return run()


if __name__ == "__main__":
    sys.exit(main())
