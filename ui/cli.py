"""The command ``beleg``: errors become one sentence here, and nowhere else."""

import sys
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import entry_points
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ui.texts import interface_language, texts

if TYPE_CHECKING:
    from index import Changes, Failure
    from rag import Answer

T = texts()
app = typer.Typer(
    help=T.cli, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
index_app = typer.Typer(help=T.index_group, no_args_is_help=True)
app.add_typer(index_app, name="index")
user_app = typer.Typer(help=T.user_group, no_args_is_help=True)
app.add_typer(user_app, name="user")

_LISTED = ("id", "title", "language", "source", "date")

IndexAddress = Annotated[str | None, typer.Option("--index", help=T.option_index, show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help=T.option_json)]


@index_app.command("add", help=T.index_add)
def index_add(  # noqa: PLR0917 - typer calls it by name
    paths: Annotated[list[str], typer.Argument(help=T.argument_paths)],
    index: IndexAddress = None,
    force: Annotated[bool, typer.Option("--force", help=T.option_force)] = False,
    prune: Annotated[bool, typer.Option("--prune", help=T.option_prune)] = False,
    allow_private: Annotated[bool, typer.Option("--allow-private", help=T.option_allow_private)] = False,
    workers: Annotated[int, typer.Option(help=T.option_workers, show_default=False, min=0)] = 0,
    collection: Annotated[str, typer.Option(help=T.option_collection, show_default=False)] = "",
    as_json: AsJson = False,
) -> None:
    """Read, embed and store documents."""
    from index.address import folder_of, parse_address
    from index.carried import CarriedEmbedder, settled_identity
    from index.cluster.ray_data import on_ray
    from index.collections import Collections
    from index.loading import Loader
    from index.opening import index_exists, open_index
    from index.settings import index_settings
    from index.sources import Sources
    from ui.progress import indexing_progress

    failures: list[Failure] = []
    skipped: list[Path] = []
    address = parse_address(index or index_settings().index)
    carried = CarriedEmbedder(settled_identity()) if workers else None
    known = open_index(address, embedder=carried) if index_exists(address) else None
    sources = Sources(folder_of(address), known.content_hash if known else lambda _: None, force=force)
    with indexing_progress(T.indexing, T.indexed) as progress:
        held = known.content_hashes if known else tuple
        reading = on_ray(workers, carried, held, progress=progress.embedded) if carried else None
        loader = Loader(failures.append, skipped.append, progress.read, sources, allow_private, reading)
        documents = loader.load(paths)
        first = list(islice(documents, 1))  # a wrong path stops here, before an index is made
        opened = known or open_index(address, embedder=carried)
        try:
            changes = opened.add(chain(first, documents), progress=progress.done)
        finally:
            sources.save()
    if collection:
        Collections(opened.folder).put((*changes.added, *changes.updated, *changes.unchanged), collection)
    changes.failed[:0] = failures
    gone = sources.gone(paths)
    if prune and gone:
        changes.removed = opened.remove(gone).removed
        sources.save()
    _report(changes, as_json, _skipped(skipped), [] if prune else gone)
    _say(T.total.format(documents=len(opened), folder=opened.address))
    if changes.failed:
        raise typer.Exit(1)


def _skipped(paths: list[Path]) -> dict[str, int]:
    """Count the files that are not read, by their endings, the most frequent first."""
    return dict(Counter(path.suffix.lower() or path.name for path in paths).most_common())


@index_app.command("list", help=T.index_list)
def index_list(index: IndexAddress = None, as_json: AsJson = False) -> None:
    """Print id, title, language, length, source and date of each document."""
    from index import open_index
    from index.protocol import SEARCH_PARTS
    from ui.models import searched_by

    opened = open_index(index, must_exist=True)
    rows = [
        {**{name: getattr(document, name) for name in _LISTED}, "characters": len(document.text)}
        for document in opened.documents()
    ]
    if opened.search_parts != SEARCH_PARTS:
        _say(searched_by(opened, T))
    if as_json:
        _print_json(rows)
    elif rows:
        for row in rows:
            _print(f"{row['id']}\t{row['title']}\t{row['language']}\t{row['characters']}\t{row['source']}")
        _say(T.total.format(documents=len(rows), folder=opened.address))
    else:
        _say(T.no_documents.format(folder=opened.address))


@index_app.command("remove", help=T.index_remove)
def index_remove(
    ids: Annotated[list[str], typer.Argument(help=T.argument_ids)], index: IndexAddress = None, as_json: AsJson = False
) -> None:
    """Remove documents by id."""
    from index import open_index

    opened = open_index(index, must_exist=True)
    _report(opened.remove(ids), as_json)
    _say(T.total.format(documents=len(opened), folder=opened.address))


@index_app.command("copy", help=T.index_copy)
def index_copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help=T.argument_from)],
    target: Annotated[str, typer.Argument(metavar="TO", help=T.argument_to)],
    as_json: AsJson = False,
) -> None:
    """Copy documents with their vectors into another index."""
    from dataclasses import asdict

    from index import open_index
    from index.address import parse_address
    from index.copying import copy_index
    from ui.progress import copying_progress

    opened = open_index(source, must_exist=True)
    with copying_progress(T.copying) as progress:
        copied = copy_index(opened, parse_address(target), progress)
    if as_json:
        _print_json(asdict(copied))
    _say(T.copied.format(**asdict(copied), target=parse_address(target)))


