"""Document -> chunks: runs of whole sentences that an embedding can tell apart."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from index.document import Document
from index.sentences import Span, split_sentences

_SPACES = re.compile(r"\s+")
_NOT_SPACE = re.compile(r"\S")
CHUNK_CHARACTERS = 700  # about 180 tokens; larger chunks blur in the embedding, smaller ones lose their context


@dataclass(frozen=True)
class Chunk:
    """A part of a document: ``document.text[start:end] == text``; ``sentences`` are spans of that document too.

    >>> chunk = next(split_document(Document("a", "A", "Ein Satz. Noch ein Satz.")))
    >>> chunk.id, chunk.text, chunk.sentences
    ('a#0-24', 'Ein Satz. Noch ein Satz.', ((0, 9), (10, 24)))
    """

    document_id: str
    title: str
    text: str
    start: int
    end: int
    sentences: tuple[Span, ...]

    @property
    def id(self) -> str:
        """Unique in an index, and readable: the document and the characters."""
        return f"{self.document_id}#{self.start}-{self.end}"

    @property
    def searchable(self) -> str:
        """The title travels with the text for searching, never for quoting."""
        return f"{self.title}\n{self.text}" if self.title else self.text


def split_document(document: Document, size: int = CHUNK_CHARACTERS) -> Iterator[Chunk]:
    """Pack whole sentences into chunks of at most ``size`` characters, in order, without overlap.

    A sentence longer than ``size`` is cut at white space.

    >>> [chunk.text for chunk in split_document(Document("a", "", "Eins ist da. Zwei ist da. Drei ist da."), size=26)]
    ['Eins ist da. Zwei ist da.', 'Drei ist da.']
    """
    sentences = [
        part
        for sentence in split_sentences(document.text, document.language)
        for part in _shortened(document.text, sentence, size)
    ]
    for group in _packed(sentences, size):
        start, end = group[0][0], group[-1][1]
        yield Chunk(document.id, document.title, document.text[start:end], start, end, tuple(group))


def _packed(sentences: list[Span], size: int) -> Iterator[list[Span]]:
    group: list[Span] = []
    for sentence in sentences:
        if group and sentence[1] - group[0][0] > size:
            yield group
            group = []
        group.append(sentence)
    if group:
        yield group


def _shortened(text: str, sentence: Span, size: int) -> Iterator[Span]:
    """Cut an over-long sentence at white space; where there is none, at ``size`` characters."""
    start, end = sentence
    while end - start > size:
        spaces = list(_SPACES.finditer(text, start + 1, start + size + 1))
        cut = spaces[-1].start() if spaces else start + size
        yield start, cut
        start = _NOT_SPACE.search(text, cut, end).start()  # type: ignore[union-attr]  # a sentence ends in none
    yield start, end
