"""Blocks of clean text, as a file holds them -> one text and the places of its parts."""

from collections.abc import Iterable
from dataclasses import dataclass

from index.place import Place


@dataclass(frozen=True)
class Block:
    """A paragraph, heading, list item or table row in clean text, and what leads to it in the original.

    ``tight``: it stands on the line after the block before it, with no blank line between them.
    """

    text: str
    name: str = ""
    target: str = ""
    tight: bool = False


def join_blocks(blocks: Iterable[Block]) -> tuple[str, tuple[Place, ...]]:
    r"""Return the text of blocks, and one place for each block that has a name or a target; empty blocks vanish.

    >>> join_blocks([Block("# Satzung"), Block("- Name", "Absatz 2"), Block("- Sitz", "Absatz 3", tight=True)])[0]
    '# Satzung\n\n- Name\n- Sitz'
    """
    parts: list[str] = []
    places: list[Place] = []
    length = 0
    for block in blocks:
        if not block.text.strip():
            continue
        between = ("\n" if block.tight else "\n\n") if parts else ""
        start = length + len(between)
        length = start + len(block.text)
        parts += (between, block.text)
        if block.name or block.target:
            places.append(Place(start, length, name=block.name, target=block.target))
    return "".join(parts), tuple(places)
