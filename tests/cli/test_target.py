"""The URL of a balancer, and the source of the token."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
import respx

from evenkeel.live.client.target import target_of
from evenkeel.live.commands.token import new_token
from evenkeel.output.errors import Exit, UsageError
from support.commands import ADMIN, TOKEN, URL, Scripted, good, run

TOKEN_FORM = re.compile(r"[0-9A-Za-z_][0-9A-Za-z\-_]{39,79}")


@pytest.mark.parametrize(
    ("url", "path", "asked"),
    [
        ("https://lb.example.com", "", "https://lb.example.com/_lb"),
        ("lb.example.com", "", "https://lb.example.com/_lb"),
        (" https://LB.example.com/ ", "", "https://lb.example.com/_lb"),
        ("https://lb.example.com/_lb/", "", "https://lb.example.com/_lb"),
        ("https://lb.example.com/ops/lb#x", "", "https://lb.example.com/ops/lb"),
        ("https://lb.example.com/x", "/ops", "https://lb.example.com/ops"),
        ("https://lb.example.com:8443", "ops/", "https://lb.example.com:8443/ops"),
        ("http://127.0.0.1:8787", "", "http://127.0.0.1:8787/_lb"),
        ("localhost:8787", "", "http://localhost:8787/_lb"),
        ("http://[::1]:8787", "", "http://[::1]:8787/_lb"),
        ("lb.localhost:1", "", "http://lb.localhost:1/_lb"),
    ],
)
def test_a_url_may_be_written_in_several_ways(url: str, path: str, asked: str) -> None:
    """The scheme is optional, and the URL of the status page works too."""
    target = target_of(url, path)

    assert target.url == asked
    assert target.loopback is asked.startswith("http:")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://lb.example.com", "token could be read"),
        ("http://10.0.0.7", "token could be read"),
        ("http://localhost.example.com", "token could be read"),
        ("ftp://lb.example.com", "begins with ftp://"),
        ("https://user:pass@lb.example.com", "a user or a password"),
        ("https://", "no host"),
        ("https://lb example.com", "no host"),
        ("https://lb.example.com:port", "malformed"),
        ("https://[::1", "malformed"),
    ],
)
def test_a_bad_url_is_refused(url: str, message: str) -> None:
    """The message does not repeat a password in it."""
    with pytest.raises(UsageError, match=message) as caught:
        target_of(url)

    assert "pass@" not in caught.value.message


def test_http_to_another_machine_needs_an_option() -> None:
    """--insecure-http is for a network that the operator trusts."""
    target = target_of("http://10.0.0.7:80", insecure_http=True)

    assert target.url == "http://10.0.0.7:80/_lb"
    assert not target.loopback


@pytest.mark.parametrize(
    ("environment", "token"),
    [
        ({"EVENKEEL_TOKEN": "one", "LB_ADMIN_TOKEN": "two", "LB_READ_TOKEN": "three"}, "one"),
        ({"LB_ADMIN_TOKEN": "two", "LB_READ_TOKEN": "three"}, "two"),
        ({"LB_READ_TOKEN": " three\n"}, "three"),
    ],
)
@respx.mock
def test_the_token_comes_from_the_environment(environment: dict[str, str], token: str) -> None:
    """The variable of the command line comes first, then the Worker's secrets."""
    route = respx.get(f"{ADMIN}/versions").mock(return_value=good([]))

    ran = run("versions", environment={"EVENKEEL_URL": URL, **environment})

    assert ran.code == Exit.FINE
    assert route.calls.last.request.headers["authorization"] == f"Bearer {token}"


@respx.mock
def test_a_file_may_have_the_token(tmp_path: Path) -> None:
    """It takes precedence over the environment; its last line break is ignored."""
    route = respx.get(f"{ADMIN}/versions").mock(return_value=good([]))
    file = tmp_path / "token"
    file.write_text("from-the-file\n")

    file.chmod(0o600)

    ran = run("versions", f"--token-file={file}")

    assert ran.code == Exit.FINE
    assert route.calls.last.request.headers["authorization"] == "Bearer from-the-file"
    assert "chmod" not in ran.err
    file.chmod(0o640)
    assert f"other users can read {file}: chmod 600" in run("versions", f"--token-file={file}").err


