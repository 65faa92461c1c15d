"""Bytes -> XML tree: nothing is fetched, no entity is unfolded."""

from typing import Any

from lxml import etree

from index.document import DocumentError

MOST_TAGS = 4_000_000  # what 1 GB of memory holds as a tree; a Word document of 1,000 pages has about 3 million
Element = Any
"""An element of lxml: its type is of no use to a type checker, as children may be comments or entities."""


def parse_xml(raw: bytes, where: str) -> Element:
    """Return the root of an XML file.

    Args:
        raw: The bytes of the file.
        where: What the file is called in an error.

    Raises:
        DocumentError: It is not well formed, too large, or defines entities: no book or letter needs them, bombs do.

    >>> parse_xml("<a>Straße</a>".encode(), "a.xml").text
    'Straße'
    """
    refuse_too_many_tags(raw, where)
    if b"<!ENTITY" in raw or b"<\0!\0E\0N\0T\0I" in raw or b"\0<\0!\0E\0N\0T\0I" in raw:
        raise DocumentError(f"{where}: defines XML entities, as attacks do; save it anew with the program it is from")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DocumentError(f"{where}: not well-formed XML ({error}); the file is damaged, fetch it again") from error


def refuse_too_many_tags(raw: bytes, where: object) -> None:
    """Raise `DocumentError` where the tree of a file would not fit into memory."""
    if (tags := raw.count(b"<")) > MOST_TAGS:
        raise DocumentError(f"{where}: {tags} tags, expected at most {MOST_TAGS}; save the document in smaller files")


def local(element: Element) -> str:
    """Return an element's name without its namespace; "" for what is no element.

    >>> local(etree.fromstring('<w:p xmlns:w="urn:w"/>'))
    'p'
    """
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element | None, name: str) -> str | None:
    """Return an attribute by its name without namespace; ``None`` where it is not there.

    >>> attribute(etree.fromstring('<w:p xmlns:w="urn:w" w:val="1"/>'), "val")
    '1'
    """
    if element is None:
        return None
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), None)


def child(element: Element | None, *path: str) -> Element | None:
    """Return the first child by its name without namespace, and so on down the path; ``None`` where there is none.

    >>> child(etree.fromstring("<a><b/><c><d/></c></a>"), "c", "d").tag
    'd'
    """
    for name in path:
        if element is None:
            return None
        element = next((inner for inner in element if local(inner) == name), None)
    return element
