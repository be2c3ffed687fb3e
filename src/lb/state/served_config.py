"""The configuration that an isolate serves, and the wait of its first requests for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from lb.log_events import Trouble
from lb.model import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lb.state.pull import Delivered

    Read = Callable[[Delivered], "Config | Unreadable"]

FIRST_WAIT = 3.0
"""Longest wait of an isolate's first requests for what operators have configured, in seconds."""

LOOK_AGAIN = 0.02
"""Seconds between two looks of a request that waits for another one's question. Requests share no
future: one request's future hangs in another (docs/decisions/first-request.md)."""

ASK_AGAIN = 5.0
"""Seconds after which an isolate with nothing to serve asks again."""

NOTHING = Config(load_balancers=(), pools=())


class Unreadable(Protocol):
    """A configuration that this release cannot read (lb.config.Invalid)."""

    @property
    def problems(self) -> Sequence[object]:
        """Each with its path."""


class Taken(NamedTuple):
    """What became of a configuration that the Durable Object delivered."""

    serves: bool
    """Whether another configuration serves from now on."""
    troubles: tuple[Trouble, ...] = ()


class ServedConfig:
    """The choice between the deployment's configuration and a delivered one; plain data.

    The deployment's serves until the Durable Object delivers another one. What is delivered was
    checked before it was stored, so one that cannot be read is of another release, which has other
    keys: the isolate keeps what it serves.
    """

    def __init__(
        self, deployed: Config | None, read: Read, *, has_object: bool, has_admin: bool
    ) -> None:
        """`deployed`: None = the deployment's configuration has problems.

        `has_object`: whether the Durable Object is bound; `has_admin`: whether operators can
        configure anything in it.
        """
        self._deployed = deployed
        self._read = read
        self._config = deployed
        self._ask_at = 0.0
        self.version = 0
        """Version of the delivered configuration; 0 = the deployment's own serves."""
        self.certain = not has_object or (self.good and not has_admin)
        """Whether requests are answered without a wait: no other configuration can be due."""

    @property
    def good(self) -> bool:
        """Whether there is a configuration to serve."""
        return self._config is not None

    @property
    def config(self) -> Config:
        """The configuration that serves; an empty one where there is none."""
        return NOTHING if self._config is None else self._config

    def take(self, delivered: Delivered) -> Taken:
        """Serve a delivered configuration of another version, if this release can read it."""
        if delivered.version == self.version:
            return Taken(serves=False)
        self.version = delivered.version
        found = self._deployed if delivered.document is None else self._read(delivered)
        if found is not None and not isinstance(found, Config):
            said = (f"configuration {self.version}: {problem}" for problem in found.problems)
            return Taken(serves=False, troubles=tuple(Trouble(message=one) for one in said))
        self._config = found
        self.settle()
        return Taken(serves=True)

    def asks(self, now: float) -> bool:
        """Whether a request asks the Durable Object; if so, later ones wait for its answer."""
        if self.certain or now < self._ask_at:
            return False
        self._ask_at = now + (FIRST_WAIT if self.good else ASK_AGAIN)
        return True

    def waits(self, now: float) -> bool:
        """Whether a request waits for the answer to another one's question.

        With nothing to serve, requests are refused at once instead.
        """
        return self.good and not self.certain and now < self._ask_at

    def settle(self) -> None:
        """End the wait: there was an answer, or none came in time."""
        self.certain = self.good
