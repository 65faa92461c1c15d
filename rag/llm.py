"""One way to any language model: the openai client and a base URL, the embedded model's included."""

import math
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.errors import BelegError
from index.weights import LLM_WEIGHTS, fetch

if TYPE_CHECKING:
    from openai import OpenAI

Message = dict[str, str]

NO_MODEL = "none"
CONTEXT_TOKENS = 4096


class LLMError(BelegError):
    """The model cannot be asked, or its answer cannot be used."""


class BrokenAnswerError(LLMError):
    """The answer ended before it was complete; what came before the error is a part of it."""


class LLMSettings(BaseSettings):
    """Which model answers.

    With ``BELEG_LLM_BASE_URL`` an OpenAI-compatible endpoint, else the embedded model; ``BELEG_LLM_MODEL=none``:
    no model, extractive answers.
    """

    model_config = SettingsConfigDict(env_prefix="BELEG_", extra="ignore", populate_by_name=True)

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


class LLM:
    """A chat model behind an OpenAI-compatible endpoint."""

    def __init__(self, client: "OpenAI", model: str, name: str | None = None) -> None:
        self._client = client
        self._model = model
        self.name = name or model

    def stream(self, messages: list[Message], *, max_tokens: int) -> Iterator[str]:
        """Yield the answer's text as it comes, greedy.

        Raises:
            LLMError: The endpoint cannot be used; the message says what to change.
            BrokenAnswerError: The answer broke off, or reached ``max_tokens``.
        """
        finished = None
        with _named_errors(self._client.base_url, self._model):
            chunks = self._client.chat.completions.create(
                model=self._model,
                messages=messages,  # type: ignore[arg-type]
                max_tokens=max_tokens,
                temperature=0,
                stream=True,
            )
            for choice in _choices(chunks):
                finished = choice.finish_reason or finished
                if choice.delta.content:
                    yield choice.delta.content
        if finished is None:
            raise BrokenAnswerError(f"{self.name}: the answer broke off before its end; ask again")
        if finished == "length":
            raise BrokenAnswerError(f"{self.name}: the answer reached its limit of {max_tokens} tokens")

    def log_odds(self, messages: list[Message], yes: str, no: str) -> float | None:
        """Return ``ln p(yes) - ln p(no)`` of the next token, or ``None`` where the endpoint gives no probabilities.

        Of each word the tokens that begin it count, in any case.
        """
        with _named_errors(self._client.base_url, self._model):
            completion = self._client.chat.completions.create(
                model=self._model,
                messages=messages,  # type: ignore[arg-type]
                max_tokens=1,
                temperature=0,
                logprobs=True,
                top_logprobs=20,
            )
            choices = getattr(completion, "choices", None)
            logprobs = choices[0].logprobs if choices else None
        content = logprobs.content if logprobs else None
        return _log_odds(content[0].top_logprobs, yes, no) if content else None


def _choices(chunks: Iterable[Any]) -> Iterator[Any]:
    for chunk in chunks:
        yield from getattr(chunk, "choices", None) or []


def _log_odds(tokens: Iterable[Any], yes: str, no: str) -> float:
    found = [(token.token.strip().casefold(), math.exp(token.logprob)) for token in tokens]
    p_yes, p_no = (
        sum(p for token, p in found if token and word.casefold().startswith(token)) for word in (yes, no)
    )
    return math.log((p_yes + 1e-6) / (p_no + 1e-6))


@contextmanager
def _named_errors(url: object, model: str) -> Iterator[None]:
    """Turn the client's errors into ours, which say what to change; no key and no prompt stands in them."""
    import openai

    try:
        yield
    except openai.APITimeoutError as error:
        raise LLMError(f"{url}: no answer in time; raise BELEG_LLM_TIMEOUT (seconds), or try later") from error
    except openai.APIConnectionError as error:
        raise LLMError(f"{url}: cannot be reached; is the server up, and BELEG_LLM_BASE_URL right?") from error
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        raise LLMError(f"{url}: the key was refused ({error.status_code}); check BELEG_LLM_API_KEY") from error
    except openai.NotFoundError as error:
        raise LLMError(f"{url}: no model {model!r} there (404); check BELEG_LLM_MODEL and BELEG_LLM_BASE_URL") from error
    except openai.APIStatusError as error:
        raise LLMError(f"{url}: the server answered {error.status_code}; try later, or another model") from error
    except (openai.OpenAIError, ValueError, AttributeError) as error:
        raise LLMError(f"{url}: the answer is no chat completion ({type(error).__name__}); check the URL") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in {"httpx", "httpx2", "httpcore", "httpcore2"}:
            raise
        raise BrokenAnswerError(f"{url}: the connection broke off ({type(error).__name__}); ask again") from error


def load_llm(settings: LLMSettings | None = None, *, progress: Callable[[int, int], None] | None = None) -> LLM | None:
    """Return the model that the settings name, the embedded one by default; ``None`` for extractive answers.

    Raises:
        WeightsError: The embedded model's weights cannot be had.
        LLMError: An endpoint is set without its model's name.
    """
    settings = settings or LLMSettings()
    if settings.without_model:
        return None
    if settings.llm_base_url:
        return _endpoint(settings)
    return _embedded(fetch(LLM_WEIGHTS, progress=progress) if progress else fetch(LLM_WEIGHTS))


def _endpoint(settings: LLMSettings) -> LLM:
    from openai import OpenAI

    if not settings.llm_model:
        raise LLMError("BELEG_LLM_BASE_URL is set, BELEG_LLM_MODEL is not; set it to a model of that endpoint")
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else "none"
    client = OpenAI(base_url=settings.llm_base_url, api_key=key, timeout=settings.llm_timeout, max_retries=1)
    return LLM(client, settings.llm_model)


@cache
def _embedded(path: Path) -> LLM:
    """Serve the weights with llama.cpp inside this process, on loopback, behind a key that only this process knows."""
    import openai
    import xllamacpp

    key = secrets.token_urlsafe(32)
    server = xllamacpp.Server(_server_parameters(xllamacpp, path, key))
    client = openai.OpenAI(
        base_url=f"{server.listening_address}/v1",
        api_key=key,
        timeout=LLMSettings().llm_timeout,
        max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=False),  # never through a proxy
    )
    llm = LLM(client, "embedded", name=LLM_WEIGHTS.name)
    llm.server = server  # type: ignore[attr-defined]  # lives as long as its client
    return llm


def _server_parameters(xllamacpp: Any, path: Path, key: str) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [key]
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_parallel = 1
    parameters.n_threads_http = 4
    parameters.cache_ram_mib = 256
    parameters.no_extra_bufts = True  # repacked weights would cost 0.6 GB and a second of loading
    parameters.warmup = False
    parameters.ui = parameters.endpoint_slots = parameters.endpoint_props = False
    parameters.verbosity = -1
    return parameters
