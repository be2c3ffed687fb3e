"""Tables of docs/rules.md: the fields and functions of conditions, from `lb.expressions`."""

from collections.abc import Iterable, Iterator

from evenkeel.dev.checkout import ROOT
from evenkeel.docs.markdown import regenerated, table
from lb.expressions.fields import FIELDS, REFUSED
from lb.expressions.functions import FUNCTIONS, Function, Parameter
from lb.expressions.functions import REFUSED as REFUSED_FUNCTIONS

PAGE = ROOT / "docs" / "rules.md"

_OLD = "ip.geoip."


def page_text(page: str) -> str:
    """The page with new tables between its two marks."""
    return regenerated(page, "\n".join(_tables()))


def _tables() -> Iterator[str]:
    yield "### Fields"
    yield ""
    yield "`ip.geoip.*` are the old names of `ip.src.*`, and mean the same."
    yield from _table(
        ("Field", "Type", ""),
        (
            (f"`{name}`", str(field.type), field.doc)
            for name, field in FIELDS.items()
            if not name.startswith(_OLD)
        ),
    )
    yield "These fields of Cloudflare's are refused, with the reason:"
    yield from _table(
        ("Field", "Not possible, because"),
        ((f"`{name.rstrip('.')}`", reason) for name, reason in sorted(REFUSED.items())),
    )
    yield "### Functions"
    yield from _table(
        ("Function", "Gives", ""),
        (
            (f"`{name}({_parameters(function)})`", str(function.returns), function.doc)
            for name, function in FUNCTIONS.items()
        ),
    )
    yield "These are refused, with the reason:"
    yield from _table(
        ("Function", "Not possible, because"),
        ((f"`{name}`", reason) for name, reason in REFUSED_FUNCTIONS.items()),
    )


def _table(head: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield ""
    yield from table(head, lines)
    yield ""


def _parameters(function: Function) -> str:
    required = len(function.parameters) - function.optional
    shown = [
        _parameter(each) if place < required else f"[{_parameter(each)}]"
        for place, each in enumerate(function.parameters)
    ]
    return ", ".join(shown) + (", ..." if function.repeats else "")


def _parameter(parameter: Parameter) -> str:
    types = " or ".join(str(each) for each in parameter.types)
    return f"literal {types}" if parameter.literal else types


def write() -> None:
    """Write the page."""
    PAGE.write_text(page_text(PAGE.read_text("utf-8")), "utf-8")
