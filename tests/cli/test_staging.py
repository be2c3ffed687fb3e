"""The folder that `evenkeel dev` serves from."""

from evenkeel.dev.staging import without_origins


def test_a_given_file_is_read_whatever_the_variables_say() -> None:
    """`make dev` once balanced between real tunnels: ORIGINS stood in wrangler.toml."""
    variables = {"ORIGINS": "a", "BACKEND_CF": "b", "BACKEND_DOWN_TIME": "1", "OTHER": "c"}

    assert without_origins(variables) == {"OTHER": "c"}
