"""Words of an English question -> terms of the German words that are nearest."""

from dataclasses import replace

import numpy as np

from index import Chunk, Hit
from index.late_interaction import Tokens, packed
from rag.alignment import TERMS_A_TOKEN, aligned_terms

RNG = np.random.default_rng(0)
MEANING = {
    name: row / np.linalg.norm(row)
    for name, row in zip(("office", "dog", "tax"), RNG.normal(size=(3, 384)).astype(np.float32), strict=True)
}


def tokens(*placed):
    """Tokens of (meaning, start)."""
    rows = [MEANING[name] for name, _ in placed]
    return Tokens(np.array(rows, np.float32), np.array([start for _, start in placed]))


def hit(text, *placed, title=""):
    chunk = Chunk("d", title, text, 0, len(text), ())
    searchable = chunk.searchable
    return Hit(
        chunk, 0.9, 0.9, 0.0, 0.5, tokens=packed(tokens(*((name, searchable.index(word)) for name, word in placed)))
    )


def test_the_nearest_words_become_terms():
    hits = [hit("Das Bürgerbüro hilft.", ("office", "Bürgerbüro")), hit("Die Hunde bellen.", ("dog", "Hunde"))]
    assert aligned_terms(tokens(("office", 0), ("dog", 7)), hits) == ["burgerburo", "hund"]


def test_words_of_the_title_count():
    assert aligned_terms(tokens(("tax", 0)), [hit("Sie ist fällig.", ("tax", "Steuer"), title="Steuer")]) == ["steu"]


def test_a_word_without_its_like_adds_nothing():
    assert aligned_terms(tokens(("tax", 0)), [hit("Die Hunde bellen.", ("dog", "Hunde"))]) == []
    assert aligned_terms(tokens(("tax", 0)), []) == []


def test_few_terms_a_word_each_once():
    words = ["Amt", "Amt", "Behörde", "Büro", "Stelle", "Dienst"]
    far = RNG.normal(size=384).astype(np.float32) / 20
    hits = []
    for number, word in enumerate(words):  # each less near than the one before
        vector = MEANING["office"] + far * number / len(words)
        one = hit(f"Hier: {word}.", ("office", word))
        hits.append(replace(one, tokens=packed(Tokens(vector[np.newaxis], np.array([6])))))
    assert aligned_terms(tokens(("office", 0)), hits) == ["amt", "behord", "buro"]
    assert TERMS_A_TOKEN == 3
