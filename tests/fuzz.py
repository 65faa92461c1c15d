"""Coverage-guided fuzzing of a reader, or of the manifest: any bytes give documents or a named error, nothing else.

    .venv/bin/python -m tests.fuzz html --seconds 1800        # txt, md, jsonl, html, epub, docx, pdf, manifest, texts

Needs the extra "fuzz" (atheris). Seeds are made by the tests' own writers of files; a finding ends the run with its
traceback and is written as ``crash-…`` into the folder that ``--artifacts`` names.
"""

import argparse
import io
import logging
import random
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

TEXT = "Die Messe begann im Juli. § 5 Abs. 2 BGB gilt.\n\nSie dauerte drei Tage – „sehr gut“."
HTML = f"<html><head><title>Messe</title></head><body><h1>Ä</h1><p style='color:red'>{TEXT}</p></body></html>"


def seeds(kind: str) -> list[bytes]:
    """Return small files of a kind."""
    rows = f'{{"id": "a", "title": "Messe", "text": "{TEXT.splitlines()[0]}"}}\n'.encode()
    made: dict[str, Callable[[], list[bytes]]] = {
        "txt": lambda: [TEXT.encode(), TEXT.encode("cp1252", "replace"), TEXT.encode("utf-16")],
        "md": lambda: [f"# Messe\n\n{TEXT}\n\n- a\n- b\n".encode()],
        "jsonl": lambda: [rows],
        "html": lambda: [HTML.encode()],
        "docx": lambda: [_docx()],
        "epub": lambda: [_epub()],
        "pdf": lambda: [_pdf()],
        "manifest": lambda: [_manifest()],
        "texts": lambda: [TEXT.encode()],
    }
    return made[kind]()


def _docx() -> bytes:
    """Return a small document by hand: python-docx's template is forty times as large, and slow to read."""
    word = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    relations = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
    parts = ("document", "styles", "numbering", "footnotes")
    overrides = "".join(
        f'<Override PartName="/word/{part}.xml" ContentType="{kind}.{part}{".main" * (part == "document")}+xml"/>'
        for part in parts
    )
    inner = "".join(
        f'<Relationship Id="r{part}" Type="{office}/{part}" Target="{part}.xml"/>'
        for part in parts
        if part != "document"
    )
    note = '<w:footnote w:id="2"><w:p><w:r><w:t>Eine Note.</w:t></w:r></w:p></w:footnote>'
    style = '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style>'
    level = '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>'
    numbers = f'<w:abstractNum w:abstractNumId="0">{level}</w:abstractNum>'
    numbers += '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
    listed = '<w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr>'
    cell = "<w:tc><w:p><w:r><w:t>Zelle</w:t></w:r></w:p></w:tc>"
    body = (
        '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Messe</w:t></w:r></w:p>'
        f'<w:p>{listed}<w:r><w:t>{TEXT}</w:t><w:footnoteReference w:id="2"/></w:r></w:p>'
        f"<w:tbl><w:tr>{cell}{cell}</w:tr></w:tbl>"
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
            f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{overrides}</Types>',
        )
        target = f'<Relationship Id="r" Type="{office}/officeDocument" Target="word/document.xml"/>'
        archive.writestr("_rels/.rels", f"<Relationships {relations}>{target}</Relationships>")
        archive.writestr("word/_rels/document.xml.rels", f"<Relationships {relations}>{inner}</Relationships>")
        archive.writestr("word/document.xml", f"<w:document {word}><w:body>{body}</w:body></w:document>")
        archive.writestr("word/styles.xml", f"<w:styles {word}>{style}</w:styles>")
        archive.writestr("word/numbering.xml", f"<w:numbering {word}>{numbers}</w:numbering>")
        archive.writestr("word/footnotes.xml", f"<w:footnotes {word}>{note}</w:footnotes>")
    return stream.getvalue()


def _epub() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="a.opf"/></rootfiles></container>',
        )
        book.writestr(
            "a.opf",
            '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="a" href="a.xhtml" '
            'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>',
        )
        book.writestr("a.xhtml", f'<html xmlns="http://www.w3.org/1999/xhtml"><body><p>{TEXT}</p></body></html>')
    return stream.getvalue()


