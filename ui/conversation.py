"""The conversation: turns that grow with an answer's events, and their form in the browser's storage."""

import json
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from index.errors import BelegError
from rag.assistant import Answer, Event, Found
from rag.citations import Citation
from rag.grounding import Verdict
from rag.language import Language
from rag.llm import LLMError
from rag.writer import AnswerSentence, Status
from ui.queue import BusyError, Waiting
from ui.shelf import source_name
from ui.texts import Texts

MOST_TURNS = 200
T = TypeVar("T")


class ConversationError(BelegError):
    """What a browser sent is no conversation."""


@dataclass(frozen=True)
class Turn:
    """A question and what has come of it: checked sentences, then the whole answer or the reason why there is none."""

    question: str
    sentences: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()
    answer: Answer | None = None
    doing: str = ""
    problem: str = ""


Turns = tuple[Turn, ...]


def follow(
    turn: Turn, events: Generator[Event | Waiting, None, None], doing: Callable[[], str], texts: Texts
) -> Generator[Turn, None, None]:
    """Yield the turn after each event; an error that beleg raises becomes its last state.

    ``doing`` says what goes on after the search.
    """
    try:
        with closing(events):
            for event in events:
                turn = _after(turn, event, doing, texts)
                yield turn
    except BusyError as busy:
        yield replace(turn, doing="", problem=texts.chat_busy.format(seconds=busy.seconds))
    except LLMError as error:
        yield replace(turn, doing="", problem=texts.chat_lost.format(reason=error))
    except BelegError as error:
        yield replace(turn, doing="", problem=str(error))


def _after(turn: Turn, event: Event | Waiting, doing: Callable[[], str], texts: Texts) -> Turn:
    match event:
        case Waiting(place):
            return replace(turn, doing=texts.chat_waiting.format(place=place))
        case Found():
            return replace(turn, doing=doing())
        case AnswerSentence(text, citations):
            return replace(turn, sentences=(*turn.sentences, text), citations=turn.citations + _public(citations))
        case Answer():
            told = replace(event, citations=_public(event.citations), nearest=_public(event.nearest))
            return replace(turn, answer=told, doing="")


def _public(citations: tuple[Citation, ...]) -> tuple[Citation, ...]:
    """Return citations without the server's folders, which are nobody's business in a browser."""
    return tuple(replace(citation, source=source_name(citation.source)) for citation in citations)


def ended(turns: Turns, problem: str) -> Turns:
    """Close the last turn where it is still growing."""
    if turns and turns[-1].doing:
        return (*turns[:-1], replace(turns[-1], doing="", problem=problem))
    return turns


def history(turns: Iterable[Turn]) -> list[tuple[str, str]]:
    """Return the finished turns as (question, answer)."""
    return [(turn.question, turn.answer.text) for turn in turns if turn.answer]


# In the browser's storage


@dataclass(frozen=True)
class _Kept:
    """An answer as a browser keeps it: without what the search found beside the citations."""

    text: str
    language: Language
    status: Status
    citations: tuple[Citation, ...] = ()
    model: str = ""
    seconds: float = 0.0
    notice: str = ""
    verdicts: tuple[Verdict, ...] = ()
    confidence: float | None = None
    nearest: tuple[Citation, ...] = ()


@dataclass(frozen=True)
class _KeptTurn:
    question: str
    answer: _Kept | None = None
    sentences: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()
    problem: str = ""


_KEPT = tuple(_Kept.__dataclass_fields__)


def stored(turn: Turn) -> str:
    """Return a turn as JSON, for the browser to keep.

    >>> restored([json.loads(stored(Turn("Wann?", problem="Angehalten.")))])
    (Turn(question='Wann?', sentences=(), citations=(), answer=None, doing='', problem='Angehalten.'),)
    """
    if turn.answer:
        kept = _KeptTurn(turn.question, _Kept(**{name: getattr(turn.answer, name) for name in _KEPT}))
    else:
        kept = _KeptTurn(turn.question, None, turn.sentences, turn.citations, turn.problem)
    return json.dumps(_turns().dump_python((kept,), mode="json")[0], ensure_ascii=False)


def restored(kept: Any) -> Turns:
    """Return the turns of a list that a browser kept.

    Raises:
        ConversationError: It is no such list.
    """
    try:
        return tuple(_turn(turn) for turn in _turns().validate_python(kept)[-MOST_TURNS:])
    except ValidationError as error:
        reason = f"{error.error_count()} values are not as beleg stores them"
        raise ConversationError(f"no conversation: {reason}; begin a new one") from error


def _turn(kept: _KeptTurn) -> Turn:
    answer = Answer(kept.question, **vars(kept.answer)) if kept.answer else None
    return Turn(kept.question, kept.sentences, kept.citations, answer, problem=kept.problem)


@cache
def _turns() -> TypeAdapter[tuple[_KeptTurn, ...]]:
    return TypeAdapter(tuple[_KeptTurn, ...])
