"""`evenkeel explain`: the balancer's own decisions, with reasons."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from evenkeel.explain.command import command
from evenkeel.explain.explanation import explain
from lb.health.snapshot import WORDS, Standing
from lb.model import (
    Failover,
    FixedResponse,
    OriginSteeringPolicy,
    PoolSet,
    Region,
    Rule,
    SessionAffinity,
    SteeringPolicy,
    Topology,
)
from lb.proxy.balancer import Balancer
from lb.proxy.plan import Plan
from lb.proxy.steps import Attempt
from lb.selection.origin_steering import ORIGIN_POLICIES
from lb.selection.origin_steering import REASONS as ORIGIN_REASONS
from lb.selection.steering import POLICIES, REASONS
from support.make import balancer_of, config_of, facts, origin, pool, scripted

if TYPE_CHECKING:
    from pathlib import Path

app = typer.Typer()
app.command()(command)

CONFIG = """\
[[pools]]
name = "primary"
origins = [
  { name = "a", address = "a.example.com", weight = 0.5 },
  { name = "b", address = "b.example.com" },
  { name = "c", address = "c.example.com" },
]
[[pools]]
name = "replica"
origins = [
  { name = "d", address = "d.example.com" },
  { name = "e", address = "e.example.com", enabled = false },
]
[[load_balancers]]
name = "service.example.com"
default_pools = ["primary", "replica"]
fallback_pool = "replica"
session_affinity = "cookie"
[[load_balancers]]
name = "*.example.com"
default_pools = ["replica"]
fallback_pool = "replica"
https_redirect = true
"""
HOST = "--host=service.example.com"


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A file with two load balancers."""
    written = tmp_path / "lb.toml"
    written.write_text(CONFIG, "utf-8")
    return str(written)


