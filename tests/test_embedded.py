"""The embedded model: its conversion, what it keeps of what it has read, and that it speaks to nobody."""

import os
import subprocess
import sys
import threading
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rag.conversion
import rag.embedded
from index.settings import index_settings
from index.weights import LLM_WEIGHTS, is_present
from rag.conversion import ConversionError, converted, keep_last_logits, quantised, requantise
from rag.embedded import EmbeddedLLM
from rag.llm import LLM, BrokenAnswerError, LLMError, NoModelError, UnavailableError, load_llm

SHA256 = "ab" * 32
POPEN = subprocess.Popen


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


# Conversion


class Child:
    """In place of the process that converts."""

    def __init__(self) -> None:
        self.runs = 0
        self.error = ""

    def __call__(self, command, **options):
        self.runs += 1
        program = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_bytes(b'Gewichte'); sys.exit(sys.argv[2] or 0)"
        target = str(Path(command[-1], "openvino_model.bin"))
        return POPEN([sys.executable, "-c", program, target, self.error], **options)


@pytest.fixture
def child(monkeypatch, tmp_path) -> Child:
    one = Child()
    (tmp_path / "modell.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(rag.conversion.subprocess, "Popen", one)
    return one


def test_weights_are_converted_once_and_again_where_they_are_damaged(tmp_path, child):
    folder = converted(tmp_path / "modell.gguf", SHA256, tmp_path / "openvino")
    assert (folder / "openvino_model.bin").read_bytes() == b"Gewichte"
    assert converted(tmp_path / "modell.gguf", SHA256, tmp_path / "openvino") == folder
    assert child.runs == 1
    (folder / "openvino_model.bin").write_bytes(b"Gewichtf")
    assert converted(tmp_path / "modell.gguf", SHA256, tmp_path / "openvino") == folder
    assert (folder / "openvino_model.bin").read_bytes() == b"Gewichte"
    assert child.runs == 2


def test_other_versions_make_room(tmp_path, child):
    old = converted(tmp_path / "modell.gguf", "cd" * 32, tmp_path / "openvino")
    new = converted(tmp_path / "modell.gguf", SHA256, tmp_path / "openvino")
    assert [path.name for path in (tmp_path / "openvino").iterdir()] == [new.name] != [old.name]


def test_a_conversion_that_fails_is_said_and_leaves_nothing(tmp_path, child):
    child.error = "Traceback\nMemoryError: zu wenig\n"
    with pytest.raises(ConversionError, match=r"^MemoryError: zu wenig$"):
        converted(tmp_path / "modell.gguf", SHA256, tmp_path / "openvino")
    assert list((tmp_path / "openvino").iterdir()) == []


def test_it_tells_how_far_it_is(tmp_path, child):
    told = []
    converted(tmp_path / "modell.gguf", SHA256, tmp_path / "openvino", progress=lambda *pair: told.append(pair))
    assert told[0] == (0, 11)  # 2.8 times the 4 bytes of the file
    assert told[-1] == (1, 1)


def test_a_file_that_is_no_model(tmp_path):
    path = tmp_path / "modell.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(NoModelError, match=r"modell.gguf: OpenVINO cannot run it \(.+\); .* BELEG_LLM_MODEL=none"):
        EmbeddedLLM(path, LLM_WEIGHTS, tmp_path)


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_weights_of_8_bit_are_within_half_a_step(seed, size):
    values = (np.random.default_rng(seed).standard_normal((3, 2, 128)) * size).astype(np.float32)
    numbers, scale = quantised(values)
    assert np.abs(numbers * scale.astype(np.float32) - values).max() <= scale.max() * 0.6


class MadeMatrix:
    """In place of a matrix of a file."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self.shape = values.shape

    def rows(self, first: int, last: int) -> np.ndarray:
        return self.values[first:last]


def made_model(kind: str, seed: int = 0):
    """A model as GenAI makes it of a file, and the file's matrix: the offsets of its groups are no whole steps."""
    import openvino
    from openvino import opset13 as ops

    random = np.random.default_rng(seed)
    highest = {"u4": 16, "u8": 64}[kind]
    numbers = random.integers(0, highest, (10, 8, 16), np.uint8)
    offset = random.uniform(highest * 0.4, highest * 0.6, (10, 8, 1)).astype(np.float32)
    scale = random.uniform(0.01, 0.02, (10, 8, 1)).astype(np.float16)
    constants = [
        openvino.Tensor(_packed(one, kind), one.shape, getattr(openvino.Type, kind))
        for one in (numbers, np.rint(offset).astype(np.uint8))
    ]
    low, zero = (ops.convert(ops.constant(one, shared_memory=False), "f16") for one in constants)
    values = ops.multiply(ops.subtract(low, zero), ops.constant(scale))
    matrix = ops.convert(ops.reshape(values, ops.constant([10, 128]), special_zero=False), "f32")
    hidden = ops.parameter([1, -1, 128], np.float32)
    model = openvino.Model([ops.matmul(hidden, matrix, transpose_a=False, transpose_b=True)], [hidden])
    return model, ((numbers - offset) * scale).reshape(10, 128)


def _packed(values: np.ndarray, kind: str) -> np.ndarray:
    flat = values.ravel()
    return flat[0::2] | flat[1::2] << 4 if kind == "u4" else flat


@pytest.mark.parametrize("kind", ["u4", "u8"])
def test_a_rewritten_model_computes_what_the_file_says_for_the_last_token(kind):
    import openvino

    model, exact = made_model(kind)
    keep_last_logits(model)
    requantise(model, [MadeMatrix(exact[::-1].copy()), MadeMatrix(exact), MadeMatrix(exact[:5])])
    kinds = {node.get_output_element_type(0).get_type_name() for node in model.get_ops()}
    assert "i8" in kinds
    assert kind not in kinds
    hidden = np.random.default_rng(1).standard_normal((1, 5, 128)).astype(np.float32)
    [last] = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([hidden]).values()
    assert last.shape == (1, 1, 10)
    expected = hidden[0, -1] @ exact.T
    assert np.abs(last[0, 0] - expected).max() < 0.02 * np.abs(expected).max()


def test_a_model_of_another_file_is_refused():
    model, exact = made_model("u4")
    with pytest.raises(ConversionError, match="a matrix of 10 × 128 weights is none of the file's"):
        requantise(model, [MadeMatrix(exact[::-1].copy())])


class FailingModel:
    """In place of the model: OpenVINO gives up after some tokens."""

    ends = frozenset({0})

    def __init__(self, *_: object) -> None:
        self.left = 0

    def encode(self, text: str) -> list[int]:
        return [1, 2]

    def decode(self, ids: list[int]) -> str:
        return "ab" * len(ids)

    def read_ahead(self, ids: list[int]) -> None:
        self.logprobs(ids)

    def logprobs(self, ids: list[int]) -> np.ndarray:
        if not self.left:
            raise RuntimeError("Exception from src/inference:\n\nCan't allocate memory")
        self.left -= 1
        return np.arange(30, dtype=np.float32) - 40


def test_a_model_that_fails_is_said_in_words_whether_it_had_begun_or_not(tmp_path, monkeypatch):
    monkeypatch.setattr(rag.embedded, "converted", lambda *_, **__: tmp_path)
    monkeypatch.setattr(rag.embedded, "_Model", FailingModel)
    llm = EmbeddedLLM(tmp_path / "modell.gguf", LLM_WEIGHTS, tmp_path)
    said = r"OpenVINO failed \(Can't allocate memory\); free memory"
    with pytest.raises(UnavailableError, match=said):
        llm.read_ahead(user("Wo?"))
    with pytest.raises(UnavailableError, match=said):
        llm.log_odds(user("Wo?"), "Nein")
    with pytest.raises(UnavailableError, match=said):
        list(llm.stream(user("Wo?"), max_tokens=5))
    llm._model.left = 2
    answer = llm.stream(user("Wo?"), max_tokens=5)
    assert [next(answer), next(answer)] == ["ab", "ab"]
    with pytest.raises(BrokenAnswerError, match=said):
        next(answer)
    llm.close()


# The real one


needs_weights = [
    pytest.mark.llm,
    pytest.mark.skipif(not is_present(LLM_WEIGHTS), reason="the weights are not here; beleg fetches them at first use"),
]


@pytest.fixture(scope="module")
def embedded() -> LLM:
    os.environ.pop("BELEG_LLM_MODEL", None)
    llm = load_llm()
    assert llm is not None
    return llm


class TestEmbedded:
    pytestmark = needs_weights

    def test_it_answers_and_is_started_once(self, embedded):
        text = "".join(embedded.stream(user("Nenne die Hauptstadt von Frankreich."), max_tokens=30))
        assert "Paris" in text
        assert embedded.name == LLM_WEIGHTS.name
        assert load_llm() is embedded

    def test_letters_of_several_tokens_come_whole(self, embedded):
        pieces = list(embedded.stream(user("Wiederhole den Satz: Der Fisch 🐟 schwimmt."), max_tokens=30))
        assert "🐟" in "".join(pieces)
        assert "\ufffd" not in "".join(pieces)
        assert all(piece.logprob <= 0 for piece in pieces)

    def test_what_was_read_before_changes_nothing(self, embedded):
        model = embedded._model
        begun, one, other = map(model.encode, ("Die Messe", " Köln begann im Juli und endete", " Kiel begann im Mai"))
        model.read_ahead(begun)
        model.logprobs([*begun, *other])
        fresh = model.logprobs([*begun, *one]).copy()
        for before in (other, one[:3], [*begun, *one[:3], *other], [*begun, *one, *other]):
            model.logprobs(before)
            assert np.array_equal(model.logprobs([*begun, *one]), fresh)

    def test_what_it_has_read_is_kept_for_the_next_process(self, embedded, monkeypatch):
        model = embedded._model
        read = []
        real = model._read
        monkeypatch.setattr(model, "_read", lambda ids: (read.append(len(ids)), real(ids))[1])
        messages = [{"role": "system", "content": "Du zählst Schafe."}, {"role": "user", "content": "Eins?"}]
        ids = model.encode("Du zählst Schafe und sonst nichts.")
        file = model._prompts / f"{model._digest(ids)}.npy"
        for rest in (file, file.with_name(f"{file.name}.sha256")):
            rest.unlink(missing_ok=True)

        def tokens_read() -> int:
            read.clear()
            model._ahead.clear()
            model._held = []
            model.read_ahead(ids)
            return sum(read)

        assert [tokens_read(), tokens_read()] == [len(ids), 0]
        damaged = bytearray(file.read_bytes())
        damaged[-1] ^= 1
        file.write_bytes(damaged)
        assert [tokens_read(), tokens_read()] == [len(ids), 0]
        assert embedded.log_odds(messages, "Zwei") is not None

    def test_it_gives_probabilities(self, embedded):
        yes, no = (embedded.log_odds(user(f"Antworte nur mit dem Wort {word}."), "Nein") for word in ("Ja", "Nein"))
        assert no > 0 > yes

    def test_a_prompt_that_is_too_long_is_refused_not_cut(self, embedded):
        with pytest.raises(LLMError, match=r"the prompt has \d+ tokens, at most 4091 fit its context; ask shorter"):
            list(embedded.stream(user("Wort " * 5000), max_tokens=5))

    def test_the_answer_that_reaches_its_limit_is_broken(self, embedded):
        with pytest.raises(BrokenAnswerError, match="reached its limit of 3 tokens"):
            list(embedded.stream(user("Zähle bis zwanzig."), max_tokens=3))

    def test_a_question_can_be_asked_while_an_answer_is_half_read(self, embedded):
        answer = embedded.stream(user("Zähle bis zehn."), max_tokens=60)
        begun = list(islice(answer, 2))
        assert embedded.log_odds(user("Antworte nur mit dem Wort Ja."), "Ja") is not None
        assert "10" in "".join([*begun, *answer])

    def test_an_answer_that_nobody_wants_any_more_ends(self, embedded):
        answer = embedded.stream(user("Erzähle ein langes Märchen."), max_tokens=2000)
        next(answer)
        answer.close()
        began = time.monotonic()
        assert embedded.log_odds(user("Antworte nur mit dem Wort Ja."), "Ja") is not None
        assert time.monotonic() - began < 30

    def test_threads_get_each_their_own(self, embedded):
        told = {}

        def ask(city: str, country: str) -> None:
            told[city] = "".join(embedded.stream(user(f"Nenne die Hauptstadt von {country}."), max_tokens=20))

        cities = {"Paris": "Frankreich", "Rom": "Italien", "Wien": "Österreich"}
        threads = [threading.Thread(target=ask, args=pair) for pair in cities.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(city in text for city, text in told.items())
        assert len(told) == 3


@pytest.mark.llm
@pytest.mark.skipif(not is_present(LLM_WEIGHTS), reason="the weights are not here; beleg fetches them at first use")
def test_it_speaks_to_nobody():
    program = """
import sys
sys.addaudithook(lambda event, _: event.startswith("socket.") and sys.exit(f"it asks for {event}"))
from rag.llm import load_llm
llm = load_llm()
print("".join(llm.stream([{"role": "user", "content": "Nenne die Hauptstadt von Frankreich."}], max_tokens=20)))
assert not sys.modules.get("openvino_telemetry")
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BELEG_LLM", "OPENAI_"))}
    environment["BELEG_CACHE"] = str(index_settings().cache)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False, timeout=300
    )
    assert (done.returncode, "Paris" in done.stdout) == (0, True), done.stderr[-500:]
