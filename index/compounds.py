"""Compounds -> their parts, by the words that the corpus itself holds.

After Koehn and Knight 2003, Empirical Methods for Compound Splitting: of all ways to cut a word into two known ones
take the one whose parts are most frequent, by the geometric mean. Here each part is cut again, and words are stems.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

from index.analysis import stems

Count = Callable[[str], int | None]  # term -> in how many chunks it occurs

LONGEST = 60  # letters
_SHORTEST = 6
_LEAST_MEAN = 0.08  # of the word's own frequency: a word far more frequent than its parts is one of its own
_LEAST_PART = 0.02
_RARE = 5  # times as frequent as one of its parts a word may be where that part occurs once or twice
_RARER_FORM = 16  # times as frequent as a longer form of it a last part may be
_UNKNOWN = 0.5  # frequency of a part that is no word but a compound of known ones

# Of three letters only these count as words: what is left of a longer one is mostly chance.
_SHORT_WORDS = frozenset(
    "abo alt amt app arm art bad bau bio box bus ehe eid eis erb gas gut hof hut job kuh kur neu not ohr ort ost rad "
    "rat roh rot see sud tag tal tat tee tod ton tor tur typ uhr uni web weg zug".split()
)
_SHORT_STEMS = _SHORT_WORDS | set(  # of auge, boden, dauer, eigen …
    "akt aug bod dau eig ehr elt end erd ess fei feu gab geb haf hoh kap lad las leb mag mau nam neb opf reg ruh vat "
    "wag wes zon".split()
)
# What looks like a word but is a prefix or a suffix, or what is left of one.
_NOT_FIRST = frozenset(
    "abge aufg augs ausg auss eing ents komm miss mitt nach unge verb verh vers verw vorg zuge".split()
)
_NOT_LAST = frozenset(
    "akt alt app bar bart chen eig elt end haft heit hoh iert isch keit leich lein lich licht ling los lung mass nativ "
    "neb nis rung sam schaft send tion tum tung wart weis".split()
)
_SILENT = frozenset({"geb", "nehm"})  # Arbeitgeber, Arbeitnehmer: these parts tell nothing
_WHOLE = frozenset(
    "beinhalt deutschland dienstag donnerstag ehegatt frankreich freiburg freitag friedrich gutacht magdeburg mannheim "
    "mittwoch montag osterreich regensburg samstag sonntag".split()
)
# A stemmer cuts more off a longer word: Wohnung stays "wohnung", Mietwohnung becomes "mietwohn".
_ENDINGS = ("ung", "heit", "keit")
_ENDINGS_OF_UNKNOWN = (*_ENDINGS, "ik")
_LONGER_FORMS = {
    "f": "fest",
    "fah": "fahig",
    "jug": "jugend",
    "kur": "kurs",
    "mus": "musik",
    "widr": "widrig",
    "wurd": "wurdig",
}


@dataclass(frozen=True)
class _Cut:
    """A word in two; ``first`` is the term of ``left``, ``lasts`` are those of ``right``, which can have several."""

    left: str
    right: str
    first: str
    lasts: tuple[str, ...]
    mean: float
    least: float


class Splitter:
    """Splits many terms by one vocabulary; alphabetical order lets it remember most."""

    def __init__(self, count: Count) -> None:
        self._count = count
        self._best = lru_cache(maxsize=100_000)(self._best_cut)

    def split(self, term: str) -> list[str]:
        """Return the parts, larger ones before their own parts; none for a word that is no compound.

        A suspended hyphen, as ``german_terms`` writes it, gives the words that it can stand for.

        >>> words = {"rechtsschutz": 9, "recht": 90, "schutz": 40, "versicher": 50, "geld": 30, "straf": 60}
        >>> splitter = Splitter(words.get)
        >>> splitter.split("rechtsschutzversicher"), splitter.split("recht"), splitter.split("haft-/geldstraf")
        (['rechtsschutz', 'versicher', 'recht', 'schutz'], [], ['haftstraf'])
        """
        if "/" in term:
            return list(self._completed(term))
        cut = self._cut(term)
        if not cut:
            return []
        parts = [cut.first, *cut.lasts, *self.split(cut.first), *self.split(cut.right)]
        return [part for part in dict.fromkeys(parts) if part not in _SILENT]

    def _cut(self, word: str) -> _Cut | None:
        """Return the best cut if its parts are frequent enough."""
        if not _SHORTEST <= len(word) <= LONGEST or not word.isalpha() or word in _WHOLE or word.endswith("itat"):
            return None
        cut, own = self._best(word), self._count(word) or 0
        if not cut or cut.mean < _LEAST_MEAN * own or cut.least < _LEAST_PART * own:
            return None
        return cut if cut.least > 2 or cut.least * _RARE >= own else None

    def _best_cut(self, word: str) -> _Cut | None:
        return max(self._cuts(word), key=lambda cut: cut.mean, default=None)

    def _cuts(self, word: str) -> Iterator[_Cut]:
        lefts = [word[:end] for end in range(3, len(word))]
        for left, first in zip(lefts, stems(lefts), strict=True):  # a stem is without what links it to the next word
            if (
                len(first) < 4 and first not in (_SHORT_WORDS if len(left) == 3 else _SHORT_STEMS)
            ) or left in _NOT_FIRST:
                continue
            if frequency := self._count(first):
                yield from self._cuts_after(word, left, first, frequency)

    def _cuts_after(self, word: str, left: str, first: str, frequency: int) -> Iterator[_Cut]:
        right = word[len(left) :]
        lasts = self._lasts(left, right)
        if lasts and not self._begins_with_s(left, right, max(lasts.values())):
            yield _known_cut(left, right, first, frequency, lasts)
        if not lasts and len(right) >= _SHORTEST and self._best(right):
            yield _Cut(left, right, first, (), sqrt(frequency * _UNKNOWN), frequency)
        if left[-1] == left[-2] not in "aeiou" and (lasts := self._lasts(left, left[-1] + right)):
            yield _known_cut(left, left[-1] + right, first, frequency, lasts)  # Schif-fahrt was Schiff-fahrt

    def _begins_with_s(self, left: str, right: str, frequency: int) -> bool:
        """Whether an s belongs to the last part: Geld-strafe, not Gelds-traf."""
        return left[-1] == "s" and (self._count("s" + right) or 0) * 4 >= frequency

    def _lasts(self, left: str, right: str) -> dict[str, int]:
        """Return the terms that a last part can be, with their frequencies."""
        if right in _NOT_LAST and not (right == "haft" and left[-1] == "s"):
            return {}
        own = ((len(right) > 3 or right in _SHORT_STEMS) and self._count(right)) or 0
        forms = [right + ending for ending in (_ENDINGS if own else _ENDINGS_OF_UNKNOWN)] if len(right) > 3 else []
        if right in _LONGER_FORMS and (right != "f" or len(left) > 4):
            forms.append(_LONGER_FORMS[right])
        counts = {form: count for form in forms if (count := self._count(form)) and count * _RARER_FORM >= own}
        return {right: own, **counts} if own else counts

    def _completed(self, term: str) -> Iterator[str]:
        """Yield what "haft-/geldstraf" and "arbeitgeberanteil/-zuschuss" can stand for."""
        first, _, last = term.partition("/")
        if first.endswith("-"):
            cut = self._cut(last)
            while cut:
                yield first[:-1] + cut.right
                cut = self._cut(cut.right)
        elif cut := self._cut(first):
            yield cut.left + last[1:]


def _known_cut(left: str, right: str, first: str, frequency: int, lasts: dict[str, int]) -> _Cut:
    most = max(lasts.values())
    return _Cut(left, right, first, tuple(lasts), sqrt(frequency * most), min(frequency, most))


def split(term: str, count: Count) -> list[str]:
    """Return the parts of one term, as ``Splitter.split``."""
    return Splitter(count).split(term)
