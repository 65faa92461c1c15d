"""Every text of the interface, German and English."""

import locale
import os
from dataclasses import dataclass
from functools import cache
from typing import Literal

Language = Literal["de", "en"]


@dataclass(frozen=True)
class Texts:
    """The interface in one language; ``{…}`` are filled in by ``str.format``."""

    # Command line: help
    cli: str
    index_group: str
    index_add: str
    index_list: str
    index_remove: str
    ask: str
    models: str
    chat: str
    demo: str
    option_index: str
    option_language: str
    option_json: str
    option_documents: str
    argument_paths: str
    argument_ids: str
    argument_question: str
    option_host: str
    option_port: str
    # Command line: what happened
    added: str
    updated: str
    unchanged: str
    removed: str
    failed: str
    total: str
    no_documents: str
    indexing: str
    indexed: str
    fetching: str
    sources: str
    error: str
    chat_ready: str
    next_steps: str
    demo_question: str
    # Models
    role_embedding: str
    role_llm: str
    verified: str
    not_fetched: str
    no_model: str
    endpoint: str
    # Server
    serve: str
    mcp: str
    mcp_extra: str
    api_ready: str
    open_host: str
    login_title: str
    login_label: str
    login_button: str
    login_wrong: str
    login_locked: str
    chat_waiting: str
    chat_busy: str
    # States of an answer
    incomplete: str
    extractive: str
    nearest: str
    gloss: str
    # Chat
    chat_lead: str
    chat_documents: str
    chat_one_document: str
    chat_extractive: str
    chat_loading_search: str
    chat_loading_model: str
    chat_fetching_model: str
    chat_question: str
    chat_send: str
    chat_stop: str
    chat_clear: str
    chat_answer_in: str
    chat_automatic: str
    chat_welcome: str
    chat_examples: str
    chat_empty: str
    chat_add_path: str
    chat_searching: str
    chat_writing: str
    chat_stopped: str
    chat_unexpected: str
    chat_abstained: str
    chat_page: str


