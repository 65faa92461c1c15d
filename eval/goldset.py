"""Gold sets on disk -> documents and questions whose right answers and places are known."""

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from eval.formats.locate import Locator
from eval.formats.read import read_rows
from eval.formats.rows import Fields, Row
from eval.formats.rows import GoldSetError as GoldSetError  # noqa: PLC0414 - others import it from here
from index.document import Document
from index.language import Language

_log = logging.getLogger(__name__)

SAMPLE = Path(__file__).parent / "gold" / "sample"
LANGUAGES = ("de", "en")
PROPOSED, ACCEPTED, REJECTED = STATUSES = ("proposed", "accepted", "rejected")


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
    An answerable question may come without answers and evidence, where nobody wrote them down. ``sort`` names what
    kind of question it is; ``history`` the (question, answer) pairs before it, oldest first, as `Assistant.answer`
    takes them.
    """

    id: str
    pair: str
    question: str
    language: Language
    answerable: bool
    answers: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    documents: tuple[str, ...] | None = None
    sort: str = ""
    history: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class GoldSet:
    """Documents and the questions over them; every id is unique and every span lies inside its text.

    ``notices`` say what was left out or put right while reading.
    """

    name: str
    documents: tuple[Document, ...]
    questions: tuple[Question, ...]
    files: tuple[Path, ...] = field(default=(), compare=False)
    notices: tuple[str, ...] = field(default=(), compare=False)


_Item = TypeVar("_Item", Document, Question)


def load_goldset(path: str | Path, documents: Path | None = None) -> GoldSet:
    """Read a gold set and check its form.

    A folder holds ``documents.jsonl`` (or ``documents.jsonl.gz``) and ``questions.jsonl``. A file is SQuAD's JSON, or
    rows in CSV, JSON or JSON lines: of our own form, LangChain's, Ragas', the chat's feedback, or with columns that
    `eval.formats.table` names. Evidence given as text is looked for in the documents. Rows that are only proposed, or
    rejected, are left out, and quotes that no document holds; ``notices`` tell of both.

    Args:
        path: Of the gold set.
        documents: A file or folder that takes the place of the set's documents.

    Raises:
        GoldSetError: A file is missing, or a row breaks the form; the text names the file and the line.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "documents.jsonl").write_text('{"id": "a", "text": "Bonn", "language": "fr"}')
    ...     _ = Path(folder, "questions.jsonl").write_text("{}")
    ...     load_goldset(folder)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    eval.formats.rows.GoldSetError: ...documents.jsonl:1: 'language' is 'fr', expected one of de, en; correct the line
    """
    rows = read_rows(path, documents)
    read = (*rows.loaded, *_sound(parse_documents(rows.documents)))
    gold = [row for row in rows.questions if not is_left_out(row)]
    located = locate_evidence(gold, read)
    questions = _sound(parse_questions(located, read))
    if not questions:
        raise GoldSetError(f"{path}: all rows are only proposed or rejected; accept some: beleg eval review {path}")
    notices = tuple(_notices(len(rows.questions) - len(gold), located))
    for notice in notices:
        _log.warning("%s: %s", rows.name, notice)
    return GoldSet(rows.name, read, questions, rows.files, notices)


def is_left_out(row: Row) -> bool:
    """Whether a row does not count as gold: a person has not accepted it, or has rejected it."""
    return row.fields.get("status") in (PROPOSED, REJECTED)


def locate_evidence(rows: Iterable[Row], documents: Iterable[Document]) -> list[Row]:
    """Put places where the rows' evidence has quotes; what was not found becomes a problem of its row."""
    locator = Locator({document.id: document.text for document in documents})
    found = []
    for row in rows:
        spans, problems = row.fields.get("evidence"), list[str]()
        if isinstance(spans, list):
            only = row.fields.get("documents")
            spans, problems = locator.located(spans, only if isinstance(only, list) else None)
        fields = row.fields if spans is None else row.fields | {"evidence": spans}
        found.append(replace(row, fields=fields, problems=(*row.problems, *problems)))
    return found


def _notices(left_out: int, rows: Iterable[Row]) -> Iterator[str]:
    """Tell how many rows were left out, and how much was amiss; ``beleg eval check`` names each."""
    if left_out:
        yield f"{left_out} rows are only proposed or rejected and do not count; see: beleg eval review"
    problems = [(row.where, problem) for row in rows for problem in row.problems]
    if problems:
        where, problem = problems[0]
        count = len({where for where, _ in problems})
        yield f"evidence of {count} rows is amiss ({where}: {problem}); see: beleg eval check"


