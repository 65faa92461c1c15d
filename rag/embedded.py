"""The embedded model: OpenVINO runs it inside this process, and no server stands between."""

import hashlib
import json
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import numpy as np

from index.vectors import Floats
from index.weights import Progress, Weights
from rag.conversion import GROUP, ConversionError, converted
from rag.llm import (
    LLM,
    NO_MODEL,
    BrokenAnswerError,
    LLMError,
    Message,
    NoModelError,
    Token,
    UnavailableError,
    log_odds_of_start,
)
from rag.trace import Exchange, note_exchange

T = TypeVar("T")

CONTEXT_TOKENS = 4096
BLOCK_TOKENS = 512
"""Tokens that are read at once: bounds the memory."""
LIKELIEST = 20
_SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
"""What the model was trained with where no task is set."""
_SETTINGS = {
    "PERFORMANCE_HINT": "LATENCY",
    # The same answers on every processor, and on those without AMX no slower than bfloat16.
    "INFERENCE_PRECISION_HINT": "f32",
    "KV_CACHE_PRECISION": "f32",
    # Several processes of one machine would be pinned to the same cores.
    "ENABLE_CPU_PINNING": "NO",
    # Kernels that are kept for lengths of prompts: with the default of 5,000 memory grows twice as fast, for no speed.
    "CPU_RUNTIME_CACHE_CAPACITY": "100",
    # As the weights are grouped: the fastest.
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": str(GROUP),
}


class EmbeddedLLM(LLM):
    """The published model in this process; it writes one answer after the other, threads may share it.

    Args:
        path: The verified GGUF file.
        weights: What it is.
        cache: The folder for the converted weights and what was read ahead.
        progress: Told the bytes done and in all while the weights are converted.

    Raises:
        NoModelError: It cannot be started on this machine.
    """

    def __init__(self, path: Path, weights: Weights, cache: Path, *, progress: Progress = lambda *_: None) -> None:
        self.name = weights.name
        self.max_refusal_log_odds = 0.0
        try:
            folder = converted(path, weights.sha256, cache / "openvino", progress=progress)
            self._model = _Model(folder, folder / "prompts")
        except (ImportError, OSError, RuntimeError, ConversionError) as error:
            raise NoModelError(
                f"{path}: OpenVINO cannot run it ({error}); free 4 GB of memory and 2 GB of disk, or name an endpoint "
                f"(BELEG_LLM_BASE_URL, BELEG_LLM_MODEL), or set BELEG_LLM_MODEL={NO_MODEL} for extractive answers"
            ) from error
        # Writes on while a sentence is checked, and gives each request its turn.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="beleg-llm")

    def close(self) -> None:
        """End the thread; a request that waits is dropped."""
        self._worker.shutdown(cancel_futures=True)

    def read_ahead(self, messages: list[Message]) -> None:
        """Keep what the model has read of these messages for later requests that begin with them, and processes."""
        ids = self._model.encode(_turns(messages))
        self._result(self._worker.submit(self._model.read_ahead, ids))

    def stream(self, messages: list[Message], *, max_tokens: int) -> Iterator[Token]:
        """Yield the answer as it comes; see ``LLM``."""
        ids = self._ids(messages, max_tokens)
        written: SimpleQueue[Token | None] = SimpleQueue()
        stopped = threading.Event()
        ended = self._worker.submit(self._write, ids, max_tokens, written.put, stopped)
        heard: list[Token] = []
        try:
            while (token := written.get()) is not None:
                heard.append(token)
                yield token
        finally:
            stopped.set()
            note_exchange(Exchange(messages[-1]["content"], "".join(heard), len(ids), len(heard)))
        try:
            whole = self._result(ended)
        except UnavailableError as error:
            if heard:
                raise BrokenAnswerError(str(error)) from error
            raise
        if not whole:
            raise BrokenAnswerError(f"{self.name}: the answer reached its limit of {max_tokens} tokens")

    def log_odds(self, messages: list[Message], start: str) -> float | None:
        """Return how likely the answer starts so; see ``LLM``."""
        ids = self._ids(messages, 1)
        logprobs = self._result(self._worker.submit(self._model.logprobs, ids))
        note_exchange(Exchange(messages[-1]["content"], "", len(ids), 1))
        likeliest = np.argpartition(logprobs, -LIKELIEST)[-LIKELIEST:]
        return log_odds_of_start(((self._model.decode([one]), float(logprobs[one])) for one in likeliest), start)

    def _result(self, work: Future[T]) -> T:
        """Wait for the model; an error of OpenVINO is one that beleg knows."""
        try:
            return work.result()
        except RuntimeError as error:
            reason = str(error).strip().rpartition("\n")[2]
            raise UnavailableError(f"{self.name}: OpenVINO failed ({reason}); free memory, and ask again") from error

    def _ids(self, messages: list[Message], max_tokens: int) -> list[int]:
        ids = self._model.encode(f"{_turns(messages)}<|im_start|>assistant\n")
        if len(ids) + max_tokens > CONTEXT_TOKENS:
            raise LLMError(
                f"{self.name}: the prompt has {len(ids)} tokens, "
                f"at most {CONTEXT_TOKENS - max_tokens} fit its context; ask shorter"
            )
        return ids

    def _write(
        self, ids: list[int], max_tokens: int, put: Callable[[Token | None], None], stopped: threading.Event
    ) -> bool:
        """Put each piece of text as soon as its letters are whole, then None; return whether the answer ended."""
        answer: list[int] = []
        text, logprob = "", 0.0
        try:
            while len(answer) < max_tokens and not stopped.is_set():
                logprobs = self._model.logprobs([*ids, *answer])
                chosen = int(logprobs.argmax())
                if chosen in self._model.ends:
                    return True
                answer.append(chosen)
                logprob += float(logprobs[chosen])
                whole = self._model.decode(answer)
                if len(whole) > len(text) and not whole.endswith("\ufffd"):
                    put(Token(whole[len(text) :], logprob))
                    text, logprob = whole, 0.0
            return False
        finally:
            put(None)


