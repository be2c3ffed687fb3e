"""The address of a balancer's admin side, and whether a token may be sent there."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from evenkeel.output.errors import UsageError, plain

ADMIN_PATH = "/_lb"
_SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class Target:
    """The admin side of a balancer."""

    origin: str
    """Scheme, host and port: `https://service.example.com`."""
    path: str
    """The admin path: `/_lb`."""
    loopback: bool
    """Whether the host is this machine."""

    @property
    def url(self) -> str:
        return self.origin + self.path


def target_of(url: str, admin_path: str = "", *, insecure_http: bool = False) -> Target:
    """The target of a URL: that of the site, or that of the status page in a browser.

    UsageError for a bad URL, and for http to another machine without `insecure_http`.
    """
    split = _split(url)
    host = split.hostname or ""
    loopback = is_loopback(host)
    if split.scheme == "http" and not loopback and not insecure_http:
        raise UsageError(
            f"{_origin(split)}: over http, the token could be read on the way",
            "Use https://, or --insecure-http if you trust the network.",
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
        raise UsageError(
            "the URL is malformed: write it like https://service.example.com"
        ) from None
    host = split.hostname or ""
    if not split.scheme:
        split = split._replace(scheme="http" if is_loopback(host) else "https")
    if split.scheme not in _SCHEMES:
        raise UsageError(f"the URL begins with {plain(split.scheme)}://, not with https://")
    if split.username is not None or split.password is not None:
        raise UsageError("the URL must not contain a user or a password")
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
