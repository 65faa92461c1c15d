"""Compounds that a reader of German would cut so, and words that he would not cut."""

import random

import pytest

from index.analysis import german_terms
from index.compounds import LONGEST, Splitter, split

# Words as a corpus of laws, pages of towns, manuals and news has them, by how many chunks hold them.
EVERYWHERE = """
    Recht Gesetz Jahr Land Bund Staat Zeit Arbeit Antrag Vertrag Leistung Versicherung Verfahren Stadt Kind Schule
    Tag Grund Teil Haus Wasser Straße Geld Verkehr Amt Betrieb Gericht sicher Sicherheit krank Krankheit frei
    Freiheit Stelle Stellung Satz Verordnung Ordnung Behörde Schutz Pflicht Steuer Personal Fall handeln Handel
    Geschäft Punkt Markt Leben Person geben erklären Gemeinschaft wirken Zahl Raum Platz Weg
"""
OFTEN = """
    Rechtsschutz Miete wohnen Wohnung kündigen Kündigung Frist verfassen Arbeitgeber Anteil Kindergarten Garten
    Wohngeld Müll Abfuhr Hund Gewerbe anmelden Führer Schein Geburt Urkunde Ausweis reisen Pass Einkommen Umsatz
    Pflege Rente arbeitslos Eltern Mutter Daten Tür Schlüssel fahren Rad Auto Bahn Hof Flug Hafen Schiff Fahrt
    binnen waschen Maschine kühlen Schrank Feuer Wehr löschen leiten Leitung Strom Gas heizen Heizung Solar Anlage
    Wind Kraft Blut Druck Zahn Arzt Apotheke Notdienst Not Dienst Tod Erbe Ehe schließen scheiden Scheidung Sorge
    Unterhalt Aufenthalt Erlaubnis Asyl Sprache Kurs Volk Hochschule hoch Jugend sozial Finanzen Strafe
    Untersuchung Haft Buße Bescheid Unfall parken Rat Gemeinde Bürger Meister Wahl Ergebnis schnell Test Fest
    Zeitung Beruf Meinung Gott Musik Papier Fabrik Gebäude Technik bauen Bau genehmigen Plan Grundstück Grenze
    Nachbarschaft Streit Dampf Gesellschaft Urlaub Anspruch Tarif Lohn mindestens Kosten abrechnen Spiegel Hausrat
    Kauf gewähren Schaden Ersatz verjähren Klage Schrift Zwang vollstrecken Insolvenz Register führen Aktie Verein
    Ehre schwimmen Bad Bibliothek Abfall alt grün Schnitt trinken Abwasser Gebühr Regen reinigen Winter Baum Lärm
    Kirche Erbschaft Auge Boden Block Gast Blume Erde Name Änderung Frieden Schmerz Glaube Feier Sonne Test
    Gesundheit Familie Nachweis Ausland Studium Bruch Flasche Fuß Ball
"""
# Fragments, short words and names: what makes a bad cut look good.
RARELY = """
    ver ent ung lich keit heit schaft haft bar sam tion ment icht ster stag traf sant lung rung tung chen lein ein
    aus ter ten gen nis tum burg dorf heim berg Eid Art Akt Takt Kont Part Reg Gut acht Magd Ger Stat Mini Test
    Fragment Zeug Rest Igel Reis Lust Ling Nest Ost Erz Halt Ratte Bug Hut Ei Ur
"""
COMPOUNDS = """
    Rechtsschutzversicherung=Rechtsschutz+Versicherung+Recht+Schutz Mietwohnung=Miete+wohnen+Wohnung
    Kündigungsfrist=Kündigung+Frist Grundgesetz=Grund+Gesetz Schulpflicht=Schule+Pflicht Hundesteuer=Hund+Steuer
    Kindergartenplatz=Kindergarten+Platz+Kind+Garten Wohngeldantrag=Wohngeld+Antrag+wohnen+Geld
    Müllabfuhr=Müll+Abfuhr Gewerbeanmeldung=Gewerbe+anmelden Geburtsurkunde=Geburt+Urkunde
    Personalausweis=Personal+Ausweis Reisepass=reisen+Pass Umsatzsteuer=Umsatz+Steuer
    Krankenversicherung=krank+Versicherung Einkommensteuererklärung=Einkommen+Steuer+erklären Kindergeld=Kind+Geld
    Elterngeld=Eltern+Geld Mutterschutz=Mutter+Schutz Arbeitslosengeld=arbeitslos+Geld
    Haustürschlüssel=Haus+Tür+Schlüssel Fahrradweg=fahren+Rad+Weg Autobahn=Auto+Bahn Bahnhof=Bahn+Hof
    Flughafen=Flug+Hafen Schifffahrt=Schiff+Fahrt Binnenschiffahrt=binnen+Schifffahrt+Schiff+Fahrt
    Waschmaschine=waschen+Maschine Kühlschrank=kühlen+Schrank Feuerwehr=Feuer+Wehr
    Wasserleitung=Wasser+leiten+Leitung Stromzähler=Strom+Zahl Gasheizung=Gas+heizen+Heizung
    Solaranlage=Solar+Anlage Windkraftanlage=Wind+Kraft+Anlage Blutdruck=Blut+Druck Zahnarzt=Zahn+Arzt
    Apothekennotdienst=Apotheke+Notdienst+Not+Dienst Todesfall=Tod+Fall Lebensversicherung=Leben+Versicherung
    Erbrecht=Erbe+Recht Eheschließung=Ehe+schließen Scheidungsantrag=Scheidung+Antrag Sorgerecht=Sorge+Recht
    Aufenthaltserlaubnis=Aufenthalt+Erlaubnis Asylantrag=Asyl+Antrag Sprachkurs=Sprache+Kurs
    Volkshochschule=Volk+Hochschule+hoch+Schule Jugendamt=Jugend+Amt Amtsgericht=Amt+Gericht
    Strafrecht=Strafe+Recht Geldstrafe=Geld+Strafe Untersuchungshaft=Untersuchung+Haft
    Bußgeldbescheid=Buße+Geld+Bescheid Verkehrsunfall=Verkehr+Unfall Stadtrat=Stadt+Rat
    Bürgermeister=Bürger+Meister Wahlergebnis=Wahl+Ergebnis Volksfest=Volk+Fest Tageszeitung=Tag+Zeit+Zeitung
    Berufskrankheit=Beruf+krank+Krankheit Meinungsfreiheit=Meinung+frei+Freiheit Gottesdienst=Gott+Dienst
    Volksmusik=Volk+Musik Papierfabrik=Papier+Fabrik Gebäudetechnik=Gebäude+Technik Landjugend=Land+Jugend
    Baugenehmigung=Bau+genehmigen Grundstücksgrenze=Grundstück+Grenze Nachbarschaftsstreit=Nachbarschaft+Streit
    Urlaubsanspruch=Urlaub+Anspruch Betriebsrat=Betrieb+Rat Tarifvertrag=Tarif+Vertrag
    Betriebskostenabrechnung=Betrieb+Kosten+abrechnen Mietspiegel=Miete+Spiegel Schadensersatz=Schaden+Ersatz
    Hausratversicherung=Hausrat+Versicherung+Haus+Rat Klageschrift=Klage+Schrift
    Zwangsvollstreckung=Zwang+vollstrecken Aktiengesellschaft=Aktie+Gesellschaft Ehrenamt=Ehre+Amt
    Schwimmbad=schwimmen+Bad Altpapier=alt+Papier Grünschnitt=grün+Schnitt Trinkwasser=trinken+Wasser
    Abwassergebühr=Abwasser+Gebühr Regenwasser=Regen+Wasser Winterdienst=Winter+Dienst Lärmschutz=Lärm+Schutz
    Kirchensteuer=Kirche+Steuer Augenarzt=Auge+Arzt Bodenschutz=Boden+Schutz Häuserblock=Haus+Block
    Gästehaus=Gast+Haus Blumenerde=Blume+Erde Namensänderung=Name+Änderung Friedensvertrag=Frieden+Vertrag
    Schmerzensgeld=Schmerz+Geld Feiertag=Feier+Tag Gesundheitsamt=Gesundheit+Amt
    Arbeitgeberanteil=Arbeitgeber+Anteil+Arbeit Auslandsstudium=Ausland+Studium Ausländerbehörde=Ausland+Behörde
    Dampfschifffahrtsgesellschaft=Dampf+Schifffahrt+Gesellschaft+Schiff+Fahrt Fußball=Fuß+Ball
"""
WHOLE = """
    Gutachten Verein Anwalt Urlaub Gericht Antrag Gesetz Rechnung Meister Minister Monat Januar Sekretär Direktor
    Student Kindheit Nachbar Handlung Handel Sachsen Karte Partner Artikel Tarif Testament Element Parlament
    Regiment Dokument Praktikum Fragment Pension Kontakt Vertrag Beitrag Auftrag Station Situation Religion
    Allgemeinheit Beamter Versicherung Versammlung Gemeinde Gemeinschaft Gesellschaft Wirtschaft Wissenschaft
    Freundschaft Eigentum Verhältnis Ereignis Erlaubnis Zeugnis sparsam dankbar lesbar wunderbar dauerhaft
    mangelhaft beispielhaft freundlich möglich persönlich schriftlich Hamburg Frankfurt Magdeburg Düsseldorf
    Mannheim Deutschland Österreich Verantwortung Verwaltung Unterhaltung Unternehmen Überprüfung Entscheidung
    Entschädigung Entwicklung Erziehung Erklärung Bescheinigung Verletzung Vorschrift Leistung Stellung Wohnung
    Heizung Zeitung Kündigung Genehmigung Vermögen interessant Information Organisation Kommunikation Universität
    Qualität Institut Restaurant Temperatur Literatur Agentur Natur Kultur Montag Sonntag Mittwoch September
    Alexander Elisabeth Christian Katharina Arbeitslos Sicherheit Krankheit Freiheit
"""


