"""The command that takes the README's pictures, with extracts in place of the embedded model's answers."""

from pathlib import Path

import pytest
from PIL import Image

from eval.load import beleg, served
from eval.screenshots import HEIGHT, PICTURES, SHOTS, chromium, draw_statutes, take

README = Path(__file__).parent.parent / "README.md"


def test_each_picture_of_the_readme_can_be_taken_anew() -> None:
    shown = README.read_text("utf-8")
    assert all(f"ui/pictures/{shot.name}.png" in shown for shot in SHOTS)
    assert {path.stem for path in PICTURES.glob("*.png")} == {shot.name for shot in SHOTS}


@pytest.mark.browser
def test_a_picture_shows_the_page_with_the_quote_marked(tmp_path: Path) -> None:
    draw_statutes(tmp_path / "Satzung.pdf")
    beleg("index", "add", str(tmp_path / "Satzung.pdf"), "--index", str(tmp_path / "index"))
    (shot,) = (shot for shot in SHOTS if shot.name == "pdf")
    with served("chat", tmp_path / "index") as url, chromium() as browser:
        take(browser, url, shot, tmp_path / "pdf.png")
    picture = Image.open(tmp_path / "pdf.png")
    assert picture.size == (shot.width, HEIGHT)
    right = picture.convert("RGB").crop((shot.width // 2, 0, shot.width, HEIGHT))
    yellow = sum(count for count, (red, _, blue) in right.getcolors(1 << 20) or () if red > 200 and blue < 150)
    assert yellow > 1000
