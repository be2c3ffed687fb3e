"""`evenkeel export`: the configuration in force, as a loadbalancer.toml."""

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
            help="Write this file, all or nothing. Without it: the standard output.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print the configuration in force as a loadbalancer.toml, or with --json as JSON.

    `evenkeel apply` of what was exported changes nothing.
    """
    text = session.wire.text("/export")
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        raise Failure(
            Exit.UNREACHABLE, f"{session.wire.target.url} answered with something that is no TOML"
        ) from None
    if session.as_json and output is None:
        session.json(as_json(document))
    elif output is None:
        typer.echo(text, nl=not text.endswith("\n"))
    else:
        _write(output, text)
        if session.as_json:
            session.json({"file": str(output)})
        session.tell(f"wrote {output}")


def as_json(value: Any) -> Any:
    """A document as JSON can hold it: TOML's own dates and times become RFC 3339 texts."""
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_json(each) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _write(file: Path, text: str) -> None:
    """Write a file that is whole at every moment."""
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
