"""In place of a model: vectors and tokens that were made elsewhere, in another index or by other processes."""

from collections.abc import Callable, Sequence

import numpy as np

from index.e5 import Role, Vectors
from index.embedding import EMBEDDED_DIMENSION, EMBEDDED_MODEL, Embedder, embedded_fingerprint, load_embedder
from index.language import Language
from index.late_interaction import Bits, Tokens
from index.manifest import EmbedderIdentity, identity
from index.protocol import StoredDocument
from index.settings import index_settings
from index.vectors import Floats


def settled_identity() -> EmbedderIdentity:
    """Return which embedder the settings name; the embedded one is not loaded for it.

    Raises:
        EmbeddingError: Another one cannot be had.
    """
    name = index_settings().embedding_model
    if name == EMBEDDED_MODEL:
        return EmbedderIdentity(name, embedded_fingerprint(), EMBEDDED_DIMENSION)
    return identity(load_embedder(name))


class CarriedEmbedder(Embedder):
    """Gives the vectors and tokens that passages have already.

    A passage that has none, for its text is divided in another way here, goes to the model, which is loaded then.

    >>> from index.document import Document
    >>> carried = CarriedEmbedder(EmbedderIdentity("lengths", "1", 2))
    >>> tokens = [np.empty((0, 4), np.uint8)]
    >>> carried.keep(StoredDocument(Document("a", "", "Uhr"), ["Uhr"], np.array([[0.6, 0.8]], np.float32), tokens))
    >>> carried.embed_passages(["Uhr"])[0].tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """

    def __init__(self, identity: EmbedderIdentity) -> None:
        super().__init__(identity.name, identity.fingerprint, identity.dimension, self._encode_by_model)
        self._kept: dict[str, tuple[Floats, Bits]] = {}
        self._identity = identity

    def keep(self, stored: StoredDocument) -> None:
        """Keep the vectors and tokens of a document's passages until the next passages are asked for."""
        self._kept |= zip(stored.passages, zip(stored.vectors, stored.tokens, strict=True), strict=True)

    def embed_passages(
        self, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> tuple[Vectors, list[Bits]]:
        """Return the vectors and tokens kept."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._kept]
        if missing:
            self._kept |= zip(missing, zip(*self._model().embed_passages(missing), strict=True), strict=True)
        found = [self._kept[text] for text in texts]
        self._kept = {}
        if progress:
            progress(len(texts), len(texts))
        return np.array([vector for vector, _ in found], np.float32), [tokens for _, tokens in found]

    def embed_question(self, text: str, language: Language) -> tuple[Vectors, Tokens]:
        """Leave questions to the model."""
        return self._model().embed_question(text, language)

    def _encode_by_model(self, texts: list[str], role: Role) -> Vectors:
        model = self._model()
        return model.embed_queries(texts) if role == "query" else model.embed_documents(texts)

    def _model(self) -> Embedder:
        model = load_embedder()
        self._identity.check(model, "the source")
        return model
