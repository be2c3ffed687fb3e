"""Variables of a Worker: two tunnels without a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.config import Invalid, from_variables
from lb.model import CodeRange, Config, MonitorType, OriginSteeringPolicy, SessionAffinity

ANY_5XX = (CodeRange(low=500, high=599),)


def config(**variables: object) -> Config:
    """Return the configuration of valid variables."""
    parsed = from_variables(variables)
    assert isinstance(parsed, Config), parsed
    return parsed


def problems(**variables: object) -> list[str]:
    """Return the problems of invalid variables."""
    parsed = from_variables(variables)
    assert isinstance(parsed, Invalid), parsed
    return [str(problem) for problem in parsed.problems]


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"ORIGINS": "", "BACKEND_CF": "  "},
        {"BACKEND_DOWN_TIME": "30000", "MAX_RETRIES": "x", "PRIMARY_DOMAIN": "a b"},
        {"LB_KV": object(), "origins": "a.example.com"},
    ],
)
def test_without_an_origin_there_is_no_configuration(variables: dict[str, object]) -> None:
    """Without an origin in variables the file counts; empty variables count as not set."""
    assert from_variables(variables) is None


def test_origins_stand_by_for_each_other_in_order() -> None:
    """Each origin has its own pool, so that the second serves while the first is down."""
    made = config(ORIGINS="https://a.example.com, http://B.example.com:8080\n")
    (balancer,) = made.load_balancers

    assert balancer.name == "*"
    assert [pool.name for pool in balancer.default_pools] == ["a.example.com", "b.example.com:8080"]
    assert balancer.fallback_pool is balancer.default_pools[0]
    assert [pool.origins[0].url for pool in made.pools] == [
        "https://a.example.com",
        "http://b.example.com:8080",
    ]
    assert [pool.origins[0].name for pool in made.pools] == [pool.name for pool in made.pools]
    assert balancer.session_affinity is SessionAffinity.NONE
    assert not balancer.https_redirect


def test_origins_are_probed_by_their_own_scheme() -> None:
    """Probes use the origin's scheme, every 30 s; below 500 is healthy, as "/" may need a login."""
    made = config(ORIGINS="a.example.com http://b.example.com")
    first, second = (pool.monitor for pool in made.pools)

    assert first is not None
    assert second is not None
    assert (first.type, second.type) == (MonitorType.HTTPS, MonitorType.HTTP)
    assert (first.path, first.interval, first.timeout) == ("/", 30, 5)
    assert first.expected_codes == (CodeRange(low=200, high=499),)


def test_a_health_check_path_answers_2xx_or_3xx() -> None:
    """With a health check path, only 2xx and 3xx are healthy."""
    (pool,) = config(ORIGINS="a.example.com", HEALTH_CHECK_PATH="/health").pools

    assert pool.monitor is not None
    assert pool.monitor.path == "/health"
    assert pool.monitor.expected_codes == (
        CodeRange(low=200, high=299),
        CodeRange(low=300, high=399),
    )


@pytest.mark.parametrize(
    ("interval", "timeout", "expected"),
    [
        ("10000", "2000", (10, 2)),
        (1500, None, (2, 1)),
        ("1", "", (1, 0.5)),
        (60_000.0, " 500 ", (60, 0.5)),
    ],
)
def test_times_are_milliseconds(
    interval: object, timeout: object, expected: tuple[float, float]
) -> None:
    """Times are in milliseconds; the interval is rounded up, and a default timeout fits into it."""
    made = config(
        ORIGINS="a.example.com", HEALTH_CHECK_INTERVAL=interval, HEALTH_CHECK_TIMEOUT=timeout
    )
    (monitor,) = made.monitors

    assert (monitor.interval, monitor.timeout) == expected


def test_backends_share_the_requests() -> None:
    """Backends are chosen by the client's address, in the given order, with https and no probes."""
    made = config(
        PRIMARY_DOMAIN="AIOStreams.example.com",
        BACKEND_CF="cf.example.com",
        BACKEND_DOWN_TIME="60000",
        BACKEND_KOYEB_EU="https://koyeb.example.com:8443/",
        BACKEND_DUCK="x.duckdns.org",
    )
    (balancer,) = made.load_balancers
    (pool,) = balancer.default_pools

    assert balancer.name == "aiostreams.example.com"
    assert balancer.fallback_pool is pool
    assert pool.name == "backends"
    assert pool.monitor is None
    assert pool.origin_steering is OriginSteeringPolicy.HASH
    assert [(origin.name, origin.url) for origin in pool.origins] == [
        ("cf", "https://cf.example.com"),
        ("koyeb-eu", "https://koyeb.example.com:8443"),
        ("duck", "https://x.duckdns.org"),
    ]
    assert balancer.https_redirect
    assert balancer.failover.retry_on == ANY_5XX
    assert balancer.failover.tries == 3
    # A fixed time: that Worker takes an origin out for no longer at its second failure.
    assert (balancer.ejection.base_time, balancer.ejection.max_time) == (60, 60)


