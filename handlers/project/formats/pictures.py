"""Whether a file is a picture, by its first bytes, and where an image lies that somebody named."""

from __future__ import annotations

from pathlib import Path

from store.errors import InputError

_BEGINS = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
}
_LONGEST = 12


def kind_of_picture(path: Path) -> str | None:
    """PNG, JPEG, GIF, BMP, TIFF or WebP; None for a file that is none. Raises OSError."""
    with path.open("rb") as stream:
        head = stream.read(_LONGEST)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    return next((kind for begin, kind in _BEGINS.items() if head.startswith(begin)), None)


def picture_named(name: str) -> Path:
    """The real path of a picture, from where the person stands.

    Raises InputError for a file that is not there, cannot be read, or is no picture.
    """
    path = Path(name).expanduser()
    try:
        if not path.is_file():
            raise InputError(f"{name}: no such image", hint="paths begin where you stand")
        kind = kind_of_picture(path)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror or error}") from None
    if kind is None:
        raise InputError(f"{name}: is not a picture", hint="PNG, JPEG, GIF, BMP, TIFF and WebP are")
    return path.resolve()
