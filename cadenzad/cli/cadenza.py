"""cadenza env: the same work by hand."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cadenzad.cli.commands import Program

CADENZA_ENV = Program(
    "cadenza env",
    "Robot projects by hand: a project is a folder with env.json.",
    {
        "init": ("cadenzad.cli.init", "make a complete sample project"),
        "run": ("cadenzad.cli.run", "drive the mission in MuJoCo and log it"),
        "show": ("cadenzad.cli.show", "draw the mission's map"),
        "stats": ("cadenzad.cli.stats", "what all runs say together"),
        "finetune": ("cadenzad.cli.finetune", "export a run log as training records"),
        "lora": ("cadenzad.cli.lora", "the action head: examples, training, scorecard, decoding"),
        "train": ("cadenzad.cli.train", "find why runs fail and have SYSTEM_PROMPT rewritten"),
    },
)


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    # `env` is the only group there is; `cadenza --help` describes it all the same.
    if words[:1] == ["env"]:
        words = words[1:]
    elif words and words[0] in CADENZA_ENV.commands:
        CADENZA_ENV.overview().error(f"did you mean `cadenza env {words[0]}`?")
    return CADENZA_ENV.main(words)


if __name__ == "__main__":
    sys.exit(main())