@pytest.mark.parametrize("word", [True, 1, 1.0, "true", " TRUE ", "yes", "on", "1"])
def test_sticky_sessions_are_a_cookie(word: object) -> None:
    """STICKY_SESSIONS enables session cookies; several spellings of true are accepted."""
    made = config(
        BACKEND_A="a.example.com",
        STICKY_SESSIONS=word,
        SESSION_COOKIE_NAME="backend",
        MAX_RETRIES=3,
    )
    (balancer,) = made.load_balancers

    assert balancer.session_affinity is SessionAffinity.COOKIE
    assert balancer.cookie_name == "backend"
    assert balancer.session_affinity_ttl == 86_400
    assert balancer.failover.tries == 4
    assert balancer.failover.retry_on == ANY_5XX


@pytest.mark.parametrize("word", [None, "", False, 0, "false", "no", "off", "0"])
def test_sessions_are_not_sticky_unless_enabled(word: object) -> None:
    """Sessions are not sticky unless the variable enables them."""
    (balancer,) = config(BACKEND_A="a.example.com", STICKY_SESSIONS=word).load_balancers

    assert balancer.session_affinity is SessionAffinity.NONE


def test_settings_apply_to_origins_too() -> None:
    """Both ways to list origins have the same settings."""
    made = config(
        ORIGINS="a.example.com,b.example.com",
        STICKY_SESSIONS="true",
        SESSION_COOKIE_TTL="60",
        BACKEND_DOWN_TIME=500,
        MAX_RETRIES="0",
    )
    (balancer,) = made.load_balancers

    assert balancer.session_affinity is SessionAffinity.COOKIE
    assert balancer.session_affinity_ttl == 60
    assert balancer.ejection.base_time == 0.5
    assert balancer.failover.tries == 1


def test_backends_are_probed_when_there_is_a_path() -> None:
    """With a path, one monitor probes all backends, over https unless all of them use http."""
    secure = config(BACKEND_A="a.example.com", BACKEND_B="http://b.x", HEALTH_CHECK_PATH="/up")
    plain = config(BACKEND_A="http://a.x", BACKEND_B="http://b.x", HEALTH_CHECK_PATH="/up")

    assert [monitor.type for monitor in secure.monitors] == [MonitorType.HTTPS]
    assert [monitor.type for monitor in plain.monitors] == [MonitorType.HTTP]
    assert secure.pools[0].monitor is secure.monitors[0]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {"ORIGINS": "a.example.com", "BACKEND_A": "b.example.com"},
            ["choose one: ORIGINS, or BACKEND_* variables, not both @ $.vars.ORIGINS"],
        ),
        ({"ORIGINS": " , "}, ["names no origin @ $.vars.ORIGINS"]),
        (
            {"BACKEND_A": "a.example.com", "BACKEND_DOWN_TIME": "soon"},
            ['must be a number, not "soon" @ $.vars.BACKEND_DOWN_TIME'],
        ),
        (
            {"BACKEND_A": "a.example.com", "BACKEND_DOWN_TIME": -5},
            [
                (
                    "must be from 0 to 86400, not -0.005 "
                    "(in seconds; the variable is in milliseconds) @ $.vars.BACKEND_DOWN_TIME"
                )
            ],
        ),
        (
            {"BACKEND_A": "a.example.com", "MAX_RETRIES": -1},
            [
                (
                    "must be from 1 to 20, not 0 "
                    "(tries, which is one more than retries) @ $.vars.MAX_RETRIES"
                )
            ],
        ),
        (
            {"ORIGINS": ["a.example.com", "b.example.com"]},
            [
                (
                    "must be text, not a list: write all of it in one text, with commas "
                    "@ $.vars.ORIGINS"
                )
            ],
        ),
        (
            {"BACKEND_A": "a.example.com", "STICKY_SESSIONS": "maybe"},
            ['must be true or false, not "maybe" @ $.vars.STICKY_SESSIONS'],
        ),
        (
            {"BACKEND_A": "a.example.com", "PRIMARY_DOMAIN": "https://x"},
            ["must be a bare host name, without scheme, port or path @ $.vars.PRIMARY_DOMAIN"],
        ),
        (
            {"BACKEND_A": "a.example.com", "SESSION_COOKIE_NAME": "a b", "SESSION_COOKIE_TTL": 0},
            [
                "must be from 1 to 604800, not 0 @ $.vars.SESSION_COOKIE_TTL",
                "is not a cookie name (RFC 6265 4.1.1) @ $.vars.SESSION_COOKIE_NAME",
            ],
        ),
        (
            {"ORIGINS": "a.example.com", "HEALTH_CHECK_PATH": "health"},
            ['must start with "/" and have neither spaces nor "#" @ $.vars.HEALTH_CHECK_PATH'],
        ),
        (
            {"ORIGINS": "a.x", "HEALTH_CHECK_INTERVAL": 2000, "HEALTH_CHECK_TIMEOUT": 3000},
            [
                (
                    "must be less than interval (3 is not less than 2) "
                    "(in seconds; the variable is in milliseconds) @ $.vars.HEALTH_CHECK_TIMEOUT"
                )
            ],
        ),
        ({"BACKEND_A": object()}, ["must be text, not something else @ $.vars.BACKEND_A"]),
        ({"BACKEND_": "a.example.com"}, ["must not be empty @ $.vars.BACKEND_"]),
        (
            {"BACKEND_A": "a.example.com", "BACKEND_B": "a.example.com"},
            ["is the same place as BACKEND_A @ $.vars.BACKEND_B"],
        ),
        (
            {"BACKEND_A": "a.example.com", "BACKEND_B": "10.0.0.1"},
            [
                (
                    "is an address of a private network, which no Worker reaches: give a public "
                    "hostname of the tunnel (Cloudflare answers requests to any IP address with "
                    "error 1003) @ $.vars.BACKEND_B"
                )
            ],
        ),
    ],
)
def test_problems_name_the_variable(variables: dict[str, object], expected: list[str]) -> None:
    """Problems name the variable, not a path in a document."""
    assert problems(**variables) == expected


