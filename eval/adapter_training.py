"""Questions and the passages that answer them -> low-rank changes of how the encoder reads questions.

The passages' vectors and tokens stay as they are, so that a question can be compared with every passage of its set:
the loss is the cross-entropy of the right passages among all by their vectors, and among the candidates by the score
that the retriever orders by.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from index.e5 import Layer, MultilingualE5, build_layer, read_e5
from index.language import Language
from index.late_interaction import Bits
from index.question_adapter import LAYERS, RANK, SHAPES, write_factors
from index.vectors import Floats, Ints, Mask
from rag.retriever import WEIGHTS

if TYPE_CHECKING:
    import torch

    Factors = tuple[torch.Tensor, torch.Tensor]

_Item = TypeVar("_Item")

EPOCHS = 3
BATCH = 24
CANDIDATES = 48
_RATE = 1e-3
_WARM_STEPS = 20
_TEMPERATURE = 0.02
_DENSE = 0.5  # what the comparison with all passages counts beside that with the candidates
_CLOSENESS = 5.0  # what straying from the vectors of the published model costs
_SHIFT_STEPS = 50  # after so many, the shift of English questions is measured anew


@dataclass(frozen=True)
class Passages:
    """All passages of a gold set: ``(n, dim)`` unit rows, and the packed tokens of each."""

    vectors: Floats
    tokens: Sequence[Bits]


@dataclass(frozen=True)
class Example:
    """A question and what it is compared with.

    Attributes:
        question: Its text.
        language: In which it is read.
        pair: Joins it with its translation.
        passages: All of its gold set.
        right: Those that hold the evidence.
        neutral: Others of the documents that do: neither right nor wrong.
        candidates: What the retriever finds, the right ones first.
        given: What words and place add to each candidate's score.
    """

    question: str
    language: Language
    pair: str
    passages: Passages
    right: Ints
    neutral: Ints
    candidates: Ints
    given: Floats


class Training:
    """Low-rank factors that are being fitted.

    Args:
        model: The encoder as published.
        weights: Its file.
        parallel: German and English questions, for the shift of English ones.
        seed: Of the factors and of the order of the examples.
    """

    def __init__(
        self, model: MultilingualE5, weights: Path, parallel: Sequence[tuple[str, str]], seed: int = 0
    ) -> None:
        import torch

        self._model, self._parallel = model, parallel
        file = read_e5(weights.read_bytes())
        self._layers = [build_layer(file, number) for number in range(file.layers - LAYERS, file.layers)]
        dice = torch.Generator().manual_seed(seed)
        self._order = random.Random(seed)  # noqa: S311 - an order, not a secret
        self._factors: list[dict[str, Factors]] = [
            {
                name: (
                    (torch.randn(RANK, inputs, generator=dice) / math.sqrt(inputs)).requires_grad_(),
                    torch.zeros(outputs, RANK).requires_grad_(),
                )
                for name, (outputs, inputs) in SHAPES.items()
            }
            for _ in self._layers
        ]
        self._begun: dict[str, tuple[torch.Tensor, Ints]] = {}

    def run(self, examples: Sequence[Example], progress: Callable[[int, int], None], epochs: int = EPOCHS) -> None:
        """Fit the factors; ``progress`` is told the steps done and in all."""
        import torch

        numbers = [factor for layer in self._factors for pair in layer.values() for factor in pair]
        optimizer = torch.optim.AdamW(numbers, lr=_RATE, weight_decay=0.0)
        published = self._vectors([example.question for example in examples])
        steps = epochs * math.ceil(len(examples) / BATCH)
        for step, batch in enumerate(self._batches(examples, epochs)):
            if step % _SHIFT_STEPS == 0:
                shift = self._shift()
            for group in optimizer.param_groups:
                group["lr"] = _RATE * min(1.0, (step + 1) / _WARM_STEPS) * max(0.05, 1 - step / steps)
            near = torch.stack([published[example.question] for example in batch])
            optimizer.zero_grad()
            self._loss(batch, near, shift).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(numbers, 1.0)
            optimizer.step()
            progress(step + 1, steps)

    def save(self, path: Path) -> None:
        """Write what ``index.question_adapter`` reads."""
        write_factors(
            path,
            [
                {name: [factor.detach().numpy() for factor in pair] for name, pair in layer.items()}
                for layer in self._factors
            ],
        )

    def _batches(self, examples: Sequence[Example], epochs: int) -> Iterator[Sequence[Example]]:
        for _ in range(epochs):
            yield from _slices(self._order.sample(examples, len(examples)))

    # What is read

    def _read(self, questions: Sequence[str]) -> "tuple[torch.Tensor, list[torch.Tensor]]":
        """Return ``(n, hidden)`` unit vectors, and the states of each question's tokens that count."""
        import torch
        from torch.nn import functional

        for question in questions:
            if question not in self._begun:
                self._begun[question] = self._model.begin_question(question)
        begun = [self._begun[question] for question in questions]
        states = torch.nn.utils.rnn.pad_sequence([lower for lower, _ in begun], batch_first=True)
        lengths = torch.tensor([len(lower) for lower, _ in begun])
        mask = torch.arange(states.shape[1]) < lengths[:, None]
        for layer in self._changed():
            states = layer(states, mask[:, None, None, :], self._model.heads, self._model.epsilon)
        states = states.float()
        means = (states * mask[..., None]).sum(1) / lengths[:, None]
        return functional.normalize(means, dim=-1), [of[kept] for of, (_, kept) in zip(states, begun, strict=True)]

    def _changed(self) -> list[Layer]:
        return [
            layer.changed({name: up @ down for name, (down, up) in factors.items()}).rounded()
            for layer, factors in zip(self._layers, self._factors, strict=True)
        ]

    def _vectors(self, questions: Sequence[str]) -> "dict[str, torch.Tensor]":
        import torch

        with torch.no_grad():
            return {
                question: vector
                for batch in _slices(list(dict.fromkeys(questions)))
                for question, vector in zip(batch, self._read(batch)[0], strict=True)
            }

    def _shift(self) -> "torch.Tensor":
        """Measure what ``rag.language.language_shift`` measures, with the factors as they are."""
        import torch

        vectors = self._vectors([question for pair in self._parallel for question in pair])
        return torch.stack([vectors[german] - vectors[english] for german, english in self._parallel]).mean(0)

    # How well

    def _loss(self, batch: Sequence[Example], published: "torch.Tensor", shift: "torch.Tensor") -> "torch.Tensor":
        import torch
        from torch.nn import functional

        vectors, tokens = self._read([example.question for example in batch])
        closeness = 1 - (vectors * published).sum(1)
        losses = []
        for example, vector, of_question in zip(batch, vectors, tokens, strict=True):
            own = functional.normalize(vector + shift, dim=-1) if example.language == "en" else vector
            losses.append(self._candidates_loss(example, own, of_question) + _DENSE * _dense_loss(example, own))
        return torch.stack(losses).mean() + _CLOSENESS * closeness.mean()

    def _candidates_loss(self, example: Example, vector: "torch.Tensor", states: "torch.Tensor") -> "torch.Tensor":
        """Compare the candidates by the score that the retriever orders them by."""
        import torch

        dense = torch.from_numpy(example.passages.vectors[example.candidates]) @ vector
        late = self._late(example, states)
        scores = dense + WEIGHTS[example.language].late * late + torch.from_numpy(example.given)
        return _cross_entropy(scores, torch.from_numpy(np.isin(example.candidates, example.right)))

    def _late(self, example: Example, states: "torch.Tensor") -> "torch.Tensor":
        """Score the candidates as ``index.late_interaction.late_scores`` does."""
        import torch
        from torch.nn import functional

        mean = torch.from_numpy(self._model.question_mean(example.language))
        own = functional.normalize(functional.normalize(states, dim=-1) - mean, dim=-1)
        signs, mask = _padded_signs([example.passages.tokens[number] for number in example.candidates])
        cosines = torch.from_numpy(signs) @ own.T
        best = cosines.masked_fill(~torch.from_numpy(mask)[..., None], -1.0).amax(1)
        return best.mean(1) * torch.from_numpy(mask.any(1))


