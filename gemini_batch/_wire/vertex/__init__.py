"""What Vertex AI says."""
