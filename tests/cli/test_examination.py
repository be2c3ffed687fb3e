"""What `evenkeel check`, `explain` and `dev` look at: a file, or what would be deployed."""

from __future__ import annotations

from pathlib import Path

import pytest

from evenkeel.check.examination import CONFIG, Examined, examined
from evenkeel.check.wrangler_file import FLAGS, read_wrangler_file
from evenkeel.explain.scenario import configuration
from evenkeel.output.errors import UsageError
from lb.config.doubts import Stage
from support.toml import load_balancer, pool

FILE = pool("p", {"name": "a", "address": "a.acme.io"}) + load_balancer("service.acme.io", "p")


def settings(folder: Path, text: str) -> Path:
    """Return a new wrangler.toml with a text."""
    file = folder / "wrangler.toml"
    file.write_text(text, "utf-8")
    return file


def deployed(folder: Path, text: str, stage: Stage = Stage.CHECK, **given: str) -> Examined:
    """Return the examination of what a wrangler.toml with this text deploys."""
    return examined(None, stage, given, settings(folder, text))


def lines(found: Examined) -> tuple[list[str], list[str]]:
    """Return problems and warnings, with the name of the file alone."""
    problems, warnings = (
        [str(each).replace(f"{each.file.parent}/", "") for each in some]
        for some in (found.problems, found.warnings)
    )
    return problems, warnings


def test_variables_are_examined_in_place_of_the_file(tmp_path: Path) -> None:
    """`make deploy` called the placeholder file good while ORIGINS had an IP address."""
    found = deployed(tmp_path, '[vars]\n\nORIGINS = "a.acme.io, 203.0.113.7"\nMAX_RETRIES = "x"\n')

    assert found.config is None
    assert found.by_variables
    assert lines(found) == (
        [
            (
                "wrangler.toml:3: origin 2: a Worker cannot send requests to an IP address "
                "(Cloudflare answers with error 1003): give a host name @ $.vars.ORIGINS"
            ),
            'wrangler.toml:4: must be a number, not "x" @ $.vars.MAX_RETRIES',
        ],
        [],
    )


def test_good_variables_are_what_is_deployed(tmp_path: Path) -> None:
    """BACKEND_* variables define a balancer too."""
    found = deployed(tmp_path, '[vars]\nBACKEND_A = "a.acme.io"\nBACKEND_B = "b.acme.io"\n')

    assert found.file == tmp_path / "wrangler.toml"
    assert found.config is not None
    assert [origin.name for origin in found.config.pools[0].origins] == ["a", "b"]
    assert lines(found) == ([], [])


def test_without_origins_in_variables_the_file_is_deployed(tmp_path: Path) -> None:
    """Other variables do not define a balancer, which a warning says."""
    found = deployed(tmp_path, '[vars]\nMAX_RETRIES = 3\nLB_NAME = "x"\n', Stage.DEV)

    assert (found.file, found.by_variables) == (CONFIG, False)
    assert lines(found)[1] == [
        (
            "wrangler.toml:2: has no effect without ORIGINS or BACKEND_*: set it in "
            "loadbalancer.toml, or name the origins here @ $.vars.MAX_RETRIES"
        )
    ]


@pytest.mark.parametrize("stage", [Stage.DEV, Stage.CHECK, Stage.DEPLOY])
@pytest.mark.parametrize(
    ("origin", "refused_at"),
    [
        ("127.0.0.1:8001", {Stage.CHECK, Stage.DEPLOY}),
        ("nas.local", {Stage.CHECK, Stage.DEPLOY}),
        ("service.acme.io", {Stage.CHECK, Stage.DEPLOY}),
        ("a.example.com", {Stage.DEPLOY}),
        ("a.acme.io", set()),
        ("192.168.0.7", {Stage.DEV, Stage.CHECK, Stage.DEPLOY}),
    ],
)
def test_each_stage_refuses_what_cannot_work_there(
    tmp_path: Path, stage: Stage, origin: str, refused_at: set[Stage]
) -> None:
    """A file and variables are refused alike; dev serves origins of this machine."""
    variables = f'[vars]\nORIGINS = "{origin}"\nPRIMARY_DOMAIN = "service.acme.io"\n'
    file = tmp_path / "lb.toml"
    file.write_text(FILE.replace("a.acme.io", origin), "utf-8")

    assert bool(deployed(tmp_path, variables, stage).problems) is (stage in refused_at)
    assert bool(examined(file, stage).problems) is (stage in refused_at)


