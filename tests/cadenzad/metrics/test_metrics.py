"""Metrics: what they say, in a format that Prometheus reads, whole or not at all."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
from pathlib import Path

import pytest

from cadenzad.metrics.collect import Metric, Sample, collect
from cadenzad.metrics.prometheus import render, write_textfile
from cadenzad.metrics.serving import serve
from cadenzad.requests import inbox
from cadenzad.requests.commands import Ping, new_request
from store.errors import DaemonError, StoreError
from store.events.envelope import DAEMON_STREAM, NewEvent
from store.events.process import (
    DaemonStopped,
    JobFailed,
    JobQueued,
    JobStarted,
    JobSucceeded,
    WatchDegraded,
)
from store.lock import WriterLock
from store.opening import open_writer
from store.schema import connect_reader

NOW = 2_000_000_000.0
"""After everything that is recorded here."""

_SERIES = re.compile(r'^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (-?[0-9.e+]+)$')


def parse(text: str) -> dict[str, float]:
    """A strict reader of the text format: series -> value; fails on what Prometheus refuses."""
    assert text.endswith("\n")
    found: dict[str, float] = {}
    types: dict[str, str] = {}
    family = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
            assert family not in types, f"{family} twice"
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name == family
            types[name] = kind
            assert kind in ("gauge", "counter")
            assert kind != "counter" or name.endswith("_total")
        else:
            match = _SERIES.match(line)
            assert match is not None, line
            assert match[1] == family, line
            series = match[1] + (match[2] or "")
            assert series not in found, f"{series} twice"
            found[series] = float(match[3])
    return found


@pytest.fixture
def read(home):
    """Collect and render the metrics of a home, as at NOW: series -> value."""

    def take(now: float = NOW) -> dict[str, float]:
        reader = connect_reader(home.state)
        try:
            return parse(render(collect(home.state, reader, now)))
        finally:
            reader.close()

    return take


@pytest.fixture
def recorded_home(home):
    home.log(home.project())
    home.once()
    return home


def write(home, *events: NewEvent, progress: dict[str, object] | None = None) -> None:
    writer = open_writer(home.state)
    try:
        writer.append(*events)
        for key, value in (progress or {}).items():
            writer.run(lambda transaction, k=key, v=value: transaction.set_progress(k, v))
    finally:
        writer.close()


# -- what is said ----------------------------------------------------------------------------------


def test_projects_runs_and_exports_are_counted(recorded_home, read) -> None:
    project = recorded_home.workspace / "rescue"
    labels = f'project="rescue",path="{project}"'
    found = read()
    assert found['cadenzad_projects{state="ready"}'] == 1
    assert found[f'cadenzad_runs{{{labels},outcome="succeeded"}}'] == 1
    assert found[f'cadenzad_runs{{{labels},outcome="failed"}}'] == 0
    assert found[f'cadenzad_exports{{{labels},state="current"}}'] == 1
    assert found[f"cadenzad_export_records{{{labels}}}"] == 3
    assert found[f'cadenzad_examples{{{labels},split="train"}}'] > 0
    assert found["cadenzad_events_total"] == len(recorded_home.events())
    assert found["cadenzad_database_bytes"] == (recorded_home.state / "events.db").stat().st_size


def test_projects_of_one_name_are_told_apart(home, read) -> None:
    for workspace in ("a", "b"):
        home.workspace = home.root / workspace
        home.project()
        home.once()
    assert sum(series.startswith("cadenzad_project_paused{") for series in read()) == 2


def test_lag_is_what_reactions_have_not_come_to(recorded_home, read) -> None:
    assert read()['cadenzad_reaction_lag_events{reaction="export_run"}'] == 0
    assert read()["cadenzad_reaction_lag_seconds"] == 0
    write(recorded_home, NewEvent(DAEMON_STREAM, DaemonStopped(pid=1, reason="r")))
    recorded_at = recorded_home.events()[-1].recorded_at_us / 1e6
    found = read(recorded_at + 60)
    assert found['cadenzad_reaction_lag_events{reaction="export_run"}'] == 1
    assert found["cadenzad_reaction_lag_seconds"] == pytest.approx(60)
    assert found["cadenzad_projection_lag_events"] == 0


def test_a_view_of_another_version_lags_by_all_there_is(recorded_home, read, monkeypatch) -> None:
    monkeypatch.setattr("store.schema.CODE_VERSION", 10_000)
    found = read()
    assert found["cadenzad_projection_lag_events"] == len(recorded_home.events())
    assert not any(series.startswith("cadenzad_runs") for series in found)


def test_counters_of_the_watcher_are_the_daemons(recorded_home, read) -> None:
    counters = {"overflows": 2, "reconcile_finds": 7, "reconciled_at": NOW - 30}
    write(recorded_home, progress={"counters": counters})
    found = read()
    assert found["cadenzad_overflows_total"] == 2
    assert found["cadenzad_reconcile_finds_total"] == 7
    assert found["cadenzad_reconcile_age_seconds"] == 30
    assert found["cadenzad_reconcile_timestamp_seconds"] == NOW - 30


def test_what_is_not_known_is_left_out(home, read) -> None:
    write(home, progress={"counters": None})
    found = read()
    assert "cadenzad_overflows_total" not in found
    assert "cadenzad_reconcile_age_seconds" not in found
    assert found["cadenzad_up"] == 0


def test_a_running_daemon_is_up(recorded_home, read) -> None:
    live = {
        "pid": os.getpid(),
        "state": "running",
        "started_at": "2026-01-31T12:00:00Z",
        "version": "9.9",
        "workspaces": [],
        "watching": {"projects": 3, "directories": 9},
    }
    write(recorded_home, progress={"daemon": live})
    with WriterLock(recorded_home.state, inbox.DAEMON_ROLE).acquire():
        found = read()
    assert found["cadenzad_up"] == 1
    assert found["cadenzad_watched_folders"] == 9
    assert found["cadenzad_start_timestamp_seconds"] == 1769860800
    assert found['cadenzad_build_info{version="9.9"}'] == 1


def test_degraded_reasons_are_counted_by_kind(recorded_home, read) -> None:
    for code in ("overflow", "lost:/a", "lost:/b"):
        write(recorded_home, NewEvent(DAEMON_STREAM, WatchDegraded(code=code, detail="d")))
    found = read()
    assert found["cadenzad_degraded_reasons"] == 3
    assert found['cadenzad_degraded{reason="lost"}'] == 2


def test_requests_that_wait_are_counted_with_their_age(recorded_home, read) -> None:
    path = inbox.send(recorded_home.state, new_request(Ping()))
    os.utime(path, (NOW - 12, NOW - 12))
    inbox.send(recorded_home.state, new_request(Ping()))
    found = read()
    assert found["cadenzad_inbox_requests"] == 2
    assert found["cadenzad_inbox_oldest_seconds"] >= 12


def test_jobs_are_counted_by_kind_and_state(recorded_home, read) -> None:
    def job(kind: str, project: str, *then: object) -> int:
        queued = JobQueued(kind=kind, project=project, reason="r")
        write(recorded_home, NewEvent(DAEMON_STREAM, queued))
        number = recorded_home.events()[-1].position
        for event in then:
            fields = {"job": number, "attempt": 1}
            write(recorded_home, NewEvent(DAEMON_STREAM, event(fields)))
        return number

    def start(fields):
        return JobStarted(pid=1, **fields)

    job("retrain", "/a", start, lambda fields: JobSucceeded(**fields))
    ended = recorded_home.events()[-1].recorded_at_us / 1e6
    job("retrain", "/b", start, lambda fields: JobFailed(error="e", **fields))
    job("judge", "/a", start)
    oldest = job("judge", "/b")
    job("judge", "/c")
    queued_at = recorded_home.events("JobQueued")[-2]
    assert queued_at.position == oldest

    found = read()
    assert found['cadenzad_jobs{kind="retrain",state="succeeded"}'] == 1
    assert found['cadenzad_jobs{kind="retrain",state="failed"}'] == 1
    assert found['cadenzad_jobs{kind="judge",state="running"}'] == 1
    assert found['cadenzad_jobs{kind="judge",state="queued"}'] == 2
    assert found["cadenzad_job_queue_depth"] == 2
    age = NOW - queued_at.recorded_at_us / 1e6
    assert found["cadenzad_job_queue_oldest_seconds"] == pytest.approx(age)
    last = 'cadenzad_job_last_success_timestamp_seconds{kind="retrain"}'
    assert found[last] == pytest.approx(ended)
    assert 'cadenzad_job_last_success_timestamp_seconds{kind="judge"}' not in found


def test_figures_are_not_read_from_the_history(recorded_home) -> None:
    reader = connect_reader(recorded_home.state)
    statements: list[str] = []
    reader.set_trace_callback(statements.append)
    collect(recorded_home.state, reader, NOW)
    plans = [
        (statement, step[3])
        for statement in statements
        if statement.startswith("SELECT")
        for step in reader.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    ]
    reader.close()
    assert len(plans) > 10
    scanned = [step for _, step in plans if re.search(r"\bSCAN events\b", step)]
    assert scanned == []


# -- the format ------------------------------------------------------------------------------------


def test_labels_and_numbers_are_escaped_as_prometheus_wants() -> None:
    awkward = 'a"b\\c\nd'
    metric = Metric("m", "gauge", "two\nlines", [Sample({"x": awkward, "y": ""}, 0.25)])
    assert render([metric]) == (
        "# HELP m two\\nlines\n# TYPE m gauge\n" + 'm{x="a\\"b\\\\c\\nd",y=""} 0.25\n'
    )
    assert render([metric._replace(samples=[Sample({}, 1e15)])]).endswith("m 1000000000000000\n")


# -- a file ----------------------------------------------------------------------------------------


def test_a_textfile_is_replaced_whole_and_readable_for_all(recorded_home, tmp_path) -> None:
    target = tmp_path / "cadenzad.prom"
    target.write_text("old")
    target.chmod(0o600)
    reader = connect_reader(recorded_home.state)
    with target.open() as still_open:
        write_textfile(target, recorded_home.state, reader, NOW)
        assert still_open.read() == "old"  # renamed over, not written into
    reader.close()
    assert parse(target.read_text())["cadenzad_collected_timestamp_seconds"] == NOW
    assert target.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.glob("*prom*")] == ["cadenzad.prom"]


def test_a_textfile_that_cannot_be_written_is_one_line(recorded_home, tmp_path, full_disk) -> None:
    reader = connect_reader(recorded_home.state)
    with pytest.raises(StoreError, match="metrics cannot be written there"):
        write_textfile(tmp_path / "nowhere" / "c.prom", recorded_home.state, reader)
    (tmp_path / "full.prom").write_text("old")
    collect(recorded_home.state, reader)  # SQLite's own files have their size now
    with full_disk(100), pytest.raises(StoreError):
        write_textfile(tmp_path / "full.prom", recorded_home.state, reader)
    reader.close()
    assert (tmp_path / "full.prom").read_text() == "old"
    assert not list(tmp_path.glob(".full*"))


# -- loopback --------------------------------------------------------------------------------------


def ask(port: int, path: str = "/metrics", method: str = "GET") -> tuple[int, str, str]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        client.request(method, path)
        answer = client.getresponse()
        return answer.status, answer.getheader("Content-Type") or "", answer.read().decode()
    finally:
        client.close()


def test_metrics_are_served_on_the_loopback(recorded_home) -> None:
    with serve(0, recorded_home.state) as port:
        status, kind, text = ask(port)
        assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert parse(text)["cadenzad_events_total"] == len(recorded_home.events())
        assert ask(port, "/metrics?x=1")[0] == 200
        assert ask(port, "/")[0] == 404
        status, _, text = ask(port, method="HEAD")
        assert (status, text) == (200, "")
        assert ask(port, method="POST")[0] == 501
        sockets = Path("/proc/net/tcp").read_text()
        assert f" 0100007F:{port:04X} 00000000:0000 0A" in sockets
        assert f" 00000000:{port:04X} " not in sockets
    with pytest.raises(ConnectionRefusedError):
        ask(port)


def test_a_client_that_goes_away_or_says_nothing_harms_nobody(recorded_home, monkeypatch) -> None:
    monkeypatch.setattr("cadenzad.metrics.serving.SLOW_CLIENT_S", 0.05)
    with serve(0, recorded_home.state) as port:
        rude = socket.create_connection(("127.0.0.1", port))
        rude.sendall(b"GET /metrics HTTP/1.1\r\n")
        silent = socket.create_connection(("127.0.0.1", port))
        silent.close()
        assert ask(port)[0] == 200
        rude.close()


def test_without_a_log_the_answer_is_503(home) -> None:
    with serve(0, home.state) as port:
        status, _, text = ask(port)
    assert status == 503
    assert "there is no event log yet" in text


def test_a_taken_port_is_one_line(home) -> None:
    with (
        serve(0, home.state) as port,
        pytest.raises(DaemonError, match=f"127.0.0.1:{port}"),
        serve(port, home.state),
    ):
        pass


def test_metrics_as_json_name_the_same_series(recorded_home) -> None:
    reader = connect_reader(recorded_home.state)
    metrics = collect(recorded_home.state, reader, NOW)
    reader.close()
    names = {metric.name for metric in metrics}
    assert {series.split("{")[0] for series in parse(render(metrics))} == names
    json.dumps([sample.value for metric in metrics for sample in metric.samples], allow_nan=False)
