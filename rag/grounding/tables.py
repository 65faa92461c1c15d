"""The word lists in the folder ``data``, one row a line: German and English side by side."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).with_name("data")


@cache
def rows(name: str) -> tuple[Any, ...]:
    """Return the rows of a table.

    >>> rows("lexicon")[0]
    ['buy purchase acquire buyer purchaser', 'kaufen erwerben ankaufen abkaufen kauf käufer erwerb']
    """
    return tuple(json.loads(line) for line in (_DATA / f"{name}.jsonl").read_text("utf-8").splitlines())


@cache
def word_list(name: str) -> frozenset[str]:
    """Return the words of a row of ``word_lists``.

    >>> "herr" in word_list("titles")
    True
    """
    return frozenset(next(words for row, words in rows("word_lists") if row == name).split())


@cache
def groups(name: str) -> dict[str, frozenset[str]]:
    """Return word -> the rows of a table that it is in; a row is called after its first word.

    >>> groups("places")["danish"]
    frozenset({'dänemark'})
    """
    found: dict[str, set[str]] = {}
    for row in rows(name):
        words = row.split()
        for word in words:
            found.setdefault(word, set()).add(words[0])
    return {word: frozenset(named) for word, named in found.items()}


@cache
def patterns(name: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return the patterns of a table by name; what stands in <> is a pattern of the table itself.

    >>> [kind for kind, pattern in patterns("bounds") if kind.startswith("after") and pattern.match("oder mehr")]
    ['after min']
    """
    parts: dict[str, str] = {}
    found = []
    for kind, form in rows(name):
        parts[kind] = re.sub("<[A-Z]+>", lambda part: parts[part[0]], form)
        found.append((kind, re.compile(parts[kind], re.IGNORECASE)))
    return tuple(found)
