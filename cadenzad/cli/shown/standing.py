"""How daemon and projects stand, for people: a row for each project, lines for all else. Light."""

from __future__ import annotations

import time

from store.text import counted, shell_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from store.reads.shapes import DaemonStatus, JobStatus, ProjectStatus

HEADINGS = (
    "PROJECT",
    "ROBOT",
    "STATE",
    "RUNS",
    "OK",
    "FAILED",
    "REJECTED",
    "EXPORTS",
    "RECORDS",
    "EXAMPLES",
    "LAST RUN",
)


def daemon_line(daemon: DaemonStatus) -> str:
    """Who runs, since when, how far it is."""
    if daemon["state"] == "stopped":
        return f"stopped, at position {daemon['position']}; what came since is not known here"
    if daemon["silent_s"] is not None:
        from store.times import iso

        since = iso(int((time.time() - daemon["silent_s"]) * 1e6))
        return (
            f"not responding since {since} (pid {daemon['pid']}): stopped by a signal, or hung;"
            f" at position {daemon['position']}, lag {daemon['lag']}"
        )
    watching = daemon["watching"]
    return (
        f"{daemon['state']} (pid {daemon['pid']}) since {daemon['started_at']},"
        f" position {daemon['position']}, lag {daemon['lag']},"
        f" watching {counted(watching['projects'], 'project')} in"
        f" {counted(watching['directories'], 'folder')}"
    )


def row_of(project: ProjectStatus, name: str = "") -> tuple[object, ...]:
    """Its row below HEADINGS; `name`: what it is called among the others, where that is more."""
    runs, examples = project["runs"], project["examples"]
    last = runs["last"]
    return (
        name or project["project"],
        project["robot"],
        project["state"],
        runs["total"],
        runs["succeeded"],
        runs["failed"],
        runs["rejected"],
        _exports(project),
        project["exports"]["records"],
        f"{examples['train']}+{examples['exam']}",
        f"{last['run']}: {last['outcome']}" if last else "-",
    )


def counts_of(project: ProjectStatus) -> list[str]:
    """What a row holds as lines, for whoever looks at one project."""
    headings = HEADINGS[1:]
    width = max(map(len, headings))
    row = row_of(project)[1:]
    return [f"{head.ljust(width)}  {cell}" for head, cell in zip(headings, row, strict=True)]


def _exports(project: ProjectStatus) -> str:
    exports = project["exports"]
    counts: tuple[tuple[str, int], ...] = (
        ("stale", exports["stale"]),
        ("failed", exports["failed"]),
        ("missing", exports["missing"]),
    )
    others = [f"{count} {word}" for word, count in counts if count]
    return ", ".join([f"{exports['current']} current", *others])


def notes_of(project: ProjectStatus, name: str = "", *, jobs: bool = True) -> list[str]:
    """One line for everything about a project that somebody should look at; `jobs`: those too."""
    name, notes = name or project["project"], []
    if not project.get("watched", True):
        notes.append(f"{name}: not watched: it lies in no workspace of the daemon")
    if project["paused"]:
        notes.append(f"{name}: paused; `cadenzactl resume {shell_word(name)}` goes on")
    if project["state"] != "ready":
        notes.append(f"{name}: {project['state']}: {project['reason']}")
    notes.extend(
        f"{name}: rejected {item['path']}: {item['reason']}"
        for item in project["runs"]["rejected_files"]
        if item["path"] != "env.json"
    )
    notes += _check(project, name)
    exports = project["exports"]
    notes.extend(
        f"{name}: export failed for {item['path']}: {item['reason']}"
        for item in exports["failures"]
    )
    notes.extend(
        f"{name}: the export of {item['path']} is missing: {item['reason']}"
        for item in exports["losses"]
    )
    notes += _dataset(project, name)
    notes += _improvements(project, name)
    if jobs:
        notes += [f"{name}: {note}" for note in notes_of_jobs(project["jobs"])]
    if project["reactions_failed"]:
        count = project["reactions_failed"]
        notes.append(
            f"{name}: {counted(count, 'reaction')} failed, last: {project['last_failure']}"
        )
    return notes


def notes_of_jobs(jobs: Sequence[JobStatus]) -> list[str]:
    """A line for each job that waits, runs or was given up."""
    notes = []
    for job in jobs:
        if job["state"] in ("queued", "running", "failed"):
            from cadenzad.progress import said_of  # most projects have no such job

            says = said_of(job["progress"]) or job["result"] or job["reason"]
            notes.append(f"job {job['job']} ({job['kind']}) {job['state']}: {says}")
    return notes


def _check(project: ProjectStatus, name: str) -> list[str]:
    """What the check of the mission found: counts, and the first error or warning."""
    check = project["check"]
    if not (check["errors"] or check["warnings"]):
        return []
    said = f"errors: {check['errors']}, warnings: {check['warnings']}"
    since = " (env.json has changed since)" if check["state"] == "pending" else ""
    first = check["findings"][0]
    line = f"{first['level']}: {first['place']}: {first['what']}"
    fix = f"; {first['fix']}" if first["fix"] else ""
    look = f"`cadenza env check {shell_word(name)}`"
    return [f"{name}: check: {said}{since}: {look}", f"{name}: {line}{fix}"]


def _dataset(project: ProjectStatus, name: str) -> list[str]:
    """How much the dataset holds, and which runs it does not."""
    dataset = project["dataset"]
    if dataset is None:
        return []
    rows = ", ".join(f"{config} {count:,}" for config, count in dataset["rows"].items())
    return [
        f"{name}: dataset of {counted(dataset['runs'], 'run')}, rows: {rows}",
        *(f"{name}: not in the dataset: {item['run_path']}: {item['reason']}"
          for item in dataset["failed"]),
    ]  # fmt: skip


def _improvements(project: ProjectStatus, name: str) -> list[str]:
    """What the judge and the last scorecard say."""
    prompt, adapter = project["prompt"], project["adapter"]
    notes = []
    if prompt["state"] != "not judged":
        version = f"version {prompt['version']}" if prompt["version"] is not None else "unchanged"
        verified = " (improved)" if prompt["improved"] else ""
        verified += " (found by enumeration)" if "code" in prompt["by"] else ""
        reason = f": {prompt['reason']}" if prompt["reason"] else ""
        notes.append(f"{name}: prompt {version}{verified}, {prompt['state']}{reason}")
    if prompt["watch"]:
        word = "watched" if prompt["watching"] else "watch"
        notes.append(f"{name}: {word}: {prompt['watch']}")
    if prompt.get("changed"):
        notes.append(f"{name}: {prompt['changed']}")
    if prompt["pending"] is not None:
        notes.append(
            f"{name}: prompt version {prompt['pending']} waits:"
            f" `cadenzactl prompt {shell_word(name)} diff`, then approve or reject"
        )
    if adapter.get("unrecorded"):
        versions = ", ".join(map(str, adapter["unrecorded"]))
        notes.append(f"{name}: adapter {versions}: on disk, not recorded here")
    if adapter["forced"]:
        notes.append(f"{name}: adapter {adapter['deployed']} serves by force, without a DEPLOY")
    if adapter["verdict"] is not None:
        serving = adapter["deployed"] if adapter["deployed"] is not None else "none"
        notes.append(
            f"{name}: adapter {adapter['scored']} {adapter['verdict']}, deployed: {serving}"
        )
        notes += [f"{name}: next: {step}" for step in adapter["next_steps"][:3]]
    return notes
