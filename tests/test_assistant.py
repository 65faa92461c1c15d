"""From a question to a checked answer: a real index, a real HTTP server in the model's place, an embedder by hand."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

import index.store
import rag.assistant
import rag.confidence
import rag.disagreement
import rag.evidence
from index import Document, Index
from index.embedding import load_embedder
from index.errors import BelegError
from index.settings import index_settings
from index.store import StoreError
from index.weights import EMBEDDING_WEIGHTS, LLM_WEIGHTS, is_present
from rag import Answer, Assistant, answer
from rag.assistant import ABSTENTION, AssistantError, Found
from rag.llm import LLM, LLMError, LLMSettings, NoModelError, load_llm
from rag.writer import AnswerSentence
from tests.scripted_llm import KEY, ScriptedLLM, breaks_off, no_probabilities, probabilities, status, writes

DOCUMENTS = [
    Document(
        "messe",
        "Messe in Shanghai",
        "Tan Wenkan ist Direktor der Messe in Shanghai. Die Messe dauerte vom 6. bis 8. Juli 2024.\n"
        "Er nannte sie „eine eindrucksvolle Schau“. Auf der Messe  zählte man 1.234 Besucher.",
        source="/archiv/messe.txt",
    ),
    Document(
        "miete", "Mietvertrag", "Die Kaution für die Wohnung beträgt drei Monatsmieten. Der Mieter zahlt sie sofort."
    ),
    Document("rhein", "Rhein", "Der Rhein entspringt in der Schweiz. Der Rhein mündet in die Nordsee."),
]
WHO = "Wer ist Tan Wenkan von der Messe in Shanghai?"
CERTAIN, HOPELESS = probabilities(Die=0.999, KEINE=0.001), probabilities(Die=0.001, KEINE=0.999)


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch):
    """No setting of the user's, an empty cache, no network."""
    for name in ("BELEG_INDEX", "BELEG_LLM_BASE_URL", "BELEG_LLM_MODEL", "BELEG_LLM_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BELEG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BELEG_OFFLINE", "1")
    index_settings.cache_clear()
    rag.assistant._loaded.cache_clear()
    yield
    index_settings.cache_clear()
    rag.assistant._loaded.cache_clear()


@pytest.fixture
def ix(tmp_path, embedder) -> Index:
    ix = Index.open(tmp_path / "index", embedder=embedder)
    ix.add(DOCUMENTS)
    return ix


@pytest.fixture
def server() -> Iterator[ScriptedLLM]:
    with ScriptedLLM() as scripted:
        scripted.judgement = CERTAIN
        yield scripted


@pytest.fixture
def llm(server) -> Iterator[LLM]:
    model = load_llm(LLMSettings(llm_base_url=server.url, llm_model="eule", llm_api_key=KEY, llm_timeout=5))
    with closing(model):
        yield model


@pytest.fixture
def assistant(ix, llm) -> Assistant:
    return Assistant(ix, llm)


def says(server: ScriptedLLM, *pieces: str, before=lambda: None) -> None:
    """Let the model write; ``<word>`` stands for the number of the first evidence that holds the word."""

    def reply(request):
        before()
        writes(*(_numbered(piece, server.prompts[-1]) for piece in pieces))(request)

    server.replies.append(reply)


def _numbered(piece: str, prompt: str) -> str:
    evidence = re.findall(r"^\[(\d+)\] (.*)$", prompt, re.MULTILINE)
    return re.sub(r"<(.+?)>", lambda word: next(number for number, text in evidence if word[1] in text), piece)


def assert_sound(given: Answer, ix: Index) -> None:
    """Every citation stands in its document, every marker shown is a citation's, numbered by first use."""
    for citation in given.citations:
        assert ix.document(citation.document_id).text[citation.start : citation.end] == citation.quote
        assert citation.quote.strip()
    shown = list(dict.fromkeys(int(number) for number in re.findall(r"\[(\d+)\]", given.text)))
    assert shown == [citation.marker for citation in given.citations] == list(range(1, len(shown) + 1))
    if given.status == "abstained":
        assert not given.citations
    if given.status == "answered":
        assert given.citations


# Answered


