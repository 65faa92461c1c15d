"""One measurement from the command line: index, ask, print, write, insist on the limits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.goldset import SAMPLE, GoldSet, load_goldset
from eval.goldset import sample as drawn
from eval.judge import load_judge
from eval.limits import read_limits, require_limits
from eval.opening import most_workers, open_assistant, open_retriever
from eval.progress import Progress, progress_bar
from eval.report import Report, require_writable
from eval.runs import Way, evaluate_answers, evaluate_retrieval
from eval.tables import print_tables, report_tables

_Measure = Callable[[GoldSet, Callable[[Progress], Way]], Report]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the user asked for.

    Attributes:
        dataset: Folder of the gold set; ``None``: the built-in sample.
        documents: A file that takes the place of the folder's documents.
        json: Where the report goes; so ``markdown`` and ``html``. Beside the first a journal keeps what is done.
        sample: Questions of each language; ``None``: all.
        seed: Decides which are drawn.
        workers: Questions asked at a time.
        restart: Begin anew.
        baseline: Measure the usual recipe, too.
        adapters: Folder of what reads each question without having been fitted on it.
        judge: Let a model judge the answers, too.
        under: Least figures.
        over: Most figures.
    """

    dataset: Path | None = None
    documents: Path | None = None
    json: Path | None = None
    markdown: Path | None = None
    html: Path | None = None
    sample: int | None = None
    seed: int = 0
    workers: int = 1
    restart: bool = False
    baseline: bool = False
    adapters: Path | None = None
    judge: bool = False
    under: Sequence[str] = ()
    over: Sequence[str] = ()

    @property
    def files(self) -> dict[str, Path]:
        """Kind of report -> file, of those that are wanted."""
        files = {"json": self.json, "markdown": self.markdown, "html": self.html}
        return {kind: file for kind, file in files.items() if file}


def run_retrieval(wanted: Wanted) -> Report:
    """Measure the search; this is ``beleg eval retrieval``.

    Raises:
        BelegError: The gold set, the index, a model or a file cannot be used, or a limit is not kept.
    """

    def measure(gold: GoldSet, way: Callable[[Progress], Way]) -> Report:
        with progress_bar("Indexing") as progress:
            retriever = open_retriever(gold, progress=progress)
        with progress_bar("Searching") as progress:
            return evaluate_retrieval(
                gold,
                retriever,
                baseline=wanted.baseline,
                adapters=wanted.adapters,
                way=way(progress),
                **_drawn(wanted),
            )

    return _run(wanted, measure)


def run_answers(wanted: Wanted, *, beleg: bool = True) -> Report:
    """Measure the answers; this is ``beleg eval answers``, and without beleg ``beleg eval baseline``.

    Raises:
        BelegError: The gold set, the index, a model or a file cannot be used, or a limit is not kept.
    """
    judge = load_judge() if wanted.judge else None

    def measure(gold: GoldSet, way: Callable[[Progress], Way]) -> Report:
        questions = gold.questions if wanted.sample is None else drawn(gold.questions, wanted.sample, wanted.seed)
        with progress_bar("Indexing") as progress:
            assistant = open_assistant(gold, questions, progress=progress)
        with progress_bar("Answering") as progress:
            return evaluate_answers(
                gold,
                assistant,
                baseline=wanted.baseline,
                beleg=beleg,
                adapters=wanted.adapters,
                judge=judge,
                way=way(progress),
                **_drawn(wanted),
            )

    return _run(wanted, measure)


def _drawn(wanted: Wanted) -> dict[str, Any]:
    return {"sample": wanted.sample, "seed": wanted.seed}


def _run(wanted: Wanted, measure: _Measure) -> Report:
    """What cannot be written or understood ends it before hours of work, not after."""
    limits = read_limits(wanted.under, wanted.over)
    gold = load_goldset(wanted.dataset or SAMPLE, wanted.documents)
    for file in wanted.files.values():
        require_writable(file)
    journal = journal_of(next(iter(wanted.files.values()))) if wanted.files else None
    workers = most_workers(wanted.workers)
    report = measure(gold, lambda progress: Way(journal, wanted.restart, workers, progress))
    print_tables(report_tables(report.result))
    for kind, file in wanted.files.items():
        report.save(file, kind)
    if journal:
        journal.unlink(missing_ok=True)  # the reports hold what was in it
    require_limits(limits, report.languages)
    return report


def journal_of(report: Path) -> Path:
    """Name the journal beside a report.

    >>> journal_of(Path("runs/answers.json")).as_posix()
    'runs/answers.json.journal.jsonl'
    """
    return report.with_name(f"{report.name}.journal.jsonl")
