"""Measure beleg on a gold set from Python, as the command line does; a notebook shows the report as a table.

    from eval.runs import evaluate_answers, evaluate_retrieval

    report = evaluate_answers("my-gold-set", sample=20, seed=0, baseline=True)
    report.languages["de"]["f1"]
    report.save(Path("answers.html"))

Without an assistant of your own the gold set is indexed in the cache and asked with the model of the settings.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from eval.goldset import GoldSet, Question, load_goldset
from eval.goldset import sample as drawn
from eval.journal import Journal
from eval.measures import ANSWERS, RETRIEVAL, Metrics
from eval.progress import Progress, unseen
from eval.records import Record, Row
from eval.report import Report, decisive, describe
from eval.results import results

if TYPE_CHECKING:
    from rag import Assistant, Retriever
    from rag.llm import LLM


class System(Protocol):
    """What is measured."""

    @property
    def name(self) -> str:
        """``beleg`` or ``baseline``."""

    def ask(self, question: Question) -> Row:
        """Return the row of a question, in JSON types."""


@dataclass(frozen=True)
class Way:
    """How a run is made; nothing of it changes an answer.

    Attributes:
        journal: File that keeps each row as soon as it is there; a run of the same settings goes on with it.
        restart: Forget what is in it.
        workers: Questions asked at a time; the embedded model takes one.
        progress: Told after each question.
    """

    journal: Path | None = None
    restart: bool = False
    workers: int = 1
    progress: Progress = unseen


def evaluate_answers(
    goldset: GoldSet | Path | str,
    assistant: "Assistant | None" = None,
    *,
    sample: int | None = None,
    seed: int = 0,
    baseline: bool = False,
    beleg: bool = True,
    adapters: Path | None = None,
    judge: "LLM | None" = None,
    metrics: Metrics = ANSWERS,
    way: Way | None = None,
) -> Report:
    """Ask the questions and judge the answers by the gold set alone.

    As a user would, it leaves the language to the assistant. Every quote is looked up in the gold set's own text.

    Args:
        goldset: Or its folder.
        assistant: Who is asked; by default one over the gold set's documents, indexed in the cache.
        sample: Questions of each language; ``None``: all.
        seed: Decides which are drawn, and the resamples of the intervals.
        baseline: Ask the usual LangChain recipe, too.
        beleg: Ask beleg; without it the recipe is measured alone.
        adapters: Folder of `eval.adaptation`: let each question be read by what was fitted without it.
        judge: A model that judges each answer (``judge_right``); how far it agrees with our labels is told beside it.
        metrics: Name -> metric.
        way: How the run is made.

    Raises:
        BelegError: The gold set, the index, a model or the journal cannot be used.
    """
    from eval.answers import BelegAnswers
    from eval.baseline import BaselineAnswers, recipe_of
    from eval.cross_fitting import cross_fitted_answers
    from eval.judge import JUDGED, Judged, agreement, load_labels
    from eval.opening import open_assistant

    gold = goldset if isinstance(goldset, GoldSet) else load_goldset(goldset)
    questions = gold.questions if sample is None else drawn(gold.questions, sample, seed)
    assistant = assistant or open_assistant(gold, questions)
    asked = cross_fitted_answers(gold, questions, adapters) if adapters else BelegAnswers(assistant)
    systems: list[System] = [asked] if beleg else []
    if baseline or not beleg:
        systems.append(BaselineAnswers(recipe_of(gold, assistant.index.embedder, assistant.llm)))
    facts = {"kind": "answers", **describe(gold, assistant.index.embedder), "llm": _model(assistant)}
    facts |= _drawn(sample, seed) | _adapted(adapters)
    way = way or Way()
    if judge is None:
        return _evaluate(gold, questions, systems, facts, metrics=metrics, way=way)
    judged = [Judged(system, judge) for system in systems]
    facts["judge"] = {"model": judge.name}
    report = _evaluate(gold, questions, judged, facts, metrics={**metrics, **JUDGED}, way=way)
    return Report({**report.result, "judge": asdict(agreement(load_labels(), judge))})


def evaluate_retrieval(
    goldset: GoldSet | Path | str,
    retriever: "Retriever | None" = None,
    *,
    sample: int | None = None,
    seed: int = 0,
    baseline: bool = False,
    adapters: Path | None = None,
    metrics: Metrics = RETRIEVAL,
    way: Way | None = None,
) -> Report:
    """Measure the search by the questions whose evidence is known; the others have no right ranking.

    The whole set is searched, unless a question is limited to documents. As a user would, it leaves the language of the
    question to the retriever. The arguments are those of `evaluate_answers`.

    Raises:
        BelegError: The gold set, the index, the embedder or the journal cannot be used.
    """
    from eval.baseline import BaselineRetrieval, recipe_of
    from eval.cross_fitting import cross_fitted_retrieval
    from eval.opening import open_retriever
    from eval.retrieval import BelegRetrieval

    gold = goldset if isinstance(goldset, GoldSet) else load_goldset(goldset)
    located = [question for question in gold.questions if question.evidence]
    questions = located if sample is None or not located else drawn(located, sample, seed)
    retriever = retriever or open_retriever(gold)
    systems: list[System] = [cross_fitted_retrieval(gold, adapters) if adapters else BelegRetrieval(retriever)]
    if baseline:
        systems.append(BaselineRetrieval(recipe_of(gold, retriever.index.embedder)))
    facts = {"kind": "retrieval", **describe(gold, retriever.index.embedder)}
    facts |= _drawn(sample, seed) | _adapted(adapters)
    return _evaluate(gold, questions, systems, facts, metrics=metrics, way=way or Way())


def _evaluate(
    goldset: GoldSet,
    questions: Sequence[Question],
    systems: Sequence[System],
    facts: Mapping[str, Any],
    *,
    metrics: Metrics,
    way: Way,
) -> Report:
    """Ask each system each question; then the rows alone decide the figures."""
    journal = Journal(way.journal, _identity(facts, questions, systems), restart=way.restart) if way.journal else None
    texts = {document.id: document.text for document in goldset.documents}
    records: dict[str, list[Record]] = {}
    for system in systems:
        rows = {row["id"]: row for row in _rows(system, questions, journal, way)}
        records[system.name] = [Record(question, rows[question.id], texts) for question in questions]
    languages = sorted({question.language for question in goldset.questions})
    first, *others = [results(of_system, metrics, languages, facts["seed"]) for of_system in records.values()]
    names = [system.name for system in systems]
    more = dict(zip(names[1:], others, strict=True))
    result = {**facts, "system": names[0], "workers": way.workers, **first, **more}
    return Report(json.loads(json.dumps(result, default=str)))


def _identity(facts: Mapping[str, Any], questions: Sequence[Question], systems: Sequence[System]) -> dict[str, Any]:
    asked = {"questions": [question.id for question in questions], "systems": [system.name for system in systems]}
    return decisive(facts) | asked


def _rows(system: System, questions: Sequence[Question], journal: Journal | None, way: Way) -> Iterator[Row]:
    """Yield the rows of a system, those of the journal first; each other one is kept before it is counted."""
    known = journal.rows(system.name) if journal else {}
    left = [question for question in questions if question.id not in known]
    done = len(questions) - len(left)
    yield from known.values()
    way.progress(done, len(questions))
    for asked in _asked(system, left, way.workers):
        row = json.loads(json.dumps(asked))  # so a figure cannot depend on whether its row was read or made
        if journal:
            journal.append(system.name, row)
        done += 1
        way.progress(done, len(questions))
        yield row


def _asked(system: System, questions: Sequence[Question], workers: int) -> Iterator[Row]:
    """Yield the rows as they come; after an error no further question is begun."""
    if workers == 1:
        yield from map(system.ask, questions)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="beleg-eval")
    try:
        for future in as_completed([pool.submit(system.ask, question) for question in questions]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _drawn(sample: int | None, seed: int) -> dict[str, Any]:
    return {"sample": None if sample is None else {"n": sample, "seed": seed}, "seed": seed}


def _adapted(adapters: Path | None) -> dict[str, Any]:
    """Tell by what questions were read, where not by what is in use."""
    from index.question_adapter import fingerprint

    return {"adapters": {file.name: fingerprint(file) for file in sorted(adapters.glob("*.f16"))}} if adapters else {}


def _model(assistant: "Assistant") -> dict[str, str]:
    """Tell who wrote; of the embedded model its hash, too."""
    from index.weights import LLM_WEIGHTS

    name = assistant.llm.name if assistant.llm else "none"
    return {"name": name, **({"sha256": LLM_WEIGHTS.sha256} if name == LLM_WEIGHTS.name else {})}
