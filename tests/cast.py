"""README's tour as a moving picture: `make cast`, or cast.py [FOLDER].

Each line of README's ```shell blocks runs as written in a pseudo-terminal, in an empty folder with
nothing configured. What is printed is kept as an asciicast
(https://docs.asciinema.org/manual/asciicast/v2/), which svg-term, from npm into a temporary folder,
draws as an SVG. Waits are shortened and a bar is shown now and then; nothing else is changed. With
a FOLDER, what was filmed stays there: called again, it goes on with the first command that has not
ended yet.
"""

from __future__ import annotations

import getpass
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
from codecs import getincrementaldecoder
from collections.abc import Iterator, Mapping, Sequence
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "pictures" / "tour.svg"
SVG_TERM = "svg-term-cli@2.1.1"
COLUMNS, ROWS = 100, 30
MARGIN = 4
"""Columns that nothing is printed in: a wide font would reach into the next frame."""
MOST_BYTES = 500_000

FASTER, MOST_S = 12.0, 8.0
"""How many times as fast what runs is shown, at least; how long (s) of the film it may take."""
PAUSE_S, READ_S = 0.6, 2.4
"""Of the film: the longest wait within a command; how long its last words stand."""
FRAME_S = 0.2
"""What is printed within this time of the film is one frame."""
STILL = "$\x1b[0m cadenzactl prompt rescue-dog diff"
"""Who wants no motion sees what stood there before this was typed: the rules and their proof."""

Frame = tuple[float, str]
"""Seconds since the frame before, and what is printed then."""


def main(argv: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="cadenzad-cast-") as temporary:
        folder = Path(*argv).absolute() if argv else Path(temporary)
        cast = folder / "tour.cast"
        frames = list(joined(film(folder)))
        header = {"version": 2, "width": COLUMNS + MARGIN, "height": ROWS, "title": "cadenzad"}
        lines = [header, *([round(at, 3), "o", text] for at, text in frames)]
        cast.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        still = next(at for at, text in frames if STILL in text) - FRAME_S
        drawn = with_still(draw(cast, Path(temporary)), still, frames[-1][0])
    if told := told_in(drawn, folder):
        print(f"it shows {', '.join(told)}: not kept", file=sys.stderr)
        return 1
    if len(drawn.encode()) > MOST_BYTES:
        print(f"{len(drawn.encode()):,} bytes are more than {MOST_BYTES:,}", file=sys.stderr)
        return 1
    PICTURE.write_text(drawn, encoding="utf-8")
    print(f"{PICTURE}: {len(frames)} frames, {len(drawn.encode()):,} bytes")
    return 0


def told_in(text: str, folder: Path) -> list[str]:
    """What of this machine a text shows, which a picture must not."""
    secrets = [str(folder), str(ROOT), socket.gethostname(), getpass.getuser() + "@"]
    return [secret for secret in secrets if secret in text]


# -- what runs -------------------------------------------------------------------------------------


def commands() -> list[str]:
    """The lines of README's tour, as it has them."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```shell\n(.*?)```", readme, re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]


def environ_of(home: Path) -> dict[str, str]:
    """A shell's, of somebody who has configured nothing."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "USER": "you",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }


def film(folder: Path) -> Iterator[Frame]:
    """The commands as they are typed, and what each prints; what lies in the folder is not run."""
    desk, home = folder / "desk", folder / "home"
    desk.mkdir(parents=True, exist_ok=True)
    home.mkdir(exist_ok=True)
    for number, command in enumerate(commands()):
        yield READ_S, f"\x1b[1;32m$\x1b[0m {command}\r\n"
        kept = folder / f"{number}.json"
        if not kept.exists():
            print(f"$ {command}", file=sys.stderr)
            kept.write_text(json.dumps(list(run(command, desk, environ_of(home)))))
        yield from shortened([(wait, text) for wait, text in json.loads(kept.read_text())])
    yield READ_S, "\x1b[1;32m$\x1b[0m "
    yield 2 * READ_S, ""


def run(command: str, desk: Path, environ: Mapping[str, str]) -> Iterator[Frame]:
    """What a command prints to a terminal. Raises RuntimeError when it fails."""
    ours, its = pty.openpty()
    ioctl(its, TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    with subprocess.Popen(
        ["bash", "-c", command], cwd=desk, env=environ, stdin=its, stdout=its, stderr=its,
        start_new_session=True,
    ) as process:  # fmt: skip
        os.close(its)
        since, decoder = time.monotonic(), getincrementaldecoder("utf-8")("replace")
        while data := _read(ours):
            now = time.monotonic()
            yield now - since, decoder.decode(data)
            since = now
    os.close(ours)
    if process.returncode != 0:
        raise RuntimeError(f"{command}: exit code {process.returncode}")


def _read(terminal: int) -> bytes:
    """The next bytes of a terminal; none when nobody writes to it any more."""
    select.select([terminal], [], [])
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux says EIO where others say end of file
        return b""


# -- what is drawn ---------------------------------------------------------------------------------


def shortened(frames: Sequence[Frame]) -> Iterator[Frame]:
    """What a command printed, in the time of the film: the longer it ran, the faster it is."""
    faster = max(FASTER, sum(wait for wait, _ in frames) / MOST_S)
    return ((min(wait / faster, PAUSE_S), text) for wait, text in frames)


def joined(frames: Iterator[Frame]) -> Iterator[tuple[float, str]]:
    """Frames by the time of the film, those of one moment as one; of a bar's states the last."""
    at, shown, text = 0.0, 0.0, ""
    for wait, more in frames:
        at += wait
        if text and at - shown >= FRAME_S:
            yield shown, _last_states(text)
            text = ""
        shown = shown if text else at
        text += more
    yield shown, _last_states(text)
    yield at, ""


def _last_states(text: str) -> str:
    """Text without what is painted over at once: of each line, what follows its last return."""
    lines = text.split("\r\n")
    return "\r\n".join(
        line if "\r" not in line else "\r" + line.rpartition("\r")[2].ljust(COLUMNS - 1)
        for line in lines
    )


def draw(cast: Path, folder: Path) -> str:
    """An asciicast as an SVG, drawn by svg-term, which is fetched for it."""
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)]
    subprocess.run([*npm, SVG_TERM], check=True)
    command = [folder / "node_modules" / ".bin" / "svg-term", "--window", "--no-cursor"]
    done = subprocess.run(
        [*command, "--in", cast, "--width", str(COLUMNS + MARGIN), "--height", str(ROWS)],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def with_still(svg: str, at: float, length: float) -> str:
    """The same, which stands still at `at` (s) for those who asked their system for no motion."""
    rule = "animation-play-state:paused!important;animation-delay:{:.2f}s!important"
    calm = f"@media(prefers-reduced-motion:reduce){{*{{{rule.format(-min(at, length))}}}}}"
    return svg.replace("</style>", f"{calm}</style>", 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
