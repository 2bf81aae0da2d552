"""HTTP of the emulator: listening, bodies, ranges, faults on the way."""
