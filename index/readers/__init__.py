"""Readers: one file a format, each with `read(path)`."""
