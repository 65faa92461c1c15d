"""The chat without a browser: safe HTML, the conversation from a scripted stream of events, the guard of the server."""

import asyncio
import html
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from markdown_it import MarkdownIt

from index import BelegError, Chunk, Hit
from rag import Answer, Citation
from rag.assistant import Event, Found
from rag.grounding import Verdict
from rag.llm import LLMError
from rag.writer import AnswerSentence
from ui.chat import build_chat, launch_chat
from ui.conversation import ConversationError, Turn, follow, history, restored, stored
from ui.evidence import answer_html, escape, text_html
from ui.frame import turn_html
from ui.in_thread import in_thread
from ui.loading import Loading
from ui.queue import BusyError, Waiting
from ui.server import ChatError, guarded, listen, page_language
from ui.texts import DE, EN, Texts

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "![x](http://evil.invalid/x.png)",
    "[hier](javascript:alert(1)) und http://evil.invalid und www.evil.invalid und <mailto:a@evil.invalid>",
    "</blockquote></div><script>alert(1)</script><style>*{display:none}</style><!--",
    '" onmouseover="alert(1)" style="position:fixed',
    "&lt;b&gt; &#60;b&#62; &amp;amp;",
    "Absatz\n\n# Titel\n\n    code\n\n- Liste\n\n| a |\n|---|\n\n```\ncode\n```",
    "**fett** _kursiv_ ~~weg~~\t$$x^2$$ \\(y\\) `code` \\<b> :smile: @name #1",
    "[1]: http://evil.invalid\n[^1] <a href='#beleg-1-1'>[1]</a>",
]
SENTENCE = "Das Rathaus öffnet um acht Uhr."
TITLE = "Öffnungszeiten der Stadt"