def term(word: str) -> str:
    return german_terms(word)[0]


@pytest.fixture(scope="module")
def frequencies() -> dict[str, int]:
    """Document frequencies; each word to be tested is in the corpus too, now and then."""
    found = {term(word): 2 for word in RARELY.split() if german_terms(word)}
    found |= {term(word): 40 for word in WHOLE.split()}
    found |= {term(entry.partition("=")[0]): 5 for entry in COMPOUNDS.split()}
    found |= {term(word): 60 for word in OFTEN.split() if german_terms(word)}
    return found | {term(word): 800 for word in EVERYWHERE.split()}


def test_the_lists_are_as_long_as_they_should_be() -> None:
    assert len(COMPOUNDS.split()) > 90
    assert len(WHOLE.split()) > 100


@pytest.mark.parametrize("entry", COMPOUNDS.split())
def test_compounds_are_cut_where_a_reader_would(entry: str, frequencies: dict[str, int]) -> None:
    compound, _, parts = entry.partition("=")
    assert set(split(term(compound), frequencies.get)) == {term(part) for part in parts.split("+") if part}


@pytest.mark.parametrize("word", WHOLE.split())
def test_other_words_stay_whole(word: str, frequencies: dict[str, int]) -> None:
    assert split(term(word), frequencies.get) == []


