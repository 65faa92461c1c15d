"""Thousands of answers with invented, shifted, stitched and altered quotes: none of these is shown as a quote."""

import random
import re
from collections import Counter
from collections.abc import Callable

import pytest

from index import Document, Index
from rag import Answer, Assistant
from tests.conftest import WordEmbedder
from tests.model_in_process import model_in_process

WHO = "Bürgermeisterin Anselm,der Kämmerer,die Schulleitung,der Verein,das Bauamt,Frau Brandt,Herr Özdemir".split(",")
WHAT = "die neue Brücke,der alte Hafen,das Freibad am Wald,die Kleingärten,der Radweg nach Süden,das Archiv".split(",")
HOW = "ist in gutem Zustand,war lange geschlossen,wird bald saniert,bleibt den Bürgern erhalten,gilt als schön".split(
    ","
)
WHY = "weil der Rat es beschloss,obwohl das Geld fehlte,seit dem letzten Sommer,trotz der vielen Einwände".split(",")
VOCABULARY = sorted({word for part in (*WHAT, *HOW, *WHY) for word in part.split()})
MARKS = [
    "„{}“",
    "„{}”",
    "“{}”",
    "»{}«",
    "«{}»",
    '"{}"',
    "‚{}‘",
    "‘{}’",
    "›{}‹",
    "''{}''",
    "„{}",
    "{}“",
    "“{}„",
    "*„{}“*",
]
FORMS = [
    "Es heißt: {} [1].",
    "{} [1]",
    "Im Text steht {}, so der Beleg [1][2].",
    "{}, schrieb das Amt. [2]",
    "Die Angabe lautet {} [1-3]. Das ist alles [9].",
    "[1] {}",
    "1. {} [1]\n2. {} [2]",
]


def texts(rng: random.Random) -> list[str]:
    """Return documents whose sentences share their words, so that no check of words can tell a wrong quote."""
    return [
        " ".join(f"{_upper(rng.choice(WHAT))} {rng.choice(HOW)}, {rng.choice(WHY)}." for _ in range(6))
        for _ in range(12)
    ]


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]


def invented(rng: random.Random, _: list[str]) -> str:
    return " ".join(rng.choice(VOCABULARY) for _ in range(rng.randint(4, 9)))


def shifted(rng: random.Random, known: list[str]) -> str:
    """Cut out of the text a little beside the words' ends."""
    text = rng.choice(known)
    start = rng.randrange(len(text) - 60)
    return text[start : start + rng.randint(20, 60)].strip()


def stitched(rng: random.Random, known: list[str]) -> str:
    parts = [rng.choice(rng.choice(known).split(". ")) for _ in range(2)]
    first, last = (part.split() for part in parts)
    joint = rng.choice([" ", ". ", ", ", " und "])
    return " ".join(first[: rng.randint(3, len(first))]) + joint + " ".join(last[-rng.randint(3, len(last)) :])


def altered(rng: random.Random, known: list[str]) -> str:
    """Change one letter or one word of a sentence, or leave one out."""
    words = rng.choice(rng.choice(known).split(". ")).rstrip(".").split()
    at = rng.randrange(len(words))
    letter = rng.randrange(len(words[at]))
    other = words[at][:letter] + rng.choice("aeinrstäß") + words[at][letter + 1 :]
    words[at : at + 1] = rng.choice(
        [[other], [rng.choice(VOCABULARY)], [], [words[at], "nicht"], [words[at].swapcase()]]
    )
    return " ".join(words)


WAYS: list[Callable[[random.Random, list[str]], str]] = [invented, shifted, stitched, altered]


def stands_in(quote: str, known: list[str]) -> bool:
    """Whether a quote stands in a text in whole words; a full stop or comma at its ends may be the answer's."""
    words = re.escape(" ".join(quote.strip(" .,").split()))
    return any(re.search(rf"(?<!\w){words}(?!\w)", text) for text in known)


def wrong_quote(rng: random.Random, known: list[str]) -> tuple[str, str]:
    """Return how a quote was made, and one that stands in none of the texts."""
    while True:
        way = rng.choice(WAYS)
        quote = way(rng, known)
        if len(quote) >= 20 and not stands_in(quote, known):
            return way.__name__, quote


def draft(rng: random.Random, quotes: list[str]) -> str:
    marked = [rng.choice(MARKS).format(quote) for quote in quotes]
    form = rng.choice(FORMS)
    return form.format(*(marked * 2)[: form.count("{}")])


def assert_true(answer: Answer, known: dict[str, str], wrong: list[str]) -> None:
    """Every citation stands in its document as the test wrote it; no wrong quote stands in quotation marks."""
    for citation in answer.citations:
        assert known[citation.document_id][citation.start : citation.end] == citation.quote
    shown = {int(number) for number in re.findall(r"\[(\d+)\]", answer.text)}
    assert shown == {citation.marker for citation in answer.citations}
    assert not any(stands_in(quote, [" ".join(answer.text.split())]) for quote in wrong), answer.text


def ask(tmp_path, count: int, seed: int) -> Counter[str]:
    """Ask as many questions of a model that quotes wrongly; return how often in which way, and what became of it."""
    rng = random.Random(seed)
    documents = [Document(f"d{n}", f"Bericht {n}", text) for n, text in enumerate(texts(rng))]
    known = {document.id: document.text for document in documents}
    index = Index.open(tmp_path / "index", embedder=WordEmbedder())
    index.add(documents)
    said = ""
    assistant = Assistant(index, model_in_process(lambda _: said))
    counted: Counter[str] = Counter()
    for _ in range(count):
        way, quote = wrong_quote(rng, list(known.values()))
        said = draft(rng, [quote])
        language = rng.choice(["de", "en"])
        answer = assistant.answer(f"Was ist mit {rng.choice(WHAT)}?", language=language)
        assert_true(answer, known, [quote])
        counted.update([way, answer.status])
    return counted


def test_no_wrong_quote_is_shown(tmp_path) -> None:
    counted = ask(tmp_path, 200, seed=1)
    assert all(counted[way.__name__] > 20 for way in WAYS)


@pytest.mark.slow
def test_no_wrong_quote_of_ten_thousand_is_shown(tmp_path) -> None:
    counted = ask(tmp_path, 10_000, seed=2)
    assert all(counted[way.__name__] > 2000 for way in WAYS)
