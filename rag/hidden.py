"""What a reader of an answer is told of characters that nobody sees."""

from collections.abc import Sequence

from index.invisible import hidden_kinds, hidden_signs
from index.language import Language
from rag.evidence import Evidence

_HIDDEN: dict[Language, str] = {
    "de": "Die Frage oder die Belege enthielten Zeichen, die man nicht sieht; das Sprachmodell hat sie nicht gelesen",
    "en": "The question or the evidence held characters that nobody sees; the language model has not read them",
}
_HIDDEN_KINDS: dict[Language, dict[str, str]] = {
    "de": {
        "tags": "unsichtbare Buchstaben",
        "selectors": "Variantenzeichen",
        "zero_width": "Zeichen ohne Breite",
        "turning": "Zeichen, die die Schreibrichtung wenden",
    },
    "en": {
        "tags": "unseen letters",
        "selectors": "variation selectors",
        "zero_width": "characters of no width",
        "turning": "characters that turn the direction of writing",
    },
}


def hidden_notice(question: str, evidence: Sequence[Evidence], language: Language) -> str:
    """Say where the question or the evidence held characters that nobody sees; the model has not read them."""
    signs = hidden_signs(question)
    for part in evidence:
        signs += hidden_signs(f"{part.title} {part.text}")
    kinds = [_HIDDEN_KINDS[language][kind] for kind in hidden_kinds(signs)]
    return f"{_HIDDEN[language]} ({', '.join(kinds)})." if kinds else ""
