"""References to laws -> one writing: "§ 15 Abs. 3 UStG" and "section 15(3) UStG" are §15, §15abs3 and §15ustg."""

import re
from collections.abc import Iterator

_LAW_NAMES = {
    "abgabenordnung": "ao",
    "aufenthaltsgesetz": "aufenthg",
    "basic law": "gg",
    "baugesetzbuch": "baugb",
    "bürgerliches gesetzbuch": "bgb",
    "bürgerlichen gesetzbuch": "bgb",
    "civil code": "bgb",
    "criminal code": "stgb",
    "datenschutz-grundverordnung": "dsgvo",
    "einkommensteuergesetz": "estg",
    "gdpr": "dsgvo",
    "grundgesetz": "gg",
    "handelsgesetzbuch": "hgb",
    "kündigungsschutzgesetz": "kschg",
    "residence act": "aufenthg",
    "strafgesetzbuch": "stgb",
    "strafprozessordnung": "stpo",
    "straßenverkehrs-ordnung": "stvo",
    "umsatzsteuergesetz": "ustg",
    "zivilprozessordnung": "zpo",
}
_ROMAN = "i ii iii iv v vi vii viii ix x xi xii xiii xiv".split()
_ORDINALS = (
    "ersten zweiten dritten vierten fünften sechsten siebten achten neunten zehnten elften zwölften dreizehnten "
    "vierzehnten"
).split()
_BOOKS = {name: str(number) for names in (_ROMAN, _ORDINALS) for number, name in enumerate(names, 1)}

_SIGN = (  # its first letter before all else: a pattern that begins with one of a few letters is looked for fast
    r"[§AaSsPp](?<!\w[AaSsPp])(?:(?<=§)§?|(?<=[Aa])rt(?:ikel[sn]?|icles?)?\.?|(?<=[Ss])ec(?:tions?|\.)|"
    r"(?<=[Pp])ara(?:gra(?:phs?|phen|fen|f)|\.))"
)
_NUMBER = r"\d++(?:[a-z]\b|\s[a-z](?=\s(?:Abs|Satz|Nr|[A-ZÄÖÜ])))?"  # 573c, 573 c
_JOINT = r"(?:\s?,\s?|\s?[-–]\s?|\s(?:und|oder|bis|sowie|u\.|and|or|to)\s)"
_DETAIL = (  # Abs. 2 Satz 1 und 3, (2), ff., II
    r"(?:,?\s?(?:(?:Abs(?:atz|ätze)?|S(?:atz|ätze)?|Nrn?|Nummern?|Buchst(?:aben?)?|lit|Halbs(?:atz)?|Alt(?:ernative)?|"
    r"Unterabs(?:atz)?|Ziff(?:er)?|para(?:graph)?|no|sentence)\b\.?\s?\w{1,4}\b\)?"
    rf"(?:{_JOINT}(?:\d{{1,3}}[a-z]?|[a-z])\b)*|\((?:\d{{1,3}}[a-z]?|[a-z]|[IVX]+)\)|ff?\b\.?|[IVX]+\b))"
)
_NAMES = "|".join([*_LAW_NAMES, *(rf"{name}\b" for name in sorted(set(_LAW_NAMES.values())))]).replace(" ", r"\s")
_CAPITALS = r"(?:[A-ZÄÖÜ][a-zäöüß]*+){2,}"  # UStG, DSGVO
_LAW = (
    r"(?:SGB[\s-]?(?:[IVX]+|\d\d?)\b|[A-ZÄÖÜ][a-zäöü]++\sBuch(?:e?s)?\s(?:des\s)?Sozialgesetzbuch|"
    rf"(?i:{_NAMES})|{_CAPITALS}(?:[-/]{_CAPITALS})*)"
)
_OF = r"(?:\s(?:des|der|of|the|im|vom|German)\b){0,3}\s?\(?"
_REFERENCE = re.compile(
    rf"({_SIGN})\s*+({_NUMBER}{_DETAIL}*(?:{_JOINT}(?:§§?\s?)?{_NUMBER}{_DETAIL}*)*)(?:{_OF}({_LAW}))?"
)
_LAW_BEFORE = re.compile(rf"(?<!\w)({_LAW})(?:\s\d{{4}})?\)?\s?[:,]?\s*$")  # SGB 9 2018: § 5
_NUMBERS = re.compile(rf"{_DETAIL}|(\d+)\s?([a-z]\b)?")
_FARTHEST = 40  # characters before a reference that are read
_PARAGRAPH = re.compile(r"(?:Abs(?:\.|atz)|para(?:\.|graph))\s?(\d+)|\((\d+)\)")


def law_terms(shown: str) -> Iterator[str]:
    """Yield sections and articles, each with its paragraph and with its law where these are named.

    >>> list(law_terms("§ 15 Abs. 3 Nr. 2 UStG; BGB: § 108; Artikel 5 des Grundgesetzes"))
    ['§15', '§15abs3', '§15ustg', '§108', '§108bgb', 'art5', 'art5gg']
    >>> list(law_terms("§§ 15, 16 SGB V; section 15(3) of the Civil Code"))
    ['§15', '§15sgb5', '§16', '§16sgb5', '§15', '§15abs3', '§15bgb']
    """
    for found in _REFERENCE.finditer(shown):
        sign, details, law = found.groups()
        kind = "art" if sign[0] in "Aa" else "§"
        numbers = _numbers(sign, details)
        suffixes = [""]
        if len(numbers) == 1 and (paragraph := _PARAGRAPH.search(details)):
            suffixes.append(f"abs{paragraph[1] or paragraph[2]}")
        if law := law or _law_before(shown, found.start()):
            suffixes.append(_abbreviation(law))
        yield from (f"{kind}{number}{suffix}" for number in numbers for suffix in suffixes)


def _numbers(sign: str, details: str) -> list[str]:
    """Return the numbers of the sections or articles, one where the sign announces one.

    >>> _numbers("§§", "15, 16 a"), _numbers("§", "5 und 16"), _numbers("Art.", "5 und 16")
    (['15', '16a'], ['5'], ['5', '16'])
    """
    numbers = [number + letter for number, letter in _NUMBERS.findall(details) if number]
    several = sign[0] in "Aa" or sign.endswith(("§§", "s")) or "§" in details
    return numbers if several else numbers[:1]


def _law_before(shown: str, end: int) -> str:
    """Return the law that the words before a reference name, if any.

    >>> _law_before("BGB: § 108", 5), _law_before("Das steht im BGB. § 108", 18)
    ('BGB', '')
    """
    before = _LAW_BEFORE.search(shown, max(0, end - _FARTHEST), end)
    return before[1] if before else ""


def _abbreviation(law: str) -> str:
    """Return the usual abbreviation of a law, or the name itself, in small letters.

    >>> _abbreviation("UStG"), _abbreviation("SGB V"), _abbreviation("Fünften Buches Sozialgesetzbuch")
    ('ustg', 'sgb5', 'sgb5')
    """
    name = " ".join(law.lower().split())
    if name in _LAW_NAMES:
        return _LAW_NAMES[name]
    if name.startswith("sgb"):
        book = name.removeprefix("sgb").strip(" -")
    elif name.endswith("sozialgesetzbuch"):
        book = name.split()[0]
    else:
        return re.sub(r"[\s/-]", "", name)
    return f"sgb{_BOOKS.get(book, book)}"
