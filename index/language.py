"""Which of beleg's two languages a text is in."""

import re
from functools import cache
from typing import Any, Literal, cast

Language = Literal["de", "en"]

# Function words that one of the languages has and the other has not ("was", "die", "so" are in both).
_GERMAN = frozenset(
    "wer wen wem wessen wo wann wie warum weshalb wieso welche welcher welches welchen welchem wohin woher ist sind "
    "wird werden wurde wurden kann können muss müssen darf soll gibt der das den dem des ein eine einen einem einer "
    "und oder nicht mit von zu zum zur für auf aus bei nach über ich sie wir es mir mich mein meine haben hatte "
    "im am vom beim sich auch als dass waren ihre ihrer ihrem unser unsere".split()
)
_ENGLISH = frozenset(
    "who whom whose where when how why which what is are were be been does did do can could must may should would "
    "the of and or not with from to for on by at about i you he she they we it its my your have has had this that "
    "there as if".split()
)


def detect_language(text: str, default: Language = "de") -> Language:
    """Tell German from English: by function words, else by py3langid limited to the two; no letters: the default.

    >>> detect_language("Wer unterstützt das Unternehmen Pico?"), detect_language("Who is Tan Wenkan?")
    ('de', 'en')
    >>> detect_language("2024?", default="en")
    'en'
    """
    words = _words(text)
    if not words:
        return default
    return language_of_function_words(text) or cast("Language", _identifier().classify(text)[0])


def language_of_function_words(text: str) -> Language | None:
    """Tell by words that only one of the languages has; ``None`` where there are none, or as many of both.

    >>> language_of_function_words("Who is Goethe?"), language_of_function_words("Goethe?")
    ('en', None)
    """
    german, english = (sum(word in known for word in _words(text)) for known in (_GERMAN, _ENGLISH))
    if german == english:
        return None
    return "de" if german > english else "en"


def is_german_word(word: str) -> bool:
    """Tell a word that is German, not English too, and no name: those have no plural and are no form of another word.

    >>> [is_german_word(word) for word in ("Roten", "Schulen", "Meer", "Köln", "Nietzsche", "Hand", "Museum")]
    [True, True, True, False, False, False, False]
    """
    from simplemma import is_known, lemmatize

    if is_known(word, "en") or not is_known(word, "de"):
        return False
    base = lemmatize(word, "de")
    is_genitive = word.endswith("s")  # that names have, too
    return (base != word and not is_genitive) or any(is_known(word + ending, "de") for ending in _PLURALS)


_PLURALS = ("e", "n", "en")


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.casefold())


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(["de", "en"])
    return identifier