def test_larger_parts_come_before_their_own() -> None:
    words = dict.fromkeys("rechtsschutz recht schutz versicher vertrag versicherungsvertrag".split(), 9)
    assert split("rechtsschutzversicherungsvertrag", words.get) == [
        "rechtsschutz",
        "versicherungsvertrag",
        "recht",
        "schutz",
        "versicher",
        "vertrag",
    ]


def test_the_parts_of_an_unknown_part_are_found() -> None:
    words = {"rad": 9, "verkehr": 9, "plan": 9}
    assert split("radverkehrsplan", words.get) == ["rad", "verkehr", "plan"]


@pytest.mark.parametrize(("own", "parts"), [(0, ["haus", "tier"]), (500, ["haus", "tier"]), (1_000, [])])
def test_a_word_far_more_frequent_than_its_parts_is_no_compound(own: int, parts: list[str]) -> None:
    """The mean of 100 and 25 is 50, which is 0.1 of 500 and 0.05 of 1,000."""
    assert split("haustier", {"haus": 100, "tier": 25, "haustier": own}.get) == parts


def test_the_more_frequent_parts_win() -> None:
    """Staub-ecken or Stau-becken."""
    assert split("staubecken", {"staub": 4, "ecken": 9, "stau": 9, "becken": 9}.get) == ["stau", "becken"]
    assert split("staubecken", {"staub": 9, "ecken": 9, "stau": 4, "becken": 9}.get) == ["staub", "ecken"]


