"""What is wrong with the rows of an input, collected while they are checked."""

from gemini_batch.errors import InputError, InputProblem


class Problems:
    """Collects problems, up to a limit; what comes after is counted."""

    def __init__(self, *, file: str | None, limit: int) -> None:
        """Create an empty collection.

        Args:
            file: Name of the file in problems.
            limit: Problems kept.
        """
        self.file = file
        self.problems: list[InputProblem] = []
        self.omitted = 0
        self._limit = limit

    def report(
        self, message: str, *, remedy: str = "", number: int | None = None, field: str = ""
    ) -> None:
        """Add a problem; beyond the limit it is only counted."""
        if len(self.problems) >= self._limit:
            self.omitted += 1
            return
        self.problems.append(
            InputProblem(
                message=message,
                remedy=remedy,
                file=self.file,
                line=number,
                field=field or None,
            )
        )

    def raise_if_any(self) -> None:
        """Raise what was collected, in the order of the input.

        Raises:
            InputError: There are problems.
        """
        if self.problems:
            ordered = sorted(self.problems, key=lambda problem: problem.line or 0)
            raise InputError(problems=tuple(ordered), omitted=self.omitted)

    def _found(self) -> int:
        return len(self.problems) + self.omitted
