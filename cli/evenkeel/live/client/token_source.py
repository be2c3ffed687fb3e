"""The source of the token: a file or the environment, never the command line."""

import os
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from evenkeel.output.errors import UsageError, reason

VARIABLES = ("EVENKEEL_TOKEN", "LB_ADMIN_TOKEN")
"""Environment variables with the token; the first that is set is used."""
READ_VARIABLE = "LB_READ_TOKEN"
"""Used if none of the others is set; enough for commands that only read."""
_LONGEST = 4096
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


# A service token of Cloudflare Access goes into two headers:
# https://developers.cloudflare.com/cloudflare-one/identity/service-tokens/
ACCESS = {
    "CF-Access-Client-Id": "CF_ACCESS_CLIENT_ID",
    "CF-Access-Client-Secret": "CF_ACCESS_CLIENT_SECRET",
}


def token_of(
    file: Path | None, environment: Mapping[str, str], ask: Callable[[], str] | None
) -> str:
    """The token; "" if a service token of Access alone authenticates. It is never printed.

    `ask` asks the user, if there is a terminal. UsageError if there is no token.
    """
    if file is not None:
        return sendable(_read(file), str(file))
    for name in (*VARIABLES, READ_VARIABLE):
        if environment.get(name):
            return sendable(environment[name], name)
    if all(environment.get(name) for name in ACCESS.values()):
        return ""
    if ask is None:
        raise UsageError(
            "no token: set EVENKEEL_TOKEN, or give --token-file FILE",
            "`evenkeel token` makes one and prints what to do with it.",
        )
    return sendable(ask(), "the token")


def is_open(file: Path) -> bool:
    """Whether other users of the machine can read a file."""
    try:
        found = file.stat()
    except OSError:
        return False
    return os.name == "posix" and stat.S_ISREG(found.st_mode) and bool(found.st_mode & _OTHERS)


def _read(file: Path) -> str:
    try:
        if str(file) == "-":
            return sys.stdin.readline(_LONGEST)
        with file.open(encoding="utf-8-sig") as opened:
            return opened.read(_LONGEST)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {reason(error)}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: has no token: not UTF-8 text") from None


def sendable(text: str, source: str) -> str:
    """A secret for a header; UsageError, without the secret, if a header cannot contain it."""
    token = text.strip()
    if not token:
        raise UsageError(f"{source} is empty")
    if not all("!" <= each <= "~" for each in token):
        raise UsageError(f"{source} must be ASCII without blanks or line breaks")
    return token
