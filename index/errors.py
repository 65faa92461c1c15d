"""The one error that callers need to catch."""


class BelegError(Exception):
    """Base of every error that beleg raises on purpose.

    Its text names the value, what was expected and how to mend it, so that an edge (command line, chat, HTTP) can
    show it as it is.
    """
