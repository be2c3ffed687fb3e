"""Headers that the balancer adds to requests for origins and to responses for clients."""

from __future__ import annotations

import pytest

from lb.proxy import forged_headers
from support.answers import reply
from support.origins import Origin, origins
from support.toml import load_balancer, pool
from support.workerd import HTTPS, Workerd, workerd

CLIENT = ("CF-Connecting-IP", "192.0.2.7")
FORGED_NAMES = [*forged_headers.FORGED, "X-Forwarded-For", "X-Real-IP", "Forwarded"]
FORGED = [
    ("X-Forwarded-For", "6.6.6.6, 7.7.7.7"),
    ("X-Forwarded-For", "8.8.8.8"),
    ("X-Real-IP", "6.6.6.6"),
    ("X-Forwarded-Host", "forged.example.com"),
    ("X-Forwarded-Proto", "https"),
    ("Forwarded", "for=6.6.6.6;host=forged.example.com"),
    ("X-Served-By", "forged"),
]


def configuration(one: Origin, two: Origin) -> str:
    """One load balancer for each setting."""
    edits = {
        "request_headers": {
            "set": {"X-Secret": "abc", "User-Agent": "edited"},
            "remove": ["X-Remove-Me", "Cookie"],
        },
        "response_headers": {
            "set": {"Strict-Transport-Security": "max-age=5", "X-Powered-By": "us"},
            "remove": ["Server", "X-Served-By"],
        },
    }
    return "\n".join(
        [
            pool("all", one),
            load_balancer("plain.test", "all"),
            load_balancer("hidden.test", "all", x_served_by=False),
            load_balancer("edited.test", "all", **edits),
            load_balancer("secure.test", "all", https_redirect=True),
            load_balancer("behind.test", "all", trusted_proxies=["192.0.2.0/24", "2001:db8::/32"]),
            load_balancer(
                "own.test", "all", request_headers={"set": {"X-Client-IP": "the operator's"}}
            ),
            pool("both", one, two),
            load_balancer(
                "address.test",
                "both",
                trusted_proxies=["192.0.2.0/24"],
                session_affinity="ip_cookie",
                rules=[
                    {
                        "condition": "ip.src eq 203.0.113.66",
                        "fixed_response": {"message_body": "blocked", "status_code": 403},
                    }
                ],
            ),
            *(load_balancer(name, "all", https_redirect=True) for name in LOOPBACKS),
            pool("other", two),
            load_balancer("other.test", "other"),
        ]
    )


LOOPBACKS = ("localhost", "service.localhost")


@pytest.mark.parametrize("host", ["plain.test", "plain.test:8443"])
def test_the_origin_is_told_who_asked(host: str, worker: Workerd, one: Origin) -> None:
    """An origin gets the client's address, scheme and host, and its own name."""
    worker.get("/", CLIENT, host=host)

    (request,) = one.requests
    assert request.header("x-forwarded-for") == "192.0.2.7"
    assert request.header("x-real-ip") == "192.0.2.7"
    assert request.header("x-forwarded-proto") == "http"
    assert request.header("x-forwarded-host") == host
    assert request.header("x-served-by") == "one"
    assert request.header("host") == f"127.0.0.1:{one.port}"


def test_the_origin_is_told_of_https(worker: Workerd, one: Origin) -> None:
    """X-Forwarded-Proto is https if the client uses HTTPS."""
    worker.get("/", CLIENT, HTTPS, host="plain.test")
    assert one.requests[0].header("x-forwarded-proto") == "https"


def test_what_the_client_claims_is_replaced(worker: Workerd, one: Origin) -> None:
    """The client's claims about addresses, host or origin are replaced with the true values."""
    worker.get("/", *FORGED, CLIENT, HTTPS, host="plain.test")

    (request,) = one.requests
    assert request.head.all("x-forwarded-for") == ["192.0.2.7"]
    assert request.head.all("x-real-ip") == ["192.0.2.7"]
    assert request.head.all("x-forwarded-host") == ["plain.test"]
    assert request.head.all("x-served-by") == ["one"]
    assert request.header("forwarded") is None


@pytest.mark.parametrize("host", ["plain.test", "behind.test"])
def test_no_client_passes_for_another(host: str, worker: Workerd, one: Origin) -> None:
    """True-Client-IP and its like reached the origin as the client sent them."""
    claims = [(name.title(), "6.6.6.6") for name in FORGED_NAMES]
    stranger = ("CF-Connecting-IP", "203.0.113.1")
    worker.get("/", *claims, ("X-Kept", "6.6.6.6"), stranger, host=host)

    (request,) = one.requests
    forged = [name for name, value in request.head.fields if "6.6.6.6" in value]
    assert [name.lower() for name in forged] == ["x-kept"]


