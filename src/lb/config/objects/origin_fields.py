"""Origins: their fields, and the rules that join several of them.

https://developers.cloudflare.com/api/resources/load_balancers/subresources/pools/
"""

# ruff: noqa: FBT003 (in a table, a default stands where every other default stands)
from __future__ import annotations

from typing import TYPE_CHECKING

from lb.config.objects.header_fields import origin_headers
from lb.config.reading.host_names import Address
from lb.config.reading.moments import MAINTENANCE, Moment
from lb.config.reading.names import ADDRESS, OBJECT_NAME, OutOfReach
from lb.config.reading.tables import REQUIRED, Field, Record, Standing, Table
from lb.config.reading.values import (
    Boolean,
    Number,
    Text,
    Whole,
)
from lb.model import (
    Origin,
)

if TYPE_CHECKING:
    from lb.config.reading.problems import Reader


_KEPT = Standing.KEPT

NO_NETWORK = "a Worker reaches public host names only: give a public hostname of the tunnel"
NO_DNS = "a Worker gives no DNS answers"

ORIGIN = Table(
    name="pools.origins",
    doc="One place that a request can be sent to.",
    fields=(
        Field(
            "name",
            OBJECT_NAME,
            REQUIRED,
            "Unique in its pool; X-Served-By carries it.",
            missing="missing: the origin goes by its address",
        ),
        Field(
            "address",
            ADDRESS,
            REQUIRED,
            "Where it is: https, unless a scheme is given.",
            missing="missing: the origin is kept, and gets no traffic",
        ),
        Field("enabled", Boolean(), True, "Whether it gets requests and probes."),
        Field("weight", Number(0, 1), 1, "Its share among the pool's origins; 0: no new traffic."),
        Field(
            "max_requests",
            Whole(0, 1_000_000),
            0,
            "Requests that may wait for its answer at once, in each isolate of the Worker: "
            "what is more goes elsewhere, or is refused with 503. 0: any number.",
        ),
        Field("port", Whole(0, 65_535), 0, "Its port, when the address has none; 80 means http."),
        Field("header", origin_headers(), {}, "`{ Host = [name] }`, where equal to the address."),
        Field("flatten_cname", Boolean(), True, "For DNS answers.", _KEPT, NO_DNS),
        Field(
            "virtual_network_id",
            Text(),
            "",
            "The network of a private address.",
            Standing.IMPOSSIBLE,
            NO_NETWORK,
        ),
        Field("disabled_at", Moment(), None, "When it was disabled: its sessions are drained."),
        Field("maintenance", MAINTENANCE, [], "Times in which it counts as disabled."),
    ),
)


def port_of(record: Record) -> int:
    """The port beside the address; 0 = not given."""
    port = record.values.get("port", 0)
    return port if isinstance(port, int) else 0


_AS_GIVEN = frozenset({"enabled", "weight", "max_requests", "disabled_at", "maintenance"})


def address_text(record: Record) -> str:
    """The address as it was given; empty where it cannot be read."""
    address = record.values.get("address")
    return address.text if isinstance(address, Address | OutOfReach) else ""


def make_origin(record: Record, pool: str, reader: Reader) -> Origin | None:
    """The origin that a record describes; None = its problems are noted."""
    address = record.values.get("address")
    if not isinstance(address, Address):
        return _out_of_reach(record, pool) if reader.lenient else None
    network = (record.at / "virtual_network_id").text
    if network in reader.unheeded:
        reader.unheeded[network] = f"the origin is kept, and gets no traffic: {NO_NETWORK}"
        return _out_of_reach(record, pool)
    port = port_of(record)
    if port and address.port and port != address.port:
        reader.refuse(record.at / "port", "differs from the port in the address")
    _check_host(record, address, port, reader)
    given = {key: value for key, value in record.values.items() if key in _AS_GIVEN}
    return Record(record.at, given).build(
        Origin,
        pool=pool,
        name=record.text("name") or address.text,
        address=address.text,
        url=address.url(port),
        explicit=address.explicit or bool(port),
    )


def _out_of_reach(record: Record, pool: str) -> Origin:
    """An origin that a Worker cannot reach: shown to operators, disabled and not probed.

    It has no `disabled_at`, so no session is drained to it either.
    """
    text = address_text(record)
    name = record.text("name") or text or f"origin {record.at.text.rpartition('[')[2][:-1]}"
    return Origin(pool=pool, name=name, address=text, url="", enabled=False)


def _check_host(record: Record, address: Address, port: int, reader: Reader) -> None:
    for name, values in record.headers("header"):
        if values and values[0].lower() not in hosts_of(address.url(port)):
            reader.overlook(record.at / "header" / name, HOST_DIFFERS, HOST_IGNORED)


HOST_DIFFERS = (
    "must be the host of the address, as a Worker's Host header always is: "
    "put the name in the address"
)
HOST_IGNORED = (
    "kept without effect: a Worker's Host header is always the host of the address, so put the "
    "name in the address"
)
HOST_UNKNOWN = (
    "has an effect only where it is the host of the origin's address, as a Worker's Host header "
    "always is"
)


def hosts_of(url: str) -> set[str]:
    """The valid values of a Host header for an origin's URL (RFC 9110 7.2)."""
    authority = url.partition("://")[2]
    return {authority, authority.rpartition(":")[0] or authority}
