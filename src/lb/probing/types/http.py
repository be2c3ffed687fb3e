"""The http and https monitors: a request, and the expected status and body."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from lb.health.verdict import Verdict
from lb.model import MonitorType
from lb.model.header_secrets import problem_of
from lb.probing.causes import BARRIER_CAUSES, CACHED, ERROR_BYTES, edge_cause
from lb.probing.probe import Answer, HttpProbe, ProbeFailure, Unsent
from lb.request.edge_answers import Writer, to_access

if TYPE_CHECKING:
    from lb.model import HeaderValue, Monitor, Origin
    from lb.model.header_secrets import Secret
    from lb.probing.probe import Reply

USER_AGENT = "Mozilla/5.0 (compatible; Evenkeel-Health-Check/1.0)"
"""User-Agent of every probe. Cannot be overridden, like that of Cloudflare's monitors."""

BODY_LIMIT = 10_240
"""Bytes of a body in which expected_body is looked for, as Cloudflare documents
(https://developers.cloudflare.com/load-balancing/troubleshooting/common-error-codes/)."""

MOST_REDIRECTS = 5
"""Redirects that one probe follows. Each is a subrequest, of which the free plan has 50
(https://developers.cloudflare.com/workers/platform/limits/#subrequests)."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""RFC 9110, 15.4. Any other 3xx is an ordinary answer."""

_AROUND = "".join(map(chr, range(33)))
"""Characters that URL parsers strip (https://url.spec.whatwg.org/#concept-basic-url-parser)."""

_DEFAULT_PORT = {MonitorType.HTTP: 80, MonitorType.HTTPS: 443}
_PASSED = Verdict(passed=True)
_CACHED = Verdict(passed=False, conclusive=False, cause=CACHED)
_BODY = Verdict(passed=False, cause="Response body mismatch")


def probe(monitor: Monitor, origin: Origin) -> HttpProbe:
    """Return the request to `origin`.

    The monitor's own port comes first, then scheme and port as written in the origin's address, so
    that the probe goes where the traffic goes, then the type's own.
    """
    headers: list[tuple[str, HeaderValue]] = [("User-Agent", USER_AGENT)]
    headers += [(name, value) for name, values in monitor.header for value in values]
    return HttpProbe(
        method=monitor.method,
        url=_base(monitor, origin) + monitor.path,
        headers=tuple(headers),
        timeout=monitor.timeout,
        body_limit=BODY_LIMIT if monitor.expected_body else 0,
        redirects_left=MOST_REDIRECTS if monitor.follow_redirects else 0,
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
    """Return the verdict: an expected status and, if configured, an expected text pass.

    Answers of a cache are inconclusive, and barriers fail. Any other answer is judged by its status
    whoever wrote it: a missing CF-Cache-Status alone must not fail a healthy origin.
    """
    if isinstance(reply, Unsent):
        return Verdict(passed=False, cause=reply.cause)
    if not isinstance(reply, Answer):
        failure = reply if isinstance(reply, ProbeFailure) else ProbeFailure.OTHER
        return Verdict(passed=False, cause=failure.value)
    if reply.writer is Writer.CACHE:
        return _CACHED
    if reply.barrier is not None:
        return Verdict(passed=False, cause=BARRIER_CAUSES[reply.barrier])
    if not any(reply.status in codes for codes in monitor.expected_codes):
        by_edge = reply.writer is Writer.EDGE
        cause = edge_cause(reply.status, reply.body) if by_edge else "Response code mismatch"
        return Verdict(passed=False, cause=cause)
    return _PASSED if _has_expected_body(monitor, reply) else _BODY


def _has_expected_body(monitor: Monitor, answer: Answer) -> bool:
    if not monitor.expected_body:
        return True
    text = answer.body[:BODY_LIMIT].decode("utf-8", "replace").casefold()
    return monitor.expected_body.casefold() in text


def unsent(probe: HttpProbe, secret: Secret) -> Unsent | None:
    """Return why a probe cannot be sent; None = it can."""
    for _, value in probe.headers:
        problem = problem_of(value, secret)
        if problem:
            return Unsent(f"{ProbeFailure.CONFIG.value}: {problem}")
    return None


def bytes_to_read(probe: HttpProbe, status: int, writer: Writer) -> int:
    """Return how much of an answer's body to read; the edge names its errors there."""
    names_errors = writer is Writer.EDGE and status >= 400
    return max(probe.body_limit, ERROR_BYTES) if names_errors else probe.body_limit


def redirected(probe: HttpProbe, status: int, location: str) -> HttpProbe | ProbeFailure | None:
    """Return the probe to send after an answer; None: the answer is final.

    Without follow_redirects a redirect is judged by its status. With it, a redirect out of HTTP, or
    from https to http, is a failure, as no certificate vouches for its target. Another origin gets
    the User-Agent alone, as a monitor's headers may hold a secret. A redirect to a log-in page of
    Cloudflare Access is final: behind it is a page that answers well without the origin.
    """
    if not probe.redirects_left or status not in _REDIRECTS or not location:
        return None
    if to_access(location):
        return None
    try:
        url = urljoin(probe.url, location.strip(_AROUND))
        old, new = urlsplit(probe.url), urlsplit(url)
        same = (old.scheme, old.netloc) == (new.scheme, new.netloc)
    except ValueError:
        return ProbeFailure.INVALID
    downgraded = old.scheme == "https" and new.scheme == "http"
    if not url.isprintable() or new.scheme not in ("http", "https") or downgraded:
        return ProbeFailure.INVALID
    return replace(
        probe,
        url=url.partition("#")[0],
        method=_method_after(status, probe.method),
        headers=probe.headers if same else probe.headers[:1],
        redirects_left=probe.redirects_left - 1,
    )


def _method_after(status: int, method: str) -> str:
    """Return the method after a redirect (RFC 9110, 15.4.2 to 15.4.4)."""
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        return "GET"
    return method
