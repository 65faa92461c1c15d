"""Text as files hold it -> clean text: composed letters, nothing invisible, words cut at a line's end made whole."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from index.invisible import INVISIBLE, hidden_signs

_ODD_SPACES = "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\u2800"
_TABLE: dict[int, str] = {
    **{sign: "" for first, last in INVISIBLE for sign in range(first, last + 1)},
    **{ord(space): " " for space in _ODD_SPACES},
    **dict.fromkeys((0x0B, 0x0C, 0x85, 0x2028), "\n"),
    0x2029: "\n\n",
    **dict.fromkeys((0x2010, 0x2011), "-"),
    # Bullets of the symbol fonts, which stand in the private area.
    0xF0B7: "•",
    0xF0A7: "▪",
    0xF0D8: "➢",
    0xF0FC: "✓",
    **{sign: unicodedata.normalize("NFKC", chr(sign)) for sign in range(0xFB00, 0xFB07)},
}
_ODD = re.compile("[^\n -~\u00a1-\u00ac\u00ae-\u02ff]")  # what the table or NFC could change

Span = tuple[int, int]

left_out: Counter[str] = Counter()
"""How many characters of each kind that hides words ``clean`` has left out; who reads a file empties it before."""


def clean(text: str) -> str:
    r"""Return the text in NFC, without invisible characters; ligatures taken apart, odd spaces and hyphens plain.

    Line breaks of every kind become ``\n``; runs of spaces stay. Signs that mean something (², ½, „“, –) stay.

    >>> clean("Die o\u0308ﬀent\u00adliche\u00a0Hand\u200b zahlt 5\u202f€.")
    'Die öffentliche Hand zahlt 5 €.'
    >>> clean("Mu\u0308nchen,\r\nE\u2011Mail")
    'München,\nE-Mail'
    """
    if not _ODD.search(text):
        return text
    left_out.update(hidden_signs(text))
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").translate(_TABLE))


@dataclass(frozen=True)
class Joined:
    """Clean text made of lines, and where each line stands in it; the spans of a divided word meet inside of it."""

    text: str
    spans: tuple[Span, ...]


def join_lines(lines: Iterable[str], known: Collection[str] = frozenset()) -> str:
    """Return the lines of a paragraph as one line of clean text, words cut at a line's end made whole.

    Args:
        lines: As they stand in the original, soft hyphens and all.
        known: Words of the document itself, case folded (see `known_words`): they decide where the rules are in doubt.

    >>> join_lines(["Die Bundes-", "regierung regelt Ein-", "und Ausfuhr, sagt die CDU-", "Fraktion"])
    'Die Bundesregierung regelt Ein- und Ausfuhr, sagt die CDU-Fraktion'
    """
    return join_with_spans(lines, known).text


def join_with_spans(lines: Iterable[str], known: Collection[str] = frozenset()) -> Joined:
    """Join lines as `join_lines` does, and tell where each of them stands in the text.

    >>> joined = join_with_spans(["Die Bundes-", "regierung"])
    >>> [joined.text[start:end] for start, end in joined.spans]
    ['Die Bundes', 'regierung']
    """
    pieces, spans = list[str](), list[Span]()
    length, tail = 0, ""  # only the end of the text decides at a seam, however long a paragraph gets
    ended_soft = False
    for line in lines:
        words = " ".join(clean(line).split())
        if tail and words:
            divided, between = _seam(tail, words, ended_soft, known)
            if divided:
                pieces[-1] = pieces[-1][:-1]
                length -= 1
                spans[-1] = (spans[-1][0], min(spans[-1][1], length))
            pieces.append(between)
            length += len(between)
        spans.append((length, length + len(words)))
        if words:
            pieces.append(words)
            length += len(words)
            tail = (tail + words)[-_LONGEST_TAIL:]
            ended_soft = line.rstrip().endswith("\u00ad")
    return Joined("".join(pieces), tuple(spans))


def known_words(lines: Iterable[str]) -> set[str]:
    """Return the words that stand whole in lines, case folded: those with a hyphen inside of them, too.

    >>> sorted(known_words(["Das deutsch-französische Amt für Bundes-", "angelegenheiten"]))
    ['amt', 'angelegenheiten', 'das', 'deutsch-französische', 'für']
    """
    return {word for line in lines for word in _WORD.findall(clean(line).casefold())}


_WORD = re.compile(r"(?<![\w-])[^\W\d_]{2,}(?:-[^\W\d_]{2,})*(?![\w-])")
_BOUND = re.compile(r"[\w-]/$|\w[–—]$")
_LAST = re.compile(r"(\S*[^\W_])-$")
_LONGEST_TAIL = 300  # a word or an address
_PAIR = re.compile(r"(und|oder|bzw|sowie|resp|and|or)\b|(bis|to|als auch)\b(?!-)")
_ADJECTIVE = re.compile(r"(?:\w{2,}(?:isch|lich)|(?:nieder|hoch)?deutsch)(?:e[nmrs]?)?")
_IN_ADDRESS = re.compile(r"://|www\.|@|\\")
_ADDRESS_GOES_ON = re.compile(r"\w[/.?=&%_~#-]\w|[/?=&%_~#]|\.(?:html?|pdf|php)\b")


def _seam(text: str, line: str, soft: bool, known: Collection[str]) -> tuple[bool, str]:
    """Return whether the hyphen before the seam only divided a word, and what stands between the text and the line."""
    if soft:
        return False, ""
    if text[-1] == "-" and (last := _LAST.search(text)):
        between = _after_hyphen(last[1], line, known)
        return (True, "") if between is None else (False, between)
    return False, "" if _goes_on(text, line) else " "


def _goes_on(text: str, line: str) -> bool:
    """Whether no space belongs between two lines of which the first ends in no hyphen."""
    if line.startswith("/"):
        return text[-1].isalnum()
    if text.endswith("/") and _IN_ADDRESS.search(text.rsplit(" ", 1)[-1]):
        return bool(_ADDRESS_GOES_ON.search(_first_token(line)))
    return text[-1] in "/–—" and bool(_BOUND.search(text)) and line[0].isalnum()


def _first_token(line: str) -> str:
    return line.split(" ", 1)[0].rstrip(".,;:)")


def _after_hyphen(left: str, line: str, known: Collection[str]) -> str | None:
    """Return what follows the hyphen at a line's end: nothing or a space; None where it only divided a word."""
    if _IN_ADDRESS.search(left) or line[0] == "/" or line[0].isdigit():
        return ""
    if not line[0].isalpha():
        return " "
    left, right = _inner_word(left), _first_word(line)
    whole = f"{left}{right}".casefold() in known
    hyphenated = f"{left}-{right}".casefold() in known
    if line[0].isupper():
        return None if _divides_capitals(left, right, whole, hyphenated) else ""
    if whole != hyphenated:
        return None if whole else ""
    if _PAIR.match(line) and f"{left}{right}" != "Kürbis":
        return " "
    return "" if _keeps_hyphen(left, right) else None


