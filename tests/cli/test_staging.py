"""The folder of a local run."""

from pathlib import Path

from evenkeel.dev.staging import dev_secrets, without_origins


def test_a_given_file_takes_precedence_over_variables() -> None:
    """`make dev` once balanced between real tunnels: ORIGINS was set in wrangler.toml."""
    variables = {"ORIGINS": "a", "BACKEND_CF": "b", "BACKEND_DOWN_TIME": "1", "OTHER": "c"}

    assert without_origins(variables) == {"OTHER": "c"}


def test_secrets_of_a_dev_vars_file_are_taken_along(tmp_path: Path) -> None:
    """As with `wrangler dev`, the file beside wrangler.toml has them; the environment's go last."""
    file = tmp_path / ".dev.vars"
    environment = {"LB_COOKIE_KEY": "environment"}
    assert dev_secrets(file, environment) == ["LB_COOKIE_KEY='environment'\n"]

    file.write_text('ACCESS_ID="id"\nLB_COOKIE_KEY=file')
    assert "".join(dev_secrets(file, environment)).splitlines() == [
        'ACCESS_ID="id"',
        "LB_COOKIE_KEY=file",
        "LB_COOKIE_KEY='environment'",
    ]
