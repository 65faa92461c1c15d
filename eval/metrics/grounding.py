"""What the check of the sentences against their quotes found."""

from collections import Counter
from collections.abc import Iterable
from typing import Protocol


class Checked(Protocol):
    """The verdict on one sentence of a draft."""

    @property
    def supported(self) -> bool:
        """Whether its evidence carries it."""

    @property
    def kind(self) -> str:
        """The rule that found what is not carried; "" where it is supported."""


def verdict_shares(verdicts: Iterable[Checked]) -> dict[str, float]:
    """Share of the checked sentences that were supported, and that each rule dropped; together 1, empty without any.

    ``share(kind) = sentences of the kind / all sentences``. After attribution to identified sources (Rashkin et al.
    (2023), Measuring Attribution in Natural Language Generation Models); the judge here is our code, not a person.

    >>> from rag.grounding import Verdict
    >>> found = [Verdict("a", True), Verdict("b", True), Verdict("c", True), Verdict("d", False, kind="number")]
    >>> verdict_shares(found)
    {'supported': 0.75, 'number': 0.25}
    """
    counts = Counter("supported" if verdict.supported else verdict.kind or "other" for verdict in verdicts)
    return {kind: count / counts.total() for kind, count in counts.most_common()}
