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
