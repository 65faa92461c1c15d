"""What ``beleg models`` tells."""

import os

from index import AnyIndex, open_index
from index.errors import BelegError
from index.settings import index_settings
from index.weights import EMBEDDING_WEIGHTS, LLM_WEIGHTS, Weights, is_present, local_path, verify
from rag.llm import LLMSettings
from ui.texts import Texts


def model_table(t: Texts) -> list[dict[str, str]]:
    """Return a row for each model in use: what it does, its name, origin, licence, place, state, how to change it.

    The last row is the index's: where it is, and by what it is searched.
    """
    return [_embedding_row(t), _llm_row(t), _index_row(t)]


def _index_row(t: Texts) -> dict[str, str]:
    address = index_settings().index
    row = {"role": t.role_index, "address": str(address)}
    try:
        state = searched_by(open_index(address, must_exist=True), t)
    except BelegError as error:
        state = str(error)
    return row | {"state": state, "change": "BELEG_INDEX=…"}


def searched_by(index: AnyIndex, t: Texts) -> str:
    """Return in words by what an index is searched, and what its store cannot do."""
    names = {"meaning": t.part_meaning, "words": t.part_words, "tokens": t.part_tokens}
    has, lacks = (
        ", ".join(name for part, name in names.items() if (part in index.search_parts) is there)
        for there in (True, False)
    )
    return t.searched_by.format(parts=has) + (f"; {t.not_searched_by.format(parts=lacks)}" if lacks else "")


def _embedding_row(t: Texts) -> dict[str, str]:
    name = index_settings().embedding_model
    row = {"role": t.role_embedding, "model": name}
    own = "BELEG_EMBEDDING_MODEL" not in os.environ
    return row | (_weights_row(EMBEDDING_WEIGHTS, t) if own else {}) | {"change": "BELEG_EMBEDDING_MODEL=…"}


def _llm_row(t: Texts) -> dict[str, str]:
    settings = LLMSettings()
    row = {"role": t.role_llm, "model": settings.llm_model or LLM_WEIGHTS.name}
    if settings.without_model:
        row |= {"state": t.no_model}
    elif settings.llm_base_url:
        row |= {"origin": settings.llm_base_url, "state": t.endpoint}
    else:
        row |= _weights_row(LLM_WEIGHTS, t)
    return row | {"change": "BELEG_LLM_BASE_URL=… BELEG_LLM_MODEL=… BELEG_LLM_API_KEY=…"}


def _weights_row(weights: Weights, t: Texts) -> dict[str, str]:
    path = local_path(weights)
    return {"origin": weights.origin, "licence": weights.licence, "file": str(path), "state": _state(weights, t)}


def _state(weights: Weights, t: Texts) -> str:
    if not is_present(weights):
        return t.not_fetched.format(size=weights.size / 1e6)
    try:
        verify(local_path(weights), weights)
    except BelegError as error:
        return str(error)
    return t.verified