def test_an_answer_with_a_citation(server, assistant, ix):
    says(server, "Tan Wenkan ist Direktor ", "der Messe [<Direktor>].")
    given = assistant.answer(WHO)
    assert (given.status, given.text, given.language) == ("answered", "Tan Wenkan ist Direktor der Messe. [1]", "de")
    [citation] = given.citations
    assert citation.quote == "Tan Wenkan ist Direktor der Messe in Shanghai."
    assert (citation.document_id, citation.title, citation.source) == (
        "messe",
        "Messe in Shanghai",
        "/archiv/messe.txt",
    )
    assert (given.question, given.model, given.notice) == (WHO, "eule", "")
    assert given.hits[0].chunk.document_id == "messe"
    assert 0 < given.seconds < 60
    assert_sound(given, ix)


def test_what_is_given_out_is_json(server, assistant):
    says(server, "Er ist Direktor [<Direktor>]. Es kamen 9.999 Besucher [<Besucher>].")
    given = assistant.answer(WHO)
    fields = json.loads(json.dumps(given.to_dict()))
    assert fields["text"] == given.text
    assert fields["status"] == "answered"
    assert fields["citations"] == [citation.to_dict() for citation in given.citations]
    assert fields["hits"][0]["document_id"] == "messe"
    assert [verdict["supported"] for verdict in fields["verdicts"]] == [True, False]


@pytest.mark.parametrize(
    "draft", ["Er ist Direktor [{n}].", "Er ist Direktor. [{n}]", "Er ist Direktor.[{n}]", "Er ist Direktor [ {n} ]."]
)
def test_a_marker_may_stand_before_or_after_the_full_stop(server, assistant, ix, draft):
    says(server, draft.format(n="<Direktor>"))
    given = assistant.answer(WHO)
    assert given.text.replace(" ", "") == "EristDirektor.[1]"
    assert given.citations[0].quote.startswith("Tan Wenkan ist Direktor")
    assert_sound(given, ix)


def test_citations_are_numbered_by_first_use(server, assistant, ix):
    says(
        server,
        "Es kamen 1.234 Besucher [<Besucher>]. Er ist Direktor [<Direktor>]. ",
        "Die 1.234 kamen vom 6. bis 8. Juli [<Besucher>][<dauerte>].",
    )
    given = assistant.answer(WHO)
    assert given.text == (
        "Es kamen 1.234 Besucher. [1] Er ist Direktor. [2] Die 1.234 kamen vom 6. bis 8. Juli. [1][3]"
    )
    starts = [citation.quote.split()[0] for citation in given.citations]
    assert starts == ["Auf", "Tan", "Die"]
    assert_sound(given, ix)


@pytest.mark.parametrize("marker", ["", "[99]", "[0]", "[<Direktor>]"])
def test_a_wrong_marker_does_not_hide_the_true_evidence(server, assistant, ix, marker):
    says(server, f"Auf der Messe zählte man 1.234 Besucher {marker}.")
    given = assistant.answer(WHO)
    assert given.status == "answered"
    assert [citation.quote for citation in given.citations] == ["Auf der Messe  zählte man 1.234 Besucher."]
    assert_sound(given, ix)


def test_where_there_are_no_probabilities_the_checks_alone_decide(server, assistant, ix):
    server.judgement = no_probabilities
    says(server, "Er ist Direktor [<Direktor>].")
    assert assistant.answer(WHO).status == "answered"


# What is not in the evidence


def test_an_invented_number_is_dropped_and_the_rest_stays(server, assistant, ix):
    says(server, "Er ist Direktor [<Direktor>]. Es kamen 10.000 Besucher [<Besucher>].")
    given = assistant.answer(WHO)
    assert given.text == "Er ist Direktor. [1]"
    assert [verdict.supported for verdict in given.verdicts] == [True, False]
    assert "10.000" in given.verdicts[1].reason
    assert_sound(given, ix)


def test_an_invented_quote_is_dropped(server, assistant, ix):
    says(server, "Er nannte sie „eine völlig misslungene Schau“ [<nannte>]. Er ist Direktor [<Direktor>].")
    given = assistant.answer(WHO)
    assert given.text == "Er ist Direktor. [1]"
    assert_sound(given, ix)


