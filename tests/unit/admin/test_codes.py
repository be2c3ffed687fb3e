"""Codes of the admin API stand in one module, and refusals carry them."""

from __future__ import annotations

import ast
from pathlib import Path

import lb
from lb.admin.calls import Call
from lb.admin.codes import Code
from lb.admin.refusals import from_file, impossible, nothing_at, unless_read
from lb.admin.request_body import REFUSALS, BodyProblem

SRC = Path(lb.__file__).parent
CODES = SRC / "admin" / "codes.py"
CARRIERS = {"refused": 1, "Fault": 0, "Note": 0}
"""What takes a code, and its position there."""


def literal_codes(path: Path) -> list[str]:
    """Return each call of a module that spells a code as a number."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        place = CARRIERS.get(node.func.id)
        if place is None:
            continue
        named = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        given = [*node.args[place : place + 1], *named]
        found += [ast.unparse(node) for each in given if isinstance(each, ast.Constant)]
    return found


def unmistakable(path: Path) -> list[int]:
    """Return each number of a module that can only be a code."""
    rare = set(Code) - {Code.GENERAL, Code.NO_EFFECT}  # also a thousand, and a limit
    return [
        node.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value in rare
    ]


def test_no_other_module_spells_a_code_as_a_number() -> None:
    """1008 had a second number, 1101, in the module of the status page's actions."""
    others = [
        path
        for path in SRC.rglob("*.py")
        if path != CODES and ("admin" in path.parts or "lb.admin" in path.read_text("utf-8"))
    ]

    assert len(others) > 30
    assert [call for path in others for call in literal_codes(path)] == []
    assert [(path.name, code) for path in others for code in unmistakable(path)] == []


def test_codes_are_1000_or_more_and_stand_for_one_thing() -> None:
    """As ErrorData of Cloudflare's API wants it."""
    assert min(Code) >= 1000
    assert len(Code.__members__) == len(set(Code))


def test_every_problem_of_a_body_has_a_refusal() -> None:
    """A literal table, total over its enum."""
    assert set(REFUSALS) == set(BodyProblem)
    assert all(status >= 400 for status, _ in REFUSALS.values())


def test_common_refusals_have_one_code_each() -> None:
    """Whichever path builds them."""
    assert [
        (refusal.status, refusal.faults[0].code, refusal.faults[0].message, dict(refusal.headers))
        for refusal in (
            nothing_at("/x"),
            impossible("PUT", "GET", "POST"),
            unless_read(Call(method="PUT", path="/status")),
        )
        if refusal is not None
    ] == [
        (404, 7003, "there is nothing at /x", {}),
        (405, 10405, "PUT is not possible here", {"Allow": "GET, POST"}),
        (405, 10405, "/status is only read: use GET", {}),
    ]
    assert unless_read(Call(method="HEAD", path="/status")) is None
    (fault,) = from_file("pool", "/pool").faults
    assert (fault.code, fault.pointer) == (1008, "/pool")
    assert fault.message.startswith("this pool comes from loadbalancer.toml")
