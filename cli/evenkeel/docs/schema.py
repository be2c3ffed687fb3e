"""`evenkeel schema`: the JSON Schema and the reference of the configuration's keys."""

import json
from collections.abc import Iterator

from evenkeel.dev.checkout import ROOT
from evenkeel.docs import budget_page, rules_page
from evenkeel.docs.markdown import regenerated, table
from lb.config import json_schema
from lb.config.document import DOCUMENT
from lb.config.reading.tables import Field, Required, Standing, Table
from lb.config.reading.values import ListOf

SCHEMA = ROOT / "docs" / "loadbalancer.schema.json"
REFERENCE = ROOT / "docs" / "configuration.md"


def schema_text() -> str:
    """The text of docs/loadbalancer.schema.json."""
    return json.dumps(json_schema(), indent=2) + "\n"


def reference_text(page: str) -> str:
    """The page with a new reference between its two marks."""
    return regenerated(page, reference())


def reference() -> str:
    """Every key of every table: type, default and meaning."""
    return "\n".join(_section(table) for table in tables())


def tables() -> list[Table]:
    """Every table of a configuration once, outer ones first."""
    found: dict[str, Table] = {}
    waiting = [each.kind for each in DOCUMENT.fields]
    while waiting:
        kind = waiting.pop(0)
        while isinstance(kind, ListOf):
            kind = kind.kind
        if isinstance(kind, Table) and kind.name not in found:
            found[kind.name] = kind
            waiting += [each.kind for each in kind.fields]
    # Tables inside another one follow it; `sorted` keeps the order of all others.
    tops = list(dict.fromkeys(_top(name) for name in found))
    return sorted(found.values(), key=lambda each: tops.index(_top(each.name)))


def _top(name: str) -> str:
    return name.partition(".")[0]


def _section(of: Table) -> str:
    return "\n".join([f"### {of.name}", "", f"{of.doc}", "", *_rows(of), ""])


def _rows(of: Table) -> Iterator[str]:
    rows = (
        (f"`{each.key}`", each.kind.words, _default(each), _meaning(each)) for each in of.fields
    )
    return table(("Key", "Type", "Default", "Meaning"), rows)


def _default(each: Field) -> str:
    if isinstance(each.default, Required):
        return "**required**"
    return "none" if each.default is None else f"`{json.dumps(each.default)}`"


def _meaning(each: Field) -> str:
    match each.standing:
        case Standing.KEPT:
            return f"{each.doc} *Accepted without effect.*"
        case Standing.IMPOSSIBLE:
            return f"{each.doc} *Not possible: {each.reason}.*"
        case _:
            return each.doc


def command() -> None:
    """Write docs/loadbalancer.schema.json, and the generated tables of three pages in docs/."""
    SCHEMA.write_text(schema_text(), "utf-8")
    REFERENCE.write_text(reference_text(REFERENCE.read_text("utf-8")), "utf-8")
    budget_page.write()
    rules_page.write()
    pages = (SCHEMA, REFERENCE, budget_page.PAGE, rules_page.PAGE)
    written = ", ".join(str(path.relative_to(ROOT)) for path in pages)
    print(f"wrote {written}")
