"""Answer -> safe HTML: its text with linked markers, and the numbered quotes that it stands on.

Documents and what a model writes are untrusted. All of it goes through ``escape``, after which neither a browser nor a
Markdown renderer finds anything to interpret; every tag is ours. Each result is HTML without a line break, which
Markdown passes on as it is.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from index.invisible import undeceiving
from rag.assistant import EXTRACTIVE, Answer
from rag.citations import Citation
from rag.grounding import Verdict
from ui.dates import decimal
from ui.texts import Texts

TITLE_CHARACTERS = 200
SOURCE_CHARACTERS = 300
MODEL_CHARACTERS = 60

_ACTIVE = re.compile(r"[\t\n\r!-/:-@\[-`{-~]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_HEADING = re.compile(r"^(#{1,6}[ \t]+)(\S[^\n]*)$", re.MULTILINE)
_MARKER = re.compile(r"\[(\d{1,3})\]")


def escape(text: str) -> str:
    """Return a text as HTML in which all ASCII punctuation and line breaks are character references.

    No tag, entity, Markdown, bare URL or formula survives; lone surrogates, which no UTF-8 carries, become U+FFFD, and
    so does what would turn the text's direction or hide letters in it.

    >>> escape("<b> & [a](x)")
    '&#60;b&#62; &#38; &#91;a&#93;&#40;x&#41;'
    """
    return _ACTIVE.sub(lambda found: f"&#{ord(found[0])};", _SURROGATE.sub("\ufffd", undeceiving(text)))


def document_html(text: str) -> str:
    r"""Return a stretch of a document as HTML: headings as such, their number signs there but hidden.

    >>> document_html("## Ziel\nAlle lesen.")
    '<strong class="beleg-heading"><span class="beleg-hash">&#35;&#35; </span>Ziel</strong>&#10;Alle lesen&#46;'
    """
    pieces = _HEADING.split(text)  # plain text, the number signs of a heading and its words in turns
    headings = (
        f'<strong class="beleg-heading"><span class="beleg-hash">{escape(signs)}</span>{escape(words)}</strong>'
        for signs, words in zip(pieces[1::3], pieces[2::3], strict=True)
    )
    return "".join(part for pair in zip_longest(map(escape, pieces[::3]), headings, fillvalue="") for part in pair)


def answer_html(answer: Answer, turn: int, texts: Texts) -> str:
    """Return a whole answer: its text, notes, how sure it is, what was checked, and its quotes.

    ``turn`` numbers the answers of a page, so that a marker leads to the quote of its own answer.
    """
    if answer.status == "abstained":
        nearest = quotes_html(answer.nearest, turn, texts, head=texts.nearest)
        text = text_html(answer.text, (), turn, texts) + note_html(texts.chat_abstained)
        return text + _facts(answer, texts) + _verdicts(answer, texts) + nearest
    text = answer.text if answer.citations else ""
    return (
        text_html(text, answer.citations, turn, texts)
        + _notes(_caveats(answer, texts))
        + _reason(answer, texts)
        + _facts(answer, texts)
        + _verdicts(answer, texts)
        + quotes_html(answer.citations, turn, texts)
    )


def text_html(text: str, citations: Sequence[Citation], turn: int, texts: Texts) -> str:
    """Return an answer's text with each marker of a citation as a link to its quote; nothing for no text."""
    known = {str(citation.marker): citation for citation in citations}
    pieces = _MARKER.split(text)  # plain text and the number of a marker in turns
    linked = [escape(pieces[0])]
    for number, plain in zip(pieces[1::2], pieces[2::2], strict=True):
        linked += [_link(known[number], turn, texts) if number in known else escape(f"[{number}]"), escape(plain)]
    return f'<p class="beleg-text">{"".join(linked)}</p>' if text else ""


def quotes_html(citations: Iterable[Citation], turn: int, texts: Texts, head: str = "") -> str:
    """Return the numbered quotes, letter for letter, each with its document's title and source; nothing for none."""
    quotes = "".join(_quote(citation, turn, texts) for citation in citations)
    heading = f'<p class="beleg-head">{escape(head or texts.sources)}</p>'
    return f'<div class="beleg-quotes">{heading}{quotes}</div>' if quotes else ""


def note_html(text: str, kind: str = "plain") -> str:
    """Return a line about an answer; ``kind`` is its look: ``plain``, ``busy`` or ``error``."""
    return f'<p class="beleg-note beleg-{kind}">{escape(text)}</p>'


