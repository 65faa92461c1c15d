"""What stands before every question is read by the embedded model once, not once a process: llama.cpp's saved slots."""

import hashlib
import json
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openai import OpenAI


class PromptCache:
    """Saves and restores the state of the only slot of a llama.cpp server in this process.

    Args:
        client: Of that server.
        folder: Its ``slot_save_path``; each state has about 30 kB a token, and a file with its SHA-256 beside it.
        model: What tells the weights from any other.
    """

    def __init__(self, client: "OpenAI", folder: Path, model: str) -> None:
        self._client = client
        self._folder = folder
        self._model = model
        self._current = ""

    def ensure(self, messages: Sequence[dict[str, str]], read: Callable[[], object]) -> None:
        """Have the slot hold these messages: as it is, from the folder, or by letting the model ``read`` them."""
        name = self._name(messages)
        if name == self._current:
            return
        if not self._restored(name):
            read()
            self._save(name)
        self._current = name

    def _name(self, messages: Sequence[dict[str, str]]) -> str:
        decides = json.dumps([self._model, version("xllamacpp"), list(messages)])
        return f"{hashlib.sha256(decides.encode()).hexdigest()[:24]}.bin"

    def _restored(self, name: str) -> bool:
        return self._checksum(name) == self._known(name) != "" and self._ask("restore", name)

    def _save(self, name: str) -> None:
        if self._ask("save", name):
            try:
                self._folder.joinpath(f"{name}.sha256").write_text(self._checksum(name), "ascii")
            except OSError:
                return  # a full disk costs the next process the time of reading

    def _known(self, name: str) -> str:
        try:
            return self._folder.joinpath(f"{name}.sha256").read_text("ascii")
        except (OSError, UnicodeDecodeError):
            return ""

    def _checksum(self, name: str) -> str:
        try:
            return hashlib.sha256((self._folder / name).read_bytes()).hexdigest()
        except OSError:
            return ""

    def _ask(self, action: str, name: str) -> bool:
        import httpx2
        import openai

        url = self._client.base_url.join(f"/slots/0?action={action}")
        try:
            self._client.post(str(url), body={"filename": name}, cast_to=httpx2.Response)
        except openai.OpenAIError:
            return False  # then the prompt is read as if there were no cache
        return True
