"""Lines of any length."""


class LineSplitter:
    r"""Cuts a byte stream into lines of any length; lines keep no ``\n``.

    Pending pieces are joined once, when their line ends, so a line that spans many chunks
    costs time linear in its length.
    """

    def __init__(self) -> None:
        self._pending: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that `chunk` completes."""
        head, newline, rest = chunk.partition(b"\n")
        if not newline:
            self._pending.append(chunk)
            return []
        first = b"".join((*self._pending, head))
        *whole, tail = rest.split(b"\n")
        self._pending = [tail]
        return [first, *whole]

    def finish(self) -> bytes:
        """Return what follows the last newline; empty if the stream ended with one."""
        tail = b"".join(self._pending)
        self._pending.clear()
        return tail
