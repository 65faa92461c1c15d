"""Gold sets on disk -> documents and questions whose right answers and places are known."""

import gzip
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from index.document import Document
from index.errors import BelegError

SAMPLE = Path(__file__).parent / "gold" / "sample"
LANGUAGES = ("de", "en")


class GoldSetError(BelegError):
    """A gold set that cannot be measured with."""


@dataclass(frozen=True)
class Evidence:
    """Where the answer stands: ``document.text[start:end]``, in characters."""

    document_id: str
    start: int
    end: int


@dataclass(frozen=True)
class Question:
    """One question with all that is known of its right answer.

    ``pair`` joins the German and the English form. ``documents``: the ids that the search is limited to, or None.
    An answerable question may come without answers and evidence, where nobody wrote them down.
    """

    id: str
    pair: str
    question: str
    language: str
    answerable: bool
    answers: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    documents: tuple[str, ...] | None = None


@dataclass(frozen=True)
class GoldSet:
    """Documents and the questions over them; every id is unique and every span lies inside its text."""

    name: str
    documents: tuple[Document, ...]
    questions: tuple[Question, ...]
    files: tuple[Path, ...] = field(default=(), compare=False)


_Item = TypeVar("_Item", Document, Question)


def load_goldset(folder: str | Path, documents: Path | None = None) -> GoldSet:
    """Read ``documents.jsonl`` (or ``documents.jsonl.gz``) and ``questions.jsonl`` of a folder, and check them.

    Args:
        folder: Of the gold set.
        documents: A file that takes the place of the folder's documents.

    Raises:
        GoldSetError: A file is missing, or a line breaks the form; the text names the file and the line.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "documents.jsonl").write_text('{"id": "a", "text": "Bonn", "language": "fr"}')
    ...     _ = Path(folder, "questions.jsonl").write_text("")
    ...     load_goldset(folder)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    eval.goldset.GoldSetError: ...documents.jsonl:1: 'language' is 'fr', expected one of de, en; correct the line
    """
    documents_file, questions_file = _files(folder, documents)
    read = _unique(documents_file, _document)
    texts = {document.id: document.text for document in read}
    questions = _unique(questions_file, lambda row: _question(row, texts))
    return GoldSet(Path(folder).resolve().name, read, questions, (documents_file, questions_file))


def _files(folder: str | Path, documents: Path | None) -> tuple[Path, Path]:
    """Return the file of the documents, the given one or the folder's, and the file of the questions.

    Raises:
        GoldSetError: One of them is missing.
    """
    folder = Path(folder)
    candidates = [documents] if documents else [folder / "documents.jsonl", folder / "documents.jsonl.gz"]
    found = [path for path in candidates if path.is_file()]
    if not found:
        missing = f"{documents}: no such file" if documents else f"{folder}: holds no documents.jsonl(.gz)"
        raise GoldSetError(f"{missing}; give the folder of a gold set, and --documents FILE where they lie elsewhere")
    questions = folder / "questions.jsonl"
    if not questions.is_file():
        raise GoldSetError(
            f"{folder}: holds no questions.jsonl, so nothing can be measured; add one, one question a line"
        )
    return found[0], questions


def sample(questions: Sequence[Question], n: int, seed: int) -> list[Question]:
    """Draw n questions of each language; the same n and seed draw the same questions on every machine.

    Answerable and unanswerable ones keep their proportion, the German and the English form of one question are drawn
    together where both are there, and the order stays. A language with fewer than n questions gives all it has.

    Raises:
        GoldSetError: n is not positive.

    >>> pairs = [Question(f"{i}-{lang}", f"{i}", "?", lang, i % 3 > 0) for i in range(30) for lang in LANGUAGES]
    >>> drawn = sample(pairs, n=6, seed=0)
    >>> len(drawn), sum(question.answerable for question in drawn), len({question.pair for question in drawn})
    (12, 8, 6)
    """
    if n < 1:
        raise GoldSetError(
            f"a sample of {n} questions was asked for, expected at least 1; give --sample a larger number"
        )
    open_places = _quotas(questions, n)
    drawn = set()
    for pair in _shuffled_pairs(questions, seed):
        for question in pair:
            stratum = (question.language, question.answerable)
            if open_places[stratum] > 0:
                open_places[stratum] -= 1
                drawn.add(question.id)
    return [question for question in questions if question.id in drawn]


