"""A snapshot as a screen: lines that fit the window, whatever its size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich.console import Console, RenderableType
from rich.progress_bar import ProgressBar
from rich.segment import Segment, SegmentLines
from rich.table import Table
from rich.text import Text

from cadenzad.cli.live.snapshot import Snapshot
from cadenzad.cli.live.view import View
from cadenzad.cli.shown.standing import counts_of, daemon_line, notes_of
from cadenzad.progress import left_of, rest_of, share_of, span
from store.reads.shapes import ProjectStatus
from store.reads.state import JobRow
from store.text import counted, one_line
from store.times import iso

COLOURS = {"DEPLOY": "green", "BLOCK": "bold red", "NEEDS_DATA": "yellow", "failed": "bold red"}
BAR = 16
"""Columns of a progress bar."""
JOBS = 6
"""Jobs that are shown beside a list of projects."""
REASONS = 3
AROUND = 4
"""Lines of a fleet's screen that are neither projects nor jobs nor reasons: titles, gaps, keys."""

KEYS = {
    False: "q: quit   up, down: select   enter: open",
    True: "q: quit   left: back   up, down: scroll",
}
"""By whether a project is opened; in a narrow window the first can still be read."""

Line = list[Segment]


def room_for_projects(height: int, jobs: int, reasons: int) -> int:
    """Rows that projects have in a window of so many lines."""
    return max(1, height - AROUND - min(jobs, JOBS + 1) - min(reasons, REASONS))


def screen(shot: Snapshot, view: View, console: Console) -> SegmentLines:
    """The whole screen; the keys stand on its last line."""
    width, height = console.size
    top = _lines(console, _header(shot))
    clock = datetime.fromtimestamp(shot.at, UTC).strftime("%H:%M:%SZ")
    foot = _lines(console, [Text(f"{clock}   {KEYS[bool(view.opened)]}", style="dim")])
    body = _lines(console, _opened(shot, view) if view.opened else _fleet(shot, view, height))
    room = max(0, height - len(top) - len(foot))
    if view.opened:
        view.scroll = max(0, min(view.scroll, len(body) - room))
        body = body[view.scroll :]
    body = body[:room] + [[Segment(" " * width)]] * (room - len(body))
    return SegmentLines([*top, *body, *foot][:height], new_lines=True)


def _lines(console: Console, parts: Iterable[RenderableType]) -> list[Line]:
    """Each part as lines of the window's width: one for a text, which is cut off at its end."""
    options = console.options.update(no_wrap=True, overflow="ellipsis", height=None)
    return [line for part in parts for line in console.render_lines(part, options)]


def _text(text: str, style: str = "") -> Text:
    """Text of whatever origin on one line; verdicts in their colour."""
    shown = Text(one_line(text), style=style)
    for word, colour in COLOURS.items():
        shown.highlight_regex(rf"(?<!\b0 )\b{word}\b", colour)
    return shown


# -- the parts -------------------------------------------------------------------------------------


def _header(shot: Snapshot) -> Iterable[RenderableType]:
    """Who runs, and what is wrong with that."""
    daemon = shot.daemon
    well = daemon["state"] == "running" and daemon["responding"]
    told = Text("cadenzad ", style="bold").append(
        one_line(daemon_line(daemon)), style="" if well else "yellow"
    )
    yield told
    if shot.trouble:
        yield _text(shot.trouble, "red")
    wrong = reasons_of(shot)
    for reason in wrong[:REASONS]:
        yield _text(reason, "red")
    if len(wrong) > REASONS:
        yield _text(f"and {counted(len(wrong) - REASONS, 'more reason')}", "red")


def reasons_of(shot: Snapshot) -> list[str]:
    """What is wrong with the daemon's own work, a line each."""
    degraded = [f"degraded: {reason['detail']}" for reason in shot.daemon["degraded"]]
    return [*degraded, *shot.given_up]


def _fleet(shot: Snapshot, view: View, height: int) -> Iterable[RenderableType]:
    if shot.projects:
        yield _projects(shot, view.at(shot.paths))
        hidden = len(shot.paths) + shot.more - len(shot.projects)
        if hidden:
            yield _text(f"  {counted(hidden, 'more project')}", "dim")
    elif not shot.trouble:
        yield _text("no projects yet: a project is a folder with env.json inside a workspace")
    if shot.jobs:
        yield Text("queue", style="bold")
        yield _jobs(shot, shot.jobs[:JOBS])
        if len(shot.jobs) > JOBS:
            yield _text(f"  {len(shot.jobs) - JOBS:,} more wait", "dim")


