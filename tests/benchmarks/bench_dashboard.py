"""The dashboard with 10,000 runs: how long pages take, how large they are, when they are seen.

python tests/benchmarks/bench_dashboard.py [--runs N] [--rounds N]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from report import Goal, Samples, Table, scratch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import history
from dashboards import Dashboard, dashboard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000, help="in the log")
    parser.add_argument("--rounds", type=int, default=10, help="times each page is asked for")
    options = parser.parse_args()
    table = Table(f"dashboard: {options.runs:,} runs, files in the page cache")
    with scratch() as folder:
        for projects in (10, 1):
            state = folder / f"state{projects}"
            make_log(state, options.runs, projects)
            environ = os.environ | {"CADENZAD_STATE": str(state)}
            with dashboard(environ) as shown:
                measure(table, shown, f"{projects} project{'s' * (projects > 1)}", options.rounds)
    table.show()


def make_log(state: Path, runs: int, projects: int) -> None:
    """A history of so many runs, each recorded and exported, spread over the projects."""
    connection = history.build(state, 2 * runs + projects, projects)
    count = connection.execute("SELECT count(*) FROM view_episodes").fetchone()[0]
    assert count == runs, count
    connection.close()


def measure(table: Table, shown: Dashboard, which: str, rounds: int) -> None:
    """Add the rows of one log."""
    middle = last_position(shown) // 2
    pages = (
        ("overview", "/", 200.0),
        ("project", "/project/robot-0", None),
        ("project, past moment, again", f"/project/robot-0?at={middle}", None),
    )
    began = time.perf_counter()
    shown.ask(f"/project/robot-0?at={middle}")
    folded = Samples(((time.perf_counter() - began) * 1e3,), "ms")
    table.add(f"{which}: project, past moment, first time", folded)
    for name, path, limit in pages:
        times, size = [], 0
        for _ in range(rounds):
            began = time.perf_counter()
            answer = shown.ask(path)
            times.append((time.perf_counter() - began) * 1e3)
            assert answer.status == 200, answer.text
            size = len(answer.text.encode())
        goal = Goal(limit) if limit else None
        table.add(f"{which}: {name}", Samples(tuple(times), "ms"), goal=goal)
        table.add(f"{which}: {name}, size", Samples((size / 1e3,), "kB"), goal=Goal(1000))
    with browser() as driver:
        for name, path, _ in pages[:2] if driver else ():
            painted = Samples(tuple(first_paint(driver, shown.url + path) for _ in range(3)), "ms")
            table.add(f"{which}: {name}, first paint", painted, goal=Goal(1000))


def last_position(shown: Dashboard) -> int:
    text = shown.ask("/").text
    return int(text.partition('data-position="')[2].partition('"')[0])


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium; None where there is none."""
    found, driver = shutil.which("chromium"), shutil.which("chromedriver")
    try:
        from selenium import webdriver
    except ImportError:
        found = None
    if not (found and driver):
        print("no chromium, chromedriver and selenium: first paint is not measured")
        yield None
        return
    options = webdriver.ChromeOptions()
    options.binary_location = found
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    made = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield made
    finally:
        made.quit()


def first_paint(driver: Any, url: str) -> float:
    """ms from the start of the navigation to the first contentful paint."""
    driver.get(url)
    script = (
        "return performance.getEntriesByName('first-contentful-paint').map((e) => e.startTime)[0]"
    )
    deadline = time.monotonic() + 10
    while (painted := driver.execute_script(script)) is None:
        assert time.monotonic() < deadline, "nothing was painted"
        time.sleep(0.05)
    return float(painted)


if __name__ == "__main__":
    main()
