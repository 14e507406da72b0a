"""What is appended here is at the hub soon, and once, whatever becomes of the line between them."""

from __future__ import annotations

import shutil
from contextlib import closing

import pytest
from waiting import eventually

from cadenzad.cli.programs import cadenzactl
from cadenzad.config.files import Config
from cadenzad.config.settings import Check, Hub
from cadenzad.daemon import Daemon
from cadenzad.doctor.findings import Situation
from cadenzad.doctor.service import check_hub
from cadenzad.hub.forwarder import Forwarder
from cadenzad.hub.identity import FILE, log_id
from handlers.judge.settings import JudgeSettings
from handlers.lora.settings import LoraSettings
from handlers.project.scaffold import init_project
from store.errors import StoreError
from store.events.envelope import DAEMON_STREAM, NewEvent
from store.events.process import WatchDegraded
from store.opening import open_writer
from store.reads.live import head
from store.schema import connect_reader

pytest.importorskip("psycopg", reason="pip install 'cadenzad[hub]'")


def events(count):
    return [
        NewEvent(DAEMON_STREAM, WatchDegraded(code="c", detail=f"number {n}")) for n in range(count)
    ]


def test_events_are_shipped_as_they_come_and_status_says_how_far(shipping):
    here = shipping()
    here.robot.writer.append(*events(3))
    forwarder = here.forwarder()
    forwarder.start()
    eventually(lambda: here.there == 3, "what was there is shipped")
    here.robot.writer.append(*events(2500))
    forwarder.wake()
    eventually(lambda: here.there == 2503, "and what comes")
    eventually(lambda: here.told and here.told["lag"] == 0, "and told", explain=lambda: here.told)
    assert here.told["name"] == here.robot.name
    assert here.told["place"] == "fleet at 127.0.0.1"
    assert here.told["trouble"] == ""


def test_a_network_that_is_cut_is_said_and_nothing_is_lost_or_doubled(shipping, network):
    here = shipping()
    here.robot.writer.append(*events(10))
    forwarder = here.forwarder()
    forwarder.start()
    eventually(lambda: here.there == 10, "shipped")
    network.cut()
    here.robot.writer.append(*events(10))
    forwarder.wake()
    eventually(lambda: here.told["trouble"], "said", explain=lambda: here.told)
    assert here.told["lag"] == 10
    assert here.told["since"] is not None
    network.mend()
    eventually(lambda: here.there == 20, "goes on by itself")
    eventually(lambda: not here.told["trouble"], "and says so")


def test_a_stop_waits_for_no_answer(shipping, network):
    here = shipping()
    here.robot.writer.append(*events(1))
    forwarder = here.forwarder()
    forwarder.start()
    eventually(lambda: here.there == 1, "shipped")
    network.swallow()
    here.robot.writer.append(*events(1))
    forwarder.wake()
    forwarder.stop()


def test_another_forwarder_goes_on_where_the_hub_is(shipping):
    here = shipping()
    here.robot.writer.append(*events(5))
    here.forwarder().ship_all()
    here.robot.writer.append(*events(5))
    here.forwarder().ship_all()
    assert here.there == 10
    eventually(lambda: here.told["position"] == 10, "told")


def test_status_and_the_doctor_say_how_far_the_hub_is(shipping, capsys, network):
    here = shipping()
    here.robot.writer.append(*events(5))
    here.forwarder().ship_all()
    eventually(lambda: here.told and here.told["lag"] == 0, "told")
    status = ["status", "--state", str(here.state)]
    cadenzactl(status)
    assert (
        f"hub:    5 events of {here.robot.name} are there, 0 are to come (fleet at 127.0.0.1)\n"
    ) in capsys.readouterr().out
    network.cut()
    here.robot.writer.append(*events(2))
    here.forwarder().ship_all()
    eventually(lambda: here.told["trouble"], "told")
    cadenzactl(status)
    out = capsys.readouterr().out
    assert "5 events of" in out
    assert "2 are to come; since 20" in out
    config = Config(hub=Hub(dsn_file=str(here.dsn_file)))
    (finding,) = check_hub(Situation(here.state, config, {}, 0.0, here.reader))
    assert finding.level == "warn"
    assert finding.text.startswith("5 events are there, 2 are to come: the hub (fleet at")
    (finding,) = check_hub(Situation(here.state, Config(), {}, 0.0, here.reader))
    assert finding.text == "none is configured"


def test_a_daemon_that_runs_once_ships_what_it_recorded(shipping, tmp_path):
    here = shipping()
    here.robot.writer.close()
    project = tmp_path / "robots" / "rescue"
    init_project(project)
    config = Config(
        workspaces=(tmp_path / "robots",),
        hub=Hub(dsn_file=str(here.dsn_file)),
        check=Check(enabled=False),
        judge=JudgeSettings(mode="off"),
        lora=LoraSettings(retrain=False),
    )
    Daemon(config, here.state).run(once=True)
    assert here.there == head(here.reader) > 0


def test_an_older_backup_and_another_log_are_named(shipping, tmp_path):
    here = shipping()
    here.robot.writer.append(*events(5))
    here.forwarder().ship_all()

    def ship_from(name, count):
        state = tmp_path / name
        state.mkdir()
        shutil.copy(here.state / FILE, state / FILE)
        with closing(open_writer(state)) as writer:
            writer.append(*events(count))
            with closing(connect_reader(state)) as reader:
                Forwarder(state, here.dsn_file, reader, writer).ship_all()
                told = writer.run(
                    lambda t: t.connection.execute("SELECT value FROM progress").fetchone()
                )
        return told[0]

    assert "has 5 events of this log, of which 3 are here" in ship_from("older", 3)
    assert "has another event at position 5" in ship_from("other", 7)
    assert here.there == 5


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda file: file.chmod(0o644), "other users can read it"),
        (lambda file: file.unlink(), "cannot be read"),
        (lambda file: file.write_text("x=1"), "not a PostgreSQL connection string"),
        (lambda file: file.write_text("host=a.example.org"), "without encryption"),
    ],
)
def test_what_is_wrong_with_the_file_is_said(shipping, spoil, says):
    here = shipping()
    spoil(here.dsn_file)
    here.forwarder().ship_all()
    eventually(lambda: here.told and says in here.told["trouble"], "said")


def test_a_log_has_one_id_for_ever(tmp_path):
    first = log_id(tmp_path)
    assert log_id(tmp_path) == first
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    (tmp_path / FILE).write_text("nonsense")
    with pytest.raises(StoreError, match="not the id of a log"):
        log_id(tmp_path)
