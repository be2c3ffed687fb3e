"""The fields of the rules language: how each reads a request, and unavailable ones."""

# https://developers.cloudflare.com/load-balancing/additional-options/load-balancing-rules/reference/
# https://developers.cloudflare.com/ruleset-engine/rules-language/fields/reference/
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from lb.expressions.readings import (
    address_of,
    arguments_of,
    cookies_of,
    extension_of,
    is_known_bot,
    languages_of,
    one_header,
    port_of,
    region_name,
    subdivision_of,
)
from lb.expressions.texts import normal_path
from lb.expressions.types import ADDRESS, BOOLEAN, INTEGER, MAP_OF_STRINGS, STRING, STRINGS, Type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lb.request.facts import RequestFacts

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Field:
    """One field; `doc` is for the documentation."""

    type: Type
    get: Callable[[RequestFacts], object]
    doc: str
    key: Callable[[RequestFacts, str], object] | None = None
    """For a map: reads one entry without the others."""


def _once(name: str, make: Callable[[RequestFacts], Made]) -> Callable[[RequestFacts], Made]:
    """Return a function that computes a value of a request once, on first use."""

    def get(facts: RequestFacts) -> Made:
        memo = facts.memo
        if name not in memo:
            memo[name] = make(facts)
        return memo[name]  # type: ignore[return-value]

    return get


def _header(name: str, doc: str) -> Field:
    return Field(STRING, lambda facts: facts.given(name) or "", doc)


def _cf_text(path: str, doc: str) -> Field:
    return Field(STRING, lambda facts: facts.cf_text(path), doc)


def _cf_flag(path: str, doc: str) -> Field:
    return Field(BOOLEAN, lambda facts: facts.cf_flag(path), doc)


def _cf_number(path: str, doc: str) -> Field:
    def get(facts: RequestFacts) -> int | None:
        number = facts.cf_number(path)
        return None if number is None else int(number)

    return Field(INTEGER, get, doc)


def _map(name: str, pairs: Callable[[RequestFacts], Iterable[tuple[str, str]]], doc: str) -> Field:
    def make(facts: RequestFacts) -> dict[str, list[str]]:
        made: dict[str, list[str]] = {}
        for key, value in pairs(facts):
            made.setdefault(key, []).append(value)
        return made

    get = _once(name, make)
    return Field(MAP_OF_STRINGS, get, doc, lambda facts, key: get(facts).get(key))


_path = _once("path", lambda facts: normal_path(facts.path))


def _uri(facts: RequestFacts) -> str:
    return f"{_path(facts)}?{facts.query}" if facts.query else _path(facts)


def _origin(facts: RequestFacts) -> str:
    return f"{'https' if facts.https else 'http'}://{facts.host}"


