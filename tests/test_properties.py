"""What must hold of any text: offsets, sentences, terms, the quote gate and what stands before it."""

import re
import unicodedata

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from index import Document
from index.analysis import german_terms
from index.chunking import split_document
from index.clean_text import clean
from index.invisible import hidden_signs, undeceiving, visible
from index.sentences import split_sentences
from rag.citations import find_quote, markers, without_markers
from rag.draft import sentences_of
from rag.quotations import ends_in_quotation, quoted
from ui.evidence import escape

settings.register_profile(
    "beleg",
    max_examples=80,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("beleg")

WORDS = (
    "Die der Messe Straße Grüße § 5 BGB 1.234,50 6. Juli 2024 Dr. z. B. Nord-Süd 'n Hans' „gut“ »ja« \"so\" … – nicht"
).split()
SIGNS = st.sampled_from(list(" \n\n\t.,;:!?()[]„“»«\"'-–\u00ad\u200b\u00a0äß\u0301\U0001f600\ud800") + WORDS)
ANY = st.text(max_size=400)
GERMAN = st.lists(st.one_of(SIGNS, st.sampled_from(WORDS).map(lambda word: f" {word}")), max_size=120).map("".join)
TEXT = st.one_of(GERMAN, ANY)


@given(TEXT)
def test_chunks_and_their_sentences_stand_where_they_say(text: str) -> None:
    document = Document("a", "Titel", text)
    covered = set()
    for chunk in split_document(document):
        assert text[chunk.start : chunk.end] == chunk.text
        assert all(chunk.start <= start < end <= chunk.end for start, end in chunk.sentences)
        covered.update(range(chunk.start, chunk.end))
    assert all(place in covered for place, sign in enumerate(text) if sign.isalnum())


@given(TEXT)
def test_sentences_are_in_order_without_overlap_and_leave_only_space_out(text: str) -> None:
    end = 0
    for start, stop in split_sentences(text):
        assert end <= start < stop <= len(text)
        assert not text[end:start].strip()
        end = stop
    assert not text[end:].strip()


@given(TEXT)
def test_terms_are_words_and_do_not_depend_on_how_letters_are_composed(text: str) -> None:
    terms = list(german_terms(text))
    assert all(term and not re.search(r"\s", term) for term in terms)
    composed, taken_apart = (list(german_terms(unicodedata.normalize(form, text))) for form in ("NFC", "NFD"))
    assert composed == taken_apart


@given(TEXT, st.data())
def test_the_quote_gate_finds_what_stands_there_and_only_that(text: str, data: st.DataObject) -> None:
    words = [(found.start(), found.end()) for found in re.finditer(r"\w+", text)]
    assume(words)
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, min(first + 8, len(words) - 1)))
    quote = text[words[first][0] : words[last][1]]
    span = find_quote(quote, text)
    if span:
        assert _plain(text[slice(*span)]) == _plain(quote)
    assert span or _plain(quote) != quote  # a quote of plain signs is always found


@given(GERMAN, GERMAN)
def test_what_the_gate_finds_stands_there(quote: str, text: str) -> None:
    span = find_quote(quote, text)
    if span:
        assert 0 <= span[0] < span[1] <= len(text)
        assert _plain(text[slice(*span)]).strip() == _plain(quote).strip()


def _plain(text: str) -> str:
    """Return a text without what only sets it, by other means than the gate's."""
    text = re.sub(r"(?<=\w)[-\u2010\u00ad][^\S\n]*\n\s*(?=[a-zäöüß])", "", text)
    text = re.sub(r"(?<=\w)[-\u2010][^\S\n]*\n\s*(?=[A-ZÄÖÜ])", "-", text)
    text = re.sub("[\u00ad\u200b-\u200d\u2060\ufeff]", "", text)
    text = re.sub("[„“”‟«»]", '"', re.sub("[‚‘’‹›]", "'", text)).replace("ß", "ss").replace("ẞ", "SS")
    return " ".join(unicodedata.normalize("NFC", text).split())


@given(TEXT)
def test_quotes_are_parts_of_the_text(text: str) -> None:
    assert all(quote in text for quote in quoted(text))
    assert ends_in_quotation(text) in {True, False}


@given(
    st.lists(st.sampled_from([*WORDS, "[1]", "[2, 3]", ".“", " „", ". ", "\n", "- "]), max_size=60), st.integers(1, 9)
)
def test_sentences_of_a_draft_do_not_depend_on_its_pieces_and_lose_no_word(parts: list[str], size: int) -> None:
    draft = " ".join(parts)
    whole = list(sentences_of([draft]))
    assert list(sentences_of(draft[start : start + size] for start in range(0, len(draft), size))) == whole
    words = re.findall(r"[^\W\d_]{2,}", draft)
    assert re.findall(r"[^\W\d_]{2,}", " ".join(whole)) == words


@given(TEXT)
def test_markers_are_numbers_and_go_once(text: str) -> None:
    assert all(isinstance(number, int) for number in markers(text))
    assert not markers(without_markers(text)) or markers(text)


@given(ANY)
def test_visible_and_clean_text_stay_as_they_are(text: str) -> None:
    assert visible(visible(text)) == visible(text)
    assert not hidden_signs(visible(text))
    assert clean(clean(text)) == clean(text)
    assert undeceiving(undeceiving(text)) == undeceiving(text)


@given(ANY)
def test_nothing_active_is_left_of_an_escaped_text(text: str) -> None:
    assert not re.search(r"[<>\"'`=\[\](){}\\]", escape(text))
    escape(text).encode()