def test_an_operators_own_value_stays(worker: Workerd, one: Origin) -> None:
    """request_headers may set a header that a client may not."""
    worker.get("/", ("X-Client-IP", "6.6.6.6"), host="own.test")
    assert one.requests[0].head.all("x-client-ip") == ["the operator's"]


@pytest.mark.parametrize(
    ("forwarded_for", "client", "chain"),
    [
        (["6.6.6.6, 198.51.100.1"], "198.51.100.1", "198.51.100.1, 192.0.2.7"),
        (["6.6.6.6", "198.51.100.1", "192.0.2.8"], "198.51.100.1", "198.51.100.1, 192.0.2.8, {}"),
        (["6.6.6.6, junk, 2001:db8::5"], "2001:db8::5", "2001:db8::5, {}"),
        ([], "192.0.2.7", "{}"),
    ],
)
def test_a_trusted_proxy_says_who_asked(
    forwarded_for: list[str], client: str, chain: str, worker: Workerd, one: Origin
) -> None:
    """Behind a proxy of the operator's, origins took the proxy for every client."""
    fields = [("X-Forwarded-For", value) for value in forwarded_for]
    worker.get("/", *fields, CLIENT, host="behind.test")

    (request,) = one.requests
    assert request.head.all("x-real-ip") == [client]
    assert request.head.all("x-forwarded-for") == [chain.format("192.0.2.7")]


def test_another_client_is_not_believed(worker: Workerd, one: Origin) -> None:
    """X-Forwarded-For counts only if a trusted proxy sent it."""
    fields = (("X-Forwarded-For", "6.6.6.6"), ("CF-Connecting-IP", "203.0.113.1"))
    worker.get("/", *fields, host="behind.test")
    assert one.requests[0].head.all("x-forwarded-for") == ["203.0.113.1"]


def test_the_believed_address_decides(worker: Workerd) -> None:
    """Rules and affinity by address go by the client of a trusted proxy, not by the proxy."""

    def served(client: str, peer: str = "192.0.2.7") -> str:
        fields = (("X-Forwarded-For", client), ("CF-Connecting-IP", peer))
        answer = worker.get("/", *fields, host="address.test")
        return answer.text

    clients = [f"198.51.100.{number}" for number in range(1, 21)]
    homes = {client: served(client) for client in clients}
    assert set(homes.values()) == {"one", "two"}
    assert homes == {client: served(client, "192.0.2.99") for client in clients}
    assert homes == {client: served("", client) for client in clients}
    assert served("203.0.113.66") == "blocked"
    assert served("203.0.113.66", "203.0.113.1") in {"one", "two"}


def test_an_address_nobody_vouches_for(worker: Workerd, one: Origin) -> None:
    """If Cloudflare sends no client address, the origin gets none."""
    worker.get("/", *FORGED, host="plain.test")

    (request,) = one.requests
    assert request.header("x-forwarded-for") is None
    assert request.header("x-real-ip") is None


def test_the_answer_names_its_origin(worker: Workerd, one: Origin) -> None:
    """X-Served-By on the response is the balancer's, even if the origin sets it."""
    one.behave(reply(200, b"", ("X-Served-By", "someone else")))
    assert worker.get("/", host="plain.test").head.all("x-served-by") == ["one"]


def test_the_names_can_be_kept_back(worker: Workerd, one: Origin) -> None:
    """With x_served_by off, neither origin nor client gets the header."""
    answer = worker.get("/", ("X-Served-By", "forged"), host="hidden.test")

    assert answer.served_by is None
    assert one.requests[0].header("x-served-by") is None


def test_request_headers_are_edited(worker: Workerd, one: Origin) -> None:
    """Headers to set replace the client's, and headers to remove are absent."""
    mine = (("X-Secret", "guess"), ("User-Agent", "mine"), ("Cookie", "a=b"), ("X-Remove-Me", "1"))
    worker.get("/", *mine, host="edited.test")

    (request,) = one.requests
    assert request.head.all("x-secret") == ["abc"]
    assert request.head.all("user-agent") == ["edited"]
    assert request.header("cookie") is None
    assert request.header("x-remove-me") is None


def test_a_client_cannot_undo_an_edit(worker: Workerd, one: Origin) -> None:
    """A header that is set reaches the origin even if the client names it in Connection."""
    worker.get("/", ("Connection", "X-Secret, User-Agent"), host="edited.test")
    assert one.requests[0].header("x-secret") == "abc"


