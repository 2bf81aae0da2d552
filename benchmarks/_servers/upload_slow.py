"""The upload server, 40 ms late with every confirmation: a model of distance and commit."""

import sys
from pathlib import Path

from benchmarks._servers.upload import run

if __name__ == "__main__":
    run(Path(sys.argv[1]), delay=0.040)
