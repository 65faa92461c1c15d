"""Entries of a vector store: a document's chunks, each with what is needed to put the document together again."""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple

import numpy as np
from langchain_core.documents import Document as Entry

from index.chunking import Chunk
from index.document import Document
from index.encodings import encodable
from index.late_interaction import Bits
from index.place import Place


def entries_of(document: Document, chunks: Sequence[Chunk], tokens: Sequence[Bits]) -> Iterator[Entry]:
    """Yield the entries of a document; each carries what lies before its chunk, the last one the rest."""
    end = 0
    for number, (chunk, rows) in enumerate(zip(chunks, tokens, strict=True)):
        is_last = number == len(chunks) - 1
        until = len(document.text) + 1 if is_last else chunk.end
        data = {
            "id": document.id,
            "title": document.title,
            "heading": chunk.heading,
            "before": document.text[end : chunk.start],
            "text": chunk.text,
            "after": document.text[chunk.end :] if is_last else "",
            "start": chunk.start,
            "sentences": chunk.sentences,
            "places": [astuple(place) for place in document.places if end <= place.start < until],
            "fields": {name: getattr(document, name) for name in ("language", "source", "date")},
            "width": rows.shape[1],
        }
        metadata = {
            "pk": f"{_key(document)}-{number}",
            "document": document.id,
            "hash": document.content_hash,
            "number": number,
            "chunks": len(chunks),
            "data": json.dumps(data),
            "tokens": base64.b64encode(rows.tobytes()).decode(),
        }
        yield Entry(encodable(chunk.searchable), metadata=metadata)
        end = chunk.end


def document_id_of(entry: Entry) -> str:
    """Return the id of an entry's document, as the store holds it."""
    return str(entry.metadata["document"])


def chunk_of(entry: Entry) -> Chunk:
    """Return the chunk that an entry is."""
    data = json.loads(entry.metadata["data"])
    sentences = tuple((first, last) for first, last in data["sentences"])
    start, text = data["start"], data["text"]
    return Chunk(data["id"], data["title"], text, start, start + len(text), sentences, data["heading"])


def tokens_of(entry: Entry) -> Bits:
    """Return the packed tokens of an entry."""
    width = json.loads(entry.metadata["data"])["width"]
    return np.frombuffer(base64.b64decode(entry.metadata["tokens"]), np.uint8).reshape(-1, width)


def document_of(entries: Sequence[Entry]) -> Document:
    """Put a document together from all its entries, in order."""
    parts = [json.loads(entry.metadata["data"]) for entry in entries]
    places = tuple(
        Place(start, end, page, tuple(box) if box else None, name, target)
        for part in parts
        for start, end, page, box, name, target in part["places"]
    )
    text = "".join(part["before"] + part["text"] for part in parts) + parts[-1]["after"]
    return Document(parts[0]["id"], parts[0]["title"], text, places=places, **parts[0]["fields"])


def _key(document: Document) -> str:
    """Return what the keys of a document's entries begin with, another one for each content."""
    return hashlib.sha256(f"{document.id} {document.content_hash}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
