"""``beleg eval``: measure retrieval and answers on a gold set."""

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
_Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the report there, as JSON.")]


@app.command()
def retrieval(dataset: _Dataset = None, documents: _Documents = None, json_file: _Json = None) -> None:
    """Is the right document among the first? recall, MRR, nDCG, for each question language."""
    from eval.goldset import SAMPLE
    from eval.retrieval import run_retrieval

    run_retrieval(dataset or SAMPLE, json_file, documents=documents)


@app.command()
def answers(
    dataset: _Dataset = None,
    documents: _Documents = None,
    json_file: _Json = None,
    sample: Annotated[int | None, typer.Option(metavar="N", help="Draw N questions of each language.")] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Decides which questions are drawn.")] = 0,
) -> None:
    """Are the answers right, cited, and refused where they must be? F1, quotes, citations, refusals."""
    from eval.answers import run_answers
    from eval.goldset import SAMPLE

    run_answers(dataset or SAMPLE, json_file, documents=documents, n=sample, seed=seed)


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
    from eval.report import progress_bar

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
    from eval.report import format_figure, progress_bar

    with progress_bar("Judging") as progress:
        found = run_judge(progress=progress)
    for name, value in asdict(found).items():
        typer.echo(f"{name}: {format_figure(name, value)}")
