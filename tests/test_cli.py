"""The command line: results on standard output, one clear line on standard error, exit status."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

import rag.assistant
import rag.llm
from index import Index
from index.settings import index_settings
from tests.scripted_llm import ScriptedLLM, status, writes
from ui.cli import main

ARTICLE = (
    "Die Stadtwerke Ulm liefern seit 1999 Fernwärme. Geschäftsführer ist Klaus Eder. Das Netz misst 160 Kilometer.\n"
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder, no setting of the user's, no model."""
    for name in ("BELEG_LLM_BASE_URL", "BELEG_LLM_API_KEY", "OPENAI_API_KEY", "BELEG_EMBEDDING_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BELEG_LLM_MODEL", "none")
    monkeypatch.setenv("BELEG_INDEX", str(tmp_path / "index"))
    monkeypatch.setenv("BELEG_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    opened = []

    def load_llm(**arguments):
        opened.append(rag.llm.load_llm(**arguments))
        return opened[-1]

    monkeypatch.setattr(rag.assistant, "load_llm", load_llm)
    index_settings.cache_clear()
    rag.assistant._loaded.cache_clear()
    yield tmp_path
    index_settings.cache_clear()
    for llm in filter(None, opened):
        llm.close()


@pytest.fixture
def beleg(monkeypatch, capsys):
    """Run the command in this process: exit status, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["beleg", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def indexed(folder, beleg):
    (folder / "ulm.txt").write_text(ARTICLE, encoding="utf-8")
    assert beleg("index", "add", "ulm.txt")[0] == 0
    return folder / "index"


@pytest.mark.slow
def test_the_demo_leaves_alone_what_an_older_one_made(folder, beleg):
    (folder / "sample").mkdir()
    old = folder / "sample" / "manifest.json"
    old.write_text('{"format": 2, "checksum": ""}', encoding="utf-8")
    code, out, _ = beleg("demo")
    assert (code, "[1]" in out, json.loads(old.read_text("utf-8"))["format"]) == (0, True, 2)


def test_add_list_ask_remove(folder, indexed, beleg):
    code, out, _ = beleg("index", "list", "--json")
    [row] = json.loads(out)
    assert (code, row["title"], row["characters"]) == (0, "ulm", len(ARTICLE))

    code, out, err = beleg("ask", "Wer ist der Geschäftsführer der Stadtwerke?")
    assert code == 0
    assert "„Geschäftsführer ist Klaus Eder.“" in out
    assert "language model" in err or "Sprachmodell" in err

    assert beleg("index", "remove", row["id"])[0] == 0
    assert beleg("index", "list", "--json")[1].strip() == "[]"


def test_json_has_the_whole_answer(indexed, beleg):
    code, out, _ = beleg("ask", "How long is the network?", "--json")
    answer = json.loads(out)
    assert (code, answer["status"], answer["language"], answer["model"]) == (0, "answered", "en", "extractive")
    text = next(Index.open(indexed).documents()).text
    assert answer["citations"]
    assert all(text[c["start"] : c["end"]] == c["quote"] for c in answer["citations"])


def test_a_second_add_reads_only_what_changed(folder, indexed, beleg):
    (folder / "neu.md").write_text("# Neues\n\nEs gibt Neues.", encoding="utf-8")
    code, out, _ = beleg("index", "add", "ulm.txt", "neu.md", "--json")
    changes = json.loads(out)
    assert (code, len(changes["added"]), len(changes["unchanged"])) == (0, 1, 1)


def test_a_second_add_tells_what_has_no_file_any_more(folder, beleg):
    (folder / "akten").mkdir()
    for name in ("ulm.txt", "weg.txt", "bild.png", "~$ulm.docx"):
        (folder / "akten" / name).write_text(ARTICLE, encoding="utf-8")
    _, out, err = beleg("index", "add", "akten")
    assert ".png (1)" in err
    assert "docx" not in err
    (folder / "akten" / "weg.txt").unlink()
    code, out, err = beleg("index", "add", "akten", "--json")
    changes = json.loads(out)
    assert (code, len(changes["unchanged"]), changes["skipped"], len(changes["gone"])) == (0, 1, {".png": 1}, 1)
    assert "--prune" in beleg("index", "add", "akten")[2]
    code, out, _ = beleg("index", "add", "akten", "--prune", "--json")
    assert (code, json.loads(out)["removed"]) == (0, changes["gone"])
    assert [document.title for document in Index.open(folder / "index").documents()] == ["ulm"]


def test_workers_need_a_package(folder, beleg, monkeypatch):
    monkeypatch.setattr("index.cluster.ray_data.find_spec", lambda _: None)
    (folder / "ulm.txt").write_text(ARTICLE, encoding="utf-8")
    code, _, err = beleg("index", "add", "ulm.txt", "--workers", "2")
    assert code == 1
    assert "pip install 'beleg[ray]'" in err
    assert not (folder / "index").exists()


def test_a_web_address_of_this_machine_is_refused(folder, indexed, beleg):
    code, _, err = beleg("index", "add", "http://127.0.0.1:9/satzung.pdf")
    assert code == 1
    assert "--allow-private" in err


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("leer.txt", b"", "empty"),
        ("bild.txt", bytes(range(256)) * 20, "binary"),
        ("satzung.pdf", b"PK\x03\x04", "zip"),
        ("kaputt.jsonl", b'{"id": "a"\n', "kaputt.jsonl:1"),
        ("kaputt.jsonl.gz", gzip.compress(b'{"id": "a", "text": "b"}\n' * 999, mtime=0)[:-30], "gzip"),
        ("foto.jpg", b"\xff\xd8", ".jpg"),
    ],
)
def test_a_bad_file_is_named_and_the_good_one_kept(folder, beleg, name, content, says):
    (folder / "gut.txt").write_text(ARTICLE, encoding="utf-8")
    (folder / name).write_bytes(content)
    code, _, err = beleg("index", "add", "gut.txt", name)
    assert code == 1
    assert says in err
    assert name.partition(".")[0] in err
    if name != "foto.jpg":  # an unknown format stops before anything is read
        assert "gut" in [document.title for document in Index.open(folder / "index").documents()]


def test_windows_1252_is_read_and_said(folder, beleg, caplog):
    (folder / "alt.txt").write_bytes("Die Straße nach Köln ist länger als die über Düren.".encode("cp1252"))
    code, _, _ = beleg("index", "add", "alt.txt")
    assert code == 0
    assert "Windows-1252" in caplog.text
    assert "Köln" in next(Index.open(folder / "index").documents()).text


def test_a_missing_path_makes_no_index(folder, beleg):
    code, _, err = beleg("index", "add", "fehlt.txt")
    assert (code, "fehlt.txt" in err) == (1, True)
    assert not (folder / "index").exists()


@pytest.mark.parametrize(
    "command", [("index", "list"), ("index", "remove", "a"), ("ask", "Wer?"), ("chat",), ("serve",), ("mcp",)]
)
def test_no_index_names_the_command_that_makes_one(beleg, command):
    code, _, err = beleg(*command)
    assert code == 1
    assert "beleg index add" in err


def test_an_index_of_another_embedder(indexed, beleg, monkeypatch):
    monkeypatch.setenv("BELEG_EMBEDDING_MODEL", "BAAI/bge-m3")
    index_settings.cache_clear()
    code, _, err = beleg("ask", "Wer ist der Geschäftsführer?")
    assert code == 1
    assert "multilingual-e5-small" in err
    assert "BAAI/bge-m3" in err


def test_a_damaged_index(indexed, beleg):
    path = next(indexed.rglob("*.faiss"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    code, _, err = beleg("ask", "Wer ist der Geschäftsführer?")
    assert code == 1
    assert path.name in err


def test_an_unreachable_endpoint(indexed, beleg, monkeypatch):
    monkeypatch.setenv("BELEG_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("BELEG_LLM_MODEL", "eule")
    code, out, err = beleg("ask", "Wer ist der Geschäftsführer?")
    assert (code, "Klaus Eder" in out) == (0, True)
    assert "127.0.0.1:9" in err
    assert "BELEG_LLM_BASE_URL" in err


def test_a_wrong_key_and_a_broken_stream(indexed, beleg, monkeypatch):
    with ScriptedLLM() as server:
        monkeypatch.setenv("BELEG_LLM_BASE_URL", server.url)
        monkeypatch.setenv("BELEG_LLM_MODEL", "eule")
        monkeypatch.setenv("BELEG_LLM_API_KEY", "sehr-geheim")
        server.judgement = status(401)
        code, _, err = beleg("ask", "Wer ist der Geschäftsführer?")
        assert code == 1
        assert "BELEG_LLM_API_KEY" in err
        assert "sehr-geheim" not in err

        server.judgement = status(400)
        server.replies = [writes("Geschäftsführer ist Klaus Eder. [1] Und er", finish_reason=None)]
        code, out, err = beleg("ask", "Wer ist der Geschäftsführer?")
        assert code == 1
        assert out.startswith("Geschäftsführer ist Klaus Eder. [1]")
        assert "incomplete" in err or "unvollständig" in err


def test_wrong_usage_has_status_2(beleg):
    assert beleg("ask")[0] == 2
    assert beleg("chat", "--port", "0")[0] == 2


@pytest.mark.parametrize("command", ["chat", "serve"])
def test_an_open_host_without_a_password_is_warned_of(beleg, monkeypatch, command):
    monkeypatch.delenv("BELEG_PASSWORD", raising=False)
    warned = [beleg(command, "--host", host)[2] for host in ("0.0.0.0", "127.0.0.1")]
    assert ["BELEG_PASSWORD" in err for err in warned] == [True, False]
    monkeypatch.setenv("BELEG_PASSWORD", "sehr-geheim")
    err = beleg(command, "--host", "0.0.0.0")[2]
    assert ("BELEG_PASSWORD" in err, "sehr-geheim" in err) == (False, False)


def test_a_short_password_is_refused_without_showing_it(indexed, beleg, monkeypatch):
    monkeypatch.setenv("BELEG_PASSWORD", "geheim")
    code, _, err = beleg("serve", "--port", "7999")
    assert code == 1
    assert "BELEG_PASSWORD has 6 characters" in err
    assert "geheim" not in err


def test_models_tells_origin_and_state(beleg, monkeypatch):
    code, out, _ = beleg("models", "--json")
    embedding, llm, index = json.loads(out)
    assert (code, embedding["model"], embedding["licence"]) == (0, "multilingual-e5-small", "MIT")
    assert "SHA-256" in embedding["state"]
    assert llm["model"] == "none"
    assert "no index there" in index["state"]


def test_models_tells_by_what_the_index_is_searched(indexed, beleg):
    _, out, _ = beleg("models", "--json")
    index = json.loads(out)[-1]
    assert index["address"] == str(indexed)
    assert index["state"].count(",") == 2
    assert ";" not in index["state"]


def test_what_a_document_says_does_not_steer_the_terminal(folder, beleg):
    text = f"Der \x1b[2JKessel hat \x1b]0;x\x07 drei Ventile. {ARTICLE * 3}"
    (folder / "boese.txt").write_text(text, encoding="utf-8")
    assert beleg("index", "add", "boese.txt")[0] == 0
    _, out, _ = beleg("ask", "Wie viele Ventile hat der Kessel?")
    assert "Ventile" in out
    assert "\x1b" not in out
    assert "\x07" not in out


def test_the_installed_command_runs(folder):
    command = Path(sys.executable).with_name("beleg")
    done = subprocess.run([command, "--help"], capture_output=True, text=True, check=True, timeout=60)
    assert "eval" in done.stdout


def test_a_damaged_index_is_named_and_repaired(beleg, folder):
    (folder / "ulm.txt").write_text(ARTICLE, "utf-8")
    assert beleg("index", "add", "ulm.txt")[0] == 0
    assert beleg("index", "repair")[0] == 0
    [path] = folder.glob("index/segments/*/chunks.bin")
    path.write_bytes(bytes(path.stat().st_size))
    status, _, said = beleg("index", "list")
    assert (status, str(path) in said, "beleg index repair" in said) == (1, True, True)
    status, printed, _ = beleg("index", "repair", "--json")
    assert (status, len(json.loads(printed)["rebuilt"])) == (0, 1)
    assert beleg("index", "list")[0] == 0