_pairs = _once("arguments", lambda facts: arguments_of(facts.query))
_names = _once("argument names", lambda facts: [name for name, _ in _pairs(facts)])
_values = _once("argument values", lambda facts: [value for _, value in _pairs(facts)])
_ALL_HEADERS = "Reads every header, which costs more than all else."
_CLIENT = {
    "as_organization": _cf_text("asOrganization", "Name of the client's network."),
    "asnum": Field(INTEGER, lambda facts: facts.asn, "Number of the client's network."),
    "city": _cf_text("city", "City."),
    "continent": Field(STRING, lambda facts: facts.continent, "`EU`, `NA` and so on; `T1`: Tor."),
    "country": Field(STRING, lambda facts: facts.country, "Two letters: `DE`; `T1`: Tor."),
    "is_in_european_union": _cf_flag("isEUCountry", "Whether the country is in the EU."),
    "lat": _cf_text("latitude", "Latitude, as text."),
    "lon": _cf_text("longitude", "Longitude, as text."),
    "metro_code": _cf_text("metroCode", "Metro code."),
    "postal_code": _cf_text("postalCode", "Postal code."),
    "region": _cf_text("region", "Name of the region."),
    "region_code": Field(STRING, lambda facts: facts.region_code, "Code of the region: `TX`."),
    "subdivision_1_iso_code": Field(STRING, subdivision_of, "ISO 3166-2: `GB-ENG`."),
    "timezone.name": _cf_text("timezone", "Time zone: `Europe/Berlin`."),
}
_URI = {
    "http.request.full_uri": Field(
        STRING, lambda facts: _origin(facts) + _uri(facts), "Scheme, host, path and query."
    ),
    "http.request.uri": Field(STRING, _uri, "Path and query."),
    "http.request.uri.path": Field(STRING, _path, "The path, normalized."),
    "http.request.uri.path.extension": Field(
        STRING, lambda facts: extension_of(_path(facts)), "`html` of `/a/index.HTML`, or empty."
    ),
    "http.request.uri.query": Field(STRING, lambda facts: facts.query, "The query, without its ?."),
    "http.request.uri.args": _map("argument map", _pairs, "The query's arguments, undecoded."),
    "http.request.uri.args.names": Field(STRINGS, _names, "Their names, in order."),
    "http.request.uri.args.values": Field(STRINGS, _values, "Their values, in order."),
}
_RAW_URI = {
    "raw.http.request.full_uri": Field(
        STRING, lambda facts: facts.url.partition("#")[0], "The URL as the Worker is given it."
    ),
    "raw.http.request.uri": Field(STRING, lambda facts: facts.target, "Path and query, as given."),
    "raw.http.request.uri.path": Field(STRING, lambda facts: facts.path, "The path, as given."),
    "raw.http.request.uri.path.extension": Field(
        STRING, lambda facts: extension_of(facts.path), "Of the path as given."
    ),
    **{
        f"raw.{name}": _URI[name]
        for name in (
            "http.request.uri.query",
            "http.request.uri.args",
            "http.request.uri.args.names",
            "http.request.uri.args.values",
        )
    },
}
_CERTIFICATE = {
    "cert_fingerprint_sha1": "certFingerprintSHA1",
    "cert_fingerprint_sha256": "certFingerprintSHA256",
    "cert_issuer_dn": "certIssuerDN",
    "cert_issuer_dn_legacy": "certIssuerDNLegacy",
    "cert_issuer_dn_rfc2253": "certIssuerDNRFC2253",
    "cert_issuer_serial": "certIssuerSerial",
    "cert_issuer_ski": "certIssuerSKI",
    "cert_not_after": "certNotAfter",
    "cert_not_before": "certNotBefore",
    "cert_serial": "certSerial",
    "cert_ski": "certSKI",
    "cert_subject_dn": "certSubjectDN",
    "cert_subject_dn_legacy": "certSubjectDNLegacy",
    "cert_subject_dn_rfc2253": "certSubjectDNRFC2253",
}
_CF = {
    "cf.bot_management.corporate_proxy": _cf_flag(
        "botManagement.corporateProxy", "Bot Management."
    ),
    "cf.bot_management.ja3_hash": _cf_text("botManagement.ja3Hash", "Bot Management."),
    "cf.bot_management.ja4": _cf_text("botManagement.ja4", "Bot Management."),
    "cf.bot_management.js_detection.passed": _cf_flag(
        "botManagement.jsDetection.passed", "Bot Management."
    ),
    "cf.bot_management.score": _cf_number("botManagement.score", "Bot Management: 1 to 99."),
    "cf.bot_management.static_resource": _cf_flag(
        "botManagement.staticResource", "Bot Management."
    ),
    "cf.bot_management.verified_bot": Field(
        BOOLEAN, is_known_bot, "Whether it is a known good bot."
    ),
    "cf.client.bot": Field(BOOLEAN, is_known_bot, "The same."),
    "cf.edge.server_port": Field(INTEGER, port_of, "The port of the URL."),
    "cf.load_balancer.name": Field(
        STRING, lambda facts: facts.load_balancer, "The load balancer's name."
    ),
    "cf.load_balancer.region": Field(
        STRING, region_name, "The region that the request comes from: `WEU`."
    ),
    "cf.ray_id": Field(
        STRING, lambda facts: (facts.given("cf-ray") or "").partition("-")[0], "The Ray ID."
    ),
    "cf.timings.client_tcp_rtt_msec": _cf_number(
        "clientTcpRtt", "Round trip to the client, in ms."
    ),
    "cf.tls_cipher": _cf_text("tlsCipher", "The client's TLS cipher."),
    "cf.tls_client_auth.cert_presented": _cf_flag(
        "tlsClientAuth.certPresented", "Whether there is a client certificate."
    ),
    "cf.tls_client_auth.cert_revoked": _cf_flag(
        "tlsClientAuth.certRevoked", "Whether it is a revoked one."
    ),
    "cf.tls_client_auth.cert_verified": Field(
        BOOLEAN,
        lambda facts: facts.cf_text("tlsClientAuth.certVerified") == "SUCCESS",
        "Whether it is a valid one.",
    ),
    **{
        f"cf.tls_client_auth.{name}": _cf_text(f"tlsClientAuth.{key}", "Of the client certificate.")
        for name, key in _CERTIFICATE.items()
    },
    "cf.tls_client_extensions_sha1": _cf_text("tlsClientExtensionsSha1", "Of the TLS handshake."),
    "cf.tls_client_hello_length": _cf_number("tlsClientHelloLength", "Of the TLS handshake."),
    "cf.tls_client_random": _cf_text("tlsClientRandom", "Of the TLS handshake."),
    "cf.tls_version": _cf_text("tlsVersion", "The client's TLS version: `TLSv1.3`."),
    "cf.verified_bot_category": _cf_text("verifiedBotCategory", "What a known good bot is for."),
    "cf.worker.upstream_zone": _header(
        "cf-worker", "The zone of the Worker that asks, if one does."
    ),
}

