"""A text is read as it was written, whatever it was saved in; what is no text is refused."""

import codecs
import logging
from pathlib import Path

import pytest

from index.document import DocumentError
from index.encodings import declared_encoding, decode

LETTER = "Sehr geehrte Frau Müller,\ndie Gebühr beträgt 12 € – fällig am 3. Oktober.\n"
FILE = Path("brief.txt")


@pytest.mark.parametrize(
    "raw",
    [
        LETTER.encode(),
        codecs.BOM_UTF8 + LETTER.encode(),
        LETTER.encode("utf-16"),
        codecs.BOM_UTF16_BE + LETTER.encode("utf-16-be"),
        LETTER.encode("utf-16-le"),
        LETTER.encode("utf-16-be"),
        LETTER.encode("utf-32"),
        LETTER.encode("cp1252"),
        LETTER.replace("\n", "\r\n").encode(),
        LETTER.replace("\n", "\r").encode(),
    ],
    ids="utf8 utf8-mark utf16-mark utf16be-mark utf16le utf16be utf32-mark cp1252 windows mac".split(),
)
def test_a_letter_is_read_whatever_it_was_saved_in(raw: bytes) -> None:
    assert decode(raw, FILE) == LETTER


def test_a_guess_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        decode("Müller".encode("cp1252"), FILE)
    assert "brief.txt: not UTF-8 (byte 1), read as Windows-1252" in caplog.text


@pytest.mark.parametrize(
    ("declared", "raw", "text"),
    [
        ("iso-8859-1", b"12 \x80", "12 €"),  # every browser reads it as Windows-1252
        ("ISO-8859-1", b"M\xfcller\x81", "Müller\x81"),
        ("iso-8859-15", b"12 \xa4", "12 €"),
        ("iso-8859-2", b"\xb1\xe6", "ąć"),
        ("koi8-r", b"\xd2", "р"),
        ("iso-8859-1", "Müller".encode(), "Müller"),  # says so, and is UTF-8
        ("utf-8", b"M\xfcller", "Müller"),  # says so, and is not
        ("no-such-thing", b"M\xfcller", "Müller"),
        ("rot13", b"Uhaq", "Uhaq"),
        ("utf-7", b"+ADw-script+AD4-", "+ADw-script+AD4-"),
        ("hex", b"3c62", "3c62"),
    ],
)
def test_a_declaration_is_followed_where_it_can_be_true(declared: str, raw: bytes, text: str) -> None:
    assert decode(raw, Path("seite.html"), declared) == text


@pytest.mark.parametrize(
    ("markup", "declared"),
    [
        (b'<meta charset="windows-1252">', "windows-1252"),
        (b"<META CHARSET=utf-8>", "utf-8"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-15">', "iso-8859-15"),
        (b"<?xml version='1.0' encoding='ISO-8859-1'?>", "ISO-8859-1"),
        (codecs.BOM_UTF8 + b'<?xml version="1.0" encoding="utf-8"?>', "utf-8"),
        (b" " * 5000 + b'<meta charset="windows-1252">', ""),
        (b"<p>charset=utf-8</p>", ""),
    ],
)
def test_what_a_page_declares(markup: bytes, declared: str) -> None:
    assert declared_encoding(markup) == declared


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "the file is empty"),
        (b" \r\n\t", "the file is empty"),
        (codecs.BOM_UTF16_LE, "the file is empty"),
        (bytes(range(256)) * 4, "binary data"),
        (b"Text\0Text", "binary data"),
        (b"\x01\x02\x03" * 9, "binary data"),
        (codecs.BOM_UTF8 + b"M\xfcller", r"not valid UTF-8 \(byte 1\); save it as UTF-8"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8a\x00", r"not valid UTF-16 \(byte 0\)"),
        (b"M\x81ller", r"neither UTF-8 \(byte 1\) nor Windows-1252 \(byte 1\); save it as UTF-8"),
    ],
)
def test_what_is_no_text_is_refused_by_name(raw: bytes, says: str) -> None:
    with pytest.raises(DocumentError, match=rf"brief\.txt: {says}"):
        decode(raw, FILE)
