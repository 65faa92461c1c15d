"""A language model as the judge of answers, always named apart (``judge_…``), and how far it agrees with our labels.

After Zheng et al. (2023), Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena. A judge errs; so its figures never
take the place of those that code counts, and ``beleg eval judge`` tells what its word is worth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from eval.formats.rows import GoldSetError, lines_of
from eval.goldset import Question
from eval.measures import Metric, Metrics
from eval.metrics import cohen_kappa, f1
from eval.progress import Progress, unseen
from eval.records import Record, Row
from rag.llm import LLM, LLMSettings, Message, load_llm

if TYPE_CHECKING:
    from eval.runs import System

LABELS = Path(__file__).parent / "gold" / "judge" / "labels.jsonl"
_MOST_TOKENS = 8

_TASK = (
    "Du vergleichst die Antwort eines Schülers mit der richtigen Antwort. Sie gilt, wenn sie dasselbe aussagt, auch "
    "mit anderen Worten, länger oder in einer anderen Sprache. Sie gilt nicht, wenn sie etwas anderes aussagt, eine "
    "andere Zahl, Zeit oder Person nennt, etwas Verlangtes weglässt oder nichts aussagt. Antworte nur mit Ja oder Nein."
)
_EXAMPLES = (
    (("Wann öffnet die Bücherei?", ("um 10 Uhr",), "Sie öffnet um zehn."), "Ja"),
    (("Who runs the library?", ("Petra Voss",), "The library is run by Karl Voss."), "Nein"),
    (("Was kostet der Ausweis?", ("18 Euro im Jahr",), "The card costs 18 euros a year."), "Ja"),
    (("What does a card cost?", ("18 euros",), "The documents do not say."), "Nein"),
)


class JudgeSettings(BaseSettings):
    """Which endpoint judges, from ``BELEG_JUDGE_BASE_URL``, ``BELEG_JUDGE_MODEL`` and ``BELEG_JUDGE_API_KEY``.

    >>> JudgeSettings(base_url="http://localhost:11434/v1", model="llama3").model
    'llama3'
    """

    model_config = SettingsConfigDict(env_prefix="BELEG_JUDGE_", env_ignore_empty=True, extra="ignore")

    base_url: str | None = None
    model: str | None = None
    api_key: SecretStr | None = None


def load_judge() -> LLM:
    """Return the model that judges: that of the ``BELEG_JUDGE_…`` variables, else the one that answers.

    Raises:
        GoldSetError: There is no model, or only one of the endpoint and its model is set.
        BelegError: The model cannot be had.
    """
    settings = JudgeSettings()
    if bool(settings.base_url) != bool(settings.model):
        raise GoldSetError("BELEG_JUDGE_BASE_URL and BELEG_JUDGE_MODEL go together; set both, or neither")
    if settings.base_url:
        own = LLMSettings(llm_base_url=settings.base_url, llm_model=settings.model, llm_api_key=settings.api_key)
        llm = load_llm(own)
    else:
        llm = load_llm()
    if llm is None:
        raise GoldSetError("BELEG_LLM_MODEL is 'none', but a model must judge; unset it or set BELEG_JUDGE_MODEL")
    return llm


@dataclass(frozen=True)
class Judged:
    """A system whose answers a model judges, too; the row holds its word as ``judged``."""

    system: "System"
    llm: LLM

    @property
    def name(self) -> str:
        """Of the system."""
        return self.system.name

    def ask(self, question: Question) -> Row:
        """Ask the system, then the judge; a refusal is wrong unasked, and without a gold answer nobody judges."""
        row = self.system.ask(question)
        if question.answers:
            record = Record(question, row)
            right = not record.abstained and judge_right(question.question, question.answers, record.text, self.llm)
            row["judged"] = right
        return row


def _judged(record: Record) -> float | None:
    judged = record.row.get("judged")
    return None if judged is None else float(judged)


JUDGED: Metrics = {"judge_right": Metric(_judged)}
"""What a judge adds to the metrics of answers: the share that it takes for right, where there is a gold answer."""


@dataclass(frozen=True)
class Label:
    """An answer, and whether a person would call it right."""

    question: str
    answers: tuple[str, ...]
    answer: str
    language: str
    right: bool


@dataclass(frozen=True)
class Agreement:
    """How far a judge agrees with the labels.

    ``kappa`` is Cohen's; ``f1_kappa`` that of calling right what reaches an F1 of 0.5, which needs no model.
    """

    model: str
    n: int
    judge_agreement: float
    judge_kappa: float | None
    judge_too_kind: int
    judge_too_strict: int
    f1_kappa: float | None


def judge_right(question: str, answers: Sequence[str], answer: str, llm: LLM) -> bool:
    """Whether the model takes an answer for right; an answer without words is wrong, and the model is not asked.

    Args:
        question: As it was asked.
        answers: The gold answers, one of which is enough.
        answer: Without markers.
        llm: The judge.

    Raises:
        LLMError: The model cannot be asked.
    """
    if not answer.strip():
        return False
    messages = judge_prompt(question, answers, answer)
    odds = llm.log_odds(messages, "Ja")
    if odds is not None:
        return odds > 0
    return "".join(llm.stream(messages, max_tokens=_MOST_TOKENS)).strip().casefold().startswith("ja")


def judge_prompt(question: str, answers: Sequence[str], answer: str) -> list[Message]:
    """Ask for a judgement; the task and its examples come first, and are the same for all."""
    messages: list[Message] = [{"role": "system", "content": _TASK}]
    for case, judgement in _EXAMPLES:
        messages += [{"role": "user", "content": _case(*case)}, {"role": "assistant", "content": judgement}]
    return [*messages, {"role": "user", "content": _case(question, answers, answer)}]


def _case(question: str, answers: Sequence[str], answer: str) -> str:
    right = " / ".join(" ".join(one.split()) for one in answers)
    return f"Frage: {' '.join(question.split())}\nRichtig: {right}\nAntwort des Schülers: {' '.join(answer.split())}"


def load_labels(path: Path = LABELS) -> list[Label]:
    """Read labelled answers.

    Raises:
        GoldSetError: A line breaks the form.

    >>> len(load_labels()) >= 50
    True
    """
    return [_label(row.where, row.error, row.fields) for row in lines_of(path)]


def _label(where: str, error: str, fields: dict[str, Any]) -> Label:
    try:
        label = Label(
            fields["question"], tuple(fields["answers"]), fields["answer"], fields["language"], fields["right"]
        )
    except (KeyError, TypeError) as missing:
        raise GoldSetError(f"{where}: {error or f'lacks {missing}'}; correct the line") from missing
    return label


def agreement(labels: Sequence[Label], llm: LLM, *, progress: Progress = unseen) -> Agreement:
    """Let the model judge labelled answers, and compare.

    Raises:
        LLMError: The model cannot be asked.
    """
    judged = []
    for label in labels:
        judged.append(judge_right(label.question, label.answers, label.answer, llm))
        progress(len(judged), len(labels))
    right = [label.right for label in labels]
    by_f1 = [f1(label.answers, label.answer) >= 0.5 for label in labels]
    pairs = list(zip(judged, right, strict=True))
    return Agreement(
        model=llm.name,
        n=len(labels),
        judge_agreement=sum(one == other for one, other in pairs) / len(labels),
        judge_kappa=cohen_kappa(judged, right),
        judge_too_kind=sum(one and not other for one, other in pairs),
        judge_too_strict=sum(other and not one for one, other in pairs),
        f1_kappa=cohen_kappa(by_f1, right),
    )


def run_judge(labels: Path = LABELS, *, progress: Progress = unseen) -> Agreement:
    """Measure the model of the settings against the labels; this is ``beleg eval judge``.

    Raises:
        GoldSetError: There is no model, or a label breaks the form.
        LLMError: The model cannot be asked.
    """
    return agreement(load_labels(labels), load_judge(), progress=progress)
