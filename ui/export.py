"""A conversation as a file to take along: Markdown, or DOCX with real footnotes."""

import io
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape as xml_escape

from rag.citations import Citation
from ui.conversation import Turn
from ui.texts import Texts

if TYPE_CHECKING:
    from docx.document import Document as Docx
    from docx.text.paragraph import Paragraph

_MARKER = re.compile(r"\[(\d{1,3})\]")
_ACTIVE = re.compile(r"[\\`*_\[\]<>#!|&~$]")
_WORDPROCESSING = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_FOOTNOTES_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def markdown(turns: Sequence[Turn], texts: Texts) -> str:
    r"""Return the conversation as Markdown, with each quote as a footnote.

    >>> from ui.texts import DE
    >>> print(markdown([Turn("Wann?", ("Um *acht* [1].",), (Citation(1, "Um acht.", "a", "Satzung", 0, 8, 12),))], DE))
    # Gespräch mit beleg
    <BLANKLINE>
    ## Wann?
    <BLANKLINE>
    Um \*acht\*[^1-1].
    <BLANKLINE>
    [^1-1]: „Um acht.“ – Satzung, S. 12
    """
    blocks = [f"# {texts.export_title}"]
    for number, turn in enumerate(turns, start=1):
        cited = {citation.marker: citation for citation in _citations(turn)}
        blocks += [f"## {_plain(turn.question)}", _marked(_text(turn), cited, number)]
        blocks += [f"[^{number}-{marker}]: {_plain(note_text(citation, texts))}" for marker, citation in cited.items()]
    return "\n\n".join(block for block in blocks if block)


def _marked(text: str, cited: dict[int, Citation], turn: int) -> str:
    return "".join(f"[^{turn}-{piece}]" if isinstance(piece, int) else _plain(piece) for piece in pieces(text, cited))


def _plain(text: str) -> str:
    """Return a text in one line in which nothing is Markdown."""
    return _ACTIVE.sub(r"\\\g<0>", " ".join(text.split(" ")).replace("\n", " "))


def pieces(text: str, cited: dict[int, Citation]) -> Iterator[str | int]:
    """Yield a text's stretches and the markers of citations between them, in turns.

    >>> list(pieces("Um acht [1]. Siehe [7].", {1: Citation(1, "", "", "", 0, 0)}))
    ['Um acht', 1, '. Siehe [7].']
    """
    shown = ""
    for position, piece in enumerate(_MARKER.split(text)):
        if position % 2 and int(piece) in cited:
            yield shown.rstrip(" ")
            yield int(piece)
            shown = ""
        else:
            shown += f"[{piece}]" if position % 2 else piece
    if shown:
        yield shown


def note_text(citation: Citation, texts: Texts) -> str:
    """Return a quote with its origin, as a footnote gives it."""
    quote = " ".join(citation.quote.split())
    page = texts.chat_page.format(page=citation.page) if citation.page else ""
    origin = ", ".join(part for part in (citation.title or citation.document_id, page) if part)
    gloss = f" ({texts.gloss.format(text=citation.gloss)})" if citation.gloss else ""
    return f"„{quote}“{gloss} – {origin}"


def _text(turn: Turn) -> str:
    if turn.answer:
        return turn.answer.text
    return " ".join([*turn.sentences, turn.problem]).strip()


def _citations(turn: Turn) -> Sequence[Citation]:
    return turn.answer.citations if turn.answer else turn.citations


# DOCX


def word(turns: Sequence[Turn], texts: Texts) -> bytes:
    """Return the conversation as a Word document: questions as headings, each quote as a footnote of its own."""
    import docx

    document = docx.Document()
    document.core_properties.title = texts.export_title
    document.core_properties.author = "beleg"
    document.add_heading(texts.export_title, level=1)
    notes: list[str] = []
    for turn in turns:
        document.add_heading(_xml_text(turn.question), level=2)
        cited = {citation.marker: citation for citation in _citations(turn)}
        paragraph = document.add_paragraph()
        for piece in pieces(_text(turn), cited):
            if isinstance(piece, str):
                paragraph.add_run(_xml_text(piece))
            else:
                notes.append(note_text(cited[piece], texts))
                _refer(paragraph, len(notes))
    _add_footnotes(document, notes)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _refer(paragraph: "Paragraph", note: int) -> None:
    """Add the raised number that leads to a footnote."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    run = paragraph.add_run()
    run.font.superscript = True
    reference: Any = OxmlElement("w:footnoteReference")
    reference.set(qn("w:id"), str(note))
    run._r.append(reference)


def _add_footnotes(document: "Docx", notes: Sequence[str]) -> None:
    """Add the part that holds the footnotes; Word wants the two separators in it, too."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    separators = (
        '<w:footnote w:type="separator" w:id="-1"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>'
        '<w:footnote w:type="continuationSeparator" w:id="0"><w:p><w:r><w:continuationSeparator/></w:r></w:p>'
        "</w:footnote>"
    )
    body = "".join(_footnote(number, note) for number, note in enumerate(notes, start=1))
    xml = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<w:footnotes xmlns:w="{_WORDPROCESSING}">{separators}{body}</w:footnotes>'
    )
    package = document.part.package
    part = Part(PackURI("/word/footnotes.xml"), _FOOTNOTES_TYPE, xml.encode(), package)
    document.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)


def _footnote(number: int, text: str) -> str:
    raised = '<w:rPr><w:vertAlign w:val="superscript"/></w:rPr>'
    small = '<w:rPr><w:sz w:val="18"/></w:rPr>'
    return (
        f'<w:footnote w:id="{number}"><w:p><w:r>{raised}<w:footnoteRef/></w:r>'
        f'<w:r>{small}<w:t xml:space="preserve"> {xml_escape(_xml_text(text))}</w:t></w:r></w:p></w:footnote>'
    )


def _xml_text(text: str) -> str:
    """Return a text without what no XML may hold."""
    return _NOT_XML.sub("\ufffd", text)
