"""Which balancer a command is for: its URL, its admin path, and what may be sent there."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from evenkeel.output.errors import UsageError, plain

ADMIN_PATH = "/_lb"
_SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class Target:
    """Where the admin side of a balancer is."""

    origin: str
    """Scheme, host and port: `https://service.example.com`."""
    path: str
    """The admin path: `/_lb`."""
    loopback: bool
    """Whether it is on this machine."""

    @property
    def url(self) -> str:
        return self.origin + self.path


def target_of(url: str, admin_path: str = "", *, insecure_http: bool = False) -> Target:
    """What a URL stands for: that of the site, or of its status page as a browser shows it.

    A token is sent in clear to this machine only, unless told otherwise.
    """
    split = _split(url)
    host = split.hostname or ""
    loopback = is_loopback(host)
    if split.scheme == "http" and not loopback and not insecure_http:
        raise UsageError(
            f"{_origin(split)}: not over http, where everybody on the way could read the token",
            "Use https://, or --insecure-http if you trust the whole way.",
        )
    path = "/" + (admin_path or split.path).strip("/")
    return Target(_origin(split), ADMIN_PATH if path == "/" else path, loopback)


def _split(url: str) -> SplitResult:
    text = url.strip()
    if "://" not in text:
        text = f"//{text}"
    try:
        split = urlsplit(text, allow_fragments=True)
        _ = split.port
    except ValueError:
        raise UsageError("the URL is none such as https://service.example.com") from None
    host = split.hostname or ""
    if not split.scheme:
        split = split._replace(scheme="http" if is_loopback(host) else "https")
    if split.scheme not in _SCHEMES:
        raise UsageError(f"the URL begins with {plain(split.scheme)}://, not with https://")
    if split.username is not None or split.password is not None:
        raise UsageError("the URL must not have a user or a password in it")
    if not host or not split.netloc.isprintable() or " " in split.netloc:
        raise UsageError("the URL has no host: write it like https://service.example.com")
    return split


def _origin(split: SplitResult) -> str:
    return f"{split.scheme}://{split.netloc.lower()}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
