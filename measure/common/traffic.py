"""A browser's requests as they arrive behind Cloudflare, the same for every peer."""

from __future__ import annotations

from collections.abc import Mapping

HOST_NAME = "service.example.com"
"""The host of all requests."""

TARGET = "/products/list?page=2&sort=price"

COOKIES = "theme=dark; session=4f1d2c9a7b3e4856a0c1d2e3f4a5b6c7"
BROWSER = {
    "User-Agent": (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/142.0.0.0 Safari/537.36"
    ),
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.9,de;q=0.8",
    "Accept-Encoding": "gzip, br",
    "Referer": f"https://{HOST_NAME}/products",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "same-origin",
    "Upgrade-Insecure-Requests": "1",
    "CF-IPCountry": "CH",
    "CF-RAY": "9a1b2c3d4e5f6071-ZRH",
    "CF-Visitor": '{"scheme":"https"}',
    "X-Forwarded-Proto": "https",
}


def headers(cookies: str = "", client: int = 1) -> dict[str, str]:
    """The headers of one of many clients, each with its own address."""
    address = f"203.0.113.{client % 254 + 1}"
    return {
        "Host": HOST_NAME,
        **BROWSER,
        "CF-Connecting-IP": address,
        "X-Forwarded-For": address,
        "Cookie": "; ".join(filter(None, (COOKIES, cookies))),
    }


def request(fields: Mapping[str, str], target: str = TARGET, method: str = "GET") -> bytes:
    """The bytes of a request without its body."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
