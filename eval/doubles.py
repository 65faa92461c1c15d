"""Questions -> those that ask the same, word for word or nearly."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from eval.metrics import normalise_answer

LEAST_ALIKE = 0.8
_LENGTH = 4  # letters of a piece


def near_doubles(questions: Sequence[str], least: float = LEAST_ALIKE) -> Iterator[tuple[int, int, float]]:
    """Yield the numbers of two questions, the earlier first, and how alike they are: the Jaccard index of their pieces.

    A piece is four letters in a row, of the words that `normalise_answer` leaves. Two questions with different numbers
    ask for different things, however alike.

    Pairs are looked for only where their rarest pieces meet, which finds all of them: Bayardo, Ma, Srikant (2007),
    Scaling Up All Pairs Similarity Search.

    >>> list(near_doubles(["Wer war Robert Koch?", "Wann starb Koch?", "Wer war der Robert Koch"]))
    [(0, 2, 1.0)]
    """
    pieces = [_pieces(question) for question in questions]
    counts = Counter(piece for one in pieces for piece in one)
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(pieces):
        rarest = sorted(one, key=lambda piece: (counts[piece], piece))
        prefix = rarest[: len(rarest) - math.ceil(least * len(rarest)) + 1]
        for other in sorted({other for piece in prefix for other in holders[piece]}):
            alike = len(one & pieces[other]) / len(one | pieces[other])
            if alike >= least and _numbers(questions[number]) == _numbers(questions[other]):
                yield other, number, alike
        for piece in prefix:
            holders[piece].append(number)


def _pieces(question: str) -> set[str]:
    text = f" {normalise_answer(question)} "
    return {text[start : start + _LENGTH] for start in range(max(1, len(text) - _LENGTH + 1))}


def _numbers(question: str) -> list[str]:
    return re.findall(r"\d+", question)
