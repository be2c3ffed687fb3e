"""Addresses and host names: what a Worker can reach, and the normal form."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.config.reading.host_names import (
    NO_IP_ADDRESS,
    NO_PRIVATE_ADDRESS,
    NO_TUNNEL_ID,
    NOT_ASCII,
    NOTHING_BEHIND,
    Address,
    parse_address,
    served_name_problem,
)


@pytest.mark.parametrize(
    ("text", "port", "url", "explicit"),
    [
        ("a.example.com", 0, "https://a.example.com", False),
        ("A.Example.COM", 0, "https://a.example.com", False),
        ("a.example.com", 80, "http://a.example.com", False),
        ("a.example.com", 443, "https://a.example.com", False),
        ("a.example.com", 8443, "https://a.example.com:8443", False),
        ("a.example.com:8443", 0, "https://a.example.com:8443", True),
        ("a.example.com:80", 0, "http://a.example.com", True),
        ("a.example.com:443", 0, "https://a.example.com", True),
        ("https://a.example.com/", 0, "https://a.example.com", True),
        ("HTTPS://a.example.com:443", 0, "https://a.example.com", True),
        ("https://a.example.com:80", 0, "https://a.example.com:80", True),
        ("http://a.example.com:443", 0, "http://a.example.com:443", True),
        ("http://127.0.0.1:9001", 0, "http://127.0.0.1:9001", True),
        ("127.0.0.1:9001", 0, "http://127.0.0.1:9001", True),
        ("localhost", 0, "http://localhost", False),
        ("app.localhost:3000", 0, "http://app.localhost:3000", True),
        ("https://[::1]:9001", 0, "https://[::1]:9001", True),
        ("::1", 0, "http://[::1]", False),
        ("under_score.example.com", 0, "https://under_score.example.com", False),
        ("xn--bcher-kva.example", 0, "https://xn--bcher-kva.example", False),
    ],
)
def test_an_address_becomes_a_url(text: str, port: int, url: str, explicit: bool) -> None:
    """An address becomes a URL with a lower-case host, no default port, and https by default."""
    address = parse_address(text)

    assert isinstance(address, Address)
    assert address.url(port) == url
    assert address.explicit is explicit
    assert address.text == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("192.0.2.1", NO_IP_ADDRESS),
        ("http://10.0.0.1:8080", NO_PRIVATE_ADDRESS),
        ("192.168.178.20", NO_PRIVATE_ADDRESS),
        ("172.31.255.255", NO_PRIVATE_ADDRESS),
        ("172.32.0.1", NO_IP_ADDRESS),
        ("100.101.102.103", NO_PRIVATE_ADDRESS),
        ("169.254.1.1", NO_PRIVATE_ADDRESS),
        ("[fd12::1]:8080", NO_PRIVATE_ADDRESS),
        ("fe80::1", NO_PRIVATE_ADDRESS),
        ("203.0.113.7", NO_IP_ADDRESS),
        ("0.0.0.0", NO_IP_ADDRESS),
        ("[2001:db8::1]", NO_IP_ADDRESS),
        ("2001:db8::1", NO_IP_ADDRESS),
        ("::ffff:127.0.0.1", NO_IP_ADDRESS),
        ("2130706433", NO_IP_ADDRESS),
        ("0x7f000001", NO_IP_ADDRESS),
        ("127.1", NO_IP_ADDRESS),
        ("c6b4.cfargotunnel.com", NO_TUNNEL_ID),
        ("bücher.example", NOT_ASCII),
        ("\N{KELVIN SIGN}.example", NOT_ASCII),
        ("a.example.com/path", NOTHING_BEHIND),
        ("https://a.example.com?x=1", NOTHING_BEHIND),
        ("https://a.example.com//", NOTHING_BEHIND),
        ("https://a.example.com/#top", NOTHING_BEHIND),
    ],
)
def test_an_address_that_a_worker_cannot_use_says_why(text: str, reason: str) -> None:
    """An address that a Worker cannot use is refused with the platform's reason."""
    assert parse_address(text) == reason


@pytest.mark.parametrize(
    "text",
    [
        "",
        " a.example.com",
        "a.example.com\n",
        "a b.example.com",
        "a.example.com.",
        "a..example.com",
        "-a.example.com",
        "a-.example.com",
        f"{'a' * 64}.example.com",
        ".".join(["a" * 60] * 5),
        "https://",
        "https:///",
        "//a.example.com",
        "ftp://a.example.com",
        "wss://a.example.com",
        "https://user:secret@a.example.com",
        "a.example.com:",
        "a.example.com:0",
        "a.example.com:65536",
        "a.example.com:x",
        "a.example.com:999999999999999999",
        "a%2eexample.com",
        "a\\example.com",
        "[::1%25lo]",
        "[a.example.com]",
        "*.example.com",
    ],
)
def test_an_address_that_is_none_is_refused(text: str) -> None:
    """An invalid address is refused without repeating it, because it may hold a password."""
    reason = parse_address(text)

    assert isinstance(reason, str)
    assert "secret" not in reason


@given(st.text(alphabet=string.printable + "é\N{KELVIN SIGN}[]:/@%"))
def test_any_text_is_an_address_or_gets_a_reason(text: str) -> None:
    """Any text is a URL of scheme, host and port, or is refused with a reason."""
    address = parse_address(text)

    if isinstance(address, Address):
        scheme, _, authority = address.url().partition("://")
        assert scheme in {"http", "https"}
        assert authority == authority.lower()
        assert not set(authority) & set("/?#@ %\\")
    else:
        assert address


@pytest.mark.parametrize(
    "name", ["*", "example.com", "*.example.com", "Service.Example.com", "localhost"]
)
def test_a_load_balancer_serves_a_host_name_or_a_wildcard(name: str) -> None:
    """A load balancer's name is a host name, a wildcard, or the star alone for every host."""
    assert served_name_problem(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "*.",
        "*.*.example.com",
        "a.*.example.com",
        "**",
        "https://example.com",
        "example.com:8080",
        "example.com/",
        "bücher.example",
        "127.0.0.1",
        "a b",
    ],
)
def test_a_load_balancer_serves_nothing_else(name: str) -> None:
    """A load balancer's name is no URL or IP address, and has no port or inner star."""
    assert served_name_problem(name)
