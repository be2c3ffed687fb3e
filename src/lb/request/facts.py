"""The facts of a request that decisions use, each one read on demand."""

from __future__ import annotations

from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lb.request.trusted_proxies import TrustedProxies

VIA = "x-evenkeel-via"
"""Header that names the balancers on the way of a request. Via itself (RFC 9110, 7.6.3) would make
some origins stop compressing (nginx: gzip_proxied), and a Worker cannot set CDN-Loop."""


LONGEST_HEADER_READ = 16_384
"""Most characters of a header; a longer one counts as absent."""


def _no_body() -> bool:
    return False


def _no_cf(path: str) -> object:
    del path
    return None


def _no_headers() -> Iterable[tuple[str, str]]:
    return ()


class RequestFacts:
    """One request as the runtime received it.

    - `url`: absolute and unchanged.
    - `header`: returns a header by its lower-case name; a missing one as anything false.
    - `cf`: returns a property of the runtime's Request.cf by its name, or by a path such as
      `botManagement.score`; a missing one as anything but text or a number.
    - `headers`: returns all headers, which costs far more than the few that are usual.

    In the Worker each of them calls JavaScript, so facts are read on demand, and once.
    """

    received = 0.0
    """Time of arrival, in seconds since the Unix epoch; set only where rules may need it."""
    load_balancer = ""
    """Name of the load balancer that serves the request; set only where rules may need it."""
    forwarded_for = ""
    """Addresses from the client to the proxy that asked the Worker; "" = no proxy is trusted."""
    _believed_ip = ""

    def __init__(  # noqa: PLR0913, PLR0917 (one reader of the runtime each)
        self,
        method: str,
        url: str,
        header: Callable[[str], str | None],
        has_body: Callable[[], bool] = _no_body,
        cf: Callable[[str], object] = _no_cf,
        headers: Callable[[], Iterable[tuple[str, str]]] = _no_headers,
    ) -> None:
        self._header = header
        self._has_body = has_body
        self._cf = cf
        self._headers = headers
        self._take(method, url)

    def _take(self, method: str, url: str) -> None:
        self.method = method
        self.url = url
        self._path_at = at = _end_of_authority(url)
        self.authority = url[url.find("//") + 2 : at].rpartition("@")[2]
        """Host and port as the client sent them, without user information."""
        self.host = host_of(self.authority)
        """Host in lower case, without port and final dot; "" = invalid."""

    def header(self, name: str) -> str:
        """Return a header; "" = missing or too long."""
        value = self._header(name)
        return value if isinstance(value, str) and len(value) <= LONGEST_HEADER_READ else ""

    @cached_property
    def via(self) -> str:
        """The balancers of this kind on the request's way, in order."""
        return self.header(VIA)

    @cached_property
    def _given(self) -> dict[str, str | None]:
        return {}

    def given(self, name: str) -> str | None:
        """Return a header, read once; None = missing or too long."""
        given = self._given
        if name in given:
            return given[name]
        value = self._header(name)
        fine = isinstance(value, str) and len(value) <= LONGEST_HEADER_READ
        given[name] = value if fine else None
        return given[name]

    @cached_property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """All headers, with lower-case names; those of one name joined by commas."""
        pairs = self._headers()
        return tuple(pair for pair in pairs if len(pair[1]) <= LONGEST_HEADER_READ)

    @cached_property
    def memo(self) -> dict[str, object]:
        """Cache of results computed from the request; each user has its own keys."""
        return {}

    @property
    def https(self) -> bool:
        return self.url.startswith("https:")

    @property
    def target(self) -> str:
        """Path and query, unchanged."""
        return self.url[self._path_at :]

    @cached_property
    def path(self) -> str:
        """Path, unchanged."""
        return self.target.partition("?")[0] or "/"

    @cached_property
    def query(self) -> str:
        """Query without its question mark, unchanged."""
        return self.target.partition("?")[2]

    @property
    def client_ip(self) -> str:
        """Address of the client according to Cloudflare, or to a trusted proxy; "" = unknown.

        https://developers.cloudflare.com/fundamentals/reference/http-headers/#cf-connecting-ip
        """
        return self._believed_ip or self.header("cf-connecting-ip")

    def behind(self, proxies: TrustedProxies) -> None:
        """Believe what these proxies say of the client."""
        peer = self.header("cf-connecting-ip")
        believed = proxies.believed(peer, self.header("x-forwarded-for"))
        if believed is not None:
            self._believed_ip, self.forwarded_for = believed

    def cf_text(self, path: str) -> str:
        """Return a text of Request.cf; "" = missing.

        https://developers.cloudflare.com/workers/runtime-apis/request/#incomingrequestcfproperties
        """
        value = self._cf(path)
        return value if isinstance(value, str) else ""

    def cf_number(self, path: str) -> float | None:
        """Return a finite number of Request.cf; None = missing. Coordinates arrive as text."""
        value = self._cf(path)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return None
        return number if isfinite(number) else None

    def cf_flag(self, path: str) -> bool | None:
        """Return a boolean of Request.cf; None = missing. Some arrive as "1" and "0"."""
        value = self._cf(path)
        if isinstance(value, bool):
            return value
        return {"1": True, "0": False}.get(value) if isinstance(value, str) else None

    @cached_property
    def colo(self) -> str:
        """Data centre of the request, as an IATA code (`NRT`); "" = unknown."""
        return self.cf_text("colo").upper()

    @cached_property
    def country(self) -> str:
        """Country of the client in ISO 3166-1 (`DE`), `T1` for Tor; "" = unknown."""
        return self.cf_text("country").upper()

    @cached_property
    def region_code(self) -> str:
        """Region of the client in ISO 3166-2, without the country (`TX`); "" = unknown."""
        return self.cf_text("regionCode").upper()

    @cached_property
    def continent(self) -> str:
        """Continent of the client: AF, AN, AS, EU, NA, OC, SA; "" = unknown."""
        return self.cf_text("continent").upper()

    @cached_property
    def latitude(self) -> float | None:
        """Latitude of the client in degrees; None = unknown."""
        return self.cf_number("latitude")

    @cached_property
    def longitude(self) -> float | None:
        """Longitude of the client in degrees; None = unknown."""
        return self.cf_number("longitude")

    @cached_property
    def asn(self) -> int | None:
        """Autonomous system number of the client (RFC 1930); None = unknown."""
        number = self.cf_number("asn")
        return None if number is None else int(number)

    @property
    def has_body(self) -> bool:
        return self._has_body()

    @cached_property
    def content_length(self) -> int | None:
        """Bytes of the body; None = absent or invalid."""
        value = self.header("content-length")
        return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None


def _end_of_authority(url: str) -> int:
    start = url.find("//") + 2
    slash = url.find("/", start)
    end = len(url) if slash < 0 else slash
    mark = url.find("?", start, end)
    return end if mark < 0 else mark


def host_of(authority: str) -> str:
    """Return the host of an authority: `Example.com.:8080` -> `example.com`, `[::1]:80` -> `[::1]`.

    "" if the rest is not a port: origins put all of X-Forwarded-Host into links.
    """
    host = authority.lower()
    if host.startswith("["):
        name, bracket, port = host.partition("]")
        name, port = name + bracket, port.removeprefix(":")
    else:
        name, _, port = host.partition(":")
        name = name.rstrip(".")
    return name if not port or (port.isascii() and port.isdigit() and len(port) < 6) else ""
