"""The one project of the emulator."""

from typing import Final

PROJECT: Final = "emulator-project"
PROJECT_NUMBER: Final = "123456789012"
"""How answers call the project."""
