"""The list of documents as safe HTML: each can be chosen for questions, by itself or with its collection."""

from collections.abc import Iterable
from itertools import groupby

from ui.dates import date_text, thousands
from ui.evidence import escape, note_html
from ui.shelf import Entry
from ui.texts import Texts

MOST_LISTED = 300


def documents_html(entries: Iterable[Entry], texts: Texts, *, searched: bool = False) -> str:
    """Return the rows, those in collections first, each collection under its name."""
    ordered = sorted(entries, key=lambda entry: (not entry.collection, entry.collection.casefold()))
    if not ordered:
        return note_html(texts.documents_nothing_found if searched else texts.documents_none)
    shown = ordered[:MOST_LISTED]
    named = any(entry.collection for entry in shown)
    groups = [
        _group(name, list(group), texts, headed=named) for name, group in groupby(shown, lambda entry: entry.collection)
    ]
    more = len(ordered) - len(shown)
    return "".join(groups) + (note_html(texts.documents_more.format(count=more)) if more else "")


def _group(name: str, entries: list[Entry], texts: Texts, *, headed: bool) -> str:
    title = name or texts.documents_no_collection
    head = (
        f'<label class="beleg-collection"><input type="checkbox" data-collection '
        f'aria-label="{escape(texts.documents_choose.format(title=title))}"><span>{escape(title)}</span></label>'
    )
    rows = "".join(_row(entry, texts) for entry in entries)
    return f'<div class="beleg-group" data-name="{escape(name)}">{head if headed else ""}<ul>{rows}</ul></div>'


def _row(entry: Entry, texts: Texts) -> str:
    pages = texts.documents_one_page if entry.pages == 1 else texts.documents_pages.format(count=entry.pages)
    characters = texts.documents_characters.format(count=thousands(entry.characters, texts.language))
    facts = (pages if entry.pages else characters, date_text(entry.date, texts.language), entry.name)
    remove = f"{texts.documents_remove}: {entry.title}"
    return (
        f'<li data-document="{escape(entry.id)}"><input type="checkbox" data-choose '
        f'aria-label="{escape(texts.documents_choose.format(title=entry.title))}">'
        f'<button type="button" class="beleg-read"><span class="beleg-title">{escape(entry.title)}</span>'
        f'<span class="beleg-source">{escape(" · ".join(part for part in facts if part))}</span></button>'
        f'<button type="button" class="beleg-icon" data-remove title="{escape(texts.documents_remove)}" '
        f'aria-label="{escape(remove)}">×</button></li>'
    )
