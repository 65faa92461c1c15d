"""Title and date that a page gives of itself."""

import json
import re
from datetime import date
from typing import Any

from index.clean_text import clean
from index.readers.xml_safety import Element

_SEPARATOR = re.compile(r"\s+[-–—|·•:»›/]+\s+")
# The last change counts, as a page is quoted as it is now; then the day of publication.
_DATES = tuple(
    "article:modified_time og:updated_time dcterms.modified dc.date.modified last-modified date.modified datemodified "
    "article:published_time dcterms.issued dcterms.date dcterms.created dc.date dc.date.issued date pubdate "
    "datepublished publish_date publication_date citation_publication_date".split()
)


def page_title(root: Element) -> str:
    """Return og:title, else the title without the site's name, else the first heading; "" where there is none.

    The part of a title behind a separator is the site's name where ``og:site_name`` or the first heading says so.

    >>> from lxml import html
    >>> page_title(html.fromstring("<html><title>Gebühren – Stadt Köln</title><body><h1>Gebühren</h1></body></html>"))
    'Gebühren'
    """
    meta = _meta(root)
    heading = _text(next(root.iter("h1"), None))
    whole = meta.get("og:title") or _text(next(root.iter("title"), None))
    if not whole:
        return heading
    cuts = list(_SEPARATOR.finditer(whole))
    site = meta.get("og:site_name", "").casefold()
    for cut in cuts:
        if site and whole[cut.end() :].casefold() == site:
            return whole[: cut.start()]
        if heading and whole[: cut.start()].casefold() == heading.casefold():
            return heading
    return whole


def page_date(root: Element) -> str:
    """Return the day that a page gives as its own, ISO 8601; "" where it gives none. Nothing is guessed.

    >>> from lxml import html
    >>> page_date(html.fromstring('<html><meta name="DC.date" content="2024-05-17T10:00"></html>'))
    '2024-05-17'
    """
    meta = _meta(root)
    given = [meta.get(name, "") for name in _DATES[:7]]
    given += _linked_data(root, "dateModified") + [meta.get(name, "") for name in _DATES[7:]]
    given += _linked_data(root, "datePublished") + _times(root)
    return next(filter(None, map(iso_day, given)), "")


def iso_day(text: str) -> str:
    """Return the day with which a date in ISO 8601 begins; "" where it is none.

    >>> iso_day("2024-05-17T10:00:00Z"), iso_day("17.05.2024"), iso_day("gestern")
    ('2024-05-17', '2024-05-17', '')
    """
    text = text.strip()
    german = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text)
    day = f"{german[3]}-{int(german[2]):02}-{int(german[1]):02}" if german else text[:10]
    try:
        return date.fromisoformat(day).isoformat() if day > "1000" else ""
    except ValueError:
        return ""


def _meta(root: Element) -> dict[str, str]:
    """Return what the page's meta elements say, the first of a name; names in small letters."""
    said: dict[str, str] = {}
    for element in root.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop") or element.get("http-equiv")
        content = " ".join(clean(element.get("content", "")).split())
        if name and content:
            said.setdefault(name.strip().lower(), content)
    return said


def _times(root: Element) -> list[str]:
    """Return the times marked as the page's own, or the only one there is."""
    times = [element for element in root.iter("time") if element.get("datetime")]
    own = [element for element in times if "pubdate" in element.attrib or "date" in element.get("itemprop", "").lower()]
    return [element.get("datetime") for element in own or (times if len(times) == 1 else [])]


def _linked_data(root: Element, key: str) -> list[str]:
    """Return the values of a key at the top of the page's JSON-LD, or in its graph."""
    found: list[str] = []
    for script in root.iter("script"):
        if script.get("type", "").strip().lower() == "application/ld+json":
            for item in _items(script.text or ""):
                value = item.get(key)
                found += [value] if isinstance(value, str) else []
    return found


def _items(source: str) -> list[dict[str, Any]]:
    try:
        data = json.loads(source)
    except (ValueError, RecursionError):
        return []
    if isinstance(data, dict):
        data = [data, *(data["@graph"] if isinstance(data.get("@graph"), list) else [])]
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def _text(element: Element | None) -> str:
    return "" if element is None else " ".join(clean("".join(element.itertext())).split())