def test_doubts_about_origins_of_a_variable_are_counted(tmp_path: Path) -> None:
    """All origins of ORIGINS have one line."""
    found = deployed(tmp_path, '[vars]\nORIGINS = "nas.local, b.acme.io, c.lan"\n')

    assert [each.partition(": is")[0] for each in lines(found)[0]] == [
        "wrangler.toml:2: origin 1",
        "wrangler.toml:2: origin 3",
    ]


def test_a_clamped_value_is_a_warning(tmp_path: Path) -> None:
    """The Worker uses the largest number of retries."""
    found = deployed(tmp_path, '[vars]\nORIGINS = "a.acme.io"\nMAX_RETRIES = 50\n')

    assert lines(found) == (
        [],
        ["wrangler.toml:3: 50 is too large: 19 is used @ $.vars.MAX_RETRIES"],
    )


ORIGINS = '[vars]\nORIGINS = "a.acme.io"\n'
AT = " @ $.vars.ORIGINS"


@pytest.mark.parametrize(
    ("routes", "problem", "warning"),
    [
        ('routes = [{ pattern = "a.acme.io", custom_domain = true }]', "is a host of this", ""),
        ('routes = ["service.acme.io/*", "A.acme.io/api/*"]', "is a host of this", ""),
        ('route = "https://a.acme.io/*"', "is a host of this", ""),
        ('route = { pattern = "*.acme.io/*", zone_name = "acme.io" }', "", "covered by a route"),
        ('routes = ["service.acme.io/*"]', "", ""),
        ('routes = ["*/*", 5, { zone_id = "x" }]', "", ""),
    ],
)
def test_an_origin_is_no_route_of_the_worker(
    tmp_path: Path, routes: str, problem: str, warning: str
) -> None:
    """A request for it would come back to the Worker."""
    problems, warnings = lines(deployed(tmp_path, f"{routes}\n{ORIGINS}"))

    assert [len(problems), len(warnings)] == [bool(problem), bool(warning)]
    assert all(problem in each and each.endswith(AT) for each in problems)
    assert all(warning in each and each.endswith(AT) for each in warnings)


def test_a_placeholder_in_a_route_is_not_deployed(tmp_path: Path) -> None:
    """The route of the example would be refused by Cloudflare alone."""
    text = f'routes = [\n  {{ pattern = "service.example.com" }},\n]\n{ORIGINS}'

    assert lines(deployed(tmp_path, text, Stage.DEPLOY))[0] == [
        "wrangler.toml:2: is a placeholder: put your own host name in its place @ $.routes[0]"
    ]
    assert lines(deployed(tmp_path, text, Stage.DEV)) == ([], [])


@pytest.mark.parametrize("flag", list(FLAGS))
def test_a_flag_that_breaks_the_balancer_is_refused(tmp_path: Path, flag: str) -> None:
    """With global_fetch_strictly_public, requests for an own zone's origins can come back."""
    text = f'compatibility_flags = [\n  "python_workers",\n  "{flag}",\n]\n{ORIGINS}'
    (problem,) = lines(deployed(tmp_path, text))[0]

    assert problem.startswith(f"wrangler.toml:3: {flag} is not possible: ")
    assert problem.endswith(": remove it @ $.compatibility_flags[1]")
    assert lines(deployed(tmp_path, text, Stage.DEV)) == ([], [])


def test_a_variable_outside_of_vars_is_named(tmp_path: Path) -> None:
    """ORIGINS below another heading changed nothing, without a word."""
    text = f'{ORIGINS}\n[observability]\nenabled = true\nORIGINS = "b.acme.io"\n'

    assert lines(deployed(tmp_path, text))[1] == [
        "wrangler.toml:6: is no variable here: move it below [vars] @ $.observability.ORIGINS"
    ]
    environment = f'{ORIGINS}\n[env.staging.vars]\nORIGINS = "b.acme.io"\n'
    assert lines(deployed(tmp_path, environment)) == ([], [])


