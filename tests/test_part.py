"""Some collections of an index as an index of their own."""

import numpy as np
import pytest

from index import Document, Index
from index.collections import Collections
from index.manifest import StoreError
from index.part import Part
from index.protocol import AnyIndex
from rag import Assistant
from tests.conftest import WordEmbedder


@pytest.fixture
def index(tmp_path) -> Index:
    index = Index.open(tmp_path, embedder=WordEmbedder())
    names = ("Zimtkanari", "Silberdistel", "Perlmutter")
    index.add([Document(f"akte{n}", f"Akte {n}", f"Die Akte nennt das Wort {name}.") for n, name in enumerate(names)])
    Collections(tmp_path).put(["akte0"], "Personal")
    Collections(tmp_path).put(["akte1"], "Recht")
    return index


def test_what_is_outside_is_not_there(index):
    part: AnyIndex = Part(index, ["Personal"])
    assert (len(part), list(part.content_hashes())) == (1, [("akte0", index.content_hash("akte0"))])
    assert [document.id for document in part.documents()] == ["akte0"]
    assert [stored.document.id for stored in part.stored(["akte0", "akte1", "akte2"])] == ["akte0"]
    assert part.chunk_count == 1
    for outside in ("akte1", "akte2", "gibt es nicht"):
        assert outside not in part
        assert part.content_hash(outside) is None
        with pytest.raises(StoreError, match="no document"):
            part.document(outside)
        with pytest.raises(StoreError, match="no document"):
            part.remove(["akte0", outside])
        with pytest.raises(StoreError, match="no document"):
            part.search(np.zeros(part.embedder.dimension, np.float32), documents=[outside])
    assert len(index) == 3


def test_an_answer_from_a_part_knows_of_nothing_else(index):
    whole = Assistant(index, None, least_confidence=0.0)
    part = whole.over(Part(index, ["Recht"]))
    assert {hit.chunk.document_id for hit in whole.answer("Welches Wort nennt die Akte?").hits} > {"akte0", "akte1"}
    assert {hit.chunk.document_id for hit in part.answer("Welches Wort nennt die Akte?").hits} == {"akte1"}


def test_collections_that_change_are_followed(index):
    part = Part(index, ["Personal", "Recht"])
    assert len(part) == 2
    before = part.version
    Collections(index.folder).put(["akte2"], "Recht")
    assert ("akte2" in part, part.version != before) == (True, True)
    Collections(index.folder).put(["akte0"], "")
    assert "akte0" not in part
    index.remove(["akte1"])
    assert [document.id for document in part.documents()] == ["akte2"]


def test_what_is_added_is_there_and_another_ones_id_is_not_taken(index):
    part = Part(index, ["Personal"])
    changes = part.add([Document("neu", "Neu", "Ein neuer Satz."), Document("akte1", "Falsch", "Ein falscher Satz.")])
    assert (changes.added, [failure.reason for failure in changes.failed]) == (
        ["neu"],
        ["the id 'akte1' is taken; choose another one"],
    )
    assert "neu" in part
    assert index.document("akte1").title == "Akte 1"
    assert part.remove(["neu"]).removed == ["neu"]


def test_two_that_name_collections_at_once_lose_nothing(tmp_path):
    from threading import Thread

    def name(first: int) -> None:
        for number in range(first, first + 40):
            Collections(tmp_path).put([str(number)], f"Amt {number}")

    threads = [Thread(target=name, args=[first]) for first in (0, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Collections(tmp_path).of_documents()) == 80


def test_a_damaged_file_of_collections_is_named(tmp_path):
    (tmp_path / "collections.json").write_text("{")
    with pytest.raises(StoreError, match=r"collections\.json.*repair or delete it"):
        Collections(tmp_path).of_documents()
