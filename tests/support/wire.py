"""HTTP/1.1 as bytes, with the original order and case of fields."""

from __future__ import annotations

from dataclasses import dataclass

END_OF_HEAD = b"\r\n\r\n"
LINE_END = b"\r\n"


@dataclass(frozen=True, slots=True)
class Head:
    """A start line and the fields after it."""

    start: str
    fields: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, raw: bytes) -> Head:
        """Parse a head, one character a byte."""
        start, *lines = raw.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        return cls(start, fields_of(lines))

    @property
    def names(self) -> list[str]:
        """The names of the fields in lower case."""
        return [name.lower() for name, _ in self.fields]

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for known, value in self.fields if known.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        """A field's combined value; None = absent."""
        values = self.all(name)
        return ", ".join(values) if values else None

    @property
    def chunked(self) -> bool:
        """Whether the body is chunked."""
        return "chunked" in (self.get("transfer-encoding") or "").lower()

    @property
    def length(self) -> int | None:
        """The body's Content-Length."""
        value = self.get("content-length")
        return None if value is None else int(value)


def fields_of(lines: list[str]) -> tuple[tuple[str, str], ...]:
    """Header lines as pairs."""
    pairs = (line.partition(":") for line in lines if line)
    return tuple((name, value.strip(" \t")) for name, _, value in pairs)


def head(start: str, *fields: tuple[str, str]) -> bytes:
    """A head as bytes."""
    lines = [start, *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One chunk of a body; an empty chunk ends it, apart from trailers."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