def _link(citation: Citation, turn: int, texts: Texts) -> str:
    label = texts.chat_marker.format(number=citation.marker, title=_title(citation))
    return (
        f'<a class="beleg-marker" href="#{_anchor(citation, turn)}" aria-label="{escape(label)}">{citation.marker}</a>'
    )


def _anchor(citation: Citation, turn: int) -> str:
    return f"beleg-{turn}-{citation.marker}"


def _quote(citation: Citation, turn: int, texts: Texts) -> str:
    page = texts.chat_page.format(page=citation.page) if citation.page else ""
    gloss = escape(texts.gloss.format(text=citation.gloss)) if citation.gloss else ""
    place, source = shortened(citation.place, TITLE_CHARACTERS), shortened(citation.source, SOURCE_CHARACTERS)
    origin = " · ".join(part for part in (page, place, source) if part)
    return (
        f'<div class="beleg-quote" id="{_anchor(citation, turn)}" data-document="{escape(citation.document_id)}" '
        f'data-start="{citation.start}" data-end="{citation.end}">'
        f'<span class="beleg-number">{citation.marker}</span>'
        f'<blockquote lang="de">{document_html(citation.quote)}</blockquote>'
        f'<p class="beleg-gloss" lang="en">{gloss}</p>'
        f'<p class="beleg-title"><button type="button" class="beleg-open" title="{escape(texts.chat_open)}">'
        f"{escape(_title(citation))}</button></p>"
        f'<p class="beleg-source">{escape(origin)}</p></div>'
    )


def _title(citation: Citation) -> str:
    return shortened(citation.title or citation.document_id, TITLE_CHARACTERS)


def shortened(text: str, characters: int) -> str:
    """Cut a text that a document chose, so that it cannot fill the page.

    >>> shortened("Satzung der Stadt", 8)
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


def _reason(answer: Answer, texts: Texts) -> str:
    """Why no model wrote the answer, folded away."""
    if answer.model != EXTRACTIVE or not answer.notice or answer.status == "incomplete":
        return ""
    return folded(texts.chat_why, f"<p>{escape(answer.notice)}</p>")


def _facts(answer: Answer, texts: Texts) -> str:
    """How sure, how long it took, who wrote."""
    sure = ""
    if answer.confidence is not None:
        value = decimal(answer.confidence, 2, texts.language)
        sure = texts.chat_confidence.format(word=_how_likely(answer.confidence, texts), value=value)
    seconds = texts.chat_seconds.format(seconds=decimal(answer.seconds, 1, texts.language)) if answer.seconds else ""
    model = texts.chat_extractive_model if answer.model == EXTRACTIVE else shortened(answer.model, MODEL_CHARACTERS)
    return note_html(" · ".join(part for part in (sure, seconds, model) if part), "facts")


def _how_likely(confidence: float, texts: Texts) -> str:
    """Return a probability in words."""
    if confidence >= 0.85:
        return texts.chat_surely
    if confidence >= 0.6:
        return texts.chat_likely
    return texts.chat_doubtful if confidence >= 0.35 else texts.chat_hardly


def _verdicts(answer: Answer, texts: Texts) -> str:
    """What was checked, and what was dropped and why, folded away."""
    if not answer.verdicts:
        return ""
    kept = sum(verdict.supported for verdict in answer.verdicts)
    summary = texts.chat_checked.format(kept=kept, dropped=len(answer.verdicts) - kept)
    return folded(summary, f"<ul>{''.join(_verdict(verdict, texts) for verdict in answer.verdicts)}</ul>")


def _verdict(verdict: Verdict, texts: Texts) -> str:
    word = texts.chat_kept if verdict.supported else texts.chat_dropped
    why = texts.verdict_kinds.get(verdict.kind) or verdict.reason or texts.chat_no_reason
    words = f" ({', '.join(verdict.words)})" if verdict.words else ""
    reason = "" if verdict.supported else f" – {why}{words}"
    kind = "kept" if verdict.supported else "dropped"
    return f'<li class="beleg-{kind}">{escape(verdict.sentence)} <em>{escape(word + reason)}</em></li>'


def folded(summary: str, content: str) -> str:
    """Return HTML that is shown when its summary is clicked."""
    return f'<details class="beleg-details"><summary>{escape(summary)}</summary>{content}</details>'
