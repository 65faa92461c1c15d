"""What a user would take instead: the usual LangChain recipe, over the same documents, embedder and model.

LangChain's recursive splitter (1000 characters, 200 of them shared), the five chunks nearest by cosine, a plain prompt.
It quotes nothing: what it can show for an answer are its five chunks, so they count as its citations. Its citation
precision is low for that, its recall high, and every chunk is verbatim; compare with care. It says in its own words
that it does not know; the patterns by which beleg recognises a refusal recognise that (`rag.draft.is_refusal`). It
keeps no conversation: a follow-up is asked as it stands.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from eval.answers import answer_row
from eval.goldset import GoldSet, Question
from eval.records import Row
from eval.retrieval import rank_documents, ranking_row
from index import Chunk, Document, Hit
from index.errors import BelegError
from index.language import detect_language
from index.vectors import Floats
from rag.trace import note_search, traced

if TYPE_CHECKING:
    from index.embedding import Embedder
    from rag import Answer
    from rag.llm import LLM

CHUNK_CHARACTERS, SHARED_CHARACTERS, K = 1000, 200, 5
MAX_TOKENS = 200
_PROMPT = (
    "You answer questions. Use the following context to answer the question at the end. If you do not know the "
    "answer, say that you do not know. Keep the answer short, and answer in the language of the question."
    "\n\nContext:\n{context}\n\nQuestion: {question}\nAnswer:"
)


class Recipe:
    """Split, embed, search, prompt.

    Args:
        documents: What is asked.
        embedder: Also of the index that it is compared with.
        llm: Who writes; ``None`` where only the search is measured.
    """

    def __init__(self, documents: Iterable[Document], embedder: "Embedder", llm: "LLM | None" = None) -> None:
        self.chunks = [chunk for document in documents for chunk in split(document)]
        self._embedder = embedder
        self._llm = llm

    @cached_property
    def _vectors(self) -> Floats:
        """``(chunks, dim)``, unit rows; kept between runs where the embedder keeps its passages."""
        return self._embedder.embed_passages([chunk.text for chunk in self.chunks])[0]

    def retrieve(self, question: str, k: int = K, *, documents: Iterable[str] | None = None) -> list[Hit]:
        """Return the k chunks nearest by cosine, best first, ties in the order of the documents."""
        cosines = self._vectors @ self._embedder.embed_query(question)
        wanted = None if documents is None else set(documents)
        places = [
            place
            for place in np.argsort(-cosines, kind="stable").tolist()
            if wanted is None or self.chunks[place].document_id in wanted
        ]
        found = [(self.chunks[place], float(cosines[place])) for place in places[:k]]
        return [Hit(chunk, cosine, cosine, 0.0) for chunk, cosine in found]

    def answer(self, question: str, *, documents: Iterable[str] | None = None) -> "Answer":
        """Answer from the five nearest chunks, which count as its citations.

        Raises:
            BelegError: There is no language model.
            LLMError: The model cannot be asked.
        """
        from rag import Answer, Citation
        from rag.draft import is_refusal

        if self._llm is None:
            raise BelegError("the usual recipe needs a language model; unset BELEG_LLM_MODEL=none, or set an endpoint")
        note_search(question)
        hits = self.retrieve(question, documents=documents)
        text, broken = _written(self._llm, question, hits)
        refused = not text or is_refusal(text)
        chunks = [hit.chunk for hit in hits]
        return Answer(
            question=question,
            text=text,
            language=detect_language(question),
            status="abstained" if refused else "incomplete" if broken else "answered",
            citations=()
            if refused
            else tuple(
                Citation(marker, chunk.text, chunk.document_id, chunk.title, chunk.start, chunk.end)
                for marker, chunk in enumerate(chunks, start=1)
            ),
            hits=tuple(hits),
            model=self._llm.name,
            notice=broken,
        )


def split(document: Document) -> Iterator[Chunk]:
    """Yield the chunks of the recursive splitter, at their place: ``document.text[start:end] == text``.

    >>> [(chunk.start, chunk.end) for chunk in split(Document("a", "A", "Ein Satz. " * 150))]
    [(0, 999), (800, 1499)]
    """
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=CHUNK_CHARACTERS, chunk_overlap=SHARED_CHARACTERS, add_start_index=True
    )
    for part in splitter.create_documents([document.text]):
        start = part.metadata["start_index"]
        yield Chunk(document.id, document.title, part.page_content, start, start + len(part.page_content), ())


def _written(llm: "LLM", question: str, hits: Sequence[Hit]) -> tuple[str, str]:
    """Return what the model wrote, and why it broke off, "" where it did not."""
    from rag.llm import BrokenAnswerError

    context = "\n\n".join(hit.chunk.text for hit in hits)
    pieces: list[str] = []
    broken = ""
    try:
        prompt = _PROMPT.format(context=context, question=question)
        pieces.extend(llm.stream([{"role": "user", "content": prompt}], max_tokens=MAX_TOKENS))
    except BrokenAnswerError as error:
        broken = str(error)
    return "".join(pieces).strip(), broken


class BaselineAnswers:
    """The recipe, asked as beleg is."""

    name = "baseline"

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def ask(self, question: Question) -> Row:
        """Answer, and rank the documents beside it; only the answer is timed."""
        start = time.perf_counter()
        with traced() as trace:
            answer = self._recipe.answer(question.question, documents=question.documents)
        row = answer_row(question, answer, time.perf_counter() - start, trace)
        if question.evidence:
            row["ranking"] = rank_documents(self._recipe, question).to_dict()
        return row


class BaselineRetrieval:
    """The recipe's search, asked as beleg's is."""

    name = "baseline"

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def ask(self, question: Question) -> Row:
        """Rank the documents."""
        return ranking_row(self._recipe, question)


def recipe_of(goldset: GoldSet, embedder: "Embedder", llm: "LLM | None" = None) -> Recipe:
    """Return the recipe over a gold set, its chunks embedded by the same embedder as it was published."""
    recipe = Recipe(goldset.documents, _as_published(embedder), llm)
    if recipe.chunks:
        recipe.retrieve("Wo?", 1)
    return recipe


def _as_published(embedder: "Embedder") -> "Embedder":
    """Return the embedder without what beleg has fitted to how it reads questions."""
    from eval.vector_cache import with_cache
    from index.embedding import EMBEDDED_MODEL, embedded

    if embedder.name != EMBEDDED_MODEL:
        return embedder
    return with_cache(embedded(None))
