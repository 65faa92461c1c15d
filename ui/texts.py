"""Every text of the interface, German and English."""

import locale
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

Language = Literal["de", "en"]


@dataclass(frozen=True)
class Texts:
    """The interface in one language; ``{…}`` are filled in by ``str.format``."""

    language: Language
    # Command line: help
    cli: str
    index_group: str
    index_add: str
    index_list: str
    index_remove: str
    index_copy: str
    index_repair: str
    ask: str
    models: str
    chat: str
    demo: str
    option_index: str
    option_language: str
    option_json: str
    option_documents: str
    option_force: str
    option_prune: str
    option_allow_private: str
    option_workers: str
    argument_paths: str
    argument_ids: str
    option_collection: str
    argument_from: str
    argument_to: str
    argument_question: str
    option_host: str
    option_port: str
    # Command line: what happened
    added: str
    updated: str
    unchanged: str
    removed: str
    failed: str
    skipped: str
    gone: str
    total: str
    no_documents: str
    repair_damaged: str
    repair_lost: str
    repair_guessed: str
    repair_whole: str
    repaired: str
    indexing: str
    indexed: str
    copying: str
    copied: str
    fetching: str
    sources: str
    error: str
    chat_ready: str
    next_steps: str
    demo_question: str
    # Models
    role_embedding: str
    role_llm: str
    role_index: str
    part_meaning: str
    part_words: str
    part_tokens: str
    searched_by: str
    not_searched_by: str
    verified: str
    not_fetched: str
    no_model: str
    endpoint: str
    # Server
    serve: str
    mcp: str
    option_only_collections: str
    user_group: str
    user_add: str
    user_remove: str
    user_list: str
    argument_user: str
    option_user_collections: str
    option_user_everything: str
    user_everything: str
    user_entered: str
    user_removed: str
    users_unset: str
    mcp_extra: str
    api_ready: str
    open_host: str
    login_title: str
    login_name: str
    login_label: str
    login_button: str
    login_wrong: str
    login_wrong_named: str
    login_locked: str
    logout_button: str
    logout_hint: str
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
    chat_opening: str
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
    chat_lost: str
    chat_why: str
    chat_confidence: str
    chat_surely: str
    chat_likely: str
    chat_doubtful: str
    chat_hardly: str
    chat_checked: str
    chat_kept: str
    chat_dropped: str
    chat_no_reason: str
    chat_seconds: str
    chat_extractive_model: str
    chat_marker: str
    chat_open: str
    chat_edit: str
    chat_copy: str
    chat_copied: str
    chat_good: str
    chat_bad: str
    chat_reason: str
    chat_wrong_quote: str
    chat_wrong_answer: str
    chat_wrong_language: str
    chat_should_refuse: str
    chat_comment: str
    chat_submit: str
    chat_thanks: str
    chat_export: str
    chat_language_switch: str
    chat_scope: str
    chat_scope_all: str
    chat_failed: str
    pane_label: str
    pane_documents: str
    pane_source: str
    pane_history: str
    pane_back: str
    source_none: str
    source_before: str
    source_after: str
    source_gone: str
    source_changed: str
    source_page_picture: str
    source_as_text: str
    source_quote: str
    documents_add: str
    documents_formats: str
    documents_search: str
    documents_none: str
    documents_nothing_found: str
    documents_more: str
    documents_choose: str
    documents_choose_hint: str
    documents_remove: str
    documents_remove_chosen: str
    documents_remove_sure: str
    documents_remove_one_sure: str
    documents_into: str
    documents_collection: str
    documents_no_collection: str
    documents_characters: str
    documents_pages: str
    documents_one_page: str
    documents_sending: str
    documents_reading: str
    documents_embedding: str
    documents_added: str
    documents_updated: str
    documents_unchanged: str
    documents_failed: str
    documents_too_large: str
    documents_bad_name: str
    history_keep: str
    history_hint: str
    history_none: str
    history_delete: str
    history_delete_all: str
    history_delete_sure: str
    export_title: str
    verdict_kinds: Mapping[str, str]


