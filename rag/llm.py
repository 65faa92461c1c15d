"""One way to any language model: the openai client and a base URL, the embedded model's included."""

import math
import os
import re
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, ValidatorFunctionWrapHandler, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.encodings import encodable
from index.errors import BelegError
from index.settings import index_settings
from index.weights import LLM_WEIGHTS, Progress, fetch
from rag.prompt_cache import PromptCache
from rag.trace import Exchange, listening, note_exchange

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI

Message = dict[str, str]

NO_MODEL = "none"
CONTEXT_TOKENS = 4096
CONNECT_SECONDS = 10.0
MOST_TIMEOUTS = 3
"""A response takes at most so many times ``BELEG_LLM_TIMEOUT``, however often a sign of life comes."""
TOP_LOGPROBS = 20  # the most that OpenAI's API gives


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
            raise LLMError(f"BELEG_LLM_BASE_URL is {_public(url)!r}, expected a URL like http://localhost:11434/v1")
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


class LLM:
    """A chat model behind an OpenAI-compatible endpoint; threads may share it.

    Args:
        client: Knows the endpoint and its key.
        model: The model's name there.
        name: Its name for people; by default the same.
        server: What answers inside this process; it is kept alive until ``close``.
        max_refusal_log_odds: Log-odds of a refusal from which on the model's answer is not to be trusted; 0: where
            the refusal is likelier than not.
        prompt_cache: Of a server inside this process.
    """

    def __init__(
        self,
        client: "OpenAI",
        model: str,
        name: str | None = None,
        *,
        server: object = None,
        max_refusal_log_odds: float = 0.0,
        prompt_cache: PromptCache | None = None,
    ) -> None:
        self.name = name or model
        self._prompt_cache = prompt_cache
        self.max_refusal_log_odds = max_refusal_log_odds
        self._client = client
        self._model = model
        self._server = server
        self._url = _public(str(client.base_url)).rstrip("/")

    def close(self) -> None:
        """Close the connections, and end the server inside this process."""
        self._client.close()
        self._server = None

    def read_ahead(self, messages: list[Message]) -> None:
        """Have an embedded model read what the next request begins with, or restore that it has; else do nothing."""
        if self._prompt_cache:
            self._prompt_cache.ensure(messages, lambda: self.log_odds(messages, ""))

    def stream(self, messages: list[Message], *, max_tokens: int) -> Iterator[Token]:
        """Yield the answer as it comes, greedy.

        Raises:
            LLMError: The endpoint cannot be used; the message says what to change.
            UnavailableError: It cannot be used now.
            BrokenAnswerError: The answer broke off, or reached ``max_tokens``.
        """
        with self._named_errors():
            chunks = self._chunks(messages, max_tokens)
        choice, finished = None, None
        heard = _Heard(chunks)
        try:
            with chunks, self._named_breaks():
                for choice in _choices(heard):
                    finished = getattr(choice, "finish_reason", None) or finished
                    text = getattr(getattr(choice, "delta", None), "content", None)
                    if text:
                        heard.text += text
                        yield Token(text, _logprob(choice))
        finally:
            note_exchange(_exchange(messages, heard.text, heard.usage))
        if choice is None:
            raise UnavailableError(f"{self._url}: the answer is no chat completion; check BELEG_LLM_BASE_URL")
        self._require_end(finished, max_tokens)

    def _chunks(self, messages: list[Message], max_tokens: int) -> Any:
        """Ask for the answer with probabilities, or without where the endpoint does not take that request.

        Who listens wants the tokens counted, too; an endpoint that does not take that is asked as ever.
        """
        import openai

        request: dict[str, Any] = {"model": self._model, **_messages(messages), "max_tokens": max_tokens}
        create: Any = self._client.chat.completions.create
        wishes: list[dict[str, Any]] = [{"logprobs": True}]
        if listening():
            wishes.insert(0, {"logprobs": True, "stream_options": {"include_usage": True}})
        for wish in wishes:
            try:
                return create(**request, temperature=0, stream=True, **wish)
            except (openai.BadRequestError, openai.UnprocessableEntityError):
                continue
        return create(**request, temperature=0, stream=True)

    def _require_end(self, finished: str | None, max_tokens: int) -> None:
        if finished is None:
            raise BrokenAnswerError(f"{self._url}: the answer broke off before its end; ask again")
        if finished == "length":
            raise BrokenAnswerError(f"{self.name}: the answer reached its limit of {max_tokens} tokens")
        if finished == "content_filter":
            raise BrokenAnswerError(f"{self._url}: a content filter ended the answer; ask in another way")

    def log_odds(self, messages: list[Message], start: str) -> float | None:
        """Return ``ln p / (1 - p)``, p the probability that the answer starts with a token of ``start``, in any case.

        ``None`` where the endpoint gives no probabilities; a token that is not among the likeliest counts as 0.

        Raises:
            LLMError: The endpoint cannot be used; the message says what to change.
            UnavailableError: It cannot be used now.
        """
        import openai

        with self._named_errors():
            try:
                completion: Any = self._client.chat.completions.create(
                    model=self._model,
                    **_messages(messages),
                    max_tokens=1,
                    temperature=0,
                    logprobs=True,
                    top_logprobs=TOP_LOGPROBS,
                )
            except (openai.BadRequestError, openai.UnprocessableEntityError):
                return None  # not every endpoint takes a request for probabilities
            note_exchange(_exchange(messages, "", getattr(completion, "usage", None)))
            return _log_odds(_next_tokens(completion), start)

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Turn the client's errors into ours, which say what to change; no key stands in them."""
        import openai

        try:
            yield
        except openai.APITimeoutError as error:
            message = "no answer in time; raise BELEG_LLM_TIMEOUT (seconds), or try later"
            raise UnavailableError(f"{self._url}: {message}") from error
        except openai.APIConnectionError as error:
            message = "cannot be reached; is the server up, and BELEG_LLM_BASE_URL right?"
            raise UnavailableError(f"{self._url}: {message}") from error
        except openai.APIStatusError as error:
            kind = LLMError if error.status_code in _OF_SETTINGS else UnavailableError
            raise kind(f"{self._url}: {self._status_message(error)}") from None  # it may echo the key
        except Exception as error:  # of the client, or of a shape that no completion has
            message = f"the answer is no chat completion ({type(error).__name__}); check BELEG_LLM_BASE_URL"
            raise UnavailableError(f"{self._url}: {message}") from error

    def _status_message(self, error: "APIStatusError") -> str:
        match error.status_code:
            case 401 | 403 as status:
                return f"the key was refused ({status}); check BELEG_LLM_API_KEY"
            case 404:
                return f"no model {self._model!r} there (404); check BELEG_LLM_MODEL and BELEG_LLM_BASE_URL"
            case 429:
                return "too many requests, or the credit is used up (429); try later, or another model"
            case 400 | 422:
                return f"model {self._model!r} refused the request ({self._said(error)}); try another model"
            case status:
                return f"the server answered {status}; check BELEG_LLM_BASE_URL, or try later"

    @contextmanager
    def _named_breaks(self) -> Iterator[None]:
        """Turn whatever is raised while an answer comes into a ``BrokenAnswerError``."""
        import openai

        try:
            yield
        except openai.APITimeoutError as error:
            message = "the answer stopped coming; raise BELEG_LLM_TIMEOUT (seconds), or ask again"
            raise BrokenAnswerError(f"{self._url}: {message}") from error
        except Exception as error:  # the transport's, the decoder's, or an error that the server sent
            raise BrokenAnswerError(f"{self._url}: the answer broke off ({self._said(error)}); ask again") from error

    def _said(self, error: Exception) -> str:
        """Return the beginning of an error's text, without the key."""
        text = " ".join(str(error).replace(self._client.api_key, "***").split())
        return f"{text[:200]}…" if len(text) > 200 else text


