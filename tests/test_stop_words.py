"""Stop words against what a reader would not search for."""

from index.analysis import german_terms
from index.stop_words import STOP_WORDS


def test_stop_words_of_both_languages_are_left_out_but_not_the_negation() -> None:
    assert german_terms("Wann ist das und wer hat es?") == german_terms("What is the and of it?") == []
    assert german_terms("nicht kein ohne") == ["nicht", "kein"]


def test_stop_words_are_as_casefold_makes_them() -> None:
    assert [word for word in STOP_WORDS if word != word.casefold()] == []
