"""What a decision may know of a request, each fact read only when asked for."""

from __future__ import annotations

from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


VIA = "x-evenkeel-via"
"""Names the balancers that a request came through. Via itself (RFC 9110, 7.6.3) would make some
origins stop compressing (nginx: gzip_proxied), and CDN-Loop cannot be set by a Worker."""


LONGEST_HEADER_READ = 16_384
"""Characters of one header that a decision looks at; what is longer counts as absent."""


def _no_body() -> bool:
    return False


def _nothing_known(path: str) -> object:
    del path
    return None


def _no_headers() -> Iterable[tuple[str, str]]:
    return ()


class RequestFacts:
    """One request as the runtime saw it.

    `url` is absolute and untouched. `header` answers a lower-case name with the header's value,
    or with something false. `cf` answers the name of a property of the runtime's Request.cf, or a
    path such as `botManagement.score`, with its value; what is missing, with anything that is
    neither text nor a number. Reading either costs a crossing of the language border in the Worker,
    so nothing is read before it is needed, and nothing twice. `headers` gives all of them, which
    is by far the dearest.
    """

    received = 0.0
    """When the request came, in seconds since the Unix epoch; only set where a rule may ask."""
    load_balancer = ""
    """The name of the load balancer that serves it; only set where a rule may ask."""

    def __init__(  # noqa: PLR0913, PLR0917 (one question to the runtime each)
        self,
        method: str,
        url: str,
        header: Callable[[str], str | None],
        has_body: Callable[[], bool] = _no_body,
        cf: Callable[[str], object] = _nothing_known,
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
        """Host and port as the client named them; nothing that may stand before an @."""
        self.host = host_of(self.authority)
        """The host alone: lower case, no port, no dot at the end."""

    def header(self, name: str) -> str:
        """Return the header's value, "" when it is missing or too long to be looked at."""
        value = self._header(name)
        return value if isinstance(value, str) and len(value) <= LONGEST_HEADER_READ else ""

    @cached_property
    def via(self) -> str:
        """The balancers of this kind that the request came through, in their order."""
        return self.header(VIA)

    @cached_property
    def _given(self) -> dict[str, str | None]:
        return {}

    def given(self, name: str) -> str | None:
        """Return a header as it was sent, None when it is missing or too long to be looked at.

        Asked for any number of times, it is read once.
        """
        given = self._given
        if name in given:
            return given[name]
        value = self._header(name)
        fine = isinstance(value, str) and len(value) <= LONGEST_HEADER_READ
        given[name] = value if fine else None
        return given[name]

    @cached_property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Every header: lower-case names, and those of one name as one, joined by commas."""
        pairs = self._headers()
        return tuple(pair for pair in pairs if len(pair[1]) <= LONGEST_HEADER_READ)

    @cached_property
    def memo(self) -> dict[str, object]:
        """What was made of the request once and may be wanted again, under names of its makers."""
        return {}

    @property
    def https(self) -> bool:
        return self.url.startswith("https:")

    @property
    def target(self) -> str:
        """Path and query, byte for byte as the client sent them."""
        return self.url[self._path_at :]

    @cached_property
    def path(self) -> str:
        """The path, byte for byte as the client sent it."""
        return self.target.partition("?")[0] or "/"

    @cached_property
    def query(self) -> str:
        """The query without its question mark, byte for byte as the client sent it."""
        return self.target.partition("?")[2]

    @property
    def client_ip(self) -> str:
        """The address that Cloudflare vouches for; "" where nobody does.

        https://developers.cloudflare.com/fundamentals/reference/http-headers/#cf-connecting-ip
        """
        return self.header("cf-connecting-ip")

    def cf_text(self, path: str) -> str:
        """Return a text of Request.cf, "" when it is not there.

        https://developers.cloudflare.com/workers/runtime-apis/request/#incomingrequestcfproperties
        """
        value = self._cf(path)
        return value if isinstance(value, str) else ""

    def cf_number(self, path: str) -> float | None:
        """Return a number of Request.cf; coordinates arrive as text."""
        value = self._cf(path)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return None
        return number if isfinite(number) else None

    def cf_flag(self, path: str) -> bool | None:
        """Return a truth value of Request.cf; some arrive as the texts "1" and "0"."""
        value = self._cf(path)
        if isinstance(value, bool):
            return value
        return {"1": True, "0": False}.get(value) if isinstance(value, str) else None

    @cached_property
    def colo(self) -> str:
        """The data centre that the request came to, as an IATA code (`NRT`); "" if unknown."""
        return self.cf_text("colo").upper()

    @cached_property
    def country(self) -> str:
        """The client's country as ISO 3166-1 says it (`DE`), `T1` for Tor; "" if unknown."""
        return self.cf_text("country").upper()

    @cached_property
    def region_code(self) -> str:
        """The client's region after ISO 3166-2 without the country (`TX`); "" if unknown."""
        return self.cf_text("regionCode").upper()

    @cached_property
    def continent(self) -> str:
        """The client's continent: AF, AN, AS, EU, NA, OC, SA; "" if unknown."""
        return self.cf_text("continent").upper()

    @cached_property
    def latitude(self) -> float | None:
        """The client's latitude in degrees; None if unknown."""
        return self.cf_number("latitude")

    @cached_property
    def longitude(self) -> float | None:
        """The client's longitude in degrees; None if unknown."""
        return self.cf_number("longitude")

    @cached_property
    def asn(self) -> int | None:
        """The number of the client's network (RFC 1930); None if unknown."""
        number = self.cf_number("asn")
        return None if number is None else int(number)

    @property
    def has_body(self) -> bool:
        return self._has_body()

    @cached_property
    def content_length(self) -> int | None:
        """Bytes of the body, None when the client did not say or said nonsense."""
        value = self.header("content-length")
        return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None


def _end_of_authority(url: str) -> int:
    start = url.find("//") + 2
    slash = url.find("/", start)
    end = len(url) if slash < 0 else slash
    mark = url.find("?", start, end)
    return end if mark < 0 else mark


def host_of(authority: str) -> str:
    """Return an authority's host: `Example.com.:8080` -> `example.com`, `[::1]:80` -> `[::1]`.

    "" when what stands after it is no port: origins write links with X-Forwarded-Host, all of it.
    """
    host = authority.lower()
    if host.startswith("["):
        name, bracket, port = host.partition("]")
        name, port = name + bracket, port.removeprefix(":")
    else:
        name, _, port = host.partition(":")
        name = name.rstrip(".")
    return name if not port or (port.isascii() and port.isdigit() and len(port) < 6) else ""
