"""Four writers and eight readers of one index, each a process: no update is lost, no reader disturbed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from index import Index
from tests.conftest import WordEmbedder
from tests.test_store import assert_no_litter, assert_same_as_fresh, contents

WRITERS, READERS, SECONDS = 4, 8, 60.0

# One process imports once and forks: the machine's time goes into the index.
RUN = """
import json, os, sys, time
import faiss, filelock, simplemma, index.store, index.manifest, index.analysis
from index import Document, Index
from index.analysis import german_terms
from index.errors import BelegError
from tests.conftest import WordEmbedder
from tests.test_store import QUESTIONS, document
folder, seconds = sys.argv[1], float(sys.argv[2])
index.store.GROUP_CHUNKS, index.store.MOST_SEGMENTS = 4, 3
end = time.monotonic() + seconds

def text(writer, number, edition):
    return Document(f"w{writer}-{number}", "Zähler", f"Schreiber {writer} zählt {edition}. " + document(number).text)

def write(writer):
    opened, held, commits = Index.open(folder, embedder=WordEmbedder()), {}, 0
    while time.monotonic() < end:
        number = commits % 5
        try:
            if commits % 7 == 6 and number in held:
                opened.remove([f"w{writer}-{number}"])
                del held[number]
            else:
                opened.add([text(writer, number, commits)])
                held[number] = commits
            commits += 1
        except BelegError as error:
            if "another process is writing" not in str(error):
                raise
    return {"writer": writer, "held": held, "commits": commits}

def read(reader):
    opened, reads = Index.open(folder, embedder=WordEmbedder()), 0
    while time.monotonic() < end:
        for one in opened.documents():
            assert one.text
        question = QUESTIONS[reads % len(QUESTIONS)]
        for hit in opened.search(opened.embedder.embed_query(question), candidates=50).hits(german_terms(question)):
            assert hit.chunk.text
        opened = Index.open(folder, embedder=WordEmbedder()) if reads % 5 == 4 else opened
        reads += 1
    return {"reader": reader, "reads": reads}

Index.open(folder, embedder=WordEmbedder())
for work, count in ((write, int(sys.argv[3])), (read, int(sys.argv[4]))):
    for number in range(count):
        if not os.fork():
            try:
                said = work(number)
            except BaseException as error:
                said = {"error": f"{work.__name__} {number}: {type(error).__name__}: {error}"}
            os.write(1, (json.dumps(said) + chr(10)).encode())
            os._exit(0)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


@pytest.mark.slow
def test_writers_lose_nothing_and_readers_see_no_error(tmp_path: Path) -> None:
    folder = tmp_path / "ix"
    command = [sys.executable, "-c", RUN, str(folder), str(SECONDS), str(WRITERS), str(READERS)]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=SECONDS * 4).stdout
    told = [json.loads(line) for line in output.splitlines()]
    assert [one["error"] for one in told if "error" in one] == []
    writers = [one for one in told if "writer" in one]
    assert len(writers) == WRITERS
    assert sum("reader" in one for one in told) == READERS
    assert all(one["commits"] for one in writers)
    index = Index.open(folder, embedder=WordEmbedder())
    held = {f"w{one['writer']}-{number}": edition for one in writers for number, edition in one["held"].items()}
    found = {name: int(one.text.split(".")[0].split()[-1]) for name, one in contents(index).items()}
    assert found == held
    assert_no_litter(folder)
    assert_same_as_fresh(index, tmp_path / "fresh")
    (tmp_path / "told.json").write_text(output)
