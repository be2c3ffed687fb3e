"""Matches regular expressions in time linear in the text, whatever the pattern and the text."""

from __future__ import annotations

from lb.expressions.regex.nodes import WORD, Chars, Choice, Edge, Node, Repeat, Sequence
from lb.expressions.regex.patterns import read

_MOST_REMEMBERED = 4096
_CHUNK = 8
_START, _END, _WORD_BEFORE, _WORD_AFTER = 1, 2, 4, 8
_ANY = 0


class Regex:
    """Says whether a text has a match: Thompson's construction, run with all states at once.

    A state is a set of places in the pattern, as the bits of one number. Where a set leads to is
    put together from tables for each eight of its places, and remembered; what is remembered is
    bounded and thrown away when it is full. So a character costs at most one look-up for each
    eight places, and there are at most MOST_POSITIONS of them.
    """

    def __init__(self, pattern: str) -> None:
        """Raise Fault for a pattern that cannot be used."""
        self.pattern = pattern
        self.steps = 0
        """Characters read and tables looked up, ever: what tests hold the bound against."""
        self._program: list[tuple[object, tuple[int, ...]]] = [(None, ())]
        self._positions: list[Chars] = []
        self._position_of: dict[int, int] = {}
        self._edges: set[Edge] = set()
        self._entry = self._compile(read(pattern), 0)
        self._accepts = 1 << len(self._positions)
        self._leads = [at for at, (what, _) in enumerate(self._program) if isinstance(what, Chars)]
        self._masks: dict[str, int] = {}
        self._next: dict[tuple[int, int, int], int] = {}
        self._initial: dict[int, int] = {}
        self._tables: dict[tuple[int, int, int], int] = {}
        self.size = len(self._positions)
        """For how many characters the pattern stands."""
        self._word = bool(self._edges & {Edge.WORD, Edge.NOT_WORD})
        self._anchored = Edge.START in self._edges
        self._ends = Edge.END in self._edges

    def search(self, text: str) -> bool:
        """Whether any part of the text matches."""
        self.steps += len(text) + 1
        state, before = 0, ""
        accepts, masks, following = self._accepts, self._masks, self._next
        for char in text:
            mask = masks.get(char)
            if mask is None:
                mask = self._mask(char)
            context = self._context(before, char) if self._word or not before else _ANY
            key = (state, mask, context)
            after = following.get(key)
            if after is None:
                after = self._step(key)
            if after & accepts:
                return True
            state, before = after, char
        return bool(self._reached(state, self._context(before, "")) & accepts)

    def _context(self, before: str, after: str) -> int:
        context = _ANY
        if self._anchored and not before:
            context |= _START
        if self._ends and not after:
            context |= _END
        if self._word:
            context |= _WORD_BEFORE if before and before in WORD else _ANY
            context |= _WORD_AFTER if after and after in WORD else _ANY
        return context

    def _mask(self, char: str) -> int:
        if len(self._masks) >= _MOST_REMEMBERED:
            self._masks.clear()
        mask = self._accepts  # acceptance needs no character
        for bit, chars in enumerate(self._positions):
            if char in chars:
                mask |= 1 << bit
        self.steps += len(self._positions)
        self._masks[char] = mask
        return mask

    def _step(self, key: tuple[int, int, int]) -> int:
        if len(self._next) >= _MOST_REMEMBERED:
            self._next.clear()
        state, mask, context = key
        after = self._next[key] = self._reached(state, context) & mask
        return after

    def _reached(self, state: int, context: int) -> int:
        """Return the places that may read the next character, after those of `state` have read.

        A match may begin anywhere, so those at the pattern's beginning are always among them.
        """
        reached = self._initial.get(context)
        if reached is None:
            reached = self._initial[context] = self._closure(self._entry, context)
        chunk, tables = 0, self._tables
        while state:
            part = state & 255
            if part:
                self.steps += 1
                found = tables.get((context, chunk, part))
                reached |= self._table(context, chunk, part) if found is None else found
            state >>= _CHUNK
            chunk += 1
        return reached

    def _table(self, context: int, chunk: int, part: int) -> int:
        reached = 0
        for bit in range(_CHUNK):
            if part >> bit & 1:
                single = (context, chunk, 1 << bit)
                found = self._tables.get(single)
                if found is None:
                    at = self._leads[chunk * _CHUNK + bit]
                    found = self._tables[single] = self._closure(self._program[at][1][0], context)
                reached |= found
        if len(self._tables) < _MOST_REMEMBERED * _CHUNK:
            self._tables[context, chunk, part] = reached
        return reached

    def _closure(self, entry: int, context: int) -> int:
        """Return the places that can be reached without reading, and whether the end can."""
        reached, pending, seen = 0, [entry], {entry}
        while pending:
            at = pending.pop()
            what, following = self._program[at]
            if isinstance(what, Chars):
                reached |= 1 << self._position_of[at]
                continue
            if not following:
                reached |= self._accepts
                continue
            if isinstance(what, Edge) and not _holds(what, context):
                continue
            fresh = [each for each in following if each not in seen]
            seen.update(fresh)
            pending += fresh
        self.steps += len(seen)
        return reached

    def _add(self, what: object, *following: int) -> int:
        self._program.append((what, following))
        return len(self._program) - 1

    def _compile(self, node: Node, following: int) -> int:
        """Add a part of the pattern that leads to `following`; return where it begins."""
        match node:
            case Chars():
                at = self._add(node, following)
                self._position_of[at] = len(self._positions)
                self._positions.append(node)
                return at
            case Edge():
                self._edges.add(node)
                return self._add(node, following)
            case Sequence(parts):
                for part in reversed(parts):
                    following = self._compile(part, following)
                return following
            case Choice(branches):
                return self._add(None, *(self._compile(each, following) for each in branches))
            case Repeat(part, least, most):
                return self._repeat(part, least, most, following)

    def _repeat(self, part: Node, least: int, most: int | None, following: int) -> int:
        if most is None:
            # A loop: where it comes to is known only when its inside is there.
            loop = self._add(None, following)
            inner = self._compile(part, loop)
            self._program[loop] = (None, (inner, following))
            following = loop
        else:
            for _ in range(most - least):
                following = self._add(None, self._compile(part, following), following)
        for _ in range(least):
            following = self._compile(part, following)
        return following


def _holds(edge: Edge, context: int) -> bool:
    match edge:
        case Edge.START:
            return bool(context & _START)
        case Edge.END:
            return bool(context & _END)
        case Edge.WORD | Edge.NOT_WORD:
            inside = bool(context & _WORD_BEFORE) == bool(context & _WORD_AFTER)
            return inside is (edge is Edge.NOT_WORD)