_OF_SETTINGS = frozenset({400, 401, 403, 404, 422})
"""What a server answers where a setting is wrong, which waiting does not mend."""


class _Heard:
    """The chunks of an answer, with what is told beside its text."""

    def __init__(self, chunks: Iterable[Any]) -> None:
        self._chunks = chunks
        self.text = ""
        self.usage: object = None

    def __iter__(self) -> Iterator[Any]:
        for chunk in self._chunks:
            self.usage = getattr(chunk, "usage", None) or self.usage
            yield chunk


def _messages(messages: list[Message]) -> dict[str, Any]:
    """Return messages as arguments of the client, past its check of their types: that takes 3 ms for a prompt of ours.

    >>> _messages([{"role": "user", "content": "Wann?"}])
    {'messages': [], 'extra_body': {'messages': [{'role': 'user', 'content': 'Wann?'}]}}
    """
    body = [{name: encodable(text) for name, text in message.items()} for message in messages]
    return {"messages": [], "extra_body": {"messages": body}}


def _exchange(messages: list[Message], text: str, usage: object) -> Exchange:
    read, written = (getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens"))
    return Exchange(messages[-1]["content"], text, read, written)


def _choices(chunks: Iterable[Any]) -> Iterator[Any]:
    for chunk in chunks:
        yield from getattr(chunk, "choices", None) or []


def _logprob(choice: Any) -> float | None:
    """Return the sum over the tokens of one chunk; None where there are no probabilities."""
    tokens = getattr(getattr(choice, "logprobs", None), "content", None)
    return sum(token.logprob for token in tokens) if tokens else None


def _next_tokens(completion: Any) -> list[Any]:
    """Return the likeliest next tokens of a completion, none where it has no probabilities."""
    choices = getattr(completion, "choices", None) or [None]
    content = getattr(getattr(choices[0], "logprobs", None), "content", None) or [None]
    return getattr(content[0], "top_logprobs", None) or []


def _log_odds(tokens: Iterable[Any], start: str) -> float | None:
    found = [(token.token.strip().casefold(), math.exp(token.logprob)) for token in tokens]
    if not found:
        return None
    p = sum(p for token, p in found if len(token) > 1 and start.casefold().startswith(token))
    return math.log((p + 1e-6) / (max(0.0, 1 - p) + 1e-6))


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a bracket or a port
        return False


def _public(url: str) -> str:
    """Return a URL without what may be a secret in it.

    >>> _public("https://me:secret@host/v1?key=secret")
    'https://host/v1'
    """
    return re.sub(r"//[^/@]*@", "//", url).partition("?")[0]


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
        return _endpoint(settings, settings.llm_base_url)
    if settings.llm_model:
        message = f"BELEG_LLM_MODEL is {settings.llm_model!r}, BELEG_LLM_BASE_URL is not set; set it to that model's"
        raise LLMError(f"{message} endpoint, or unset BELEG_LLM_MODEL for the embedded model")
    with _starting:
        return _embedded(fetch(LLM_WEIGHTS, progress=progress), settings.llm_timeout)


def _endpoint(settings: LLMSettings, url: str) -> LLM:
    from openai import OpenAI, Timeout

    from rag.deadline import BoundedClient

    if not settings.llm_model:
        raise LLMError("BELEG_LLM_BASE_URL is set, BELEG_LLM_MODEL is not; set it to a model of that endpoint")
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else "no-key"
    timeout = Timeout(settings.llm_timeout, connect=min(settings.llm_timeout, CONNECT_SECONDS))
    http_client = BoundedClient(MOST_TIMEOUTS * settings.llm_timeout, timeout=timeout)
    client = OpenAI(base_url=url, api_key=key, timeout=timeout, max_retries=1, http_client=http_client)
    return LLM(client, settings.llm_model)


@cache
def _embedded(path: Path, timeout: float) -> LLM:
    """Serve the weights with llama.cpp inside this process, on loopback, behind a key that only this process knows."""
    import openai

    key = secrets.token_urlsafe(32)
    prompts = index_settings().cache / "prompts"
    prompts.mkdir(parents=True, exist_ok=True)
    server = _start_server(path, key, prompts)
    client = openai.OpenAI(
        base_url=f"{server.listening_address}/v1",
        api_key=key,
        timeout=timeout,
        max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=False),  # never through a proxy
    )
    return LLM(
        client,
        "embedded",
        name=LLM_WEIGHTS.name,
        server=server,
        prompt_cache=PromptCache(client, prompts, LLM_WEIGHTS.sha256),
    )


def _start_server(path: Path, key: str, prompts: Path) -> Any:
    try:
        import xllamacpp

        return xllamacpp.Server(_server_parameters(xllamacpp, path, key, prompts))
    except (ImportError, RuntimeError) as error:
        raise NoModelError(
            f"{path}: llama.cpp cannot serve it ({error}); free 2 GB of memory, or name an endpoint "
            f"(BELEG_LLM_BASE_URL, BELEG_LLM_MODEL), or set BELEG_LLM_MODEL={NO_MODEL} for extractive answers"
        ) from error


def _server_parameters(xllamacpp: Any, path: Path, key: str, prompts: Path) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [key]
    parameters.slot_save_path = f"{prompts}{os.sep}"
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_parallel = 1
    parameters.n_threads_http = 4
    parameters.cache_ram_mib = 256
    parameters.no_extra_bufts = True  # repacked weights would cost 0.6 GB and a second of loading
    parameters.warmup = False
    parameters.ui = parameters.endpoint_slots = parameters.endpoint_props = False
    parameters.verbosity = -1
    return parameters
