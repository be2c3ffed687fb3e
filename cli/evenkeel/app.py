"""The `evenkeel` command and the table of its commands, each a typed function in its own module."""

import importlib

import typer

# Name of a command -> its module and function, in the order of the help.
COMMANDS = {
    "Before you deploy": {
        "check": "check.command:command",
        "explain": "explain.command:command",
        "dev": "dev.command:command",
        "origin": "dev.origin:command",
        "wrangler": "dev.wrangler:command",
        "schema": "docs.schema:command",
    },
    "Watch a deployed balancer": {
        "status": "live.commands.status:status",
        "events": "live.commands.events:events",
        "versions": "live.commands.versions:versions",
        "export": "live.commands.export:export",
    },
    "Change a deployed balancer": {
        "drain": "live.commands.actions:drain",
        "enable": "live.commands.actions:enable",
        "disable": "live.commands.actions:disable",
        "weight": "live.commands.actions:weight",
        "apply": "live.commands.apply:apply",
        "rollback": "live.commands.versions:rollback",
        "adopt": "live.commands.adopt:adopt",
        "token": "live.commands.token:token",
    },
}

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
    """Keep the commands sub-commands, even if there is only one."""


for panel, commands in COMMANDS.items():
    for name, place in commands.items():
        module_name, _, function = place.partition(":")
        module = importlib.import_module(f"evenkeel.{module_name}")
        settings = getattr(module, "SETTINGS", None)
        register = app.command(name, context_settings=settings, rich_help_panel=panel)
        register(getattr(module, function))


def main() -> None:
    """Run the command line."""
    app()
