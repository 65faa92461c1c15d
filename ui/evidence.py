"""Answer -> safe HTML: its text with linked markers, and the numbered quotes that it stands on.

Documents and what a model writes are untrusted. All of it goes through ``escape``, after which neither a browser nor a
Markdown renderer finds anything to interpret; every tag is ours. Each result is HTML without a line break, which
Markdown passes on as it is.
"""

import re
from collections.abc import Iterable, Sequence

from rag.assistant import EXTRACTIVE, Answer
from rag.citations import Citation
from ui.texts import Texts

TITLE_CHARACTERS = 200
SOURCE_CHARACTERS = 300

_ACTIVE = re.compile(r"[\t\n\r!-/:-@\[-`{-~]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_MARKER = re.compile(r"\[(\d{1,3})\]")


def escape(text: str) -> str:
    """Return a text as HTML in which all ASCII punctuation and line breaks are character references.

    No tag, entity, Markdown, bare URL or formula survives; lone surrogates, which no UTF-8 carries, become U+FFFD.

    >>> escape("<b> & [a](x)")
    '&#60;b&#62; &#38; &#91;a&#93;&#40;x&#41;'
    """
    return _ACTIVE.sub(lambda found: f"&#{ord(found[0])};", _SURROGATE.sub("\ufffd", text))


def answer_html(answer: Answer, turn: int, texts: Texts) -> str:
    """Return a whole answer: its text, a note where it is not simply answered, and its quotes.

    ``turn`` numbers the answers of a page, so that a marker leads to the quote of its own answer.
    """
    if answer.status == "abstained":
        nearest = quotes_html(answer.nearest, turn, texts, head=texts.nearest)
        return text_html(answer.text, (), turn) + note_html(texts.chat_abstained) + nearest
    text = answer.text if answer.citations else ""
    return (
        text_html(text, answer.citations, turn)
        + _notes(_caveats(answer, texts))
        + quotes_html(answer.citations, turn, texts)
    )


def text_html(text: str, citations: Sequence[Citation], turn: int) -> str:
    """Return an answer's text with each marker of a citation as a link to its quote; nothing for no text."""
    known = {str(citation.marker): citation for citation in citations}
    pieces = _MARKER.split(text)  # plain text and the number of a marker in turns
    linked = [escape(pieces[0])]
    for number, plain in zip(pieces[1::2], pieces[2::2], strict=True):
        linked += [_link(known[number], turn) if number in known else escape(f"[{number}]"), escape(plain)]
    return f'<p class="beleg-text">{"".join(linked)}</p>' if text else ""


def quotes_html(citations: Iterable[Citation], turn: int, texts: Texts, head: str = "") -> str:
    """Return the numbered quotes, letter for letter, each with its document's title and source; nothing for none."""
    quotes = "".join(_quote(citation, turn, texts) for citation in citations)
    heading = f'<p class="beleg-head">{escape(head or texts.sources)}</p>'
    return f'<div class="beleg-quotes">{heading}{quotes}</div>' if quotes else ""


def note_html(text: str, kind: str = "plain") -> str:
    """Return a line about an answer; ``kind`` is its look: ``plain``, ``busy`` or ``error``."""
    return f'<p class="beleg-note beleg-{kind}">{escape(text)}</p>'


def _link(citation: Citation, turn: int) -> str:
    anchor = _anchor(citation, turn)
    return f'<a class="beleg-marker" href="#{anchor}" title="{escape(citation.quote)}">{citation.marker}</a>'


def _anchor(citation: Citation, turn: int) -> str:
    return f"beleg-{turn}-{citation.marker}"


def _quote(citation: Citation, turn: int, texts: Texts) -> str:
    page = texts.chat_page.format(page=citation.page) if citation.page else ""
    title = _shortened(citation.title or citation.document_id, TITLE_CHARACTERS)
    gloss = escape(texts.gloss.format(text=citation.gloss)) if citation.gloss else ""
    place, source = _shortened(citation.place, TITLE_CHARACTERS), _shortened(citation.source, SOURCE_CHARACTERS)
    origin = " · ".join(part for part in (page, place, source) if part)
    return (
        f'<div class="beleg-quote" id="{_anchor(citation, turn)}">'
        f'<span class="beleg-number">{citation.marker}</span>'
        f'<blockquote lang="de">{escape(citation.quote)}</blockquote>'
        f'<p class="beleg-gloss">{gloss}</p>'
        f'<p class="beleg-title">{escape(title)}</p>'
        f'<p class="beleg-source">{escape(origin)}</p></div>'
    )


def _shortened(text: str, characters: int) -> str:
    """Cut a text that a document chose, so that it cannot fill the page.

    >>> _shortened("Satzung der Stadt", 8)
    'Satzung…'
    """
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"


def _notes(notes: Iterable[str]) -> str:
    return "".join(note_html(note) for note in notes if note)


def _caveats(answer: Answer, texts: Texts) -> list[str]:
    """What a reader has to know beside an answer: that it broke off, or that no model wrote it."""
    incomplete = texts.incomplete.format(reason=answer.notice) if answer.status == "incomplete" else ""
    extractive = texts.extractive if answer.model == EXTRACTIVE else ""
    notice = answer.notice if not incomplete and not extractive else ""
    return [incomplete, extractive, notice]
