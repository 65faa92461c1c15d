"""German text -> terms for lexical search; the same function for documents and questions."""

import re
import unicodedata
from typing import Any

_STOP_WORDS = frozenset(
    "aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes auch auf aus bei "
    "beim bin bis bist da damit dann das dass dein deine dem den denn der des dessen die dies diese diesem diesen "
    "dieser dieses doch dort du durch ein eine einem einen einer eines er es etwas euch euer für gegen gewesen gibt "
    "hab habe haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer ihres im in indem "
    "ins ist jede jedem jeden jeder jedes jene kann kannst können könnte machen man mein meine mich mir mit muss "
    "musste müssen nach noch nun nur ob oder ohne sehr sein seine seinem seinen seiner seit sich sie sind so solche "
    "soll sollen sollte sondern sonst über um und uns unser unter viel vom von vor war waren warst was weil welche "
    "welchem welchen welcher welches wem wen wenn wer werde werden wessen wie wieder wieso will wir wird wirst wo "
    "woher wohin wollen wollte wurde wurden während warum wann zu zum zur zwar zwischen "
    "a about an and are as at be been by can did do does for from had has have how i if is it its may must my of on "
    "or should that the their there this to was we were what when where which who whom whose why will with would "
    "you your".split()
)
_WORD = re.compile(r"\w+(?:[.,:]\d+)*")


def german_terms(text: str) -> list[str]:
    """Return the stems of the content words, in order, repeated as they occur.

    Numbers keep their separators; soft hyphens vanish; stop words of both languages are left out.

    >>> german_terms("Die Häuser am Rhein kosten 4,5 Mrd. Euro; das Haus nicht.")
    ['haus', 'rhein', 'kost', '4,5', 'mrd', 'euro', 'haus', 'nicht']
    """
    folded = unicodedata.normalize("NFKC", text).replace("\u00ad", "").casefold()
    words = [word for word in _WORD.findall(folded) if word not in _STOP_WORDS]
    stems: list[str] = _stemmer().stemWords(words)
    return stems


def _stemmer() -> Any:
    """Make one for each call, which takes under a microsecond: a stemmer is not to be shared by threads."""
    import Stemmer

    return Stemmer.Stemmer("german", 0)
