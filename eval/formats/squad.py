"""SQuAD's JSON (v1.1, and v2 with questions that have no answer) -> rows of our own form."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from eval.formats.rows import Fields, Row


def is_squad(content: Any) -> bool:
    """Whether a JSON file is in this form: ``data`` with ``paragraphs``.

    >>> is_squad({"version": "1.1", "data": [{"title": "Rhein", "paragraphs": []}]}), is_squad([{"question": "Wer?"}])
    (True, False)
    """
    articles = content.get("data") if isinstance(content, dict) else None
    return isinstance(articles, list) and any(isinstance(one, dict) and "paragraphs" in one for one in articles)


def squad_rows(content: Any, where: str) -> tuple[list[Row], list[Row]]:
    """Return the rows of the documents, one a context, and of the questions.

    Source: Rajpurkar et al. (2016), SQuAD; Rajpurkar, Jia, Liang (2018), Know What You Don't Know (``is_impossible``).

    >>> answer = {"text": "am Rhein", "answer_start": 16}
    >>> asked = {"id": "1", "question": "Wo liegt Bonn?", "answers": [answer]}
    >>> paragraph = {"context": "Die Stadt liegt am Rhein.", "qas": [asked]}
    >>> content = {"data": [{"title": "Bonn", "paragraphs": [paragraph]}]}
    >>> documents, questions = squad_rows(content, "bonn.json")
    >>> documents[0].fields["id"], questions[0].fields["evidence"]
    ('Bonn#1', [{'document_id': 'Bonn#1', 'start': 16, 'end': 24}])
    """
    documents, questions = [], []
    for title, number, paragraph in _paragraphs(content):
        name = f"{title}#{number}"
        context = str(paragraph.get("context") or "")
        documents.append(Row(f"{where}: {name}", _document(name, title, context)))
        asked = [one for one in paragraph.get("qas") or [] if isinstance(one, dict)]
        questions += [_question(one, name, context, where) for one in asked]
    return documents, questions


def _paragraphs(content: Any) -> Iterable[tuple[str, int, Fields]]:
    """Yield each paragraph with its article's title and its number under this title."""
    numbers: Counter[str] = Counter()
    for article in content["data"]:
        title = str(article.get("title") or "article")
        for paragraph in article.get("paragraphs") or []:
            numbers[title] += 1
            yield title, numbers[title], paragraph


def _document(name: str, title: str, context: str) -> Fields:
    from index.language import detect_language

    text = title.replace("_", " ")
    return {"id": name, "title": text, "text": context, "language": detect_language(context[:2000])}


def _question(asked: Fields, name: str, context: str, where: str) -> Row:
    from index.language import detect_language

    question, identity = asked.get("question"), str(asked.get("id") or "")
    found = [answer for answer in asked.get("answers") or [] if isinstance(answer, dict)]
    answerable = not asked.get("is_impossible", False)
    answers = [(str(answer.get("text") or ""), answer.get("answer_start")) for answer in found] if answerable else []
    evidence, problems = squad_evidence(name, context, answers)
    fields = {
        "id": identity,
        "pair": identity,
        "question": question,
        "language": detect_language(str(question or "")),
        "answerable": answerable,
        "answers": list(dict.fromkeys(text for text, _ in answers if text)),
        "evidence": evidence,
    }
    return Row(f"{where}: {identity}", fields, problems=problems)


def squad_evidence(name: str, context: str, answers: Sequence[tuple[str, Any]]) -> tuple[list[Fields], tuple[str, ...]]:
    """Return the span that most annotators gave, and what was wrong with the offsets.

    The other spans are other choices, not further evidence. An answer that stands elsewhere than its offset says is
    taken from where it stands, if that is one place only.

    >>> squad_evidence("a", "Der Rhein, der Rhein.", [("der Rhein", 10)])
    ([{'document_id': 'a', 'start': 11, 'end': 20}], ("'der Rhein' stands at 11, not at 10 as answer_start says",))
    """
    spans: Counter[tuple[int, int]] = Counter()
    problems = []
    for text, start in answers:
        if not text:
            continue
        if isinstance(start, int) and start >= 0 and context[start : start + len(text)] == text:
            spans[start, start + len(text)] += 1
        elif context.count(text) == 1:
            at = context.index(text)
            spans[at, at + len(text)] += 1
            problems.append(f"{text!r} stands at {at}, not at {start} as answer_start says")
        else:
            problems.append(f"{text!r} does not stand at {start}, as answer_start says; correct the offset")
    best = spans.most_common(1)
    return [{"document_id": name, "start": start, "end": end} for (start, end), _ in best], tuple(problems)
