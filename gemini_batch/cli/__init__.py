"""The command line: arguments in, exit code out. A thin face on the SDK."""

from gemini_batch.cli.app import main, run

__all__ = ["main", "run"]
