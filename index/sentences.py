"""Text -> sentences with exact offsets."""

import re
from collections.abc import Iterator
from itertools import pairwise

Span = tuple[int, int]

# Abbreviations and titles after which no sentence ends, where the next word begins with a capital or a digit.
_ABBREVIATIONS = frozenset(
    "abb abs abschn abt allg anh anl anm apr art aufl aug bd bearb begr bes bez bspw bzgl bzw ca chr co dez dgl dipl "
    "dr e.g einschl erg etc ev evtl exkl febr ff fig fr frhr geb gebr geg gem ggf ggü gest hl hr hrn hrsg i.e inkl "
    "ing insb insbes jan jh jhd kap kath kl lat lfd lit max mag med mill min mind mio mr mrd mrs ms nachf nov nr "
    "o.ä okt op phil prof prot rd rdnr red reg rer rn röm s sen sep sept sog sr st std str tab tel u.a übers usw v "
    "verf vgl vol vorm vors z zit ziff zul zzgl zz".split()
)
_ALSO_WORDS = frozenset("art dez etc ff jan mag max min usw".split())  # before a sentence's first word they end one
_DOTTED = re.compile(r"(?:^|[\s(\[„“\"'])(?:[^\W\d_]\.\s?){1,3}$")  # z. B., d. h., i. d. R., J. S. Bach
_NUMBERED = re.compile(r"(?:^|[\s(\[„–-])(?:\d{1,3}|[IVXLC]{1,5})\.$")  # 6. Juli, Karl V., 2. Weltkrieg
_MONTH_OR_ORDINAL_NOUN = re.compile(
    r"(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez|bis\b|und\b|oder\b|Jh|Jahrhundert|Weltkrieg|Januar|§|Abs)"
)
_OPENS_SENTENCE = frozenset(
    "der die das ein eine er sie es wir ich diese dieser dieses damit danach dabei dort dazu so in im am an auf aus "
    "bei nach seit mit von vor zu für durch um unter über wenn als wie auch aber doch heute später the a it this he "
    "she they in on at".split()
)


def split_sentences(text: str, language: str = "de") -> list[Span]:
    """Return the sentences as half-open spans of characters, in order, without surrounding white space.

    A line break ends a sentence unless the line is wrapped; abbreviations, ordinals and initials end none.

    >>> text = "Die Messe dauerte vom 6. bis 8. Juli. Dr. Tan kam, z. B. am Montag."
    >>> [text[start:end] for start, end in split_sentences(text)]
    ['Die Messe dauerte vom 6. bis 8. Juli.', 'Dr. Tan kam, z. B. am Montag.']
    """
    return [span for block in _blocks(text) for span in _merged(text, list(_pieces(text, block, language)))]


def _blocks(text: str) -> Iterator[Span]:
    """Spans of text in which a line break is only a space: paragraphs, list items, headings, single lines."""
    lines = [(match.start(), match.end()) for match in re.finditer(r"[^\n]+", text)]
    width = _wrap_width(text, lines)
    start = None
    for line, following in pairwise([*lines, (len(text), len(text))]):
        start = line[0] if start is None else start
        if not _is_wrapped(text, line, following, width):
            yield start, line[1]
            start = None


def _wrap_width(text: str, lines: list[Span]) -> int:
    """Return the column at which the text was wrapped by hand, 0 where it was not (lines far longer than a page's)."""
    longest = max((len(text[start:end].rstrip()) for start, end in lines), default=0)
    return longest if 40 <= longest <= 100 else 0


def _is_wrapped(text: str, line: Span, following: Span, width: int) -> bool:
    """Whether the line's sentence goes on: the next line's first word would not have fitted before the margin."""
    if text[line[1] : following[0]] != "\n" or re.match(r"\s*(?:[-*•–#>|]|\d+[.)])\s", text[following[0] :][:12]):
        return False
    if text[line[0] : line[1]].lstrip().startswith("#"):
        return False
    first_word = re.match(r"\s*\S*", text[following[0] : following[1]])
    return line[1] - line[0] + 1 + len(first_word[0] if first_word else "") > width > 0


def _pieces(text: str, block: Span, language: str) -> Iterator[Span]:
    """Locate simplemma's sentences, which are slices of the block in order."""
    import simplemma

    cursor = block[0]
    for sentence in simplemma.split_sentences(text[slice(*block)], language):
        start = text.index(sentence, cursor)
        cursor = start + len(sentence)
        yield start, cursor


def _merged(text: str, pieces: list[Span]) -> Iterator[Span]:
    """Join what was cut after an abbreviation, an ordinal or an initial."""
    start = None
    for piece, following in pairwise([*pieces, (0, 0)]):
        start = piece[0] if start is None else start
        after = text[following[0] : following[1]]
        if not after or not _ends_inside_sentence(text[max(start, piece[1] - 40) : piece[1]], after):
            yield start, piece[1]
            start = None


def _ends_inside_sentence(before: str, after: str) -> bool:
    """Whether the full stop at the end of ``before`` belongs to its word, given the words after it."""
    if not before.endswith("."):
        return False
    if before.rstrip(".").endswith(("..", "…")):
        return False
    if _NUMBERED.search(before):
        return bool(_MONTH_OR_ORDINAL_NOUN.match(after)) or not _opens_sentence(after)
    if _DOTTED.search(before):
        return True
    last_word = re.split(r"[\s(\[„“\"'/-]", before)[-1].rstrip(".").casefold()
    return last_word in _ABBREVIATIONS and not (last_word in _ALSO_WORDS and _opens_sentence(after))


def _opens_sentence(after: str) -> bool:
    word = re.match(r"\w+", after)
    return bool(word) and word[0][0].isupper() and word[0].casefold() in _OPENS_SENTENCE  # type: ignore[index]
