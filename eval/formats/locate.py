"""Evidence given as text -> where it stands in the documents."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from eval.formats.rows import Fields
from rag.citations import find_quote

_NEAREST = 5  # documents in which a quote is looked for that stands nowhere letter for letter


class Locator:
    """Finds quotes in the texts of a gold set, letter for letter or but for how they are set (`rag.citations`)."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._words: dict[str, frozenset[str]] = {}

    def located(self, spans: Iterable[Any], documents: Iterable[str] | None = None) -> tuple[list[Any], list[str]]:
        """Return the evidence with places instead of quotes, and what was not found or stood elsewhere.

        Args:
            spans: Of a row's ``evidence``. What has no quote is passed on; what was not found is left out.
            documents: The only ones to look in.

        >>> Locator({"bad": "Der Eintritt ist frei."}).located([{"quote": "ist frei"}, {"quote": "kostet 3 Euro"}])
        ([{'document_id': 'bad', 'start': 13, 'end': 21}], ["no document says 'kostet 3 Euro'"])
        """
        found, problems = [], []
        for span in spans:
            if not isinstance(span, dict) or not isinstance(span.get("quote"), str):
                found.append(span)
                continue
            place, problem = self._place(span, documents)
            found += [place] if place else []
            problems += [problem] if problem else []
        return found, problems

    def _place(self, span: Fields, documents: Iterable[str] | None) -> tuple[Fields | None, str]:
        quote, named, start, end = (span.get(name) for name in ("quote", "document_id", "start", "end"))
        text = self._texts.get(str(named), "")
        if isinstance(start, int) and isinstance(end, int) and 0 <= start < end and text[start:end] == quote:
            return {"document_id": named, "start": start, "end": end}, ""
        place = self.find(str(quote), [str(named)] if named in self._texts else documents)
        if place is None and named:
            place = self.find(str(quote), documents)
        if place is None:
            return None, f"no document says {_shown(str(quote))}"
        moved = f"{_shown(str(quote))} stands in {place['document_id']!r} at {place['start']}, not at {start}"
        elsewhere = start is not None or (named is not None and named != place["document_id"])
        return place, moved if elsewhere else ""

    def find(self, quote: str, documents: Iterable[str] | None = None) -> Fields | None:
        """Return the first place of a quote, or None where no document has it."""
        names = [name for name in (self._texts if documents is None else documents) if name in self._texts]
        quote = quote.strip()
        if not quote:
            return None
        for name in names:
            start = self._texts[name].find(quote)
            if start >= 0:
                return {"document_id": name, "start": start, "end": start + len(quote)}
        wanted = _words(quote)
        nearest = sorted(names, key=lambda name: -len(wanted & self._words_of(name)))[:_NEAREST]
        for name in nearest:
            place = find_quote(quote, self._texts[name])
            if place:
                return {"document_id": name, "start": place[0], "end": place[1]}
        return None

    def _words_of(self, name: str) -> frozenset[str]:
        if name not in self._words:
            self._words[name] = _words(self._texts[name])
        return self._words[name]


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.casefold()))


def _shown(quote: str) -> str:
    """Return the beginning of a quote, long enough to know it by."""
    return repr(quote if len(quote) <= 80 else f"{quote[:79]}…")