@pytest.mark.parametrize(
    "draft",
    [
        "Er nannte sie ‚eine sehr schwache Schau‘ [1].",
        "Er nannte sie „eine eindrucksvolle Schau. Die Messe dauerte vom 6. bis 8. Juli“ [1].",  # two pieces as one
        "Er nannte sie „eine schwache Schau. Sie war schlecht.“ [1]",  # the marks are in two sentences
        "Er nannte sie „eine sehr schwache Schau [1].",
    ],
)
def test_no_form_of_quotation_marks_hides_an_invented_quote(server, assistant, ix, draft):
    says(server, draft)
    given = assistant.answer(WHO)
    assert_sound(given, ix)
    assert given.status == "abstained"


def test_a_true_quote_stays(server, assistant, ix):
    says(server, "Er nannte sie „eine eindrucksvolle Schau“ [<nannte>].")
    given = assistant.answer(WHO)
    assert given.text == "Er nannte sie „eine eindrucksvolle Schau“. [1]"
    assert_sound(given, ix)


def test_nothing_but_inventions_is_no_answer(server, assistant, ix):
    says(server, "Es kamen 10.000 Besucher [<Besucher>].")
    given = assistant.answer(WHO)
    assert (given.status, given.text) == ("abstained", ABSTENTION["de"])
    assert_sound(given, ix)


def replacing(ix: Index, embedder, **documents: str):
    """What another process does meanwhile: new texts for documents."""
    other = Index.open(ix.folder, embedder=embedder)
    return lambda: other.add([Document(name, "", text) for name, text in documents.items()])


def test_a_document_that_is_removed_meanwhile_is_not_cited(server, assistant, ix, embedder):
    other = Index.open(ix.folder, embedder=embedder)
    says(server, "Er ist Direktor [<Direktor>].", before=lambda: other.remove(["messe"]))
    given = assistant.answer(WHO)
    assert given.status == "abstained"
    assert_sound(given, ix)


def test_a_document_that_changes_meanwhile_is_not_cited(server, assistant, ix, embedder):
    change = replacing(ix, embedder, messe="Alles neu. " + DOCUMENTS[0].text)
    says(server, "Er ist Direktor [<Direktor>].", before=change)
    given = assistant.answer(WHO)
    assert given.status == "abstained"
    assert_sound(given, ix)


def test_a_sentence_is_not_shown_with_a_part_of_its_citations(server, assistant, ix, embedder):
    other = Index.open(ix.folder, embedder=embedder)
    draft = "Vom Direktor [<Direktor>] bis zur Nordsee [<mündet>]."
    says(server, draft)
    question = "Wer ist Tan Wenkan, und mündet der Rhein in die Nordsee?"
    assert {citation.document_id for citation in assistant.answer(question).citations} == {"messe", "rhein"}
    says(server, draft, before=lambda: other.remove(["messe"]))
    given = assistant.answer(question)
    assert given.status == "abstained"
    assert_sound(given, ix)


# Abstained


def test_where_the_evidence_does_not_answer_nothing_is_written(server, assistant, ix):
    server.judgement = HOPELESS
    given = assistant.answer(WHO)
    assert (given.status, given.text) == ("abstained", "Die Dokumente sagen dazu nichts.")
    assert server.prompts == []
    assert given.hits
    assert_sound(given, ix)


@pytest.mark.parametrize(
    "refusal",
    [
        "KEINE ANTWORT",
        "KeINE ANTWORT.",
        "In den Belegen steht nicht, wer das ist [1].",
        "The evidence does not mention him.",
    ],
)
def test_a_refusal_is_an_abstention_in_any_words(server, assistant, ix, refusal):
    says(server, refusal)
    given = assistant.answer(WHO)
    assert (given.status, given.text) == ("abstained", ABSTENTION["de"])
    assert_sound(given, ix)


def test_an_empty_answer_is_an_abstention(server, assistant):
    says(server, "")
    assert assistant.answer(WHO).status == "abstained"


def test_an_empty_index_abstains_without_a_question_to_the_model(server, llm, tmp_path, embedder):
    given = Assistant(Index.open(tmp_path / "leer", embedder=embedder), llm).answer(WHO)
    assert (given.status, given.hits) == ("abstained", ())
    assert server.requests == []


# Incomplete


def test_a_figure_where_a_reason_is_asked_for_gives_way_to_its_sentence(server, assistant, ix):
    says(server, "2024 [<6. bis 8.>]")
    given = assistant.answer("Warum war die Messe in Shanghai im Juli?")
    assert_sound(given, ix)
    assert given.text == "Die Messe dauerte vom 6. bis 8. Juli 2024. [1]"
    assert [verdict.supported for verdict in given.verdicts] == [False, True]


