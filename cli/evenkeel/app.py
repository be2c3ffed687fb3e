"""The `evenkeel` command: each of its commands is a module with a function `command`."""

import importlib

import typer

# A new command: a module here, holding a typed function `command`, and its name in this list.
COMMANDS = ("check", "dev", "explain", "origin", "schema", "wrangler")

app = typer.Typer(
    name="evenkeel",
    help="Load balancing with health checks for Cloudflare Tunnels, in one Python Worker.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback()
def evenkeel() -> None:
    """Keep this a command with sub-commands, however few there are."""


for name in COMMANDS:
    module = importlib.import_module(f"evenkeel.{name}")
    app.command(name, context_settings=getattr(module, "SETTINGS", None))(module.command)


def main() -> None:
    """Run the command line."""
    app()
