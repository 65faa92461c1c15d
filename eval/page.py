"""A report as one page that needs nothing else: tables, pictures, every question's trace, a search over them.

It opens from a file. What documents, questions and models say lies in it as JSON and is shown as text, and a policy
lets no script run but the page's own, nor anything be fetched.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from eval.pictures import pictures
from eval.tables import html_table

_FOLDER = Path(__file__).parent
_SHOWN_FACTS = ("kind", "system", "beleg", "date", "python", "platform", "cpus", "workers")
_SHOWS = {
    "all": "all",
    "wrong": "wrong",
    "refused": "refused though answerable",
    "invented": "answered though the documents are silent",
    "dropped": "a sentence was dropped",
    "de": "German",
    "en": "English",
}

Json = dict[str, Any]


def page(result: Mapping[str, Any]) -> str:
    """Write the page.

    >>> "<script>alert" in page({"kind": "answers", "dataset": {"name": "<script>alert(1)"}, "languages": {},
    ...     "metrics": {}, "questions": []})
    False
    """
    style, script = ((_FOLDER / f"page.{kind}").read_text("utf-8") for kind in ("css", "js"))
    policy = f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; base-uri 'none'"
    name = escape(result["dataset"]["name"])
    options = "".join(f'<option value="{kind}">{told}</option>' for kind, told in _SHOWS.items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name} – beleg eval</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head><body>'
        f'<h1>{name}</h1><p class="faint">{escape(_facts(result))}</p>'
        f'<h2>Figures</h2><div class="tables">{html_table(result)}</div>'
        f'<h2>Pictures</h2><div class="pictures">{"".join(pictures(result))}</div>'
        f'<h2>Questions</h2><div class="find"><input id="search" type="search" aria-label="Search" '
        'placeholder="Search questions, answers, drafts, passages">'
        f'<select id="show" aria-label="Show">{options}</select><span id="count" class="faint" role="status"></span>'
        f'</div><div id="list"></div>'
        f'<h2>What decided it</h2><div class="tables">{_settings(result)}</div>'
        f'<script id="data" type="application/json">{_embedded(data(result))}</script><script>{script}</script>'
        "</body></html>\n"
    )


def _source(text: str) -> str:
    """Name a style or a script by its hash, for a content security policy."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _embedded(value: object) -> str:
    r"""Write JSON that no markup can end.

    >>> _embedded("</script><!--")
    '"\\u003c/script>\\u003c!--"'
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def data(result: Mapping[str, Any]) -> Json:
    """Return what the page's script shows; each text of a chunk once, for many questions find the same."""
    texts: dict[str, str] = {}
    main = "f1" if "f1" in result["metrics"] else "ndcg@10"
    others = {row["id"]: row for row in result.get("baseline", {}).get("questions", ())}
    rows = []
    for row in result["questions"]:
        other = others.get(row["id"])
        rows.append(
            _shown(row, texts)
            | {
                "gold": row["gold"] | {"quotes": row.get("gold_quotes", [])},
                "main": row["values"].get(main),
                "baseline": _shown(other, texts) if other else None,
            }
        )
    return {"system": result.get("system", "beleg"), "texts": texts, "questions": rows}


def _shown(row: Json, texts: dict[str, str]) -> Json:
    answer = row.get("answer")
    trace = row.get("trace") or {}
    hits = answer["hits"] if answer else (row.get("ranking") or {}).get("hits", [])
    return {
        "id": row["id"],
        "seconds": row.get("seconds"),
        "tokens": row.get("tokens"),
        "values": row["values"],
        "search": trace.get("search", ""),
        "exchanges": [{"prompt": one["prompt"], "text": one["text"]} for one in trace.get("exchanges", ())],
        "hits": [_hit(hit, row["gold"]["evidence"], texts) for hit in hits],
        "answer": _answer(answer, texts) if answer else None,
    }


def _answer(answer: Json, texts: dict[str, str]) -> Json:
    return {
        "status": answer["status"],
        "text": answer["text"],
        "notice": answer.get("notice", ""),
        "confidence": answer.get("confidence"),
        "verdicts": answer.get("verdicts", []),
        "nearest": answer.get("nearest", []),
        "citations": [_citation(one, texts) for one in answer["citations"]],
    }


def _citation(citation: Json, texts: dict[str, str]) -> Json:
    """Return a citation; one that is a whole chunk, as the usual recipe's, by its name."""
    chunk = _name(citation)
    place = {name: citation[name] for name in ("document_id", "start", "end")} | {"title": citation.get("title", "")}
    return place | ({"chunk": chunk} if texts.get(chunk) == citation["quote"] else {"quote": citation["quote"]})


def _hit(hit: Json, evidence: list[Json], texts: dict[str, str]) -> Json:
    chunk = _name(hit)
    if "text" in hit:
        texts[chunk] = hit["text"]
    right = any(
        span["document_id"] == hit["document_id"] and span["start"] < hit["end"] and hit["start"] < span["end"]
        for span in evidence
    )
    return {name: value for name, value in hit.items() if name != "text"} | {"chunk": chunk, "right": right}


def _name(span: Json) -> str:
    return f"{span['document_id']}#{span['start']}-{span['end']}"


def _facts(result: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {result[name]}" for name in _SHOWN_FACTS if name in result)


def _settings(result: Mapping[str, Any]) -> str:
    """List what decides the answers: models, settings, versions, hashes."""
    rows = []
    for name in ("llm", "embedder", "settings", "libraries", "dataset", "sample", "code_sha256"):
        told = result.get(name)
        parts = told.items() if isinstance(told, dict) else [("", told)]
        rows += [(f"{name} {part}", value) for part, value in parts if value is not None]
    cells = "".join(
        f'<tr><td>{escape(name)}</td><td class="text">{escape(str(value))}</td></tr>' for name, value in rows
    )
    return f"<table>{cells}</table>"
