"""The dashboard's pictures in README and docs: pictures.py FOLDER, after cast.py FOLDER.

They show what the tour left, in a real browser. Only the overview has more: two samples that are
driven here, so that there are projects to compare, and a daemon that watches all three.
"""

from __future__ import annotations

import base64
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent / "support"))

from cast import ROOT, environ_of, told_in
from chromium import chromium, text_of
from dashboards import dashboard
from PIL import Image
from waiting import eventually

PICTURES = ROOT / "docs" / "pictures"
BIN = Path(sys.executable).parent
WIDTH = 1180
QUALITY = 80
"""Of WebP: text has no fringes at it."""

OTHERS = {
    "warehouse": (("scripted", 3), ("random", 2)),
    "ward": (("scripted", 2),),
}
"""Samples beside the tour's, and how many episodes of which policy they are driven for."""
CONFIG = "[judge]\nmode = 'off'\n[lora]\nretrain = false\n"


class Picture(NamedTuple):
    """A part of a page: from the top of one element, as high as it says (px)."""

    name: str
    path: str
    top: str
    height: int
    theme: str


SHOTS = (
    Picture("project", "/project/rescue-dog", "body", 1155, "light"),
    Picture("runs", "/project/rescue-dog/runs?tick=16", "main form.choose", 1315, "dark"),
    Picture("fleet", "/", "body", 700, "light"),
)


def main(argv: Sequence[str]) -> int:
    folder = Path(*argv).absolute()
    environ = environ_of(folder / "home")
    _drive_others(folder / "desk", environ)
    with _daemon(folder, environ), dashboard(environ) as shown, chromium() as browser:
        for shot in SHOTS:
            browser.set_window_size(WIDTH, 1000)
            browser.get(shown.url + shot.path)
            eventually(lambda: "live" in text_of(browser, "#live-state"), "it is live")
            _in_theme(browser, shot.theme)
            if told := told_in(browser.find_element("tag name", "body").text, folder):
                print(f"{shot.name} shows {', '.join(told)}: not kept", file=sys.stderr)
                return 1
            target = PICTURES / f"{shot.name}.webp"
            _taken(browser, shot).save(target, quality=QUALITY, method=6)
            print(f"{target}: {target.stat().st_size:,} bytes")
    return 0


def _drive_others(desk: Path, environ: Mapping[str, str]) -> None:
    for name, driven in OTHERS.items():
        project = f"robots/{name}"
        if (desk / project).exists():
            continue
        subprocess.run([BIN / "cadenza", "env", "init", project], cwd=desk, env=environ, check=True)
        for policy, episodes in driven:
            words = ["--headless", "--policy", policy, "--episodes", str(episodes)]
            command = [BIN / "cadenza", "env", "run", project, *words]
            subprocess.run(command, cwd=desk, env=environ, check=False)  # 1: an episode failed


@contextmanager
def _daemon(folder: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """One that watches and records, and starts no work of its own."""
    config = folder / "cadenzad.toml"
    config.write_text(CONFIG)
    command = [BIN / "cadenzad", "--config", config, "--workspace", folder / "desk" / "robots"]
    with (folder / "cadenzad.log").open("ab") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        asked = [BIN / "cadenzactl", "status"]
        eventually(
            lambda: subprocess.run(asked, env=environ, capture_output=True).returncode == 0,
            "the daemon runs",
        )
        yield
    finally:
        process.terminate()
        process.wait(20)


def _in_theme(browser: Any, theme: str) -> None:
    browser.execute_script(
        "document.documentElement.dataset.theme = arguments[0];"
        "dispatchEvent(new Event('cadenza-theme'))",
        theme,
    )
    time.sleep(0.5)  # its charts are drawn anew


def _taken(browser: Any, shot: Picture) -> Image.Image:
    top = browser.execute_script(
        "return document.querySelector(arguments[0]).getBoundingClientRect().top + scrollY",
        shot.top,
    )
    clip = {"x": 0, "y": top, "width": WIDTH, "height": shot.height, "scale": 1}
    taken = browser.execute_cdp_cmd(
        "Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True}
    )
    return Image.open(BytesIO(base64.b64decode(taken["data"]))).convert("RGB")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