def test_mail_needs_its_binding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without [[send_email]], no mail could ever be sent."""
    mail = '[[notifications]]\nname = "ops"\ntype = "email"\n'
    mail += 'to = "ops@acme.io"\nsender = "lb@acme.io"\n'
    file = tmp_path / "loadbalancer.toml"
    file.write_text(FILE + mail, "utf-8")
    monkeypatch.setattr("evenkeel.check.examination.CONFIG", file)

    (warning,) = lines(deployed(tmp_path, ""))[1]
    assert warning.startswith("wrangler.toml:1: no mail can be sent without the binding LB_EMAIL")
    assert lines(deployed(tmp_path, '[[send_email]]\nname = "LB_EMAIL"\n')) == ([], [])


def test_the_replaced_file_says_that_it_is_not_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A good file is misleading while ORIGINS is set."""
    file = tmp_path / "loadbalancer.toml"
    file.write_text(FILE, "utf-8")
    monkeypatch.setattr("evenkeel.check.examination.CONFIG", file)

    (warning,) = lines(examined(file, Stage.CHECK, settings=settings(tmp_path, ORIGINS)))[1]
    assert warning.startswith("loadbalancer.toml:1: is not what is deployed")
    assert lines(examined(file, Stage.CHECK, settings=settings(tmp_path, ""))) == ([], [])


def test_a_variable_of_an_option_has_no_line(tmp_path: Path) -> None:
    """It goes before the one of the file."""
    found = deployed(tmp_path, ORIGINS, ORIGINS="203.0.113.7")

    (problem,) = lines(found)[0]
    assert problem.startswith("--var: origin 1: a Worker cannot send requests to an IP address")


def test_a_broken_wrangler_file_has_its_line(tmp_path: Path) -> None:
    """Nothing else is examined."""
    found = deployed(tmp_path, "\n[vars]\nORIGINS = a.acme.io\n")

    assert lines(found) == (['wrangler.toml:3: text stands in quotes: ORIGINS = "..."'], [])
    assert found.config is None
    assert read_wrangler_file(tmp_path / "wrangler.toml").variables == {}


def test_a_list_of_origins_is_no_variable(tmp_path: Path) -> None:
    """The Worker would not see it, and read the file."""
    found = deployed(tmp_path, '[vars]\nORIGINS = ["a.acme.io", "b.acme.io"]\n')

    assert lines(found)[0] == [
        (
            "wrangler.toml:2: must be text, not a list: write all of it in one text, with commas "
            "@ $.vars.ORIGINS"
        )
    ]


def test_explain_looks_at_the_same(tmp_path: Path) -> None:
    """Its problems have lines too, and origins of this machine are no problem."""
    file = tmp_path / "lb.toml"
    file.write_text(FILE.replace("a.acme.io", "127.0.0.1:8001"), "utf-8")
    assert configuration(file, {}).pools[0].origins[0].url == "http://127.0.0.1:8001"

    file.write_text("[[pools]\n", "utf-8")
    with pytest.raises(UsageError, match=r"lb\.toml:1: the heading is not closed"):
        configuration(file, {})
    with pytest.raises(UsageError, match="--var: origin 1: a Worker cannot"):
        configuration(None, {"ORIGINS": "203.0.113.7"})


SEEDS = """\
[[monitors]]
name = "https"
type = "https"
path = "/healthz"
expected_codes = "200"
port = 443
interval = 15
timeout = 5
retries = 2
consecutive_up = 2
consecutive_down = 3
header = { Host = ["app.acme.io"] }
description = "app https healthz"

[[pools]]
name = "primary-iad"
monitor = "https"
minimum_origins = 1
notification_email = "ops@acme.io"
origins = [{ name = "iad-1", address = "iad.acme.io", enabled = true }]

[[pools]]
name = "fallback-sfo"
monitor = "https"
minimum_origins = 1
origins = [{ name = "sfo-1", address = "sfo.acme.io" }]

[[load_balancers]]
name = "app.acme.io"
default_pools = ["primary-iad", "fallback-sfo"]
fallback_pool = "fallback-sfo"
proxied = true
steering_policy = "off"
session_affinity = "none"
"""


def test_a_guide_for_cloudflares_own_is_accepted_with_notes(tmp_path: Path) -> None:
    """A file in the terms of a published guide was refused for two fields without effect."""
    file = tmp_path / "lb.toml"
    file.write_text(SEEDS, "utf-8")
    problems, warnings = lines(examined(file, Stage.DEPLOY))

    assert problems == []
    assert [each.partition(": kept")[0] for each in warnings] == ["lb.toml:12", "lb.toml:19"]
    assert [each.rpartition("@ ")[2] for each in warnings] == [
        "$.monitors[0].header.Host",
        "$.pools[0].notification_email",
    ]
