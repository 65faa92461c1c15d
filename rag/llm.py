"""What a language model is to beleg, and which one the settings name: an endpoint's, or the embedded one."""

import math
import re
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Protocol
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, ValidatorFunctionWrapHandler, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.errors import BelegError
from index.settings import index_settings
from index.weights import LLM_WEIGHTS, Progress, fetch

Message = dict[str, str]

NO_MODEL = "none"


class LLMError(BelegError):
    """The model cannot be asked, or its answer cannot be used."""


class UnavailableError(LLMError):
    """The model gives no answer now: nobody is there, the server is in trouble, or what comes is no completion."""


class NoModelError(LLMError):
    """The embedded model cannot be started on this machine."""


class BrokenAnswerError(LLMError):
    """The answer ended before it was complete; what came before the error is a part of it."""


class LLMSettings(BaseSettings):
    """Which model answers.

    With ``BELEG_LLM_BASE_URL`` an OpenAI-compatible endpoint, else the embedded model; ``BELEG_LLM_MODEL=none``:
    no model, extractive answers.

    Raises:
        LLMError: A value cannot be used.
    """

    model_config = SettingsConfigDict(env_prefix="BELEG_", extra="ignore", populate_by_name=True, env_ignore_empty=True)

    llm_base_url: str | None = None
    llm_model: str | None = None
    llm_api_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("BELEG_LLM_API_KEY", "OPENAI_API_KEY")
    )
    llm_timeout: float = Field(default=120.0, gt=0, description="Seconds without a sign of life.")

    @property
    def without_model(self) -> bool:
        """Whether extractive answers are asked for."""
        return (self.llm_model or "").casefold() == NO_MODEL

    @field_validator("llm_base_url")
    @classmethod
    def _has_a_host(cls, url: str | None) -> str | None:
        if url and not _is_http(url):
            raise LLMError(f"BELEG_LLM_BASE_URL is {public_url(url)!r}, expected a URL like http://localhost:11434/v1")
        return url

    @field_validator("llm_api_key")
    @classmethod
    def _fits_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        stripped = key.get_secret_value().strip() if key else ""
        if not (stripped.isascii() and stripped.isprintable()):
            raise LLMError("BELEG_LLM_API_KEY (or OPENAI_API_KEY) holds characters that no key has; copy it again")
        return SecretStr(stripped) if stripped else None

    @field_validator("llm_timeout", mode="wrap")
    @classmethod
    def _is_positive(cls, seconds: object, validate: ValidatorFunctionWrapHandler) -> Any:
        try:
            return validate(seconds)
        except ValidationError as error:
            raise LLMError(f"BELEG_LLM_TIMEOUT is {seconds!r}, expected a number of seconds above 0") from error


class Token(str):
    """A piece of an answer, with the natural logarithm of its probability where the endpoint gives it."""

    __slots__ = ("logprob",)

    logprob: float | None

    def __new__(cls, text: str, logprob: float | None = None) -> "Token":
        """Make a string of it."""
        token = super().__new__(cls, text)
        token.logprob = logprob
        return token


class LLM(Protocol):
    """A chat model; threads may share it.

    Attributes:
        name: For people.
        max_refusal_log_odds: Log-odds of a refusal from which on the model's answer is not to be trusted; 0: where
            the refusal is likelier than not.
    """

    name: str
    max_refusal_log_odds: float

    def close(self) -> None:
        """Free what it holds."""

    def read_ahead(self, messages: list[Message]) -> None:
        """Have an embedded model read what the next request begins with, or restore that it has; else do nothing."""

    def stream(self, messages: list[Message], *, max_tokens: int) -> Iterator[Token]:
        """Yield the answer as it comes, greedy.

        Raises:
            LLMError: The model cannot be asked; the message says what to change.
            UnavailableError: It cannot be asked now.
            BrokenAnswerError: The answer broke off, or reached ``max_tokens``.
        """

    def log_odds(self, messages: list[Message], start: str) -> float | None:
        """Return ``ln p / (1 - p)``, p the probability that the answer starts with a token of ``start``, in any case.

        ``None`` where there are no probabilities; a token that is not among the likeliest counts as 0.

        Raises:
            LLMError: The model cannot be asked; the message says what to change.
            UnavailableError: It cannot be asked now.
        """


def log_odds_of_start(likeliest: Iterable[tuple[str, float]], start: str) -> float | None:
    """Return the log-odds that an answer starts with a token of ``start``; None where no next tokens are known.

    Args:
        likeliest: The next tokens, with the natural logarithms of their probabilities.
        start: In any case.

    >>> log_odds_of_start([("KEINE", math.log(0.5)), ("Er", math.log(0.5))], "Keine Antwort")
    0.0
    """
    found = [(token.strip().casefold(), math.exp(logprob)) for token, logprob in likeliest]
    if not found:
        return None
    p = sum(p for token, p in found if len(token) > 1 and start.casefold().startswith(token))
    return math.log((p + 1e-6) / (max(0.0, 1 - p) + 1e-6))


_starting = threading.Lock()


def load_llm(settings: LLMSettings | None = None, *, progress: Progress = lambda *_: None) -> LLM | None:
    """Return the model that the settings name, the embedded one by default; ``None`` for extractive answers.

    The embedded model is started once a process.

    Raises:
        WeightsError: The embedded model's weights cannot be had.
        NoModelError: The embedded model cannot be started.
        LLMError: A setting cannot be used, or an endpoint is set without its model's name, or the other way round.
    """
    settings = settings or LLMSettings()
    if settings.without_model:
        return None
    if settings.llm_base_url:
        from rag.endpoint import open_endpoint

        return open_endpoint(settings, settings.llm_base_url)
    if settings.llm_model:
        message = f"BELEG_LLM_MODEL is {settings.llm_model!r}, BELEG_LLM_BASE_URL is not set; set it to that model's"
        raise LLMError(f"{message} endpoint, or unset BELEG_LLM_MODEL for the embedded model")
    with _starting:
        return _embedded(progress)


_started: dict[str, LLM] = {}


def _embedded(progress: Progress) -> LLM:
    from rag.embedded import EmbeddedLLM

    if LLM_WEIGHTS.sha256 not in _started:
        path = fetch(LLM_WEIGHTS, progress=progress)
        _started[LLM_WEIGHTS.sha256] = EmbeddedLLM(path, LLM_WEIGHTS, index_settings().cache, progress=progress)
    return _started[LLM_WEIGHTS.sha256]


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a bracket or a port
        return False


def public_url(url: str) -> str:
    """Return a URL without what may be a secret in it.

    >>> public_url("https://me:secret@host/v1?key=secret")
    'https://host/v1'
    """
    return re.sub(r"//[^/@]*@", "//", url).partition("?")[0]