def _inner_word(token: str) -> str:
    """Return the last word of a token: "(Verkehrs" -> "Verkehrs", "Nord-Süd-Ge" -> "Ge"."""
    return re.split(r"[^\w]", token)[-1]


def _first_word(line: str) -> str:
    found = re.match(r"[^\W_]+(?:-[^\W_]+)*", line)
    return found[0] if found else ""


def _keeps_hyphen(left: str, right: str) -> bool:
    """Whether a hyphen before small letters is the word's own: 20-jährig, EU-weit, x-beliebig, deutsch-polnisch."""
    if left[-1].isdigit() or len(left) == 1 or _is_abbreviation(left):
        return True
    return bool(_ADJECTIVE.fullmatch(left) and _ADJECTIVE.fullmatch(right) and left.islower())


def _is_abbreviation(word: str) -> bool:
    """Whether a word is spelt in capitals, as CDU, pH, GmbH and LKWs are."""
    return word[-1].isupper() or sum(sign.isupper() for sign in word) >= 2


def _divides_capitals(left: str, right: str, whole: bool, hyphenated: bool) -> bool:
    """Whether a word set in capitals is divided, as in a heading: BUNDES-/REGIERUNG, but CDU-/CSU."""
    if not (left.isupper() and right.isupper()) or hyphenated:
        return False
    return whole or (len(left) > 3 and len(right) > 3)
