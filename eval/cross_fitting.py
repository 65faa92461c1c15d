"""Each question answered by what was fitted without it, so that figures are of questions that were not seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eval.adaptation import FOLDS, fold_file, fold_of
from eval.goldset import GoldSet, Question
from eval.opening import open_assistant, open_retriever
from eval.records import Row
from index.errors import BelegError

if TYPE_CHECKING:
    from eval.runs import System
    from index.embedding import Embedder


@dataclass(frozen=True)
class CrossFitted:
    """Systems, of which each is asked only what it has not seen."""

    systems: Sequence["System"]
    name: str = "beleg"

    def ask(self, question: Question) -> Row:
        """Return the row of a question."""
        return self.systems[fold_of(question.pair or question.id)].ask(question)


def cross_fitted_retrieval(goldset: GoldSet, adapters: Path) -> CrossFitted:
    """Return the retriever with the adapters that ``python -m eval.adaptation`` wrote.

    Raises:
        BelegError: An adapter is missing, or the index or the embedder cannot be used.
    """
    from eval.retrieval import BelegRetrieval

    return CrossFitted([BelegRetrieval(open_retriever(goldset, embedder=one)) for one in _embedders(adapters)])


def cross_fitted_answers(goldset: GoldSet, questions: Sequence[Question], adapters: Path) -> CrossFitted:
    """Return the assistant with these adapters, and the language model of the settings.

    Raises:
        BelegError: An adapter is missing, or the index or a model cannot be used.
    """
    from eval.answers import BelegAnswers

    return CrossFitted([BelegAnswers(open_assistant(goldset, questions, embedder=one)) for one in _embedders(adapters)])


def _embedders(folder: Path) -> list["Embedder"]:
    from index.embedding import embedded

    files = [fold_file(folder, fold) for fold in range(FOLDS)]
    for file in files:
        if not file.is_file():
            raise BelegError(f"{file} is missing; make it: python -m eval.adaptation SET... --out {folder}")
    return [embedded(file) for file in files]
