"""Pairs of a sentence and a quote -> how many unsupported ones the check catches, how many right ones it drops."""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from index.language import Language
from rag.evidence import Evidence
from rag.grounding import Verdict, check_sentence

Half = Literal["build", "held_out", "hard", "all"]

PAIRS = Path(__file__).parent / "gold" / "grounding" / "pairs.jsonl"
HALVES: tuple[Half, ...] = ("build", "held_out", "hard", "all")


@dataclass(frozen=True)
class Pair:
    """A sentence, the German quote it cites, and whether the quote carries it.

    ``change`` names the one respect in which an unsupported sentence departs from its quote. The rules were made while
    looking at ``build`` and ``hard``, which is mostly exchanged roles. No sentence of ``held_out`` was looked at, but
    its rates helped to choose among rules, so that they flatter a little.
    """

    id: str
    sentence: str
    language: Language
    quote: str
    title: str
    question: str
    supported: bool
    change: str | None
    half: Half


def read_pairs(path: Path = PAIRS, half: Half = "all") -> list[Pair]:
    """Return the pairs of one part of the set.

    >>> sum(len(read_pairs(half=half)) for half in HALVES[:3]) == len(read_pairs(half="all"))
    True
    """
    pairs = [Pair(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]
    return [pair for pair in pairs if half in ("all", pair.half)]


def judge(pair: Pair) -> Verdict:
    """Check one sentence as the assistant would."""
    evidence = Evidence(pair.id, pair.title, pair.quote, 0, len(pair.quote), 1.0)
    return check_sentence(pair.sentence, [evidence], pair.question, pair.language)


@dataclass(frozen=True)
class Rate:
    """So many of so many."""

    hits: int
    n: int

    @property
    def share(self) -> float:
        """In [0, 1]; 0 of none."""
        return self.hits / self.n if self.n else 0.0

    def __str__(self) -> str:
        return f"{self.share:.3f} ({self.hits}/{self.n})"


def rates(pairs: Sequence[Pair]) -> dict[str, Rate]:
    """Return the share caught of the unsupported, in all and by language and change, and the false alarms.

    A false alarm is a supported sentence that the check drops.
    """
    found: dict[str, list[bool]] = defaultdict(list)
    for pair in pairs:
        alarm = not judge(pair).supported
        for name in _names(pair):
            found[name].append(alarm)
    return {name: Rate(sum(alarms), len(alarms)) for name, alarms in sorted(found.items())}


def _names(pair: Pair) -> Iterable[str]:
    """Yield the figures that a pair counts for."""
    base = "false_alarms" if pair.supported else "caught"
    yield from (base, f"{base}/{pair.language}")
    if pair.change:
        yield from (f"caught/{pair.change}", f"caught/{pair.change}/{pair.language}")


def run_grounding(half: Half = "all", json_file: Path | None = None) -> None:
    """Print the rates of each half, and write them as JSON."""
    halves = [half] if half != "all" else HALVES[:-1]
    report = {name: rates(read_pairs(half=name)) for name in halves}
    for name, figures in report.items():
        print(name)  # noqa: T201
        for figure, rate in figures.items():
            print(f"  {figure:26} {rate}")  # noqa: T201
    if json_file:
        shares = {name: {key: rate.share for key, rate in figures.items()} for name, figures in report.items()}
        json_file.write_text(json.dumps(shares, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Measure the check of answer sentences against their quotes.")
    parser.add_argument("--half", choices=HALVES, default="all")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    run_grounding(given.half, given.json)


if __name__ == "__main__":
    main()
