"""Rows with columns of other names (CSV, JSONL, LangChain, Ragas) -> rows of our own form."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from eval.formats.rows import Fields, Row
from eval.formats.squad import squad_evidence

# Our name -> the names taken for it, the surest first. Ragas calls what was answered "response" or, before 0.2,
# "answer" beside "ground_truth", and what was found "retrieved_contexts": none of these is gold.
COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("id", "question_id", "qid", "nr"),
    "pair": ("pair", "paar"),
    "question": ("question", "frage", "user_input", "query", "input"),
    "answers": (
        *("reference", "ground_truth", "ground_truths", "answers", "reference_answer", "expected_answer", "gold"),
        *("antworten", "antwort", "answer", "expected_output", "output", "result"),
    ),
    "evidence": ("evidence", "beleg", "belege", "reference_contexts", "contexts", "context", "kontext"),
    "language": ("language", "lang", "sprache"),
    "documents": ("documents", "dokumente", "document_ids"),
    "answerable": ("answerable", "beantwortbar"),
    "sort": ("sort", "kind", "art"),
    "history": ("history", "chat_history", "verlauf"),
    "status": ("status",),
    "checked": ("checked", "geprüft"),
    "title": ("title", "titel"),
}
_LANGUAGES = {"deutsch": "de", "german": "de", "ger": "de", "englisch": "en", "english": "en", "eng": "en"}
_YES, _NO = frozenset("true yes ja wahr 1".split()), frozenset("false no nein falsch 0".split())


def gold_row(row: Row, *, with_contexts: bool) -> tuple[Row, list[Fields]]:
    """Return the row in our own form, and the documents that its contexts are.

    Args:
        row: As it was read.
        with_contexts: Whether the contexts are the documents; else they are looked for in documents given apart.

    >>> row = Row("a.csv:2", {"Frage": "Was kostet das?", "Antwort": "nichts"})
    >>> found, contexts = gold_row(row, with_contexts=True)
    >>> found.fields["question"], found.fields["answers"], found.fields["language"], contexts
    ('Was kostet das?', ['nichts'], 'de', [])
    """
    raw = _flat(row.fields)
    found = {name: _first(raw, names) for name, names in COLUMNS.items()}
    if _is_answered(raw):
        found["evidence"] = _first(raw, ("evidence", "reference_contexts"))
    if isinstance(found["answers"], dict):
        return _squad_row(row, found, with_contexts=with_contexts)
    quotes = [quote for quote in _listed(found["evidence"]) if quote]
    contexts = [context_document(quote, str(found["title"] or "")) for quote in quotes if isinstance(quote, str)]
    others = [context_document(text) for text in _retrieved(raw)] if with_contexts else []
    gold = _gold(row, found, [text for text in _listed(found["answers"]) if text])
    gold["evidence"] = [_evidence(quote, with_contexts=with_contexts) for quote in quotes]
    return replace(row, fields=gold), [*contexts, *others] if with_contexts else []


def _squad_row(row: Row, found: Fields, *, with_contexts: bool) -> tuple[Row, list[Fields]]:
    """Read a row of SQuAD as data sets' hubs give it out: ``context`` and ``answers`` with texts and starts."""
    context = str(found["evidence"] or "")
    texts, starts = (_listed(found["answers"].get(name)) for name in ("text", "answer_start"))
    gold = _gold(row, found, list(dict.fromkeys(texts))) | {"answerable": bool(texts)}
    document = context_document(context, str(found["title"] or ""))
    pairs = [(text, start) for text, start in zip(texts, starts, strict=False) if isinstance(text, str)]
    span, problems = squad_evidence(document["id"], context, pairs)
    gold["evidence"] = span if with_contexts else [{"quote": context}] if texts else []
    return replace(row, fields=gold, problems=(*row.problems, *problems)), [document] if with_contexts else []


def _gold(row: Row, found: Fields, answers: list[Any]) -> Fields:
    """Put the fields together; an id, a language and whether it is answerable are worked out where they are missing."""
    from index.language import detect_language

    question = found["question"]
    history = _turns(found["history"])
    if isinstance(question, list):  # the messages of a conversation
        *history, (question, _) = _turns(question) or [("", "")]
    name = str(found["id"] or f"row-{row.where.rpartition(':')[2]}")
    gold: Fields = {
        "id": name,
        "pair": str(found["pair"] or name),
        "question": question,
        "language": _language(found["language"]) or detect_language(str(question or "")),
        "answerable": _truth(found["answerable"]),
        "answers": answers,
        "documents": _listed(found["documents"]) or None,
        "sort": str(found["sort"] or ""),
        "history": [{"question": asked, "answer": answer} for asked, answer in history],
    }
    return gold | {name: found[name] for name in ("status", "checked") if found[name]}


