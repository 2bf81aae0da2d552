"""Which messages the emulator takes, and what it says of others."""
