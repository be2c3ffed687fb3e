"""What each type of monitor asks, what it concludes, and why a probe failed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.config import Invalid, from_toml
from lb.health.verdict import NO_FAILURES
from lb.model import CodeRange, Monitor, MonitorType
from lb.probing.causes import EDGE_CAUSES, FAILURES, Phase, Sign, ended, failure_of, timed_out
from lb.probing.probe import TIMEOUTS, Answer, Finished, HttpProbe, ProbeFailure, SocketProbe
from lb.probing.types import MONITORS, http, smtp, tcp
from lb.probing.types.smtp import DIALOGUE, MOST_BYTES, Smtp, Step
from support.make import monitor, origin
from support.toml import load_balancer, pool, table

GREETING, HELLO, BYE = b"220 mail ESMTP\r\n", b"250 mail\r\n", b"221 bye\r\n"
NEVER = (MonitorType.ICMP_PING, MonitorType.UDP_ICMP)


def probe_of(**fields: Any) -> HttpProbe:
    """Return the probe of a monitor that follows redirects, with a secret in a header."""
    watching = monitor(follow_redirects=True, header=(("Authorization", ("secret",)),), **fields)
    return http.probe(watching, origin("a"))


def talk(*pieces: bytes) -> list[bytes | Finished]:
    """Let a mail server say these, piece by piece; return what was answered, up to the end."""
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
    """icmp_ping and udp_icmp are refused by the configuration; all others have their decisions."""
    assert set(MONITORS) == set(MonitorType) - set(NEVER)


@pytest.mark.parametrize("kind", list(NEVER))
def test_what_a_worker_cannot_do_is_refused_with_the_reason(kind: MonitorType) -> None:
    """A monitor that would never run is a problem, not a monitor that is always healthy."""
    assert parsed(type=kind.value, port=53) == [
        f'"{kind.value}" is not possible: a Worker has neither ICMP nor UDP @ $.monitors[0].type'
    ]
    assert "a Worker always checks certificates" in parsed(type="https", allow_insecure=True)[0]


def test_a_socket_needs_a_port_and_25_is_blocked() -> None:
    """There is no usual port to fall back on, and Workers cannot connect to port 25."""
    assert parsed(type="tcp", port=5432) == []
    assert parsed(type="smtp", port=587) == []
    assert parsed(type="tcp") == ["must be given for type tcp @ $.monitors[0].port"]
    assert parsed(type="smtp") == ["must be given for type smtp @ $.monitors[0].port"]
    blocked = "Workers cannot connect to port 25 (587 and 2525 are for mail too)"
    assert parsed(type="smtp", port=25) == [f"is not possible: {blocked} @ $.monitors[0].port"]
    assert parsed(type="tcp", port=25) == parsed(type="smtp", port=25)


def test_the_method_of_a_tcp_monitor_is_cloudflares() -> None:
    """The API calls it connection_established; for http that is no method."""
    assert parsed(type="tcp", port=1, method="connection_established") == []
    assert parsed(type="http", method="connection_established") == [
        "is for monitors of type tcp @ $.monitors[0].method"
    ]


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://a.example.com", "a.example.com"), ("http://127.0.0.1:9001", "127.0.0.1")],
)
def test_a_socket_probe_goes_to_the_origins_host_and_the_monitors_port(url: str, host: str) -> None:
    """The port of the origin's own traffic is another matter."""
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
    """It was made, and what was said on it was as expected; else the cause says what was not."""
    verdict = tcp.judge(monitor(), reply)

    assert (verdict.passed, verdict.cause) == (cause == NO_FAILURES, cause)


def test_a_mail_server_is_greeted_and_left() -> None:
    """220, HELO, 250, QUIT, 221: Cloudflare's dialogue."""
    assert talk(GREETING, HELLO, BYE) == [b"HELO evenkeel.invalid\r\n", b"QUIT\r\n", Finished()]


def test_the_dialogue_is_total() -> None:
    """Each step has its code; the last one leads nowhere."""
    assert set(DIALOGUE) == set(Step)
    assert [step for step, turn in DIALOGUE.items() if turn.then is None] == [Step.QUIT]


def test_a_reply_of_several_lines_ends_with_its_last() -> None:
    """RFC 5321, 4.2.1: a hyphen after the code says that more follows."""
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
    """The first wrong reply ends the dialogue, and what never ends is not read for ever."""
    assert talk(*pieces)[-1] == Finished(cause=cause)


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_no_bytes_break_the_dialogue(pieces: list[bytes]) -> None:
    """Whatever a server sends, the dialogue goes on or ends."""
    assert all(isinstance(each, bytes | Finished) for each in talk(*pieces))


@given(st.lists(st.integers(1, 12), min_size=1, max_size=60))
def test_how_bytes_are_cut_makes_no_difference(sizes: list[int]) -> None:
    """A reply that comes in pieces is the same reply."""
    dialogue, said = Smtp(), []
    for whole in (GREETING, HELLO, BYE):
        left, cuts = whole, iter(sizes)
        while left:
            size = next(cuts, len(left))
            said.append(dialogue.received(left[:size]))
            left = left[size:]

    assert [each for each in said if each] == talk(GREETING, HELLO, BYE)


def test_without_follow_redirects_a_redirect_is_an_answer() -> None:
    """A 3xx is judged by its status, and nobody else is asked."""
    probe = http.probe(monitor(), origin("a"))

    assert http.redirected(probe, 302, "https://b.example.com/") is None