def test_an_s_belongs_to_a_word_that_begins_with_it_unless_that_is_rare() -> None:
    assert split("geldstraf", {"geld": 9, "straf": 5, "traf": 16}.get) == ["geld", "straf"]
    assert split("gesundheitsamt", {"gesund": 9, "samt": 2, "amt": 80}.get) == ["gesund", "amt"]


@pytest.mark.parametrize(
    ("suspended", "words"),
    [
        ("Haft- oder Geldstrafen", ["Haftstrafen"]),
        ("Renten- und Krankenversicherung", ["Rentenversicherung"]),
        ("Mutter-, Kinder- und Umweltschutz", ["Mutterschutz", "Kinderschutz"]),
        ("Ein- und Zweifamilienhäuser", ["Einfamilienhaus"]),
        ("Häuser- und Straßenbau", ["Häuserbau"]),
        ("Arbeitgeberanteil und -zuschuss", ["Arbeitgeberzuschuss"]),
        ("Verkehrspläne und -regeln", ["Verkehrsregeln"]),
    ],
)
def test_a_suspended_hyphen_stands_for_the_missing_part(suspended: str, words: list[str]) -> None:
    known = "Geld Strafe Rente krank Versicherung Umwelt Schutz Familie Familienhaus Haus zwei Straße Bau Arbeitgeber"
    frequencies = {term(word): 9 for word in [*known.split(), "Anteil", "Verkehr", "Plan"]}
    parts = [part for one in german_terms(suspended) if "/" in one for part in split(one, frequencies.get)]
    assert {term(word) for word in words} <= set(parts)


@pytest.mark.parametrize(
    "word",
    [
        "",
        "a",
        "/",
        "-/",
        "/-",
        "x-/y",
        "a" * 100_000,
        "haus" * 16,
        "§15bgb",
        "1990-10-03",
        "haus2tier",
        "\ud800haustier",
    ],
)
def test_what_is_no_word_has_no_parts(word: str) -> None:
    assert split(word, {"haus": 9, "tier": 9, "a": 9}.get) == []


def test_parts_are_known_and_never_the_word_itself() -> None:
    chance = random.Random(3)
    syllables = "haus ver tier kind er s en rad tag ung schutz recht amt lich t e schiff fahrt mm f ge bau".split()
    words = ["".join(chance.choices(syllables, k=chance.randint(1, 6))) for _ in range(4000)]
    frequencies = {word: chance.randint(1, 50) for word in words[:2000]}
    splitter = Splitter(frequencies.get)
    for word in words:
        parts = splitter.split(word)
        assert set(parts) <= set(frequencies) - {word}
        assert len(parts) == len(set(parts))
        assert not parts or len(word) <= LONGEST
    assert sum(bool(splitter.split(word)) for word in words) > 400


def test_the_order_of_the_words_does_not_matter() -> None:
    words = [term(entry.partition("=")[0]) for entry in COMPOUNDS.split()]
    frequencies = {term(word): 60 for word in OFTEN.split() if german_terms(word)}
    forwards, backwards = Splitter(frequencies.get), Splitter(frequencies.get)
    there = {word: forwards.split(word) for word in words}
    assert {word: backwards.split(word) for word in reversed(words)} == there