def test_problems_of_origins_count_them() -> None:
    """Problems of origins give their number, not their address, which may hold a password."""
    assert problems(ORIGINS="a.example.com, me:secret@b.x, https://a.example.com") == [
        (
            "origin 2: must not hold a user name or password: "
            "use request_headers for credentials @ $.vars.ORIGINS"
        ),
        'origin 3: "a.example.com" is listed twice @ $.vars.ORIGINS',
    ]
    assert problems(ORIGINS="ftp://a.example.com") == [
        (
            "origin 1: must start with https:// or http:// "
            "(WebSockets pass through these too) @ $.vars.ORIGINS"
        )
    ]


@pytest.mark.parametrize(
    ("variable", "value", "most"),
    [
        ("MAX_RETRIES", "50", 19),
        ("MAX_RETRIES", 1e9, 19),
        ("SESSION_COOKIE_TTL", 2_592_000, 604_800),
    ],
)
def test_too_large_a_value_is_the_largest_with_a_note(
    variable: str, value: object, most: int
) -> None:
    """MAX_RETRIES = 50 was refused, though the Worker that had it took any number."""
    variables = {"ORIGINS": "a.example.com", "STICKY_SESSIONS": "true", variable: value}
    made = config(**variables)
    (balancer,) = made.load_balancers

    assert most in {balancer.failover.tries - 1, balancer.session_affinity_ttl}
    number = int(float(str(value)))
    assert made.unheeded == {f"$.vars.{variable}": f"{number} is too large: {most} is used"}


def test_the_largest_value_needs_no_note() -> None:
    """A value within the limits is taken as it is."""
    assert config(ORIGINS="a.example.com", MAX_RETRIES=19).unheeded == {}


NAMES = (
    "ORIGINS",
    "BACKEND_A",
    "BACKEND_B",
    "BACKEND_",
    "PRIMARY_DOMAIN",
    "STICKY_SESSIONS",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_TTL",
    "BACKEND_DOWN_TIME",
    "MAX_RETRIES",
    "HEALTH_CHECK_PATH",
    "HEALTH_CHECK_INTERVAL",
    "HEALTH_CHECK_TIMEOUT",
)
VALUES = st.one_of(
    st.text(max_size=30),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.lists(st.integers(), max_size=2),
    st.sampled_from(
        ["a.example.com", "http://b.x:1, c.y", "1e400", "9" * 5000, "nan", "0.5", "/", "[::1]"]
    ),
)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_no_value_of_a_variable_raises(variables: dict[str, object]) -> None:
    """Any value of a variable gives a configuration, none, or a list of problems."""
    parsed = from_variables(variables)

    if isinstance(parsed, Invalid):
        assert parsed.problems
        assert all(problem.path.startswith("$.vars.") for problem in parsed.problems)
    else:
        assert parsed is None or isinstance(parsed, Config)


@pytest.mark.parametrize(
    "variables",
    [
        {"ORIGINS": "hush://a"},
        {"ORIGINS": ","},
        {"ORIGINS": "a.example.com", "BACKEND_CF": "b.example.com"},
    ],
)
def test_bad_origins_hide_no_other_problem(variables: dict[str, str]) -> None:
    """With a bad ORIGINS, a bad MAX_RETRIES was only reported once ORIGINS was corrected."""
    found = problems(**variables, MAX_RETRIES="x")

    assert [problem.rpartition("@ ")[2] for problem in found] == [
        "$.vars.ORIGINS",
        "$.vars.MAX_RETRIES",
    ]
