"""Compiles an expression: precedence, types, and every problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from lb.expressions.fields import FIELDS, refusal
from lb.expressions.function_calls import called
from lb.expressions.functions import FUNCTIONS
from lb.expressions.functions import REFUSED as REFUSED_FUNCTIONS
from lb.expressions.indexing import element, elements, entry
from lb.expressions.lexer import Lexer
from lb.expressions.logic import combined, negated
from lb.expressions.nearest import suggestion
from lb.expressions.operators import ENGLISH, SUPPORTS, test_of
from lb.expressions.syntax_errors import Fault, Wrong
from lb.expressions.types import BOOLEAN, BOOLEANS, INTEGER, STRING, UNKNOWN, Value, constant

if TYPE_CHECKING:
    from lb.request.facts import RequestFacts

MOST_NESTED = 40
LONGEST = 4096
"""Characters of an expression: https://developers.cloudflare.com/ruleset-engine/rules-language/expressions/"""

# Lowest precedence first: https://developers.cloudflare.com/ruleset-engine/rules-language/operators/
LEVELS = (("or", "||"), ("xor", "^^"), ("and", "&&"))
_ENDS = {")", ",", *(word for level in LEVELS for word in level)}
_WORDS = {*SUPPORTS, "not", "and", "or", "xor", "strict"}


class Parser:
    """Reads one expression. Semantic problems are collected, so that the rest is read too."""

    def __init__(self, text: str) -> None:
        self.lexer = Lexer(text)
        self.wrong: list[Wrong] = []

    def whole(self) -> Value:
        """Read the whole expression; raises Fault on a syntax error."""
        value = self._logical(0, 0)
        token = self.lexer.peek()
        if token.kind != "end":
            raise self._after(value)
        if value.each or value.type == BOOLEANS:
            self._note(value.at, "this is true or false for each element: say any(...) or all(...)")
        elif value.type not in (BOOLEAN, UNKNOWN):
            self._compare(value)
        return value

    def _note(self, at: int, message: str) -> Value:
        if not any(each.at == at for each in self.wrong):
            self.wrong.append(Wrong(at, message))
        return Value(type=UNKNOWN, at=at, get=constant(None))

    def _compare(self, value: Value) -> None:
        self._note(value.at, f"this is of type {value.shown}, not a condition: compare it")

    def _after(self, value: Value) -> Fault:
        token = self.lexer.peek()
        if token.text in SUPPORTS or token.text in ENGLISH or token.text == "strict":
            return Fault(token.at, _no_comparison(token.text, value))
        if token.kind == "name" and token.text.lower() in _WORDS:
            return Fault(token.at, "operators are written in lower case")
        return self.lexer.unexpected('"and", "or", "xor" or the end')

    def _logical(self, level: int, depth: int, *, bare: bool = False) -> Value:
        """Read this level of precedence and higher ones; `bare`: need not be a condition."""
        if level == len(LEVELS):
            return self._negation(depth, bare=bare)
        first = self._logical(level + 1, depth, bare=bare)
        values = [first]
        while self.lexer.taken(*LEVELS[level]):
            values.append(self._logical(level + 1, depth))
        if len(values) == 1:
            return first
        for value in values:
            if value.type not in (BOOLEAN, UNKNOWN):
                self._compare(value)
        known = [value for value in values if value.type == BOOLEAN]
        different = next((value for value in known if value.each is not known[0].each), None)
        if different is not None:
            return self._note(
                different.at, "one side is true or false for each element, and the other is not"
            )
        return combined(LEVELS[level][0], values)

    def _negation(self, depth: int, *, bare: bool) -> Value:
        at, nots = self.lexer.peek().at, 0
        while self.lexer.taken("not", "!"):
            nots += 1
        value = self._primary(depth, bare=bare and not nots)
        if not nots:
            return value
        if value.type not in (BOOLEAN, UNKNOWN):
            self._compare(value)
        return negated(value, at) if nots % 2 else value

    def _primary(self, depth: int, *, bare: bool) -> Value:
        if depth > MOST_NESTED:
            raise Fault(self.lexer.peek().at, f"this is nested more than {MOST_NESTED} deep")
        at = self.lexer.peek().at
        if self.lexer.taken("("):
            value = self._logical(0, depth + 1)
            if value.type not in (BOOLEAN, UNKNOWN):
                self._compare(value)
            if not self.lexer.taken(")"):
                opened = Fault(at, "this parenthesis has no end")
                raise opened if self.lexer.peek().kind == "end" else self._after(value)
            return value
        return self._comparison(self._operand(depth), bare=bare)

    def _comparison(self, value: Value, *, bare: bool) -> Value:
        token = self.lexer.peek()
        name = self._operator()
        if name is None:
            if value.type == BOOLEANS:
                return Value(type=BOOLEAN, at=value.at, get=value.get, each=True)
            ends = token.kind == "end" or token.text in _ENDS
            if bare or ends or value.type in (BOOLEAN, UNKNOWN):
                return value
            raise self._unread(value)
        if value.literal is not None:
            raise Fault(value.at, "a comparison begins with a field or a function")
        if value.type in SUPPORTS[name]:
            return _compared(value, test_of(name, value.type, self.lexer))
        if value.type != UNKNOWN:
            value = self._note(token.at, _no_comparison(name, value))
        self._skip_right(name)
        return value

    def _unread(self, value: Value) -> Fault:
        token = self.lexer.peek()
        if token.kind == "name":
            if token.text.lower() in _WORDS:
                return Fault(token.at, "operators are written in lower case")
            if token.text in FUNCTIONS:
                return Fault(token.at, f"this is a function: write {token.text}(field, ...)")
            return Fault(token.at, f"this is not an operator{suggestion(token.text, SUPPORTS)}")
        return self.lexer.unexpected(f"an operator that compares a value of type {value.shown}")

    def _operator(self) -> str | None:
        """Take an operator; return its name in English."""
        token = self.lexer.peek()
        name = ENGLISH.get(token.text, token.text)
        if token.kind == "name" and name == "strict":
            self.lexer.take()
            if not self.lexer.taken("wildcard"):
                raise self.lexer.unexpected('"wildcard"')
            return "strict wildcard"
        if token.kind not in ("name", "sign") or name not in SUPPORTS:
            return None
        self.lexer.take()
        return name

    def _skip_right(self, name: str) -> None:
        """Skip the right-hand side of an operator whose left-hand side is invalid."""
        if name == "in" and self.lexer.taken("{"):
            while self.lexer.peek().kind != "end" and not self.lexer.taken("}"):
                self._skip_literal()
        elif not self._skip_literal(regex=name == "matches"):
            raise self.lexer.unexpected("a literal")

    def _skip_literal(self, *, regex: bool = False) -> bool:
        if self.lexer.string(regex=regex) or self.lexer.number() or self.lexer.address():
            return True
        return self.lexer.take().kind == "name"

    def _operand(self, depth: int) -> Value:
        """Read a field, a call or, where a function's argument may stand, a literal."""
        literal = self.lexer.string()
        if literal is not None:
            return Value(
                type=STRING, at=literal.at, get=constant(literal.text), literal=literal.text
            )
        number = self.lexer.number()
        if number is not None:
            return Value(type=INTEGER, at=number[1], get=constant(number[0]), literal=number[0])
        token = self.lexer.peek()
        if token.kind != "name" or token.text in _WORDS:
            raise self.lexer.unexpected("a field, a function or a parenthesis")
        self.lexer.take()
        if self.lexer.peek().text == "(":
            value = self._call(token.text, token.at, depth)
        else:
            value = self._field(token.text, token.at)
        return self._indexed(value)

    def _field(self, name: str, at: int) -> Value:
        found = FIELDS.get(name)
        if found is not None:
            return Value(type=found.type, at=at, get=found.get, key=found.key)
        if name in FUNCTIONS:
            return self._note(at, f"{name} is a function: write {name}(...)")
        if name in ("true", "false"):
            return self._note(at, "there is no true and no false: a Boolean stands alone")
        reason = refusal(name)
        if reason is not None:
            return self._note(at, f"{name} is not possible: {reason}")
        return self._note(at, f"there is no field {name[:64]}{suggestion(name, FIELDS)}")

    def _call(self, name: str, at: int, depth: int) -> Value:
        self.lexer.take()
        arguments: list[Value] = []
        while not self.lexer.taken(")"):
            if arguments and not self.lexer.taken(","):
                raise self.lexer.unexpected('"," or ")"')
            arguments.append(self._logical(0, depth + 1, bare=True))
        function = FUNCTIONS.get(name)
        if function is None:
            reason = REFUSED_FUNCTIONS.get(name)
            if reason is not None:
                return self._note(at, f"{name} is not possible: {reason}")
            return self._note(at, f"there is no function {name[:64]}{suggestion(name, FUNCTIONS)}")
        made = called(name, function, arguments, at)
        return self._note(made.at, made.message) if isinstance(made, Wrong) else made

    def _indexed(self, value: Value) -> Value:
        while self.lexer.taken("["):
            at = self.lexer.peek().at
            string = self.lexer.string()
            number = None if string else self.lexer.number()
            if string is None and number is None and not self.lexer.taken("*"):
                raise self.lexer.unexpected("an index, a key in double quotes or *")
            if not self.lexer.taken("]"):
                raise self.lexer.unexpected('"]"')
            key = string.text if string else number[0] if number else None
            objection = _no_index(value, key)
            if objection:
                value = self._note(at, objection)
            elif value.type == UNKNOWN:
                continue
            elif isinstance(key, str):
                value = entry(value, key)
            else:
                value = elements(value) if key is None else element(value, key)
        return value


