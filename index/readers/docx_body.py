"""Body of a Word document -> blocks of clean text: paragraphs, lists, tables, notes and text boxes in their order."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from index.readers.blocks import Block
from index.readers.docx_inline import Inline, InlineReader, chosen_content
from index.readers.docx_numbering import Numbering
from index.readers.docx_styles import Style, is_on, is_shaded, number_of, outline_level
from index.readers.xml_safety import Element, attribute, child, local

_NOTE_NAMES = {"footnote": "Fußnote", "endnote": "Endnote"}
_UNSEEN = frozenset("del moveFrom sectPr tblPr tblGrid trPr tcPr sdtPr sdtEndPr".split())
_WHITE_TABLES = (None, "TableGrid", "Tabellenraster", "TableNormal", "NormaleTabelle")
_DEEPEST = 40  # text boxes and tables in each other; a page has no room for more


@dataclass
class Body:
    """Reads the body of one document, once.

    Attributes:
        styles: By their id.
        numbering: The lists.
        notes: Footnotes and endnotes by their kind and id.
        title: The first text in a title's style, when the body has been read; "" where there is none.
        heading: The first heading.
        grounds: How many things around what is read may be of another colour than white: page, boxes, tables, cells.
    """

    styles: dict[str, Style]
    numbering: Numbering
    notes: dict[tuple[str, str], Element]
    title: str = ""
    heading: str = ""
    grounds: int = 0
    _counts: dict[str, int] = field(default_factory=dict)
    _pending: list[Inline] = field(default_factory=list)
    _waiting: Inline | None = None  # a paragraph whose end was deleted: the next one goes on in its line
    _after_item: bool = False

    def __post_init__(self) -> None:
        self._inline = InlineReader(self.styles)

    @property
    def hidden(self) -> list[str]:
        """The texts that nobody sees."""
        return self._inline.hidden

    def blocks(self, body: Element) -> Iterator[Block]:
        """Yield the blocks of the body in their order."""
        yield from self._container(body, "Absatz", 0)

    def _container(self, container: Element, kind: str, depth: int) -> Iterator[Block]:
        for element in container:
            yield from self._one(element, kind, depth)
        if container is not None and self._waiting is not None:
            last, self._waiting = self._waiting, None
            yield Block(last.text, self._name(kind))

    def _one(self, element: Element, kind: str, depth: int) -> Iterator[Block]:
        name = local(element)
        if not name or name in _UNSEEN or depth > _DEEPEST:
            return
        if name == "p":
            yield from self._paragraph(element, kind)
            yield from self._referred(depth)
        elif name == "tbl":
            with self._ground(is_there=_has_ground(child(element, "tblPr"))):
                yield from self._table(element, kind, depth)
            self._after_item = False
            yield from self._referred(depth)
        elif name == "AlternateContent":
            chosen = chosen_content(element)
            yield from () if chosen is None else self._container(chosen, kind, depth + 1)
        elif name == "sdt":
            if child(element, "sdtPr", "showingPlcHdr") is None:
                content = child(element, "sdtContent")
                yield from () if content is None else self._container(content, kind, depth + 1)
        elif name in ("customXml", "ins", "moveTo", "smartTag"):
            yield from self._container(element, kind, depth + 1)

    def _paragraph(self, paragraph: Element, kind: str) -> Iterator[Block]:
        properties = child(paragraph, "pPr")
        inline = self._inline.read(paragraph, on_ground=self.grounds > 0)
        if self._waiting is not None:
            inline.parts[:0] = self._waiting.parts
            self._waiting = None
        self._pending.append(inline)
        if child(properties, "rPr", "del") is not None:
            self._waiting = replace(inline, notes=[], boxes=[])
            return
        style = self.styles.get(attribute(child(properties, "pStyle"), "val") or "", Style())
        mark, level = self._mark(properties, style), self._level(properties, style)
        text = inline.text
        if not text:
            return  # it is counted all the same, as Word does
        if level:
            text = text.replace("\n", " ")
            self._note_title(text, style)
        is_item = bool(mark) and not level
        heading = f"{'#' * level} " if level else ""
        yield Block(f"{heading}{mark}{text}", self._name(kind), tight=is_item and self._after_item)
        self._after_item = is_item

    def _note_title(self, text: str, style: Style) -> None:
        if style.title:
            self.title = self.title or text
        else:
            self.heading = self.heading or text

    def _level(self, properties: Element | None, style: Style) -> int:
        own = outline_level(properties)
        return 1 if style.title else style.level if own is None else own

    def _mark(self, properties: Element | None, style: Style) -> str:
        number_id, level = number_of(properties)
        if not number_id and style.number_id:
            number_id = style.number_id
            style_name = attribute(child(properties, "pStyle"), "val") or ""
            if level is None:
                level = style.list_level
            if level is None:
                level = self.numbering.level_of_style(number_id, style_name)
        return self.numbering.mark(number_id, level or 0) if number_id not in ("", "0") else ""

    def _name(self, kind: str) -> str:
        """Return the name of the next place of a kind; notes and rows bring theirs along."""
        if kind not in ("Absatz", "Textfeld"):
            return kind
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{kind} {self._counts[kind]}"

    def _referred(self, depth: int) -> Iterator[Block]:
        """Yield the notes and text boxes to which what was just read refers."""
        read, self._pending = self._pending, []
        if any(inline.notes or inline.boxes for inline in read):
            self._after_item = False
        for inline in read:
            for kind, number in inline.notes:
                yield from self._note(kind, number, depth)
            for box in inline.boxes:
                with self._ground(is_there=True):
                    yield from self._container(box, "Textfeld", depth + 1)

    @contextmanager
    def _ground(self, *, is_there: bool) -> Iterator[None]:
        """While something is read that stands on a ground which need not be white."""
        self.grounds += is_there
        yield
        self.grounds -= is_there

    def _note(self, kind: str, number: str, depth: int) -> Iterator[Block]:
        note = self.notes.pop((kind, number), None)
        if note is not None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            yield from self._container(note, f"{_NOTE_NAMES[kind]} {self._counts[kind]}", depth + 1)

    def _table(self, table: Element, kind: str, depth: int) -> Iterator[Block]:
        self._counts["table"] = self._counts.get("table", 0) + 1
        name = f"Tabelle {self._counts['table']}"
        if kind not in ("Absatz", "Textfeld"):
            name = f"{kind}, {name}"
        tight = False
        for number, row in enumerate(_rows(table), start=1):
            if is_on(child(row, "trPr", "hidden")):
                self._inline.hide(row)
                continue
            cells = list(_cells(row))
            inner: list[Block] = []
            if len(cells) == 1 and attribute(child(cells[0], "tcPr", "gridSpan"), "val") is None:
                # A frame around text rather than a row: its paragraphs stay apart.
                with self._ground(is_there=_has_ground(child(cells[0], "tcPr"))):
                    inner = list(self._container(cells[0], f"{name}, Zeile {number}", depth + 1))
                yield from inner
                tight = len(inner) == 1 and not inner[0].text.startswith("#")
                continue
            texts = [self._cell(cell, f"{name}, Zeile {number}", inner, depth) for cell in cells]
            while texts and not texts[-1]:
                texts.pop()
            line = " ".join(" | ".join(texts).split())
            if line.strip(" |"):
                yield Block(line, f"{name}, Zeile {number}", tight=tight)
                tight = True
            yield from inner
            tight = tight and not inner

    def _cell(self, cell: Element, name: str, inner: list[Block], depth: int) -> str:
        """Return a cell's text as one line; tables within it are added to ``inner``."""
        if (merged := child(cell, "tcPr", "vMerge")) is not None and attribute(merged, "val") != "restart":
            return ""
        texts: list[str] = []
        with self._ground(is_there=_has_ground(child(cell, "tcPr"))):
            for element in _unwrapped(cell):
                if local(element) == "tbl":
                    inner += self._table(element, name, depth + 1)
                elif local(element) == "p":
                    texts += [block.text.lstrip("# ").replace("\n", " ") for block in self._paragraph(element, name)]
        return " ".join(texts)


def _has_ground(properties: Element | None) -> bool:
    """Whether a table or a cell may stand on another colour than white: by its shading, or a style not asked."""
    return bool(is_shaded(properties)) or attribute(child(properties, "tblStyle"), "val") not in _WHITE_TABLES


def _rows(table: Element) -> Iterator[Element]:
    """Yield the rows of a table that no tracked change deletes."""
    return (row for row in _unwrapped(table) if local(row) == "tr" and child(row, "trPr", "del") is None)


def _cells(row: Element) -> Iterator[Element]:
    return (cell for cell in _unwrapped(row) if local(cell) == "tc" and child(cell, "tcPr", "cellDel") is None)


def _unwrapped(element: Element) -> Iterator[Element]:
    """Yield the children of an element, and those of content controls and the like in their place."""
    for inner in element:
        name = local(inner)
        if name in ("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag"):
            if child(inner, "sdtPr", "showingPlcHdr") is None:
                yield from _unwrapped(inner)
        elif name == "AlternateContent":
            chosen = chosen_content(inner)
            yield from () if chosen is None else _unwrapped(chosen)
        elif name:
            yield inner
