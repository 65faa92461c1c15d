"""Log lines as JSON, one object a line on standard error: ``BELEG_LOG=json``.

Other people's messages may hold what somebody asked or a document says, so of theirs the template stands there and not
what was put into it, and of an error its type and where it was raised.
"""

import json
import logging
import sys
import time
import traceback
from typing import Any

_OURS = "beleg."


class JSONLines(logging.Formatter):
    """Makes one line of a record.

    >>> record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 1, "cannot parse %s", ("Was kostet …",), None)
    >>> json.loads(JSONLines().format(record))["message"]
    'cannot parse %s'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line: dict[str, Any] = {
            "time": _utc(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": str(record.msg).partition("\n")[0] if isinstance(record.msg, str) else "",
        }
        if record.name.startswith(_OURS):
            line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1]:
            line |= _error(record.exc_info[1])
        return json.dumps(line)


def _error(error: BaseException) -> dict[str, Any]:
    """Return what an error is and where it was raised, the innermost place last; its message stays out."""
    frames = traceback.extract_tb(error.__traceback__)
    return {"error": type(error).__qualname__, "at": [f"{frame.filename}:{frame.lineno}" for frame in frames]}


def _utc(seconds: float) -> str:
    """Return a time as ISO 8601.

    >>> _utc(1720080000.25)
    '2024-07-04T08:00:00.250Z'
    """
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(seconds % 1 * 1000):03}Z"


def log_as_json() -> None:
    """Write what all loggers say as JSON lines; of questions that ended a line each."""
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(JSONLines())
    logging.basicConfig(handlers=[stream], level=logging.WARNING, force=True)
    logging.getLogger("beleg").setLevel(logging.INFO)
