"""The question's language, and the shift that brings English questions near German text."""

import contextlib
import hashlib
import json
import os
from functools import cache
from pathlib import Path

import numpy as np

from index.embedding import Embedder
from index.language import Language, detect_language, language_of_function_words
from index.settings import index_settings
from index.vectors import Floats

__all__ = ["Language", "detect_language", "language_shift", "question_language"]

PARALLEL_QUESTIONS = Path(__file__).with_name("parallel_questions.jsonl")
SHORT_QUESTION_WORDS = 3
_DIGEST_BYTES = 32


def question_language(question: str, interface: Language = "de") -> Language:
    """Return the language of a question; three words or fewer without a function word keep the interface's.

    >>> question_language("Which company backs Pico?"), question_language("Tan Wenkan?", interface="en")
    ('en', 'en')
    """
    if len(question.split()) <= SHORT_QUESTION_WORDS:
        return language_of_function_words(question) or interface
    return detect_language(question, interface)


def language_shift(embedder: Embedder) -> Floats:
    """Return what to add to an English question's vector so that it lies where the German question would.

    The mean of German minus English over parallel questions: ``(dim,)`` float32. The languages of a multilingual
    encoder lie apart by nearly the same vector everywhere (Libovický, Rosa and Fraser 2020, On the Language Neutrality
    of Pre-trained Multilingual Representations). Measured once for each embedder and kept in the cache folder.
    """
    return _language_shift(embedder)


@cache
def _language_shift(embedder: Embedder) -> Floats:
    questions = PARALLEL_QUESTIONS.read_bytes()
    key = hashlib.sha256(embedder.question_fingerprint.encode() + questions).hexdigest()[:16]
    path = index_settings().cache / "language_shift" / f"{key}.f32"
    shift = _kept(path)
    if shift is None:
        shift = _measured_shift(embedder, questions)
        _keep(path, shift)
    return shift


def _measured_shift(embedder: Embedder, questions: bytes) -> Floats:
    pairs = [json.loads(line) for line in questions.splitlines()]
    german, english = (embedder.embed_queries([pair[language] for pair in pairs]) for language in ("de", "en"))
    shift: Floats = (german - english).mean(axis=0, dtype=np.float32)
    return shift


def _kept(path: Path) -> Floats | None:
    """Return what ``_keep`` wrote, or ``None`` where there is nothing, or something else."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, values = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    return np.frombuffer(values, "<f4") if hashlib.sha256(values).digest() == digest else None


def _keep(path: Path, shift: Floats) -> None:
    """Write through a temporary name; a folder that cannot be written only costs the time of measuring again."""
    values = shift.astype("<f4").tobytes()
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(hashlib.sha256(values).digest() + values)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
