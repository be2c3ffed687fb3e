"""Servers that people run before their origins on a machine of their own, each on one core.

Their configurations do the work that Evenkeel does: two origins, their health, affinity, and the
headers that tell origins of the client and clients of the origin. All that they write goes into a
folder of their own.
"""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from evenkeel.dev.runtime import free_port
from measure.common.peers import Place, Running
from measure.common.process import Started

SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where Debian puts servers; not in everybody's PATH."""

# One worker, which passes bodies on as they come. nginx finds out about an origin by requests
# alone. Clients are spread by their address: those behind Cloudflare have one in a header only.
NGINX = """\
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
$user
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path client_body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  client_max_body_size 0;
  keepalive_requests 1000000000;
  map $$upstream_addr $$served_by {
    "127.0.0.1:$first" server-1;
    "127.0.0.1:$second" server-2;
  }
  upstream origins {
    hash $$http_cf_connecting_ip consistent;
    server 127.0.0.1:$first max_fails=3 fail_timeout=10s;
    server 127.0.0.1:$second max_fails=3 fail_timeout=10s;
    keepalive 32;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:$port;
    location / {
      proxy_pass http://origins;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_set_header Connection "";
      proxy_set_header Host $$host;
      proxy_set_header X-Forwarded-For $$http_cf_connecting_ip;
      proxy_set_header X-Forwarded-Host $$host;
      proxy_set_header X-Forwarded-Proto https;
      proxy_next_upstream error timeout http_502 http_503 http_504;
      proxy_next_upstream_tries 2;
      add_header X-Served-By $$served_by always;
    }
  }
}
"""

# One thread, active-passive, probes, and a cookie that keeps clients where they are.
HAPROXY = """\
global
  nbthread 1
  maxconn 1024
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option redispatch
  retries 1
  retry-on conn-failure empty-response 502 503 504
  http-reuse always
frontend clients
  bind 127.0.0.1:$port
  http-request set-header X-Forwarded-For %[req.hdr(CF-Connecting-IP)]
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  http-request set-header X-Forwarded-Proto https
  default_backend origins
backend origins
  balance first
  cookie lb insert indirect nocache httponly
  option httpchk GET /health
  http-check expect rstatus (2|3)[0-9][0-9]
  http-response set-header X-Served-By %s
  server server-1 127.0.0.1:$first check inter 30s cookie server-1
  server server-2 127.0.0.1:$second check inter 30s cookie server-2 backup
"""

# Go on one core, probes, and a cookie that keeps clients where they are.
CADDY = """\
{
  admin off
  auto_https off
  log {
    output stderr
    level WARN
  }
}
http://:$port {
  bind 127.0.0.1
  map {http.reverse_proxy.upstream.hostport} {served_by} {
    127.0.0.1:$first server-1
    127.0.0.1:$second server-2
  }
  reverse_proxy 127.0.0.1:$first 127.0.0.1:$second {
    lb_policy cookie lb
    lb_try_duration 5s
    fail_duration 10s
    max_fails 3
    health_uri /health
    health_interval 30s
    header_up X-Forwarded-For {header.CF-Connecting-IP}
    header_up X-Forwarded-Host {host}
    header_up X-Forwarded-Proto https
    header_down X-Served-By {served_by}
  }
}
"""

BOTH = ("server-1", "server-2")


@dataclass(frozen=True, slots=True)
class Server:
    """A program that may be installed; `config` has $port, $first and $second to fill in."""

    name: str
    program: str
    config: str
    arguments: Sequence[str]
    """After the program's name; $folder and $config stand for paths."""
    package: str
    served_by: tuple[str, ...] = BOTH
    environment: Mapping[str, str] = field(default_factory=dict)
    find: Callable[[str], str | None] = lambda program: shutil.which(program, path=_path())

    def missing(self) -> str:
        """The program."""
        if self.find(self.program):
            return ""
        return f"{self.program} is not installed (Debian's package {self.package})"

    def start(self, place: Place) -> Running:
        """Start it, in a folder of its own."""
        folder, port = place.new_folder(), free_port()
        first, second = place.origins[:2]
        config = folder / "config"
        config.write_text(self.configured(port, first, second))
        paths = {"folder": f"{folder}/", "config": str(config)}
        command: list[str | Path] = [
            self.find(self.program) or self.program,
            *(Template(argument).substitute(paths) for argument in self.arguments),
        ]
        # Whatever a program keeps in its user's home is kept in its folder.
        homes = {name: str(folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
        environment = {**homes, **self.environment}
        return Running(port, Started(place.family, command, folder, environment))

    def configured(self, port: int, first: int, second: int) -> str:
        """The configuration for these ports."""
        return Template(self.config).substitute(
            port=port, first=first, second=second, user=user_line(os.geteuid())
        )


def _path() -> str:
    return os.pathsep.join((os.environ.get("PATH", os.defpath), SBIN))


def user_line(uid: int) -> str:
    """What makes nginx's worker stay with its user: as root it would become nobody."""
    return "" if uid else f"user {pwd.getpwuid(uid).pw_name};"


SERVERS = (
    Server(
        "nginx, address hash",
        "nginx",
        NGINX,
        ("-e", "stderr", "-p", "$folder", "-c", "$config"),
        "nginx-light",
    ),
    Server("HAProxy, cookie affinity", "haproxy", HAPROXY, ("-db", "-f", "$config"), "haproxy"),
    Server(
        "Caddy, cookie affinity",
        "caddy",
        CADDY,
        ("run", "--adapter", "caddyfile", "--config", "$config"),
        "caddy",
        environment={"GOMAXPROCS": "1"},
    ),
)
