"""How fast and how safely each reader reads real files: python -m eval.reading PATH… [--json]; one core."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from index.document import DocumentError
from index.formats import PLAIN, READERS, ROWS, Reader, reader_in

_MEASURED = READERS.keys() - PLAIN - ROWS


@dataclass(frozen=True)
class Reading:
    """What came of the files of one format; seconds are those of the processor."""

    format: str
    files: int
    failures: tuple[str, ...]
    pages: int
    megabytes: float
    letters: int
    seconds: float

    @property
    def pages_per_second(self) -> float:
        """Pages read in a second; 0 where the format has none."""
        return self.pages / self.seconds if self.seconds else 0.0

    @property
    def megabytes_per_second(self) -> float:
        """Megabytes of files read in a second."""
        return self.megabytes / self.seconds if self.seconds else 0.0


def measure(paths: Iterable[Path]) -> list[Reading]:
    """Read files, and those in folders, with the reader of their format, one after the other.

    >>> measure([])
    []
    """
    files = sorted(file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())
    formats = sorted({ending for file in files if (ending := file.suffix.lower()) in _MEASURED})
    return [
        _measure(ending, reader_in(READERS[ending]), [file for file in files if file.suffix.lower() == ending])
        for ending in formats
    ]


def _measure(ending: str, read: Reader, files: Sequence[Path]) -> Reading:
    failures: list[str] = []
    pages = letters = 0
    size = sum(file.stat().st_size for file in files)
    started = _processor_seconds()
    for file in files:
        try:
            documents = list(read(file))
        except DocumentError as error:
            failures.append(str(error))
            continue
        except Exception as error:  # noqa: BLE001 - a reader that breaks is what this looks for
            failures.append(f"{file}: BROKEN: {type(error).__name__}: {error}")
            continue
        pages += sum(len({place.page for place in document.places if place.page}) for document in documents)
        letters += sum(len(document.text) for document in documents)
    seconds = _processor_seconds() - started
    return Reading(ending, len(files), tuple(failures), pages, size / 1e6, letters, seconds)


def _processor_seconds() -> float:
    """Return the time of the processor that this process has had, and those that it started."""
    return sum(os.times()[:4])


def _line(reading: Reading) -> str:
    rate = f"{reading.pages_per_second:.1f} pages/s" if reading.pages else f"{reading.megabytes_per_second:.2f} MB/s"
    counts = f"{reading.files} files, {reading.pages} pages, {reading.megabytes:.1f} MB, {reading.letters} characters"
    return f"{reading.format}: {counts}, {reading.seconds:.1f} s, {rate}, {len(reading.failures)} failures"


def main(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON")] = False,
) -> None:
    """Read files with the reader of their format and print how fast, and what failed."""
    readings = measure(paths)
    if as_json:
        rates = [(one.pages_per_second, one.megabytes_per_second) for one in readings]
        rows = [
            asdict(one) | {"pages_per_second": pages, "megabytes_per_second": megabytes}
            for one, (pages, megabytes) in zip(readings, rates, strict=True)
        ]
        sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
        return
    for reading in readings:
        sys.stdout.write("\n".join([_line(reading), *(f"  {failure}" for failure in reading.failures)]) + "\n")


if __name__ == "__main__":
    typer.run(main)
