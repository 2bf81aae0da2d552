"""Files, threads and lines. Knows nothing of Gemini."""
