"""The changes between two versions of a configuration, as printed."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from evenkeel.live.client.document import parts
from evenkeel.output.errors import plain

LONGEST = 60
_MARKS: Mapping[str, tuple[str, str]] = {
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "delete": ("-", "red"),
}
_UNKNOWN = ("?", "")
_ONE: Mapping[str, str] = {
    "monitors": "monitor",
    "monitor_groups": "monitor group",
    "pools": "pool",
    "load_balancers": "load balancer",
    "notifications": "notification",
}


def changes_of(result: object) -> list[dict[str, Any]]:
    """The changes in a response; malformed ones are skipped."""
    return parts(result, "changes")


def kind_word(kind: object) -> str:
    """The word for one object of a kind: `pool` for `pools`."""
    return _ONE.get(str(kind), plain(kind or ""))


def tree(changes: Iterable[dict[str, Any]]) -> Tree:
    """A tree of the changed objects, with their fields before and after."""
    root = Tree(Text("changes"), hide_root=True)
    for change in changes:
        action = str(change.get("action", ""))
        mark, colour = _MARKS.get(action, _UNKNOWN)
        line = Text(f"{mark} {plain(action)} ", colour)
        line.append(f"{kind_word(change.get('kind'))} ", "default")
        line.append(plain(change.get("name", "")), "bold default")
        branch = root.add(line)
        for each in parts(change, "fields"):
            branch.add(_field(each, action))
    return root


def _field(field: Mapping[str, Any], action: str) -> Text:
    line = Text(f"{plain(field.get('path', ''))}  ", "dim")
    before, after = value(field.get("before")), value(field.get("after"))
    if action != "create":
        line.append(before, "not dim red")
    if action == "update":
        line.append(" → ", "dim")
    if action != "delete":
        line.append(after, "not dim green")
    return line


def value(found: object) -> str:
    """A value as printed: on one line, not too long."""
    if found is None:
        return "unset"
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, str):
        text = f'"{plain(found)}"'
    elif isinstance(found, dict):
        inner = ", ".join(f"{plain(key)} = {value(each)}" for key, each in found.items())
        text = f"{{ {inner} }}" if inner else "{}"
    elif isinstance(found, list):
        text = f"[{', '.join(map(value, found))}]"
    elif isinstance(found, float) and found.is_integer():
        text = str(int(found))
    else:
        text = plain(found)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def show(console: Console, changes: Iterable[dict[str, Any]]) -> None:
    """Print the changes."""
    console.print(tree(changes))


def counted(changes: Iterable[dict[str, Any]]) -> str:
    """The number of changes by action: `1 to create, 2 to update`."""
    actions = [change.get("action") for change in changes]
    found = [f"{actions.count(action)} to {action}" for action in _MARKS if action in actions]
    return ", ".join(found) or "nothing to change"
