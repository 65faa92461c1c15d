"""A gold set -> beleg over its documents, indexed in the cache, its models loaded."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eval.goldset import GoldSet, Question
from eval.progress import Progress, unseen
from eval.retrieval import index_folder, index_goldset, rank_documents

if TYPE_CHECKING:
    from index.embedding import Embedder
    from rag import Assistant, Retriever


def open_retriever(goldset: GoldSet, *, embedder: "Embedder | None" = None, progress: Progress = unseen) -> "Retriever":
    """Return the retriever; it has searched once, so that loading the models counts in no figure.

    Without an embedder it takes the one of the settings.

    Raises:
        BelegError: The index or the embedder cannot be used.
    """
    from rag import Retriever

    retriever = Retriever(index_goldset(goldset, index_folder(goldset), embedder=embedder, progress=progress))
    rank_documents(retriever, goldset.questions[-1])
    return retriever


def open_assistant(
    goldset: GoldSet,
    questions: Sequence[Question],
    *,
    embedder: "Embedder | None" = None,
    progress: Progress = unseen,
) -> "Assistant":
    """Return the assistant with the model of the settings; it has answered once, so that loading counts in no figure.

    Without an embedder it takes the one of the settings.

    Raises:
        BelegError: The index or a model cannot be used.
    """
    from rag import Assistant
    from rag.confidence import least_confidence
    from rag.llm import load_llm

    index = index_goldset(goldset, index_folder(goldset), embedder=embedder, progress=progress)
    assistant = Assistant(index, load_llm(), least_confidence=least_confidence())
    assistant.answer(questions[-1].question, documents=questions[-1].documents)
    return assistant


def most_workers(wanted: int) -> int:
    """Return how many questions may be asked at a time: the embedded model answers one after the other."""
    from rag.llm import LLMSettings

    settings = LLMSettings()
    return wanted if settings.llm_base_url or settings.without_model else 1
