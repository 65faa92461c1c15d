"""Document -> chunks: runs of whole sentences that an embedding can tell apart."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from index.document import Document
from index.headings import Heading, find_headings, headings_above
from index.sentences import Span, split_sentences

_SPACES = re.compile(r"\s+")
_NOT_SPACE = re.compile(r"\S")
SMALL_CHUNK = 0.4  # of the size: a smaller chunk goes on after a heading
CHUNK_CHARACTERS = 700  # about 180 tokens; larger chunks blur in the embedding, smaller ones lose their context


@dataclass(frozen=True)
class Chunk:
    """A part of a document: ``document.text[start:end] == text``; ``sentences`` are spans of that document too.

    ``heading`` names the headings under which it stands, from the outermost in, and not the title again.

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
    heading: str = ""

    @property
    def id(self) -> str:
        """Unique in an index, and readable: the document and the characters."""
        return f"{self.document_id}#{self.start}-{self.end}"

    @property
    def searchable(self) -> str:
        """Title and heading travel with the text for searching, never for quoting."""
        return "\n".join(part for part in (self.title, self.heading, self.text) if part)


def split_document(document: Document, size: int = CHUNK_CHARACTERS) -> Iterator[Chunk]:
    """Pack whole sentences into chunks of at most ``size`` characters, in order, without overlap.

    A sentence longer than ``size`` is cut at white space. A heading begins a chunk where the one before is not small.

    >>> [chunk.text for chunk in split_document(Document("a", "", "Eins ist da. Zwei ist da. Drei ist da."), size=26)]
    ['Eins ist da. Zwei ist da.', 'Drei ist da.']
    """
    spans = list(split_sentences(document.text, document.language))
    headings = find_headings(document.text, spans)
    parts = [part for span in spans for part in _shortened(document.text, span, size)]
    for group in _packed(parts, {heading.start for heading in headings}, size):
        start, end = group[0][0], group[-1][1]
        heading = _heading(headings, start, document.title)
        yield Chunk(document.id, document.title, document.text[start:end], start, end, tuple(group), heading)


def _heading(headings: list[Heading], start: int, title: str) -> str:
    return " – ".join(heading.text for heading in headings_above(headings, start) if heading.text != title)


def _packed(sentences: list[Span], headings: set[int], size: int) -> Iterator[list[Span]]:
    group: list[Span] = []
    for sentence in sentences:
        least = size * SMALL_CHUNK if sentence[0] in headings else size
        if group and (sentence[1] - group[0][0] > size or sentence[0] - group[0][0] > least):
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
