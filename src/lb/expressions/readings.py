"""Values of fields that take more than one fact of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.base.addresses import number_of
from lb.expressions.texts import lower, url_decoded
from lb.request.regions import region_of

if TYPE_CHECKING:
    from lb.request.facts import RequestFacts


def arguments_of(query: str) -> list[tuple[str, str]]:
    """Return a query's arguments in order, undecoded."""
    parts = (each.partition("=") for each in query.split("&") if each)
    return [(name, value) for name, _, value in parts]


def cookies_of(facts: RequestFacts) -> list[tuple[str, str]]:
    """Return the cookies with decoded names, as in http.request.cookies."""
    parts = (each.strip().partition("=") for each in (facts.given("cookie") or "").split(";"))
    return [(url_decoded(name), value) for name, sign, value in parts if sign]


def one_header(facts: RequestFacts, name: str) -> object:
    """Return a header as an array of one: a Worker gets repeated headers joined."""
    value = facts.given(name)
    return None if value is None else [value]


def extension_of(path: str) -> str:
    """Return a path's extension, in lower case, without its dot."""
    stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    return lower(extension) if dot and stem else ""


def languages_of(facts: RequestFacts) -> list[str]:
    """Return the tags of Accept-Language by descending weight (RFC 9110, 12.5.4)."""
    weighed = []
    for part in (facts.given("accept-language") or "").split(","):
        tag, _, rest = part.partition(";")
        tag, weight = tag.strip(), rest.strip().removeprefix("q=")
        if tag and tag != "*":
            fine = weight.replace(".", "", 1).isascii() and weight.replace(".", "", 1).isdigit()
            weighed.append((-float(weight) if fine else -1.0, tag))
    return [tag for _, tag in sorted(weighed, key=lambda each: each[0])]


def address_of(facts: RequestFacts) -> int | None:
    """Return the client's address as a number (see addresses.py)."""
    return number_of(facts.client_ip)


def port_of(facts: RequestFacts) -> int:
    """Return the port of the URL."""
    port = facts.authority.rpartition(":")[2]
    return int(port) if port.isascii() and port.isdigit() else 443 if facts.https else 80


def subdivision_of(facts: RequestFacts) -> str:
    """Return the ISO 3166-2 code of country and region."""
    return f"{facts.country}-{facts.region_code}" if facts.region_code else ""


def is_known_bot(facts: RequestFacts) -> bool:
    """Whether Cloudflare classifies the client as a good bot."""
    return facts.cf_flag("botManagement.verifiedBot") is True or bool(
        facts.cf_text("verifiedBotCategory")
    )


def region_name(facts: RequestFacts) -> str:
    """Return the load balancing region that the request comes from."""
    region = region_of(facts)
    return "" if region is None else region.value