@pytest.mark.parametrize("status", [200, 300, 304, 404])
def test_only_redirects_are_followed(status: int) -> None:
    """A Location on another answer leads nowhere, and neither does a redirect without one."""
    assert http.redirected(probe_of(), status, "/x") is None
    assert http.redirected(probe_of(), 302, "") is None


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/x?y=1#z", "https://a.example.com/x?y=1"),
        ("x", "https://a.example.com/deep/x"),
        ("//b.example.com/x", "https://b.example.com/x"),
        ("https://b.example.com", "https://b.example.com"),
    ],
)
def test_a_redirect_is_followed(location: str, url: str) -> None:
    """Relative to the URL that was asked (RFC 3986, 5)."""
    following = http.redirected(probe_of(path="/deep/health"), 302, location)

    assert isinstance(following, HttpProbe)
    assert following.url == url


def test_redirects_are_followed_so_many_times() -> None:
    """Each is a subrequest; the answer after the last one is judged as it is."""
    probe, followed = probe_of(), 0
    while isinstance(following := http.redirected(probe, 302, "/again"), HttpProbe):
        probe, followed = following, followed + 1

    assert following is None
    assert followed == http.MOST_REDIRECTS


@pytest.mark.parametrize(
    "location", ["http://a.example.com/", "ftp://a.example.com/", "data:,ok", "https://[::1"]
)
def test_a_redirect_out_of_https_is_a_failure(location: str) -> None:
    """Nothing vouches for what would be found there."""
    assert http.redirected(probe_of(), 301, location) is ProbeFailure.INVALID


def test_a_monitors_headers_stay_with_their_origin() -> None:
    """A redirect to another host or port gets the User-Agent alone."""
    near, far = (
        http.redirected(probe_of(), 307, url) for url in ("/x", "https://a.example.com:8443/x")
    )

    assert isinstance(near, HttpProbe)
    assert isinstance(far, HttpProbe)
    assert [name for name, _ in near.headers] == ["User-Agent", "Authorization"]
    assert [name for name, _ in far.headers] == ["User-Agent"]


@pytest.mark.parametrize(
    ("status", "method", "after"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (302, "HEAD", "HEAD"),
        (303, "HEAD", "HEAD"),
        (303, "PUT", "GET"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
    ],
)
def test_what_a_redirect_makes_of_the_method(status: int, method: str, after: str) -> None:
    """RFC 9110, 15.4: 303 asks for GET, 307 and 308 keep the method, old clients decided 302."""
    following = http.redirected(probe_of(method=method), status, "/x")

    assert isinstance(following, HttpProbe)
    assert following.method == after


def test_an_answer_of_the_edge_has_the_edges_cause() -> None:
    """Of a tunnel that is down, "Response code mismatch" would say nothing."""
    for status, cause in EDGE_CAUSES.items():
        by_edge = http.judge(monitor(), Answer(status=status, by_edge=True))
        assert (by_edge.passed, by_edge.cause) == (False, cause)
        own = http.judge(monitor(), Answer(status=status))
        assert own.cause == "Response code mismatch"


def test_a_code_that_is_expected_is_healthy_whoever_wrote_it() -> None:
    """expected_codes is the operator's last word."""
    watching = monitor(expected_codes=(CodeRange(low=500, high=599),))

    assert http.judge(watching, Answer(status=530, by_edge=True)).passed


def test_the_table_of_failures_is_total() -> None:
    """Whatever the runtime says in whatever phase has a cause."""
    assert set(FAILURES) == set(Phase)
    assert all(set(row) == set(Sign) for row in FAILURES.values())


def test_a_probe_that_takes_too_long_or_is_cut_short_has_the_cause_of_its_phase() -> None:
    """The runtime raises no error for these two."""
    assert timed_out(Phase.CONNECTING) is ProbeFailure.TCP_TIMEOUT
    assert timed_out(Phase.READING) is ProbeFailure.TIMEOUT
    assert ended(Phase.TALKING) is ProbeFailure.RESET


@pytest.mark.parametrize(
    ("phase", "name", "message", "failure"),
    [
        (Phase.ASKING, "Error", "Network connection lost.", ProbeFailure.CONNECTION),
        (Phase.ASKING, "AbortError", "The operation was aborted", ProbeFailure.TIMEOUT),
        (Phase.ASKING, "Error", "internal error; reference = abc", ProbeFailure.OTHER),
        (Phase.ASKING, "TypeError", "Fetch API cannot load: x", ProbeFailure.CONFIG),
        (Phase.READING, "Error", "Network connection lost.", ProbeFailure.RESET),
        (Phase.READING, "AbortError", "The operation was aborted", ProbeFailure.TIMEOUT),
        (Phase.CONNECTING, "AbortError", "", ProbeFailure.TCP_TIMEOUT),
        (Phase.TALKING, "Error", "Network connection lost.", ProbeFailure.RESET),
        (
            Phase.CONNECTING,
            "Error",
            "proxy request failed, cannot connect to the specified address",
            ProbeFailure.CONNECTION,
        ),
    ],
)
def test_what_the_runtimes_errors_mean(
    phase: Phase, name: str, message: str, failure: ProbeFailure
) -> None:
    """The errors as workerd words them."""
    assert failure_of(phase, name, message) is failure


def test_time_outs_are_what_is_tried_again() -> None:
    """Of a connection as of an answer."""
    assert {failure for failure in ProbeFailure if "ime" in failure.value} == TIMEOUTS
