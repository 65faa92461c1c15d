"""References to laws, written as German and English write them, among the terms of a text."""

import pytest

from index.analysis import german_terms


@pytest.mark.parametrize(
    ("term", "texts"),
    [
        (
            "§15",
            ["§ 15", "§15 Abs. 3 Nr. 2 UStG", "§§ 15, 16", "§§ 14 bis 15", "section 15", "Sec. 15", "Paragraph 15"],
        ),
        ("§16", ["§§ 15, 16", "§§ 15 und 16 BGB", "sections 15 and 16", "§ 15 Abs. 2, § 16"]),
        ("§573c", ["§ 573c", "§ 573 c BGB", "§ 573c Abs. 1"]),
        ("art5", ["Art. 5 GG", "Artikel 5", "Artikels 5", "Article 5", "Art 5"]),
        ("§15abs3", ["§ 15 Abs. 3 Nr. 2 UStG", "§ 15 Absatz 3 Nummer 2", "section 15(3)", "§ 15 (3)"]),
        (
            "§108bgb",
            [
                "BGB: § 108 Vertragsschluss ohne Einwilligung",
                "§ 108 BGB",
                "§ 108 bgb",
                "§ 108 Abs. 2 BGB",
                "§ 108 Abs. 2 Satz 1 Nr. 3 lit. a) BGB",
                "§ 108 II BGB",
                "§ 108 ff. BGB",
                "§§ 107, 108 BGB",
                "§ 108 des Bürgerlichen Gesetzbuchs",
                "§ 108 (BGB)",
                "section 108 of the German Civil Code",
            ],
        ),
        (
            "art106agg",
            ["GG: Art 106a", "Art. 106a GG", "Artikel 106a des Grundgesetzes", "Article 106a of the Basic\nLaw"],
        ),
        ("§5sgb9", ["SGB 9 2018: § 5", "§ 5 SGB IX", "§ 5 SGB 9", "§ 5 des Neunten Buches Sozialgesetzbuch"]),
        ("art6dsgvo", ["Art. 6 Abs. 1 lit. f DSGVO", "Art. 6 DS-GVO", "Article 6 GDPR"]),
        ("§15estg", ["§ 15 EStG", "§ 15 a EStG § 15 EStG", "EStG § 15"]),
    ],
)
def test_a_reference_to_a_law_is_the_same_term_however_it_is_written(term: str, texts: list[str]) -> None:
    assert [text for text in texts if term not in german_terms(text)] == []


def test_only_what_belongs_to_a_reference_is_read_into_it() -> None:
    assert "§16" not in german_terms("§ 5 und 16 Personen")
    assert german_terms("auf diese Art und Weise, Sektion 5, der Smart 5") == [
        "art",
        "weis",
        "sektion",
        "5",
        "smart",
        "5",
    ]
    assert "§5bgb" not in german_terms("Das steht im BGB. § 5 regelt anderes.")


def test_a_book_of_social_law_can_lack_its_number() -> None:
    assert "§5sgb" in german_terms("§ 5 SGB")
