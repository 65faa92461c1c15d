"""What readers thought of answers: one JSON object a line in ``feedback.jsonl`` beside the index.

A line has ``time`` (ISO 8601, UTC), ``reason`` (``good``, ``wrong_quote``, ``wrong_answer``, ``wrong_language`` or
``should_refuse``), ``comment``, ``question``, ``answer`` (``Answer.to_dict()`` but for ``hits`` and ``signals``) and
``gold``: the row of a gold set's ``questions.jsonl`` (``id``, ``pair``, ``question``, ``language``, ``answerable``,
``answers``, ``evidence``, ``documents``) that the verdict makes of it, or null where a person must first say what is
right (wrong quote, answer or language). So the ``gold`` of all lines, with the index's documents, is a gold set.
"""

import hashlib
import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from index.errors import BelegError
from rag.assistant import Answer
from rag.citations import without_markers

Reason = Literal["good", "wrong_quote", "wrong_answer", "wrong_language", "should_refuse"]
COMMENT_CHARACTERS = 2000
_writing = threading.Lock()


class FeedbackError(BelegError):
    """Feedback that cannot be kept."""


def keep_feedback(folder: Path, answer: Answer, reason: str, comment: str = "") -> dict[str, Any]:
    """Append what a reader thinks of an answer to ``feedback.jsonl`` in the index's folder; return the line's object.

    Raises:
        FeedbackError: The reason is none of those known, or the file cannot be written.
    """
    if reason not in get_args(Reason):
        raise FeedbackError(f"reason {reason!r} is unknown; expected one of {', '.join(get_args(Reason))}")
    given = {name: value for name, value in answer.to_dict().items() if name not in {"hits", "signals"}}
    line = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "reason": reason,
        "comment": comment[:COMMENT_CHARACTERS],
        "question": answer.question,
        "answer": given,
        "gold": gold_row(answer, reason),
    }
    try:
        with _writing, (folder / "feedback.jsonl").open("a", encoding="utf-8", errors="replace") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    except OSError as error:
        raise FeedbackError(f"{error.filename}: {error.strerror}; free space or make it writable") from error
    return line


def gold_row(answer: Answer, reason: str) -> dict[str, Any] | None:
    """Return the gold question that a verdict makes of an answer, None where it only says that something is wrong.

    >>> gold_row(Answer("Wie hoch ist er?", "330 m.", "de", "answered"), "should_refuse")["answerable"]
    False
    """
    refused = answer.status == "abstained"
    if reason not in {"good", "should_refuse"}:
        return None
    answerable = reason == "good" and not refused
    name = f"feedback-{hashlib.sha256(answer.question.encode('utf-8', 'replace')).hexdigest()[:12]}"
    spans = [{"document_id": c.document_id, "start": c.start, "end": c.end} for c in answer.citations]
    return {
        "id": f"{name}-{answer.language}",
        "pair": name,
        "question": answer.question,
        "language": answer.language,
        "answerable": answerable,
        "answers": [without_markers(answer.text)] if answerable else [],
        "evidence": spans if answerable else [],
        "documents": None,
    }
