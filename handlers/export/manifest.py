"""What an export was made of and how, in a JSON file beside it.

There is no clock and no path in it, only names: exporting the same log with the same recipe and the
same versions gives the same bytes.
"""

from __future__ import annotations

import hashlib
import platform
from typing import Literal

import msgspec

from handlers.export.extended import Keys
from handlers.export.records import Recipe
from handlers.export.tally import Sample, Tally

SCHEMA: Literal["cadenza/finetune-manifest/2"] = "cadenza/finetune-manifest/2"

ALIGNMENT = "reference: prompt(obs[t]) with action[t]"
"""Which observation a prompt shows. In a run log it is the one after the action."""


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of everything in a manifest."""


class FileDigest(Part, frozen=True):
    """A file by name, and what its first `size` bytes are known by: those read or written."""

    name: str
    size: int
    hash: str


class Template(Part, frozen=True):
    """`sha256` is of the mission's template; `used` is another one when that cannot be rendered."""

    sha256: str
    used: str
    fallback: bool


class Filters(Part, frozen=True):
    """Which records were wanted."""

    include_failures: bool
    min_reward: float | None


class Counts(Part, frozen=True):
    """read = written + filtered + skipped + rejected + blank; see `Tally`."""

    read: int
    written: int
    filtered: int
    skipped: int
    rejected: int
    blank: int
    plain_prompts: int
    filtered_by: dict[str, int]
    rejected_by: dict[str, int]


class Manifest(Part, frozen=True):
    """`rejected_lines`: per reason the first line numbers; `samples`: the first lines in words."""

    schema: Literal["cadenza/finetune-manifest/2"]
    format: Literal["jsonl"]
    source: FileDigest
    output: FileDigest
    mission: str
    n_phases: int
    template: Template
    alignment: str
    keys: Keys
    filters: Filters
    counts: Counts
    rejected_lines: dict[str, tuple[int, ...]]
    samples: tuple[Sample, ...]
    warnings: tuple[str, ...]
    made_with: dict[str, str]


def build_manifest(
    source: FileDigest,
    output: FileDigest,
    recipe: Recipe,
    tally: Tally,
    *,
    used: str,
    warnings: tuple[str, ...],
) -> Manifest:
    """The manifest of one export; `used` is the template that was rendered."""
    return Manifest(
        schema=SCHEMA,
        format="jsonl",
        source=source,
        output=output,
        mission=recipe.mission,
        n_phases=recipe.n_phases,
        template=Template(
            sha256=template_sha256(recipe.template), used=used, fallback=used != recipe.template
        ),
        alignment=ALIGNMENT,
        keys=recipe.keys,
        filters=Filters(include_failures=recipe.include_failures, min_reward=recipe.min_reward),
        counts=Counts(
            read=tally.read,
            written=tally.written,
            filtered=tally.filtered,
            skipped=tally.skipped,
            rejected=tally.rejected,
            blank=tally.blank,
            plain_prompts=tally.plain_prompts,
            filtered_by=dict(sorted(tally.filtered_by.items())),
            rejected_by=dict(sorted(tally.rejected_by.items())),
        ),
        rejected_lines={why: tuple(lines) for why, lines in sorted(tally.lines.items())},
        samples=tuple(tally.samples),
        warnings=warnings,
        made_with={"msgspec": msgspec.__version__, "python": platform.python_version()},
    )


def encode_manifest(manifest: Manifest) -> bytes:
    """Indented JSON, one newline at the end."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def template_sha256(template: str) -> str:
    """The hash a template is known by."""
    return hashlib.sha256(template.encode("utf-8", "surrogatepass")).hexdigest()
