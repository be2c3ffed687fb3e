"""Function calls: checks when an expression is compiled, and evaluation for a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lb.expressions.functions import MOST_ARGUMENTS
from lb.expressions.syntax_errors import Wrong
from lb.expressions.types import ADDRESS, BOOLEAN, BOOLEANS, UNKNOWN, Type, Value, constant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lb.expressions.functions import Function, Parameter
    from lb.expressions.types import Getter
    from lb.request.facts import RequestFacts


def called(name: str, function: Function, arguments: Sequence[Value], at: int) -> Value | Wrong:
    """Return the value of a call, or its problem."""
    wanted = len(function.parameters)
    least = wanted - function.optional
    most = MOST_ARGUMENTS if function.repeats else wanted
    if not least <= len(arguments) <= most:
        count = f"{least} or more" if function.repeats else str(least)
        count = f"{least} or {wanted}" if function.optional else count
        plural = "" if count == "1" else "s"
        return Wrong(at, f"{name} takes {count} argument{plural}, not {len(arguments)}")
    if any(argument.type == UNKNOWN for argument in arguments):
        return Value(type=UNKNOWN, at=at, get=constant(None))
    for place, argument in enumerate(arguments):
        parameter = function.parameters[min(place, wanted - 1)]
        message = _objection(name, parameter, argument, first=place == 0)
        if message:
            return Wrong(argument.at, message)
    first = arguments[0]
    if first.each and BOOLEANS not in function.parameters[0].types:
        return Value(type=Type("Array", function.returns), at=at, get=_mapped(function, arguments))
    return Value(type=function.returns, at=at, get=_applied(function, arguments))


def _objection(name: str, parameter: Parameter, argument: Value, *, first: bool) -> str:
    """Return the problem of an argument; "" = valid."""
    if BOOLEANS in parameter.types:
        if argument.type == BOOLEANS or (argument.each and argument.type == BOOLEAN):
            return ""
        return (
            f"{name} takes something that is true or false for each element, "
            'such as http.request.headers["accept"][*] contains "json"'
        )
    if argument.each and not first:
        return "[*] may only stand in a function's first argument"
    if argument.type not in parameter.types:
        hint = ": add [*]" if argument.type.of in parameter.types else ""
        types = " or ".join(str(each) for each in parameter.types)
        return f"{name} takes a value of type {types} here, not {argument.type}{hint}"
    if parameter.literal is not None and (argument.literal is not None) is not parameter.literal:
        return f"{name} takes {'a literal' if parameter.literal else 'a field'} here"
    return _bad_literal(name, parameter, argument)


def _bad_literal(name: str, parameter: Parameter, argument: Value) -> str:
    value = argument.literal
    if parameter.range and isinstance(value, int):
        low, high = parameter.range
        return "" if low <= value <= high else f"this must be from {low} to {high}"
    if name == "split" and value == "":
        return "the separator must not be empty"
    return ""


def _applied(function: Function, arguments: Sequence[Value]) -> Getter:
    read, name = arguments[0].key, arguments[-1].literal
    if function.keyed and read is not None and isinstance(name, str):
        return lambda facts: read(facts, name) is not None
    run, gets = _runner(function, arguments), [argument.get for argument in arguments]
    if function.missing:
        return lambda facts: run(*(get(facts) for get in gets))
    if len(gets) == 1:
        (only,) = gets

        def one(facts: RequestFacts) -> object:
            value = only(facts)
            # A missing array of booleans is empty: any() is false, all() is true.
            if value is None and function.parameters[0].types == (BOOLEANS,):
                value = []
            return None if value is None else run(value)

        return one

    def several(facts: RequestFacts) -> object:
        values = []
        for get in gets:
            value = get(facts)
            if value is None:
                return None
            values.append(value)
        return run(*values)

    return several


def _mapped(function: Function, arguments: Sequence[Value]) -> Getter:
    """Call for each element of the first argument; missing results are left out."""
    run = _runner(function, arguments)
    first: Any = arguments[0].get
    rest = [argument.get for argument in arguments[1:]]

    def each(facts: RequestFacts) -> object:
        elements = first(facts)
        if not elements:
            return []
        values = [get(facts) for get in rest]
        if None in values and not function.missing:
            return []
        results = (run(found, *values) for found in elements)
        return [result for result in results if result is not None]

    return each


def _runner(function: Function, arguments: Sequence[Value]) -> Any:
    if arguments[0].type == ADDRESS and function.address is not None:
        return function.address
    return function.run
