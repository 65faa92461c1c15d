"""Do two judges say the same?"""

from collections import Counter
from collections.abc import Hashable, Sequence


def cohen_kappa(one: Sequence[Hashable], other: Sequence[Hashable]) -> float | None:
    """Agreement of two judges beyond chance, at most 1; 0 is chance, None without cases.

    ``kappa = (p_o - p_e) / (1 - p_e)``, where p_o is the share of cases judged alike and ``p_e = sum over labels of
    share_one(label) * share_other(label)``. Where both judges give one and the same label throughout, it is 1.
    Source: Cohen (1960), A Coefficient of Agreement for Nominal Scales.

    >>> cohen_kappa([True, True, False, False], [True, True, False, True])
    0.5
    """
    if not one:
        return None
    n = len(one)
    observed = sum(first == second for first, second in zip(one, other, strict=True)) / n
    first_counts, second_counts = Counter(one), Counter(other)
    expected = sum(first_counts[label] * second_counts[label] for label in first_counts) / n**2
    return 1.0 if expected == 1 else (observed - expected) / (1 - expected)