DE = Texts(
    cli="Deutsche Dokumente fragen und Antworten mit geprüften, wörtlichen Zitaten erhalten.",
    index_group="Dokumente aufnehmen, auflisten, entfernen.",
    index_add="Dateien und Ordner aufnehmen (.txt, .md, .jsonl, .jsonl.gz); Unverändertes wird übersprungen.",
    index_list="Die aufgenommenen Dokumente auflisten.",
    index_remove="Dokumente entfernen.",
    ask="Eine Frage stellen, auf Deutsch oder Englisch.",
    models="Zeigen, welche Modelle verwendet werden, woher sie stammen und ob sie geprüft sind.",
    chat="Den Chat im Browser öffnen.",
    demo="Modelle holen und prüfen, den Beispielbestand aufnehmen und eine erste Frage beantworten.",
    option_index="Ordner des Index (sonst BELEG_INDEX).",
    option_language="Sprache der Antwort; sonst die der Frage.",
    option_json="JSON ausgeben.",
    option_documents="Nur in diesem Dokument suchen (mehrfach möglich).",
    argument_paths="Dateien oder Ordner.",
    argument_ids="Kennungen der Dokumente, siehe: beleg index list",
    argument_question="Die Frage.",
    option_host="Adresse, an der der Server hört.",
    option_port="Port des Servers.",
    added="neu",
    updated="geändert",
    unchanged="unverändert",
    removed="entfernt",
    failed="fehlgeschlagen",
    total="{documents} Dokumente in {folder}",
    no_documents="Der Index in {folder} ist leer. Dokumente aufnehmen: beleg index add PFAD",
    indexing="Dokumente werden aufgenommen",
    indexed="{documents} Dokumente · {chunks} Abschnitte · {rate:.0f}/s",
    fetching="Sprachmodell wird geholt",
    sources="Belege",
    nearest="Am nächsten kommen diese Stellen",
    gloss="Übersetzung, maschinell: {text}",
    error="Fehler",
    chat_ready="Der Chat läuft unter {url} – beenden mit Strg+C.",
    next_steps="Weiterfragen im Browser: {command}",
    demo_question="Worin unterscheidet sich eine AR-Brille von einer VR-Brille?",
    role_embedding="Suche (Einbettungen)",
    role_llm="Antworten (Sprachmodell)",
    verified="vorhanden, SHA-256 geprüft",
    not_fetched="noch nicht geholt ({size:.0f} MB, kommt beim ersten Gebrauch)",
    no_model="abgeschaltet: Antworten sind wörtliche Auszüge",
    endpoint="Endpunkt, nicht eingebaut",
    incomplete="Die Antwort ist unvollständig: {reason}",
    extractive="Ohne Sprachmodell beantwortet: die passendsten Sätze der Dokumente.",
    # Server
    serve="Fragen über HTTP beantworten (POST /answer), ohne Seite im Browser.",
    mcp="Fragen von Programmen beantworten, die das Model Context Protocol sprechen.",
    mcp_extra="Dafür fehlt das Paket „mcp“; installieren: pip install 'beleg[mcp]'",
    api_ready="HTTP-Schnittstelle: {url}/openapi.json – beenden mit Strg+C.",
    open_host=(
        "Warnung: An {host} kann jeder im Netz ohne Passwort fragen und die Dokumente lesen. "
        "Setzen Sie BELEG_PASSWORD, oder lassen Sie --host weg."
    ),
    login_title="Anmelden",
    login_label="Passwort",
    login_button="Anmelden",
    login_wrong="Das Passwort ist falsch.",
    login_locked="Zu viele falsche Passwörter. Versuchen Sie es ab {clock} Uhr wieder (noch {minutes} min).",
    chat_waiting="{place} vor Ihnen …",
    chat_busy="Gerade warten zu viele Fragen. Versuchen Sie es in {seconds} Sekunden noch einmal.",
    # Chat
    chat_lead=(
        "Fragen Sie deutsche Dokumente, auf Deutsch oder Englisch. Jeder Satz der Antwort steht auf einem "
        "wörtlichen, geprüften Zitat."
    ),
    chat_documents="{documents} Dokumente",
    chat_one_document="1 Dokument",
    chat_extractive="ohne Sprachmodell, Antworten sind wörtliche Auszüge",
    chat_loading_search="Das Suchmodell wird geladen …",
    chat_loading_model="Das Sprachmodell wird geladen …",
    chat_fetching_model="Das Sprachmodell wird geholt: {done:.0f} von {total:.0f} MB …",
    chat_question="Ihre Frage",
    chat_send="Fragen",
    chat_stop="Anhalten",
    chat_clear="Neues Gespräch",
    chat_answer_in="Antworten auf",
    chat_automatic="Automatisch",
    chat_welcome="Was möchten Sie wissen?",
    chat_examples="Zum Beispiel:",
    chat_empty="Noch sind keine Dokumente da. Nehmen Sie welche auf, dann laden Sie diese Seite neu:",
    chat_add_path="ORDNER-ODER-DATEI",
    chat_searching="Sucht in den Dokumenten …",
    chat_writing="Schreibt und prüft jeden Satz …",
    chat_stopped="Angehalten.",
    chat_unexpected="Ein unerwarteter Fehler ist aufgetreten; Näheres steht im Terminal, in dem der Chat läuft.",
    chat_abstained=(
        "Kein Satz der Dokumente belegt eine Antwort. Fragen Sie anders, oder nehmen Sie weitere Dokumente auf."
    ),
    chat_page="S. {page}",
)

