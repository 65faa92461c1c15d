"""Numbers and dates of the model's sentences in the writing of the answer's language."""

import re

from index.language import Language

MONTHS: dict[Language, list[str]] = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(),
    "en": "January February March April May June July August September October November December".split(),
}
_DAYS: dict[Language, list[str]] = {
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonnabend Sonntag".split(),
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Saturday Sunday".split(),
}
_SPELLED: dict[Language, list[str]] = {
    "de": "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf".split(),
    "en": "two three four five six seven eight nine ten eleven twelve".split(),
}
_ENGLISH = dict(zip(MONTHS["de"] + _DAYS["de"], MONTHS["en"] + _DAYS["en"], strict=True))
_DATE_WORD = re.compile(
    rf"(?:(?<=\b\d)|(?<=\b\d\d))(?:\.)(?=\s(?:{'|'.join(MONTHS['de'])})\b)|\b(?:{'|'.join(_ENGLISH)})\b"
)
_AMOUNT_WORDS = {
    german: english
    for english, forms in {
        "second": "Sekunde",
        "seconds": "Sekunden",
        "minute": "Minute",
        "minutes": "Minuten",
        "hour": "Stunde",
        "hours": "Stunden",
        "day": "Tag",
        "days": "Tage Tagen",
        "week": "Woche",
        "weeks": "Wochen",
        "month": "Monat",
        "months": "Monate Monaten",
        "year": "Jahr",
        "years": "Jahre Jahren",
        "euros": "Euro",
        "cents": "Cent",
        "percent": "Prozent",
        "metres": "Meter Metern",
        "kilometres": "Kilometer Kilometern",
        "hectares": "Hektar",
        "square metres": "Quadratmeter Quadratmetern",
        "square kilometres": "Quadratkilometer Quadratkilometern",
        "tonnes": "Tonnen",
        "litres": "Liter Litern",
        "degrees": "Grad",
        "times": "Mal mal",
        "people": "Menschen Personen",
        "inhabitants": "Einwohner Einwohnern",
        "members": "Mitglieder Mitgliedern",
        "visitors": "Besucher Besuchern",
        "thousand": "Tausend Tsd.",
        "million": "Million Millionen Mio.",
        "billion": "Milliarde Milliarden Mrd.",
    }.items()
    for german in forms.split()
} | {unit: unit for unit in "EUR mm cm m km m² km² ha g kg t l ml".split()}
_AMOUNT_WORD = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, _AMOUNT_WORDS))})(?!\w)")
_GERMAN_NUMBER = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+,\d+)(?![\d.,]*\d)")
_SMALL_NUMBER = re.compile(r"(?<![\w.,:/§€$-])(?<![§€$]\s)(?:[2-9]|1[0-2])(?!\s?[%°€$]|\w|[.,:/-]\w|\.\s)")
_MARKS = re.compile(r"\s*\[[^\[\]]*\].*$", re.DOTALL)


def dates_in_english(text: str) -> str:
    """Write German dates and the names of months and weekdays as English does: small models copy them.

    >>> dates_in_english("From Montag, 4. Juli to 6. April 2024 [1]"), dates_in_english("Karl V. died in August.")
    ('From Monday, 4 July to 6 April 2024 [1]', 'Karl V. died in August.')
    """
    return _DATE_WORD.sub(lambda found: _ENGLISH.get(found[0], ""), text)


def amount_in_english(text: str) -> str:
    """Write a German figure with its unit as English does; one that is counted in other words stands as a quote.

    >>> amount_in_english("4 Jahren"), amount_in_english("1.234,5 Mio. Euro"), amount_in_english("3. Mai 2024")
    ('4 years', '1,234.5 million euros', '3 May 2024')
    >>> amount_in_english("39 Stufen"), amount_in_english("5,5 km")
    ('“39 Stufen”', '5.5 km')
    """
    words = re.findall(r"[^\W\d_]+\.?", _AMOUNT_WORD.sub("", dates_in_english(text)))
    if not set(words) <= set(_ENGLISH.values()):
        return f"“{text}”"
    swapped = _GERMAN_NUMBER.sub(lambda number: number[0].translate(_SWAPPED), text)
    return dates_in_english(_AMOUNT_WORD.sub(lambda word: _AMOUNT_WORDS[word[0]], swapped))


_SWAPPED = str.maketrans(".,", ",.")


def spelled_out(sentence: str, evidence: str, language: Language) -> str:
    """Write the numbers up to twelve as words where the German evidence does: small models prefer digits.

    >>> spelled_out("4 Pässe [1]", "Er fing vier Pässe ab.", "de"), spelled_out("4 [1]", "Er fing 4 ab.", "de")
    ('vier Pässe [1]', '4 [1]')
    """

    def word(number: re.Match[str]) -> str:
        place = int(number[0]) - 2
        in_digits = re.search(rf"(?<!\d){number[0]}(?!\d)", evidence)
        spelled = re.search(rf"\b{_SPELLED['de'][place]}\b", evidence, re.IGNORECASE)
        return _SPELLED[language][place] if spelled and not in_digits else number[0]

    text, marks = _MARKS.split(sentence, maxsplit=1)[0], "".join(_MARKS.findall(sentence))
    return _SMALL_NUMBER.sub(word, text) + marks