def test_a_sentence_of_the_documents_that_sounds_like_a_refusal_is_an_answer(server, assistant, ix):
    sentence = "Steht die Adresse nicht im Ausweis, ist ein anderes Dokument vorzulegen."
    ix.add([Document("ausweis", "Bücherei", f"Der Ausweis kostet nichts. {sentence}")])
    says(server, f"- {sentence} [<Adresse>]")
    given = assistant.answer("Welches Dokument ist in der Bücherei vorzulegen?")
    assert given.text == f"{sentence} [1]"
    assert_sound(given, ix)


def test_a_number_is_written_as_in_the_evidence_that_it_names(server, assistant, ix):
    ix.add([Document("flur", "Wohnung", "Die Wohnung hat 3 Zimmer und einen Flur.")])
    says(server, "3 Monatsmieten [<Kaution>]")
    given = assistant.answer("Wie hoch ist die Kaution für die Wohnung, die 3 Zimmer hat?")
    assert "3 Zimmer" in server.prompts[-1]
    assert given.text == "drei Monatsmieten [1]"
    assert_sound(given, ix)


@pytest.mark.parametrize("how", ["end", "close", "reset", "error", "garbage"])
def test_a_broken_stream_keeps_what_was_checked(server, assistant, ix, how):
    draft = ("Er ist Direktor [<Direktor>]. ", "Es kamen 1.2")

    def reply(request):
        breaks_off(*(_numbered(piece, server.prompts[-1]) for piece in draft), how=how)(request)

    server.replies = [reply]
    given = assistant.answer(WHO)
    assert (given.status, given.text) == ("incomplete", "Er ist Direktor. [1]")
    assert given.notice.startswith("Das Sprachmodell brach ab")
    assert "ask again" in given.notice
    assert KEY not in json.dumps(given.to_dict())
    assert_sound(given, ix)


def test_an_answer_that_is_too_long_is_incomplete(server, assistant, ix):
    server.replies = [writes("Er ist Direktor der Messe [1]. Und", finish_reason="length")]
    given = assistant.answer(WHO)
    assert given.status == "incomplete"
    assert "limit" in given.notice
    assert_sound(given, ix)


def test_a_stream_that_breaks_at_once_is_incomplete_and_cites_nothing(server, assistant):
    server.replies = [breaks_off(how="close")]
    given = assistant.answer(WHO)
    assert (given.status, given.citations, given.text) == ("incomplete", (), "")
    assert assistant.interface == "de"
    server.replies = [breaks_off(how="close")]
    assert assistant.answer(WHO, language="en").notice.startswith("The language model broke off")


# Errors


@pytest.mark.parametrize("question", ["", " \n\t"])
def test_an_empty_question(assistant, question):
    with pytest.raises(AssistantError, match="the question is empty"):
        assistant.answer(question)


def test_an_endpoint_that_refuses_is_an_error_not_an_answer(server, assistant):
    server.judgement = status(401)
    with pytest.raises(LLMError, match="key was refused"):
        assistant.answer(WHO)
    server.judgement = no_probabilities
    server.replies = [status(404)]
    with pytest.raises(LLMError, match="no model 'eule' there"):
        assistant.answer(WHO)


def test_a_language_that_is_none_of_ours(assistant):
    with pytest.raises(AssistantError, match="answers are in 'de' or 'en', not in 'fr'"):
        assistant.answer(WHO, language="fr")


# Languages, documents, history


def test_an_english_question_has_an_english_answer(server, assistant, ix):
    says(server, "Tan Wenkan is the director [<Direktor>].")
    given = assistant.answer("Who is the director of the Messe in Shanghai?")
    assert (given.language, given.text) == ("en", "Tan Wenkan is the director. [1]")
    assert "English" in server.prompts[-1]
    assert given.citations[0].quote.startswith("Tan Wenkan ist Direktor der Messe in Shanghai.")
    assert_sound(given, ix)


def test_the_answers_language_can_be_chosen(server, assistant):
    server.judgement = HOPELESS
    assert assistant.answer(WHO, language="en").text == "The documents do not say."
    assert assistant.answer("Who is the director of this fair?", language="de").text == ABSTENTION["de"]