EN = Texts(
    cli="Ask German documents and get answers with checked, verbatim quotes.",
    index_group="Add, list and remove documents.",
    index_add="Add files and folders (.txt, .md, .jsonl, .jsonl.gz); what has not changed is skipped.",
    index_list="List the indexed documents.",
    index_remove="Remove documents.",
    ask="Ask a question in German or English.",
    models="Show which models are used, where they are from and whether they are verified.",
    chat="Open the chat in the browser.",
    demo="Fetch and verify the models, index the sample corpus and answer a first question.",
    option_index="Folder of the index (otherwise BELEG_INDEX).",
    option_language="Language of the answer; otherwise the question's.",
    option_json="Print JSON.",
    option_documents="Search this document only (may be repeated).",
    argument_paths="Files or folders.",
    argument_ids="Ids of the documents, see: beleg index list",
    argument_question="The question.",
    option_host="Address on which the server listens.",
    option_port="Port of the server.",
    added="added",
    updated="updated",
    unchanged="unchanged",
    removed="removed",
    failed="failed",
    total="{documents} documents in {folder}",
    no_documents="The index in {folder} is empty. Add documents: beleg index add PATH",
    indexing="Indexing documents",
    indexed="{documents} documents · {chunks} chunks · {rate:.0f}/s",
    fetching="Fetching the language model",
    sources="Evidence",
    nearest="The nearest passages",
    gloss="Translation, by machine: {text}",
    error="Error",
    chat_ready="The chat runs at {url} – stop it with Ctrl+C.",
    next_steps="Go on in the browser: {command}",
    demo_question="Who laid the foundation stone of Cologne Cathedral in 1248?",
    role_embedding="search (embeddings)",
    role_llm="answers (language model)",
    verified="present, SHA-256 verified",
    not_fetched="not fetched yet ({size:.0f} MB, comes with the first use)",
    no_model="switched off: answers are verbatim extracts",
    endpoint="endpoint, not embedded",
    incomplete="The answer is incomplete: {reason}",
    extractive="Answered without a language model: the best matching German sentences of the documents.",
    # Server
    serve="Answer questions over HTTP (POST /answer), without a page in the browser.",
    mcp="Answer questions of programs that speak the Model Context Protocol.",
    mcp_extra="This needs the package “mcp”; install it: pip install 'beleg[mcp]'",
    api_ready="HTTP interface: {url}/openapi.json – stop it with Ctrl+C.",
    open_host=(
        "Warning: at {host} everybody on the network can ask and read the documents without a password. "
        "Set BELEG_PASSWORD, or leave out --host."
    ),
    login_title="Log in",
    login_label="Password",
    login_button="Log in",
    login_wrong="The password is wrong.",
    login_locked="Too many wrong passwords. Try again from {clock} on (in {minutes} min).",
    chat_waiting="{place} ahead of you …",
    chat_busy="Too many questions are waiting. Try again in {seconds} seconds.",
    # Chat
    chat_lead=(
        "Ask German documents, in German or English. Every sentence of the answer stands on a verbatim, "
        "checked German quote."
    ),
    chat_documents="{documents} documents",
    chat_one_document="1 document",
    chat_extractive="no language model, answers are verbatim extracts",
    chat_loading_search="The search model is being loaded …",
    chat_loading_model="The language model is being loaded …",
    chat_fetching_model="The language model is being fetched: {done:.0f} of {total:.0f} MB …",
    chat_question="Your question",
    chat_send="Ask",
    chat_stop="Stop",
    chat_clear="New conversation",
    chat_answer_in="Answer in",
    chat_automatic="Automatic",
    chat_welcome="What would you like to know?",
    chat_examples="For example:",
    chat_empty="There are no documents yet. Add some, then reload this page:",
    chat_add_path="FOLDER-OR-FILE",
    chat_searching="Searching the documents …",
    chat_writing="Writing, and checking every sentence …",
    chat_stopped="Stopped.",
    chat_unexpected="An unexpected error occurred; the terminal in which the chat runs has the details.",
    chat_abstained="No sentence of the documents backs an answer. Ask in another way, or add more documents.",
    chat_page="p. {page}",
)


@cache
def interface_language() -> Language:
    """Return ``BELEG_INTERFACE_LANGUAGE`` (de or en), else German on a German system, else English."""
    chosen = os.environ.get("BELEG_INTERFACE_LANGUAGE", "").lower()
    if chosen in {"de", "en"}:
        return "de" if chosen == "de" else "en"
    names = [os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    system = next((name for name in names if name), locale.getlocale()[0] or "")
    return "de" if system.lower().startswith(("de", "german")) else "en"


def texts(language: Language | None = None) -> Texts:
    """Return the texts of a language, by default the interface's.

    >>> texts("de").sources
    'Belege'
    """
    return DE if (language or interface_language()) == "de" else EN
