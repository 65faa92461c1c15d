"""``beleg eval check``: what is wrong with a gold set, before anything is measured with it."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.doubles import near_doubles
from eval.formats.read import read_rows
from eval.formats.rows import Row
from eval.goldset import (
    LANGUAGES,
    GoldSetError,
    Question,
    is_left_out,
    locate_evidence,
    parse_documents,
    parse_questions,
)
from eval.looks_answerable import Passages
from eval.metrics import normalise_answer
from index.document import Document

_FEWEST_WORDS = 4  # of a text that tells its language
_BEFORE_A_NAME = re.compile(r"\b(?:(?:von|van|vom|zum?|der|den|die|das|de|the|of)\s+)+(?=[^\W\d_a-zäöüß])")


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where.

    ``kind``: form (a row that cannot be read), evidence, double, answerable, language, pair, answer, document. A row
    that a person has looked at and found right names the kind in its field ``checked`` (a list), and is left alone.
    """

    where: str
    id: str
    kind: str
    text: str


@dataclass(frozen=True)
class Checked:
    """How much was looked at, and what is wrong with it."""

    name: str
    documents: int
    questions: int
    left_out: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Read:
    """A question with the row it stands in."""

    row: Row
    question: Question

    def problem(self, kind: str, text: str) -> Problem:
        return Problem(self.row.where, self.question.id, kind, text)


def run_check(path: Path, documents: Path | None = None, *, as_json: bool = False) -> bool:
    """Check a gold set, print what is wrong, and return whether nothing is.

    Raises:
        GoldSetError: A file is missing or in no known form, so that nothing can be checked.
    """
    from rich.console import Console

    checked = check_goldset(path, documents)
    if as_json:
        Console(soft_wrap=True, highlight=False, markup=False).print(
            json.dumps(asdict(checked) | {"right": not checked.problems}, ensure_ascii=False, indent=2)
        )
    else:
        console = Console(soft_wrap=True, highlight=False, markup=False)
        for problem in checked.problems:
            console.print(f"{problem.where}: {problem.id}: {problem.kind}: {problem.text}")
        waiting = f", {checked.left_out} only proposed or rejected" if checked.left_out else ""
        told = f"{len(checked.problems)} problems" if checked.problems else "nothing wrong"
        console.print(f"{checked.name}: {checked.documents} documents, {checked.questions} questions{waiting}: {told}")
    return not checked.problems


def check_goldset(path: str | Path, documents: Path | None = None) -> Checked:
    """Read a gold set as `load_goldset` does, but name all that is wrong, in the order of the rows.

    Raises:
        GoldSetError: A file is missing or in no known form.

    >>> from eval.goldset import SAMPLE
    >>> check_goldset(SAMPLE).problems
    ()
    """
    rows = read_rows(path, documents)
    read_documents = [(row, document) for row, document in parse_documents(rows.documents)]
    texts = [*rows.loaded, *(document for _, document in read_documents if isinstance(document, Document))]
    gold = locate_evidence([row for row in rows.questions if not is_left_out(row)], texts)
    parsed = parse_questions(gold, texts)
    broken = [(row, item) for row, item in [*read_documents, *parsed] if isinstance(item, GoldSetError)]
    read = [_Read(row, item) for row, item in parsed if isinstance(item, Question)]
    found = [
        *(Problem(row.where, str(row.fields.get("id") or ""), "form", str(error)) for row, error in broken),
        *(
            Problem(row.where, str(row.fields.get("id") or ""), "evidence", text)
            for row in gold
            for text in row.problems
        ),
        *_of_documents(texts, [row for row, _ in read_documents]),
        *(problem for check in _CHECKS for problem in check(read, texts)),
    ]
    order = {row.where: number for number, row in enumerate([*rows.documents, *rows.questions])}
    looked_at = {(row.where, kind) for row in gold for kind in _kinds(row)}
    problems = [problem for problem in found if (problem.where, problem.kind) not in looked_at]
    problems.sort(key=lambda problem: order.get(problem.where, -1))
    return Checked(rows.name, len(texts), len(read), len(rows.questions) - len(gold), tuple(problems))


def _kinds(row: Row) -> list[str]:
    kinds = row.fields.get("checked")
    return [str(kind) for kind in kinds] if isinstance(kinds, list) else []


def _of_documents(documents: Sequence[Document], rows: Sequence[Row]) -> Iterator[Problem]:
    """Name documents that are there twice."""
    where = {row.fields.get("id"): row.where for row in rows}
    first: dict[str, str] = {}
    for document in documents:
        other = first.setdefault(document.text, document.id)
        if other != document.id:
            text = f"has the text of {other!r}; leave one out"
            yield Problem(where.get(document.id, document.source), document.id, "document", text)