def test_response_headers_are_edited(worker: Workerd, one: Origin) -> None:
    """Headers to set replace the origin's, and headers to remove are absent."""
    one.behave(reply(200, b"ok", ("Server", "nginx"), ("X-Powered-By", "php"), ("X-Kept", "1")))
    answer = worker.get("/", host="edited.test")

    assert answer.header("server") is None
    assert answer.head.all("x-powered-by") == ["us"]
    assert answer.header("strict-transport-security") == "max-age=5"
    assert (answer.header("x-kept"), answer.text) == ("1", "ok")


@pytest.mark.parametrize(
    ("method", "status"), [("GET", 301), ("HEAD", 301), ("POST", 308), ("PUT", 308)]
)
def test_http_is_sent_on_to_https(method: str, status: int, worker: Workerd, one: Origin) -> None:
    """HTTP is redirected to the same URL over HTTPS with a status that keeps the method."""
    answer = worker.send(method, "/a%2Fb//?c=d&e", host="secure.test:8080")

    assert answer.status == status
    assert answer.header("location") == "https://secure.test/a%2Fb//?c=d&e"
    assert one.requests == []


def test_https_is_served(worker: Workerd) -> None:
    """The same host is served over HTTPS."""
    assert worker.get("/", HTTPS, host="secure.test").text == "one"


@pytest.mark.parametrize("host", ["localhost:8787", "service.localhost"])
def test_a_developers_own_machine_is_not_redirected(host: str, worker: Workerd) -> None:
    """A loopback name is served over HTTP, because there is no certificate for it."""
    assert worker.get("/", host=host).text == "one"


def test_a_loopback_address_is_not_redirected(one: Origin) -> None:
    """A loopback address is served over HTTP by a load balancer for any host."""
    config = pool("all", one) + load_balancer("*", "all", https_redirect=True)
    with workerd(config) as worker:
        for host in ("127.0.0.1", "127.8.9.10:8787", "[::1]:8787", "LOCALHOST."):
            assert worker.get("/", host=host).text == "one"
        for host in ("128.0.0.1", "127.0.0.1.example.com", "localhost.example.com", "[::2]"):
            assert worker.get("/", host=host).status == 301


@pytest.mark.parametrize(
    "target",
    [
        "//127.0.0.1:{port}/",
        "/\\127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/",
        "/@127.0.0.1:{port}",
    ],
)
def test_a_target_leads_to_no_other_origin(
    target: str, worker: Workerd, one: Origin, two: Origin
) -> None:
    """Nothing in the request line leads to a server other than the origins."""
    worker.get(target.format(port=two.port), host="plain.test")

    assert (len(one.requests), two.requests) == (1, [])


def test_no_header_leads_to_another_origin(worker: Workerd, one: Origin, two: Origin) -> None:
    """No client header leads to a server other than the origins."""
    elsewhere = f"127.0.0.1:{two.port}"
    names = ("X-Forwarded-Host", "X-Host", "X-Original-URL", "X-Rewrite-URL", "CF-Worker")
    fields = [(name, elsewhere) for name in names]
    assert worker.get("/", *fields, host="plain.test").text == "one"
    assert worker.get("/", *fields, host=elsewhere).status == 421
    assert two.requests == []


def test_a_user_in_the_host_is_no_host(worker: Workerd, two: Origin) -> None:
    """Text before an @ in the Host header does not select a load balancer."""
    assert worker.get("/", host="other.test@plain.test").text == "one"
    assert worker.get("/", host="plain.test@elsewhere.test").status == 421
    assert two.requests == []


def test_a_request_that_comes_back_is_refused() -> None:
    """If an origin's address leads back to the balancer, the client gets 508 at once."""
    with origins(1) as (one,):
        port = one.port
    itself = {"name": "itself", "address": f"http://127.0.0.1:{port}"}
    with workerd(pool("all", itself) + load_balancer("*", "all"), port=port) as worker:
        answer = worker.get("/")
        refusals = worker.events("refused", status=508)

    assert answer.status == 508
    assert "came back to the load balancer" in answer.text
    assert len(refusals) == 1


def test_a_balancer_before_another_is_no_loop(one: Origin) -> None:
    """Requests may pass through several balancers with different configurations."""
    with workerd(pool("inner", one) + load_balancer("*", "inner")) as inner:
        address = {"name": "inner", "address": f"http://127.0.0.1:{inner.port}"}
        with workerd(pool("outer", address) + load_balancer("*", "outer")) as outer:
            assert outer.get("/").text == "one"
