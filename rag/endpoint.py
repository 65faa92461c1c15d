"""A model behind an OpenAI-compatible endpoint, asked with the openai client."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from index.encodings import encodable
from rag.llm import (
    LLM,
    BrokenAnswerError,
    LLMError,
    LLMSettings,
    Message,
    Token,
    UnavailableError,
    log_odds_of_start,
    public_url,
)
from rag.trace import Exchange, listening, note_exchange

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI

CONNECT_SECONDS = 10.0
MOST_TIMEOUTS = 3
"""A response takes at most so many times ``BELEG_LLM_TIMEOUT``, however often a sign of life comes."""
TOP_LOGPROBS = 20  # the most that OpenAI's API gives


def open_endpoint(settings: LLMSettings, url: str) -> LLM:
    """Return the model that the settings name at a URL.

    Raises:
        LLMError: They name none.
    """
    from openai import OpenAI, Timeout

    from rag.deadline import BoundedClient

    if not settings.llm_model:
        raise LLMError("BELEG_LLM_BASE_URL is set, BELEG_LLM_MODEL is not; set it to a model of that endpoint")
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else "no-key"
    timeout = Timeout(settings.llm_timeout, connect=min(settings.llm_timeout, CONNECT_SECONDS))
    http_client = BoundedClient(MOST_TIMEOUTS * settings.llm_timeout, timeout=timeout)
    client = OpenAI(base_url=url, api_key=key, timeout=timeout, max_retries=1, http_client=http_client)
    return EndpointLLM(client, settings.llm_model)


class EndpointLLM(LLM):
    """A chat model behind an OpenAI-compatible endpoint; threads may share it.

    Args:
        client: Knows the endpoint and its key.
        model: The model's name there.
        max_refusal_log_odds: See ``LLM``.
    """

    def __init__(self, client: "OpenAI", model: str, *, max_refusal_log_odds: float = 0.0) -> None:
        self.name = model
        self.max_refusal_log_odds = max_refusal_log_odds
        self._client = client
        self._model = model
        self._url = public_url(str(client.base_url)).rstrip("/")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def read_ahead(self, messages: list[Message]) -> None:
        """Do nothing: what an endpoint keeps of a prompt is its own affair."""

    def stream(self, messages: list[Message], *, max_tokens: int) -> Iterator[Token]:
        """Yield the answer as it comes; see ``LLM``."""
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
        """Return how likely the answer starts so, None where the endpoint gives no probabilities; see ``LLM``."""
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
            likeliest = ((token.token, token.logprob) for token in _next_tokens(completion))
            return log_odds_of_start(likeliest, start)

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
