"""Whether two words are the same name, whatever their endings and whichever language spells them."""

import re
from functools import lru_cache

from rag.grounding.lexicon import plain
from rag.grounding.tables import rows, word_list

# What sounds alike is written alike; longer signs first.
_LETTERS = str.maketrans({"c": "k", "z": "k", "y": "i", "w": "v", "j": "i"})
_LEAST_STEM = 4
_LEAST_WITHIN = 6
_NEAR = ((8, 2), (5, 1))  # from so many letters on so many may differ


@lru_cache(maxsize=50_000)
def folded(word: str) -> str:
    """Return a word without what its spelling in another language changes.

    >>> folded("Communist"), folded("Philipp"), folded("München"), folded("Muenchen"), folded("Temüdschin")
    ('komunist', 'filip', 'munkhen', 'munkhen', 'temuiin')
    """
    word = re.sub("^g(?=[ei])", "j", plain(word))
    for sign, sound in rows("sounds"):
        word = word.replace(sign, sound)
    return re.sub(r"([^i])\1", r"\1", word.translate(_LETTERS))


_ENDINGS = frozenset(map(folded, word_list("endings of names"))) | {""}


@lru_cache(maxsize=50_000)
def alike(one: str, other: str) -> bool:
    """Whether two words are the same but for their endings and the spelling of a sound; parts of compounds count.

    >>> alike("Shanghai", "Shanghaier"), alike("Communist", "kommunistischen"), alike("Petri", "Peters")
    (True, True, False)
    >>> alike("grünen", "grünenfraktion"), alike("Hanover", "Hannovers"), alike("Californian", "Südkalifornien")
    (True, True, True)
    """
    first, second = folded(one), folded(other)
    if first == second or (len(first) >= _LEAST_STEM and first in second and len(first) * 4 > len(second)):
        return True
    if len(first) - 3 >= _LEAST_WITHIN and first[:-3] in second:
        return True
    shared = next(
        (n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )
    shortest = max(_LEAST_STEM, min(len(first), len(second)) - 4)
    return any(first[cut:] in _ENDINGS and second[cut:] in _ENDINGS for cut in range(shared, shortest - 1, -1))


@lru_cache(maxsize=50_000)
def is_near(one: str, other: str) -> bool:
    """Whether two longer words differ in a letter or two, as transliterations do.

    >>> is_near("Genghis", "Dschingis"), is_near("Hulagu", "Hülegü"), is_near("Scholl", "Schubert")
    (True, True, False)
    """
    first, second = folded(one), folded(other)
    allowed = next((allowed for least, allowed in _NEAR if min(len(first), len(second)) >= least), 0)
    return allowed > 0 and abs(len(first) - len(second)) <= allowed and _distance(first, second) <= allowed


def _distance(one: str, other: str) -> int:
    """Levenshtein's distance (1966)."""
    row = list(range(len(other) + 1))
    for number, sign in enumerate(one, 1):
        previous, row[0] = row[0], number
        for place, another in enumerate(other, 1):
            previous, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, previous + (sign != another))
    return row[-1]