def parse_documents(rows: Iterable[Row]) -> list[tuple[Row, Document | GoldSetError]]:
    """Read each row, or say what is wrong with it."""
    return _parsed(rows, _document)


def parse_questions(rows: Iterable[Row], documents: Iterable[Document]) -> list[tuple[Row, Question | GoldSetError]]:
    """Read each row, or say what is wrong with it; its evidence must lie in these documents."""
    texts = {document.id: document.text for document in documents}
    return _parsed(rows, lambda fields: _question(fields, texts))


def _parsed(rows: Iterable[Row], parse: Callable[[Fields], _Item]) -> list[tuple[Row, _Item | GoldSetError]]:
    parsed: list[tuple[Row, _Item | GoldSetError]] = []
    ids: set[str] = set()
    for row in rows:
        try:
            if row.error:
                raise GoldSetError(row.error)
            item = parse(row.fields)
            _check(item.id not in ids, "id", item.id, "an id that no line above has")
        except GoldSetError as error:
            parsed.append((row, error))
        else:
            ids.add(item.id)
            parsed.append((row, item))
    return parsed


def _sound(parsed: Iterable[tuple[Row, _Item | GoldSetError]]) -> tuple[_Item, ...]:
    """Return what was read.

    Raises:
        GoldSetError: The first row that breaks the form, with its place.
    """
    items: list[_Item] = []
    for row, item in parsed:
        if isinstance(item, GoldSetError):
            raise GoldSetError(f"{row.where}: {item}; correct the line") from item
        items.append(item)
    return tuple(items)


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


def _document(row: Fields) -> Document:
    return Document(
        id=_text(row, "id"),
        title=str(row.get("title") or ""),
        text=_text(row, "text"),
        language=_language(row),
        source=str(row.get("source") or ""),
    )


def _question(row: Fields, texts: dict[str, str]) -> Question:
    status = row.get("status") or ACCEPTED
    _check(status in STATUSES, "status", status, f"one of {', '.join(STATUSES)}")
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
        sort=str(row.get("sort") or row.get("kind") or ""),
        history=tuple((_text(turn, "question"), _text(turn, "answer")) for turn in _turns(row)),
    )


def _turns(row: Fields) -> list[Fields]:
    turns = _list(row, "history")
    _check(
        all(isinstance(turn, dict) for turn in turns), "history", turns, "a list of objects with question and answer"
    )
    return turns


def _evidence(span: Any, texts: dict[str, str]) -> Evidence:
    fields: Fields = span if isinstance(span, dict) else {}
    name, start, end = fields.get("document_id"), fields.get("start"), fields.get("end")
    if not isinstance(name, str) or name not in texts:
        raise _broken("evidence", span, "the id of a document of this gold set")
    length = len(texts[name])
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end <= length:
        raise _broken("evidence", span, f"0 <= start < end <= {length}, the text's length")
    return Evidence(name, start, end)


def _filter(row: Fields, texts: dict[str, str]) -> tuple[str, ...] | None:
    if row.get("documents") is None:
        return None
    documents = tuple(_list(row, "documents"))
    known = bool(documents) and all(isinstance(name, str) and name in texts for name in documents)
    _check(known, "documents", list(documents), "null or ids of documents of this gold set")
    return documents


def _text(row: Fields, name: str) -> str:
    value = row.get(name)
    _check(isinstance(value, str) and value.strip(), name, value, "a text that is not empty")
    return str(value)


def _language(row: Fields) -> Language:
    value = row.get("language")
    _check(value in LANGUAGES, "language", value, f"one of {', '.join(LANGUAGES)}")
    return "de" if value == "de" else "en"


def _list(row: Fields, name: str) -> list[Any]:
    value = row.get(name) or []
    _check(isinstance(value, list), name, value, "a list")
    return list(value)


def _check(holds: object, name: str, value: object, expected: str) -> None:
    if not holds:
        raise _broken(name, value, expected)


def _broken(name: str, value: object, expected: str) -> GoldSetError:
    return GoldSetError(f"{name!r} is {value!r}, expected {expected}")
