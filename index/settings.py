"""Defaults of the indexing side, from ``BELEG_…`` environment variables."""

from functools import cache
from pathlib import Path
from typing import Annotated

from platformdirs import user_cache_path, user_data_path
from pydantic import AfterValidator, Field, PlainValidator
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.address import Address, parse_address

Folder = Annotated[Path, AfterValidator(Path.expanduser)]


class IndexSettings(BaseSettings):
    """Where the index and the model weights lie, which model embeds, and what reading a file may cost.

    The index is a folder or the URL of a store.

    Each field is read from the variable of the same name with ``BELEG_`` before it.

    >>> IndexSettings(embedding_model="intfloat/multilingual-e5-base").embedding_model
    'intfloat/multilingual-e5-base'
    """

    model_config = SettingsConfigDict(env_prefix="BELEG_", env_ignore_empty=True, extra="ignore")

    index: Annotated[Address, PlainValidator(parse_address)] = Field(
        default_factory=lambda: user_data_path("beleg", appauthor=False) / "index"
    )
    cache: Folder = Field(default_factory=lambda: user_cache_path("beleg", appauthor=False))
    embedding_model: str = "multilingual-e5-small"
    largest_file_mb: float = Field(default=200.0, gt=0)
    reading_seconds: float = Field(default=30.0, gt=0)
    ocr_seconds: float = Field(default=600.0, ge=0)


@cache
def index_settings() -> IndexSettings:
    """Return the settings of this process, read once."""
    return IndexSettings()
