"""Vertex AI, as the emulator answers it."""
