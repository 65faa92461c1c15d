"""Figures that a build insists on: ``--fail-under f1=0.6``, ``--fail-over en:refused_answerable=0.1``."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from index.errors import BelegError

_FORM = re.compile(r"(?:(?P<language>de|en):)?(?P<metric>[^=:]+)=(?P<value>-?\d+(?:\.\d+)?)")


class LimitError(BelegError):
    """A limit that cannot be understood, or was not kept."""


@dataclass(frozen=True)
class Limit:
    """A figure's bound.

    Attributes:
        metric: Its name.
        value: The least that it may be, or the most.
        language: Of the questions; ``None``: both.
        most: Whether the value is the most.
    """

    metric: str
    value: float
    language: str | None = None
    most: bool = False

    def broken(self, languages: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Say in which languages the bound is not kept; a figure with nothing to count does not keep it.

        Raises:
            LimitError: The report has no such figure.

        >>> Limit("f1", 0.6).broken({"de": {"f1": 0.61}, "en": {"f1": 0.5}})
        ['en:f1 is 0.500, expected at least 0.6']
        """
        wanted = [language for language in languages if self.language in (None, language)]
        if not wanted or any(self.metric not in languages[language] for language in wanted):
            known = ", ".join(name for name in next(iter(languages.values()), {}) if name not in {"n", "status"})
            raise LimitError(f"the report has no figure {self.metric!r} for these questions, expected one of {known}")
        return [
            f"{language}:{self.metric} is {_shown(figure)}, expected at {'most' if self.most else 'least'} {self.value}"
            for language in wanted
            if not self._keeps(figure := languages[language][self.metric])
        ]

    def _keeps(self, figure: float | None) -> bool:
        return figure is not None and (figure <= self.value if self.most else figure >= self.value)


def _shown(figure: float | None) -> str:
    return "nothing" if figure is None else f"{figure:.3f}"


def read_limits(under: Iterable[str], over: Iterable[str] = ()) -> list[Limit]:
    """Read ``METRIC=VALUE`` or ``de:METRIC=VALUE``.

    Raises:
        LimitError: A text has another form.

    >>> read_limits(["de:recall@5=0.9"], ["seconds_p95=8"])[0]
    Limit(metric='recall@5', value=0.9, language='de', most=False)
    """
    return [
        *(_limit("--fail-under", text, most=False) for text in under),
        *(_limit("--fail-over", text, most=True) for text in over),
    ]


def _limit(option: str, text: str, *, most: bool) -> Limit:
    read = _FORM.fullmatch(text.strip())
    if not read:
        raise LimitError(f"{option} is {text!r}, expected METRIC=VALUE or de:METRIC=VALUE, for example f1=0.6")
    return Limit(read["metric"], float(read["value"]), read["language"], most)


def require_limits(limits: Iterable[Limit], languages: Mapping[str, Mapping[str, Any]]) -> None:
    """Insist on the limits.

    Raises:
        LimitError: One is not kept; the text names all that are not.
    """
    broken = [told for limit in limits for told in limit.broken(languages)]
    if broken:
        raise LimitError("; ".join(broken))
