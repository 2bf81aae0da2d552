"""What the Gemini Developer API says."""