def _no_comparison(name: str, value: Value) -> str:
    if value.type == BOOLEAN:
        return "this is true or false already: it stands alone, or after not"
    hint = ""
    if value.type.of is not None:
        hint = ': take one element with [0] or an entry with ["name"], or each with [*]'
    return f"{name} cannot compare a value of type {value.shown}{hint}"


def _no_index(value: Value, key: str | int | None) -> str:
    """Return why a value has no such element; "" = it has."""
    if value.type == UNKNOWN:
        return ""
    if value.type.of is None:
        return f"a value of type {value.shown} has no elements"
    if isinstance(key, int) and value.type.name == "Map":
        return 'a map is asked by name: ["name"]'
    if isinstance(key, str) and value.type.name == "Array":
        return "an array is asked by number: [0]"
    return "an index is 0 or more" if isinstance(key, int) and key < 0 else ""


def _compared(value: Value, test: object) -> Value:
    get, check = value.get, cast("Any", test)
    if value.each:

        def compare_each(facts: RequestFacts) -> object:
            return [check(each) for each in cast("list[object]", get(facts) or [])]

        return Value(type=BOOLEAN, at=value.at, get=compare_each, each=True)

    def compare(facts: RequestFacts) -> bool:
        found = get(facts)
        return found is not None and check(found)

    return Value(type=BOOLEAN, at=value.at, get=compare)
