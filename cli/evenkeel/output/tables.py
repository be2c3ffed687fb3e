"""Tables and lists of names as all commands print them."""

from collections.abc import Sequence

from rich.table import Table


def grid() -> Table:
    """A table without lines, its columns two blanks apart."""
    return Table.grid(padding=(0, 2))


def listed(names: Sequence[str], most: int) -> str:
    """The first names in one line, and the number of the others: `a, b and 3 others`."""
    more = f" and {len(names) - most} others" if len(names) > most else ""
    return ", ".join(names[:most]) + more
