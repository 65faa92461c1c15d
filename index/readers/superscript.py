"""Raised digits as Unicode's own, so that 10 to the 5th does not become 105."""

import re

_RAISED = str.maketrans("0123456789+-−()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ⁿ")


def superscript(text: str) -> str:
    """Return digits and signs as raised ones; other text as it is.

    >>> superscript("2"), superscript("-5"), superscript("er")
    ('²', '⁻⁵', 'er')
    """
    return text.translate(_RAISED) if re.fullmatch(r"[-+−]?\(?[0-9n]+\)?|[-+−]", text) else text
