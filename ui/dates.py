"""Dates and numbers as each language writes them."""

from datetime import date

from ui.texts import Language

_MONTHS = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(),
    "en": "January February March April May June July August September October November December".split(),
}


def date_text(day: date | str | None, language: Language) -> str:
    """Return a day as people write it; what is no day stays as it is.

    >>> date_text("2024-10-03", "de"), date_text(date(2024, 10, 3), "en"), date_text("", "de")
    ('3. Oktober 2024', '3 October 2024', '')
    """
    if isinstance(day, str):
        try:
            day = date.fromisoformat(day)
        except ValueError:
            return day if isinstance(day, str) else ""
    if day is None:
        return ""
    dot = "." if language == "de" else ""
    return f"{day.day}{dot} {_MONTHS[language][day.month - 1]} {day.year}"


def decimal(number: float, digits: int, language: Language) -> str:
    """Return a number with the language's decimal sign.

    >>> decimal(0.871, 2, "de"), decimal(4.2, 1, "en")
    ('0,87', '4.2')
    """
    text = f"{number:.{digits}f}"
    return text.replace(".", ",") if language == "de" else text


def thousands(number: int, language: Language) -> str:
    """Return a whole number with its thousands apart.

    >>> thousands(12345, "de"), thousands(12345, "en")
    ('12.345', '12,345')
    """
    text = f"{number:,}"
    return text.replace(",", ".") if language == "de" else text