def test_a_question_too_short_to_tell_has_the_interfaces_language(server, ix, llm):
    server.judgement = HOPELESS
    assert Assistant(ix, llm, interface="en").answer("Tan Wenkan?").language == "en"
    assert Assistant(ix, llm).answer("Tan Wenkan?").language == "de"


def test_only_these_documents(server, assistant, ix):
    says(server, "Der Rhein mündet in die Nordsee [<mündet>].")
    given = assistant.answer(WHO, documents=["rhein"])
    assert {hit.chunk.document_id for hit in given.hits} == {"rhein"}
    assert {citation.document_id for citation in given.citations} == {"rhein"}
    assert_sound(given, ix)
    assert assistant.answer(WHO, documents=[]).status == "abstained"
    with pytest.raises(StoreError, match="no document 'mosel'"):
        assistant.answer(WHO, documents=["mosel"])


def test_a_question_that_leans_on_the_one_before_is_asked_with_it(server, assistant):
    history = [("Wo liegt Köln?", "Am Rhein. [1]"), (WHO, "Der Direktor. [1]")]
    says(server, "Vom 6. bis 8. Juli [<dauerte>].")
    given = assistant.answer("Und wann war das?", history=history)
    assert f"Und wann war das? ({WHO})" in server.prompts[-1]
    assert given.question == "Und wann war das?"
    says(server, "KEINE ANTWORT")
    assistant.answer("Wie hoch ist die Kaution für die Wohnung?", history=history)
    assert WHO not in server.prompts[-1]


# The stream


def test_the_order_of_events(server, assistant):
    says(server, "Er ist Direktor [<Direktor>]. Ja, Direktor in Shanghai [<Direktor>]. Es waren 1.234 [<Besucher>].")
    events = list(assistant.stream(WHO))
    assert [type(event) for event in events] == [Found, AnswerSentence, AnswerSentence, AnswerSentence, Answer]
    found, *sentences, last = events
    assert found.hits == last.hits
    assert " ".join(sentence.text for sentence in sentences) == last.text
    assert [[citation.marker for citation in sentence.citations] for sentence in sentences] == [[1], [], [2]]


def test_a_sentence_is_shown_while_the_next_is_written(server, assistant):
    shown = threading.Event()

    def reply(request):
        request.begin_stream()
        request.delta(_numbered("Er ist Direktor [<Direktor>]. Dann ", server.prompts[-1]))
        assert shown.wait(30)
        request.delta("kam der Juli.", "stop")
        request.end_stream()

    server.replies = [reply]
    for event in assistant.stream(WHO):
        if isinstance(event, AnswerSentence):
            shown.set()
    assert event.status == "answered"


def test_who_stops_listening_stops_the_model(server, assistant):
    gone = threading.Event()

    def reply(request):
        request.begin_stream()
        request.delta(_numbered("Er ist Direktor [<Direktor>]. Und ", server.prompts[-1]))
        assert gone.wait(30)
        for _ in range(10_000):
            request.delta("so weiter ")  # until the connection is closed

    server.replies = [reply]
    events = []
    for event in assistant.stream(WHO, stopped=gone.is_set):
        events.append(type(event))
        if isinstance(event, AnswerSentence):
            gone.set()
    assert events == [Found, AnswerSentence]


# Without a language model


@pytest.mark.parametrize(("language", "says_so"), [("de", "Ohne Sprachmodell"), ("en", "Without a language model")])
def test_extractive_answers_are_verbatim_and_marked(ix, language, says_so):
    given = Assistant(ix, None).answer("Wie hoch ist die Kaution für die Wohnung?", language=language)
    assert (given.status, given.model, given.language) == ("answered", "extractive", language)
    assert given.notice.startswith(says_so)
    sentences = re.split(r" \[\d+\] ?", given.text)[:-1]
    assert sentences == [" ".join(citation.quote.split()) for citation in given.citations]
    assert "Die Kaution für die Wohnung beträgt drei Monatsmieten." in sentences
    assert_sound(given, ix)


@pytest.fixture
def saved(ix, embedder, monkeypatch) -> str:
    """The index on disk, opened again with the same embedder in place of the settings' one."""
    monkeypatch.setattr(index.store, "load_embedder", lambda: embedder)
    monkeypatch.setenv("BELEG_EMBEDDING_MODEL", embedder.name)
    index_settings.cache_clear()
    return str(ix.folder)


