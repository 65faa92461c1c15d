"""Gold sets in other people's forms -> rows of our own form."""

from eval.formats.rows import GoldRows, GoldSetError, Row

__all__ = ["GoldRows", "GoldSetError", "Row"]
