"""Files that unfold to more than a machine holds: each ends soon, in little memory, named, and the next one is read."""

import base64
import json
import re
import subprocess
import sys
import zlib
from collections.abc import Callable

import pytest

from tests.pdf_files import pdf_of

GIGABYTE = 2**30
READ = """
import json, resource, sys
from index.loading import load_documents
failures = []
texts = [document.text for document in load_documents(sys.argv[1:], on_failure=failures.append)]
used = resource.getrusage(resource.RUSAGE_CHILDREN)
seconds, peak = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024
print(json.dumps([texts, [failure.reason for failure in failures], seconds, peak]))
"""
TEXT = b"BT /F 12 Tf 60 300 Td (Der Rat hat getagt.) Tj ET "


def unfolding(piece: bytes, size: int = GIGABYTE + GIGABYTE // 4) -> bytes:
    """Flate data of many times the same bytes, without holding them in memory."""
    packer = zlib.compressobj(9)
    block = piece * (2**20 // len(piece))
    return b"".join(packer.compress(block) for _ in range(size // len(block) + 1)) + packer.flush()


def stream(data: bytes, fields: bytes = b"") -> bytes:
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (fields, len(data), data)


def chained(name: bytes, encoded: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    return lambda: pdf_of(stream(encoded(unfolding(b"q Q ")), b"/Filter[/%b/FlateDecode]" % name))


def lies(fields: bytes) -> Callable[[], bytes]:
    """A page's content that says it is something else, which is not unfolded to read text."""
    return lambda: pdf_of(stream(unfolding(b"q Q "), fields + b"/Filter/FlateDecode"))


def lzw(rounds: int) -> bytes:
    """Pack 7 million spaces a round with LZW (7.4.4): each code stands for one space more than the code before."""
    codes = [(256, 9), (32, 9)]
    codes += [(code, next(bits for bits in range(9, 13) if code + 1 < 2**bits)) for code in range(258, 4094)]
    bits = "".join(f"{code:0{width}b}" for code, width in codes) * rounds
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8))


def object_stream() -> bytes:
    """A page in a stream of objects, behind a gigabyte of spaces (7.5.7)."""
    packed = unfolding(b" ")
    body = b"%PDF-1.5\n"
    offsets = []
    for number, content in enumerate(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[6 0 R]/Count 1>>",
            stream(packed, b"/Type/ObjStm/N 1/First 4/Filter/FlateDecode"),
        ],
        start=1,
    ):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    rows = [b"\0" * 7, *(b"\1%b\0\0" % offset.to_bytes(4) for offset in offsets), *[b"\0" * 7] * 2, b"\2\0\0\0\3\0\0"]
    table = stream(b"".join(rows), b"/Type/XRef/Size 7/W[1 4 2]/Root 1 0 R")
    return body + b"7 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (table, len(body))


def cross_references() -> bytes:
    """A table of a hundred million places, in a stream (7.5.8)."""
    body = b"%PDF-1.5\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    fields = b"/Type/XRef/Size 100000000/W[1 4 2]/Root 1 0 R/Filter/FlateDecode"
    table = stream(unfolding(b"\1\0\0\0\x10\0\0"), fields)
    return body + b"7 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (table, len(body))


def laughs() -> bytes:
    """Ten forms, each of which draws the next ten times: ten thousand million words."""
    draw = b"/X Do " * 10
    forms = [
        stream(TEXT if last else draw, b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<<%b>>" % resources)
        for last, resources in (
            (number == 15, b"/Font<</F 5 0 R>>/XObject<</X %d 0 R>>" % (number + 1)) for number in range(6, 16)
        )
    ]
    return pdf_of(stream(draw), *forms, resources=b"/XObject<</X 6 0 R>>")


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "flate": (lambda: pdf_of(stream(unfolding(b"q Q "), b"/Filter/FlateDecode")), "unfolds to more than"),
    "flate twice": (chained(b"FlateDecode", lambda raw: zlib.compress(raw, 9)), "unfolds to more than"),
    "ascii85": (chained(b"ASCII85Decode", lambda raw: base64.a85encode(raw) + b"~>"), "unfolds to more than"),
    "hexadecimal": (chained(b"AHx", lambda raw: raw.hex().encode() + b">"), "unfolds to more than"),
    "run lengths": (
        lambda: pdf_of(stream(unfolding(b"\x81 ", 20_000_000), b"/Filter[/FlateDecode/RunLengthDecode]")),
        "unfolds to more than",
    ),
    "LZW": (lambda: pdf_of(stream(lzw(200), b"/Filter/LZWDecode")), "no text|unfolds to more than"),
    "LZW in flate": (
        lambda: pdf_of(stream(zlib.compress(lzw(200), 9), b"/Filter[/FlateDecode/LZWDecode]")),
        "no text|unfolds to more than",
    ),
    "a filter by reference": (
        lambda: pdf_of(stream(unfolding(b"q Q "), b"/Filter 6 0 R"), b"/FlateDecode"),
        "unfolds to more than",
    ),
    "says it is a picture": (lies(b"/Subtype/Image"), "unfolds to more than"),
    "says it is a font": (lies(b"/FontFile 9 0 R"), "unfolds to more than"),
    "objects": (object_stream, "unfolds to more than"),
    "cross references": (cross_references, "unfolds to more than"),
    "forms in forms": (laughs, "unfolds to more than"),
    "many times the same page": (
        lambda: pdf_of(stream(TEXT), kids="3 0 R " * 200_000),
        "200000 pages, expected at most",
    ),
}


def read_in_process(paths) -> tuple[list[str], list[str], float, int]:
    """Return the texts, what failed, and what the process that read took: seconds of the processor, and bytes."""
    output = subprocess.run([sys.executable, "-c", READ, *paths], capture_output=True, text=True, check=True).stdout
    texts, failures, seconds, peak = json.loads(output)
    return texts, failures, seconds, peak


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_soon_in_little_memory_and_the_next_file_is_read(tmp_path, name):
    make, says = BOMBS[name]
    bomb, after = tmp_path / "bombe.pdf", tmp_path / "danach.pdf"
    bomb.write_bytes(make())
    after.write_bytes(pdf_of(stream(TEXT)))
    assert bomb.stat().st_size < 4_000_000
    texts, failures, seconds, peak = read_in_process([bomb, after])
    assert texts == ["Der Rat hat getagt."]
    (failure,) = failures
    assert failure.startswith(f"{bomb}: ")
    assert re.search(says, failure)
    assert seconds < 30
    assert peak < GIGABYTE


PICTURE = b"/Type/XObject/Subtype/Image/Width 40000/Height 40000/BitsPerComponent 8/ColorSpace/DeviceRGB"


@pytest.mark.slow
def test_a_picture_of_gigabytes_is_not_unfolded_for_the_text_beside_it(tmp_path):
    pixels = unfolding(b"\xff\0\0", 3 * 40_000**2)
    white = b"1 g BT /F 12 Tf 60 700 Td (Das sieht niemand.) Tj ET"
    path = tmp_path / "bild.pdf"
    path.write_bytes(
        pdf_of(
            stream(TEXT + b"q 300 0 0 200 60 20 cm /I Do Q " + white),
            stream(pixels, PICTURE + b"/Filter/FlateDecode"),
            resources=b"/XObject<</I 6 0 R>>",
        )
    )
    assert path.stat().st_size < 6_000_000
    texts, failures, seconds, peak = read_in_process([path])
    assert (texts, failures) == (["Der Rat hat getagt."], [])
    assert seconds < 30
    assert peak < GIGABYTE
