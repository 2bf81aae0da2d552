"""The same service, over TLS."""

import sys
from pathlib import Path

from benchmarks._servers.first_calls import run

if __name__ == "__main__":
    run(Path(sys.argv[1]), tls=True)
