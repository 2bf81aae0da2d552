"""What the services say: pure modules that build requests and read responses."""
