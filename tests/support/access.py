"""A Cloudflare Access team with its own keys: JWTs signed with them, and forged keys and JWTs."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

AUDIENCE = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2"
HEADER = "Cf-Access-Jwt-Assertion"


@cache
def private_key(kid: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The private key of a key id; the same one in all tests."""
    del kid
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def text_of(data: bytes) -> str:
    """Bytes as base64url without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    """A number as base64url."""
    return text_of(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def jwk(kid: str) -> dict[str, str]:
    """The public half of a key, as Access shows it."""
    public = private_key(kid).public_key().public_numbers()
    return {
        "kid": kid,
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
        "e": number(public.e),
        "n": number(public.n),
    }


def certs(*kids: str) -> bytes:
    """The response of <team>/cdn-cgi/access/certs."""
    listed: dict[str, Any] = {"keys": [jwk(kid) for kid in kids]}
    return json.dumps({**listed, "public_cert": {"kid": "", "cert": ""}}).encode()


def claims(team: str, **changed: Any) -> dict[str, Any]:
    """The claims of a JWT from Access; None leaves a claim out."""
    now = int(time.time())
    usual = {
        "aud": [AUDIENCE],
        "email": "ann@example.com",
        "exp": now + 600,
        "iat": now,
        "nbf": now,
        "iss": team,
        "type": "app",
        "identity_nonce": "6ei69kawdKzMIAPF",
        "sub": "7335d417-61da-459d-899c-0a01c76a2f94",
        "country": "US",
    }
    return {name: value for name, value in {**usual, **changed}.items() if value is not None}


def jwt(said: Mapping[str, Any], kid: str = "k1", key: str = "", **header: Any) -> str:
    """A JWT with these claims, signed with the key of its id or with another one."""
    signed = unsigned(said, {"alg": "RS256", "kid": kid, "typ": "JWT", **header})
    signature = private_key(key or kid).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{text_of(signature)}"


def hmac_jwt(said: Mapping[str, Any], kid: str = "k1") -> str:
    """A JWT signed with the public key as an HMAC secret, the oldest known forgery."""
    signed = unsigned(said, {"alg": "HS256", "kid": kid, "typ": "JWT"})
    secret = json.dumps(jwk(kid)).encode()
    return f"{signed}.{text_of(hmac.digest(secret, signed.encode(), 'sha256'))}"


def verified(key: tuple[str, str], signed: bytes, signature: bytes) -> bool:
    """Whether a signature with RS256 is valid for a key's modulus and exponent."""
    modulus, exponent = (int.from_bytes(base64.urlsafe_b64decode(f"{part}==")) for part in key)
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    try:
        public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def unsigned(said: Mapping[str, Any], header: Mapping[str, Any]) -> str:
    """The two parts of a JWT that are signed."""
    return ".".join(text_of(json.dumps(part).encode()) for part in (header, said))