def _pdf() -> bytes:
    from reportlab.pdfgen import canvas

    stream = io.BytesIO()
    page = canvas.Canvas(stream)
    page.drawString(72, 720, "Die Messe begann im Juli.")
    page.save()
    return stream.getvalue()


def _manifest() -> bytes:
    from index.manifest import Manifest, SegmentEntry, write_manifest

    with tempfile.TemporaryDirectory() as folder:
        write_manifest(Path(folder), Manifest(segments=(SegmentEntry("a", {"b": "c"}, (1,)),)))
        return Path(folder, "manifest.json").read_bytes()


def target(kind: str, folder: Path) -> Callable[[bytes], None]:
    """Return what is called with each input."""
    if kind == "manifest":
        return _manifest_target(folder)
    if kind == "texts":
        return _texts_target()
    from index.document import DocumentError
    from index.formats import READERS, reader_in

    read = reader_in(READERS[f".{kind}"])
    path = folder / f"messe.{kind}"

    def one(data: bytes) -> None:
        path.write_bytes(data)
        try:
            for document in read(path):
                assert document.text.strip()
                assert all(0 <= place.start <= place.end <= len(document.text) for place in document.places)
                document.content_hash.encode()
        except DocumentError as error:
            assert str(error)  # noqa: PT017

    return one


def _manifest_target(folder: Path) -> Callable[[bytes], None]:
    from index.manifest import StoreError, read_manifest

    def one(data: bytes) -> None:
        (folder / "manifest.json").write_bytes(data)
        try:
            read_manifest(folder)
        except StoreError as error:
            assert "manifest.json" in str(error)  # noqa: PT017

    return one


def _texts_target() -> Callable[[bytes], None]:
    """Terms, chunks and the quote gate of any text."""
    from index import Document
    from index.analysis import german_terms
    from index.chunking import split_document
    from rag.citations import find_quote
    from rag.draft import sentences_of
    from rag.quotations import quoted

    def one(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        for chunk in split_document(Document("a", "", text)):
            assert text[chunk.start : chunk.end] == chunk.text
        german_terms(text)
        list(sentences_of([text]))
        for quote in quoted(text):
            find_quote(quote, text)

    return one


def _mutated_archive(data: bytes, most: int, seed: int) -> bytes:
    """Change one part inside an archive, or now and then the archive's own bytes."""
    import atheris

    chance = random.Random(seed)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # noqa: BLE001 - it was damaged before
        parts = {}
    if not parts or chance.random() < 0.1:
        return bytes(atheris.Mutate(data, most))
    changed = chance.choice(list(parts))
    parts[changed] = bytes(atheris.Mutate(parts[changed], len(parts[changed]) + 500))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue() if stream.tell() <= most else data


def _run(one: Callable[[bytes], None], corpus: Path, options: argparse.Namespace) -> None:
    arguments = [
        sys.argv[0],
        str(corpus),
        f"-max_total_time={options.seconds}",
        "-max_len=60000",
        "-timeout=25",
        f"-rss_limit_mb={options.memory}",
        f"-artifact_prefix={options.artifacts}/",
        "-print_final_stats=1",
    ]
    import atheris

    if options.kind in {"docx", "epub"}:
        atheris.Setup(arguments, one, custom_mutator=_mutated_archive)
    else:
        atheris.Setup(arguments, one)
    atheris.Fuzz()


def main() -> None:
    """Fuzz one kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices="txt md jsonl html epub docx pdf manifest texts".split())
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--memory", type=int, default=3000, help="MB; pdfium keeps some of each damaged file")
    parser.add_argument("--artifacts", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="beleg-fuzz-"))
    corpus = folder / "corpus"
    corpus.mkdir()
    import atheris

    with atheris.instrument_imports(include=["index", "rag"]):
        one = target(options.kind, folder)
    for number, seed in enumerate(seeds(options.kind)):
        (corpus / str(number)).write_bytes(seed)
        one(seed)
    _run(one, corpus, options)


if __name__ == "__main__":
    main()
