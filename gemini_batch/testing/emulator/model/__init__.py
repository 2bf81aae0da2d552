"""The model behind the emulator: deterministic, scripted or a function."""
