"""Servers that are often run in front of origins, each on one core."""

from __future__ import annotations

from measure.common.server_configs import CADDY_FOR_SPEED, HAPROXY_FOR_SPEED, NGINX_FOR_SPEED
from measure.common.servers import CADDY, HAPROXY, NGINX, Server

BOTH = ("server-1", "server-2")

SERVERS = (
    Server("nginx, address hash", NGINX, NGINX_FOR_SPEED, served_by=BOTH),
    Server("HAProxy, cookie affinity", HAPROXY, HAPROXY_FOR_SPEED, served_by=BOTH),
    Server(
        "Caddy, cookie affinity",
        CADDY,
        CADDY_FOR_SPEED,
        served_by=BOTH,
        environment={"GOMAXPROCS": "1"},
    ),
)
