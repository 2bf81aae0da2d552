"""Decoding of results: lines of files, rows of tables, and those inside of a job."""
