"""Batch jobs: check, create, fetch, wait, read results."""
