"""Cloudflare's load-balancing API: https://developers.cloudflare.com/api/resources/load_balancers/."""

from lb.admin.api.routes import handle

__all__ = ["handle"]
