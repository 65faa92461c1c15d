"""Chunks as lists of terms, and their postings."""

import random
from pathlib import Path

from index.compounds import Count
from index.postings import Postings, count_terms, write_postings

PARTS = "recht schutz versicher haus rat miet vertrag steu wohn"
KNOWN = [*PARTS.split(), *"rechtsschutz rechtsschutzversicher hausrat hausratversicher mietvertrag wohnrecht".split()]


def corpus(seed: int, n: int = 120) -> list[list[str]]:
    """Chunks of words as frequent as Zipf's law has it; some chunks are empty."""
    chance = random.Random(seed)
    words = [f"wort{number}" for number in range(80)]
    weights = [1 / (number + 1) for number in range(80)]
    return [chance.choices(words, weights, k=chance.choice([0, 1, 5, 30, 60])) for _ in range(n)]


def compound_corpus(seed: int, n: int = 150) -> list[list[str]]:
    chance = random.Random(seed)
    weights = [1 / (number + 1) for number in range(len(KNOWN))]
    return [chance.choices(KNOWN, weights, k=chance.choice([0, 1, 4, 20])) for _ in range(n)]


def postings_of(chunks: list[list[str]], folder: Path, elsewhere: Count | None = None) -> Postings:
    folder.mkdir()
    write_postings(folder, count_terms(chunks), elsewhere)
    return Postings(folder)
