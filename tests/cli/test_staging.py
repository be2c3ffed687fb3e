"""The folder of a local run."""

from evenkeel.dev.staging import without_origins


def test_a_given_file_takes_precedence_over_variables() -> None:
    """`make dev` once balanced between real tunnels: ORIGINS was set in wrangler.toml."""
    variables = {"ORIGINS": "a", "BACKEND_CF": "b", "BACKEND_DOWN_TIME": "1", "OTHER": "c"}

    assert without_origins(variables) == {"OTHER": "c"}
