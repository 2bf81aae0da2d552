"""What the emulator keeps over a restart."""
