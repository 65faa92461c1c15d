"""A report or a comparison as tables: for the terminal, as Markdown, for a notebook."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from eval.compare import Changed, Comparison, against_baseline
from eval.intervals import Difference

LANGUAGES = {"de": "German question", "en": "English question"}
_SHOWN_CHANGES = 20
_SHOWN_SETTINGS = 8


@dataclass(frozen=True)
class Table:
    """Cells of text; the first column names the rows."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def report_tables(result: Mapping[str, Any]) -> Iterator[Table]:
    """Yield the figures, German against English where questions are there in both, and against the usual recipe."""
    languages = result["languages"]
    bounds = result.get("intervals", {})
    names = list(next(iter(languages.values()), {}))
    rows = [
        [
            name,
            *(
                with_interval(name, figures[name], (bounds.get(language) or {}).get(name))
                for language, figures in languages.items()
            ),
        ]
        for name in names
    ]
    title = result["dataset"]["name"] + (", the usual recipe" if result.get("system") == "baseline" else "")
    yield Table(title, ["", *(LANGUAGES[language] for language in languages)], rows)
    if judge := result.get("judge"):
        told = [[name, format_figure(name, value)] for name, value in judge.items()]
        yield Table("the judge of judge_right, against labels of ours", ["", "judge"], told)
    if gap := result.get("gap"):
        yield _gap_table(gap)
    if comparison := against_baseline(result):
        yield from _difference_tables(comparison, ("usual recipe", "beleg"))


def comparison_tables(comparison: Comparison, names: tuple[str, str] = ("before", "after")) -> Iterator[Table]:
    """Yield the differences, the questions that changed, worse ones first, and the settings that differ."""
    yield from _difference_tables(comparison, names)
    if changed := comparison.changed:
        title = f"{len(changed)} questions changed, the worst {min(len(changed), _SHOWN_CHANGES)}"
        yield Table(title, ["question", "what", *names], [_changed_row(one) for one in changed[:_SHOWN_CHANGES]])
    if settings := comparison.settings:
        yield Table("other settings", ["what"], [[told] for told in settings[:_SHOWN_SETTINGS]])


def _gap_table(gap: Mapping[str, Any]) -> Table:
    rows = [
        [
            name,
            format_figure(name, one["de"]),
            format_figure(name, one["en"]),
            _signed(Difference(one["en"], one["de"], one["low"], one["high"])),
        ]
        for name, one in gap["metrics"].items()
    ]
    return Table(f"{gap['pairs']} questions in both languages", ["", "German", "English", "German − English"], rows)


def _difference_tables(comparison: Comparison, names: tuple[str, str]) -> Iterator[Table]:
    for language, figures in comparison.languages.items():
        rows = [
            [name, format_figure(name, one.before), format_figure(name, one.after), _signed(one), _verdict(one)]
            for name, one in figures.items()
        ]
        yield Table(f"{LANGUAGES[language]}, n = {comparison.n[language]}", ["", *names, "difference", ""], rows)


def _changed_row(changed: Changed) -> list[str]:
    what = ", ".join(f"{name} {_short(one)} → {_short(other)}" for name, (one, other) in changed.values.items())
    return [f"{changed.question} ({changed.id})", what, changed.before, changed.after]


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "/".join(_short(part) for part in value)
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else "–" if value is None else str(value)


def _verdict(found: Difference) -> str:
    return "worse" if found.worse else "better" if found.better else ""


def format_figure(name: str, value: Any) -> str:
    """Show a figure: a share with three digits, seconds with their unit, a dash where nothing was to count.

    >>> format_figure("f1", 2 / 3), format_figure("f1", None), format_figure("seconds_p50", 0.0173)
    ('0.667', '–', '0.017 s')
    >>> format_figure("status", {"answered": 3, "abstained": 1})
    '3 answered, 1 abstained'
    """
    if value is None:
        return "–"
    if isinstance(value, dict):
        return ", ".join(f"{count} {key}" for key, count in value.items())
    if name.startswith("seconds"):
        return f"{value:.3f} s"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3f}"
    return str(value)


def with_interval(name: str, value: Any, bounds: Sequence[float] | None) -> str:
    """Show a figure with the interval it lies in by chance of the questions drawn.

    >>> with_interval("f1", 0.6, (0.5, 0.71))
    '0.600 (0.500–0.710)'
    """
    shown = format_figure(name, value)
    if value is None or not bounds:
        return shown
    low, high = (format_figure(name, bound).removesuffix(" s") for bound in bounds)
    return f"{shown} ({low}–{high})"


def _signed(found: Difference) -> str:
    if found.value is None:
        return "–"
    shown = f"{found.value:+.3f}" if abs(found.value) < 100 else f"{found.value:+.0f}"
    if found.low is None or found.high is None:
        return shown
    low, high = (f"{bound:+.3f}" if abs(bound) < 100 else f"{bound:+.0f}" for bound in (found.low, found.high))
    return f"{shown} ({low} to {high})"


def print_tables(tables: Iterator[Table]) -> None:
    """Print to the terminal; what a document or a model says must not steer it."""
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console()
    for table in tables:
        shown = RichTable(title=Text(_printable(table.title)))
        for place, column in enumerate(table.columns):
            is_figure = place > 0 and "what" not in table.columns
            shown.add_column(column, justify="right" if is_figure else "left", overflow="fold")
        for row in table.rows:
            shown.add_row(*(Text(_printable(cell)) for cell in row))
        console.print(shown)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def markdown(result: Mapping[str, Any]) -> str:
    """Write a report as Markdown, with what decided its figures."""
    facts = f"{result['kind']}, beleg {result['beleg']}, {result['date']}, embedder {result['embedder']['name']}"
    model = result.get("llm", {}).get("name")
    tables = "\n".join(markdown_table(table) for table in report_tables(result))
    facts += f", model {model}" if model else ""
    return f"# {_cell(result['dataset']['name'])}\n\n{_cell(facts)}\n\n{tables}"


def markdown_table(table: Table) -> str:
    r"""Write one table; what a document or a model says stays text in its cell.

    >>> print(markdown_table(Table("probe", ["", "German"], [["f1", "0.5 | <b>"]])))
    ## probe
    <BLANKLINE>
    | | German |
    |---|---|
    | f1 | 0.5 \| &lt;b&gt; |
    <BLANKLINE>
    """
    lines = [table.columns, ["---"] * len(table.columns), *([_cell(cell) for cell in row] for row in table.rows)]
    head, line, *rows = lines
    shown = [f"| {' | '.join(head)} |".replace("|  |", "| |"), f"|{'|'.join(line)}|"]
    return "\n".join([f"## {_cell(table.title)}", "", *shown, *(f"| {' | '.join(row)} |" for row in rows), ""])


def _cell(text: str) -> str:
    plain = escape(_printable(" ".join(text.split())), quote=False)
    return re.sub(r"([\\|\[\]`!]|\*|(?<!\w)_|_(?!\w))", r"\\\1", plain)


def html_table(result: Mapping[str, Any]) -> str:
    """Write a report's tables for a notebook or a page."""
    return "".join(_html(table) for table in report_tables(result))


def _html(table: Table) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

    rows = "".join(row(cells, "td") for cells in table.rows)
    caption = f"<caption>{escape(table.title)}</caption>"
    return f"<table>{caption}<thead>{row(table.columns, 'th')}</thead><tbody>{rows}</tbody></table>"
