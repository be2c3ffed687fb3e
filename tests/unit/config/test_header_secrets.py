"""Header values that name a secret of the Worker, in files and in the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from lb.catalog.export import toml
from lb.config import Invalid, from_toml, json_schema, parse
from lb.model import Config, SecretName
from lb.model.identity import identity_of

TOKEN = {
    "CF-Access-Client-Id": {"secret": "ACCESS_ID"},
    "CF-Access-Client-Secret": {"secret": "ACCESS_SECRET"},
}
SINK = {"name": "ops", "type": "slack", "secret": "ALERTS_SLACK"}


def document(
    sent: dict[str, Any] | None = None, probed: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """A configuration that sends these headers to its origin, and these with its probes."""
    balancer = {"name": "*", "default_pools": ["p"], "fallback_pool": "p", **fields}
    if sent is not None:
        balancer["request_headers"] = {"set": sent}
    return {
        "monitors": [{"name": "m", "header": probed or {}}],
        "pools": [
            {"name": "p", "monitor": "m", "origins": [{"name": "a", "address": "a.example.com"}]}
        ],
        "load_balancers": [balancer],
    }


def accepted(given: dict[str, Any], *, lenient: bool = False) -> Config:
    """The configuration of a document without problems."""
    found = parse(given, lenient=lenient)
    assert isinstance(found, Config), found
    return found


def problems(given: dict[str, Any], *, lenient: bool = False) -> list[str]:
    """The problems of a document."""
    found = parse(given, lenient=lenient)
    return [str(each) for each in found.problems] if isinstance(found, Invalid) else []


@pytest.mark.parametrize("lenient", [False, True])
def test_a_service_token_goes_to_origins_and_with_probes(lenient: bool) -> None:
    """Both headers of a token may name secrets, in a file as in the API."""
    probed: dict[str, Any] = {name: [value] for name, value in TOKEN.items()}
    probed["X-Key"] = ["plain", {"secret": "KEY"}]
    config = accepted(document(TOKEN, probed), lenient=lenient)

    assert config.unheeded == {}
    assert config.load_balancers[0].request_headers.set == (
        ("CF-Access-Client-Id", SecretName("ACCESS_ID")),
        ("CF-Access-Client-Secret", SecretName("ACCESS_SECRET")),
    )
    assert config.monitors[0].header == (
        ("CF-Access-Client-Id", (SecretName("ACCESS_ID"),)),
        ("CF-Access-Client-Secret", (SecretName("ACCESS_SECRET"),)),
        ("X-Key", ("plain", SecretName("KEY"))),
    )


def test_a_token_may_be_written_out() -> None:
    """A token as plain text was refused as Cloudflare's own header."""
    accepted(document({"cf-access-client-id": "id.access", "cf-access-client-secret": "x"}))


@pytest.mark.parametrize("name", ["CF-Connecting-IP", "CF-Access-Jwt-Assertion", "cf-access"])
def test_other_headers_of_cloudflare_stay_its_own(name: str) -> None:
    """Nobody can set what the edge vouches for."""
    (problem,) = problems(document({name: "x"}))
    assert "is set by Cloudflare" in problem


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"secret": "x1y2z3-the-secret-itself"}, "must be the name of a secret, and this looks"),
        ({"secret": ""}, "must not be empty"),
        ({"secret": 5}, "must be text, not a value of another kind"),
        ({}, "missing: this key must be given"),
        ({"secret": "LB_ADMIN_TOKEN"}, "is the balancer's own secret, which nobody may be sent"),
        ({"secret": "A", "value": "x"}, "unknown key"),
        (["A"], "must be text, not a value of another kind"),
    ],
)
def test_a_wrong_secret_is_one_problem_that_shows_nothing(value: object, problem: str) -> None:
    """The message never has what was written."""
    for given in (document({"X-Key": value}), document(None, {"X-Key": [value]})):
        (found,) = problems(given)
        assert problem in found
        assert "x1y2z3" not in found


def test_clients_are_sent_no_secret() -> None:
    """Headers of answers have no secrets."""
    (problem,) = problems(document(response_headers={"set": {"X-Key": {"secret": "KEY"}}}))
    assert problem.startswith("must be text, not a value of another kind")


def test_an_origin_is_not_sent_the_secret_of_a_notification() -> None:
    """Whoever may write to the API could have an origin of his own receive it."""
    value = {"secret": "ALERTS_SLACK"}
    given = {**document({"X-Key": value}, {"X-Key": [value]}), "notifications": [SINK]}
    said = "is the secret of notification ops, which no origin may be sent @ $"
    assert (
        problems(given)
        == problems(given, lenient=True)
        == [
            f"{said}.load_balancers[0].request_headers.set.X-Key",
            f"{said}.monitors[0].header.X-Key[0]",
        ]
    )


def test_the_host_of_a_probe_is_no_secret() -> None:
    """Host is compared with the address, which a secret cannot be: it has no effect."""
    config = accepted(document(None, {"Host": [{"secret": "KEY"}]}))
    assert config.monitors[0].header == ()
    assert list(config.unheeded) == ["$.monitors[0].header.Host"]


def test_an_export_keeps_the_names() -> None:
    """What is exported as TOML reads as the same configuration."""
    given = document(TOKEN, {"X-Key": ["plain", {"secret": "KEY"}]})
    again = from_toml(toml(given))
    assert isinstance(again, Config)
    assert again == accepted(given)
    assert identity_of(again) == identity_of(accepted(given))
    assert identity_of(again) != identity_of(accepted(document({**TOKEN, "X": {"secret": "K"}})))


def test_editors_know_both_forms() -> None:
    """The schema accepts a text and a secret, and nothing else."""
    schema = Draft7Validator(json_schema())
    assert schema.is_valid(document(TOKEN, {"X-Key": ["plain", {"secret": "KEY"}]}))
    assert not schema.is_valid(document({"X-Key": {"name": "KEY"}}))
    assert not schema.is_valid(document(response_headers={"set": {"X-Key": {"secret": "KEY"}}}))


def test_the_page_on_locked_tunnels_has_a_good_configuration() -> None:
    """Its example sends both headers with requests and with probes."""
    page = (Path(__file__).parents[3] / "docs" / "lock-the-tunnels.md").read_text("utf-8")
    example = page.partition("```toml\n")[2].partition("```")[0]
    pools = "".join(
        f'[[pools]]\nname = "{name}"\nmonitor = "web"\n'
        f'origins = [{{ name = "o", address = "service-{name}.example.com" }}]\n'
        for name in ("primary", "replica")
    )
    config = from_toml(example + pools)

    assert isinstance(config, Config), config
    names = [SecretName("ACCESS_CLIENT_ID"), SecretName("ACCESS_CLIENT_SECRET")]
    assert [value for _, value in config.load_balancers[0].request_headers.set] == names
    assert [value for _, (value,) in config.monitors[0].header] == names
    for name in names:
        assert f"evenkeel wrangler secret put {name.name}" in page
