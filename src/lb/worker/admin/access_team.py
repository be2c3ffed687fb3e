"""Fetches the keys of Cloudflare Access, and verifies signatures with WebCrypto."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import JsException, to_js

from lb.log_events import trouble
from lb.worker.admin.read_body import bytes_of
from lb.worker.runtime import js_object, log

if TYPE_CHECKING:
    from lb.admin.auth.key_ring import Jwk

ALGORITHM = "RSASSA-PKCS1-v1_5"
"""WebCrypto's name of RS256, with SHA-256 (RFC 7518, 3.3)."""


class FetchedTeam:
    """The AccessTeam port. Each request fetches for itself: requests share no promise."""

    def __init__(self) -> None:
        self._imported: dict[Jwk, Any] = {}

    async def fetch_keys(self, url: str, largest: int, seconds: float) -> str | None:
        try:
            options = js_object(redirect="manual", signal=js.AbortSignal.timeout(seconds * 1000))
            response = await js.fetch(url, options)
            body = await bytes_of(response.body, largest, seconds) if response.ok else None
            text = str(js.TextDecoder.new().decode(body)) if body is not None else None
        except (JsException, TimeoutError) as error:
            log(trouble("the keys of Access cannot be fetched", error))
            return None
        self._imported.clear()
        return text

    async def verify(self, key: Jwk, signed: bytes, signature: bytes) -> bool:
        subtle = js.crypto.subtle
        try:
            imported = self._imported.get(key)
            if imported is None:
                imported = self._imported[key] = await subtle.importKey(
                    "jwk",
                    js_object(kty="RSA", alg="RS256", n=key[0], e=key[1]),
                    js_object(name=ALGORITHM, hash="SHA-256"),
                    False,  # noqa: FBT003 (extractable)
                    to_js(["verify"]),
                )
            return bool(await subtle.verify(ALGORITHM, imported, to_js(signature), to_js(signed)))
        except JsException as error:
            log(trouble("a signature of Access cannot be checked", error))
            return False