DE = Texts(
    language="de",
    cli="Deutsche Dokumente befragen und Antworten mit geprüften, wörtlichen Zitaten erhalten.",
    index_group="Dokumente aufnehmen, auflisten, entfernen.",
    index_add=(
        "Dateien, Ordner und Webadressen aufnehmen (.pdf, .docx, .html, .epub, .txt, .md, .jsonl); "
        "Unverändertes wird übersprungen."
    ),
    index_list="Die aufgenommenen Dokumente auflisten.",
    index_remove="Dokumente entfernen.",
    index_copy="Dokumente mit ihren Vektoren in einen anderen Index kopieren; unterbrochen, geht es dort weiter.",
    index_repair="Einen beschädigten Index aus den Texten seiner Dokumente wiederherstellen.",
    ask="Eine Frage stellen, auf Deutsch oder Englisch.",
    models="Zeigen, welche Modelle verwendet werden, woher sie stammen und ob sie geprüft sind.",
    chat="Den Chat im Browser öffnen.",
    demo="Modelle holen und prüfen, den Beispielbestand aufnehmen und eine erste Frage beantworten.",
    option_index="Ordner oder URL des Index (sonst BELEG_INDEX).",
    option_language="Sprache der Antwort; sonst die der Frage.",
    option_json="JSON ausgeben.",
    option_documents="Nur in diesem Dokument suchen (mehrfach möglich).",
    option_force="Alle Dateien neu lesen, auch unveränderte.",
    option_prune="Dokumente entfernen, deren Dateien in den genannten Ordnern nicht mehr da sind.",
    option_allow_private="Auch Webadressen dieses Rechners und privater Netze holen.",
    option_workers="Mit Ray auf so vielen Prozessoren lesen und einbetten; mit RAY_ADDRESS auf denen eines Clusters.",
    argument_paths="Dateien, Ordner oder Webadressen.",
    argument_ids="Kennungen der Dokumente, siehe: beleg index list",
    option_collection="Sammlung, in die die Dokumente kommen.",
    argument_from="Ordner oder URL des Index, der kopiert wird.",
    argument_to="Ordner oder URL des Index, in den kopiert wird; fehlt er, wird er angelegt.",
    argument_question="Die Frage.",
    option_host="Adresse, an der der Server hört.",
    option_port="Port des Servers.",
    added="neu",
    updated="geändert",
    unchanged="unverändert",
    removed="entfernt",
    failed="fehlgeschlagen",
    skipped="{files} Dateien unbekannter Formate übersprungen: {endings}",
    gone="{documents} Dokumente, deren Dateien nicht mehr da sind ({first}); entfernen: beleg index add --prune …",
    total="{documents} Dokumente in {folder}",
    repair_damaged="Beschädigt: {file}",
    repair_lost="Verloren: {id}; die Datei neu aufnehmen: {source}",
    repair_guessed="Auch die Liste der Dokumente war beschädigt: Entfernte können wieder da sein.",
    repair_whole="Der Index ist unbeschädigt.",
    repaired="{documents} Dokumente neu aufgenommen; der Index ist wieder ganz.",
    no_documents="Der Index in {folder} ist leer. Dokumente aufnehmen: beleg index add PFAD",
    indexing="Dokumente werden aufgenommen",
    indexed="{documents} Dokumente · {chunks} Abschnitte · {rate:.0f}/s",
    copying="Dokumente werden kopiert",
    copied="{copied} Dokumente nach {target} kopiert und verglichen, {there} waren schon da, {others} sind nur dort",
    fetching="Sprachmodell wird geholt und vorbereitet",
    sources="Belege",
    nearest="Am nächsten kommen diese Stellen",
    gloss="Maschinelle Übersetzung: {text}",
    error="Fehler",
    chat_ready="Der Chat läuft unter {url} – beenden mit Strg+C.",
    next_steps="Weiterfragen im Browser: {command}",
    demo_question="Worin unterscheidet sich eine AR-Brille von einer VR-Brille?",
    role_embedding="Suche (Einbettungen)",
    role_llm="Antworten (Sprachmodell)",
    role_index="Index",
    part_meaning="Bedeutung",
    part_words="Wörter (BM25)",
    part_tokens="Bedeutung einzelner Wörter",
    searched_by="gesucht wird nach: {parts}",
    not_searched_by="dieser Speicher sucht nicht nach: {parts}",
    verified="vorhanden, SHA-256 geprüft",
    not_fetched="noch nicht geholt ({size:.0f} MB, kommt beim ersten Gebrauch)",
    no_model="abgeschaltet: Antworten sind wörtliche Auszüge",
    endpoint="Endpunkt, nicht eingebaut",
    incomplete="Die Antwort ist unvollständig: {reason}",
    extractive="Ohne Sprachmodell beantwortet: die passendsten Sätze der Dokumente.",
    # Server
    serve="Fragen über HTTP beantworten (POST /answer), ohne Seite im Browser.",
    mcp="Fragen von Programmen beantworten, die das Model Context Protocol sprechen.",
    option_only_collections="Nur aus dieser Sammlung; mehrfach möglich.",
    user_group="Wer sich unter eigenem Namen anmelden darf (Datei: BELEG_USERS).",
    user_add="Jemanden eintragen, oder Passwort und Sammlungen ändern; das Passwort wird erfragt.",
    user_remove="Jemanden austragen.",
    user_list="Wer eingetragen ist, und was jeder sieht.",
    argument_user="Name der Anmeldung.",
    option_user_collections="Sammlung, deren Dokumente zu sehen sind; mehrfach möglich.",
    option_user_everything="Alle Dokumente.",
    user_everything="alle Dokumente",
    user_entered="{name} ist eingetragen in {file}",
    user_removed="{name} ist ausgetragen aus {file}",
    users_unset="BELEG_USERS ist nicht gesetzt; nennen Sie dort die Datei der Benutzer",
    mcp_extra="Dafür fehlt das Paket „mcp“; installieren: pip install 'beleg[mcp]'",
    api_ready="HTTP-Schnittstelle: {url}/openapi.json – beenden mit Strg+C.",
    open_host=(
        "Warnung: An {host} kann jeder im Netz ohne Passwort fragen und die Dokumente lesen. "
        "Setzen Sie BELEG_PASSWORD oder BELEG_USERS, oder lassen Sie --host weg."
    ),
    login_title="Anmelden",
    login_name="Name",
    login_label="Passwort",
    login_button="Anmelden",
    login_wrong="Das Passwort ist falsch.",
    login_wrong_named="Name oder Passwort ist falsch.",
    login_locked="Zu viele falsche Passwörter. Versuchen Sie es ab {clock} Uhr wieder (noch {minutes} min).",
    logout_button="Abmelden",
    logout_hint="Abmelden und den Verlauf in diesem Browser löschen",
    chat_waiting="In der Warteschlange: {place} vor Ihnen …",
    chat_busy="Gerade warten zu viele Fragen. Versuchen Sie es in {seconds} Sekunden noch einmal.",
    # Chat
    chat_lead=(
        "Befragen Sie deutsche Dokumente, auf Deutsch oder Englisch. Jeder Satz der Antwort stützt sich auf ein "
        "wörtliches, geprüftes Zitat."
    ),
    chat_documents="{documents} Dokumente",
    chat_one_document="1 Dokument",
    chat_extractive="ohne Sprachmodell, Antworten sind wörtliche Auszüge",
    chat_opening="Die Seite wird geladen …",
    chat_loading_search="Das Suchmodell wird geladen …",
    chat_loading_model="Das Sprachmodell wird geladen …",
    chat_fetching_model="Das Sprachmodell wird geholt und vorbereitet: {done:.0f} von {total:.0f} MB …",
    chat_question="Ihre Frage",
    chat_send="Fragen",
    chat_stop="Anhalten",
    chat_clear="Neues Gespräch",
    chat_answer_in="Antworten auf",
    chat_automatic="Automatisch",
    chat_welcome="Was möchten Sie wissen?",
    chat_examples="Zum Beispiel:",
    chat_empty=(
        "Noch sind keine Dokumente da. Ziehen Sie Dateien in die Dokumentliste, "
        "oder nehmen Sie sie auf der Kommandozeile auf:"
    ),
    chat_add_path="ORDNER-ODER-DATEI",
    chat_searching="Sucht in den Dokumenten …",
    chat_writing="Schreibt und prüft jeden Satz …",
    chat_stopped="Angehalten.",
    chat_unexpected="Ein unerwarteter Fehler ist aufgetreten; Näheres steht im Terminal, in dem der Chat läuft.",
    chat_abstained=(
        "Kein Satz der Dokumente belegt eine Antwort. Stellen Sie die Frage anders, oder nehmen Sie weitere "
        "Dokumente auf."
    ),
    chat_page="S. {page}",
    chat_lost="Das Sprachmodell ist nicht zu erreichen; bis dahin Geprüftes bleibt stehen. {reason}",
    chat_why="Warum?",
    chat_confidence="Dass die Dokumente das beantworten, ist {word} ({value})",
    chat_surely="sehr wahrscheinlich",
    chat_likely="wahrscheinlich",
    chat_doubtful="fraglich",
    chat_hardly="unwahrscheinlich",
    chat_checked="Geprüft: {kept} belegt, {dropped} verworfen",
    chat_kept="belegt",
    chat_dropped="verworfen",
    chat_no_reason="von keinem Beleg getragen",
    chat_seconds="{seconds} s",
    chat_extractive_model="ohne Sprachmodell",
    chat_marker="Beleg {number}: {title}",
    chat_open="Im Dokument zeigen",
    chat_edit="Frage ändern",
    chat_copy="Kopieren",
    chat_copied="Kopiert",
    chat_good="Gute Antwort",
    chat_bad="Schlechte Antwort",
    chat_reason="Was stimmt nicht?",
    chat_wrong_quote="Falsches Zitat",
    chat_wrong_answer="Falsche Antwort",
    chat_wrong_language="Falsche Sprache",
    chat_should_refuse="Hätte nicht antworten dürfen",
    chat_comment="Anmerkung (freiwillig)",
    chat_submit="Senden",
    chat_thanks="Danke, ist vermerkt.",
    chat_export="Speichern als",
    chat_language_switch="English",
    chat_scope="Auswahl: {chosen} von {all} Dokumenten",
    chat_scope_all="Wieder alle befragen",
    chat_failed="Das ging nicht: Der Server antwortet nicht.",
    pane_label="Dokumente, Quelle und Verlauf",
    pane_documents="Dokumente",
    pane_source="Quelle",
    pane_history="Verlauf",
    pane_back="Zurück zur Antwort",
    source_none="Klicken Sie auf eine Belegnummer in einer Antwort: Hier erscheint die Stelle im Dokument.",
    source_before="Mehr davor",
    source_after="Mehr danach",
    source_gone="Dieses Dokument ist nicht mehr im Bestand.",
    source_changed="Das Dokument hat sich seit der Antwort geändert: An dieser Stelle steht das Zitat nicht mehr.",
    source_page_picture="Seite {page} des Originals, das Zitat ist markiert",
    source_as_text="Als Text",
    source_quote="Zitat",
    documents_add="Dateien hierher ziehen oder auswählen",
    documents_formats="{formats}, höchstens {megabytes} MB je Datei",
    documents_search="Dokumente suchen",
    documents_none="Noch sind keine Dokumente da.",
    documents_nothing_found="Kein Dokument passt dazu.",
    documents_more="{count} weitere; grenzen Sie die Suche ein.",
    documents_choose="Nur dieses Dokument befragen: {title}",
    documents_choose_hint="Befragt werden die angehakten Dokumente; ist keines angehakt, dann alle.",
    documents_remove="Entfernen",
    documents_remove_chosen="Angehakte entfernen",
    documents_remove_sure="{count} Dokumente aus dem Bestand entfernen?",
    documents_remove_one_sure="Dieses Dokument aus dem Bestand entfernen?",
    documents_into="In Sammlung legen",
    documents_collection="Sammlung",
    documents_no_collection="Ohne Sammlung",
    documents_characters="{count} Zeichen",
    documents_pages="{count} Seiten",
    documents_one_page="1 Seite",
    documents_sending="wird hochgeladen …",
    documents_reading="wird gelesen …",
    documents_embedding="{done} von {all} Abschnitten aufgenommen …",
    documents_added="aufgenommen",
    documents_updated="aktualisiert",
    documents_unchanged="schon vorhanden, unverändert",
    documents_failed="nicht aufgenommen ({reason})",
    documents_too_large="zu groß: höchstens {megabytes} MB",
    documents_bad_name="Eine Datei namens {name} kann nicht abgelegt werden; benennen Sie sie um.",
    history_keep="Gespräche in diesem Browser behalten",
    history_hint="Sie liegen nur auf diesem Gerät.",
    history_none="Noch ist kein Gespräch gespeichert.",
    history_delete="Löschen",
    history_delete_all="Alle Gespräche löschen",
    history_delete_sure="Alle gespeicherten Gespräche löschen?",
    export_title="Gespräch mit beleg",
    verdict_kinds={
        "name": "ein Name steht nicht im Beleg",
        "number": "eine Zahl steht nicht im Beleg",
        "unit": "eine Einheit weicht ab",
        "date": "ein Datum weicht ab",
        "negation": "eine Verneinung weicht ab",
        "comparison": "ein Vergleich weicht ab",
        "modality": "Müssen, Dürfen oder Können weicht ab",
        "role": "vertauscht, wer was tut",
        "quote": "das Zitat steht nicht wörtlich im Beleg",
        "link": "ein Verweis steht nicht im Beleg oder würde als solcher gezeigt",
        "instructions": "wiederholt, was dem Sprachmodell aufgetragen ist",
        "question": "antwortet nicht auf die Frage",
        "reason": "eine Zahl ist kein Grund",
    },
)

