"""``beleg eval draft``: documents -> proposed question pairs with evidence, for a person to accept or reject.

A model writes them, and code drops what does not hold: answers that the sentence does not say, the wrong language,
doubles. None of them counts as gold before a person has accepted it (`eval.review`).
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from eval.doubles import near_doubles
from eval.formats.rows import Fields, GoldSetError
from eval.goldset import PROPOSED
from eval.progress import Progress, unseen
from index.document import Document
from index.loading import load_documents
from index.sentences import split_sentences
from rag.citations import find_quote
from rag.llm import LLM, BrokenAnswerError, Message, load_llm

_SHORTEST, _LONGEST = 60, 400  # characters of a sentence to ask about
_MOST_TOKENS = 200
_MOST_WORDS = 12  # of an answer
_TRIES = 4  # sentences read for each pair that is asked for

_TASK = (
    "Du schreibst Prüffragen zu Dokumenten. Du liest einen Satz und schreibst eine Frage, die er beantwortet und die "
    "ohne den Satz verständlich ist, mit Namen statt „er“ oder „dort“; dann die Antwort, so kurz wie möglich und in "
    "den Worten des Satzes; dann beides auf Englisch. Schreibe genau vier Zeilen."
)
_EXAMPLE = (
    "Dokument: Stadtbücherei\nSatz: Die Bücherei am Markt öffnet dienstags bis samstags um 10 Uhr.",
    (
        "Frage: Um wie viel Uhr öffnet die Bücherei am Markt?\nAntwort: um 10 Uhr\n"
        "Question: At what time does the library on the market square open?\nAnswer: at 10 o'clock"
    ),
)
_LINES = re.compile(r"Frage:\s*(.+?\?)\s*\n+Antwort:\s*(.+?)\s*\n+Question:\s*(.+?\?)\s*\n+Answer:\s*(.+)")


@dataclass(frozen=True)
class Passage:
    """A sentence to ask about: ``document.text[start:end]``."""

    document: Document
    start: int
    end: int

    @property
    def text(self) -> str:
        """The sentence."""
        return self.document.text[self.start : self.end]


@dataclass(frozen=True)
class Drafted:
    """How many pairs were written, and how many replies did not hold."""

    pairs: int
    dropped: int


def run_draft(paths: Sequence[Path], out: Path, n: int, *, seed: int = 0, progress: Progress = unseen) -> Drafted:
    """Write n pairs, or as many as the documents give, to a new file, each as soon as it is there.

    Raises:
        GoldSetError: The file is there already, or there is no model.
        BelegError: The documents cannot be read, or the model cannot be asked.
    """
    if out.exists():
        raise GoldSetError(f"{out}: is there already, and may hold a person's decisions; give another file: -o FILE")
    llm = load_llm()
    if llm is None:
        raise GoldSetError("BELEG_LLM_MODEL is 'none', but a model must write the questions; unset it or name a model")
    passages = draw_passages(list(load_documents(paths)), _TRIES * n, seed)
    asked: list[str] = []
    dropped = 0
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("x", encoding="utf-8") as file:
        for passage in passages:
            rows = draft_pair(passage, llm)
            if not rows or any(near_doubles([*asked, rows[0]["question"]], least=0.7)):
                dropped += 1
                continue
            asked.append(rows[0]["question"])
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            file.flush()
            progress(len(asked), n)
            if len(asked) == n:
                break
    return Drafted(len(asked), dropped)


def draw_passages(documents: Sequence[Document], n: int, seed: int) -> list[Passage]:
    """Draw up to n sentences, from each document in turn; the seed and the texts alone decide which.

    >>> text = "Das Freibad der Stadt Altenrode öffnet in diesem Jahr am zehnten Mai um acht Uhr. Gut so."
    >>> [passage.text[:11] for passage in draw_passages([Document("bad", "Freibad", text)], 5, seed=0)]
    ['Das Freibad']
    """
    shuffled = [_shuffled(_passages(document), seed) for document in documents]
    in_turn = (passage for round_ in zip_longest(*shuffled) for passage in round_ if passage)
    return [passage for passage, _ in zip(in_turn, range(n), strict=False)]


def _passages(document: Document) -> Iterator[Passage]:
    for start, end in split_sentences(document.text, document.language):
        text = document.text[start:end]
        if _SHORTEST <= len(text) <= _LONGEST and text.endswith((".", "!", "“")):
            yield Passage(document, start, end)


def _shuffled(passages: Iterable[Passage], seed: int) -> list[Passage]:
    return sorted(passages, key=lambda one: hashlib.sha256(f"{seed} {one.document.id} {one.start}".encode()).digest())


def draft_pair(passage: Passage, llm: LLM) -> list[Fields]:
    """Return the German and the English row of a question on the sentence; none where the reply does not hold.

    Raises:
        LLMError: The model cannot be asked.
    """
    try:
        reply = "".join(llm.stream(draft_prompt(passage), max_tokens=_MOST_TOKENS))
    except BrokenAnswerError:
        return []
    found = _LINES.search(reply)
    if not found:
        return []
    german, answer, english, translated = (" ".join(part.split()) for part in found.groups())
    if not _holds(passage.text, german, answer, english):
        return []
    pair = f"draft-{hashlib.sha256(f'{passage.document.id} {passage.start}'.encode()).hexdigest()[:10]}"
    span = {"document_id": passage.document.id, "start": passage.start, "end": passage.end, "quote": passage.text}
    return [
        _row(pair, language, question, said, span)
        for language, question, said in (("de", german, answer), ("en", english, translated))
    ]


def draft_prompt(passage: Passage) -> list[Message]:
    """Ask for a question on the sentence; what is the same for all sentences comes first."""
    title = " ".join(passage.document.title.split())
    return [
        {"role": "system", "content": _TASK},
        {"role": "user", "content": _EXAMPLE[0]},
        {"role": "assistant", "content": _EXAMPLE[1]},
        {"role": "user", "content": f"Dokument: {title}\nSatz: {' '.join(passage.text.split())}"},
    ]


def _holds(sentence: str, german: str, answer: str, english: str) -> bool:
    """Whether the sentence says the answer, briefly, the question does not, and both are in their languages."""
    from index.analysis import german_terms
    from index.language import detect_language

    said = find_quote(answer.rstrip(".!"), " ".join(sentence.split()))
    given_away = set(german_terms(answer)) <= set(german_terms(german))
    short = len(answer.split()) <= _MOST_WORDS
    return (
        bool(said) and short and not given_away and (detect_language(german), detect_language(english)) == ("de", "en")
    )


def _row(pair: str, language: str, question: str, answer: str, span: Fields) -> Fields:
    return {
        "id": f"{pair}-{language}",
        "pair": pair,
        "question": question,
        "language": language,
        "answerable": True,
        "answers": [answer.rstrip(".")],
        "evidence": [span],
        "documents": None,
        "status": PROPOSED,
    }
