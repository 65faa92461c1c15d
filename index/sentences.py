"""Text -> sentences with exact offsets."""

import re
from collections.abc import Iterator
from itertools import zip_longest

Span = tuple[int, int]

# Abbreviations and titles after which no sentence ends, where the next word begins with a capital or a digit.
_ABBREVIATIONS = frozenset(
    "abb abl abs abschn abt al allg anh anl anm apr art aufl aug bd bearb begr bes bez bgbl bspw bzgl bzw ca chr co "
    "dez dgl dipl dr dt e.g einschl engl erg etc ev evtl exkl feb febr ff fig fr franz frhr geb gebr geg gem ggf ggü "
    "gest griech gvbl hl hr hrn hrsg i.e inkl ing insb insbes ital jan jh jhd kap kath kl lat lfd lit max mag med mill "
    "min mind mio mr mrd mrs ms mwst nachf nov nr o.ä okt op phil prof prot rd rdnr red reg rer rev rn röm s sen "
    "sep sept sog sr st std str tab tel u.a übers usw v verf vgl vol vorm vors z zit ziff zul zzgl zz".split()
)
# Before a sentence's first word these end a sentence.
_ALSO_LAST = frozenset("art chr co dez etc ff jan jh jhd mag max mill min mio mrd mwst std u.a usw".split())
_BEFORE_A_NUMBER = re.compile(r"(?:\w{2}str|\bno|\bnos|\bpp?)\.$", re.IGNORECASE)  # Kantstr. 5, No. 5, pp. 3
_DOTTED = re.compile(r"(?:^|[\s(\[„“\"'])(?:[^\W\d_]\.\s?){1,3}$")  # z. B., d. h., i. d. R., J. S. Bach
_NUMBERED = re.compile(r"(?:^|[\s(\[„–-])(?:\d{1,3}|[IVXLC]{1,5})\\?\.$")  # 6. Juli, Karl V., 2. Weltkrieg, 6\. Juli
_MARKER = re.compile(r"\(?(?:\d{1,3}(?:\)|\\?\.)|[a-z]{1,2}\)|[a-zA-Z]\.|[IVXLC]{1,5}[.)])")  # 1.  aa)  (2)  A.  IV.
_MONTH_OR_ORDINAL_NOUN = re.compile(
    r"(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez|bis\b|und\b|oder\b|Jh|Jahrhundert|Weltkrieg|Januar|§|Abs)"
)
_LIST_ITEM = re.compile(
    rf"\s*(?:[-*+–>|]\s|•|\||#{{1,6}}\s|\d+[.)]\s(?!\s*{_MONTH_OR_ORDINAL_NOUN.pattern})|[a-z]\)\s)"
)
_AFTER_QUOTE = re.compile(r"(?P<quote>(?P<mark>[.!?…])[“«‹‘]+)\s+(?=[„»›‚(]*[A-ZÄÖÜ\d])")
_FIRST_WORD = re.compile(r"\s*\S*")
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
    lines = list(_lines(text))
    width = _wrap_width(text, lines)
    start = None
    for line, following in zip_longest(lines, lines[1:]):
        start = line[0] if start is None else start
        if following is None or not _is_wrapped(text, line, following, width):
            yield start, line[1]
            start = None


def _lines(text: str) -> Iterator[Span]:
    """Spans of the lines that are not blank."""
    start = 0
    for line in text.split("\n"):
        if not line.isspace() and line:
            yield start, start + len(line)
        start += len(line) + 1


def _wrap_width(text: str, lines: list[Span]) -> int:
    """Return the column at which the text was wrapped by hand, 0 where it was not (lines far longer than a page's)."""
    longest = max((len(text[start:end].rstrip()) for start, end in lines), default=0)
    return longest if 40 <= longest <= 100 else 0


def _is_wrapped(text: str, line: Span, following: Span, width: int) -> bool:
    """Whether the line's sentence goes on: the next line's first word would not have fitted before the margin."""
    if following[0] - line[1] > 1 or _LIST_ITEM.match(text, *following):
        return False
    if text[line[0] : line[1]].lstrip().startswith("#"):
        return False
    first_word = _FIRST_WORD.match(text, *following)
    return line[1] - line[0] + 1 + len(first_word[0] if first_word else "") > width > 0


def _pieces(text: str, block: Span, language: str) -> Iterator[Span]:
    """Locate simplemma's sentences, which are slices of the block in order, and cut them after German quotes."""
    import simplemma

    cursor = block[0]
    for sentence in simplemma.split_sentences(text[slice(*block)], language):
        start = text.index(sentence, cursor)
        cursor = start + len(sentence)
        yield from _cut_after_quotes(text, start, cursor)


def _cut_after_quotes(text: str, start: int, end: int) -> Iterator[Span]:
    """Cut after a full stop and a closing quote, after another mark only before a word that opens a sentence.

    simplemma takes “ and « for opening quotes.
    """
    for quote in _AFTER_QUOTE.finditer(text, start, end):
        if quote["mark"] in ".…" or _opens_sentence(text[quote.end() : end][:20]):
            yield start, quote.end("quote")
            start = quote.end()
    yield start, end


def _merged(text: str, pieces: list[Span]) -> Iterator[Span]:
    """Join what was cut after an abbreviation, an ordinal, an initial or a list's number."""
    start = None
    for piece, following in zip_longest(pieces, pieces[1:]):
        start = piece[0] if start is None else start
        if following is None or not _goes_on(text[max(start, piece[1] - 40) : piece[1]], text[slice(*following)]):
            yield start, piece[1]
            start = None


def _goes_on(before: str, after: str) -> bool:
    """Whether the sentence that ``before`` is the end of goes on with ``after``."""
    if _MARKER.fullmatch(before) or not re.search(r"\w", after):
        return True
    if not before.endswith(".") or before.rstrip(".").endswith(("..", "…")):
        return False
    if _NUMBERED.search(before):
        return bool(_MONTH_OR_ORDINAL_NOUN.match(after)) or not _opens_sentence(after)
    if _DOTTED.search(before) or (after[0].isdigit() and _BEFORE_A_NUMBER.search(before)):
        return True
    last_word = re.split(r"[\s(\[„“\"'/-]", before)[-1].rstrip(".").casefold()
    return last_word in _ABBREVIATIONS and not (last_word in _ALSO_LAST and _opens_sentence(after))


def _opens_sentence(after: str) -> bool:
    word = re.match(r"[„»›‚(]*(\w+)", after)
    return bool(word) and word[1][0].isupper() and word[1].casefold() in _OPENS_SENTENCE  # type: ignore[index]