EN = Texts(
    language="en",
    cli="Ask German documents and get answers with checked, verbatim quotes.",
    index_group="Add, list and remove documents.",
    index_add=(
        "Add files, folders and web addresses (.pdf, .docx, .html, .epub, .txt, .md, .jsonl); "
        "what has not changed is skipped."
    ),
    index_list="List the indexed documents.",
    index_remove="Remove documents.",
    index_copy="Copy documents with their vectors into another index; where it broke off, it goes on.",
    index_repair="Rebuild a damaged index from the text of its documents.",
    ask="Ask a question in German or English.",
    models="Show which models are used, where they are from and whether they are verified.",
    chat="Open the chat in the browser.",
    demo="Fetch and verify the models, index the sample corpus and answer a first question.",
    option_index="Folder or URL of the index (otherwise BELEG_INDEX).",
    option_language="Language of the answer; otherwise the question's.",
    option_json="Print JSON.",
    option_documents="Search this document only (may be repeated).",
    option_force="Read all files again, unchanged ones too.",
    option_prune="Remove documents whose files are no longer in the given folders.",
    option_allow_private="Fetch web addresses of this machine and of private networks, too.",
    option_workers="Read and embed with Ray on so many processors; with RAY_ADDRESS on those of a cluster.",
    argument_paths="Files, folders or web addresses.",
    argument_ids="Ids of the documents, see: beleg index list",
    option_collection="Collection that the documents are put into.",
    argument_from="Folder or URL of the index that is copied.",
    argument_to="Folder or URL of the index that is copied into; made where there is none.",
    argument_question="The question.",
    option_host="Address on which the server listens.",
    option_port="Port of the server.",
    added="added",
    updated="updated",
    unchanged="unchanged",
    removed="removed",
    failed="failed",
    skipped="{files} files of unknown formats skipped: {endings}",
    gone="{documents} documents whose files are gone ({first}); remove them: beleg index add --prune …",
    total="{documents} documents in {folder}",
    repair_damaged="Damaged: {file}",
    repair_lost="Lost: {id}; add its file again: {source}",
    repair_guessed="The list of documents was damaged, too: removed ones may be back.",
    repair_whole="The index is undamaged.",
    repaired="{documents} documents indexed anew; the index is whole again.",
    no_documents="The index in {folder} is empty. Add documents: beleg index add PATH",
    indexing="Indexing documents",
    indexed="{documents} documents · {chunks} chunks · {rate:.0f}/s",
    copying="Copying documents",
    copied="{copied} documents copied to {target} and compared, {there} were there already, {others} are only there",
    fetching="Fetching and preparing the language model",
    sources="Evidence",
    nearest="The nearest passages",
    gloss="Machine translation: {text}",
    error="Error",
    chat_ready="The chat runs at {url} – stop it with Ctrl+C.",
    next_steps="Go on in the browser: {command}",
    demo_question="Who laid the foundation stone of Cologne Cathedral in 1248?",
    role_embedding="search (embeddings)",
    role_llm="answers (language model)",
    role_index="index",
    part_meaning="meaning",
    part_words="words (BM25)",
    part_tokens="meaning of single words",
    searched_by="searched by: {parts}",
    not_searched_by="this store does not search by: {parts}",
    verified="present, SHA-256 verified",
    not_fetched="not fetched yet ({size:.0f} MB, comes with the first use)",
    no_model="switched off: answers are verbatim extracts",
    endpoint="endpoint, not embedded",
    incomplete="The answer is incomplete: {reason}",
    extractive="Answered without a language model: the best matching German sentences of the documents.",
    # Server
    serve="Answer questions over HTTP (POST /answer), without a page in the browser.",
    mcp="Answer questions of programs that speak the Model Context Protocol.",
    option_only_collections="From this collection only; may be given several times.",
    user_group="Who may log in under a name of their own (file: BELEG_USERS).",
    user_add="Enter somebody, or change password and collections; the password is asked for.",
    user_remove="Take somebody out.",
    user_list="Who is entered, and what each may see.",
    argument_user="Name to log in with.",
    option_user_collections="Collection whose documents are to be seen; may be given several times.",
    option_user_everything="All documents.",
    user_everything="all documents",
    user_entered="{name} is entered in {file}",
    user_removed="{name} is taken out of {file}",
    users_unset="BELEG_USERS is not set; name the file of the users there",
    mcp_extra="This needs the package “mcp”; install it: pip install 'beleg[mcp]'",
    api_ready="HTTP interface: {url}/openapi.json – stop it with Ctrl+C.",
    open_host=(
        "Warning: at {host} everybody on the network can ask and read the documents without a password. "
        "Set BELEG_PASSWORD or BELEG_USERS, or leave out --host."
    ),
    login_title="Log in",
    login_name="Name",
    login_label="Password",
    login_button="Log in",
    login_wrong="The password is wrong.",
    login_wrong_named="The name or the password is wrong.",
    login_locked="Too many wrong passwords. Try again from {clock} on (in {minutes} min).",
    logout_button="Log out",
    logout_hint="Log out and delete the history in this browser",
    chat_waiting="In the queue: {place} ahead of you …",
    chat_busy="Too many questions are waiting. Try again in {seconds} seconds.",
    # Chat
    chat_lead=(
        "Ask German documents, in German or English. Every sentence of the answer rests on a verbatim, "
        "checked German quote."
    ),
    chat_documents="{documents} documents",
    chat_one_document="1 document",
    chat_extractive="no language model, answers are verbatim extracts",
    chat_opening="The page is being loaded …",
    chat_loading_search="The search model is being loaded …",
    chat_loading_model="The language model is being loaded …",
    chat_fetching_model="The language model is being fetched and prepared: {done:.0f} of {total:.0f} MB …",
    chat_question="Your question",
    chat_send="Ask",
    chat_stop="Stop",
    chat_clear="New conversation",
    chat_answer_in="Answer in",
    chat_automatic="Automatic",
    chat_welcome="What would you like to know?",
    chat_examples="For example:",
    chat_empty="There are no documents yet. Drop files into the list of documents, or add them on the command line:",
    chat_add_path="FOLDER-OR-FILE",
    chat_searching="Searching the documents …",
    chat_writing="Writing, and checking every sentence …",
    chat_stopped="Stopped.",
    chat_unexpected="An unexpected error occurred; the terminal in which the chat runs has the details.",
    chat_abstained="No sentence of the documents backs an answer. Ask in another way, or add more documents.",
    chat_page="p. {page}",
    chat_lost="The language model cannot be reached; what was checked until then stays. {reason}",
    chat_why="Why?",
    chat_confidence="That the documents answer this is {word} ({value})",
    chat_surely="very likely",
    chat_likely="likely",
    chat_doubtful="doubtful",
    chat_hardly="unlikely",
    chat_checked="Checked: {kept} backed, {dropped} dropped",
    chat_kept="backed",
    chat_dropped="dropped",
    chat_no_reason="carried by no evidence",
    chat_seconds="{seconds} s",
    chat_extractive_model="no language model",
    chat_marker="Evidence {number}: {title}",
    chat_open="Show in the document",
    chat_edit="Edit question",
    chat_copy="Copy",
    chat_copied="Copied",
    chat_good="Good answer",
    chat_bad="Bad answer",
    chat_reason="What is wrong?",
    chat_wrong_quote="Wrong quote",
    chat_wrong_answer="Wrong answer",
    chat_wrong_language="Wrong language",
    chat_should_refuse="Should have refused",
    chat_comment="Comment (optional)",
    chat_submit="Send",
    chat_thanks="Thank you, noted.",
    chat_export="Save as",
    chat_language_switch="Deutsch",
    chat_scope="Selection: {chosen} of {all} documents",
    chat_scope_all="Ask all again",
    chat_failed="That failed: the server does not answer.",
    pane_label="Documents, source and history",
    pane_documents="Documents",
    pane_source="Source",
    pane_history="History",
    pane_back="Back to the answer",
    source_none="Click the number of a piece of evidence in an answer: its place in the document appears here.",
    source_before="More before",
    source_after="More after",
    source_gone="This document is no longer there.",
    source_changed="The document has changed since the answer: the quote no longer stands at this place.",
    source_page_picture="Page {page} of the original, the quote is marked",
    source_as_text="As text",
    source_quote="Quote",
    documents_add="Drop files here, or choose some",
    documents_formats="{formats}, at most {megabytes} MB a file",
    documents_search="Search documents",
    documents_none="There are no documents yet.",
    documents_nothing_found="No document matches.",
    documents_more="{count} more; narrow the search.",
    documents_choose="Ask only: {title}",
    documents_choose_hint="Ticked documents are asked; all, where none is ticked.",
    documents_remove="Remove",
    documents_remove_chosen="Remove ticked",
    documents_remove_sure="Remove {count} documents?",
    documents_remove_one_sure="Remove this document?",
    documents_into="Put into collection",
    documents_collection="Collection",
    documents_no_collection="No collection",
    documents_characters="{count} characters",
    documents_pages="{count} pages",
    documents_one_page="1 page",
    documents_sending="is being uploaded …",
    documents_reading="is being read …",
    documents_embedding="{done} of {all} passages indexed …",
    documents_added="added",
    documents_updated="updated",
    documents_unchanged="already there, unchanged",
    documents_failed="not added ({reason})",
    documents_too_large="too large: at most {megabytes} MB",
    documents_bad_name="A file named {name} cannot be stored; rename it.",
    history_keep="Keep conversations in this browser",
    history_hint="They lie on this device only.",
    history_none="No conversation is stored yet.",
    history_delete="Delete",
    history_delete_all="Delete all conversations",
    history_delete_sure="Delete all stored conversations?",
    export_title="Conversation with beleg",
    verdict_kinds={
        "name": "a name is not in the evidence",
        "number": "a number is not in the evidence",
        "unit": "a unit differs",
        "date": "a date differs",
        "negation": "a negation differs",
        "comparison": "a comparison differs",
        "modality": "must, may or can differs",
        "role": "exchanges who does what",
        "quote": "the quote does not stand in the evidence word for word",
        "link": "a link is not in the evidence, or would be shown as one",
        "instructions": "repeats what the language model is told to do",
        "question": "does not answer the question",
        "reason": "a figure is no reason",
    },
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
