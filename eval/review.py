"""``beleg eval review``: a person accepts or rejects what was proposed; each decision is kept at once."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from eval.formats.rows import Fields, GoldSetError, Row, lines_of
from eval.goldset import ACCEPTED, PROPOSED, REJECTED

_DECISIONS = {"a": ACCEPTED, "r": REJECTED, "": PROPOSED}
HELP = "[a]ccept, [r]eject, [Enter] later, [q]uit: "


def run_review(path: Path, ask: Callable[[str], str], show: Callable[[str], None]) -> dict[str, int]:
    """Show each proposed pair, ask for a decision, and write it into the file's ``status``.

    Args:
        path: Of JSON lines, as ``beleg eval draft`` writes them.
        ask: Given a prompt, returns what the person typed.
        show: Takes a text for the person to read.

    Returns:
        How many rows have each status in the end.

    Raises:
        GoldSetError: The file cannot be read or written, or a line is no JSON object.
    """
    rows = [row.fields for row in _sound(path)]
    for pair in _proposed(rows):
        show(_shown(pair))
        typed = ask(HELP).strip().casefold()[:1]
        while typed not in (*_DECISIONS, "q"):
            typed = ask(HELP).strip().casefold()[:1]
        if typed == "q":
            break
        for row in pair:
            row["status"] = _DECISIONS[typed]
        _write(path, rows)
    return {
        status: sum(row.get("status", ACCEPTED) == status for row in rows) for status in (ACCEPTED, REJECTED, PROPOSED)
    }


def _sound(path: Path) -> Iterator[Row]:
    for row in lines_of(path):
        if row.error:
            raise GoldSetError(f"{row.where}: {row.error}; correct the line")
        yield row


def _proposed(rows: Sequence[Fields]) -> list[list[Fields]]:
    """Join the rows that wait for a decision by their pair, in the order of the file."""
    pairs: dict[str, list[Fields]] = {}
    for row in rows:
        if row.get("status") == PROPOSED:
            pairs.setdefault(str(row.get("pair") or row.get("id")), []).append(row)
    return list(pairs.values())


def _shown(pair: Sequence[Fields]) -> str:
    """Return what a person needs to decide: questions, answers, and the text that should say so."""
    lines = [
        f"{row.get('question')}\n  = {' | '.join(map(str, row.get('answers') or ['(no answer)']))}" for row in pair
    ]
    spans = [span for span in pair[0].get("evidence") or [] if isinstance(span, dict)]
    quotes = [f"  „{span['quote']}“ ({span.get('document_id', '')})" for span in spans if span.get("quote")]
    return "\n".join(["", *lines, *quotes])


def _write(path: Path, rows: Sequence[Fields]) -> None:
    """Put the rows in the file's place, whole or not at all."""
    beside = path.with_name(f"{path.name}.part")
    try:
        beside.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise GoldSetError(f"{path}: cannot be written ({error.strerror}); make it writable") from error
