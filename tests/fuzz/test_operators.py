"""Any input of an operator becomes a configuration or a list of problems in plain words."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from evenkeel.check.toml_lines import TomlLines
from lb.admin.handlers.origin_actions import Action, ActionRequest, after_action, read_action
from lb.base.times import for_people, lasting, rfc3339, rfc5322, seconds_of
from lb.config import Invalid, from_toml, from_variables
from lb.config.reading.host_names import (
    Address,
    endpoint_problem,
    parse_address,
    served_name_problem,
)
from lb.config.reading.status_codes import parse_codes
from lb.model import Config
from lb.proxy.balancer import Balancer
from lb.request.facts import host_of
from lb.request.hosts import HostTable
from support.hostile import anything, letters, quick, text
from support.make import facts

if TYPE_CHECKING:
    from lb.config import Problem

SECRET = "correct-horse-battery"

VARIABLES = (
    *("ORIGINS", "BACKEND_A", "BACKEND_B", "BACKEND_DOWN_TIME", "PRIMARY_DOMAIN", "MAX_RETRIES"),
    *("STICKY_SESSIONS", "SESSION_COOKIE_NAME", "SESSION_COOKIE_TTL", "HEALTH_CHECK_PATH"),
    *("HEALTH_CHECK_INTERVAL", "HEALTH_CHECK_TIMEOUT", "LB_COOKIE_KEY"),
)
origins_text = some.lists(
    some.sampled_from(
        [
            *("a.example.com", "https://b.example.com:8443", "http://localhost:9001", "[::1]:80"),
            f"https://user:{SECRET}@c.example.com",
            f"https://d.example.com/?key={SECRET}",
        ]
    )
    | text,
    max_size=4,
).map(", ".join)
LINES = (
    *("[[pools]]", "[[load_balancers]]", "[[monitors]]", "[admin]", "[state]", "[[pools.origins]]"),
    *('name = "a"', 'name = "*"', 'monitor = "a"', "origins = []", 'default_pools = ["a"]'),
    *('origins = [{ name = "a", address = "a.example.com" }]', 'fallback_pool = "a"', "weight = 1"),
    *(
        'type = "tcp"',
        "port = 80",
        "interval = 1e400",
        "x = {",
        "y = '''",
        '"\\u0000" = 1',
        "a.b.c=1",
    ),
    *("from = 2026-01-01T00:00:00Z", "from = 0000-00-00", 'expected_codes = "2xx"', "= 1", "[[]]"),
    f'header = {{ Authorization = ["{SECRET}"] }}',
    f'request_headers = {{ set = {{ X-Key = "{SECRET}" }} }}',
    f'request_headers = {{ set = {{ X-Key = ["{SECRET}"] }} }}',
    f'address = "https://user:{SECRET}@a.example.com"',
    f'url = "https://hooks.example.com/{SECRET}"',
)


def plain(problems: tuple[Problem, ...]) -> None:
    """Assert that every problem is one line of text without a secret."""
    assert problems
    for problem in problems:
        assert str(problem).isprintable()
        assert SECRET not in str(problem)
        assert problem.path.startswith("$")


def usable(config: Config) -> None:
    """Assert that an accepted configuration serves requests."""
    balancer = Balancer(config)
    for lb in config.load_balancers:
        host = lb.name.replace("*", "x")
        balancer.plan(facts(url=f"https://{host}/"), 1000.0, lambda: 0.5)


@given(some.lists(some.sampled_from(LINES) | text, max_size=14).map("\n".join))
@example('"\n"\\u0000" = 1')  # An error once ended the search for lines.
def test_a_file(toml: str) -> None:
    """A file is read or refused, the same way each time, and every problem has a line."""
    found = from_toml(toml)
    if isinstance(found, Invalid):
        plain(found.problems)
        lines = TomlLines(toml)
        count = toml.count("\n") + 1
        assert all(1 <= lines[problem.path] <= count for problem in found.problems)
    else:
        usable(found)
    assert from_toml(toml) == found


@example({"ORIGINS": "a.example.com", "BACKEND_DOWN_TIME": f"https://u:{SECRET}@a.example.com"})
@given(
    some.dictionaries(
        some.sampled_from(VARIABLES) | text, origins_text | text | anything, max_size=6
    )
)
def test_variables(variables: dict[str, object]) -> None:
    """Variables name no origin, are read, or are refused without repeating a password."""
    found = from_variables(variables)
    if isinstance(found, Invalid):
        plain(found.problems)
    elif found is not None:
        usable(found)
    assert from_variables(variables) == found


@given(text)
def test_an_address(written: str) -> None:
    """An accepted address is a URL of host and port to other parsers too, and reads back alike."""
    found = quick(lambda: parse_address(written), 0.2)
    quick(lambda: endpoint_problem(written), 0.2)
    if not isinstance(found, Address):
        assert isinstance(found, str)
        return
    url = found.url()
    parts = urlsplit(url)
    assert parts.scheme in ("http", "https")
    assert (parts.path, parts.query, parts.fragment, parts.username) == ("", "", "", None)
    assert 0 <= (parts.port or 0) <= 65_535
    assert host_of(parts.netloc) == found.host.lower()
    assert re.fullmatch(r"[a-z0-9_.:\[\]-]+", parts.netloc)
    again = parse_address(url)
    assert isinstance(again, Address)
    assert again.url() == url


@given(text)
def test_a_name_that_may_be_served_is_served(name: str) -> None:
    """Every accepted host name of a load balancer can be reached by a request."""
    if quick(lambda: served_name_problem(name), 0.2) is None:
        table = HostTable([(name.lower(), 1)])
        assert table.find(host_of(name.lower().replace("*", "x"))) == 1


part = some.sampled_from(["200", "2xx", "200-299", "599", "100 - 101", "99", "6xx", "-", "2XX", ""])


@given(some.lists(part | text, max_size=4).map(",".join))
def test_codes(written: str) -> None:
    """Status codes are ranges within 100-599, which can be written and read back, or a problem."""
    found = quick(lambda: parse_codes(written), 0.5)
    if isinstance(found, tuple):
        assert all(100 <= each.low <= each.high <= 599 for each in found)
        assert parse_codes(",".join(f"{each.low}-{each.high}" for each in found)) == found
    else:
        assert isinstance(found, str)


moments = some.datetimes(timezones=some.just(dt.UTC)) | some.datetimes(
    timezones=some.integers(-1439, 1439).map(lambda m: dt.timezone(dt.timedelta(minutes=m)))
)


@given(moments)
def test_a_moment_is_what_python_says(moment: dt.datetime) -> None:
    """Times are parsed as Python's datetime does, and what is written reads back the same."""
    expected = (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)).total_seconds()
    read = seconds_of(moment.isoformat())
    assert read is not None
    assert abs(read - expected) < 1e-4
    whole = expected // 1
    if 0 <= whole < 4e9:
        assert seconds_of(rfc3339(expected)) == whole
        assert dt.datetime.strptime(rfc5322(expected), "%a, %d %b %Y %H:%M:%S %z").timestamp() == (
            whole
        )