def context_document(text: str, title: str = "") -> Fields:
    """Make a document of a context; the same text has the same id wherever it comes from.

    >>> context_document("Der Eintritt ist frei.")["id"]
    'context-ecb20688'
    """
    from index.language import detect_language

    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return {"id": f"context-{digest}", "title": title, "text": text, "language": detect_language(text[:2000])}


def _evidence(quote: Any, *, with_contexts: bool) -> Any:
    """Name a context as evidence; what is there in our own form stays."""
    if not isinstance(quote, str):
        return quote
    if with_contexts:
        return {"document_id": context_document(quote)["id"], "start": 0, "end": len(quote)}
    return {"quote": quote}


def _flat(fields: Fields) -> Fields:
    """Lift LangChain's inputs and outputs, and write all names in one way.

    >>> _flat({"inputs": {"Query": "Wer?"}, "outputs": "Ich", "id": 3})
    {'query': 'Wer?', 'reference': 'Ich', 'id': 3}
    """
    flat: Fields = {}
    for name, value in fields.items():
        key = "_".join(name.casefold().replace("-", " ").split())
        lifted = {"inputs": "question", "outputs": "reference", "reference_outputs": "reference"}.get(key)
        if lifted and isinstance(value, dict):
            flat |= _flat(value)
        elif lifted or value is not None:
            flat[lifted or key] = value
    return flat


def _first(raw: Fields, names: Iterable[str]) -> Any:
    """Return the first column of these names that is there and holds something, else what is there, else None."""
    there = [raw[name] for name in names if name in raw]
    return next((value for value in there if value not in ("", [], None)), there[0] if there else None)


def _is_answered(raw: Fields) -> bool:
    """Whether the row is a run's result as Ragas wrote it before 0.2: its contexts are what was found."""
    return "answer" in raw and ("ground_truth" in raw or "ground_truths" in raw)


def _retrieved(raw: Fields) -> Iterator[str]:
    """Yield what a run found: no evidence, but documents to find it among."""
    found = _listed(raw.get("retrieved_contexts")) + (_listed(raw.get("contexts")) if _is_answered(raw) else [])
    yield from (text for text in found if isinstance(text, str) and text.strip())


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value in (None, "") else [value]


def _language(value: Any) -> Any:
    """Return the code of a language's name; other values stay, for the check to name."""
    name = str(value or "").strip().casefold()
    return _LANGUAGES.get(name, name.partition("-")[0])


def _truth(value: Any) -> Any:
    """Return what a cell means by true or false, true where nothing is said; other values stay.

    >>> _truth("ja"), _truth("FALSE"), _truth(None), _truth("vielleicht")
    (True, False, True, 'vielleicht')
    """
    word = str(value if value is not None else "").strip().casefold()
    return True if word in _YES or not word else False if word in _NO else value


def _turns(messages: Any) -> list[tuple[str, str]]:
    """Return the (question, answer) pairs of a conversation; a last question without an answer has "".

    >>> _turns([{"role": "user", "content": "Wer?"}, {"role": "assistant", "content": "Koch"}, {"content": "Wann?"}])
    [('Wer?', 'Koch'), ('Wann?', '')]
    >>> _turns([["Wer?", "Koch"]]), _turns([{"question": "Wer?", "answer": "Koch"}])
    ([('Wer?', 'Koch')], [('Wer?', 'Koch')])
    """
    turns: list[tuple[str, str]] = []
    for message in _listed(messages):
        if isinstance(message, Sequence) and len(message) == 2 and not isinstance(message, str):
            turns.append((str(message[0]), str(message[1])))
        elif isinstance(message, dict) and "question" in message:
            turns.append((str(message["question"]), str(message.get("answer") or "")))
        elif isinstance(message, dict) and "content" in message:
            said = str(message["content"])
            if str(message.get("role") or message.get("type") or "user") in ("user", "human"):
                turns.append((said, ""))
            elif turns:
                turns[-1] = (turns[-1][0], f"{turns[-1][1]} {said}".strip())
    return turns
