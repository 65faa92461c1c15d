"""Language detection against questions whose language a reader knows."""

import json
from pathlib import Path

import pytest

from index.language import Language, detect_language

GERMAN = """
Wer unterstützt das Unternehmen Pico?
Was kostet die Anmeldung?
Wann ist der Sperrmüll dran?
Wie hoch ist die Kaution?
Öffnungszeiten Bibliothek
Kündigungsfrist Mietvertrag
Darf man hier parken?
Gibt es WLAN im Rathaus?
Wo finde ich das Bürgerbüro?
Welche Software braucht man für die Installation?
Muss ich als Mieter die Treppe putzen?
An wen wende ich mich bei Schimmel?
Wer waren die Schauspieler in Sex and the City?
Rundfunkbeitrag
""".strip().splitlines()

ENGLISH = """
Who is Tan Wenkan?
What does the registration cost?
When is bulky waste collected?
How high is the deposit?
opening hours
Who pays?
May I park here?
Is there free WiFi in the Rathaus?
Which company backs Pico?
Where do I find the Bürgerbüro?
How do I cancel a Mietvertrag?
Does the Hausordnung forbid dogs?
Name the founder of the Bauhaus.
""".strip().splitlines()


@pytest.mark.parametrize("question", GERMAN)
def test_german_is_german(question: str) -> None:
    assert detect_language(question, default="en") == "de"


@pytest.mark.parametrize("question", ENGLISH)
def test_english_is_english(question: str) -> None:
    assert detect_language(question, default="de") == "en"


@pytest.mark.parametrize("text", ["", " \n", "2024?", "§ 5 (2)", "👍", "\ud800"])
@pytest.mark.parametrize("default", ["de", "en"])
def test_no_letters_no_verdict(text: str, default: Language) -> None:
    assert detect_language(text, default) == default


def test_any_text_has_one_of_the_two_languages() -> None:
    for text in ("Где находится вокзал?", "中文", "Où est la gare ?", "a\ud800b", "x" * 100_000):
        assert detect_language(text) in ("de", "en")


def test_the_questions_of_the_sample() -> None:
    path = Path(__file__).parents[1] / "eval" / "gold" / "sample" / "questions.jsonl"
    questions = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    wrong = [row["question"] for row in questions if detect_language(row["question"]) != row["language"]]
    assert wrong == []