@index_app.command("repair", help=T.index_repair)
def index_repair(
    index: IndexAddress = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild what is damaged from the text of the documents; say what cannot be had back."""
    from dataclasses import asdict

    from index.address import parse_address
    from index.repair import repair
    from index.settings import index_settings
    from index.store import StoreError
    from ui.progress import indexing_progress

    folder = parse_address(index or index_settings().index)
    if not isinstance(folder, Path):
        raise StoreError(f"{folder}: its server repairs it; beleg repairs folders: beleg index repair --index FOLDER")
    with indexing_progress(T.indexing, T.indexed) as progress:
        repaired = repair(folder, progress=progress.done)
    if as_json:
        _print_json(asdict(repaired))
    for name in repaired.damaged:
        _say(T.repair_damaged.format(file=folder / name))
    for lost in repaired.lost:
        _say(_printable(T.repair_lost.format(id=lost.id, source=lost.source or "?")))
    if repaired.guessed:
        _say(T.repair_guessed)
    _say(T.repaired.format(documents=len(repaired.rebuilt)) if repaired.damaged else T.repair_whole)
    if repaired.lost:
        raise typer.Exit(1)


@app.command(help=T.ask)
def ask(
    question: Annotated[str, typer.Argument(help=T.argument_question)],
    index: IndexAddress = None,
    language: Annotated[Literal["de", "en"] | None, typer.Option(help=T.option_language, show_default=False)] = None,
    document: Annotated[list[str] | None, typer.Option(help=T.option_documents, show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Answer one question, sentence by sentence."""
    _ask(index, question, language, document or None, as_json=as_json)


def _ask(
    index: str | None,
    question: str,
    language: Literal["de", "en"] | None = None,
    documents: list[str] | None = None,
    *,
    as_json: bool = False,
) -> None:
    """Print each sentence as soon as it is there, then the evidence."""
    from rag import Answer, Assistant
    from rag.language import question_language
    from rag.writer import AnswerSentence
    from ui.progress import download_progress

    with download_progress(T.fetching) as progress:
        interface = question_language(question, interface_language())
        assistant = Assistant.load(index, interface=interface, progress=progress)
        for event in assistant.stream(question, language=language, documents=documents):
            if isinstance(event, AnswerSentence) and not as_json:
                _print(event.text)
            if isinstance(event, Answer):
                answer = event
    if as_json:
        _print_json(answer.to_dict())
    else:
        _print_evidence(answer)
    if answer.status == "incomplete":
        _say(T.incomplete.format(reason=answer.notice))
        raise typer.Exit(1)


def _print_evidence(answer: "Answer") -> None:
    if answer.status == "abstained":
        _print(answer.text)
    if answer.notice and answer.status != "incomplete":
        _say(answer.notice)
    words = texts(answer.language)
    if answer.citations or answer.nearest:
        _print(f"\n{words.sources if answer.citations else words.nearest}")
    for citation in answer.citations or answer.nearest:
        _print(f"[{citation.marker}] „{' '.join(citation.quote.split())}“")
        page = words.chat_page.format(page=citation.page) if citation.page else ""
        title = ", ".join(part for part in (citation.title or citation.document_id, page, citation.place) if part)
        _print(f"    {title} ({citation.document_id}:{citation.start}-{citation.end})")
        if citation.gloss:
            _print(f"    {words.gloss.format(text=citation.gloss)}")


@app.command(help=T.models)
def models(as_json: AsJson = False) -> None:
    """Print each model's origin, licence, place and state."""
    from ui.models import model_table

    rows = model_table(T)
    if as_json:
        _print_json(rows)
    else:
        for row in rows:
            _print("\n".join(f"{name:>10}: {value}" for name, value in row.items()) + "\n")


@app.command(help=T.chat)
def chat(
    index: IndexAddress = None,
    host: Annotated[str, typer.Option(help=T.option_host)] = "127.0.0.1",
    port: Annotated[int, typer.Option(help=T.option_port, min=1, max=65535)] = 7860,
) -> None:
    """Serve the chat until it is stopped."""
    from ui.chat import launch_chat

    def told(url: str) -> None:
        _say(T.chat_ready.format(url=url))

    _warn_of_open_host(host)
    launch_chat(index, host=host, port=port, language=interface_language(), on_ready=told)


@app.command(help=T.serve)
def serve(
    index: IndexAddress = None,
    host: Annotated[str, typer.Option(help=T.option_host)] = "127.0.0.1",
    port: Annotated[int, typer.Option(help=T.option_port, min=1, max=65535)] = 7860,
) -> None:
    """Serve the HTTP routes alone until they are stopped."""
    from ui.api import launch_api

    def told(url: str) -> None:
        _say(T.api_ready.format(url=url))

    _warn_of_open_host(host)
    launch_api(index, host=host, port=port, language=interface_language(), on_ready=told)


def _warn_of_open_host(host: str) -> None:
    from ui.server import LOOPBACK
    from ui.settings import ServerSettings

    if host not in LOOPBACK and not ServerSettings().has_login:
        _say(T.open_host.format(host=host))


@app.command(help=T.mcp)
def mcp(
    index: IndexAddress = None,
    collection: Annotated[list[str] | None, typer.Option(help=T.option_only_collections, show_default=False)] = None,
) -> None:
    """Speak the Model Context Protocol over standard input and output."""
    from importlib.util import find_spec

    if find_spec("mcp") is None:
        _say(f"{T.error}: {T.mcp_extra}")
        raise typer.Exit(1)
    from ui.mcp_server import run_mcp

    run_mcp(index, collection or (), language=interface_language())


@user_app.command("add", help=T.user_add)
def user_add(
    name: Annotated[str, typer.Argument(help=T.argument_user)],
    collection: Annotated[list[str] | None, typer.Option(help=T.option_user_collections, show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--everything", help=T.option_user_everything)] = False,
) -> None:
    """Ask for the password twice, or read it from standard input, and write the user's line."""
    from ui.users import put_user

    file = _users_file()
    if sys.stdin.isatty():
        password = typer.prompt(T.login_label, hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    put_user(file, name, password, None if everything else collection or ())
    _say(T.user_entered.format(name=name, file=file))


@user_app.command("remove", help=T.user_remove)
def user_remove(name: Annotated[str, typer.Argument(help=T.argument_user)]) -> None:
    """Delete the user's line."""
    from ui.users import remove_user

    file = _users_file()
    remove_user(file, name)
    _say(T.user_removed.format(name=name, file=file))


@user_app.command("list", help=T.user_list)
def user_list(as_json: AsJson = False) -> None:
    """Print names and collections, no passwords."""
    from ui.users import read_users

    users = read_users(_users_file())
    if as_json:
        _print_json([{"name": user.name, "collections": user.collections} for user in users])
    else:
        for user in users:
            _print(f"{user.name}  {T.user_everything if user.collections is None else ', '.join(user.collections)}")


def _users_file() -> Path:
    from ui.settings import ServerSettings, ServerSettingsError

    file = ServerSettings().users
    if file is None:
        raise ServerSettingsError(T.users_unset)
    return file


@app.command(help=T.demo)
def demo() -> None:
    """First steps: sample corpus, models, a cited answer, the next command."""
    from importlib.resources import as_file, files

    from index import Index, load_documents
    from index.address import folder_of
    from index.manifest import FORMAT
    from index.settings import index_settings
    from ui.progress import indexing_progress

    # Beside the user's own index; one that an older beleg left is of another format.
    folder = folder_of(index_settings().index).parent / f"sample-{FORMAT}"
    with (
        as_file(files("eval") / "gold" / "sample" / "documents.jsonl") as sample,
        indexing_progress(T.indexing, T.indexed) as progress,
    ):
        Index.open(folder).add(load_documents([sample], progress=progress.read), progress=progress.done)
    _say(f"\n> {T.demo_question}")
    _ask(str(folder), T.demo_question)
    _say("\n" + T.next_steps.format(command=f"{Path(sys.argv[0])} chat --index {folder}"))


def _print(text: str) -> None:
    """Results go to standard output; what a document says must not steer the terminal."""
    typer.echo(_printable(text))


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable() or character in "\n\t")


def _say(text: str) -> None:
    """What is said about the results goes to standard error."""
    typer.echo(text, err=True)


def _print_json(value: object) -> None:
    import json

    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _report(changes: "Changes", as_json: bool, skipped: dict[str, int] | None = None, gone: Sequence[str] = ()) -> None:
    from dataclasses import asdict

    if as_json:
        _print_json({**asdict(changes), "skipped": skipped or {}, "gone": list(gone)})
        return
    for name, ids in asdict(changes).items():
        if ids:
            _say(f"{len(ids)} {getattr(T, name)}")
    for failure in changes.failed:
        _say(_printable(f"  {failure.reason}"))
    if skipped:
        endings = ", ".join(f"{ending} ({count})" for ending, count in list(skipped.items())[:10])
        _say(_printable(T.skipped.format(files=sum(skipped.values()), endings=endings)))
    if gone:
        _say(_printable(T.gone.format(documents=len(gone), first=", ".join(gone[:3]) + (" …" if gone[3:] else ""))))


def main() -> None:
    """Run the command; an error that beleg raises becomes one line and exit status 1."""
    for entry in entry_points(group="beleg.commands"):
        app.add_typer(entry.load(), name=entry.name)
    try:
        app()
    except Exception as error:
        from index.errors import BelegError  # late: its package is not needed for --help

        if not isinstance(error, BelegError):
            raise
        _say(f"{T.error}: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
