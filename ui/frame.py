"""The page's own HTML around answers: head, turns with their buttons, the bar below the question, the pane."""

import json

from index import AnyIndex
from ui.conversation import Turn, stored
from ui.evidence import answer_html, escape, note_html, quotes_html, text_html
from ui.login import LOGOUT
from ui.shelf import UPLOAD_BYTES, formats
from ui.texts import Texts

SAMPLE_DOCUMENT = "waic-2024-erklaerung-von-shanghai"
EXAMPLES = (
    "Wer stellte die Erklärung von Shanghai zur globalen Governance der KI vor?",
    "Worin unterscheidet sich eine AR-Brille von einer VR-Brille?",
    "Who laid the foundation stone of Cologne Cathedral in 1248?",
    "How many people visit Cologne Cathedral each year?",
)
"""Questions to the sample corpus; the last one has no answer in it."""


def header_html(t: Texts, *, log_out: bool) -> str:
    """Return the page's name and lead, the switch to the other language, and where there is a login, the way out."""
    other = "en" if t.language == "de" else "de"
    out = (
        f'<form method="post" action="{LOGOUT}" id="beleg-logout"><button class="beleg-button" '
        f'title="{escape(t.logout_hint)}">{escape(t.logout_button)}</button></form>'
    )
    return (
        f'<header><div><h1>beleg</h1><p>{escape(t.chat_lead)}</p></div><nav><a class="beleg-button" id="beleg-switch" '
        f'href="/{other}/" hreflang="{other}" lang="{other}">{escape(t.chat_language_switch)}</a>'
        f"{out if log_out else ''}</nav></header>"
    )


def turn_html(turn: Turn, number: int, t: Texts) -> str:
    """Return a question with its answer; when it is finished, with what can be done with it."""
    kept = "" if turn.doing else f' data-turn="{escape(stored(turn))}"'
    return (
        f'<article class="beleg-turn" data-number="{number}"{kept} aria-label="{escape(turn.question)}">'
        f'<h2 class="beleg-asked">{escape(turn.question)}</h2>'
        f'<div class="beleg-answer" aria-live="polite">{_answer(turn, number, t)}</div>'
        f"{'' if turn.doing else _actions(turn, t)}</article>"
    )


def _answer(turn: Turn, number: int, t: Texts) -> str:
    if turn.answer:
        return answer_html(turn.answer, number, t)
    return (
        text_html(" ".join(turn.sentences), turn.citations, number, t)
        + (note_html(turn.doing, "busy") if turn.doing else "")
        + (note_html(turn.problem, "error") if turn.problem else "")
        + quotes_html(turn.citations, number, t)
    )


def _actions(turn: Turn, t: Texts) -> str:
    buttons = [("edit", t.chat_edit)]
    if turn.answer:
        buttons += [("copy", t.chat_copy), ("good", t.chat_good), ("bad", t.chat_bad)]
    made = "".join(
        f'<button type="button" class="beleg-quiet" data-do="{name}">{escape(label)}</button>'
        for name, label in buttons
    )
    return f'<div class="beleg-actions">{made}<span class="beleg-said" role="status"></span></div>{_reasons(t)}'


def _reasons(t: Texts) -> str:
    """Return the form that asks what is wrong with an answer."""
    reasons = (
        ("wrong_quote", t.chat_wrong_quote),
        ("wrong_answer", t.chat_wrong_answer),
        ("wrong_language", t.chat_wrong_language),
        ("should_refuse", t.chat_should_refuse),
    )
    choices = "".join(
        f'<label><input type="radio" name="reason" value="{value}" required> {escape(label)}</label>'
        for value, label in reasons
    )
    return (
        f'<form class="beleg-reasons" hidden><fieldset><legend>{escape(t.chat_reason)}</legend>{choices}</fieldset>'
        f'<input type="text" name="comment" maxlength="2000" aria-label="{escape(t.chat_comment)}" '
        f'placeholder="{escape(t.chat_comment)}"><button class="beleg-button">{escape(t.chat_submit)}</button></form>'
    )


def welcome_html(index: AnyIndex, t: Texts) -> str:
    """Return what an empty page says: what can be asked, or how to add documents."""
    if not len(index):
        command = f"beleg index add {t.chat_add_path} --index {index.address}"
        return f'<div class="beleg-welcome"><p>{escape(t.chat_empty)}</p><pre>{escape(command)}</pre></div>'
    examples = ""
    if SAMPLE_DOCUMENT in index:
        buttons = "".join(
            f'<button type="button" class="beleg-example">{escape(question)}</button>' for question in EXAMPLES
        )
        examples = f'<p>{escape(t.chat_examples)}</p><div class="beleg-examples">{buttons}</div>'
    return f'<div class="beleg-welcome"><h2>{escape(t.chat_welcome)}</h2>{examples}</div>'


