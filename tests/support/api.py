"""A client of Cloudflare's API, as in an operator's script."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from lb.admin.calls import Answer
from support.office import Office

ORIGIN = {"name": "server-1", "address": "one.example.com"}
A = "/accounts/a1/load_balancers"
Z = "/zones/z1/load_balancers"


@dataclass
class Api:
    """A client of the API of a balancer without a file."""

    office: Office = field(default_factory=lambda: Office(file=""))

    def call(self, method: str, path: str, body: object = None, **also: Any) -> Answer:
        """Send a request."""
        return self.office.call(method, f"/client/v4{path}", body, **also)

    def envelope(self, method: str, path: str, body: object = None, **also: Any) -> dict[str, Any]:
        """Send a request that succeeds; return the envelope."""
        reply = self.call(method, path, body, **also)
        assert reply.status == 200, reply.body
        found: dict[str, Any] = json.loads(reply.body)
        assert found["success"] is True
        assert found["errors"] == []
        return found

    def result(self, method: str, path: str, body: object = None, **also: Any) -> Any:
        """Send a request that succeeds; return its result."""
        return self.envelope(method, path, body, **also)["result"]

    def notes(self, method: str, path: str, body: object = None) -> dict[str, str]:
        """Send a request that succeeds; return its messages by pointer."""
        reply = self.envelope(method, path, body)["messages"]
        return {each["source"]["pointer"]: each["message"] for each in reply}

    def errors(self, status: int, method: str, path: str, body: object = None, **also: Any) -> Any:
        """Send a request that is refused; return each code with its pointer."""
        reply = self.call(method, path, body, **also)
        found = json.loads(reply.body)
        assert (reply.status, found["success"], found["result"]) == (status, False, None), (
            reply.body
        )
        return [(each["code"], each.get("source", {}).get("pointer")) for each in found["errors"]]

    def monitor(self, **fields: Any) -> str:
        """Create a monitor; return its id."""
        return str(self.result("POST", f"{A}/monitors", fields)["id"])

    def pool(self, name: str = "primary", **fields: Any) -> str:
        """Create a pool; return its id."""
        body = {"name": name, "origins": [ORIGIN], **fields}
        return str(self.result("POST", f"{A}/pools", body)["id"])

    def balancer(self, *pools: str, **fields: Any) -> str:
        """Create a load balancer; return its id."""
        body = {"name": "www.example.com", "default_pools": pools, "fallback_pool": pools[0]}
        return str(self.result("POST", Z, {**body, **fields})["id"])
