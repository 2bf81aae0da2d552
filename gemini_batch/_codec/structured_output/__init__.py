"""Answers as callers' own types: their schema, and how they are read."""