@respx.mock
def test_a_user_is_asked_for_the_token() -> None:
    """The input is not echoed."""
    route = respx.get(f"{ADMIN}/versions").mock(return_value=good([]))

    ran = run("versions", answers=f"{TOKEN}\n", environment={"EVENKEEL_URL": URL})

    assert ran.code == Exit.FINE
    assert route.calls.last.request.headers["authorization"] == f"Bearer {TOKEN}"
    assert f"Token of {ADMIN}" in ran.err
    assert TOKEN not in ran.out + ran.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"one two", "without blanks"),
        (b"one\ntwo\n", "without blanks"),
        (b"\xff\xfe", "not UTF-8"),
        ("tokén".encode(), "without blanks"),
    ],
)
def test_a_malformed_token_is_refused_and_not_repeated(
    tmp_path: Path, content: bytes, message: str
) -> None:
    """A header cannot contain it, but it may be a secret."""
    file = tmp_path / "token"
    file.write_bytes(content)

    ran = run("versions", f"--token-file={file}")

    assert ran.code == Exit.USAGE
    assert message in ran.err
    assert "two" not in ran.err


def test_a_missing_token_without_a_user_is_a_usage_error() -> None:
    """The message names the variable to set."""
    ran = run("versions", environment={"EVENKEEL_URL": URL})

    assert ran.code == Exit.USAGE
    assert "EVENKEEL_TOKEN" in ran.err
    assert ran.out == ""


def test_a_missing_url_is_a_usage_error() -> None:
    """There is no default."""
    ran = run("status", environment={"EVENKEEL_TOKEN": TOKEN})

    assert ran.code == Exit.USAGE
    assert "--url" in ran.err


def test_a_missing_token_file_is_a_usage_error(tmp_path: Path) -> None:
    """The message is one line without a traceback."""
    ran = run("status", f"--token-file={tmp_path / 'none'}")

    assert ran.code == Exit.USAGE
    assert ran.err == f"evenkeel: {tmp_path / 'none'}: cannot be read: no such file or directory\n"


@respx.mock
def test_a_service_token_and_a_mail_address_are_sent() -> None:
    """Every request has their headers if the environment has them."""
    route = respx.get(f"{ADMIN}/versions").mock(return_value=good([]))
    access = {
        "CF_ACCESS_CLIENT_ID": "id.access",
        "CF_ACCESS_CLIENT_SECRET": "secret",
        "EVENKEEL_EMAIL": "ann@example.com",
    }

    run("versions", environment={"EVENKEEL_URL": URL, "EVENKEEL_TOKEN": TOKEN, **access})

    sent = route.calls.last.request.headers
    assert sent["x-auth-email"] == "ann@example.com"
    assert sent["cf-access-client-id"] == "id.access"
    assert sent["cf-access-client-secret"] == "secret"


def test_a_bad_service_token_is_not_repeated() -> None:
    """The HTTP library would print the header."""
    access = {"CF_ACCESS_CLIENT_SECRET": "secret\nfurther"}

    ran = run("versions", environment={"EVENKEEL_URL": URL, "EVENKEEL_TOKEN": TOKEN, **access})

    assert ran.code == Exit.USAGE
    assert "CF_ACCESS_CLIENT_SECRET" in ran.err
    assert "secret\n" not in ran.err


def test_a_new_token_fits_everywhere() -> None:
    """It has 43 characters, of letters, digits, - and _, and never begins like an option."""
    made = {new_token() for _ in range(200)}

    assert len(made) == 200
    assert all(TOKEN_FORM.fullmatch(token) for token in made)


@pytest.mark.parametrize(
    ("options", "name"), [((), "LB_ADMIN_TOKEN"), (("--read",), "LB_READ_TOKEN")]
)
def test_token_prints_a_token_and_how_to_set_it(options: tuple[str, ...], name: str) -> None:
    """The token alone goes to the standard output, so that it can be piped."""
    ran = run("token", *options, environment={})

    assert ran.code == Exit.FINE
    assert TOKEN_FORM.fullmatch(ran.out.removesuffix("\n"))
    assert f"evenkeel wrangler secret put {name}" in ran.err
    assert ran.out.strip() not in ran.err


def test_token_can_be_written_to_a_private_file(tmp_path: Path) -> None:
    """It is not printed then, and an existing file is not overwritten."""
    file = tmp_path / "token"
    ran = run("token", f"--output={file}", environment={})
    made = file.read_text().strip()

    assert ran.code == Exit.FINE
    assert TOKEN_FORM.fullmatch(made)
    assert file.stat().st_mode & 0o777 == 0o600
    assert made not in ran.out + ran.err

    again = run("token", f"--output={file}", environment={})

    assert again.code == Exit.USAGE
    assert "file exists" in again.err
    assert file.read_text().strip() == made


@respx.mock
def test_a_token_from_the_standard_input() -> None:
    """The first line of another program's output is the token."""
    route = respx.get(f"{ADMIN}/versions").mock(return_value=httpx.Response(401, json={}))

    run("versions", "--token-file=-", answers="piped\n", scripted=Scripted())

    assert route.calls.last.request.headers["authorization"] == "Bearer piped"
