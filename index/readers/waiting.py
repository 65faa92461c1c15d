"""How a reader says that it waits for another program, so that this does not count as time of reading."""

from collections.abc import Callable

_listeners: list[Callable[[float], None]] = []


def listen(listener: Callable[[float], None]) -> None:
    """Let the process that reads files know of what its readers tell."""
    _listeners.append(listener)


def tell(seconds: float) -> None:
    """Tell how many seconds reading may take longer; a negative number takes back what was not needed."""
    for listener in _listeners:
        listener(seconds)
