"""German text -> terms for lexical search; the same function for documents and questions.

A term is the stem of a word. Where the same thing is written in several ways (a word with a hyphen, a number, a date, a
reference to a law), a term for what is meant is added; none is taken away.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import chain

STOP_WORDS = frozenset(
    "aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes auch auf aus außer "
    "außerdem bei beim beispielsweise bereits bevor beziehungsweise bin bis bist bitte bzw da dabei dadurch dafür "
    "dagegen daher dahin damit danach daneben dann daran darauf daraus darf darin darüber darum das dass davon davor "
    "dazu dein deine deinem deinen deiner dem den denen denn dennoch der deren des deshalb dessen desto deswegen die "
    "dies diese diesem diesen dieser dieses doch dort du durch dürfen durfte ebenfalls ebenso ein eine einem einen "
    "einer eines einige einigen einiger er es etwa etwas euch euer eure eurem euren eurer falls für gegebenenfalls "
    "gegen gewesen geworden gibt hab habe haben hat hätte hatte hätten hatten hier hierbei hierfür hierzu hin hinter "
    "ich ihm ihn ihnen ihr ihre ihrem ihren ihrer ihres im immer in indem ins insbesondere insgesamt insofern "
    "insoweit ist je jede jedem jeden jedenfalls jeder jedes jedoch jemand jene jenem jenen jener jenes jetzt kann "
    "kannst können könnt könnte könnten machen man manche manchem manchen mancher mein meine meinem meinen meiner "
    "mich mir mit mittlerweile möchte möchten muss müssen müsst musst musste müsste mussten müssten nach nachdem "
    "nämlich nebst noch nun nur ob obwohl oder ohne schon sehr sei seid seien sein seine seinem seinen seiner "
    "seines seit sich sie sind so sobald sofern solange solch solche solchem solchen solcher solches soll sollen "
    "sollte sollten somit sondern sonst soweit sowie sowohl statt trotz trotzdem über um und uns unser unsere unserem "
    "unseren unserer unter usw viel viele vielen vielleicht vom von vor während wann war wäre waren wären warst warum "
    "was weil weiterhin welche welchem welchen welcher welches wem wen wenn wer werde werden weshalb wessen wie "
    "wieder wieso will wir wird wirst wo wobei wodurch wofür woher wohin wohl wollen wollte womit woran worauf woraus "
    "worin worüber worum wovon wozu wurde würde wurden würden zu zudem zugleich zum zumindest zur zwar zwischen "
    "a about after and any are as at be because been being both but by can cannot could did do does doesn during each "
    "for from had has have having he her hers him his how i if into is it its itself may me might must my nor of on "
    "only onto or our ours over shall she should some such than that the their theirs them then there these they this "
    "those through till to under until upon we were what when where whether which while who whoever whom whose why "
    "with would you your yours".casefold().split()
)

# Words

_WORD = re.compile(r"\w+(?:[.,:]\d+)*")
_TOKEN = re.compile(r"\w++(?:[.,:]\d++|[-\u2010](?:\r?\n[ \t]*+)?\w++)*+")  # words that hyphens or a line's end divide
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_SIGNS = {"%": " prozent ", "€": " euro ", "$": " dollar "}
_ACCENTS = re.compile("(?<![aou])\u0308|[\u0300-\u0307\u0309-\u036f]")  # not the dots of an umlaut
_TRIPLE = re.compile(r"([b-df-hj-np-tvxz])\1\1")  # Schifffahrt was Schiffahrt before 1996
_MOST_KEPT, _LONGEST_KEPT = 200_000, 60  # tokens whose terms are remembered, about 40 MB

# Suspended hyphens

_AND = r"(?:und|oder|bis|sowie|bzw\.?|beziehungsweise|and|or)"
_TAIL_MISSING = re.compile(rf"-((?:(?:,\s|\s?/\s?)\w++-){{0,9}}+)(?:,?\s{_AND}\s|\s?/\s?)([^\W\d_]++)")
_HEAD_MISSING = re.compile(r"-(?<=[\s/].)([^\W\d_]++)")
_HEAD = re.compile(rf"([^\W\d_]++)(?:\s{_AND}\s|,\s|\s?/\s?)$")
_LAST_WORD = re.compile(r"[^\W\d_]+$")
_NO_TAILS = STOP_WORDS | {"innen", "n", "e", "en", "r", "s"}  # Bürger/-innen
_UMLAUTS = str.maketrans("äöü", "aou")
_PREFIXES = (  # each before those that it begins with
    "zusammen zwischen zurück binnen gegen hinter nieder weiter wieder durch neben unter fort miss nach ober rück über "
    "auf aus bei ein ent her hin mit ver vor weg zer ab an be er in um un zu"
).split()

# Numbers

_GROUPED = re.compile(r"([1-9]\d{0,2}([.,'’ ])\d{3}(?:\2\d{3})*)(?:(?!\2)[.,](\d+))?")
_DECIMAL = re.compile(r"(\d+)[.,](\d+)")
_UNIT = (
    r"(?i:%|(?:prozent|per\s?cent|vom\shundert|tsd|tausend|thousand|mio|mrd|bn|milliarden?|"
    r"(?:m|b|tr)illion(?:en|s)?)\b|v\.\s?h\.)"
)
_QUANTITY = re.compile(
    r"(\d(?<![\w.,].)(?:\d{0,2}(?:[ '’]\d{3})++(?!\d)(?:[.,]\d++)?|"
    rf"\d*+(?:[.,]\d++)*+(?=\s?{_UNIT})))(?:\s?({_UNIT}))?"
)
_POWERS = {
    name: 3 * thousands
    for thousands, names in enumerate("tsd tausend thousand|mio million|mrd milliard bn billion|trillion".split("|"), 1)
    for name in names.split()
}

# Dates

_MONTHS = {
    name: month
    for month, names in enumerate(
        "januar jänner january jan|februar feber february feb|märz maerz march mär mar mrz|april apr|mai may|juni june "
        "jun|juli july jul|august aug|september sept sep|oktober october okt oct|november nov|dezember december dez "
        "dec".split("|"),
        1,
    )
    for name in names.split()
}
_DATE = re.compile(  # day and month, or year
    r"(\d(?<![\d.,].)\d*+)(?:(?<!\d{3})\.\s?(\d\d?)\.\s?([12]\d{3}|\d\d)(?![.,]?\d)|"
    r"(?<=[12]\d{3})(?<!\d{5})(?:-(\d\d)-(\d\d)(?!\d))?)"
)
_BEFORE_YEAR = re.compile(
    r"(?:(?<!\d)(\d\d?)(?:\.|st|nd|rd|th)?\s*(?:of\s)?)?(?<![^\W\d_])"
    rf"({'|'.join(sorted(_MONTHS, key=len, reverse=True))})\.?(?:\s(\d\d?)(?:st|nd|rd|th)?)?,?\s$"
)

# References to laws

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
_BOOKS = (
    "i|ersten ii|zweiten iii|dritten iv|vierten v|fünften vi|sechsten vii|siebten viii|achten ix|neunten x|zehnten "
    "xi|elften xii|zwölften xiii|dreizehnten xiv|vierzehnten"
).split()
_BOOK_NUMBERS = {name: str(number) for number, names in enumerate(_BOOKS, 1) for name in names.split("|")}
_NAMES = "|".join([*_LAW_NAMES, *(rf"{name}\b" for name in sorted(set(_LAW_NAMES.values())))]).replace(" ", r"\s")
_CAPITALS = r"(?:[A-ZÄÖÜ][a-zäöüß]*+){2,}"
_LAW = (
    r"(?:SGB[\s-]?(?:[IVX]+|\d\d?)\b|[A-ZÄÖÜ][a-zäöü]++\sBuch(?:e?s)?\s(?:des\s)?Sozialgesetzbuch|"
    rf"(?i:{_NAMES})|{_CAPITALS}(?:[-/]{_CAPITALS})*)"
)
_NUMBER = r"\d++(?:[a-z]\b|\s[a-z](?=\s(?:Abs|Satz|Nr|[A-ZÄÖÜ])))?"
_JOINT = r"(?:\s?,\s?|\s?[-–]\s?|\s(?:und|oder|bis|sowie|u\.|and|or|to)\s)"
_DETAIL = (
    r"(?:,?\s?(?:(?:Abs(?:atz|ätze)?|S(?:atz|ätze)?|Nrn?|Nummern?|Buchst(?:aben?)?|lit|Halbs(?:atz)?|Alt(?:ernative)?|"
    r"Unterabs(?:atz)?|Ziff(?:er)?|para(?:graph)?|no|sentence)\b\.?\s?\w{1,4}\b\)?"
    rf"(?:{_JOINT}(?:\d{{1,3}}[a-z]?|[a-z])\b)*|\((?:\d{{1,3}}[a-z]?|[a-z]|[IVX]+)\)|ff?\b\.?|[IVX]+\b))"
)
_REFERENCE = re.compile(
    r"([§AaSsPp](?<!\w[AaSsPp])(?:(?<=§)§?|(?<=[Aa])rt(?:ikel[sn]?|icles?)?\.?|(?<=[Ss])ec(?:tions?|\.)|"
    r"(?<=[Pp])ara(?:gra(?:phs?|phen|fen|f)|\.)))\s*+"
    rf"({_NUMBER}{_DETAIL}*(?:{_JOINT}(?:§§?\s?)?{_NUMBER}{_DETAIL}*)*)"
    rf"(?:(?:\s(?:des|der|of|the|im|vom|German)\b){{0,3}}\s?\(?({_LAW}))?"
)
_LAW_BEFORE = re.compile(rf"(?<!\w)({_LAW})(?:\s\d{{4}})?\)?\s?[:,]?\s*$")
_NUMBERS = re.compile(rf"{_DETAIL}|(\d+)\s?([a-z]\b)?")
_PARAGRAPH = re.compile(r"(?:Abs(?:\.|atz)|para(?:\.|graph))\s?(\d+)|\((\d+)\)")


def german_terms(text: str) -> list[str]:
    """Return the stems of the content words, in order, repeated as they occur; then terms for what several words mean.

    Numbers keep their separators; soft hyphens vanish; stop words of both languages are left out.

    >>> german_terms("Die Häuser am Rhein kosten 4,5 Mrd. Euro; das Haus nicht.")
    ['haus', 'rhein', 'kost', '4,5', '4.5', 'mrd', 'euro', 'haus', 'nicht', '4500000000']
    >>> german_terms("Ein- und Ausfuhr am 3. Oktober 1990")
    ['ausfuhr', '3', 'oktob', '1990', 'einfuhr', '1990-10-03', '1990-10']
    >>> german_terms("E-Mail, § 7 Abs. 2 UWG")
    ['e', 'mail', 'email', '7', 'abs', '2', 'uwg', '§7', '§7abs2', '§7uwg']
    """
    shown = unicodedata.normalize("NFKC", text)
    if not shown.isascii():
        shown = _INVISIBLE.sub("", shown)
    folded = shown.casefold().replace("i\u0307", "i")  # of İstanbul
    for sign, word in _SIGNS.items():
        folded = folded.replace(sign, word)
    terms = list(chain.from_iterable(map(_TERMS.__getitem__, _TOKEN.findall(folded))))
    return [*terms, *_suspended(folded), *_quantities(shown), *_dates(folded), *_references(shown)]


def stem(word: str) -> str:
    """Return the stem of one word in small letters, without accents and with no letter three times in a row.

    >>> stem("häuser"), stem("haeuser"), stem("schifffahrten"), stem("cafés")
    ('haus', 'haus', 'schiffahrt', 'caf')
    """
    if not word.isascii():
        word = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", word)))
    if _TRIPLE.search(word):
        word = _TRIPLE.sub(r"\1\1", word)
    return stems([word])[0]


def stems(words: Sequence[str]) -> list[str]:
    """Return the stems of words in small letters.

    >>> stems(["rechts", "versicherungs"])
    ['recht', 'versicher']
    """
    import Stemmer

    # A new one for each call takes under a microsecond, and a stemmer is not to be shared by threads.
    stemmed: list[str] = Stemmer.Stemmer("german", 0).stemWords(words)
    return stemmed


class _Terms(dict[str, tuple[str, ...]]):
    """Token -> its terms, remembered: a few thousand tokens are most of any text."""

    def __missing__(self, token: str) -> tuple[str, ...]:
        terms = tuple(_token_terms(token))
        if len(self) >= _MOST_KEPT:
            self.clear()
        if len(token) <= _LONGEST_KEPT:
            self[token] = terms
        return terms


_TERMS = _Terms()


def _token_terms(token: str) -> Iterator[str]:
    """Yield the stems of the words between hyphens, of the words joined, and what the numbers can mean.

    >>> list(_token_terms("rechtsschutz-versicherung")), list(_token_terms("1,234"))
    (['rechtsschutz', 'versicher', 'rechtsschutzversicher'], ['1,234', '1234', '1.234'])
    """
    words = _WORD.findall(token)
    content = [word for word in words if word not in STOP_WORDS]
    yield from map(stem, content)
    broken = "\n" in token and len(content) < len(words)  # "Ein-\nund Ausfuhr"
    if len(words) > 1 and not broken and not all(word[0].isdigit() for word in words):
        yield stem("".join(words))
    for word in content:
        if word[0].isdigit():
            yield from (value for value in _values(word) if value != word)


# Suspended hyphens


def _suspended(folded: str) -> Iterator[str]:
    """Yield the word that a suspended hyphen stands for, or both words for ``compounds.split`` to complete.

    >>> list(_suspended("ein- und ausfuhr, haft-, geld- oder freiheitsstrafen, arbeitgeberanteil und -zuschuss"))
    ['einfuhr', 'haft-/freiheitsstraf', 'geld-/freiheitsstraf', 'arbeitgeberanteil/-zuschuss']
    """
    if "-" not in folded:
        return
    for found in _TAIL_MISSING.finditer(folded):
        before = _LAST_WORD.search(folded, max(0, found.start() - _LONGEST_KEPT), found.start())
        if before and found[2] not in _NO_TAILS:
            yield from (_with_tail(first, found[2]) for first in [before[0], *_WORD.findall(found[1])])
    for found in _HEAD_MISSING.finditer(folded):
        before = _HEAD.search(folded, max(0, found.start() - _LONGEST_KEPT), found.start())
        if before and found[1] not in _NO_TAILS:
            yield f"{stem(before[1])}/-{stem(found[1])}"


def _with_tail(first: str, last: str) -> str:
    if first in _PREFIXES:
        for prefix in _PREFIXES:
            if last.startswith(prefix) and len(last) - len(prefix) >= 3:
                return stem(first + last[len(prefix) :])
    return f"{first.translate(_UMLAUTS)}-/{stem(last)}"


# Numbers


def _values(number: str) -> list[str]:
    """Return what a number in German or English writing can mean; nothing for a time or a version.

    >>> _values("1.234,50"), _values("1 234"), _values("1.234"), _values("4,5"), _values("1990"), _values("14:30")
    (['1234.5'], ['1234'], ['1234', '1.234'], ['4.5'], ['1990'], [])
    """
    if number.isdigit():
        return [number]
    grouped, decimal = _GROUPED.fullmatch(number), _DECIMAL.fullmatch(number)
    values = [_plain(re.sub(r"\D", "", grouped[1]), grouped[3] or "")] if grouped else []
    if decimal:
        values.append(f"{decimal[1]}.{decimal[2]}" if grouped else _plain(decimal[1], decimal[2]))
    return values


def _plain(whole: str, fraction: str) -> str:
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def _quantities(shown: str) -> Iterator[str]:
    """Yield the values of numbers with spaces, with a word for their size, or with a sign for percent.

    >>> list(_quantities("10 000 Menschen, 4.5 billion, 2 Billionen, 4,50 %"))
    ['10000', '4500000000', '2000000000000', '4.5%']
    """
    for number, unit in _QUANTITY.findall(shown):
        for value in _values(number):
            if not number[-1:].isdigit() or " " in number or "'" in number or "’" in number:
                yield value
            if unit:
                yield f"{value}%" if unit[0] in "%pPvV" else _scaled(value, _power(unit))


def _power(unit: str) -> int:
    """Return the power of ten that a word stands for; a German Billion has a capital or a plural in -en.

    >>> _power("Mrd"), _power("Billionen"), _power("billion")
    (9, 12, 9)
    """
    name = unit.casefold()
    power = next(power for start, power in _POWERS.items() if name.startswith(start))
    german = name[1:].startswith(("illion", "rillion")) and (unit[0].isupper() or name.endswith("en"))
    return {9: 12, 12: 18}.get(power, power) if german else power


def _scaled(value: str, power: int) -> str:
    """Return value times ten to the power.

    >>> _scaled("4.5", 9), _scaled("0.25", 3), _scaled("1.2345", 3)
    ('4500000000', '250', '1234.5')
    """
    whole, _, fraction = value.partition(".")
    return _plain((whole + fraction.ljust(power, "0")[:power]).lstrip("0") or "0", fraction[power:])


# Dates


def _dates(folded: str) -> Iterator[str]:
    """Yield the day and the month as in ISO 8601; of a date in figures the year too.

    >>> list(_dates("am 3. oktober 1990 und am 3.10.90; october 3, 1990; seit mai 2024"))
    ['1990-10-03', '1990-10', '1990-10-03', '1990-10', '1990', '1990-10-03', '1990-10', '2024-05']
    """
    for found in _DATE.finditer(folded):
        first, month, year, iso_month, iso_day = found.groups()
        if year:
            year = year if len(year) == 4 else ("20" if year < "50" else "19") + year
            dates = _date(year, int(month), int(first))
            yield from [*dates, year] if dates else []
        elif iso_month:
            yield from _date(first, int(iso_month), int(iso_day))
        elif named := _BEFORE_YEAR.search(folded, max(0, found.start() - 26), found.start()):
            day = named[1] or named[3]
            yield from _date(first, _MONTHS[named[2]], int(day) if day else None)


def _date(year: str, month: int, day: int | None) -> list[str]:
    """Return the day, where there is one, and the month; nothing for what the calendar does not have.

    >>> _date("1990", 10, 3), _date("1990", 10, None), _date("1990", 13, 3)
    (['1990-10-03', '1990-10'], ['1990-10'], [])
    """
    if not 1 <= month <= 12 or (day is not None and not 1 <= day <= 31):
        return []
    name = f"{year}-{month:02}"
    return [name] if day is None else [f"{name}-{day:02}", name]


# References to laws


def _references(shown: str) -> Iterator[str]:
    """Yield sections and articles, each with its paragraph and with its law where these are named.

    >>> list(_references("§ 15 Abs. 3 Nr. 2 UStG; BGB: § 108; Artikel 5 des Grundgesetzes"))
    ['§15', '§15abs3', '§15ustg', '§108', '§108bgb', 'art5', 'art5gg']
    >>> list(_references("§§ 15, 16 SGB V; section 15(3) of the Civil Code"))
    ['§15', '§15sgb5', '§16', '§16sgb5', '§15', '§15abs3', '§15bgb']
    """
    for found in _REFERENCE.finditer(shown):
        kind = "art" if found[1][0] in "Aa" else "§"
        numbers = [number + letter for number, letter in _NUMBERS.findall(found[2]) if number]
        if found[1] == "§" or (kind == "§" and found[1][-1] in ".hfn"):  # not "§§", "sections"
            numbers = numbers if "§" in found[2] else numbers[:1]
        law = found[3] or _law_before(shown, found.start())
        paragraph = _PARAGRAPH.search(found[2])
        for number in numbers:
            yield f"{kind}{number}"
            if paragraph and len(numbers) == 1:
                yield f"{kind}{number}abs{paragraph[1] or paragraph[2]}"
            if law:
                yield f"{kind}{number}{_abbreviation(law)}"


def _law_before(shown: str, end: int) -> str:
    before = _LAW_BEFORE.search(shown, max(0, end - 40), end)
    return before[1] if before else ""


def _abbreviation(law: str) -> str:
    """Return the usual abbreviation of a law, or the name itself, in small letters.

    >>> _abbreviation("UStG"), _abbreviation("SGB V"), _abbreviation("Fünften Buches Sozialgesetzbuch")
    ('ustg', 'sgb5', 'sgb5')
    """
    name = " ".join(law.lower().split())
    if name in _LAW_NAMES:
        return _LAW_NAMES[name]
    book = name.removeprefix("sgb").split()[0].strip("-") if name.startswith("sgb") else name.split()[0]
    if name.endswith("sozialgesetzbuch") or name.startswith("sgb"):
        return f"sgb{_BOOK_NUMBERS.get(book, book)}"
    return re.sub(r"[\s/-]", "", name)