class _Tags(HTMLParser):
    """What a browser would make of HTML: its tags with attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of_class(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for _, attributes in self.tags if name in (attributes.get("class") or "").split()]


def citation(marker: int = 1, quote: str = SENTENCE, title: str = TITLE, source: str = "stadt.txt") -> Citation:
    return Citation(marker, quote, "stadt", title, 0, len(quote), source=source)


def hit(title: str = TITLE) -> Hit:
    return Hit(Chunk("stadt", title, SENTENCE, 0, len(SENTENCE), ((0, len(SENTENCE)),)), 0.9, 0.9, 0.0)


def answered(text: str = f"{SENTENCE} [1]", **changes: Any) -> Answer:
    fields: dict[str, Any] = {"citations": (citation(),), "hits": (hit(),), "model": "qwen"}
    return Answer("Wann?", text, "de", **{"status": "answered", **fields, **changes})


# Safe HTML


@pytest.mark.parametrize("text", [*HOSTILE, SENTENCE, "", "".join(map(chr, range(0x20, 0x250)))])
def test_escaped_text_is_text_to_a_browser(text: str) -> None:
    assert _Tags(escape(text)).tags == []
    assert html.unescape(escape(text)) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_is_text_to_markdown(text: str) -> None:
    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(escape(text))
    assert {tag for tag, _ in _Tags(rendered).tags} == {"p"}


def test_lone_surrogates_do_not_reach_the_wire() -> None:
    assert escape("a\ud83db").encode() == "a\ufffdb".encode()


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("status", ["answered", "abstained", "incomplete"])
def test_an_answer_from_hostile_texts_holds_our_tags_only(hostile: str, status: str) -> None:
    answer = answered(
        f"{hostile} [1]",
        status=status,
        citations=(citation(1, quote=hostile, title=hostile, source=hostile),),
        hits=(hit(hostile),),
        notice=hostile,
    )

    page = _Tags(answer_html(answer, 1, DE))

    assert {tag for tag, _ in page.tags} <= {"p", "div", "span", "a", "blockquote", "button", "strong"}
    names = {name for _, attributes in page.tags for name in attributes}
    data = {"data-document", "data-start", "data-end"}
    assert names <= {"class", "href", "id", "lang", "title", "type", "aria-label", *data}
    assert {attributes["href"] for tag, attributes in page.tags if tag == "a"} <= {"#beleg-1-1"}
    assert hostile in page.text


def test_an_answer_is_passed_on_by_markdown_as_it_is() -> None:
    page = answer_html(answered(), 1, DE)
    assert MarkdownIt("commonmark").render(page) == page


# What an answer shows


def test_each_marker_leads_to_its_quote_and_shows_it() -> None:
    second = "Das Bad öffnet um neun Uhr."
    answer = answered("Um acht [1]. Um neun [2][1].", citations=(citation(1), citation(2, quote=second)))

    page = _Tags(answer_html(answer, 3, DE))

    markers = page.of_class("beleg-marker")
    assert [marker["href"] for marker in markers] == ["#beleg-3-1", "#beleg-3-2", "#beleg-3-1"]
    quotes = page.of_class("beleg-quote")
    assert [quote["id"] for quote in quotes] == ["beleg-3-1", "beleg-3-2"]
    assert [(quote["data-start"], quote["data-end"]) for quote in quotes] == [
        ("0", str(len(SENTENCE))),
        ("0", str(len(second))),
    ]
    assert second in page.text


def test_a_number_without_a_citation_stays_text() -> None:
    page = _Tags(text_html("Siehe [7] und [1].", [citation()], 1, DE))
    assert page.text == "Siehe [7] und 1."
    assert len(page.of_class("beleg-marker")) == 1


def test_quotes_stand_letter_for_letter_with_title_page_and_source() -> None:
    quote = "Das Rathaus öffnet\n  um acht  Uhr."
    cited = Citation(1, quote, "stadt", TITLE, 0, len(quote), page=12, source="/daten/stadt.pdf")

    page = answer_html(answered(citations=(cited,)), 1, DE)

    assert quote in _Tags(page).text
    assert f"{TITLE}S. 12 · /daten/stadt.pdf" in _Tags(page).text
    assert "p. 12" in _Tags(answer_html(answered(citations=(cited,)), 1, EN)).text


def test_a_document_without_title_is_named_by_its_id_and_a_long_title_is_cut() -> None:
    assert "stadtstadt.txt" in _Tags(answer_html(answered(citations=(citation(title=""),)), 1, DE)).text
    assert "x" * 201 not in _Tags(answer_html(answered(citations=(citation(title="x" * 5_000),)), 1, DE)).text


@pytest.mark.parametrize("texts", [DE, EN])
def test_an_abstention_says_why_and_quotes_what_came_nearest(texts: Texts) -> None:
    answer = answered("The documents do not say.", status="abstained", citations=(), nearest=(citation(),))
    page = _Tags(answer_html(answer, 1, texts))
    assert page.text.startswith(f"The documents do not say.{texts.chat_abstained}qwen{texts.nearest}")
    assert len(page.of_class("beleg-quote")) == 1
    assert SENTENCE in page.text


@pytest.mark.parametrize("texts", [DE, EN])
def test_a_gloss_is_marked_as_a_translation(texts: Texts) -> None:
    glossed = replace(citation(), gloss="The <b>city</b>")
    page = _Tags(answer_html(answered(citations=(glossed,)), 1, texts))
    assert texts.gloss.format(text="The <b>city</b>") in page.text


def test_an_incomplete_answer_keeps_what_was_checked_and_says_why() -> None:
    page = _Tags(answer_html(answered(status="incomplete", notice="qwen: broke off"), 1, EN))
    assert SENTENCE in page.text
    assert EN.incomplete.format(reason="qwen: broke off") in page.text
    assert len(page.of_class("beleg-quote")) == 1


def test_an_incomplete_answer_without_a_sentence_does_not_claim_that_the_documents_are_silent() -> None:
    answer = answered("Die Dokumente sagen dazu nichts.", status="incomplete", citations=(), notice="broke off")
    assert _Tags(answer_html(answer, 1, DE)).text == DE.incomplete.format(reason="broke off") + "qwen"


def test_an_answer_without_a_model_says_so() -> None:
    assert DE.extractive in _Tags(answer_html(answered(model="extractive"), 1, DE)).text
    assert DE.extractive not in _Tags(answer_html(answered(), 1, DE)).text


# The conversation


def scripted(events: Sequence[Event], error: BelegError | None = None) -> Iterator[Event]:
    yield from events
    if error:
        raise error


def test_the_turn_grows_with_the_events() -> None:
    first = AnswerSentence("Um acht [1].", (citation(1),))
    second = AnswerSentence("Um neun [2].", (citation(2),))
    answer = answered("Um acht [1]. Um neun [2].", citations=(citation(1), citation(2)))

    turns = list(
        follow(Turn("Wann?", doing="Sucht"), scripted([Found((hit(),)), first, second, answer]), lambda: "Schreibt", DE)
    )

    assert [turn.doing for turn in turns] == ["Schreibt", "Schreibt", "Schreibt", ""]
    assert [len(turn.sentences) for turn in turns] == [0, 1, 2, 2]
    assert [citation.marker for citation in turns[2].citations] == [1, 2]
    assert turns[-1].answer == answer
    assert [_Tags(turn_html(turn, 1, DE)).text.count("Um ") for turn in turns] == [0, 1, 2, 2]


def test_an_error_ends_the_turn_and_keeps_what_was_checked() -> None:
    events = scripted([Found(()), AnswerSentence("Um acht [1].", (citation(1),))], BelegError("no answer in <time>"))

    last = list(follow(Turn("Wann?", doing="Sucht"), events, lambda: "Schreibt", DE))[-1]

    page = _Tags(turn_html(last, 1, DE))
    assert "no answer in <time>" in page.text
    assert "Um acht 1." in page.text
    assert len(page.of_class("beleg-error")) == len(page.of_class("beleg-quote")) == 1
    assert not last.doing


def test_a_lost_model_is_said_in_our_words_and_keeps_what_was_checked() -> None:
    events = scripted([AnswerSentence("Um acht [1].", (citation(1),))], LLMError("no answer from http://127.0.0.1:1"))
    last = list(follow(Turn("Wann?", doing="Sucht"), events, lambda: "Schreibt", DE))[-1]
    assert last.problem == DE.chat_lost.format(reason="no answer from http://127.0.0.1:1")
    assert last.citations == (citation(1),)


def test_who_waits_is_told_the_place_and_who_cannot_wait_when_to_come_again() -> None:
    events = scripted([Waiting(2), Waiting(1), Found(()), answered()])  # type: ignore[list-item]
    turns = list(follow(Turn("Wann?", doing="Sucht"), events, lambda: "Schreibt", DE))
    assert [turn.doing for turn in turns] == [
        *(DE.chat_waiting.format(place=place) for place in (2, 1)),
        "Schreibt",
        "",
    ]

    [refused] = follow(Turn("Wann?", doing="Sucht"), scripted([], BusyError(False, 64, 90)), lambda: "", DE)
    assert (refused.doing, refused.problem) == ("", DE.chat_busy.format(seconds=90))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_turn_from_hostile_texts_has_anchors_and_tags_of_its_own_only(hostile: str) -> None:
    turn = Turn(hostile, answer=answered(f"{hostile} [1]", citations=(citation(quote=hostile, title=hostile),)))
    page = _Tags(turn_html(turn, 4, DE))
    assert {tag for tag, _ in page.tags} <= set(
        "article h2 div p span strong a blockquote button form fieldset legend label input".split()
    )
    assert not any(name.startswith("on") or name == "style" for _, attributes in page.tags for name in attributes)
    assert [quote["id"] for quote in page.of_class("beleg-quote")] == ["beleg-4-1"]
    assert hostile in page.text


def test_only_a_finished_turn_can_be_kept_and_acted_on() -> None:
    growing, finished = turn_html(Turn("Wo?", doing="Sucht …"), 1, DE), turn_html(Turn("Wo?", answer=answered()), 1, DE)
    assert "data-turn" not in growing
    assert "data-do" not in growing
    assert [tag[1]["data-do"] for tag in _Tags(finished).tags if "data-do" in tag[1]] == ["edit", "copy", "good", "bad"]


def test_a_turn_comes_back_from_the_browser_as_it_was_but_for_the_hits() -> None:
    verdict = Verdict("Um neun.", supported=False, reason="number", kind="number", words=("neun",))
    answer = answered(confidence=0.75, seconds=1.5, verdicts=(verdict,), nearest=(citation(2),))
    (turn,) = restored([json.loads(stored(Turn("Wann?", answer=answer)))])
    assert turn.answer == replace(answer, question="Wann?", hits=())


@pytest.mark.parametrize(
    "kept", [None, "x", {"a": 1}, [1], [{"question": 3}], [{"question": "a", "answer": {"text": 1}}]]
)
def test_what_is_no_conversation_is_refused(kept: Any) -> None:
    with pytest.raises(ConversationError, match="no conversation"):
        restored(kept)


def test_an_answer_says_how_sure_it_is_and_what_was_dropped_and_why() -> None:
    verdicts = (Verdict(SENTENCE, supported=True), Verdict("Um neun.", supported=False, kind="number", words=("neun",)))
    page = _Tags(answer_html(answered(confidence=0.874, seconds=4.23, verdicts=verdicts), 1, DE)).text
    assert "sehr wahrscheinlich (0,87) · 4,2 s · qwen" in page
    assert DE.chat_checked.format(kept=1, dropped=1) in page
    assert "Um neun. verworfen – eine Zahl steht nicht im Beleg (neun)" in page


def test_history_holds_the_finished_turns() -> None:
    turns = [
        Turn("Wann?", answer=answered()),
        Turn("Wo?", problem="Angehalten."),
        Turn("Wer?", answer=answered("Sie [1].")),
    ]
    assert history(turns) == [("Wann?", f"{SENTENCE} [1]"), ("Wer?", "Sie [1].")]


def test_items_of_a_thread_arrive_in_order_and_an_error_ends_them(caplog: pytest.LogCaptureFixture) -> None:
    def items() -> Iterator[int]:
        yield from [1, 2]
        raise ValueError("unforeseen")

    async def collected() -> list[int]:
        return [item async for item in in_thread(items())]

    assert asyncio.run(collected()) == [1, 2]
    assert "unforeseen" in caplog.text


def test_who_stops_does_not_wait_for_the_item_in_work_and_the_iterator_is_closed() -> None:
    go_on, closed = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        try:
            yield 1
            go_on.wait(10)
            yield 2
            yield 3
        finally:
            closed.set()

    held = items()  # so that nothing but closing it ends it

    async def first() -> int:
        found = in_thread(held)
        item = await anext(found)
        waiting: asyncio.Task[int] = asyncio.create_task(anext(found))  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.wait([waiting], timeout=5)
        assert waiting.cancelled()
        return item

    assert asyncio.run(first()) == 1
    assert not closed.is_set()
    go_on.set()
    assert closed.wait(5)


# Loading and serving


class _Unloadable:
    @property
    def index(self) -> Any:
        raise BelegError("weights: cannot be had")


def test_loading_says_what_it_waits_for_and_ends_with_an_error_in_words() -> None:
    loading = Loading()
    assert loading.waits_for(EN) == EN.chat_loading_search

    loading.start(_Unloadable())  # type: ignore[arg-type]

    assert loading.done.wait(5)
    assert (loading.waits_for(EN), loading.outcome(EN)) == ("", "weights: cannot be had")


def test_importing_the_chat_is_light() -> None:
    heavy = "{'gradio', 'torch', 'fastapi', 'uvicorn', 'openai'}"
    code = f"import sys, ui.chat; sys.exit(str({heavy} & set(sys.modules)) if {heavy} & set(sys.modules) else 0)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_port_in_use_is_named_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ChatError, match=f"port {port} on 127.0.0.1 is in use; take another: --port {port + 1}"):
            launch_chat("unused", port=port, language="de")


def test_a_foreign_host_is_named() -> None:
    with pytest.raises(ChatError, match=r"cannot listen on 203\.0\.113\.7, port 7860 .*--host"):
        launch_chat("unused", host="203.0.113.7", language="de")


def test_a_reply_is_sent_at_once() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def _page(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})
    await send({"type": "http.response.body", "body": b"page"})


def response_to(host: str, names: Sequence[str]) -> tuple[int, dict[str, str]]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "headers": [(b"host", host.encode())]}
    asyncio.run(guarded(_page, names)(scope, None, send))  # type: ignore[arg-type]
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize(
    ("host", "names", "status"),
    [
        ("127.0.0.1:7860", ("127.0.0.1", "localhost", "::1"), 200),
        ("LocalHost", ("127.0.0.1", "localhost", "::1"), 200),
        ("[::1]:7860", ("127.0.0.1", "localhost", "::1"), 200),
        ("evil.invalid:7860", ("127.0.0.1", "localhost", "::1"), 421),
        ("127.0.0.1.evil.invalid", ("127.0.0.1", "localhost", "::1"), 421),
        ("", ("127.0.0.1", "localhost", "::1"), 421),
        ("beleg.example", (), 200),
    ],
)
def test_only_this_machines_names_are_answered_and_all_responses_forbid_other_origins(
    host: str, names: Sequence[str], status: int
) -> None:
    found, headers = response_to(host, names)
    assert found == status
    policy = dict(directive.split(" ", 1) for directive in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert not any("http" in sources or "*" in sources for sources in policy.values())


@pytest.mark.parametrize(
    ("chosen", "environment", "accepted", "language"),
    [
        ("en", "de", "de-DE", "en"),
        ("", "de", "en-US", "de"),
        ("", "", "en-US,de;q=0.5", "en"),
        ("", "", "de-AT", "de"),
        ("x", "fr", "fr", "en"),
    ],
)
def test_the_readers_choice_goes_before_the_setting_and_that_before_the_browsers(
    monkeypatch: pytest.MonkeyPatch, chosen: str, environment: str, accepted: str, language: str
) -> None:
    monkeypatch.setenv("BELEG_INTERFACE_LANGUAGE", environment)
    assert page_language(chosen, {"accept-language": accepted}, "en") == language


class _Empty(list[str]):
    address = "ordner"


def test_no_event_of_the_page_is_an_api() -> None:
    async def described() -> Any:  # in a loop, because Gradio leaves one of its own open
        return build_chat(SimpleNamespace(index=_Empty()), "de").get_api_info()  # type: ignore[arg-type]

    assert asyncio.run(described()) == {"named_endpoints": {}, "unnamed_endpoints": {}}
