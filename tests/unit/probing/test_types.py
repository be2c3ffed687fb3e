"""Types of monitors: their fields, probes and verdicts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.config import Invalid, from_toml
from lb.health.verdict import NO_FAILURES
from lb.model import Monitor, MonitorType
from lb.probing.probe import Answer, Finished, ProbeFailure, SocketProbe
from lb.probing.types import MONITORS, smtp, tcp
from lb.probing.types.smtp import DIALOGUE, MOST_BYTES, Smtp, Step
from support.make import monitor, origin
from support.toml import load_balancer, pool, table

GREETING, HELLO, BYE = b"220 mail ESMTP\r\n", b"250 mail\r\n", b"221 bye\r\n"
NEVER = (MonitorType.ICMP_PING, MonitorType.UDP_ICMP)


def talk(*pieces: bytes) -> list[bytes | Finished]:
    """Feed these bytes of a mail server; return our part, up to the end."""
    dialogue, said = Smtp(), list[bytes | Finished]()
    for piece in pieces:
        said.append(dialogue.received(piece))
        if isinstance(said[-1], Finished):
            break
    return said


def parsed(**fields: Any) -> list[str]:
    """Return the problems of a configuration with this monitor."""
    place = {"name": "a", "address": "a.example.com"}
    text = table("monitors", {"name": "m", **fields}) + pool("p", place, monitor="m")
    found = from_toml(text + load_balancer("*", "p"))
    return [str(each) for each in found.problems] if isinstance(found, Invalid) else []


def test_every_type_that_a_worker_can_do_is_there() -> None:
    """icmp_ping and udp_icmp are refused by the configuration; all others are there."""
    assert set(MONITORS) == set(MonitorType) - set(NEVER)


@pytest.mark.parametrize("kind", list(NEVER))
def test_what_a_worker_cannot_do_is_refused_with_the_reason(kind: MonitorType) -> None:
    """A monitor that would never run is a problem, not a monitor that is always healthy."""
    assert parsed(type=kind.value, port=53) == [
        f'"{kind.value}" is not possible: a Worker has neither ICMP nor UDP @ $.monitors[0].type'
    ]
    assert "a Worker always checks certificates" in parsed(type="https", allow_insecure=True)[0]


def test_a_socket_needs_a_port_and_25_is_blocked() -> None:
    """A socket has no default port, and Workers cannot connect to port 25."""
    assert parsed(type="tcp", port=5432) == []
    assert parsed(type="smtp", port=587) == []
    assert parsed(type="tcp") == ["must be given for type tcp @ $.monitors[0].port"]
    assert parsed(type="smtp") == ["must be given for type smtp @ $.monitors[0].port"]
    blocked = "Workers cannot connect to port 25 (587 and 2525 are for mail too)"
    assert parsed(type="smtp", port=25) == [f"is not possible: {blocked} @ $.monitors[0].port"]
    assert parsed(type="tcp", port=25) == parsed(type="smtp", port=25)


def test_the_method_of_a_tcp_monitor_is_cloudflares() -> None:
    """connection_established is the method of a tcp monitor, and of no other."""
    assert parsed(type="tcp", port=1, method="connection_established") == []
    assert parsed(type="http", method="connection_established") == [
        "is for monitors of type tcp @ $.monitors[0].method"
    ]


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://a.example.com", "a.example.com"), ("http://127.0.0.1:9001", "127.0.0.1")],
)
def test_a_socket_probe_goes_to_the_origins_host_and_the_monitors_port(url: str, host: str) -> None:
    """The port of the origin's traffic is not used."""
    watching = Monitor(name="m", type=MonitorType.TCP, port=5432, timeout=2)

    assert tcp.probe(watching, origin("a", url=url)) == SocketProbe(
        host=host, port=5432, timeout=2, dialogue=None
    )
    assert smtp.probe(watching, origin("a", url=url)).dialogue is Smtp


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (Finished(), NO_FAILURES),
        (Finished(cause="Response code mismatch"), "Response code mismatch"),
        (ProbeFailure.TCP_TIMEOUT, "TCP Timeout"),
        (ProbeFailure.CONNECTION, "TCP connection failed"),
        (Answer(status=200), "Other failure"),
    ],
)
def test_a_connection_is_judged(reply: Answer | Finished | ProbeFailure, cause: str) -> None:
    """A connection and an expected dialogue pass; else there is a cause."""
    verdict = tcp.judge(monitor(), reply)

    assert (verdict.passed, verdict.cause) == (cause == NO_FAILURES, cause)


def test_a_mail_server_is_greeted_and_left() -> None:
    """220, HELO, 250, QUIT, 221: Cloudflare's dialogue."""
    assert talk(GREETING, HELLO, BYE) == [b"HELO evenkeel.invalid\r\n", b"QUIT\r\n", Finished()]


def test_the_dialogue_is_total() -> None:
    """Every step has a reply code and, but for the last, a next step."""
    assert set(DIALOGUE) == set(Step)
    assert [step for step, turn in DIALOGUE.items() if turn.then is None] == [Step.QUIT]


def test_a_reply_of_several_lines_ends_with_its_last() -> None:
    """RFC 5321, 4.2.1: a hyphen after the code means that more lines follow."""
    said = talk(b"220-mail\r\n", b"220-be", b"patient\r\n220 ok\r\n", HELLO, BYE)

    assert said == [b"", b"", b"HELO evenkeel.invalid\r\n", b"QUIT\r\n", Finished()]


@pytest.mark.parametrize(
    ("pieces", "cause"),
    [
        ((b"554 no service\r\n",), "Response code mismatch"),
        ((b"421 busy\r\n",), "Response code mismatch"),
        ((GREETING, b"501 who?\r\n"), "Response code mismatch"),
        ((GREETING, HELLO, b"250 what?\r\n"), "Response code mismatch"),
        ((b"SSH-2.0-OpenSSH_9\r\n",), "Response body mismatch"),
        ((b"HTTP/1.1 400 Bad Request\r\n",), "Response body mismatch"),
        ((b"\r\n",), "Response body mismatch"),
        ((b"2200 ok\r\n",), "Response body mismatch"),
        ((b"x" * MOST_BYTES, b"x"), "Response body mismatch"),
    ],
)
def test_anything_else_is_no_healthy_mail_server(pieces: tuple[bytes, ...], cause: str) -> None:
    """The first wrong reply ends the dialogue, as does a reply that is too long."""
    assert talk(*pieces)[-1] == Finished(cause=cause)


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_no_bytes_break_the_dialogue(pieces: list[bytes]) -> None:
    """Any bytes of a server let the dialogue go on or end."""
    assert all(isinstance(each, bytes | Finished) for each in talk(*pieces))


@given(st.lists(st.integers(1, 12), min_size=1, max_size=60))
def test_how_bytes_are_cut_makes_no_difference(sizes: list[int]) -> None:
    """A reply in pieces is the same reply."""
    dialogue, said = Smtp(), []
    for whole in (GREETING, HELLO, BYE):
        left, cuts = whole, iter(sizes)
        while left:
            size = next(cuts, len(left))
            said.append(dialogue.received(left[:size]))
            left = left[size:]

    assert [each for each in said if each] == talk(GREETING, HELLO, BYE)
