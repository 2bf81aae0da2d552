"""The command line, a thin layer over the SDK: arguments in, exit code out."""

from gemini_batch.cli.app import main, run

__all__ = ["main", "run"]
