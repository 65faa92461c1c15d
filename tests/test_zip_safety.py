import resource
import struct
import subprocess
import sys
import time
import warnings
import zipfile
import zlib

import pytest

from index.document import DocumentError
from index.readers import html
from index.readers.xml_safety import MOST_TAGS, parse_xml
from index.readers.zip_safety import MOST_ENTRIES, open_parts
from tests.office_files import chapter, write_docx, write_epub, write_zip

GIGABYTE = 2**30
READ = """
import sys
from pathlib import Path
from index.document import DocumentError
from index.readers import docx, epub
path = Path(sys.argv[1])
try:
    print(sum(len(document.text) for document in (docx if path.suffix == ".docx" else epub).read(path)))
except DocumentError as error:
    print(error)
# ru_maxrss would begin with that of the process that started this one.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def bomb(path, name: str, start: bytes, piece: bytes, size: int) -> None:
    """Add a part of many times the same bytes, without holding it in memory."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive, archive.open(name, "w") as part:
        part.write(start)
        block = piece * (2**20 // len(piece))
        for _ in range(size // len(block) + 1):
            part.write(block)


def read_in_process(path) -> tuple[str, float, int]:
    """Return what reading says, the seconds and the bytes of memory that it took."""
    began = time.monotonic()
    output = subprocess.run([sys.executable, "-c", READ, path], capture_output=True, text=True, check=True).stdout
    said, peak = output.rstrip().rsplit("\n", 1)
    return said, time.monotonic() - began, int(peak) * 1024


def without(path, name: str) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {entry: archive.read(entry) for entry in archive.namelist() if entry != name}
    write_zip(path, parts)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["buch.epub", "brief.docx"])
def test_bombs_end_fast_in_little_memory(tmp_path, name):
    path = tmp_path / name
    if path.suffix == ".docx":
        part = "word/document.xml"
        write_docx(path, "")
    else:
        part = "OEBPS/k1.xhtml"
        write_epub(path, {"k1.xhtml": ""}, table=chapter(""))
    without(path, part)
    bomb(path, part, b"<html><body>", b"<p>ha</p>", GIGABYTE + GIGABYTE // 4)
    assert path.stat().st_size < 5_000_000
    said, seconds, peak = read_in_process(path)
    assert "unfolds to more than" in said
    assert seconds < 20
    assert peak < GIGABYTE


def test_dense_parts_below_the_bound_end_fast_in_little_memory(tmp_path):
    path = write_epub(tmp_path / "buch.epub", {"k1.xhtml": ""}, table=chapter(""))
    without(path, "OEBPS/k1.xhtml")
    bomb(path, "OEBPS/k1.xhtml", b"<html><body>", b"<b/>", 2**20)
    _, seconds, peak = read_in_process(path)
    assert seconds < 20
    assert peak < GIGABYTE


def test_trees_larger_than_memory_are_refused_before_they_are_built(tmp_path):
    raw = b"<a>" + b"<b/>" * MOST_TAGS + b"</a>"
    with pytest.raises(DocumentError, match="tags, expected at most"):
        parse_xml(raw, "a.xml")
    (tmp_path / "a.html").write_bytes(raw)
    with pytest.raises(DocumentError, match="tags, expected at most"):
        list(html.read(tmp_path / "a.html"))


@pytest.mark.parametrize("name", ["../a.xml", "/a.xml", "a/../../b.xml", "C:/a.xml", "..\\a.xml", "\\a.xml"])
def test_names_that_lead_out_of_the_file_are_refused(tmp_path, name):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo("x")
        entry.filename = name
        archive.writestr(entry, "a")
    with pytest.raises(DocumentError, match="leads out of the file"), open_parts(path):
        pass


def test_names_that_are_there_twice_are_refused(tmp_path):
    path = tmp_path / "a.zip"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("a", "1")
        archive.writestr("a", "2")
    with pytest.raises(DocumentError, match="is there twice"), open_parts(path):
        pass


def test_encrypted_parts_are_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a": "1"})
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(DocumentError, match="is encrypted"), open_parts(path):
        pass


def test_too_many_parts_are_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", {str(number): "" for number in range(MOST_ENTRIES + 1)})
    with pytest.raises(DocumentError, match="expected at most"), open_parts(path):
        pass


def test_a_size_that_the_header_understates_is_not_believed(tmp_path):
    """The part says that it unfolds to 10 bytes and unfolds to 10 megabytes."""
    path = write_zip(tmp_path / "a.zip", {"a": b"x" * 10_000_000})
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, raw.index(b"PK\1\2") + 24, 10)
    path.write_bytes(raw)
    with pytest.raises(DocumentError, match="cannot be unpacked"), open_parts(path) as parts:
        parts.read("a")


def test_a_damaged_part_is_named(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a": bytes(range(256)) * 50})
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, raw.index(b"PK\1\2") + 16, zlib.crc32(b"other"))
    path.write_bytes(raw)
    with pytest.raises(DocumentError, match="'a' cannot be unpacked"), open_parts(path) as parts:
        parts.read("a")


def test_parts_are_read_whole(tmp_path):
    with open_parts(write_zip(tmp_path / "a.zip", {"a": "Straße"})) as parts:
        assert parts.read("a").decode() == "Straße"
        assert parts.names == ["a"]
        with pytest.raises(DocumentError, match="lacks its part 'b'"):
            parts.read("b")


def test_the_measure_of_memory_is_in_kibibytes():
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > 2**20


def test_a_name_before_a_part_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "buch.epub"
    write_zip(path, {"kapitel-ä.xhtml": b"<p>Text</p>"})
    whole = path.read_bytes()
    path.write_bytes(
        whole.replace("kapitel-ä".encode(), b"kapitel-\xff\xff", 1)
    )  # there alone, not in the list of parts
    with open_parts(path) as parts, pytest.raises(DocumentError, match=r"'kapitel-ä.xhtml' cannot be unpacked"):
        parts.read("kapitel-ä.xhtml")
