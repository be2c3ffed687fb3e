"""Which balancer a command is for, and where its token comes from."""

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
def test_a_url_is_taken_as_people_write_it(url: str, path: str, asked: str) -> None:
    """With or without scheme; that of the status page, as the browser shows it, will do."""
    target = target_of(url, path)

    assert target.url == asked
    assert target.loopback is asked.startswith("http:")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://lb.example.com", "not over http"),
        ("http://10.0.0.7", "not over http"),
        ("http://localhost.example.com", "not over http"),
        ("ftp://lb.example.com", "begins with ftp://"),
        ("https://user:pass@lb.example.com", "a user or a password"),
        ("https://", "no host"),
        ("https://lb example.com", "no host"),
        ("https://lb.example.com:port", "none such as"),
        ("https://[::1", "none such as"),
    ],
)
def test_a_url_that_would_not_do_is_refused(url: str, said: str) -> None:
    """Before anything is sent, and without repeating a password in it."""
    with pytest.raises(UsageError, match=said) as caught:
        target_of(url)

    assert "pass@" not in caught.value.message


def test_http_to_another_machine_is_possible_when_asked_for() -> None:
    """For a way that its operator trusts as a whole."""
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
    """The command line's own variable first, then the Worker's secrets."""
    route = respx.get(f"{ADMIN}/versions").mock(return_value=good([]))

    ran = run("versions", environment={"EVENKEEL_URL": URL, **environment})

    assert ran.code == Exit.FINE
    assert route.calls.last.request.headers["authorization"] == f"Bearer {token}"


@respx.mock
def test_a_file_may_hold_the_token(tmp_path: Path) -> None:
    """It counts more than the environment; its last line break is no part of it."""
    route = respx.get(f"{ADMIN}/versions").mock(return_value=good([]))
    file = tmp_path / "token"
    file.write_text("from-the-file\n")

    file.chmod(0o600)

    ran = run("versions", f"--token-file={file}")

    assert ran.code == Exit.FINE
    assert route.calls.last.request.headers["authorization"] == "Bearer from-the-file"
    assert "chmod" not in ran.err
    file.chmod(0o640)
    assert f"others can read {file}: chmod 600" in run("versions", f"--token-file={file}").err


@respx.mock
def test_a_person_is_asked_for_the_token_and_does_not_see_it() -> None:
    """What is typed is not shown."""
    route = respx.get(f"{ADMIN}/versions").mock(return_value=good([]))

    ran = run("versions", answers=f"{TOKEN}\n", environment={"EVENKEEL_URL": URL})

    assert ran.code == Exit.FINE
    assert route.calls.last.request.headers["authorization"] == f"Bearer {TOKEN}"
    assert f"Token of {ADMIN}" in ran.err
    assert TOKEN not in ran.out + ran.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"one two", "must not have a blank"),
        (b"one\ntwo\n", "must not have a blank"),
        (b"\xff\xfe", "not UTF-8"),
        ("tokén".encode(), "must not have a blank"),
    ],
)
def test_what_is_no_token_is_refused_and_not_repeated(
    tmp_path: Path, content: bytes, said: str
) -> None:
    """It could not be sent in a header, and it may be a secret."""
    file = tmp_path / "token"
    file.write_bytes(content)

    ran = run("versions", f"--token-file={file}")

    assert ran.code == Exit.USAGE
    assert said in ran.err
    assert "two" not in ran.err


def test_no_token_and_nobody_to_ask_is_a_mistake_of_use() -> None:
    """A script gets told what to set."""
    ran = run("versions", environment={"EVENKEEL_URL": URL})

    assert ran.code == Exit.USAGE
    assert "EVENKEEL_TOKEN" in ran.err
    assert ran.out == ""


def test_no_url_is_a_mistake_of_use() -> None:
    """No default would be right: it would be somebody's balancer."""
    ran = run("status", environment={"EVENKEEL_TOKEN": TOKEN})

    assert ran.code == Exit.USAGE
    assert "--url" in ran.err


def test_a_token_file_that_is_not_there_is_a_mistake_of_use(tmp_path: Path) -> None:
    """One line, and no traceback."""
    ran = run("status", f"--token-file={tmp_path / 'none'}")

    assert ran.code == Exit.USAGE
    assert ran.err == f"evenkeel: {tmp_path / 'none'}: cannot be read: no such file or directory\n"


@respx.mock
def test_cloudflare_access_and_the_versions_are_told_who_it_is() -> None:
    """By headers that go with every request, if the environment has them."""
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
    """The library would show the header."""
    access = {"CF_ACCESS_CLIENT_SECRET": "secret\nfurther"}

    ran = run("versions", environment={"EVENKEEL_URL": URL, "EVENKEEL_TOKEN": TOKEN, **access})

    assert ran.code == Exit.USAGE
    assert "CF_ACCESS_CLIENT_SECRET" in ran.err
    assert "secret\n" not in ran.err


def test_a_new_token_fits_everywhere() -> None:
    """Long enough, of letters, digits, - and _, and never like an option."""
    made = {new_token() for _ in range(200)}

    assert len(made) == 200
    assert all(TOKEN_FORM.fullmatch(token) for token in made)


@pytest.mark.parametrize(
    ("options", "name"), [((), "LB_ADMIN_TOKEN"), (("--read",), "LB_READ_TOKEN")]
)
def test_token_prints_one_and_says_where_it_goes(options: tuple[str, ...], name: str) -> None:
    """The token alone on the standard output, so that it can be piped."""
    ran = run("token", *options, environment={})

    assert ran.code == Exit.FINE
    assert TOKEN_FORM.fullmatch(ran.out.removesuffix("\n"))
    assert f"evenkeel wrangler secret put {name}" in ran.err
    assert ran.out.strip() not in ran.err


def test_token_can_go_to_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    """It is not shown then, and never written over another one."""
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
    """From another program: one line of it."""
    route = respx.get(f"{ADMIN}/versions").mock(return_value=httpx.Response(401, json={}))

    run("versions", "--token-file=-", answers="piped\n", scripted=Scripted())

    assert route.calls.last.request.headers["authorization"] == "Bearer piped"
