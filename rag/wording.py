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
_SMALL_NUMBER = re.compile(r"(?<![\w.,:/§€$-])(?<![§€$]\s)(?:[2-9]|1[0-2])(?!\s?[%°€$]|\w|[.,:/-]\w|\.\s)")
_MARKS = re.compile(r"\s*\[[^\[\]]*\].*$", re.DOTALL)


def dates_in_english(text: str) -> str:
    """Write German dates and the names of months and weekdays as English does: small models copy them.

    >>> dates_in_english("From Montag, 4. Juli to 6. April 2024 [1]"), dates_in_english("Karl V. died in August.")
    ('From Monday, 4 July to 6 April 2024 [1]', 'Karl V. died in August.')
    """
    return _DATE_WORD.sub(lambda found: _ENGLISH.get(found[0], ""), text)


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
