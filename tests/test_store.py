"""The index against a dictionary of the documents put into it, and against an index built in one go."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path

import filelock
import pytest

from index import Changes, Document, Index
from index.analysis import german_terms
from index.document import Failure
from index.embedding import Vectors
from index.manifest import StoreError
from index.store import MOST_MERGED, MOST_SEGMENTS, segments_to_merge
from tests.conftest import WordEmbedder

WORDS = (
    "Satzung Verein Mitglied Beitrag Vorstand Frist Kündigung Köln Rhein Juli Vertrag Miete Haus Hund Straße".split()
)
QUESTIONS = ["Wann endet die Frist?", "Kündigung der Miete in Köln", "Hund Straße Vorstand", "Quark"]


def document(number: int, edition: int = 0, sentences: int = 30) -> Document:
    """Some chunks of text that tells its number and its edition."""
    chance = random.Random(number * 1000 + edition)
    text = " ".join(f"Der {' und '.join(chance.choices(WORDS, k=6))} gilt." for _ in range(sentences))
    return Document(f"d{number}", f"Titel {number}", f"Ausgabe {edition} 👩‍👩‍👧\r\n{text}", source=f"{number}.txt")


def contents(index: Index) -> dict[str, Document]:
    documents = list(index.documents())
    assert len({one.id for one in documents}) == len(documents)
    return {one.id: one for one in documents}


def results(index: Index, question: str, candidates: int = 10_000, **more: list[str]) -> dict[str, tuple[float, float]]:
    """Chunk id -> cosine and BM25; every chunk is checked against the document's text."""
    hits = index.search(index.embedder.embed_query(question), candidates=candidates, **more).hits(
        german_terms(question)
    )
    for hit in hits:
        text = index.document(hit.chunk.document_id).text
        assert text[hit.chunk.start : hit.chunk.end] == hit.chunk.text
        assert all(hit.chunk.start <= start < end <= hit.chunk.end for start, end in hit.chunk.sentences)
    assert len({hit.chunk.id for hit in hits}) == len(hits)
    return {hit.chunk.id: (round(hit.dense, 4), round(hit.lexical, 3)) for hit in hits}


def assert_same_as_fresh(index: Index, folder: Path) -> None:
    """Search finds what it finds in an index to which the same documents were added at once."""
    fresh = Index.open(folder, embedder=WordEmbedder())
    fresh.add(index.documents())
    assert contents(index) == contents(fresh)
    assert index.chunk_count == fresh.chunk_count
    for question in QUESTIONS:
        assert results(index, question) == results(fresh, question)
        few = results(index, question, candidates=5)
        cosines = sorted((dense for dense, _ in results(fresh, question).values()), reverse=True)[:5]
        words = sorted((words for _, words in results(fresh, question).values() if words), reverse=True)[:5]
        assert sorted((dense for dense, _ in few.values()), reverse=True)[:5] == cosines
        assert sorted((words for _, words in few.values() if words), reverse=True)[:5] == words


def segment_folders(folder: Path) -> set[str]:
    return {path.name for path in (folder / "segments").iterdir()}