def _turns(messages: Sequence[Message]) -> str:
    r"""Write messages as the model was trained to read them (its template, ChatML).

    >>> _turns([{"role": "system", "content": "Zähle."}, {"role": "user", "content": "Eins?"}])
    '<|im_start|>system\nZähle.<|im_end|>\n<|im_start|>user\nEins?<|im_end|>\n'
    """
    task = [] if messages and messages[0]["role"] == "system" else [{"role": "system", "content": _SYSTEM}]
    return "".join(f"<|im_start|>{one['role']}\n{one['content']}<|im_end|>\n" for one in [*task, *messages])


class _Model:
    """Token ids -> log-probabilities of the next token; what was read is not read again. Not for several threads.

    Args:
        folder: Of the converted weights.
        prompts: The folder for what was read ahead: a file with its SHA-256 beside it, 57 kB a token. It goes with the
            weights that it was read by.
    """

    def __init__(self, folder: Path, prompts: Path) -> None:
        # Its tools would load a package that reports their use; nothing here calls them.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        import openvino
        import openvino_genai

        self._tensor = openvino.Tensor
        self._tokenizer = openvino_genai.Tokenizer(folder)
        model = openvino.Core().compile_model(folder / "openvino_model.xml", "CPU", _SETTINGS)
        self._request = model.create_infer_request()
        self._prompts = prompts
        self._named_after = f"{folder.name} {_SETTINGS} {version('openvino')}"
        self._held: list[int] = []
        self._held_logprobs = np.empty(0, np.float32)
        self._ahead: dict[tuple[int, ...], Floats] = {}
        self.ends = {self._tokenizer.get_eos_token_id(), self._tokenizer.get_bos_token_id()}
        self.logprobs(sorted(self.ends))  # the first time takes seconds: the weights are laid out for the processor

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).input_ids.data[0].tolist()
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of tokens; a letter of which bytes are missing is U+FFFD."""
        text: str = self._tokenizer.decode(list(map(int, ids)))
        return text

    def logprobs(self, ids: list[int]) -> Floats:
        """Return ``(vocabulary,)`` natural logarithms of the probabilities of what follows."""
        if ids != self._held:
            kept = self._keep(ids[:-1])
            for start in range(kept, len(ids), BLOCK_TOKENS):
                logits = self._read(ids[start : start + BLOCK_TOKENS])
            highest = logits.max()
            self._held_logprobs = logits - highest - np.log(np.exp(logits - highest).sum())
        return self._held_logprobs

    def read_ahead(self, ids: list[int]) -> None:
        """Have at hand what is computed of the tokens that a request begins with."""
        if tuple(ids) not in self._ahead:
            file = self._prompts / f"{self._digest(ids)}.npy"
            states = _load_array(file)
            if states is None:
                self.logprobs(ids)
                states = np.stack([state.state.data for state in self._request.query_state()])
                _save_array(file, states)
            self._ahead[tuple(ids)] = states

    def _digest(self, ids: list[int]) -> str:
        return hashlib.sha256(json.dumps([self._named_after, ids]).encode()).hexdigest()[:24]

    def _keep(self, ids: list[int]) -> int:
        """Hold the state after some of the first tokens, as far as they were read before; return how many those are.

        Where something was read ahead it begins there, even if it held more: the last digits depend on how many tokens
        are read at once, and so the same question gets the same answer whatever was asked before.
        """
        common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(ids, self._held, strict=False)))
        ahead = max((begun for begun in self._ahead if list(begun) == ids[: len(begun)]), key=len, default=())
        if ahead and common < max(len(self._held), len(ahead)):
            for state, values in zip(self._request.query_state(), self._ahead[ahead], strict=True):
                state.state = self._tensor(values)
            common = len(ahead)
        elif not common:
            self._request.reset_state()
        elif common < len(self._held):
            for state in self._request.query_state():
                state.state = self._tensor(np.ascontiguousarray(state.state.data[:, :, :common]))
        self._held = ids[:common]
        return common

    def _read(self, ids: list[int]) -> Floats:
        """Go on by some tokens; return ``(vocabulary,)`` logits of what follows."""
        past, end = len(self._held), len(self._held) + len(ids)
        held, self._held = self._held, []  # what is held after an error is not known
        self._request.infer(
            {
                "input_ids": np.array([ids], np.int64),
                "attention_mask": np.ones((1, end), np.int64),
                "position_ids": np.arange(past, end, dtype=np.int64)[None],
                "beam_idx": np.zeros(1, np.int32),
            }
        )
        self._held = [*held, *ids]
        logits: Floats = self._request.get_tensor("logits").data[0, -1].copy()
        return logits


def _load_array(file: Path) -> Floats | None:
    """Return what was saved; None where there is nothing, or something else."""
    try:
        if hashlib.sha256(file.read_bytes()).hexdigest() != _checksum(file).read_text("ascii"):
            return None
        values: Floats = np.load(file, allow_pickle=False)
    except (OSError, ValueError):
        return None
    return values


def _save_array(file: Path, values: Floats) -> None:
    """Save it where there is room: else the next process takes the time of reading."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, values, allow_pickle=False)
        _checksum(file).write_text(hashlib.sha256(file.read_bytes()).hexdigest(), "ascii")
    except OSError:
        return


def _checksum(file: Path) -> Path:
    return file.with_name(f"{file.name}.sha256")