def _slices(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))


def _dense_loss(example: Example, vector: "torch.Tensor") -> "torch.Tensor":
    """Compare all passages by their vectors."""
    import torch

    cosines = torch.from_numpy(example.passages.vectors) @ vector
    right = torch.zeros(len(cosines), dtype=torch.bool)
    right[torch.from_numpy(example.right)] = True
    kept = torch.ones_like(right)
    kept[torch.from_numpy(example.neutral)] = False
    return _cross_entropy(cosines[kept], right[kept])


def _cross_entropy(scores: "torch.Tensor", right: "torch.Tensor") -> "torch.Tensor":
    """Return how improbable it is to draw a right one: 0 where all are right."""
    scaled = scores / _TEMPERATURE
    return scaled.logsumexp(0) - scaled[right].logsumexp(0)


def _padded_signs(passages: Sequence[Bits]) -> tuple[Floats, Mask]:
    """Return unit vectors out of packed tokens, ``(passages, tokens, dim)``, and which of them are there.

    >>> signs, mask = _padded_signs([np.array([[0, 0, 0, 0, 255]], np.uint8), np.empty((0, 5), np.uint8)])
    >>> signs.shape, mask.tolist(), signs[0, 0, 0].round(3)
    ((2, 1, 8), [[True], [False]], np.float32(0.354))
    """
    width, longest = passages[0].shape[1] - 4, max(1, *(len(rows) for rows in passages))
    padded = np.zeros((len(passages), longest, width), np.uint8)
    mask = np.zeros((len(passages), longest), np.bool_)
    for number, rows in enumerate(passages):
        padded[number, : len(rows)] = rows[:, 4:]
        mask[number, : len(rows)] = True
    signs = np.unpackbits(padded, axis=2).astype(np.float32) * 2 - 1
    return signs / np.float32(math.sqrt(8 * width)), mask
