"""What many tests share: an embedder with a geometry that can be worked out by hand."""

import re
import zlib

import numpy as np
import pytest

from index.embedding import Embedder, Role, Vectors


class WordEmbedder(Embedder):
    """Texts are near where they share words; questions and passages lie in one space.

    A text's vector is the sum of its words' unit vectors along axes chosen by hash, scaled to unit length.
    """

    def __init__(self, name: str = "words", dimension: int = 64, fingerprint: str = "sha256:words/1") -> None:
        super().__init__(name, fingerprint, dimension, self._count_words)

    def _count_words(self, texts: list[str], role: Role) -> Vectors:
        counts = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.casefold()) or [""]:
                counts[row, zlib.crc32(word.encode()) % self.dimension] += 1
        return counts


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()
