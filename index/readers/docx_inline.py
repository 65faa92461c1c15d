"""What stands in a Word paragraph -> its text as the page shows it, its notes and its text boxes."""

from dataclasses import dataclass, field

from index.clean_text import clean
from index.readers.docx_styles import Look, Style, is_shaded, look_of
from index.readers.docx_symbols import symbol
from index.readers.superscript import superscript
from index.readers.xml_safety import Element, attribute, child, local

# Deleted or moved away by a tracked change; not text; a pronunciation above a word.
_UNSEEN = frozenset(
    "del moveFrom instrText delInstrText delText pPr rPr sdtPr sdtEndPr rt rubyPr comment annotationRef footnoteRef "
    "endnoteRef separator continuationSeparator ctrlPr fldData ffData".split()
)
_DRAWN = frozenset("drawing pict object".split())
_SIGNS = {"tab": " ", "ptab": " ", "cr": "\n", "noBreakHyphen": "-", "softHyphen": "", "br": "\n"}


@dataclass
class Inline:
    """The text of a paragraph, not yet clean, and what it refers to, in order."""

    parts: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[Element] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The clean text; lines that the paragraph itself divides stay divided."""
        lines = clean("".join(self.parts)).split("\n")
        return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))


@dataclass
class InlineReader:
    """Reads paragraphs in their order: a field may begin in one and end in another.

    ``hidden`` collects the texts that nobody sees.
    """

    styles: dict[str, Style]
    hidden: list[str] = field(default_factory=list)
    _look: Look = field(default_factory=Look)  # of the paragraph that is read
    _on_ground: bool = False
    _fields: list[bool] = field(default_factory=list)  # of each open field: whether its result has begun

    def read(self, paragraph: Element, *, on_ground: bool = False) -> Inline:
        """Return what stands in a paragraph; ``on_ground``: in a cell or box that need not be white."""
        inline = Inline()
        properties = child(paragraph, "pPr")
        style = self.styles.get(attribute(child(properties, "pStyle"), "val") or "", Style())
        self._look = Look(shaded=is_shaded(properties)).over(style.look)
        self._on_ground = on_ground
        self._children(paragraph, inline, hidden=self._look.is_unseen(on_ground=on_ground))
        return inline

    def hide(self, element: Element) -> None:
        """Note the text of an element that is hidden as a whole."""
        text = " ".join("".join(part.text or "" for part in element.iter() if local(part) == "t").split())
        self.hidden += [text] if text else []

    def _children(self, element: Element, inline: Inline, *, hidden: bool) -> None:
        for inner in element:
            self._one(inner, inline, hidden=hidden)

    def _one(self, element: Element, inline: Inline, *, hidden: bool) -> None:
        name = local(element)
        if not name or name in _UNSEEN:
            return
        if name == "r":
            self._run(element, inline)
        elif name == "AlternateContent":
            chosen = chosen_content(element)
            if chosen is not None:
                self._children(chosen, inline, hidden=hidden)
        elif name in _DRAWN:
            if not hidden:
                inline.boxes += text_boxes(element)
        elif name == "sdt":
            if child(element, "sdtPr", "showingPlcHdr") is None:
                self._children(element, inline, hidden=hidden)
        elif name == "f" and child(element, "num") is not None:
            self._fraction(element, inline, hidden=hidden)
        elif name == "sup":
            self._raised(element, inline, hidden=hidden)
        else:
            self._leaf(element, name, inline, hidden=hidden)

    def _run(self, run: Element, inline: Inline) -> None:
        properties = child(run, "rPr")
        style = self.styles.get(attribute(child(properties, "rStyle"), "val") or "", Style())
        hidden = look_of(properties).over(style.look).over(self._look).is_unseen(on_ground=self._on_ground)
        if attribute(child(properties, "vertAlign"), "val") == "superscript":
            self._raised(run, inline, hidden=hidden)
        else:
            self._children(run, inline, hidden=hidden)

    def _raised(self, element: Element, inline: Inline, *, hidden: bool) -> None:
        start = len(inline.parts)
        self._children(element, inline, hidden=hidden)
        inline.parts[start:] = [superscript("".join(inline.parts[start:]))]

    def _fraction(self, element: Element, inline: Inline, *, hidden: bool) -> None:
        self._children(child(element, "num"), inline, hidden=hidden)
        inline.parts.append("/")
        self._children(child(element, "den"), inline, hidden=hidden)

    def _leaf(self, element: Element, name: str, inline: Inline, *, hidden: bool) -> None:
        """Read what holds text itself; of anything else, what stands in it."""
        if name == "fldChar":
            self._field(attribute(element, "fldCharType") or "")
        elif not all(self._fields):
            return  # between a field's begin and its result stands its code
        elif name == "t":
            self._text(element.text or "", inline, hidden=hidden)
        elif name in _SIGNS:
            breaks_page = name == "br" and attribute(element, "type") in ("page", "column")
            inline.parts.append("" if hidden else " " if breaks_page else _SIGNS[name])
        elif name == "sym":
            self._text(
                symbol(attribute(element, "font") or "", attribute(element, "char") or ""), inline, hidden=hidden
            )
        elif name in ("footnoteReference", "endnoteReference"):
            if not hidden:
                inline.notes.append((name.removesuffix("Reference"), attribute(element, "id") or ""))
        elif len(element):
            self._children(element, inline, hidden=hidden)

    def _text(self, text: str, inline: Inline, *, hidden: bool) -> None:
        if not hidden:
            inline.parts.append(text.replace("\n", " "))
        elif text.strip():
            self.hidden.append(text.strip())

    def _field(self, kind: str) -> None:
        if kind == "begin":
            self._fields.append(False)
        elif self._fields and kind == "separate":
            self._fields[-1] = True
        elif self._fields and kind == "end":
            self._fields.pop()


def chosen_content(alternatives: Element) -> Element | None:
    """Return the one of the alternatives that is read: the first choice, else the fallback; ``None`` without any."""
    choice = child(alternatives, "Choice")
    return child(alternatives, "Fallback") if choice is None else choice


def text_boxes(drawing: Element) -> list[Element]:
    """Return the contents of the text boxes of a drawing, each once; those within a text box belong to it."""
    boxes: list[Element] = []
    for inner in drawing:
        name = local(inner)
        if name == "AlternateContent":
            chosen = chosen_content(inner)
            boxes += [] if chosen is None else text_boxes(chosen)
        elif name == "txbxContent":
            boxes.append(inner)
        elif name:
            boxes += text_boxes(inner)
    return boxes