def test_without_the_models_weights_the_notice_says_why(saved, tmp_path):
    given = Assistant.load(saved).answer("Wie hoch ist die Kaution für die Wohnung?")
    assert (given.status, given.model) == ("answered", "extractive")
    assert given.notice.startswith("Ohne Sprachmodell")
    assert LLM_WEIGHTS.name in given.notice
    assert "BELEG_OFFLINE" in given.notice


def test_a_documents_own_footnotes_are_not_shown_as_citations(ix):
    ix.add([Document("fuss", "", "Der Dom zu Köln wurde 1248 begonnen.[7] Er ist aus Stein.[8]")])
    given = Assistant(ix, None).answer("Wann wurde der Dom zu Köln begonnen?")
    assert "1248 begonnen" in given.text
    assert "[7]" not in given.text
    assert_sound(given, ix)


def test_without_a_runtime_the_notice_says_why(saved, monkeypatch):
    def fail(*, progress):
        raise NoModelError("modell.gguf: OpenVINO cannot run it")

    monkeypatch.setattr(rag.assistant, "load_llm", fail)
    given = Assistant.load(saved).answer("Wie hoch ist die Kaution für die Wohnung?")
    assert given.model == "extractive"
    assert "OpenVINO cannot run it" in given.notice


def test_load_uses_the_models_settings(saved, server, monkeypatch):
    monkeypatch.setenv("BELEG_LLM_BASE_URL", server.url)
    monkeypatch.setenv("BELEG_LLM_MODEL", "eule")
    says(server, "Er ist Direktor [<Direktor>].")
    assistant = Assistant.load(saved)
    with closing(assistant._llm.result()):
        assert assistant.answer(WHO).text == "Er ist Direktor. [1]"


def test_a_wrong_setting_is_told_with_the_first_question(saved, monkeypatch):
    monkeypatch.setenv("BELEG_LLM_BASE_URL", "http://localhost:1/v1")
    with pytest.raises(LLMError, match="BELEG_LLM_MODEL is not"):
        Assistant.load(saved).answer(WHO)


# answer()


def test_answer_opens_the_index_once(saved, monkeypatch):
    monkeypatch.setenv("BELEG_LLM_MODEL", "none")
    monkeypatch.setenv("BELEG_INDEX", saved)
    index_settings.cache_clear()
    first = answer("Wie hoch ist die Kaution für die Wohnung?")
    assert "drei Monatsmieten" in first.text
    assert answer("Wie hoch ist die Kaution für die Wohnung?", index=saved).text == first.text
    assert rag.assistant._loaded.cache_info().misses == 1


def test_answer_with_a_model_of_ones_own(saved, server, llm):
    says(server, "Tan is the director [<Direktor>].")
    given = answer(WHO, index=saved, llm=llm, language="en", documents=["messe"])
    assert (given.text, given.model) == ("Tan is the director. [1]", "eule")


def test_no_index_there(tmp_path, monkeypatch):
    monkeypatch.setenv("BELEG_LLM_MODEL", "none")
    for ask in (answer, lambda question, index: Assistant.load(index).answer(question)):
        with pytest.raises(StoreError, match="no index there; make one: beleg index add PATH"):
            ask(WHO, index=tmp_path / "nirgends")
    assert not (tmp_path / "nirgends").exists()


# The embedded models

needs_weights = pytest.mark.skipif(
    not (is_present(LLM_WEIGHTS) and is_present(EMBEDDING_WEIGHTS)), reason="weights are not here; fetched at first use"
)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory) -> Assistant:
    index_settings.cache_clear()  # the weights lie in the user's cache
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in ("BELEG_CACHE", "BELEG_LLM_MODEL", "BELEG_LLM_BASE_URL"):
            monkeypatch.delenv(name, raising=False)
        ix = Index.open(tmp_path_factory.mktemp("index"), embedder=load_embedder())
        ix.add(DOCUMENTS)
        return Assistant(ix, load_llm())


@pytest.mark.llm
@needs_weights
@pytest.mark.parametrize(
    ("question", "language", "part"),
    [
        ("Wer ist Direktor der Messe in Shanghai?", "de", "Tan Wenkan"),
        ("How many visitors came to the fair?", "en", "234"),
    ],
)
def test_the_embedded_model_answers_with_a_verbatim_quote(embedded, question, language, part):
    given = embedded.answer(question)
    assert (given.status, given.language) == ("answered", language), given
    assert part in given.text
    assert given.citations[0].document_id == "messe"
    assert given.model == LLM_WEIGHTS.name
    assert_sound(given, embedded.index)


