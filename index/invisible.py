"""Characters that no reader sees, but a language model reads: what they are, and a text without them."""

import re
from collections import Counter
from collections.abc import Sequence

# What Unicode calls default ignorable, and what no text holds: controls, non-characters, surrogates, private signs.
INVISIBLE = (
    (0x00, 0x08), (0x0E, 0x1F), (0x7F, 0x84), (0x86, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C),
    (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F),
    (0x3164, 0x3164), (0xD800, 0xF8FF), (0xFDD0, 0xFDEF), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFC), (0xFFFE, 0xFFFF), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
    (0xF0000, 0x10FFFF),
)  # fmt: skip


def _class(ranges: Sequence[tuple[int, int]]) -> str:
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in ranges)


_ANY = re.compile(f"[{_class(INVISIBLE)}]+")
# What can carry or turn words. Single signs of these kinds are common in honest texts: soft hyphens, emoji, private
# signs of symbol fonts, a mark of the byte order at the start.
_TAGS = re.compile("[\U000e0000-\U000e007f]")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}")
_ZERO_WIDTH = re.compile("(?<!^)[\u200b-\u200d\u2060-\u2064\ufeff\u180e]")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_KINDS = {"tags": _TAGS, "selectors": _SELECTORS, "zero_width": _ZERO_WIDTH, "turning": _TURNING}
_MOST_ZERO_WIDTH = 8  # up to so many are the work of an editor
_DECEIVING = re.compile(f"{_TAGS.pattern}|{_TURNING.pattern}")


def visible(text: str) -> str:
    r"""Return a text without the characters that nobody sees; white space stays.

    >>> visible("Wann\u200b be\xadgann\n\U000e0041\U000e0042 es?")
    'Wann begann\n es?'
    """
    return _ANY.sub("", text)


def hidden_signs(text: str) -> Counter[str]:
    r"""Count the characters that hide words from readers or turn them round, by kind; an honest text holds few or none.

    ``tags`` (a second, unseen alphabet), ``selectors`` (runs of variation selectors, in which bytes can be hidden),
    ``zero_width`` and ``turning`` (of the direction of writing).

    >>> hidden_signs("Prost \u2764\ufe0f, ver\xadehrte G\u00e4ste"), hidden_signs("a\u202eb\U000e0041")
    (Counter(), Counter({'tags': 1, 'turning': 1}))
    """
    if not _ANY.search(text):
        return Counter()
    found = {kind: sum(len(run) for run in signs.findall(text)) for kind, signs in _KINDS.items()}
    return Counter({kind: count for kind, count in found.items() if count})


def hidden_kinds(signs: Counter[str]) -> list[str]:
    """Return which kinds of hidden characters are worth a word: of zero width some few are the work of an editor.

    >>> hidden_kinds(Counter(tags=1, zero_width=3))
    ['tags']
    """
    return [kind for kind, count in signs.items() if count > (_MOST_ZERO_WIDTH if kind == "zero_width" else 0)]


def undeceiving(text: str) -> str:
    r"""Replace what turns the direction of writing and unseen letters by U+FFFD, so that a reader sees them.

    >>> undeceiving("Rechnung\u202efdp.exe")
    'Rechnung\ufffdfdp.exe'
    """
    return _DECEIVING.sub("\ufffd", text)
