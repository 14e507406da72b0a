"""What units are worth, and the words that mean numbers."""

from __future__ import annotations

from collections.abc import Mapping
from math import pi
from typing import Literal

Kind = Literal["m", "rad", "s", "n", "speed"]
"""Meters, radians, seconds, times, or a factor of the speed."""

_SPELLINGS: tuple[tuple[str, Kind, float], ...] = (
    ("m meter meters metre metres mtr mtrs", "m", 1.0),
    ("mm millimeter millimeters millimetre millimetres", "m", 0.001),
    ("μm um micrometer micrometers micrometre micrometres micron microns", "m", 1e-6),
    ("cm cms centimeter centimeters centimetre centimetres", "m", 0.01),
    ("dm decimeter decimeters decimetre decimetres", "m", 0.1),
    ("dam decameter decameters decametre decametres", "m", 10.0),
    ("km kilometer kilometers kilometre kilometres", "m", 1000.0),
    ("inch inches", "m", 0.0254),
    ("ft foot feet", "m", 0.3048),
    ("yd yds yard yards", "m", 0.9144),
    ("mi mile miles", "m", 1609.344),
    ("deg degs degree degrees", "rad", pi / 180),
    ("rad rads radian radians", "rad", 1.0),
    ("mrad mrads milliradian milliradians", "rad", 0.001),
    ("gon gons gradian gradians", "rad", pi / 200),
    ("rev revs", "rad", 2 * pi),
    ("turnful turnfuls", "rad", 2 * pi),
    ("ms millisecond milliseconds msec msecs", "s", 0.001),
    ("s sec secs second seconds", "s", 1.0),
    ("min mins minute minutes", "s", 60.0),
    ("h hr hrs hour hours", "s", 3600.0),
    ("time times x", "n", 1.0),
    ("speed", "speed", 1.0),
)
UNITS: Mapping[str, tuple[Kind, float]] = {
    word: (kind, scale) for words, kind, scale in _SPELLINGS for word in words.split()
}
"""A unit's word -> what it measures, and how much of it one is (exact by definition: BIPM, NIST).

`turnful` is what whole turns are called once tokens.py has read them ("two full turns").
"""

_SHORT = "in ft yd yds cm mm dm m sec secs min mins deg rad hr hrs"
ABBREVIATIONS = frozenset(_SHORT.split())
"""Units after which a dot may stand that ends nothing: "5 ft. forward"."""

_STRANGE = """step steps pace paces stride strides block blocks hop hops length lengths body bodies
dog dogs cell cells tile tiles unit units mph kph kmh knot knots pixel pixels parsec parsecs
lightyear grad grads megameter point points tick ticks league leagues furlong
furlongs arm arms hand hands finger fingers span spans nanometer"""
STRANGE = frozenset(_STRANGE.split())
"""Measures that no figure is known for: a number before one is no distance."""

_SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
NUMBERS: Mapping[str, float] = {word: float(value) for value, word in enumerate(_SMALL.split())} | {
    word: 10.0 * (index + 2) for index, word in enumerate(_TENS.split())
}
"""Numbers of one word; hundreds, thousands and dozens are made of these."""

COUNTS: Mapping[str, float] = {"once": 1.0, "twice": 2.0, "thrice": 3.0}

PARTS: Mapping[str, float] = {
    "half": 0.5,
    "halves": 0.5,
    "third": 1 / 3,
    "thirds": 1 / 3,
    "quarter": 0.25,
    "quarters": 0.25,
    "fifth": 0.2,
    "fifths": 0.2,
    "sixth": 1 / 6,
    "sixths": 1 / 6,
    "eighth": 0.125,
    "eighths": 0.125,
    "tenth": 0.1,
    "tenths": 0.1,
}
