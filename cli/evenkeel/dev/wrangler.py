"""`evenkeel wrangler`: Cloudflare's command, on the Node.js that `make setup` installed."""

import os

import typer

from evenkeel.dev import checkout
from evenkeel.output.errors import Exit

SETTINGS = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    # wrangler answers `--help` itself.
    "help_option_names": [],
}


def command(context: typer.Context) -> None:
    """Run Cloudflare's wrangler: deploy, tail, secret put ...

    Your login stays where wrangler always stores it.
    """
    if not checkout.WRANGLER.exists() or not checkout.node().exists():
        typer.echo("evenkeel: this checkout is not set up: run `make setup`.", err=True)
        raise typer.Exit(Exit.NO)
    node = checkout.node()
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])
    arguments = [str(node), str(checkout.WRANGLER), *context.args]
    os.chdir(checkout.ROOT)
    os.execve(node, arguments, {**os.environ, "PATH": path})  # noqa: S606 (no shell is wanted)