def bar_html(t: Texts) -> str:
    """Return what stands below the question: documents asked, language of the answer, exports, a new beginning."""
    return (
        f'<div class="beleg-scope" hidden><span role="status"></span> <button type="button" class="beleg-quiet" '
        f'data-do="all">{escape(t.chat_scope_all)}</button></div>'
        f'<div class="beleg-options"><label>{escape(t.chat_answer_in)} <select id="beleg-language">'
        f'<option value="auto">{escape(t.chat_automatic)}</option><option value="de">Deutsch</option>'
        '<option value="en">English</option></select></label>'
        f'<span class="beleg-export">{escape(t.chat_export)} '
        '<button type="button" class="beleg-quiet" data-do="export" data-form="md">Markdown</button>'
        '<button type="button" class="beleg-quiet" data-do="export" data-form="docx">Word</button></span>'
        f'<button type="button" class="beleg-quiet" data-do="new">{escape(t.chat_clear)}</button></div>'
    )


def pane_html(t: Texts) -> str:
    """Return the pane: documents, the source of a quote, and earlier conversations, as tabs."""
    views = (
        ("documents", t.pane_documents, _documents(t)),
        ("source", t.pane_source, f'<div class="beleg-place">{note_html(t.source_none)}</div>'),
        ("history", t.pane_history, _history(t)),
    )
    tabs = "".join(_tab(name, label, chosen=name == "documents") for name, label, _ in views)
    panels = "".join(
        f'<section role="tabpanel" id="beleg-{name}" aria-labelledby="beleg-tab-{name}" tabindex="0"'
        f"{'' if name == 'documents' else ' hidden'}>{content}</section>"
        for name, _, content in views
    )
    back = f'<button type="button" class="beleg-quiet" data-do="back">{escape(t.pane_back)}</button>'
    return (
        f'<div class="beleg-tabs" data-texts="{escape(_script_texts(t))}" data-language="{t.language}">'
        f'<div role="tablist" aria-label="{escape(t.pane_label)}">{tabs}</div>{back}</div>{panels}'
    )


def _tab(name: str, label: str, *, chosen: bool) -> str:
    return (
        f'<button type="button" role="tab" id="beleg-tab-{name}" aria-controls="beleg-{name}" '
        f'aria-selected="{str(chosen).lower()}" tabindex="{0 if chosen else -1}">{escape(label)}</button>'
    )


def _documents(t: Texts) -> str:
    hint = t.documents_formats.format(formats=" ".join(formats()), megabytes=UPLOAD_BYTES // 1_000_000)
    return (
        f'<label class="beleg-drop"><input type="file" multiple accept="{escape(",".join(formats()))}">'
        f"<strong>{escape(t.documents_add)}</strong><small>{escape(hint)}</small></label>"
        '<ul class="beleg-uploads" aria-live="polite"></ul>'
        f'<div class="beleg-find"><input type="search" aria-label="{escape(t.documents_search)}" '
        f'placeholder="{escape(t.documents_search)}"></div>'
        f'<p class="beleg-note">{escape(t.documents_choose_hint)}</p>'
        '<div class="beleg-list"></div>'
        '<div class="beleg-chosen" hidden><label>'
        f'<input type="text" list="beleg-collections" maxlength="80" placeholder="{escape(t.documents_collection)}" '
        f'aria-label="{escape(t.documents_collection)}"></label><datalist id="beleg-collections"></datalist>'
        f'<button type="button" class="beleg-button" data-do="collect">{escape(t.documents_into)}</button>'
        f'<button type="button" class="beleg-button" data-do="remove">{escape(t.documents_remove_chosen)}</button>'
        "</div>"
    )


def _history(t: Texts) -> str:
    return (
        f'<label class="beleg-keep"><input type="checkbox" id="beleg-keep"> {escape(t.history_keep)}</label>'
        f'<p class="beleg-note">{escape(t.history_hint)}</p><ul class="beleg-earlier"></ul>'
        f'<button type="button" class="beleg-button" data-do="forget">{escape(t.history_delete_all)}</button>'
    )


_FOR_SCRIPT = (
    "chat_scope chat_copied chat_thanks chat_failed documents_sending documents_remove_sure documents_remove_one_sure "
    "documents_too_large history_none history_delete history_delete_sure source_changed export_title"
).split()


def _script_texts(t: Texts) -> str:
    """Return the texts that the page's script shows."""
    return json.dumps({name: getattr(t, name) for name in _FOR_SCRIPT}, ensure_ascii=False)
