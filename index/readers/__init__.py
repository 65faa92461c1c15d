"""Readers: one file a format, each with ``read(path) -> Iterator[Document]``; ``index.formats`` names them."""
