"""What the encoder's upper layers do otherwise where they read a question, not a passage.

A low-rank change of their linear maps (Hu et al. 2021, LoRA: Low-Rank Adaptation of Large Language Models), fitted on
public questions and the passages that answer them by ``python -m eval.adaptation``. Passages are read as the model was
published, so that no index has to be made anew.

On disk: float16, little-endian; for each of the ``LAYERS`` uppermost layers, for each map of ``MAPS``, the factor
``(RANK, in)``, then the factor ``(out, RANK)``.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Change = dict[str, Floats]
"""Name of a map -> what is added to its weight, ``(out, in)``."""
Factors = tuple[Floats, Floats]
"""``(RANK, in)`` and ``(out, RANK)``; their product is the change."""

QUESTION_ADAPTER = Path(__file__).with_name("e5_question_adapter.f16")
RANK = 8
LAYERS = 6
MAPS = ("query_key_value", "mix", "widen", "narrow")
_HIDDEN, _WIDE = 384, 1536
SHAPES: dict[str, tuple[int, int]] = dict(
    zip(MAPS, ((3 * _HIDDEN, _HIDDEN), (_HIDDEN, _HIDDEN), (_WIDE, _HIDDEN), (_HIDDEN, _WIDE)), strict=True)
)
"""``(out, in)`` of each map's weight."""


def read_changes(path: Path) -> list[Change]:
    """Return the change of each of the uppermost layers, the lowest of them first."""
    numbers = np.fromfile(path, "<f2").astype(np.float32)
    changes: list[Change] = []
    at = 0
    for _ in range(LAYERS):
        change: Change = {}
        for name, (outputs, inputs) in SHAPES.items():
            middle, end = at + RANK * inputs, at + RANK * (inputs + outputs)
            change[name] = numbers[middle:end].reshape(outputs, RANK) @ numbers[at:middle].reshape(RANK, inputs)
            at = end
        changes.append(change)
    return changes


def write_factors(path: Path, layers: Iterable[Mapping[str, Sequence[Any]]]) -> None:
    """Write what ``read_changes`` reads.

    Args:
        path: Of the file.
        layers: The factors of each map of each of the uppermost layers, the lowest of them first.

    >>> import tempfile
    >>> factors = {name: (np.ones((RANK, n)), np.ones((m, RANK))) for name, (m, n) in SHAPES.items()}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_factors(Path(folder, "adapter.f16"), [factors] * LAYERS)
    ...     changes = read_changes(Path(folder, "adapter.f16"))
    >>> len(changes), changes[0]["mix"].shape, changes[5]["widen"][0, 0]
    (6, (384, 384), np.float32(8.0))
    """
    factors = (factor for layer in layers for name in MAPS for factor in layer[name])
    path.write_bytes(b"".join(np.asarray(factor, "<f2").tobytes() for factor in factors))


def fingerprint(path: Path) -> str:
    """Return what tells the vectors of questions read with one file from those read with another."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
