"""The http and https monitors: a request, and what status and body must say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.health import Verdict
from lb.model import MonitorType
from lb.monitors.words import Probe, ProbeFailure

if TYPE_CHECKING:
    from lb.model import Monitor, Origin
    from lb.monitors.words import Reply

USER_AGENT = "Mozilla/5.0 (compatible; Evenkeel-Health-Check/1.0)"
"""Cloudflare's monitors have a User-Agent of their own that cannot be overridden; so have these."""

BODY_LIMIT = 10_240
"""Bytes of a body in which expected_body is looked for: the 10 KB of Cloudflare's documentation
(https://developers.cloudflare.com/load-balancing/troubleshooting/common-error-codes/)."""

_DEFAULT_PORT = {MonitorType.HTTP: 80, MonitorType.HTTPS: 443}
_PASSED = Verdict(passed=True)
_STATUS = Verdict(passed=False, cause="Response code mismatch")
_BODY = Verdict(passed=False, cause="Response body mismatch")


def probe(monitor: Monitor, origin: Origin) -> Probe:
    """Return the request that asks `origin` how it is.

    The monitor's own port comes first; then scheme and port as the operator wrote them in the
    origin's address, so that the probe goes where the traffic goes; then the type's own.
    """
    headers = [("User-Agent", USER_AGENT)]
    headers += [(name, value) for name, values in monitor.header for value in values]
    return Probe(
        method=monitor.method,
        url=_base(monitor, origin) + monitor.path,
        headers=tuple(headers),
        timeout=monitor.timeout,
        follow_redirects=monitor.follow_redirects,
        body_limit=BODY_LIMIT if monitor.expected_body else 0,
    )


def _base(monitor: Monitor, origin: Origin) -> str:
    if origin.explicit and not monitor.port:
        return origin.url
    scheme = monitor.type.value
    authority = origin.url.partition("://")[2]
    host = authority[: authority.find("]") + 1] or authority.partition(":")[0]
    port = monitor.port or _DEFAULT_PORT[monitor.type]
    return (
        f"{scheme}://{host}" if port == _DEFAULT_PORT[monitor.type] else f"{scheme}://{host}:{port}"
    )


def judge(monitor: Monitor, reply: Reply) -> Verdict:
    """Say whether the reply is a healthy origin's: an expected status and, if asked for, text."""
    if isinstance(reply, ProbeFailure):
        return Verdict(passed=False, cause=reply.value)
    if not any(reply.status in codes for codes in monitor.expected_codes):
        return _STATUS
    if monitor.expected_body:
        text = reply.body[:BODY_LIMIT].decode("utf-8", "replace").casefold()
        if monitor.expected_body.casefold() not in text:
            return _BODY
    return _PASSED
