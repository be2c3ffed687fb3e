"""Configurations of the servers: for each, one tuned for speed and one for faults.

Those for speed do the same work as Evenkeel: two origins, their health, affinity, and the headers
with the client's address for origins and the origin's name for clients. Those for faults are tuned
by the servers' manuals.
"""

# https://nginx.org/en/docs/http/ngx_http_upstream_module.html
# nginx has no probes: it learns the state of an origin from requests alone.

# One worker, which streams bodies. Clients are spread by the address in CF-Connecting-IP.
NGINX_FOR_SPEED = """\
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

NGINX_FOR_FAULTS = """\
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
    $sessions
    server 127.0.0.1:$first max_fails=1 fail_timeout=2s max_conns=$max_requests;
    server 127.0.0.1:$second max_fails=1 fail_timeout=2s max_conns=$max_requests $second_role;
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

# One thread, active-passive, probes, and a cookie that keeps clients at their origin.
HAPROXY_FOR_SPEED = """\
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

HAPROXY_FOR_FAULTS = """\
defaults
  mode http
  timeout connect $timeout
  timeout client 30s
  timeout server $timeout
  retries 3
  option redispatch 1
  option abortonclose
  retry-on all-retryable-errors
frontend web
  bind 127.0.0.1:$port
  default_backend origins
backend origins
  balance roundrobin
  $sessions
  option httpchk GET /health
  http-request disable-l7-retry if METH_POST
  default-server check inter 1s fall 2 rise 2 observe layer7 error-limit 1 on-error mark-down
  default-server maxconn $max_requests
  server one 127.0.0.1:$first cookie one
  server two 127.0.0.1:$second cookie two $second_role
"""

# https://caddyserver.com/docs/caddyfile/directives/reverse_proxy

# Probes, and a cookie that keeps clients at their origin.
CADDY_FOR_SPEED = """\
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

CADDY_FOR_FAULTS = """\
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
    unhealthy_request_count $max_requests
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
