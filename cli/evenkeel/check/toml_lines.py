"""The lines of the values in a TOML file."""

import tomllib
from collections.abc import Iterator

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from lb.config.reading.problems import Place

_LANGUAGE = Language(tree_sitter_toml.language())
_KEYS = frozenset({"bare_key", "quoted_key", "dotted_key"})


class TomlLines:
    """Path of a value -> its line: `lines["$.pools[1].origins[0].weight"]`."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {"$": 1}
        self._last: dict[str, int] = {}
        """Path of an array of tables -> index of its latest table."""
        tree = Parser(_LANGUAGE).parse(text.encode("utf-8", "surrogatepass"))
        for node in tree.root_node.named_children:
            if node.type == "pair":
                self._pair(node, Place())
            elif node.type in {"table", "table_array_element"}:
                self._table(node)

    def __contains__(self, path: str) -> bool:
        return path in self._lines

    def __getitem__(self, path: str) -> int:
        """The line of a value, or of the innermost table or list around a missing one."""
        while path not in self._lines:
            path = path[: max(path.rfind("."), path.rfind("["), 1)]
        return self._lines[path]

    def _record(self, place: Place, node: Node) -> None:
        self._lines.setdefault(place.text, node.start_point.row + 1)

    def _table(self, node: Node) -> None:
        """Record `[a.b]` or `[[a.b]]`, and the pairs below it."""
        header, *rest = node.named_children
        place = Place()
        keys = list(_keys(header))
        for number, key in enumerate(keys, start=1):
            place /= key
            self._record(place, header)
            if number == len(keys) and node.type == "table_array_element":
                self._last[place.text] = self._last.get(place.text, -1) + 1
            if place.text in self._last:
                place /= self._last[place.text]
                self._record(place, header)
        for child in rest:
            if child.type == "pair":
                self._pair(child, place)

    def _pair(self, node: Node, place: Place) -> None:
        """Record `a.b = value`."""
        key, *values = [child for child in node.named_children if child.type != "comment"]
        for name in _keys(key):
            place /= name
            self._record(place, key)
        for value in values:
            self._value(value, place)

    def _value(self, node: Node, place: Place) -> None:
        if node.type == "inline_table":
            for child in node.named_children:
                if child.type == "pair":
                    self._pair(child, place)
        elif node.type == "array":
            elements = [child for child in node.named_children if child.type != "comment"]
            for index, element in enumerate(elements):
                self._record(place / index, element)
                self._value(element, place / index)


def _keys(node: Node) -> Iterator[str]:
    if node.type == "dotted_key":
        for child in node.named_children:
            if child.type in _KEYS:
                yield from _keys(child)
    elif node.text is not None:
        text = node.text.decode("utf-8", "replace")
        yield _unquoted(text) if node.type == "quoted_key" else text


def _unquoted(text: str) -> str:
    """The text of a quoted key; the standard library's parser resolves its escapes."""
    try:
        return next(iter(tomllib.loads(f"{text} = 0")))
    except tomllib.TOMLDecodeError:
        return text  # the file is no TOML
