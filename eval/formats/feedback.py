"""What people said about the chat's answers (feedback.jsonl) -> rows of our own form."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from eval.formats.rows import Fields, Row

GOOD, NO_ANSWER, WRONG_QUOTE, WRONG_LANGUAGE = "good", "should have refused", "wrong quote", "wrong language"


def is_feedback(fields: Fields) -> bool:
    """Whether a row is feedback: an answer with all its parts, and a reason.

    >>> is_feedback({"question": "Wer?", "answer": {"text": "Koch [1]"}, "reason": "good"})
    True
    """
    return isinstance(fields.get("answer"), dict) and "reason" in fields


def feedback_rows(rows: Iterable[Row]) -> list[Row]:
    """Return a row a question, of what was said last about it.

    What each reason makes of an answer:

    - good: its words and quotes are gold; of a refusal, that the documents do not say.
    - should have refused: the documents do not say.
    - wrong quote: its words are gold, where they stand is not known.
    - wrong language: its quotes are gold, its words are in the other language.
    - all others (wrong answer): nothing is gold but the question; it stays proposed until a person adds the answer.

    >>> said = {"question": "Wer war es?", "answer": {"text": "Koch [1]", "status": "answered"}, "reason": "good"}
    >>> feedback_rows([Row("f.jsonl:1", said)])[0].fields["answers"]
    ['Koch']
    """
    last: dict[tuple[str, str], Row] = {}
    for row in rows:
        question = str(row.fields.get("question") or row.where)
        last[question, str(row.fields.get("history") or "")] = row if row.error else _gold(row)
    return list(last.values())


def _gold(row: Row) -> Row:
    from index.language import detect_language
    from rag.citations import without_markers

    answer, reason = row.fields["answer"], _reason(row.fields["reason"])
    if not isinstance(answer, dict):
        return replace(row, error=f"'answer' is {answer!r}, expected what Answer.to_dict() gives")
    question = row.fields.get("question") or answer.get("question")
    refused = answer.get("status") == "abstained"
    answerable = reason != NO_ANSWER and not (refused and reason == GOOD)
    said = without_markers(str(answer.get("text") or "")).strip()
    fields: Fields = {
        "id": f"feedback-{row.where.rpartition(':')[2]}",
        "question": question,
        "language": detect_language(str(question or "")),
        "answerable": answerable,
        "answers": [said] if answerable and not refused and reason in (GOOD, WRONG_QUOTE) and said else [],
        "evidence": _quotes(answer) if answerable and reason in (GOOD, WRONG_LANGUAGE) else [],
        "history": row.fields.get("history") or [],
    }
    known = reason in (GOOD, NO_ANSWER) or (reason in (WRONG_QUOTE, WRONG_LANGUAGE) and not refused)
    return replace(row, fields=fields if known else fields | {"status": "proposed"})


def _reason(value: Any) -> str:
    """Write a reason in one way.

    >>> _reason("should_have_refused")
    'should have refused'
    """
    return str(value or "").strip().casefold().replace("_", " ").replace("-", " ")


def _quotes(answer: Fields) -> list[Fields]:
    citations = [one for one in answer.get("citations") or [] if isinstance(one, dict)]
    return [{name: one.get(name) for name in ("document_id", "start", "end", "quote")} for one in citations]
