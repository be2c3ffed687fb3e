"""Where the token comes from: a file or the environment, never the command line."""

import os
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from evenkeel.output.errors import UsageError, reason

VARIABLES = ("EVENKEEL_TOKEN", "LB_ADMIN_TOKEN")
"""Environment variables that may hold it; the first that is set counts."""
READ_VARIABLE = "LB_READ_TOKEN"
"""Used when there is none of the others: it is enough to look."""
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
    """The token; empty where a service token of Access alone says who it is. Nothing shows it.

    `ask` is how a person is asked, where there is one.
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
            "`evenkeel token` makes one and says where to put it.",
        )
    return sendable(ask(), "what was typed")


def is_open(file: Path) -> bool:
    """Whether other users of the machine could read a file."""
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
        raise UsageError(f"{file}: holds no token: not UTF-8 text") from None


def sendable(text: str, source: str) -> str:
    """A secret as a header can hold it; one that cannot be sent is refused, and not shown."""
    token = text.strip()
    if not token:
        raise UsageError(f"{source} is empty")
    if not all("!" <= each <= "~" for each in token):
        raise UsageError(f"{source} must not have a blank, a line break or other than ASCII in it")
    return token