@pytest.mark.llm
@needs_weights
@pytest.mark.parametrize("question", ["Wie heißt die Hauptstadt von Frankreich?", "Who won the World Cup in 2014?"])
def test_the_embedded_model_refuses_an_unrelated_question(embedded, question):
    given = embedded.answer(question)
    assert given.status == "abstained", given
    assert_sound(given, embedded.index)


# How sure, in which language, where documents disagree


BY_COVERAGE = {"intercept": -5.0, "weights": {"coverage": 10.0}, "least": 0.5, "clear": 0.5}


@pytest.fixture
def calibrated(monkeypatch, embedder) -> None:
    """A fitted model that looks at the coverage alone."""
    stages = {"retrieval": BY_COVERAGE, "answer": BY_COVERAGE, "english": {}}
    fitted = {"embedder": embedder.name, "model": "eule"} | stages
    monkeypatch.setattr(rag.confidence, "_fitted", lambda: fitted)


def test_where_retrieval_alone_is_clear_no_model_is_asked(server, assistant, calibrated):
    given = assistant.answer("Quantenchromodynamik gluonischer Felder?")
    assert (given.status, given.text, given.citations) == ("abstained", ABSTENTION["de"], ())
    assert given.confidence < 0.5
    assert server.requests == []


def test_an_abstention_quotes_what_came_nearest(assistant, ix, calibrated):
    given = assistant.answer("Quantenchromodynamik gluonischer Felder?")
    assert [citation.marker for citation in given.nearest] == [1, 2, 3]
    for citation in given.nearest:
        assert ix.document(citation.document_id).text[citation.start : citation.end] == citation.quote
    assert given.to_dict()["nearest"] == [citation.to_dict() for citation in given.nearest]


def test_one_setting_moves_the_operating_point(server, ix, llm, calibrated):
    says(server, "Er ist Direktor [<Direktor>].")
    assert Assistant(ix, llm, least_confidence=0.0).answer("Quanten der Felder?").status == "answered"
    server.replies = [writes("Er ist Direktor [1].", logprob=-0.5)]
    assert Assistant(ix, llm, least_confidence=1.0).answer(WHO).status == "abstained"


def test_a_sentence_that_is_too_unsure_is_dropped_and_the_verdict_says_why(server, assistant, monkeypatch, embedder):
    stage = BY_COVERAGE | {"intercept": -1.0, "weights": {}}
    sure = BY_COVERAGE | {"intercept": 1.0, "weights": {}}
    fitted = {"embedder": embedder.name, "model": "eule", "retrieval": sure, "answer": stage, "english": {}}
    monkeypatch.setattr(rag.confidence, "_fitted", lambda: fitted)
    server.replies = [writes("Er ist Direktor [1].", logprob=-0.5)]
    given = assistant.answer(WHO)
    assert given.status == "abstained"
    assert given.verdicts[-1].reason == "Zu unsicher: 0.27, mindestens 0.50"
    assert given.signals.likelihood == pytest.approx(-0.5)


@pytest.mark.parametrize("value", ["viel", "1.5", "-1"])
def test_a_wrong_operating_point_is_named(ix, monkeypatch, value):
    monkeypatch.setenv("BELEG_LEAST_CONFIDENCE", value)
    with pytest.raises(BelegError, match=f"BELEG_LEAST_CONFIDENCE is '{value}', expected a number from 0"):
        Assistant.load(ix.folder)


def test_a_sentence_in_the_wrong_language_is_said_again(server, assistant):
    says(server, "Tan Wenkan ist der Direktor der Messe in Shanghai [<Direktor>].")
    server.replies.append(writes("Tan Wenkan is the director of the fair in Shanghai."))
    server.replies.append(writes("Tan Wenkan is director of the fair in Shanghai."))
    given = assistant.answer(WHO, language="en")
    assert given.text == "Tan Wenkan is the director of the fair in Shanghai. [1]"
    assert given.citations[0].gloss == "Tan Wenkan is director of the fair in Shanghai."
    assert "in English" in server.prompts[1]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Tan Wenkan ist Direktor der Messe in Shanghai. [1]"),
        (
            "en",
            (
                "The documents say: “Tan Wenkan ist Direktor der Messe in Shanghai.” "
                "(translated: Tan Wenkan is director of the fair in Shanghai.) [1]"
            ),
        ),
    ],
)
def test_a_model_that_only_names_its_evidence_is_taken_at_its_word(server, assistant, ix, language, text):
    says(server, "[<Direktor>]")
    server.replies.append(writes("Tan Wenkan is director of the fair in Shanghai."))
    given = assistant.answer(WHO, language=language)
    assert (given.status, given.text) == ("answered", text)
    assert given.citations[0].gloss == ("Tan Wenkan is director of the fair in Shanghai." if language == "en" else "")
    assert_sound(given, ix)