def assert_no_litter(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert segment_folders(folder) == {entry["name"] for entry in manifest["segments"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ix"


@pytest.fixture
def index(folder: Path, embedder: WordEmbedder) -> Index:
    return Index.open(folder, embedder=embedder)


@pytest.fixture
def _small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.store.GROUP_CHUNKS", 2)


# Adding, updating, removing


def test_what_is_added_is_found_again_after_reopening(index: Index, folder: Path, embedder: WordEmbedder) -> None:
    documents = {f"d{number}": document(number) for number in range(12)}
    assert index.add(documents.values()) == Changes(added=list(documents))
    for opened in (index, Index.open(folder, embedder=embedder)):
        assert contents(opened) == documents
        assert opened.document("d3") == documents["d3"]
        assert "d3" in opened
        assert "d99" not in opened
        assert set(results(opened, QUESTIONS[0]))


def test_the_same_again_changes_nothing(index: Index) -> None:
    index.add(map(document, range(4)))
    version = index.version
    assert index.add(map(document, range(4))) == Changes(unchanged=["d0", "d1", "d2", "d3"])
    assert index.version == version


def test_a_changed_document_replaces_the_old_one(index: Index, tmp_path: Path) -> None:
    index.add(map(document, range(6)))
    changes = index.add([document(2, edition=1), document(3), document(9)])
    assert changes == Changes(added=["d9"], updated=["d2"], unchanged=["d3"])
    assert index.document("d2") == document(2, edition=1)
    assert_same_as_fresh(index, tmp_path / "fresh")


def test_any_field_is_content(index: Index) -> None:
    index.add([Document("a", "Alt", "Ein Text.")])
    assert index.add([Document("a", "Neu", "Ein Text.")]).updated == ["a"]
    assert index.document("a").title == "Neu"


def test_removed_documents_are_gone_from_search_and_disk(index: Index, folder: Path, tmp_path: Path) -> None:
    index.add([*map(document, range(6)), Document("geheim", "", "Zauberwort Simsalabim.")])
    assert index.remove(["geheim", "d4", "geheim"]) == Changes(removed=["geheim", "d4"])
    assert sorted(contents(index)) == ["d0", "d1", "d2", "d3", "d5"]
    assert_same_as_fresh(index, tmp_path / "fresh")
    assert not any(b"imsalabim" in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    with pytest.raises(StoreError, match="no document 'd4'"):
        index.document("d4")


def test_removing_an_unknown_id_removes_nothing(index: Index) -> None:
    index.add(map(document, range(3)))
    with pytest.raises(StoreError, match=r"no document 'fehlt'.*nothing removed"):
        index.remove(["d1", "fehlt"])
    assert len(index) == 3


def test_everything_can_be_removed_and_added_again(index: Index, folder: Path, tmp_path: Path) -> None:
    index.add(map(document, range(3)))
    index.remove(["d0", "d1", "d2"])
    assert contents(index) == {}
    assert segment_folders(folder) == set()
    assert results(index, QUESTIONS[0]) == {}
    index.add(map(document, range(3)))
    assert_same_as_fresh(index, tmp_path / "fresh")


def test_an_id_twice_in_one_add_keeps_the_first(index: Index) -> None:
    changes = index.add([document(1), document(1), document(1, edition=5), document(2)])
    assert changes.added == ["d1", "d2"]
    assert changes.failed == [Failure("1.txt", "id 'd1' occurs twice with different contents; the first was kept")]
    assert contents(index) == {"d1": document(1), "d2": document(2)}


def test_documents_without_text_are_named(index: Index) -> None:
    changes = index.add([Document("leer", "", " \n", source="leer.txt"), document(1)])
    assert changes == Changes(added=["d1"], failed=[Failure("leer.txt", "document 'leer' has no text")])


def test_nothing_added_is_nothing_changed(index: Index) -> None:
    version = index.version
    assert index.add([]) == index.remove([]) == Changes()
    assert (len(index), index.chunk_count, index.version) == (0, 0, version)
    assert results(index, "Frist") == {}


def test_texts_without_terms_are_found_by_meaning(index: Index) -> None:
    index.add([Document("a", "", "!!!"), Document("b", "", "der die das"), Document("c", "", "\ud800\udfff ok")])
    assert set(results(index, "der die das")) == {"a#0-3", "b#0-11", "c#0-5"}


def test_a_large_document_is_one_document(index: Index) -> None:
    index.add([document(1, sentences=4000)])
    assert len(index) == 1
    assert index.chunk_count > 200
    assert results(index, "Kündigung der Miete", candidates=20)


@pytest.mark.usefixtures("_small_groups")
def test_many_segments_are_merged_and_searched_as_one(index: Index, folder: Path, tmp_path: Path) -> None:
    for number in range(40):
        index.add([document(number, sentences=5 + number % 7 * 20)])
        assert len(segment_folders(folder)) <= 8
        assert_no_litter(folder)
        if number % 5 == 4:
            index.add([document(number - 3, edition=1)])
        if number % 7 == 6:
            index.remove([f"d{number - 5}"])
    assert_same_as_fresh(index, tmp_path / "fresh")


def merged_sizes(groups: int) -> tuple[list[int], int]:
    """Add groups of 1024 chunks; return the lengths of the segments, and how many chunks were written in all."""
    segments, written = [], 0
    for _ in range(groups):
        segments.append(range(1024))
        written += 1024
        if merged := segments_to_merge(segments):
            for segment in merged:
                segments.remove(segment)
            segments.append(range(sum(map(len, merged))))
            written += len(segments[-1])
    return sorted(map(len, segments), reverse=True), written


@pytest.mark.parametrize(("groups", "rewritten"), [(100, 3), (1_000, 5), (10_000, 5.5)])
def test_a_chunk_is_rewritten_a_few_times_however_many_there_are(groups: int, rewritten: float) -> None:
    sizes, written = merged_sizes(groups)
    assert sum(sizes) == groups * 1024
    assert written <= rewritten * groups * 1024
    assert max(sizes) <= MOST_MERGED
    assert sum(2 * size <= MOST_MERGED for size in sizes) <= MOST_SEGMENTS


def test_a_large_segment_is_left_alone_while_small_ones_come(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.store.MOST_MERGED", 40)
    index.add([document(0, sentences=300)])
    [large] = segment_folders(index.folder)
    for number in range(1, 30):
        index.add([document(number, sentences=5)])
        assert large in segment_folders(index.folder)
    assert len(segment_folders(index.folder)) <= 1 + MOST_SEGMENTS


def test_removing_rewrites_the_segment_of_the_document_alone(index: Index) -> None:
    index.add(map(document, range(5)))
    before = segment_folders(index.folder)
    index.add(map(document, range(5, 8)))
    index.remove(["d6"])
    assert before < segment_folders(index.folder)


def test_documents_limit_the_search(index: Index) -> None:
    index.add(map(document, range(20)))
    everything = results(index, QUESTIONS[1])
    wanted = ["d3", "d17", "d3"]
    limited = results(index, QUESTIONS[1], documents=wanted)
    assert limited == {key: value for key, value in everything.items() if key.split("#")[0] in wanted}
    assert set(results(index, QUESTIONS[1], candidates=1, documents=["d5"])) <= {k for k in everything if "d5#" in k}
    assert results(index, QUESTIONS[1], documents=[]) == {}
    with pytest.raises(StoreError, match="no document 'fehlt'"):
        results(index, QUESTIONS[1], documents=["d3", "fehlt"])


def test_dense_scores_are_cosines(index: Index, embedder: WordEmbedder) -> None:
    index.add(map(document, range(5)))
    query = embedder.embed_query("Hund und Haus")
    for hit in index.search(query).hits([]):
        [vector] = embedder.embed_documents([hit.chunk.searchable])
        assert hit.score == hit.dense == pytest.approx(float(vector @ query), abs=1e-3)
        assert hit.lexical == 0


def test_the_version_changes_with_every_commit(index: Index) -> None:
    versions = [index.version]
    for change in (lambda: index.add([document(1)]), lambda: index.add([document(1, 1)]), lambda: index.remove(["d1"])):
        change()
        versions.append(index.version)
    assert len(set(versions)) == 4


@pytest.mark.usefixtures("_small_groups")
def test_progress_counts_to_the_end(index: Index) -> None:
    told: list[tuple[int, int, int]] = []
    index.add(map(document, range(5)), progress=lambda *step: told.append(step))
    assert told == sorted(told)
    assert all(done <= read for _, done, read in told)
    assert told[-1] == (5, index.chunk_count, index.chunk_count)


# Opening


def test_an_empty_index_is_made_where_none_is(tmp_path: Path, embedder: WordEmbedder) -> None:
    folder = tmp_path / "neu" / "tief"
    assert not Index.exists(folder)
    assert len(Index.open(folder, embedder=embedder)) == 0
    assert Index.exists(folder)


def test_nothing_is_made_where_an_index_must_exist(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no index there; make one: beleg index add PATH --index"):
        Index.open(tmp_path / "fehlt", must_exist=True)
    assert not (tmp_path / "fehlt").exists()


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "brief.txt").write_text("wichtig")
    with pytest.raises(StoreError, match="not an index"):
        Index.open(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["brief.txt"]


def test_segments_without_a_manifest_are_left_alone(index: Index, folder: Path) -> None:
    index.add([document(1)])
    (folder / "manifest.json").unlink()
    with pytest.raises(StoreError, match="not an index"):
        Index.open(folder)
    assert segment_folders(folder)


@pytest.mark.parametrize("path", ["datei", "datei/unter", "x" * 300])
def test_a_path_that_can_be_no_folder_is_an_error(tmp_path: Path, path: str) -> None:
    (tmp_path / "datei").write_text("x")
    with pytest.raises(StoreError, match="give another"):
        Index.open(tmp_path / path)


@pytest.mark.parametrize("left", [[], ["segments/"], ["segments/", "write.lock"], ["segments/", "manifest.json.new"]])
def test_what_a_crash_left_while_creating_is_completed(folder: Path, left: list[str], embedder: WordEmbedder) -> None:
    folder.mkdir()
    for name in left:
        (folder / name).mkdir() if name.endswith("/") else (folder / name).write_text("{")
    Index.open(folder, embedder=embedder).add([document(1)])
    assert len(Index.open(folder, embedder=embedder)) == 1


def test_an_empty_segments_folder_may_be_missing(index: Index, folder: Path, embedder: WordEmbedder) -> None:
    (folder / "segments").rmdir()  # as git and some archives leave it
    Index.open(folder, embedder=embedder).add([document(1)])
    assert len(index) == 1


def test_another_embedder_is_refused_with_both_and_the_remedy(index: Index, folder: Path) -> None:
    index.add([document(1)])
    for other in (
        WordEmbedder(name="bge-m3", dimension=1024),
        WordEmbedder(fingerprint="sha256:other"),
        WordEmbedder(dimension=32),
    ):
        with pytest.raises(StoreError) as caught:
            Index.open(folder, embedder=other)
        for expected in (str(folder), "'words' (dim 64", f"{other.name!r} (dim {other.dimension}", "beleg index add"):
            assert expected in str(caught.value)
    assert len(index) == 1


def test_an_embedder_is_known_by_its_name_before_it_is_loaded(index: Index, folder: Path) -> None:
    index.add([document(1)])
    with pytest.raises(StoreError, match=r"built with 'words'.*BELEG_EMBEDDING_MODEL=words"):
        Index.open(folder)


def test_an_empty_index_takes_any_embedder(index: Index, folder: Path) -> None:
    other = WordEmbedder(name="other", dimension=8)
    Index.open(folder, embedder=other).add([document(1)])
    with pytest.raises(StoreError, match="built with 'other'"):
        index.add([document(2)])


def test_another_format_version_is_refused(index: Index, folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(StoreError, match=r"manifest\.json: format version 99, this beleg reads 5; .*beleg index add"):
        Index.open(folder)


# Damage


def test_a_flipped_byte_in_any_file_is_named(index: Index, folder: Path, embedder: WordEmbedder) -> None:
    index.add(map(document, range(5)))
    index.remove(["d1"])
    index.add([document(7)])
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size]
    assert len(files) >= 21
    for path in files:
        raw = path.read_bytes()
        for position in {0, len(raw) // 3, len(raw) // 2, len(raw) - 1}:
            path.write_bytes(raw[:position] + bytes([raw[position] ^ 0xFF]) + raw[position + 1 :])
            with pytest.raises(StoreError) as caught:
                Index.open(folder, embedder=embedder)
            assert str(caught.value).startswith(f"{path}: ")
            assert "beleg index add" in str(caught.value)
        path.write_bytes(raw)
    assert len(Index.open(folder, embedder=embedder)) == 5


def test_a_truncated_or_missing_file_is_named(index: Index, folder: Path, embedder: WordEmbedder) -> None:
    index.add(map(document, range(3)))
    for path in sorted(path for path in (folder / "segments").rglob("*") if path.is_file()):
        raw = path.read_bytes()
        for broken in {raw[: len(raw) // 2], b"", None} - {raw}:
            path.unlink()
            if broken is not None:
                path.write_bytes(broken)
            with pytest.raises(StoreError) as caught:
                Index.open(folder, embedder=embedder)
            assert str(caught.value).startswith(f"{path}: ")
            path.write_bytes(raw)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"{}", b'"text"', b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_broken_manifest_is_named(folder: Path, index: Index, raw: bytes) -> None:
    (folder / "manifest.json").write_bytes(raw)
    with pytest.raises(StoreError, match=r"manifest\.json: not readable .*beleg index add"):
        Index.open(folder)


def test_any_cut_of_the_manifest_is_noticed(index: Index, folder: Path, embedder: WordEmbedder) -> None:
    index.add([document(1)])
    raw = (folder / "manifest.json").read_bytes()
    for length in range(0, len(raw), 7):
        (folder / "manifest.json").write_bytes(raw[:length])
        with pytest.raises(StoreError, match=r"manifest\.json: "):
            Index.open(folder, embedder=embedder)


# Failures while writing


class Interrupted(WordEmbedder):
    """Fails at the n-th call."""

    def __init__(self, calls: int, error: BaseException) -> None:
        super().__init__()
        self.calls = calls
        self.error = error

    def embed_documents(self, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None) -> Vectors:
        self.calls -= 1
        if self.calls < 0:
            raise self.error
        return super().embed_documents(texts, progress=progress)


@pytest.mark.parametrize("error", [RuntimeError("kaputt"), KeyboardInterrupt()])
@pytest.mark.usefixtures("_small_groups")
def test_a_failure_while_embedding_keeps_the_finished_groups(
    folder: Path, embedder: WordEmbedder, error: BaseException
) -> None:
    index = Index.open(folder, embedder=Interrupted(3, error))
    with pytest.raises(type(error)):
        index.add(map(document, range(6)))
    assert list(contents(index)) == ["d0", "d1", "d2"]
    assert_no_litter(folder)
    again = Index.open(folder, embedder=embedder).add(map(document, range(6)))
    assert (again.added, again.unchanged) == (["d3", "d4", "d5"], ["d0", "d1", "d2"])


def test_a_failure_of_the_reader_is_its_own(index: Index) -> None:
    def documents() -> Iterator[Document]:
        yield document(1)
        raise PermissionError(13, "Permission denied", "fremd.txt")

    with pytest.raises(PermissionError):
        index.add(documents())
    assert index.add([document(1)]).added == ["d1"]


def test_two_writers(index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index.add([document(1)])
    monkeypatch.setattr("index.manifest.LOCK_SECONDS", 0.2)
    with filelock.FileLock(folder / "write.lock"):
        began = time.monotonic()
        for write in (lambda: index.add([document(2)]), lambda: index.remove(["d1"])):
            with pytest.raises(StoreError, match="another process is writing to this index; wait"):
                write()
        assert time.monotonic() - began < 3
        assert list(contents(index)) == ["d1"]  # reading goes on
    assert index.add([document(2)]).added == ["d2"]


def test_threads_that_open_and_add_at_once_lose_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.manifest.LOCK_SECONDS", 60)
    shared = Index.open(folder, embedder=WordEmbedder())

    def add(number: int) -> None:
        index = shared if number % 2 else Index.open(folder, embedder=WordEmbedder())
        index.add([document(number, sentences=3)])

    in_threads([partial(add, number) for number in range(12)])
    assert sorted(contents(shared)) == sorted(f"d{number}" for number in range(12))


def test_threads_that_create_an_index_at_once_lose_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.manifest.LOCK_SECONDS", 60)
    barrier = threading.Barrier(6)

    def create(number: int) -> None:
        barrier.wait()
        Index.open(folder, embedder=WordEmbedder()).add([document(number, sentences=3)])

    in_threads([partial(create, number) for number in range(6)])
    assert len(Index.open(folder, embedder=WordEmbedder())) == 6


def in_threads(jobs: list[Callable[[], None]]) -> None:
    """Run the jobs at once; the first error is raised here."""
    errors: list[BaseException] = []

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.usefixtures("_small_groups")
@pytest.mark.slow
def test_readers_are_undisturbed_while_a_writer_adds_merges_and_removes(index: Index, folder: Path) -> None:
    index.add(map(document, range(3)))
    finished = threading.Event()

    def read(reader: Index) -> None:
        while not finished.is_set():
            assert {"d0", "d1", "d2"} <= set(contents(reader))
            search = reader.search(reader.embedder.embed_query(QUESTIONS[1]), candidates=9)
            hits = search.hits(german_terms(QUESTIONS[1]))
            assert len(hits) >= 9
            assert all(len(hit.chunk.text) == hit.chunk.end - hit.chunk.start > 0 for hit in hits)

    def write() -> None:
        try:
            for number in range(3, 25):
                index.add([document(number, sentences=12)])
                if number % 4 == 0:
                    index.remove([f"d{number - 1}"])
        finally:
            finished.set()

    readers = [Index.open(folder, embedder=WordEmbedder()) for _ in range(2)]
    in_threads([write, *(partial(read, reader) for reader in (*readers, index))])
    assert len(readers[0]) == 25 - 6


def test_an_iteration_that_has_begun_sees_the_old_state(index: Index) -> None:
    index.add(map(document, range(5)))
    documents = index.documents()
    first = next(documents)
    index.remove(["d1", "d2", "d3", "d4"])
    assert [first, *documents] == [document(number) for number in range(5)]


# Other processes: killed, out of room, without permission

PREAMBLE = f"""
import os, sys
sys.path[:0] = [{str(Path(__file__).parents[1])!r}]
from index import Index
from index.errors import BelegError
import faiss, filelock, simplemma, index.store, index.manifest
from tests.conftest import WordEmbedder
from tests.test_store import document
folder = sys.argv[1]
"""


def start(script: str, folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PREAMBLE + script, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run(script: str, folder: Path) -> str:
    with start(script, folder) as process:
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return output


DIES_ON_COMMAND = """
import random, signal, time
index.store.GROUP_CHUNKS, index.store.MOST_SEGMENTS = 2, 3
FILES = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree"}
events = 0

def die_at(event):
    def count(name, _):
        global events
        if name not in FILES:
            return
        events += 1
        if events == event:
            frame, names = sys._getframe(), set()
            while frame:
                names.add(frame.f_code.co_name)
                frame = frame.f_back
            os.write(1, b"merging\\n" if "merge_segments" in names else b"writing\\n")
            os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count)

def write(edition):
    opened.add(document(number, edition, sentences=4 + number * 5) for number in range(8))
    opened.remove(["d3"])

for line in sys.stdin:
    edition, event = map(int, line.split())
    child = os.fork()
    if not child:
        opened = Index.open(folder, embedder=WordEmbedder())
        die_at(event)
        write(edition)
        while event < 0:
            write(edition := edition + 1)
        print(f"lived {events}", flush=True)
        os._exit(0)
    if event < 0:
        time.sleep(random.Random(edition).uniform(0, 0.25))
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print("over", flush=True)
"""


def kill_writer(process: "subprocess.Popen[str]", edition: int, event: int) -> str:
    """Let a writer die at its n-th file operation (negative: at some moment); return what it last said."""
    assert process.stdin
    assert process.stdout
    print(edition, event, file=process.stdin, flush=True)
    said = list(iter(process.stdout.readline, "over\n"))
    return said[-1].strip() if said else ""


def assert_left_whole(folder: Path, before: dict[str, Document], edition: int) -> dict[str, Document]:
    """What a killed writer leaves opens, is old or new, and the next writer completes it; return what it holds then."""
    index = Index.open(folder, embedder=WordEmbedder())
    left = contents(index)
    assert set(before) - {"d3"} <= set(left)
    for one in left.values():
        assert one == before.get(one.id) or one == document_of_edition(one)
    after = {f"d{number}": document(number, edition, 4 + number * 5) for number in range(8)}
    changes = index.add(after.values())
    assert sorted(changes.added + changes.updated + changes.unchanged) == sorted(after)
    assert contents(index) == after
    assert_no_litter(folder)
    return after


def document_of_edition(one: Document) -> Document:
    number = int(one.id[1:])
    return document(number, int(one.text.split()[1]), 4 + number * 5)


@pytest.mark.slow
def test_a_writer_killed_at_twenty_moments_leaves_the_old_or_the_new_state(folder: Path, tmp_path: Path) -> None:
    """The moments are file operations, so that merging and clearing away are hit however fast the machine is."""
    before: dict[str, Document] = {}
    with start(DIES_ON_COMMAND, folder) as process:
        _, operations = kill_writer(process, 1, 1_000_000).split()
        died = []
        for edition, event in enumerate(range(2, int(operations), int(operations) // 20), start=2):
            died.append(kill_writer(process, edition, event))
            before = assert_left_whole(folder, before, edition)
        assert process.stdin
        process.stdin.close()
    assert {"writing", "merging"} <= set(died)
    assert sum(word in {"writing", "merging"} for word in died) >= 18
    assert_same_as_fresh(Index.open(folder, embedder=WordEmbedder()), tmp_path / "fresh")


@pytest.mark.slow
def test_a_hundred_writers_killed_at_any_moment_leave_the_old_or_the_new_state(folder: Path, tmp_path: Path) -> None:
    before: dict[str, Document] = {}
    with start(DIES_ON_COMMAND, folder) as process:
        for edition in range(100_000, 200_000, 1000):
            kill_writer(process, edition, -1)
            before = assert_left_whole(folder, before, edition - 1)
        assert process.stdin
        process.stdin.close()
    assert_same_as_fresh(Index.open(folder, embedder=WordEmbedder()), tmp_path / "fresh")


HOLDS_THE_LOCK = """
def documents():
    print("writing", flush=True)
    sys.stdin.read()
    yield document(1)
Index.open(folder, embedder=WordEmbedder()).add(documents())
"""


def test_the_lock_is_free_after_its_holder_is_killed(
    index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.manifest.LOCK_SECONDS", 0.2)
    with start(HOLDS_THE_LOCK, folder) as process:
        assert process.stdout
        assert process.stdout.readline() == "writing\n"
        with pytest.raises(StoreError, match="another process is writing"):
            index.add([document(2)])
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert index.add([document(2)]).added == ["d2"]


READS_UNTIL_TOLD = """
import threading
opened = Index.open(folder, embedder=WordEmbedder())
told = threading.Thread(target=sys.stdin.read)
told.start()
print("reading", flush=True)
rounds = 0
while told.is_alive():
    assert {"d0", "d1"} <= {one.id for one in opened.documents()}
    hits = opened.search(opened.embedder.embed_query("Frist Köln"), candidates=8).hits(["frist", "koln"])
    for chunk in (hit.chunk for hit in hits):
        expected = document(int(chunk.document_id[1:])).text[chunk.start:chunk.end]
        assert chunk.text == expected
    assert len(hits) >= 8
    rounds += 1
print(rounds)
"""


@pytest.mark.usefixtures("_small_groups")
def test_a_reader_in_another_process_is_undisturbed(index: Index, folder: Path) -> None:
    index.add(map(document, range(2)))
    with start(READS_UNTIL_TOLD, folder) as process:
        assert process.stdout
        assert process.stdout.readline() == "reading\n"
        for number in range(2, 22):
            index.add([document(number)])
            if number % 3 == 0:
                index.remove([f"d{number}"])
        rounds, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert int(rounds) > 3


RUNS_OUT_OF_ROOM = """
import resource
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
opened = Index.open(folder, embedder=WordEmbedder())
version = opened.version
for limit in (0, 100, 800, 2_000, 5_000, 20_000, 40_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
    try:
        opened.add(document(number) for number in range(2, 30))
        raise SystemExit(f"added with {limit}")
    except BelegError as error:
        assert type(error).__name__ == "UnwritableError", error
        assert str(error).startswith(f"{folder}: cannot write ("), error
        assert "make room" in str(error), error
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert opened.version == version == Index.open(folder, embedder=WordEmbedder()).version
    assert sorted(one.id for one in opened.documents()) == ["d0", "d1"]
    assert len(os.listdir(folder + "/segments")) == 1
opened.add(document(number) for number in range(2, 30))
assert len(opened) == 30
"""


def test_a_full_disk_keeps_the_old_state_usable(index: Index, folder: Path) -> None:
    index.add(map(document, range(2)))
    run(RUNS_OUT_OF_ROOM, folder)
    assert len(index) == 30


MERGES_WITHOUT_ROOM = """
import resource
opened = Index.open(folder, embedder=WordEmbedder())
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
for number in range(11):
    opened.add([document(number, sentences=300)])
opened.remove(["d5"])
print(len(os.listdir(folder + "/segments")))
"""


def test_no_room_to_merge_is_no_failure(index: Index, folder: Path, tmp_path: Path) -> None:
    assert int(run(MERGES_WITHOUT_ROOM, folder)) == 10
    assert len(index) == 10
    index.add([document(11)])
    assert len(segment_folders(folder)) <= 8
    assert_same_as_fresh(index, tmp_path / "fresh")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="mounts a file system")
def test_a_really_full_disk_keeps_the_old_state_usable(tmp_path: Path, embedder: WordEmbedder) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("not allowed to mount")
    try:
        index = Index.open(disk / "ix", embedder=embedder)
        state: dict[str, Document] = {}

        def fill() -> None:
            for number in count():
                state.update(contents(index))
                index.add([document(number)])

        with pytest.raises(StoreError, match="No space left on device"):
            fill()
        assert contents(index) == contents(Index.open(disk / "ix", embedder=embedder)) == state
        assert len(state) > 5
        index.remove(list(state)[:-1])
        assert index.add([document(1000)]).added == ["d1000"]
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


READS_WITHOUT_RIGHTS = """
opened = Index.open(folder, embedder=WordEmbedder())
opened.search(opened.embedder.embed_query("Frist")).hits(["frist"])  # imports what another user may not read
if os.getuid() == 0:
    os.setuid(65534)
opened = Index.open(folder, embedder=WordEmbedder())
assert len(opened) == 2
assert opened.search(opened.embedder.embed_query("Frist")).hits(["frist"])
assert opened.document("d1") == document(1)
for write in (lambda: opened.add([document(2)]), lambda: opened.remove(["d1"])):
    try:
        write()
        raise SystemExit("written")
    except BelegError as error:
        assert "cannot write (Permission denied)" in str(error), error
try:
    Index.open(folder + "/neu", embedder=WordEmbedder())
    raise SystemExit("made")
except BelegError as error:
    assert "Permission denied" in str(error), error
"""


def test_a_read_only_folder_is_read(embedder: WordEmbedder) -> None:
    with tempfile.TemporaryDirectory() as parent:  # pytest's own folders are closed to other users
        Path(parent).chmod(0o755)
        folder = Path(parent, "ix")
        Index.open(folder, embedder=embedder).add(map(document, range(2)))
        paths = [folder, *folder.rglob("*")]
        for path in paths:
            path.chmod(0o555 if path.is_dir() else 0o444)
        try:
            run(READS_WITHOUT_RIGHTS, folder)
        finally:
            for path in paths:
                path.chmod(0o755)


def test_compounds_are_split_by_words_of_other_segments(index: Index, embedder: WordEmbedder) -> None:
    words = Document("recht", "", "Ein Rechtsschutz hilft. Der Rechtsschutz kostet.")
    index.add([words, Document("v", "", "Versicherung.")])
    index.add([Document("police", "", "Die Rechtsschutzversicherung zahlt.")])
    hits = index.search(embedder.embed_query("x")).hits(german_terms("Rechtsschutz"))
    assert next(hit.lexical for hit in hits if hit.chunk.document_id == "police") > 0
