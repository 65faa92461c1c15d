"""Who may log in under a name of their own, and which collections they see: a file with a JSON object a line."""

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from index.collections import collection_name
from index.errors import BelegError

LEAST_CHARACTERS = 8
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_COST = {"n": 2**14, "r": 8, "p": 1}


class UsersError(BelegError):
    """A user, or the file of them, that cannot be used."""


@dataclass(frozen=True)
class User:
    """Somebody who may log in.

    Attributes:
        name: Under which.
        password: Salt and hash of the password, never the password.
        collections: Whose documents the user sees and changes; ``None``: all documents.
    """

    name: str
    password: str
    collections: tuple[str, ...] | None


EVERYBODY = User("", "", None)
"""Who has given the one password of a server without users."""


class Users:
    """The users in a file, which may change while the server runs.

    Raises:
        UsersError: The file is missing or cannot be read.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "users.jsonl")
    >>> put_user(path, "eva", "ein gutes Wort", ["Personal"])
    >>> users = Users(path)
    >>> users.admit("eva", "ein gutes Wort").collections, users.admit("eva", "ein Wort"), users.admit("tom", "")
    (('Personal',), None, None)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._nobody = hashed(secrets.token_urlsafe())
        self._read: tuple[tuple[int, int], dict[str, User]] = ((0, 0), {})
        self.find("")

    def find(self, name: str) -> User | None:
        """Return the user of this name."""
        try:
            status = self.path.stat()
            version = status.st_mtime_ns, status.st_ino
            if version != self._read[0]:
                self._read = version, {user.name: user for user in read_users(self.path)}
        except OSError as error:
            raise _unreadable(self.path, error) from error
        return self._read[1].get(name)

    def admit(self, name: str, password: str) -> User | None:
        """Return the user whose name and password these are; an unknown name takes as long as a wrong password."""
        user = self.find(name)
        right = _is_password(password, user.password if user else self._nobody)
        return user if right else None


def read_users(path: Path) -> list[User]:
    """Return the users in a file, none where there is no file.

    Raises:
        UsersError: It cannot be read, or a line is none of ours.
    """
    try:
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return [_user(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1) if line.strip()]


def put_user(path: Path, name: str, password: str, collections: Iterable[str] | None) -> None:
    """Write a user into the file, in place of one of the same name.

    Raises:
        UsersError: The name or the password cannot be used, no collection is named, or the file cannot be read or
            written.
    """
    if not _NAME.fullmatch(name):
        raise UsersError(f"the name {name!r} cannot be used; take up to 64 of: A-Z a-z 0-9 . _ @ -")
    if len(password) < LEAST_CHARACTERS:
        raise UsersError(f"the password has {len(password)} characters, expected {LEAST_CHARACTERS} or more")
    wanted = None if collections is None else tuple(dict.fromkeys(filter(None, map(collection_name, collections))))
    if wanted == ():
        raise UsersError(f"what may {name!r} see? Give --collection NAME, or --everything")
    others = [user for user in read_users(path) if user.name != name]
    _write(path, [*others, User(name, hashed(password), wanted)])


def remove_user(path: Path, name: str) -> None:
    """Take a user out of the file; what is open for them is closed at the next request.

    Raises:
        UsersError: There is none of this name, or the file cannot be read or written.
    """
    users = read_users(path)
    if name not in {user.name for user in users}:
        known = ", ".join(user.name for user in users) or "nobody"
        raise UsersError(f"no user {name!r} in {path}; there is {known}")
    _write(path, [user for user in users if user.name != name])


def hashed(password: str) -> str:
    """Return salt and hash of a password, as a user's line has them."""
    salt = secrets.token_bytes(16)
    return f"scrypt:{salt.hex()}:{_scrypt(password, salt).hex()}"


def _is_password(password: str, kept: str) -> bool:
    _, salt, right = kept.split(":")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)), bytes.fromhex(right))


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "replace"), salt=salt, **_COST)


def _user(line: str, where: str) -> User:
    try:
        user = json.loads(line)
        name, password, collections = str(user["name"]), str(user["password"]), user["collections"]
    except (ValueError, KeyError, TypeError) as error:
        raise UsersError(f"{where}: no user ({error}); write it anew: beleg user add NAME") from error
    if not _NAME.fullmatch(name) or not re.fullmatch(r"scrypt:[0-9a-f]{32}:[0-9a-f]{128}", password):
        raise UsersError(f"{where}: its name or password cannot be used; write it anew: beleg user add NAME")
    if collections is not None and not (isinstance(collections, list) and collections):
        raise UsersError(f"{where}: its collections are no list of names, nor null; write it anew: beleg user add NAME")
    return User(name, password, None if collections is None else tuple(map(str, collections)))


def _write(path: Path, users: Sequence[User]) -> None:
    new = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.touch(mode=0o600)
        new.write_text("".join(json.dumps(asdict(user), ensure_ascii=False) + "\n" for user in users), "utf-8")
        os.replace(new, path)  # noqa: PTH105 - atomic
    except OSError as error:
        raise UsersError(f"{path}: {error.strerror}; free space or make it writable") from error


def _unreadable(path: Path, error: Exception) -> UsersError:
    return UsersError(f"{path}: {error}; BELEG_USERS names the file, and this writes it: beleg user add NAME")
