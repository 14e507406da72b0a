"""The files that a MuJoCo model is made of: what it includes, its meshes, textures and fields.

https://mujoco.readthedocs.io/en/stable/XMLreference.html: `include`, `compiler` (meshdir,
texturedir, assetdir, strippath) and the attributes of `asset` that name files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

FOLDERS = {"mesh": "meshdir", "hfield": "meshdir", "skin": "meshdir", "texture": "texturedir"}
FILES = re.compile(r"file(?:right|left|up|down|front|back)?")


def model_files(xml: Path) -> list[Path]:
    """The model and all that it names, each once; a name that leads nowhere as well.

    One that is no XML is alone: whoever compiles it says what is wrong with it.
    """
    found = [xml]
    parts = _read(xml, xml.parent, found)
    compiler = {
        name: value for part in parts if part.tag == "compiler" for name, value in part.items()
    }
    for part in parts:
        if part.tag != "include":
            found += (path for path in _named(part, xml.parent, compiler) if path not in found)
    return found


def _read(xml: Path, root: Path, found: list[Path]) -> list[ElementTree.Element]:
    """Every element of a model and of what it includes, whose files join those that are found."""
    try:
        elements = list(ElementTree.parse(xml).iter())
    except (OSError, ElementTree.ParseError, ValueError):
        return []
    parts = []
    for element in elements:
        parts.append(element)
        included = root / element.get("file", "") if element.tag == "include" else None
        if included is not None and included not in found:
            found.append(included)
            parts += _read(included, root, found)
    return parts


def _named(part: ElementTree.Element, root: Path, compiler: dict[str, str]) -> Iterator[Path]:
    own = compiler.get(FOLDERS.get(part.tag, ""), compiler.get("assetdir", ""))
    for name, value in part.items():
        if FILES.fullmatch(name) and value:
            file = Path(value).name if compiler.get("strippath") == "true" else value
            yield root / own / file
