"""Invented names. No organisation of these names is known to exist; every name says that it is a demonstration."""

from __future__ import annotations

from census_api.demo.fitting import draw_chance

_FIRST = (
    "Amber", "Beacon", "Bramble", "Bridge", "Cedar", "Clearwater", "Compass", "Copper", "Curlew", "Dawn", "Elder", "Fern",
    "Foxglove", "Gorse", "Harbour", "Hazel", "Heron", "Juniper", "Kestrel", "Lantern", "Larch", "Linnet", "Marram", "Meadow",
    "Oakapple", "Orchard", "Otter", "Pebble", "Pinewood", "Plover", "Quarry", "Redstart", "Rowan", "Saltmarsh", "Skylark",
    "Sorrel", "Starling", "Tamarisk", "Teasel", "Thistle", "Tideway", "Wayfarer", "Willow", "Windmill", "Wren", "Yarrow",
)  # fmt: skip
_SECOND = (
    "Bank", "Brook", "Causeway", "Crossing", "Down", "Field", "Ford", "Gate", "Green", "Haven", "Hill", "Hollow", "Landing",
    "Lane", "Light", "Mill", "Path", "Point", "Reach", "Rise", "Road", "Row", "Steps", "Vale", "Walk", "Way", "Wharf", "Yard",
)  # fmt: skip
_KINDS = {
    "voluntary": ("Recovery", "Recovery Trust", "Support", "Community Projects"),
    "nhs": ("Partnership NHS services", "Community NHS services", "Mental Health NHS services"),
    "independent": ("Clinics", "Rehabilitation", "Care"),
    "lero": ("Recovery Community", "Recovery Collective", "Peers"),
    "la_delivered": ("Council treatment service",),
    "la_commissioning": ("Council commissioning team",),
}


def invent_name(sector: str, number: int, seed: int) -> str:
    """A name of two invented places and a kind; different for every number of a sector (up to 1,288 of them)."""
    start = int(draw_chance(seed, "names", sector) * len(_FIRST) * len(_SECOND))
    place = (start + number * 37) % (len(_FIRST) * len(_SECOND))
    kinds = _KINDS[sector]
    kind = kinds[int(draw_chance(seed, "kind", sector, number) * len(kinds))]
    return f"{_FIRST[place % len(_FIRST)]} {_SECOND[place // len(_FIRST)]} {kind} (demonstration)"


def name_council(area: str, commissions: bool) -> str:
    """A council has no invented name, but what is said about it is invented."""
    return f"{area} {'commissioning team' if commissions else 'treatment service'} (demonstration)"
