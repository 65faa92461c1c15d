"""Web pages -> documents: all that a reader sees of the page, without its menus, banners and footers."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from index.document import Document, DocumentError, file_id, file_title
from index.encodings import declared_encoding, decode
from index.language import detect_language
from index.readers.blocks import Block, join_blocks
from index.readers.boilerplate import drop_boilerplate
from index.readers.hidden_markup import hidden_by_style
from index.readers.html_metadata import page_date, page_title
from index.readers.markup import Passage, find_passages
from index.readers.xml_safety import Element, local, refuse_too_many_tags

_log = logging.getLogger(__name__)
_LONGEST_NAME = 80


def read(path: Path) -> Iterator[Document]:
    """Yield the page as one document; places lead to the nearest anchor above and have the heading's name.

    Nothing that the page refers to is fetched, and no script is run. What is hidden is left out with a warning.

    Raises:
        DocumentError: The file is no web page, or there is no text on it.
    """
    raw = path.read_bytes()
    markup = decode(raw, path, declared_encoding(raw))
    root = parse_html(markup, path)
    title, date = page_title(root), page_date(root)
    passages = _visible(root, path)
    if not passages:
        raise DocumentError(
            f"{path}: a page without text (its scripts may fetch it); open it in a browser and save it as text or PDF"
        )
    text, places = join_blocks(_blocks(passages))
    title = title or next((passage.text for passage in passages if passage.level), "") or file_title(path, text)
    language = detect_language(text[:2000])
    yield Document(file_id(path), title, text, language, str(path.resolve()), date, places)


def parse_html(markup: str, path: Path) -> Element:
    """Return the root of a page; deep nesting is read as far as libxml2 can.

    Raises:
        DocumentError: There is no element in it, there are too many, or they are nested too deeply.
    """
    raw = re.sub("[\0\ud800-\udfff]", "", markup).encode()
    refuse_too_many_tags(raw, path)
    for huge in (False, True):  # the first bounds what an honest page never needs; the second reads on below it
        parser = etree.HTMLParser(
            encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=huge
        )
        try:
            root = etree.fromstring(raw, parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise DocumentError(f"{path}: no web page ({error}); give a file with HTML in it") from error
        if root is None:
            raise DocumentError(f"{path}: the file is empty; nothing to index")
        if not _was_cut(parser):
            return root
    raise DocumentError(f"{path}: its elements are nested too deeply to read; save the page as text or PDF")


def _was_cut(parser: etree.HTMLParser) -> bool:
    """Whether the parser gave up before the end of the page."""
    return any(
        re.search(r"Excessive depth|XML_PARSE_HUGE|too (?:long|big)", entry.message) for entry in parser.error_log
    )


def _visible(root: Element, path: Path) -> list[Passage]:
    body = next((inner for inner in root if local(inner) == "body"), root)
    by_style = hidden_by_style("".join(sheet.itertext()) for sheet in root.iter("style"))
    whole = find_passages(body, by_style)
    if whole.hidden:
        shown = whole.hidden[0][:60]
        _log.warning("%s: %d hidden texts left out, the first: %r", path, len(whole.hidden), shown)
    if not drop_boilerplate(body):
        return whole.passages
    return find_passages(body, by_style).passages or whole.passages


def _blocks(passages: list[Passage]) -> Iterator[Block]:
    """Yield the passages with the heading and the anchor under which they stand."""
    name = target = ""
    for passage in passages:
        name = passage.text[:_LONGEST_NAME] if passage.level else name
        target = f"#{passage.anchors[-1]}" if passage.anchors else target
        yield Block(passage.marked, name, target, passage.tight)
