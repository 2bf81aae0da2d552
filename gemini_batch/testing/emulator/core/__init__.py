"""What all parts of the emulator use: clock, limits, errors, log."""
