"""One question, what is right, and what a system gave for it: the row that journals and reports hold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from eval.goldset import Evidence, Question
from rag.citations import without_markers

Row = dict[str, Any]
"""JSON types: ``id``, ``seconds``, and of some ``first_seconds``, ``answer``, ``ranking``, ``trace`` and ``tokens``."""


@dataclass(frozen=True)
class Cited(Evidence):
    """A span that an answer stands on, with the quote that it shows."""

    quote: str = ""


@dataclass(frozen=True)
class Record:
    """What a metric sees of one question; made from the row alone, so that a resumed run counts as an unbroken one.

    Attributes:
        question: With what is right.
        row: What was answered and found.
        texts: Document id -> text, as the gold set has it.
    """

    question: Question
    row: Row
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def answer(self) -> Mapping[str, Any]:
        """``Answer.to_dict()``; empty where nothing was answered, as in a run of the retrieval alone."""
        return self.row.get("answer") or {}

    @property
    def abstained(self) -> bool:
        """Whether the system said that the documents do not say; an incomplete answer is an answer."""
        return self.answer.get("status") == "abstained"

    @cached_property
    def text(self) -> str:
        """The answer's words without the citations' markers."""
        return without_markers(self.answer.get("text", ""))

    @cached_property
    def shown(self) -> Sequence[Cited]:
        """All citations, those of a refusal too."""
        return [
            Cited(one["document_id"], one["start"], one["end"], one["quote"])
            for one in self.answer.get("citations", ())
        ]

    @property
    def citations(self) -> Sequence[Cited]:
        """What the answer stands on; a refusal stands on nothing, whatever it shows."""
        return () if self.abstained else self.shown

    @property
    def seconds(self) -> float | None:
        """How long the answer took, or the search where nothing was answered."""
        seconds: float | None = self.row.get("seconds")
        return seconds

    @property
    def first_seconds(self) -> float | None:
        """How long its first sentence took; ``None`` where nothing was answered, or nobody looked."""
        seconds: float | None = self.row.get("first_seconds")
        return seconds

    @property
    def confidence(self) -> float | None:
        """How sure the system was that the documents answer, in [0, 1]."""
        return self.answer.get("confidence")

    @cached_property
    def relevant(self) -> set[str]:
        """Documents that hold the evidence."""
        return {span.document_id for span in self.question.evidence}

    def ranked(self, part: str = "documents") -> Sequence[str] | None:
        """Document ids, best first; ``None`` where nothing was ranked.

        Args:
            part: ``documents``, or ``dense`` or ``lexical`` for the ranking of that search alone.
        """
        ranking = self.row.get("ranking") or {}
        ranked: Sequence[str] | None = ranking.get(part)
        return ranked

    @cached_property
    def chunks(self) -> Sequence[Evidence]:
        """Spans of the first chunks, best first."""
        ranking = self.row.get("ranking") or {}
        return [Evidence(hit["document_id"], hit["start"], hit["end"]) for hit in ranking.get("hits", ())]

    def to_dict(self) -> Row:
        """Give the record as a report holds it."""
        quotes = [asdict(span) | {"text": self._text_of(span)} for span in self.question.evidence]
        return {"gold": asdict(self.question), "gold_quotes": quotes, **self.row}

    def _text_of(self, span: Evidence) -> str:
        return self.texts.get(span.document_id, "")[span.start : span.end]


def of_language(records: Iterable[Record], language: str) -> list[Record]:
    """Return the records whose question is in a language."""
    return [record for record in records if record.question.language == language]