def _evidence(read: Sequence[_Read], documents: Sequence[Document]) -> Iterator[Problem]:
    """Name spans that begin or end amid a word, or hold nothing but white space at an end."""
    texts = {document.id: document.text for document in documents}
    for one in read:
        for span in one.question.evidence:
            text = texts[span.document_id]
            said = text[span.start : span.end]
            if said != said.strip():
                yield one.problem(
                    "evidence", f"{_shown(said)} has white space at an end; move {span.start} or {span.end}"
                )
            elif _amid_a_word(text, span.start) or _amid_a_word(text, span.end):
                yield one.problem("evidence", f"{_shown(said)} is cut amid a word; move {span.start} or {span.end}")


def _amid_a_word(text: str, offset: int) -> bool:
    return 0 < offset < len(text) and text[offset - 1].isalnum() and text[offset].isalnum()


def _answers(read: Sequence[_Read], _: Sequence[Document]) -> Iterator[Problem]:
    """Name answerable questions of which nothing is known, answers without words, and answers where there is none."""
    for one in read:
        question = one.question
        if question.answerable and not question.answers and not question.evidence:
            yield one.problem("answer", "has neither an answer nor evidence; add one, or set answerable to false")
        if any(not normalise_answer(answer) for answer in question.answers):
            yield one.problem("answer", f"{list(question.answers)} holds an answer without words; leave it out")
        if not question.answerable and question.answers:
            yield one.problem("answer", f"is not answerable, but its answer is {question.answers[0]!r}; correct one")


def _languages(read: Sequence[_Read], _: Sequence[Document]) -> Iterator[Problem]:
    """Name questions and answers that are in another language than stated."""
    for one in read:
        stated = one.question.language
        if _is_not(stated, one.question.question):
            yield one.problem("language", f"is stated as {stated!r}, but reads {_shown(one.question.question)}")
        for answer in one.question.answers:
            if _is_not(stated, answer):
                yield one.problem("language", f"asks in {stated!r}, but its answer reads {_shown(answer)}")


def _is_not(language: str, text: str) -> bool:
    """Whether a text's function words are of the other language.

    Names and numbers have none, and tell nothing; what stands before a name may be a part of it (Mies van der Rohe).
    """
    from index.language import language_of_function_words

    told = _BEFORE_A_NAME.sub("", text)
    return len(told.split()) >= _FEWEST_WORDS and language_of_function_words(told) not in (None, language)


def _pairs(read: Sequence[_Read], _: Sequence[Document]) -> Iterator[Problem]:
    """Name pairs that lack a language, have one twice, or whose forms disagree; where none is whole, none is meant."""
    pairs: defaultdict[str, list[_Read]] = defaultdict(list)
    for one in read:
        pairs[one.question.pair].append(one)
    meant = any({one.question.language for one in pair} == set(LANGUAGES) for pair in pairs.values())
    for name, pair in pairs.items() if meant else ():
        languages = sorted(one.question.language for one in pair)
        if languages != sorted(LANGUAGES):
            yield pair[0].problem("pair", f"pair {name!r} has {', '.join(languages)}; expected {', '.join(LANGUAGES)}")
            continue
        first, second = (_told(one.question) for one in pair)
        for field in (field for field, value in first.items() if value != second[field]):
            yield pair[1].problem("pair", f"{field!r} differs from that of {pair[0].question.id!r}; correct one")


def _told(question: Question) -> dict[str, object]:
    """Return what must be the same in both languages."""
    return {
        "answerable": question.answerable,
        "evidence": frozenset(question.evidence),
        "documents": question.documents,
        "sort": question.sort,
        "history": len(question.history),
    }


def _doubles(read: Sequence[_Read], _: Sequence[Document]) -> Iterator[Problem]:
    """Name questions that are there twice, word for word or nearly."""
    groups: defaultdict[tuple[Any, ...], list[_Read]] = defaultdict(list)
    for one in read:
        groups[one.question.language, one.question.history, one.question.documents].append(one)
    for group in groups.values():
        for first, second, likeness in near_doubles([one.question.question for one in group]):
            how = "asks the same as" if likeness == 1 else f"asks nearly ({likeness:.0%}) the same as"
            text = f"{how} {group[first].question.id!r}: {_shown(group[first].question.question)}"
            yield group[second].problem("double", text)


def _answerable(read: Sequence[_Read], documents: Sequence[Document]) -> Iterator[Problem]:
    """Name unanswerable questions that a sentence of the documents seems to answer."""
    unanswerable = [one for one in read if not one.question.answerable and not one.question.history]
    passages = Passages(documents if unanswerable else ())
    for one in unanswerable:
        sentence = passages.answer_to(one.question.question, one.question.language, one.question.documents)
        if sentence:
            text = f"is not answerable, but {sentence.document_id!r} says {_shown(sentence.text, 160)}; look"
            yield one.problem("answerable", text)


_CHECKS: tuple[Callable[[Sequence[_Read], Sequence[Document]], Iterable[Problem]], ...] = (
    _evidence,
    _answers,
    _languages,
    _pairs,
    _doubles,
    _answerable,
)


def _shown(text: str, most: int = 80) -> str:
    return repr(text if len(text) <= most else f"{text[: most - 1]}…")
