"""An operator with a Worker's token: a script, or the status page in a browser."""

from __future__ import annotations

from typing import Any

import httpx

from support.worker import Worker

ACCOUNT = "/client/v4/accounts/0123456789abcdef0123456789abcdef/load_balancers"
ANALYTICS = "/client/v4/accounts/0123456789abcdef0123456789abcdef/load_balancing_analytics"
ZONE = "/client/v4/zones/fedcba9876543210fedcba9876543210/load_balancers"


class Operator:
    """A client of one Worker and of its admin side."""

    def __init__(self, worker: Worker, token: str) -> None:
        self._worker = worker
        self._token = token

    def send(self, method: str, path: str, body: object = None, **options: Any) -> httpx.Response:
        """Send a request below the admin path; without given headers it has the token."""
        options.setdefault("headers", {"Authorization": f"Bearer {self._token}"})
        url = f"{self._worker.url}/_lb{path}"
        return httpx.request(method, url, json=body, trust_env=False, timeout=30, **options)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the result of a successful call."""
        response = self.send(method, path, body)
        assert response.status_code == 200, (method, path, response.text)
        return response.json()["result"]

    def text(self, path: str) -> str:
        """Return a response that is not JSON."""
        response = self.send("GET", path)
        assert response.status_code == 200, (path, response.text)
        return response.text

    def begin_session(self, token: str) -> str:
        """Log in to the status page; return the cookie."""
        response = self.send("POST", "/session", {"token": token}, headers={})
        assert response.status_code == 204, response.text
        return response.headers["set-cookie"].partition(";")[0]

    def end_session(self, cookie: str) -> None:
        """Log out of the status page."""
        response = self.send("GET", "/session", headers={"Cookie": cookie}).json()
        headers = {
            "Cookie": cookie,
            "Origin": self._worker.url,
            "Sec-Fetch-Site": "same-origin",
            "X-CSRF-Token": response["result"]["csrf"],
        }
        assert self.send("DELETE", "/session", headers=headers).status_code == 204

    def get(self, host: str, cookie: str = "") -> httpx.Response:
        """Send a client's request."""
        headers = {"Host": host, "Cookie": cookie}
        return httpx.get(self._worker.url, headers=headers, trust_env=False, timeout=30)

    def origins(self) -> dict[str, Any]:
        """Return the state of each origin, by the pool's name and its own."""
        return {
            f"{pool['name']}/{each['name']}": each
            for pool in self.call("GET", "/status")["pools"]
            for each in pool["origins"]
        }

    def health(self, origin: str) -> str:
        """Return the health of an origin."""
        return str(self.origins().get(origin, {}).get("health"))
