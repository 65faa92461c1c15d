"""``beleg eval``: measure retrieval and answers on a gold set, compare two runs."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Measure retrieval and answers on a gold set.", no_args_is_help=True)

_Dataset = Annotated[
    Path | None,
    typer.Argument(
        metavar="[DATASET]",
        help="Folder with documents.jsonl(.gz) and questions.jsonl; the built-in sample where none is given.",
        show_default=False,
    ),
]
_Documents = Annotated[
    Path | None,
    typer.Option("--documents", metavar="FILE", help="Documents, where they do not lie in the gold set's folder."),
]
_Json = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write the report there, as JSON; a run that was cut off goes on."),
]
_Markdown = Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="Write the tables as Markdown.")]
_Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a page with pictures and every question's trace.")
]
_Sample = Annotated[int | None, typer.Option(metavar="N", help="Draw N questions of each language.")]
_Seed = Annotated[int, typer.Option(metavar="S", help="Decides which questions are drawn, and the intervals.")]
_Workers = Annotated[int, typer.Option(min=1, help="Questions asked at a time; the embedded model takes one.")]
_Restart = Annotated[bool, typer.Option("--restart", help="Begin anew, whatever an earlier run has done.")]
_Baseline = Annotated[
    bool, typer.Option("--baseline", help="Measure the usual LangChain recipe, too, and show the difference.")
]
_Judge = Annotated[
    bool, typer.Option("--judge", help="Let a model judge each answer (judge_right), and tell what its word is worth.")
]
_Adapters = Annotated[
    Path | None,
    typer.Option(
        "--adapters",
        metavar="FOLDER",
        help="Of python -m eval.adaptation: each question is read by what was fitted without it.",
    ),
]
_Under = Annotated[
    list[str] | None,
    typer.Option("--fail-under", metavar="METRIC=VALUE", help="Exit status 1 below it; de:METRIC=VALUE for German."),
]
_Over = Annotated[
    list[str] | None,
    typer.Option("--fail-over", metavar="METRIC=VALUE", help="Exit status 1 above it: where lower is better."),
]


@app.command()
def retrieval(
    dataset: _Dataset = None,
    *,
    documents: _Documents = None,
    json_file: _Json = None,
    markdown: _Markdown = None,
    html: _Html = None,
    sample: _Sample = None,
    seed: _Seed = 0,
    workers: _Workers = 1,
    restart: _Restart = False,
    baseline: _Baseline = False,
    adapters: _Adapters = None,
    fail_under: _Under = None,
    fail_over: _Over = None,
) -> None:
    """Is the right document among the first? recall, MRR, nDCG, for each question language."""
    from eval.measuring import Wanted, run_retrieval

    wanted = Wanted(
        dataset=dataset,
        documents=documents,
        json=json_file,
        markdown=markdown,
        html=html,
        sample=sample,
        seed=seed,
        workers=workers,
        restart=restart,
        baseline=baseline,
        adapters=adapters,
        under=fail_under or (),
        over=fail_over or (),
    )
    run_retrieval(wanted)


@app.command()
def answers(
    dataset: _Dataset = None,
    *,
    documents: _Documents = None,
    json_file: _Json = None,
    markdown: _Markdown = None,
    html: _Html = None,
    sample: _Sample = None,
    seed: _Seed = 0,
    workers: _Workers = 1,
    restart: _Restart = False,
    baseline: _Baseline = False,
    adapters: _Adapters = None,
    judge: _Judge = False,
    fail_under: _Under = None,
    fail_over: _Over = None,
) -> None:
    """Are the answers right, cited, and refused where they must be? F1, quotes, citations, refusals."""
    from eval.measuring import Wanted, run_answers

    wanted = Wanted(
        dataset=dataset,
        documents=documents,
        json=json_file,
        markdown=markdown,
        html=html,
        sample=sample,
        seed=seed,
        workers=workers,
        restart=restart,
        baseline=baseline,
        adapters=adapters,
        judge=judge,
        under=fail_under or (),
        over=fail_over or (),
    )
    run_answers(wanted)


@app.command()
def baseline(
    dataset: _Dataset = None,
    *,
    documents: _Documents = None,
    json_file: _Json = None,
    markdown: _Markdown = None,
    html: _Html = None,
    sample: _Sample = None,
    seed: _Seed = 0,
    workers: _Workers = 1,
    restart: _Restart = False,
    fail_under: _Under = None,
    fail_over: _Over = None,
) -> None:
    """What would the usual LangChain recipe answer? As `answers`, for `compare`; in one run: `answers --baseline`."""
    from eval.measuring import Wanted, run_answers

    wanted = Wanted(
        dataset=dataset,
        documents=documents,
        json=json_file,
        markdown=markdown,
        html=html,
        sample=sample,
        seed=seed,
        workers=workers,
        restart=restart,
        under=fail_under or (),
        over=fail_over or (),
    )
    run_answers(wanted, beleg=False)


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(metavar="A", help="Report to compare with.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Report that is judged.")],
    *,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all differences.")] = None,
    markdown: _Markdown = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Decides the intervals.")] = 0,
    fail_if_worse: Annotated[
        bool, typer.Option("--fail-if-worse", help="Exit status 1 where a figure is worse beyond chance.")
    ] = False,
    fail_under: _Under = None,
    fail_over: _Over = None,
) -> None:
    """What is better in B than in A, and what worse? Paired intervals, and the questions that changed."""
    from eval.compare import compare as compared
    from eval.limits import LimitError, read_limits, require_limits
    from eval.report import Report, write_report, write_text
    from eval.tables import comparison_tables, markdown_table, print_tables

    limits = read_limits(fail_under or (), fail_over or ())
    reports = Report.read(before), Report.read(after)
    found = compared(*reports, seed=seed, strict=fail_if_worse)
    print_tables(comparison_tables(found))
    if json_file:
        write_report(json_file, found.to_dict())
    if markdown:
        write_text(markdown, "\n".join(map(markdown_table, comparison_tables(found))))
    require_limits(limits, reports[1].languages)
    if fail_if_worse and (worse := found.worse()):
        raise LimitError(f"{after} is worse than {before} in {', '.join(worse)}")


@app.command()
def check(
    dataset: _Dataset = None,
    documents: _Documents = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for machines.")] = False,
) -> None:
    """Is a gold set sound? Spans, doubles, languages, pairs; exit status 1 where something is wrong."""
    from eval.check import run_check
    from eval.goldset import SAMPLE

    if not run_check(dataset or SAMPLE, documents, as_json=as_json):
        raise typer.Exit(1)


@app.command()
def draft(
    documents: Annotated[list[Path], typer.Argument(metavar="DOCS...", help="Files or folders to ask about.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="A new file, JSON lines.")],
    n: Annotated[int, typer.Option("--n", min=1, help="Question pairs to propose.")] = 20,
    seed: Annotated[int, typer.Option(metavar="S", help="Decides which sentences are asked about.")] = 0,
) -> None:
    """Propose question pairs with evidence, by the model; none counts before you accept it (review)."""
    from eval.draft import run_draft
    from eval.progress import progress_bar

    with progress_bar("Drafting") as progress:
        drafted = run_draft(documents, out, n, seed=seed, progress=progress)
    typer.echo(
        f"{out}: {drafted.pairs} pairs proposed, {drafted.dropped} replies dropped; now: beleg eval review {out}"
    )


@app.command()
def review(file: Annotated[Path, typer.Argument(help="What beleg eval draft wrote.")]) -> None:
    """Accept or reject what was proposed, pair by pair."""
    from eval.review import run_review

    counts = run_review(file, lambda prompt: str(typer.prompt(prompt, default="", show_default=False)), typer.echo)
    typer.echo(", ".join(f"{count} {status}" for status, count in counts.items()))


@app.command()
def judge() -> None:
    """How far does the model, as a judge, agree with our own labels? Cohen's kappa."""
    from dataclasses import asdict

    from eval.judge import run_judge
    from eval.progress import progress_bar
    from eval.tables import format_figure

    with progress_bar("Judging") as progress:
        found = run_judge(progress=progress)
    for name, value in asdict(found).items():
        typer.echo(f"{name}: {format_figure(name, value)}")