@pytest.mark.parametrize("said", ["[99]", "[0].", "…"])
def test_a_model_that_names_nothing_there_is_has_not_answered(server, assistant, said):
    says(server, said)
    assert assistant.answer(WHO).status == "abstained"


def test_what_stays_in_the_wrong_language_becomes_the_quote_and_is_called_one(server, assistant):
    wrong = "Tan Wenkan ist der Direktor der Messe in Shanghai"
    says(server, f"{wrong} [<Direktor>].")
    server.replies += [writes(f"{wrong}."), writes("Tan Wenkan is director of the fair in Berlin.")]
    given = assistant.answer(WHO, language="en")  # the translation is wrong, and left out
    assert given.text == "The documents say: “Tan Wenkan ist Direktor der Messe in Shanghai.” [1]"


@pytest.mark.parametrize(
    ("question", "said", "text"),
    [
        ("Who is director of the fair in Shanghai?", "Tan Wenkan [<Direktor>]", "Tan Wenkan [1]"),
        (
            "Who was counted at the fair?",
            "Besucher [<Besucher>]",
            "The documents say: “Auf der Messe zählte man 1.234 Besucher.” [1]",
        ),
    ],
)
def test_a_german_word_is_no_english_answer_but_a_name_is(server, assistant, question, said, text):
    says(server, said)
    server.replies += [writes("Besucher"), writes("1.234 Besucher, Messe.")]  # the last is no translation
    assert assistant.answer(question).text == text


def test_a_gloss_that_says_something_else_is_not_shown(server, assistant):
    says(server, "There were 1,234 visitors [<Besucher>].")
    server.replies.append(writes("There were 4,321 visitors at the fair."))
    given = assistant.answer("How many visitors came to the fair?")
    assert (given.text, given.citations[0].gloss) == ("There were 1,234 visitors. [1]", "")


def test_a_german_answer_has_no_gloss(server, assistant):
    says(server, "Er ist Direktor [<Direktor>].")
    assert assistant.answer(WHO).citations[0].gloss == ""
    assert len(server.prompts) == 1


def test_a_quote_is_the_passage_around_what_carries_the_answer(server, assistant, ix, monkeypatch):
    monkeypatch.setattr(rag.evidence, "PASSAGE_MARGIN", 2.0)
    says(server, "Man zählte auf der Messe 1.234 Besucher [<Besucher>].")
    given = assistant.answer("Wie viele Besucher zählte die Messe?")
    assert len(given.citations[0].quote) > len("Auf der Messe  zählte man 1.234 Besucher.")
    assert_sound(given, ix)


def test_documents_that_disagree_are_both_cited_and_the_newer_one_is_named(server, assistant, ix, monkeypatch):
    monkeypatch.setattr(rag.disagreement, "NEAREST", 0.5)  # of vectors by words, which blur nothing
    fee = "Der Jahresausweis der Bücherei am alten Markt kostet für Erwachsene {} Euro."
    ix.add(
        [
            Document("a", "Aushang", f"{fee.format(20)} Stand: 3. Mai 2024"),
            Document("b", "Gebührenordnung", f"{fee.format(18)} Stand: 1. Mai 2023"),
        ]
    )
    says(server, "18 Euro [<18 Euro>]")
    given = assistant.answer("Was kostet der Jahresausweis der Bücherei?")
    assert given.text == (
        "18 Euro [1] Die Dokumente widersprechen sich: „Gebührenordnung“ nennt 18 Euro, „Aushang“ 20 Euro; "
        "neuer ist „Aushang“ (3. Mai 2024). [1][2]"
    )
    assert [citation.document_id for citation in given.citations] == ["b", "a"]
    assert_sound(given, ix)
