"""`evenkeel origin`: a small demo origin, whose responses have its name."""

from typing import Annotated

import typer

from evenkeel.output.errors import Exit

HOST = "127.0.0.1"
# In the line that it prints when it listens; `evenkeel dev` waits for it.
LISTENING = "listening on"


def command(
    name: Annotated[str, typer.Option(help="Name in its responses.")] = "server-1",
    port: Annotated[int, typer.Option(help="Port to listen on, on this machine only.")] = 9001,
) -> None:
    """Run a demo origin: a page, health, echoed headers, a slow response and a WebSocket."""
    # Imported here, as no other command needs a web server.
    from aiohttp import web  # noqa: PLC0415

    from evenkeel.dev.origin_pages import make_application  # noqa: PLC0415

    try:
        web.run_app(
            make_application(name),
            host=HOST,
            port=port,
            print=lambda *_: print(f"{name} {LISTENING} http://{HOST}:{port}", flush=True),
            access_log=None,
            # A stopped origin must be gone at once, to show a failover.
            shutdown_timeout=0.2,
        )
    except OSError as error:
        typer.echo(f"{name}: cannot listen on port {port}: {error.strerror}", err=True)
        raise typer.Exit(Exit.NO) from None