@given(text | some.text(some.sampled_from("0123456789-:TZtz+. "), max_size=30))
def test_what_is_no_moment(written: str) -> None:
    """A text with a time that is accepted is one for Python too, except for leap seconds."""
    found = seconds_of(written)
    if found is not None and ":60" not in written:
        dt.datetime.fromisoformat(written.upper())


@given(some.floats(0, 4e9) | some.integers(0, 10**10))
def test_times_for_people(seconds: float) -> None:
    """A time is shown as a readable date, and as a duration in units."""
    assert re.fullmatch(r"\d{4,}-\d\d-\d\d \d\d:\d\d:\d\d UTC", for_people(seconds))
    assert re.fullmatch(r"\d+ \w+( \d+ \w+)?", lasting(seconds))


@given(some.dictionaries(some.text(letters, max_size=5), anything, max_size=5))
def test_a_document_as_the_api_gets_it(document: dict[str, object]) -> None:
    """JSON that is no TOML is refused with problems that can be written as JSON."""
    found = from_toml(json.dumps(document))
    assert isinstance(found, Invalid)
    json.dumps([str(problem) for problem in found.problems])


@pytest.mark.parametrize(
    "unit", ["a.", "[", "{", '"', "'''", "\\", "a=1\n", "[[a]]\n", "x", "#", "é"]
)
def test_nothing_costs_a_square(unit: str) -> None:
    """Reading or refusing 50,000 repetitions of a unit takes seconds."""
    long = unit * 50_000
    quick(lambda: from_toml(long[:20_000]), 8)  # tomllib takes quadratic time for dotted keys.
    quick(lambda: from_toml(f'name = "{long}"'), 8)
    quick(lambda: from_variables({"ORIGINS": long, "PRIMARY_DOMAIN": long}), 8)
    quick(lambda: parse_address(long))
    quick(lambda: served_name_problem(long))
    quick(lambda: parse_codes(long))
    quick(lambda: seconds_of(long))


@quick
@given(
    some.text(max_size=200)
    | some.dictionaries(
        some.sampled_from(["pool", "origin", "action", "weight", "x/~"]),
        some.sampled_from([one.value for one in Action]) | some.floats() | text | anything,
    ).map(lambda body: json.dumps(body, default=str))
)
@example('{"pool": "p", "origin": "a", "action": "weight", "weight": 1e400}')
@example("[" * 100_000)
def test_an_action_is_a_wish_or_plain_words(body: str) -> None:
    """An action is read or refused with a message; it changes no other field of its origin."""
    wish = read_action(body)

    if not isinstance(wish, ActionRequest):
        assert wish
        assert all(fault.code >= 1000 and fault.message for fault in wish)
        return
    before = {"name": "a", "address": "a.example.com", "header": {}, "weight": 0.25}
    after = after_action(wish, before, 0.0)
    assert {key: after[key] for key in ("name", "address", "header")} == {
        key: before[key] for key in ("name", "address", "header")
    }
    assert after_action(wish, after, 9.0) == after
