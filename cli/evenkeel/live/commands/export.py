"""`evenkeel export`: the present configuration as a loadbalancer.toml."""

import os
import tempfile
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from evenkeel.live.client.session import Session, live
from evenkeel.output.errors import Exit, Failure, UsageError, reason


@live
def export(
    session: Session,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write, all or nothing. Default: the standard output.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print the present configuration as a loadbalancer.toml, or with --json as JSON.

    `evenkeel apply` of the exported file changes nothing.
    """
    text = session.wire.text("/export")
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        raise Failure(
            Exit.UNREACHABLE, f"{session.wire.target.url} answered, but not with TOML"
        ) from None
    if session.as_json and output is None:
        session.json(as_json(document))
    elif output is None:
        typer.echo(text, nl=not text.endswith("\n"))
    else:
        _write(output, text)
        if session.as_json:
            session.json({"file": str(output)})
        session.report(f"wrote {output}")


def as_json(value: Any) -> Any:
    """A TOML document for JSON: dates and times become RFC 3339 strings."""
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_json(each) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _write(file: Path, text: str) -> None:
    """Replace a file, so that it is complete at every moment."""
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as opened:
                opened.write(text)
            written = Path(name)
            written.chmod(file.stat().st_mode & 0o777 if file.exists() else 0o644)
            written.replace(file)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {reason(error)}") from None
