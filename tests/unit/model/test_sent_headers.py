"""Headers whose values are secrets: what is sent, and what is said of missing ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lb.model import HeaderEdits, HeaderValue, MonitorType, SecretName
from lb.model.header_secrets import problem_of, sent
from lb.model.missing_secrets import problems_of
from support.make import balancer_of, config_of, monitor, pool

SECRETS = {"ID": "id.access\n", "BAD": "caf\u00e9", "TWO": "a\nb", "EMPTY": " \n"}
EDITS: HeaderEdits[HeaderValue] = HeaderEdits(
    set=(("A", SecretName("ID")), ("B", SecretName("GONE")), ("C", ""), ("D", "d"))
)


def test_what_is_sent() -> None:
    """A secret without the line end of `echo`; never an empty value in place of a secret."""
    assert sent(EDITS.set, SECRETS.get) == ((("A", "id.access"), ("C", ""), ("D", "d")), ("B",))


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("ID", ""),
        ("GONE", "there is no secret GONE"),
        ("EMPTY", "there is no secret EMPTY"),
        ("BAD", "the secret BAD is not one line of printable ASCII"),
        ("TWO", "the secret TWO is not one line of printable ASCII"),
    ],
)
def test_a_secret_that_cannot_be_sent_has_a_reason(name: str, problem: str) -> None:
    """A secret that no header can have is as good as none: to set it would fail every request."""
    value = SecretName(name)
    assert problem_of(value, SECRETS.get) == problem
    assert sent((("A", value),), SECRETS.get)[1] == (("A",) if problem else ())
    assert problem_of("caf\u00e9", SECRETS.get) == ""


def test_a_missing_secret_is_one_message() -> None:
    """It names all that lack it, and the command that stores it."""
    header = (("B", ("plain", SecretName("GONE"), SecretName("GONE"))),)
    lb = balancer_of(pool("p", "a"), request_headers=EDITS)
    off = replace(lb, name="off.test", enabled=False)
    watching = (
        monitor(header=header),
        replace(monitor(header=header), name="socket", type=MonitorType.TCP),
    )
    config = replace(config_of(lb, off), monitors=watching)

    assert problems_of(config, SECRETS.get) == (
        (
            "there is no secret GONE: load balancer * sends no B; monitor m fails; "
            "store it with `evenkeel wrangler secret put GONE`"
        ),
    )
    assert problems_of(config, lambda _: "x") == ()


def test_a_name_is_shown_and_compared() -> None:
    """Names take part in the fingerprint of a configuration."""
    assert repr(SecretName("ID")) == "SecretName('ID')"
    assert SecretName("ID") == SecretName("ID") != SecretName("X")
    assert len({SecretName("ID"), SecretName("ID")}) == 1
