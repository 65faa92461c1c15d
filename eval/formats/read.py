"""The path of a gold set -> its rows: which form it is in is told by what it holds."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eval.formats.feedback import feedback_rows, is_feedback
from eval.formats.rows import Fields, GoldRows, GoldSetError, Row, as_row, json_of, lines_of, table_of
from eval.formats.squad import is_squad, squad_rows
from eval.formats.table import gold_row
from index.document import Document, DocumentError
from index.loading import load_documents

_JSON_LINES = (".jsonl", ".jsonl.gz")
_TABLES = (".csv", ".tsv")
_LISTS = ("data", "examples", "rows", "samples", "questions")
_ENDINGS = (*_JSON_LINES, ".json", *_TABLES)


def read_rows(path: str | Path, documents: Path | None = None) -> GoldRows:
    """Read a folder in our own form, or a file in another form (`eval.formats`).

    Args:
        path: Of the folder or the file.
        documents: Where the documents are: a file of our own form, other files, or a folder of them.

    Raises:
        GoldSetError: A file is missing, or is in no known form.
    """
    path = Path(path)
    if path.is_dir() or not path.suffix:
        return _folder(path, documents)
    if not path.is_file():
        raise GoldSetError(f"{path}: no such file; give a folder of a gold set, or a file ({', '.join(_ENDINGS)})")
    if not path.name.lower().endswith(_ENDINGS):
        raise GoldSetError(f"{path}: unknown form {path.suffix!r}; known are folders and {', '.join(_ENDINGS)}")
    content = json_of(path) if path.suffix.lower() == ".json" else None
    if is_squad(content):
        if documents:
            raise GoldSetError(f"{path}: SQuAD's contexts are its documents; leave --documents out")
        contexts, questions = squad_rows(content, str(path))
        return GoldRows(path.stem, tuple(contexts), tuple(questions), (path,))
    return _rows(path, list(_raw_rows(path, content)), documents)


def _folder(folder: Path, documents: Path | None) -> GoldRows:
    """Read our own form as it stands."""
    candidates = [documents] if documents else [folder / "documents.jsonl", folder / "documents.jsonl.gz"]
    found = next((path for path in candidates if path.exists()), None)
    if not found:
        missing = f"{documents}: no such file" if documents else f"{folder}: holds no documents.jsonl(.gz)"
        raise GoldSetError(f"{missing}; give the folder of a gold set, and --documents FILE where they lie elsewhere")
    questions = folder / "questions.jsonl"
    if not questions.is_file():
        raise GoldSetError(
            f"{folder}: holds no questions.jsonl, so nothing can be measured; add one, one question a line"
        )
    rows, loaded, files = _documents(found)
    name = folder.resolve().name
    return GoldRows(name, rows, _not_empty(questions, lines_of(questions)), (*files, questions), loaded)


def _rows(path: Path, raw: list[Row], documents: Path | None) -> GoldRows:
    """Read rows with columns of any names, our own form and feedback among them."""
    rows, loaded, files = _documents(documents) if documents else ((), (), ())
    questions: list[Row] = []
    contexts: dict[str, Fields] = {}
    if any(is_feedback(row.fields) for row in raw):
        questions = feedback_rows(raw)
    else:
        for row in raw:
            question, found = (row, []) if row.error else gold_row(row, with_contexts=not documents)
            questions.append(question)
            contexts |= {context["id"]: context for context in found}
    if not documents and not contexts:
        raise GoldSetError(f"{path}: its rows hold no contexts to search; give the documents: --documents FILE")
    made = [Row(f"{path}: {name}", context) for name, context in contexts.items()]
    name = path.name.partition(".")[0]
    return GoldRows(name, (*rows, *made), _not_empty(path, questions), (*files, path), loaded)


def _raw_rows(path: Path, content: Any) -> Iterable[Row]:
    """Yield the rows of a file as they stand."""
    if path.name.lower().endswith(_JSON_LINES):
        return lines_of(path)
    if path.suffix.lower() in _TABLES:
        return table_of(path)
    rows = next((content[name] for name in _LISTS if name in content), None) if isinstance(content, dict) else content
    if not isinstance(rows, list):
        raise GoldSetError(f"{path}: expected SQuAD's form, a list of rows, or one under {', '.join(_LISTS)}")
    return [as_row(fields, f"{path}:{number}") for number, fields in enumerate(rows, start=1)]


def _documents(path: Path) -> tuple[tuple[Row, ...], tuple[Document, ...], tuple[Path, ...]]:
    """Read documents: of our own form to be checked, of all others as ``beleg index add`` reads them."""
    if path.name.lower().endswith(_JSON_LINES):
        return _not_empty(path, lines_of(path)), (), (path,)
    try:
        loaded = tuple(load_documents([path]))
    except DocumentError as error:
        raise GoldSetError(str(error)) from error
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    return (), loaded, tuple(files)


def _not_empty(path: Path, rows: Iterable[Row]) -> tuple[Row, ...]:
    found = tuple(rows)
    if not found:
        raise GoldSetError(f"{path}: is empty, expected one JSON object a line; fill it or leave the gold set out")
    return found
