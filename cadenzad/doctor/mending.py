"""What the doctor may do by itself: rights of this user's own files, and what is derived anew.

A mend changes nothing that somebody wrote, starts and stops nothing, and installs nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from cadenzad.doctor.findings import Finding, Mend
from store.errors import CadenzaError


def allowing(place: Path, *, give: int = 0, take: int = 0) -> Mend | None:
    """Have the mode of a file or folder with these bits, and without those; None for another's."""
    if not is_ours(place):
        return None
    mode = (stat.S_IMODE(place.stat().st_mode) | give) & ~take
    return Mend(f"chmod {mode:o} {place}", lambda: place.chmod(mode))


def is_ours(place: Path) -> bool:
    """Whether it belongs to this user, and is no link to elsewhere."""
    try:
        return place.lstat().st_uid == os.geteuid() and not place.is_symlink()
    except OSError:
        return False


def mend(findings: Sequence[Finding]) -> list[str]:
    """Do what can be done about findings; a line for each, what was done or why it was not."""
    told = []
    for finding in findings:
        if finding.mend is None:
            continue
        try:
            finding.mend.do()
        except (OSError, CadenzaError) as error:
            told.append(f"not mended: {finding.mend.what}: {error}")
        else:
            told.append(f"mended: {finding.mend.what}")
    return told
