"""Cloudflare's regions, with their countries and subdivisions.

https://developers.cloudflare.com/load-balancing/reference/region-mapping-api/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lb.admin.api.place_names import COUNTRY_NAMES, SUBDIVISION_NAMES
from lb.model import Region
from lb.request.regions import REGION_OF_COUNTRY, REGION_OF_SUBDIVISION

if TYPE_CHECKING:
    from collections.abc import Mapping

STANDARD = "Country and subdivision codes follow ISO 3166-1 alpha-2 and ISO 3166-2"


def regions(query: Mapping[str, str]) -> dict[str, Any]:
    """Return the regions with the country and the subdivision of a query, reduced to these.

    The parameters are Cloudflare's: country_code_a2, and subdivision_code_a2 or its other name
    subdivision_code.
    """
    country = query.get("country_code_a2", "").upper()
    subdivision = (query.get("subdivision_code_a2") or query.get("subdivision_code", "")).upper()
    found = ({"region_code": one.value, **_countries(one, country, subdivision)} for one in Region)
    return {"iso_standard": STANDARD, "regions": [one for one in found if one["countries"]]}


def region(code: str) -> dict[str, Any] | None:
    """Return a list with one region; None when no region has that code."""
    found = next((one for one in Region if one.value == code.upper()), None)
    if found is None:
        return None
    only = {"region_code": found.value, **_countries(found, "", "")}
    return {"iso_standard": STANDARD, "regions": [only]}


def _countries(region: Region, country: str, subdivision: str) -> dict[str, list[dict[str, Any]]]:
    whole = (
        () if subdivision else (code for code, own in REGION_OF_COUNTRY.items() if own is region)
    )
    listed = [_country(code) for code in whole if country in {"", code}]
    for code, subdivisions in REGION_OF_SUBDIVISION.items():
        parts = [
            {"subdivision_code_a2": part, "subdivision_name": SUBDIVISION_NAMES[code][part]}
            for part, own in subdivisions.items()
            if own is region and subdivision in {"", part}
        ]
        if parts and country in {"", code}:
            listed.append({**_country(code), "country_subdivisions": parts})
    return {"countries": sorted(listed, key=lambda one: str(one["country_code_a2"]))}


def _country(code: str) -> dict[str, Any]:
    return {"country_code_a2": code, "country_name": COUNTRY_NAMES[code]}
