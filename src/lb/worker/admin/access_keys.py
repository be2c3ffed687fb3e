"""Asks Cloudflare Access for its keys, and has the runtime check signatures with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import JsException, to_js

from lb.admin.who.cloudflare_access import (
    CERTS,
    BadJwt,
    KeyRing,
    NoKeys,
    jwt_in,
    keys_in,
    taken_apart,
    vouched_by,
)
from lb.log_events import trouble
from lb.worker.admin.read_body import bytes_of
from lb.worker.runtime import clock, js_object, log

if TYPE_CHECKING:
    from lb.admin.who.cloudflare_access import Assertion, Jwk, Jwt
    from lb.model import Access
    from lb.request.facts import RequestFacts

SECONDS = 5.0
"""That Access has to send its keys."""

LARGEST = 100_000
"""Bytes of its answer."""

ALGORITHM = "RSASSA-PKCS1-v1_5"
"""What WebCrypto calls RS256, with SHA-256 (RFC 7518, 3.3)."""


class AccessKeys:
    """One isolate's. Each request that misses a key fetches it: they share data, no promise."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._ring = KeyRing()
        self._imported: dict[Jwk, Any] = {}

    async def assertion(self, facts: RequestFacts) -> Assertion | None:
        """Return what Access says of a request; None where it says nothing."""
        text = jwt_in(facts)
        if not text:
            return None
        jwt = taken_apart(text)
        if isinstance(jwt, BadJwt):
            return jwt
        vouched = vouched_by(jwt, self._access, clock())
        if isinstance(vouched, BadJwt):
            return vouched
        if self._ring.should_ask(jwt.kid, clock()):
            await self._ask()
        key = self._ring.keys.get(jwt.kid)
        if key is None:
            return BadJwt("its key is not known") if self._ring.keys else NoKeys()
        return vouched if await self._signed(jwt, key) else BadJwt("its signature is wrong")

    async def _ask(self) -> None:
        self._ring.asked(clock())
        try:
            options = js_object(redirect="manual", signal=js.AbortSignal.timeout(SECONDS * 1000))
            response = await js.fetch(self._access.team + CERTS, options)
            body = await bytes_of(response.body, LARGEST, SECONDS) if response.ok else None
            found = keys_in(str(js.TextDecoder.new().decode(body))) if body is not None else None
        except (JsException, TimeoutError) as error:
            log(trouble("the keys of Access cannot be fetched", error))
            return
        self._ring.take(found, clock())
        self._imported.clear()

    async def _signed(self, jwt: Jwt, key: Jwk) -> bool:
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
            signature, signed = to_js(jwt.signature), to_js(jwt.signed)
            return bool(await subtle.verify(ALGORITHM, imported, signature, signed))
        except JsException as error:
            log(trouble("a signature of Access cannot be checked", error))
            return False
