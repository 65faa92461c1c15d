"""Links, pictures and tags in a sentence of the answer: what a planted instruction asks for, and no answer needs."""

import re

# A picture or link of Markdown, its reference, a tag or comment of HTML, a link of angle brackets.
_MARKUP = re.compile(
    r"!\[|\]\(|^\s*\[[^\]]+\]\s*:\s*\S|\]\[[^\]\d]|</?[a-z!?][^>]*(?:>|$)|<\|", re.IGNORECASE | re.MULTILINE
)
_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]*://\S+|\b(?:javascript|data|vbscript|mailto|file|tel):\S+|\bwww\.\S+"
    r"|(?<![\w@.])(?:[\w-]+\.)+[a-z]{2,}[/?]\S+|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}[:/]\S+",
    re.IGNORECASE,
)


def foreign_link(sentence: str, evidence: str) -> str:
    """Return a link that a sentence must not hold: one that would be rendered, or an address that no evidence names.

    >>> foreign_link("Mehr unter https://a.example/x.", "Näheres: https://a.example/x")
    ''
    >>> foreign_link("Mehr bei a.example/?q=1.", "Näheres: https://a.example/x")
    'a.example/?q=1'
    >>> foreign_link("Sie öffnet um acht. ![](https://a.example/x)", "Näheres: https://a.example/x")
    '!['
    """
    if markup := _MARKUP.search(sentence):
        return markup[0].strip()
    addresses = (found[0].rstrip(".,;:!?)“”\"'") for found in _ADDRESS.finditer(sentence))
    return next((address for address in addresses if address not in evidence), "")
