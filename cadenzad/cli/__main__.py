"""`python -P -E -m cadenzad.cli cadenza|cadenzactl|cadenzad ...`: where no script is on PATH.

Without -P Python would import what lies in the current folder before anything of ours.
"""

from __future__ import annotations

import sys

from cadenzad.cli.daemon import main as cadenzad
from cadenzad.cli.programs import cadenza, cadenzactl
from store import interpreter

PROGRAMS = {"cadenza": cadenza, "cadenzactl": cadenzactl, "cadenzad": cadenzad}

if __name__ == "__main__":
    program = PROGRAMS.get(sys.argv[1] if len(sys.argv) > 1 else "")
    if program is None:
        sys.exit(f"usage: python -P -E -m cadenzad.cli {'|'.join(PROGRAMS)} ...")
    interpreter.shield()
    sys.exit(program(sys.argv[2:]))