def _quotas(questions: Sequence[Question], n: int) -> Counter[tuple[str, bool]]:
    """Places a stratum (language, answerable): n a language, split in proportion."""
    sizes = Counter((question.language, question.answerable) for question in questions)
    quotas: Counter[tuple[str, bool]] = Counter()
    for language in {language for language, _ in sizes}:
        answerable, unanswerable = sizes[language, True], sizes[language, False]
        places = min(n, answerable + unanswerable)
        quotas[language, True] = round(places * answerable / (answerable + unanswerable))
        quotas[language, False] = places - quotas[language, True]
    return quotas


def _shuffled_pairs(questions: Sequence[Question], seed: int) -> list[list[Question]]:
    """Questions joined by pair, whole pairs first, in an order that only the seed and the pairs' names decide."""
    pairs: defaultdict[str, list[Question]] = defaultdict(list)
    for question in questions:
        pairs[question.pair].append(question)
    names = sorted(pairs, key=lambda name: (-len(pairs[name]), hashlib.sha256(f"{seed} {name}".encode()).digest()))
    return [pairs[name] for name in names]


def _unique(path: Path, parse: Callable[[dict[str, Any]], _Item]) -> tuple[_Item, ...]:
    """Parse every line; an error and an id that was there before are named with the file and the line."""
    items: dict[str, _Item] = {}
    for number, line in _lines(path):
        try:
            item = parse(_row(line))
            _check(item.id not in items, "id", item.id, "an id that no line above has")
        except GoldSetError as error:
            raise GoldSetError(f"{path}:{number}: {error}; correct the line") from error
        items[item.id] = item
    if not items:
        raise GoldSetError(f"{path}: is empty, expected one JSON object a line; fill it or leave the gold set out")
    return tuple(items.values())


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Number the lines that are not blank, from 1."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            yield from ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    except (OSError, EOFError) as error:
        raise GoldSetError(f"{path}: cannot be read ({error}); fetch it again") from error


def _row(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise GoldSetError(f"not JSON in UTF-8 ({error})") from error
    if not isinstance(row, dict):
        raise GoldSetError(f"holds {row!r}, expected a JSON object")
    return row


def _document(row: dict[str, Any]) -> Document:
    return Document(
        id=_text(row, "id"),
        title=str(row.get("title") or ""),
        text=_text(row, "text"),
        language=_language(row),
        source=str(row.get("source") or ""),
    )


def _question(row: dict[str, Any], texts: dict[str, str]) -> Question:
    answerable = row.get("answerable")
    _check(isinstance(answerable, bool), "answerable", answerable, "true or false")
    evidence = tuple(_evidence(span, texts) for span in _list(row, "evidence"))
    _check(answerable or not evidence, "evidence", row.get("evidence"), "none, as the question is not answerable")
    answers = tuple(_list(row, "answers"))
    _check(all(isinstance(text, str) and text for text in answers), "answers", list(answers), "a list of texts")
    return Question(
        id=_text(row, "id"),
        pair=_text(row, "pair" if row.get("pair") else "id"),
        question=_text(row, "question"),
        language=_language(row),
        answerable=bool(answerable),
        answers=answers,
        evidence=evidence,
        documents=_filter(row, texts),
    )


def _evidence(span: Any, texts: dict[str, str]) -> Evidence:
    fields: dict[str, Any] = span if isinstance(span, dict) else {}
    name, start, end = fields.get("document_id"), fields.get("start"), fields.get("end")
    if not isinstance(name, str) or name not in texts:
        raise _broken("evidence", span, "the id of a document of this gold set")
    length = len(texts[name])
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end <= length:
        raise _broken("evidence", span, f"0 <= start < end <= {length}, the text's length")
    return Evidence(name, start, end)


def _filter(row: dict[str, Any], texts: dict[str, str]) -> tuple[str, ...] | None:
    if row.get("documents") is None:
        return None
    documents = tuple(_list(row, "documents"))
    known = bool(documents) and all(isinstance(name, str) and name in texts for name in documents)
    _check(known, "documents", list(documents), "null or ids of documents of this gold set")
    return documents


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    _check(isinstance(value, str) and value.strip(), name, value, "a text that is not empty")
    return str(value)


def _language(row: dict[str, Any]) -> str:
    value = row.get("language")
    _check(value in LANGUAGES, "language", value, f"one of {', '.join(LANGUAGES)}")
    return str(value)


def _list(row: dict[str, Any], name: str) -> list[Any]:
    value = row.get(name) or []
    _check(isinstance(value, list), name, value, "a list")
    return list(value)


def _check(holds: object, name: str, value: object, expected: str) -> None:
    if not holds:
        raise _broken(name, value, expected)


def _broken(name: str, value: object, expected: str) -> GoldSetError:
    return GoldSetError(f"{name!r} is {value!r}, expected {expected}")
