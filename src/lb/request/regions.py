"""The region of a request, as one of Cloudflare's thirteen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.model import Region

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.request.facts import RequestFacts

# Cloudflare's own list is available to its customers alone
# (https://developers.cloudflare.com/load-balancing/reference/region-mapping-api/). This one groups
# the regions of the United Nations' M49 standard (https://unstats.un.org/unsd/methodology/m49/),
# by ISO 3166-1 codes.
_COUNTRIES: Mapping[Region, str] = {
    # Northern, Western and Southern Europe
    Region.WEU: "AD AL AT AX BA BE CH DE DK EE ES FI FO FR GB GG GI GR HR IE IM IS IT JE LI LT LU "
    "LV MC ME MK MT NL NO PT RS SE SI SJ SM VA XK",
    # Eastern Europe
    Region.EEU: "BG BY CZ HU MD PL RO RU SK UA",
    # Western Asia
    Region.ME: "AE AM AZ BH CY GE IL IQ JO KW LB OM PS QA SA SY TR YE",
    # Northern and Western Africa
    Region.NAF: "BF BJ CI CV DZ EG EH GH GM GN GW LR LY MA ML MR NE NG SD SH SL SN TG TN",
    # Eastern, Middle and Southern Africa
    Region.SAF: "AO BI BW CD CF CG CM DJ ER ET GA GQ IO KE KM LS MG MU MW MZ NA RE RW SC SO SS ST "
    "SZ TD TF TZ UG YT ZA ZM ZW",
    # Southern and Central Asia
    Region.SAS: "AF BD BT IN IR KG KZ LK MV NP PK TJ TM UZ",
    # South-eastern Asia
    Region.SEAS: "BN ID KH LA MM MY PH SG TH TL VN",
    # Eastern Asia
    Region.NEAS: "CN HK JP KP KR MN MO TW",
    # Oceania
    Region.OC: "AS AU CC CK CX FJ FM GU HM KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU "
    "WF WS",
    # Central America, the Caribbean, and countries of South America mostly north of the equator
    Region.NSAM: "AG AI AW BB BL BQ BS BZ CO CR CU CW DM DO EC GD GF GP GT GY HN HT JM KN KY LC MF "
    "MQ MS MX NI PA PR SR SV SX TC TT VC VE VG VI",
    # the rest of South America
    Region.SSAM: "AR BO BR BV CL FK GS PE PY UY",
    # Northern America without Canada and the United States
    Region.ENAM: "BM GL PM",
}
# The West of the United States according to its Census Bureau
# (https://www2.census.gov/geo/pdfs/maps-data/maps/reference/us_regdiv.pdf), and Canada west of
# Hudson Bay; ISO 3166-2 codes without the country.
_SUBDIVISIONS: Mapping[str, Mapping[Region, str]] = {
    "US": {
        Region.WNAM: "AK AZ CA CO HI ID MT NM NV OR UT WA WY",
        Region.ENAM: "AL AR CT DC DE FL GA IA IL IN KS KY LA MA MD ME MI MN MO MS NC ND NE NH NJ "
        "NY OH OK PA RI SC SD TN TX VA VT WI WV",
    },
    "CA": {Region.WNAM: "AB BC MB NT SK YT", Region.ENAM: "NB NL NS NU ON PE QC"},
}

REGION_OF_COUNTRY: Mapping[str, Region] = {
    country: region for region, countries in _COUNTRIES.items() for country in countries.split()
}
REGION_OF_SUBDIVISION: Mapping[str, Mapping[str, Region]] = {
    country: {code: region for region, codes in regions.items() for code in codes.split()}
    for country, regions in _SUBDIVISIONS.items()
}


def region_of(facts: RequestFacts) -> Region | None:
    """Return the region of a request; None = unknown.

    By the place of the client. Cloudflare's edge uses the place of its data centre, which a Worker
    cannot read, and which depends on the place of the client.
    """
    country = facts.country
    subdivisions = REGION_OF_SUBDIVISION.get(country)
    if subdivisions is not None:
        return subdivisions.get(facts.region_code)
    return REGION_OF_COUNTRY.get(country)
