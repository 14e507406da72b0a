"""Words that mean numbers and units, for everything that reads quantities from goals."""

from __future__ import annotations

from collections.abc import Mapping
from math import pi
from typing import Literal

Kind = Literal["m", "rad", "s", "n", "speed"]
"""Meters, radians, seconds, times, or a factor of the speed."""

_SPELLINGS: tuple[tuple[str, Kind, float], ...] = (
    ("m meter meters metre metres", "m", 1.0),
    ("mm millimeter millimeters millimetre millimetres", "m", 0.001),
    ("km kilometer kilometers kilometre kilometres", "m", 1000.0),
    ("cm centimeter centimeters centimetre centimetres", "m", 0.01),
    ("inch inches", "m", 0.0254),
    ("ft foot feet", "m", 0.3048),
    ("yd yard yards", "m", 0.9144),
    ("deg degs degree degrees", "rad", pi / 180),
    ("rad rads radian radians", "rad", 1.0),
    ("ms millisecond milliseconds", "s", 0.001),
    ("s sec secs second seconds", "s", 1.0),
    ("min mins minute minutes", "s", 60.0),
    ("time times x", "n", 1.0),
    ("speed", "speed", 1.0),
    ("percent", "speed", 0.01),
)
UNITS: Mapping[str, tuple[Kind, float]] = {
    word: (kind, scale) for words, kind, scale in _SPELLINGS for word in words.split()
}
"""A unit's word -> what it measures, and how much of it one is."""

_SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
NUMBERS: Mapping[str, float] = {word: float(value) for value, word in enumerate(_SMALL.split())} | {
    word: 10.0 * (index + 2) for index, word in enumerate(_TENS.split())
}
"""Numbers of one word; hundreds and thousands are made of these."""

COUNTS: Mapping[str, float] = {"once": 1.0, "twice": 2.0, "thrice": 3.0}

PARTS: Mapping[str, float] = {
    "half": 0.5,
    "halves": 0.5,
    "third": 1 / 3,
    "thirds": 1 / 3,
    "quarter": 0.25,
    "quarters": 0.25,
}
