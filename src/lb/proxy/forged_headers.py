"""Request headers by which a client could pass for another, or for a proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Names that servers, frameworks and other clouds read, and that a client can send like any other.
# The balancer states the truth in X-Forwarded-For, X-Real-IP, X-Forwarded-Host and
# X-Forwarded-Proto, and Cloudflare in CF-Connecting-IP; these are removed. Cloudflare sets
# True-Client-IP, to the same address, only for zones that order it, and a Worker cannot tell.
#
# Each name costs a request about 0.2 us; to read all headers in Python costs 78 us. So this is a
# list of names and not of beginnings.
FORGED: Mapping[str, str] = {
    "true-client-ip": "Akamai's, and Cloudflare's for Enterprise zones",
    "x-client-ip": "Azure, Apache mod_remoteip, many libraries",
    "client-ip": "PHP applications (HTTP_CLIENT_IP)",
    "x-cluster-client-ip": "Rackspace, Riverbed, Zscaler",
    "fastly-client-ip": "Fastly's, also on Firebase",
    "x-remote-ip": "several proxies and libraries",
    "x-remote-addr": "several proxies and libraries",
    "x-originating-ip": "Microsoft's",
    "x-proxyuser-ip": "Google's services",
    "x-appengine-user-ip": "Google App Engine's",
    "x-azure-clientip": "Azure Front Door's",
    "wl-proxy-client-ip": "WebLogic's",
    "proxy-client-ip": "Java applications, beside WebLogic's",
    "x-envoy-external-address": "Envoy's",
    "x-forwarded": "an early form of Forwarded (RFC 7239)",
    "forwarded-for": "an early form of X-Forwarded-For",
    "x-original-forwarded-for": "ingress-nginx's: X-Forwarded-For as it came",
    "x-forwarded-client-cert": "Envoy's: the client's certificate",
    "x-forwarded-port": "the port that the client asked",
    "x-forwarded-server": "Apache's: the name of the proxy",
    "x-forwarded-scheme": "ingress-nginx's and Rack's: the scheme",
    "x-forwarded-protocol": "Django's and gunicorn's: the scheme",
    "x-forwarded-ssl": "Rack's and gunicorn's: whether it was https",
    "front-end-https": "Microsoft's: whether it was https",
    "x-url-scheme": "Microsoft's: the scheme",
    "x-scheme": "ingress-nginx's: the scheme",
    "x-forwarded-prefix": "Spring's and Traefik's: a path that was cut off",
    "x-original-host": "Azure Application Gateway's: the host",
    "x-host": "several frameworks: the host",
    "x-original-url": "IIS's, Symfony's, Zend's: a path in place of the request's",
    "x-rewrite-url": "IIS's: a path in place of the request's",
    "x-original-uri": "nginx's auth_request: the path",
    "x-forwarded-uri": "Traefik's and Caddy's: the path",
}
"""Name in lower case -> whose it is, and what an origin may take from it."""
