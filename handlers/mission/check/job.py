"""The check as a job: what is wrong with a mission is recorded before any run."""

from __future__ import annotations

from collections import Counter

from handlers.jobs import JobContext, JobResult
from handlers.mission.check.check import check
from handlers.mission.check.findings import Finding
from handlers.project.project import Project
from store.errors import CadenzaError, ProjectNotFound, SpecError, one_line
from store.events.files import CheckFact, ProjectChecked

MOST = 5
"""Findings that are recorded, of the worst; `cadenza env check` has them all."""
LONGEST = 300
"""Characters of a line that are recorded: a goal may be thousands long."""


def check_project(context: JobContext) -> JobResult:
    """Check a project's env.json as it is now. Never fails by what stands in it.

    One that is gone or no mission any more is left to the event that says so.
    """
    assert context.project is not None
    try:
        project = Project.open(context.project)
    except (ProjectNotFound, SpecError) as error:
        return JobResult(summary=f"not checked: {error.message}")
    assert project.env_sha256 is not None
    try:
        findings = check(project).findings
    except CadenzaError as error:  # nobody knows the robot, its actions.json cannot be read
        findings = (Finding("error", "env.json", error.message, error.hint or ""),)
    count = Counter(finding.level for finding in findings)
    checked = ProjectChecked(
        env_sha256=project.env_sha256,
        errors=count["error"],
        warnings=count["warning"],
        hints=count["hint"],
        findings=tuple(_fact(finding) for finding in findings[:MOST]),
    )
    summary = f"errors: {count['error']}, warnings: {count['warning']}, hints: {count['hint']}"
    return JobResult((checked,), summary)


def _fact(finding: Finding) -> CheckFact:
    place, what, fix = (
        one_line(text)[:LONGEST] for text in (finding.place, finding.what, finding.fix)
    )
    return CheckFact(level=finding.level, place=place, what=what, fix=fix)
