"""The Gemini Developer API, as the emulator answers it."""
