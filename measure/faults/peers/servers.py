"""Servers that people run themselves, from Debian's packages, tuned as their manuals say."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from evenkeel.dev.runtime import free_port
from measure.common.peers import Place, Running
from measure.common.process import Started
from measure.faults.model import Layout, Timing

# https://nginx.org/en/docs/http/ngx_http_upstream_module.html
NGINX_CONFIG = """\
daemon off;
master_process off;
pid $folder/nginx.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path $folder/body;
  proxy_temp_path $folder/proxy;
  fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi;
  scgi_temp_path $folder/scgi;
  upstream origins {
    server 127.0.0.1:$first max_fails=1 fail_timeout=2s;
    server 127.0.0.1:$second max_fails=1 fail_timeout=2s $second_role;
    keepalive 16;
  }
  server {
    listen 127.0.0.1:$port;
    location / {
      proxy_pass http://origins;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_connect_timeout $timeout;
      proxy_read_timeout $timeout;
      proxy_next_upstream error timeout invalid_header http_500 http_502 http_503 http_504;
    }
  }
}
"""

# https://docs.haproxy.org/2.6/configuration.html
HAPROXY_CONFIG = """\
defaults
  mode http
  timeout connect $timeout
  timeout client 30s
  timeout server $timeout
  retries 3
  option redispatch 1
  retry-on all-retryable-errors
frontend web
  bind 127.0.0.1:$port
  default_backend origins
backend origins
  balance roundrobin
  option httpchk GET /health
  http-request disable-l7-retry if METH_POST
  default-server check inter 1s fall 2 rise 2 observe layer7 error-limit 1 on-error mark-down
  server one 127.0.0.1:$first
  server two 127.0.0.1:$second $second_role
"""

# https://caddyserver.com/docs/caddyfile/directives/reverse_proxy
CADDY_CONFIG = """\
{
  admin off
  auto_https off
  storage file_system $folder
}
http://:$port {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:$first 127.0.0.1:$second {
    lb_policy $second_role
    lb_retries 2
    fail_duration 2s
    max_fails 1
    unhealthy_status 5xx
    health_uri /health
    health_interval 1s
    health_timeout 1s
    transport http {
      dial_timeout $timeout
      response_header_timeout $timeout
    }
  }
}
"""


@dataclass(frozen=True, slots=True, eq=False)
class Server:
    """A program with a configuration file."""

    name: str
    program: str
    config: str
    """With $$folder, $$port, $$first, $$second, $$timeout and $$second_role to fill in."""
    roles: Mapping[Layout, str]
    """What stands for $$second_role."""
    command: Callable[[str, Path], list[str]]
    """From the program and its configuration file."""
    bounded: bool = False
    layouts: Sequence[Layout] = tuple(Layout)

    def missing(self) -> str:
        """The program, perhaps."""
        found = shutil.which(self.program, path="/usr/sbin:/usr/bin:/sbin:/bin")
        return "" if found else f"{self.program} is not installed"

    def start(self, place: Place, layout: Layout, timing: Timing) -> Running:
        """Start it."""
        folder, port = place.new_folder(), free_port()
        first, second = place.origins
        config = folder / "config"
        config.write_text(
            Template(self.config).substitute(
                folder=folder,
                port=port,
                first=first,
                second=second,
                timeout=f"{timing.first_byte_timeout * 1000:.0f}ms",
                second_role=self.roles[layout],
            )
        )
        program = shutil.which(self.program, path="/usr/sbin:/usr/bin:/sbin:/bin") or self.program
        return Running(port, Started(place.family, self.command(program, config), folder))


NGINX = Server(
    "nginx",
    "nginx",
    NGINX_CONFIG,
    {Layout.PASSIVE: "backup", Layout.ACTIVE: ""},
    lambda program, config: [program, "-p", str(config.parent), "-c", str(config)],
)
HAPROXY = Server(
    "HAProxy",
    "haproxy",
    HAPROXY_CONFIG,
    {Layout.PASSIVE: "backup", Layout.ACTIVE: ""},
    lambda program, config: [program, "-db", "-q", "-f", str(config)],
)
CADDY = Server(
    "Caddy",
    "caddy",
    CADDY_CONFIG,
    {Layout.PASSIVE: "first", Layout.ACTIVE: "random"},
    lambda program, config: [program, "run", "--adapter", "caddyfile", "--config", str(config)],
)