def _projects(shot: Snapshot, selected: str) -> Table:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("", width=1)
    table.add_column("PROJECT", no_wrap=True, overflow="ellipsis", ratio=3)
    table.add_column("RUNS", justify="right")
    table.add_column("OK", justify="right")
    table.add_column("FAILED", justify="right")
    table.add_column("PROMPT", no_wrap=True, overflow="ellipsis", ratio=2)
    table.add_column("ADAPTER", no_wrap=True, overflow="ellipsis", ratio=2)
    table.add_column("NOW", no_wrap=True, overflow="ellipsis", ratio=3)
    for item in shot.projects:
        here, runs = item["path"] == selected, item["runs"]
        table.add_row(
            ">" if here else "",
            _text(shot.names[item["path"]]),
            str(runs["total"]),
            str(runs["succeeded"]),
            str(runs["failed"]),
            _text(_prompt(item)),
            _text(_adapter(item)),
            _text(_now(item)),
            style="reverse" if here else "",
        )
    return table


def _prompt(item: ProjectStatus) -> str:
    prompt = item["prompt"]
    if prompt["pending"] is not None:
        return f"{prompt['pending']} proposed"
    if prompt["version"] is None:
        return "author's"
    return f"{prompt['version']} improved" if prompt["improved"] else str(prompt["version"])


def _adapter(item: ProjectStatus) -> str:
    adapter = item["adapter"]
    if adapter["verdict"] is None:
        return "-"
    return f"{adapter['scored']} {adapter['verdict']}"


def _now(item: ProjectStatus) -> str:
    """What a glance is for: what is wrong first, else what is being done."""
    if item["state"] != "ready":
        return f"{item['state']}: {item['reason']}"
    if item["paused"]:
        return "paused"
    jobs = item["jobs"]
    running = next((job for job in jobs if job["state"] == "running"), None)
    if running is not None:
        part = share_of(running["progress"])
        return running["kind"] + (f" {100 * part[0] // part[1]}%" if part else "")
    if jobs and jobs[0]["state"] == "failed":
        return f"{jobs[0]['kind']} failed"
    if item["runs"]["rejected"]:
        return f"{item['runs']['rejected']} rejected"
    waiting = sum(job["state"] == "queued" for job in jobs)
    return f"{waiting} waiting" if waiting else ""


def _jobs(shot: Snapshot, jobs: Sequence[JobRow]) -> Table:
    """Jobs with a bar each where it is known how much there is to do."""
    table = Table.grid(padding=(0, 1, 0, 0), expand=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=3)
    table.add_column(no_wrap=True, width=BAR)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=4)
    for job in jobs:
        values = shot.progress.get(job.id, {})
        part, left = share_of(values), left_of(values)
        bar: RenderableType = Text(job.state)
        if part is not None:
            bar = ProgressBar(total=part[1], completed=part[0], width=BAR)
        step = [str(values["step"])] if values.get("step") else []
        count = [f"{part[0]:,}/{part[1]:,}"] if part else []
        time_left = [f"{span(left)} left"] if left is not None else []
        said = ", ".join([" ".join([*step, *count]), *time_left, *rest_of(values)])
        name = shot.names.get(job.project) or "-"
        table.add_row(f"  {job.id}", _text(f"{job.kind} {name}"), bar, _text(said or job.reason))
    return table


def _opened(shot: Snapshot, view: View) -> Iterable[RenderableType]:
    """One project: how it stands, its jobs, its newest events."""
    name = shot.names.get(view.opened, view.opened)
    yield Text(one_line(name), style="bold").append(f"  {one_line(view.opened)}", style="dim")
    if not shot.projects:
        yield _text("it is not known any more", "yellow")
        return
    item = shot.projects[0]
    for line in counts_of(item):
        yield _text(line)
    for note in notes_of(item, name, jobs=False):
        yield _text(note.removeprefix(f"{name}: "))
    jobs = [job for job in shot.jobs if job.project == view.opened]
    if jobs:
        yield Text("queue", style="bold")
        yield _jobs(shot, jobs)
    ended = [job for job in item["jobs"] if job["state"] in ("succeeded", "failed")]
    if ended:
        yield Text("done", style="bold")
        for job in ended:
            yield _text(f"  {job['job']} {job['kind']} {job['state']}: {job['result']}")
    yield Text("events", style="bold")
    for record in shot.events:
        yield _text(f"  {record.position:>7}  {iso(record.recorded_at_us)}  {record.type}")
