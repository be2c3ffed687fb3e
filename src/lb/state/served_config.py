"""Which configuration an isolate serves, and how long its first requests wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from lb.log_events import Trouble
from lb.model import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lb.state.pull import Delivered

    Read = Callable[[Delivered], "Config | Unreadable"]

FIRST_WAIT = 3.0
"""Seconds that the first requests of an isolate wait at most for what operators have configured."""

LOOK_AGAIN = 0.02
"""Seconds between two looks of a request that waits for what another one has asked for. They
share no future: that of one request hangs in another (docs/decisions/first-request.md)."""

ASK_AGAIN = 5.0
"""Seconds after which an isolate that has nothing to serve asks once more."""

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
    """Plain data that the requests of an isolate share: a wait is a time that passes.

    The deployment's own configuration serves until the Durable Object delivers another one. What is
    delivered was checked before it was kept, so one that cannot be read is of another release,
    which knows other keys: the isolate stays with what it has.
    """

    def __init__(
        self, deployed: Config | None, read: Read, *, has_object: bool, has_admin: bool
    ) -> None:
        """`deployed`: None = the deployment's own has problems.

        `has_object`: whether the Durable Object is bound; `has_admin`: whether operators can
        configure anything in it.
        """
        self._deployed = deployed
        self._read = read
        self._config = deployed
        self._ask_at = 0.0
        self.version = 0
        """Of the configuration that operators have made; 0 = the deployment's own."""
        self.certain = not has_object or (self.good and not has_admin)
        """Whether requests are answered without a wait."""

    @property
    def good(self) -> bool:
        """Whether there is anything to serve."""
        return self._config is not None

    @property
    def config(self) -> Config:
        """The configuration that serves; without a good one, that of nothing at all."""
        return NOTHING if self._config is None else self._config

    def take(self, delivered: Delivered) -> Taken:
        """Serve a delivered configuration, if it is news and this release can read it."""
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
        """Whether a request asks the Durable Object; others wait for its answer meanwhile."""
        if self.certain or now < self._ask_at:
            return False
        self._ask_at = now + (FIRST_WAIT if self.good else ASK_AGAIN)
        return True

    def waits(self, now: float) -> bool:
        """Whether a request waits for the answer to another one's question.

        With nothing to serve, it is refused at once.
        """
        return self.good and not self.certain and now < self._ask_at

    def settle(self) -> None:
        """Serve what there is, as there was an answer, or none came in time."""
        self.certain = self.good