def asked(file: str, *options: str) -> dict[str, Any]:
    """Return the JSON output."""
    result = CliRunner().invoke(app, ["--config", file, "--json", *options])
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def printed(file: str, *options: str) -> str:
    """Return the text output."""
    result = CliRunner().invoke(app, ["--config", file, *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(file: str, *options: str) -> str:
    """Return the message about bad options."""
    result = CliRunner().invoke(app, ["--config", file, *options])
    assert result.exit_code == 2, result.output
    return result.stderr


def way(answer: dict[str, Any]) -> list[str]:
    """Return the likeliest origin of each attempt."""
    return [
        f"{turn['choices'][0]['pool']}/{turn['choices'][0]['origin']}" for turn in answer["turns"]
    ]


def whys(answer: dict[str, Any]) -> list[str]:
    """Return the reason of each attempt's likeliest origin."""
    return [turn["choices"][0]["why"] for turn in answer["turns"]]


def step(answer: dict[str, Any], about: str) -> tuple[str, str]:
    """Return the result of a step, and its reason."""
    (found,) = (each for each in answer["steps"] if each["about"] == about)
    return found["found"], found["why"]


def test_everything_can_be_explained() -> None:
    """Every state and every policy has its reason."""
    assert set(WORDS) == set(Standing)
    assert set(REASONS) == set(POLICIES) <= set(SteeringPolicy)
    assert set(ORIGIN_REASONS) == set(ORIGIN_POLICIES) <= set(OriginSteeringPolicy)


def test_the_load_balancer_and_how_it_was_found(file: str) -> None:
    """A load balancer is found by its name, by a wildcard, or not at all."""
    assert step(asked(file, HOST), "load balancer") == (
        "service.example.com",
        "its name is the host",
    )
    other = asked(file, "--host=Other.Example.com")
    assert other["load_balancer"] == "*.example.com"
    nobody = asked(file, "--host=example.org")
    assert (nobody["load_balancer"], nobody["own"]["status"], nobody["turns"]) == (None, 421, [])


def test_what_the_balancer_answers_itself(file: str) -> None:
    """A redirect ends the explanation before any origin."""
    own = asked(file, "--host=www.example.com", "--http", "--path=/a?b")["own"]

    assert own == {
        "status": 301,
        "reason": "moved to https",
        "location": "https://www.example.com/a?b",
    }


def test_the_client_of_a_trusted_proxy(tmp_path: Path) -> None:
    """The explanation says whose address counts, and what origins get."""
    path = tmp_path / "behind.toml"
    trusted = 'trusted_proxies = ["192.0.2.0/24"]\nsession_affinity = "cookie"'
    path.write_text(CONFIG.replace('session_affinity = "cookie"', trusted, 1))
    sent = "--header=X-Forwarded-For:6.6.6.6, 198.51.100.1"

    assert step(asked(str(path), HOST, sent, "--ip=192.0.2.9"), "client") == (
        "198.51.100.1",
        "by X-Forwarded-For of a trusted proxy; origins get 198.51.100.1, 192.0.2.9",
    )
    assert step(asked(str(path), HOST, sent, "--ip=203.0.113.9"), "client") == (
        "203.0.113.9",
        "by CF-Connecting-IP, which is no trusted proxy",
    )


def test_chance_is_told_as_shares(file: str) -> None:
    """The choices have their shares: weights 0.5, 1 and 1 give 20, 40 and 40 percent."""
    choices = asked(file, HOST)["turns"][0]["choices"]
    shares = {each["origin"]: each["share"] for each in choices}

    assert shares == pytest.approx({"a": 0.2, "b": 0.4, "c": 0.4}, abs=0.02)
    assert "40 %" in printed(file, HOST)


def test_what_happens_when_every_attempt_fails(file: str) -> None:
    """The result has the likeliest attempts, why they end, and the next origins."""
    answer = asked(file, HOST)

    assert sorted(way(answer)) == ["primary/a", "primary/b", "primary/c"]
    assert answer["stopped"] == "failover.tries are used up"
    assert [each["origin"] for each in answer["untried"]] == ["d"]
    assert answer["own"]["status"] == 503


def test_a_post_goes_to_one_origin(file: str) -> None:
    """The explanation says why a POST goes to one origin only."""
    answer = asked(file, HOST, "--method=post", "--body=10")

    assert len(answer["turns"]) == 1
    assert "no second origin gets it" in answer["stopped"]
    assert answer["request"] == {"method": "POST", "url": "https://service.example.com/"}


def test_origins_that_are_down(file: str) -> None:
    """Down origins are given by name, or by pool and name; if all are, the next pool serves."""
    one = asked(file, HOST, "--down=b")
    assert "primary/b" not in way(one)[:2]
    (standing,) = (each for of in one["pools"] for each in of["origins"] if each["name"] == "b")
    assert (standing["standing"], standing["why"]) == (
        "unhealthy",
        "takes nothing, as its monitor found it unhealthy",
    )

    all_down = asked(file, HOST, "--down=primary/a", "--down=b", "--down=c")
    assert way(all_down)[0] == "replica/d"
    assert all_down["pools"][0]["health"] == "critical"
    assert all_down["pools"][0]["available"] is False
    assert whys(all_down)[1] == "the last resort, as nothing better is left"


def test_origins_that_are_ejected(file: str) -> None:
    """Origins that are given as ejected count as if requests to them had just failed."""
    answer = asked(file, HOST, "--ejected=b")

    assert way(answer)[0] == "primary/c"
    assert "ejected" in printed(file, HOST, "--ejected=b")


def test_an_unused_origin_cannot_be_ejected(tmp_path: Path) -> None:
    """An origin of no load balancer cannot be ejected because it gets no requests."""
    spare = '[[pools]]\nname = "spare"\norigins = [{ name = "z", address = "z.example.com" }]\n'
    (tmp_path / "lb.toml").write_text(spare + CONFIG, "utf-8")

    told = refused(str(tmp_path / "lb.toml"), HOST, "--ejected=z")
    assert "no load balancer uses spare/z" in told


def steered(tmp_path: Path, *lines: str, pools: str = "") -> str:
    """Return a file with these lines in its load balancer, and three pools of one origin each."""
    file = tmp_path / "steered.toml"
    named = "".join(
        f'[[pools]]\nname = "{name}"\n{pools}\n'
        f'origins = [{{ name = "{name}", address = "{name}.example.com" }}]\n'
        for name in ("one", "two", "three")
    )
    balancer = """[[load_balancers]]
name = "*"
default_pools = ["one", "two", "three"]
fallback_pool = "one"
"""
    file.write_text(named + balancer + "\n".join(lines) + "\n", "utf-8")
    return str(file)


def test_a_place_decides(tmp_path: Path) -> None:
    """The reason names the map, and the place of the request."""
    file = steered(
        tmp_path,
        'country_pools = { DE = ["two"] }',
        'pop_pools = { NRT = ["three"] }',
        'region_pools = { WEU = ["three"] }',
    )
    told = {
        options: step(asked(file, *options.split()), "steering_policy")
        for options in ("--country=DE", "--colo=NRT --country=JP", "--country=FR", "--country=US")
    }

    assert told == {
        "--country=DE": ("geo", "by country_pools, as the request comes to ? in DE, WEU"),
        "--colo=NRT --country=JP": ("geo", "by pop_pools, as the request comes to NRT in JP, NEAS"),
        "--country=FR": ("geo", "by region_pools, as the request comes to ? in FR, WEU"),
        "--country=US": ("geo", "by default_pools, as the request comes to ? in US, ?"),
    }
    assert way(asked(file, "--country=DE"))[0] == "two/two"


def test_weights_decide(tmp_path: Path) -> None:
    """The reason has the weights, and the choices have their shares."""
    file = steered(
        tmp_path,
        'steering_policy = "least_outstanding_requests"',
        "random_steering = { default_weight = 0.5, pool_weights = { one = 1 } }",
    )
    answer = asked(file)
    shares = {each["pool"]: each["share"] for each in answer["turns"][0]["choices"]}

    assert step(answer, "steering_policy")[1] == (
        "by the weights of random_steering: one 1, two 0.5, three 0.5; "
        "of two the one with fewer outstanding requests for its weight: one 0, two 0, three 0"
    )
    assert shares == pytest.approx({"one": 0.5, "two": 0.25, "three": 0.25}, abs=0.02)


def test_distance_and_latency_decide(tmp_path: Path) -> None:
    """Unknown places and latencies are named as unknown."""
    near = steered(
        tmp_path, 'steering_policy = "proximity"', pools="latitude = 50.1\nlongitude = 8.7"
    )
    told = step(asked(near, "--cf=latitude=52.5", "--cf=longitude=13.4"), "steering_policy")
    assert told[1].startswith("by the distance from 52.5, 13.4: one 42")
    assert step(asked(near), "steering_policy")[1].endswith("the client's place is unknown")

    fast = steered(tmp_path, 'steering_policy = "dynamic_latency"')
    assert step(asked(fast, "--country=FR"), "steering_policy")[1] == (
        "by the round trip of probes for WEU: one unknown, two unknown, three unknown"
    )


def test_load_shedding_is_explained(tmp_path: Path) -> None:
    """The pool has a sentence on it, and the choices have their shares."""
    file = steered(
        tmp_path,
        pools="load_shedding = { default_percent = 25, session_percent = 10 }",
    )
    answer = asked(file)

    assert answer["pools"][0]["load_shedding"] == (
        "25 % of requests without a session, by chance; 10 % of sessions"
    )
    assert answer["turns"][0]["choices"][0]["share"] == pytest.approx(0.75, abs=0.02)
    assert "25 % of requests" in printed(file)


def test_a_session(file: str) -> None:
    """A session goes to its origin, then to its pool; a client without one gets a cookie."""
    answer = asked(file, HOST, "--session=a")

    assert step(answer, "session_affinity") == ("cookie", "its cookie __evenkeel names primary/a")
    assert way(answer)[0] == "primary/a"
    assert [turn["new_cookie"] for turn in answer["turns"]] == [False, True, True]
    assert whys(answer)[:2] == [
        "the session's own origin",
        "in the pool of the session's origin",
    ]
    unknown = asked(file, HOST, "--cookie=__evenkeel=x")
    assert step(unknown, "session_affinity")[1].endswith("names no origin of this load balancer")


def test_the_key_of_cookies_is_taken_from_the_environment(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cookie copied from a browser can be looked up."""
    monkeypatch.setenv("LB_COOKIE_KEY", "secret")
    lb = balancer_of(
        pool("primary", "a", "b"),
        name="service.example.com",
        session_affinity=SessionAffinity.COOKIE,
    )
    affinity = Balancer(config_of(lb), cookie_key="secret").servings[0].affinity
    assert affinity is not None
    cookie = affinity.cookie(lb.default_pools[0].origins[1], https=True)
    assert cookie is not None

    answer = asked(file, HOST, f"--cookie={cookie.partition(';')[0]}")
    assert way(answer)[0] == "primary/b"


def test_time_can_be_chosen(tmp_path: Path) -> None:
    """With a chosen time, a maintenance can be seen before it begins."""
    window = 'maintenance = [{ from = "2026-12-01T22:00:00Z", to = "2026-12-01T23:00:00Z" }]'
    text = CONFIG.replace('name = "b", address', f'name = "b", {window}, address')
    (tmp_path / "lb.toml").write_text(text, "utf-8")
    file = str(tmp_path / "lb.toml")

    assert "maintenance" in printed(file, HOST, "--at=2026-12-01T22:30:00Z")
    assert "maintenance" not in printed(file, HOST, "--at=2026-12-01T23:30:00Z")


def test_variables_make_a_configuration(tmp_path: Path) -> None:
    """Variables take precedence over the file, as in the Worker."""
    result = CliRunner().invoke(
        app, ["--var=ORIGINS=https://a.example.com, https://b.example.com", "--json"]
    )

    assert result.exit_code == 0, result.output
    assert way(json.loads(result.stdout)) == [
        "a.example.com/a.example.com",
        "b.example.com/b.example.com",
    ]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([HOST, "--down=bb"], 'there is no origin bb; did you mean "b"?'),
        ([HOST, "--session=zzz"], "there is no origin zzz"),
        ([HOST, "--session=e", "--host=www.example.com"], "nothing keeps sessions for"),
        ([HOST, "--header=X-User"], "--header: 'X-User' is not NAME:VALUE"),
        ([HOST, "--cf==1"], "--cf: '=1' is not NAME=VALUE"),
        ([HOST, "--at=tomorrow"], "--at: tomorrow is no time such as 2026-12-01T22:00:00Z"),
        ([], "--host: one of service.example.com, *.example.com"),
    ],
)
def test_bad_options_are_refused(options: list[str], complaint: str, file: str) -> None:
    """The message about bad options is one line."""
    assert complaint in refused(file, *options)


def test_a_bad_file_is_reported_with_its_lines(tmp_path: Path) -> None:
    """The problems are those of `evenkeel check`."""
    (tmp_path / "lb.toml").write_text(CONFIG.replace("weight = 0.5", "weight = 5"), "utf-8")

    assert "lb.toml:4: must be from 0 to 1, not 5" in refused(str(tmp_path / "lb.toml"), HOST)
    assert "cannot be read" in refused(str(tmp_path / "none.toml"), HOST)


def test_a_hundred_origins_are_summed_up() -> None:
    """The shares of a hundred origins add up to one."""
    many = pool("p", *(f"o{number}" for number in range(100)))
    found = explain(Balancer(config_of(balancer_of(many))), facts(), 0.0)

    assert sum(each.share for each in found.turns[0].choices) == pytest.approx(1, abs=0.05)
    assert len(found.turns[0].choices) == 100


@pytest.mark.parametrize("policy", list(ORIGIN_POLICIES))
@pytest.mark.parametrize("affinity", [SessionAffinity.NONE, SessionAffinity.IP_COOKIE])
def test_a_real_request_goes_where_it_was_said_to_go(
    policy: OriginSteeringPolicy, affinity: SessionAffinity
) -> None:
    """For any random number, the first origin is among the choices of the first turn."""
    of = pool("p", origin("a", weight=0.5), "b", "c", origin_steering=policy)
    balancer = Balancer(config_of(balancer_of(of, session_affinity=affinity)))
    asked_for = facts(cf_connecting_ip="203.0.113.9")
    said = {each.origin for each in explain(balancer, asked_for, 0.0).turns[0].choices}

    for number in range(20):
        _, plan = balancer.plan(asked_for, 0.0, scripted(number / 20))
        assert isinstance(plan, Plan)
        first = plan.start()
        assert isinstance(first, Attempt)
        assert first.origin.name in said


def test_a_rule_changes_what_a_request_gets(tmp_path: Path) -> None:
    """A rule may change pools, session or the whole response, with a redirect's target."""
    rules = """
[[load_balancers.rules]]
condition = 'starts_with(http.request.uri.path, "/api/")'
overrides = { default_pools = ["three"], session_affinity = "cookie" }
[[load_balancers.rules]]
condition = 'http.request.uri.path eq "/old"'
fixed_response = { status_code = 301, location = "https://www.example.com/new" }
"""
    file = steered(tmp_path, rules)
    api = asked(file, "--path=/api/x", "--session=three")

    assert (way(api)[0], whys(api)[0]) == ("three/three", "the session's own origin")
    assert way(asked(file))[0] == "one/one"
    assert "nothing keeps sessions" in refused(file, "--session=three")
    own = asked(file, "--path=/old")["own"]
    assert (own["status"], own["location"]) == (301, "https://www.example.com/new")


RULES = (
    CONFIG
    + """
[[load_balancers]]
name = "ruled.example.com"
default_pools = ["primary"]
fallback_pool = "primary"
[[load_balancers.rules]]
name = "api"
condition = 'starts_with(http.request.uri.path, "/api/")'
overrides = { default_pools = ["replica"], fallback_pool = "replica" }
terminates = true
[[load_balancers.rules]]
name = "closed"
condition = 'any(http.request.headers.names[*] == "x-closed")'
fixed_response = { status_code = 403 }
[[load_balancers.rules]]
condition = 'ip.src.country eq "DE"'
overrides = { session_affinity = "none" }
"""
)


def ruled(tmp_path: Path, *options: str) -> list[tuple[str, str, str]]:
    """Return the steps of rules."""
    file = tmp_path / "rules.toml"
    file.write_text(RULES)
    result = CliRunner().invoke(
        app, ["--json", "--host=ruled.example.com", f"--config={file}", *options]
    )
    assert result.exit_code == 0, result.output
    steps = json.loads(result.output)["steps"]
    return [tuple(step.values()) for step in steps if step["about"].startswith("rule")]


def test_rules_are_explained(tmp_path: Path) -> None:
    """Each evaluated rule has its result, its condition, and its effects."""
    closed = 'any(http.request.headers.names[*] == "x-closed")'
    api = 'starts_with(http.request.uri.path, "/api/")'

    assert ruled(tmp_path, "--path=/api/x", "--header=X-Closed:1") == [
        (
            "rule api",
            "met",
            "overrides default_pools, fallback_pool; terminates: no later rule is asked",
        )
    ]
    assert ruled(tmp_path, "--header=X-Closed:1") == [
        ("rule api", "not met", api),
        ("rule closed", "met", "its fixed response is the answer"),
    ]
    assert ruled(tmp_path, "--country=DE") == [
        ("rule api", "not met", api),
        ("rule closed", "not met", closed),
        ("rule", "met", "overrides session_affinity"),
    ]


def test_pool_sets_are_explained() -> None:
    """The deciding set comes before the rules; one with a fixed response leaves no rules."""
    closed = FixedResponse(status_code=403)
    sets = (
        PoolSet(name="eu", pools=(pool("e", "e-1"),), match=Topology(regions=(Region.WEU,))),
        PoolSet(name="aq", match=Topology(countries=("AQ",)), fixed_response=closed),
    )
    rule = Rule(name="r", overrides=(("session_affinity_ttl", 60),))
    balancer = Balancer(config_of(balancer_of(pool("p", "a"), pool_sets=sets, rules=(rule,))))

    def steps(country: str) -> list[tuple[str, str]]:
        told = explain(balancer, facts(cf={"country": country}), 0.0)
        return [(step.about, step.found) for step in told.steps[1:3]]

    assert steps("DE") == [("pool set eu", "met"), ("rule r", "met")]
    assert steps("JP") == [("pool_sets", "none"), ("rule r", "met")]
    assert steps("AQ") == [("pool set aq", "met")]


def test_second_attempts_are_explained() -> None:
    """The step of second attempts says which requests have none."""
    both = (pool("p", "a"), pool("q", "b"))
    hedging = Balancer(config_of(balancer_of(*both, failover=Failover(hedge_after=0.5))))

    def told(balancer: Balancer, method: str) -> list[tuple[str, bool]]:
        steps = explain(balancer, facts(method), 0.0).steps
        found = [step for step in steps if step.about == "hedge_after"]
        return [(step.found, step.why.startswith("without")) for step in found]

    assert told(hedging, "GET") == [("0.5 s", True)]
    assert told(hedging, "POST") == [("0.5 s", False)]
    assert told(Balancer(config_of(balancer_of(*both))), "GET") == []


@pytest.mark.parametrize(
    ("rewrites", "url", "found", "why"),
    [
        (True, "https://x.test:8443/", "true", "becomes https://x.test:8443"),
        (True, "http://x.test/", "true", "becomes http://x.test"),
        (False, "https://x.test/", "false", "stays"),
    ],
)
def test_it_says_what_name_clients_see(rewrites: bool, url: str, found: str, why: str) -> None:
    """The public name in place of an origin's own is that of the request."""
    balancer = Balancer(config_of(balancer_of(pool("p", "a"), proxy_redirect=rewrites)))

    (step,) = [
        each
        for each in explain(balancer, facts(url=url), 0.0).steps
        if each.about == "proxy_redirect"
    ]

    assert step.found == found
    assert step.why.endswith(why)