FIELDS: dict[str, Field] = {
    "http.cookie": _header("cookie", "The whole Cookie header."),
    "http.host": Field(STRING, lambda facts: facts.host, "The host name, in lower case."),
    "http.referer": _header("referer", "The Referer header."),
    "http.request.accepted_languages": Field(
        STRINGS, _once("languages", languages_of), "Accept-Language, the most wanted first."
    ),
    "http.request.cookies": _map("cookies", cookies_of, "The cookies by name."),
    "http.request.headers": Field(
        MAP_OF_STRINGS,
        _once("headers", lambda facts: {name: [value] for name, value in facts.headers}),
        "The headers by lower-case name.",
        one_header,
    ),
    "http.request.headers.names": Field(
        STRINGS, lambda facts: [name for name, _ in facts.headers], _ALL_HEADERS
    ),
    "http.request.headers.values": Field(
        STRINGS, lambda facts: [value for _, value in facts.headers], _ALL_HEADERS
    ),
    "http.request.method": Field(STRING, lambda facts: facts.method, "`GET`, `POST` and so on."),
    "http.request.timestamp.sec": Field(
        INTEGER, lambda facts: int(facts.received), "When it came: Unix time in seconds."
    ),
    "http.request.timestamp.msec": Field(
        INTEGER, lambda facts: int(facts.received * 1000) % 1000, "And the milliseconds."
    ),
    "http.request.version": _cf_text("httpProtocol", "`HTTP/1.1`, `HTTP/2`, `HTTP/3`."),
    "http.user_agent": _header("user-agent", "The User-Agent header."),
    "http.x_forwarded_for": _header("x-forwarded-for", "The X-Forwarded-For header."),
    **_URI,
    **_RAW_URI,
    "ip.src": Field(ADDRESS, _once("address", address_of), "The client's address."),
    **{f"ip.src.{name}": field for name, field in _CLIENT.items()},
    **{f"ip.geoip.{name}": field for name, field in _CLIENT.items()},
    "ssl": Field(BOOLEAN, lambda facts: facts.https, "Whether the client uses HTTPS."),
    **_CF,
}

# Reasons by prefix; a longer prefix comes before its own prefix.
REFUSED: dict[str, str] = {
    "cf.bot_management.detection_ids": "a Worker is given it as an object, not as numbers",
    "cf.edge.server_ip": "a Worker is not told it",
    "cf.hostname.metadata": "a Worker is given it as an object, not as text",
    "cf.random_seed": "a decision is the same for the same request",
    "cf.response": "a rule is decided before there is a response",
    "cf.threat_score": "a Worker is not told it",
    "cf.waf": "what the WAF finds is not told to a Worker",
    "dns.": "it belongs to DNS queries, and a Worker is only asked over HTTP",
    "http.request.body": "a rule is decided before the body comes, so that no request waits for it",
    "http.request.headers.truncated": "a Worker is given all headers",
    "http.request.jwt": "tokens are not checked by load balancing rules",
    "http.response": "a rule is decided before there is a response",
    "icmp": "it belongs to packets, and a Worker sees requests",
    "ip.src.subdivision_2_iso_code": "a Worker is not told it",
    "ip.geoip.subdivision_2_iso_code": "a Worker is not told it",
    "raw.http.response": "a rule is decided before there is a response",
    "tcp.": "it belongs to packets, and a Worker sees requests",
    "udp.": "it belongs to packets, and a Worker sees requests",
}


def refusal(name: str) -> str | None:
    """Return why a field of Cloudflare's is unavailable; None = no such field."""
    return next((reason for start, reason in REFUSED.items() if name.startswith(start)), None)
