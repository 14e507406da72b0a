"""`cadenzactl hub`, and what `--hub` makes of status, events and why: the fleet's door."""

from __future__ import annotations

import json
from argparse import Namespace
from contextlib import closing
from datetime import UTC, datetime

import pytest
from adapter_files import fill
from eventmaking import Make

from cadenzad.cli.ctl.operate.hub.keep import keep
from cadenzad.cli.programs import cadenzactl
from cadenzad.hub.forwarder import Forwarder
from handlers.lora.model.names import folder_sha256
from store.events.adapter import AdapterPromoted, AdapterTrained
from store.events.envelope import NewEvent
from store.opening import open_writer
from store.reads.status import project_statuses
from store.schema import connect_reader

pytest.importorskip("psycopg", reason="pip install 'cadenzad[hub]'")


def test_a_database_becomes_a_hub_and_is_one_after_that(hub):
    code, out, err = hub.ctl("hub", "init", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["done"] == "is up to date"
    code, out, _ = hub.ctl("status")
    assert code == 0
    assert out.startswith("hub: 0 robots, 0 events, 0 in no view yet\n\nno robots yet")


def test_what_is_no_hub_says_so(hub, postgres, one_error):
    code, _, err = hub.ctl("status", hub=postgres.dsn("postgres"))
    assert code == 1
    assert "is no hub yet" in one_error(err)
    assert "hub init" in err


def test_a_login_is_a_file_that_is_its_users_alone(hub, one_error):
    file = hub.add("ada")
    assert file.stat().st_mode & 0o777 == 0o600
    assert "password=" in file.read_text()
    code, _, err = hub.ctl("hub", "add", "ada", "-o", file)
    assert code == 2
    assert "is there already" in one_error(err)
    code, _, err = hub.ctl("hub", "add", "ada", "-o", hub.folder / "again")
    assert code == 1
    assert "--renew" in err
    assert not (hub.folder / "again").exists()
    before = file.read_text()
    code, out, _ = hub.ctl("hub", "add", "ada", "-o", file, "--renew")
    assert code == 0
    assert "password" not in out
    assert file.read_text() != before


def test_status_of_the_fleet_and_of_one_robot_as_of_its_own(two):
    code, out, err = two.ctl("status")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("hub: 2 robots, ")
    assert [line.split()[:5] for line in lines[3:]] == [
        ["ada", "1", "2", "1", "1"],
        ["grace", "1", "2", "1", "1"],
    ]
    code, out, _ = two.ctl("status", "rescue", "--robot", "ada", "--json")
    (project,) = json.loads(out)["projects"]
    with closing(connect_reader(two.state)) as reader:
        (here,) = project_statuses(reader)
    assert project == json.loads(json.dumps({"robot": "ada", **here}))
    code, out, _ = two.ctl("status", "rescue")
    assert [line.split()[:2] for line in out.splitlines()[1:3]] == [
        ["ada", "rescue"],
        ["grace", "rescue"],
    ]


def test_events_of_all_come_in_the_order_of_time_with_whose_they_are(two):
    code, out, _ = two.ctl("events", "--json")
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert {row["robot"] for row in rows} == {"ada", "grace"}
    assert [row["recorded_at"] for row in rows] == sorted(row["recorded_at"] for row in rows)
    for robot in ("ada", "grace"):
        positions = [row["position"] for row in rows if row["robot"] == robot]
        assert positions == list(range(1, len(positions) + 1))
    code, out, _ = two.ctl("events", "--robot", "grace", "--type", "RunRecorded")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["grace", "grace"]
    assert all("RunRecorded" in line for line in out.splitlines())
    code, out, _ = two.ctl("events", "--project", "rescue", "--robot", "ada", "--json")
    assert {row["path"] for row in map(json.loads, out.splitlines())} == {Make.project}


def test_why_is_answered_for_a_robot(two, one_error):
    code, out, _ = two.ctl("why", "rescue", "--robot", "ada", "--json")
    assert code == 0
    assert json.loads(out) == {"robot": "ada", "project": "rescue", "prompt": None, "adapter": None}
    code, _, err = two.ctl("why", "rescue")
    assert code == 4
    assert "names 2 projects" in one_error(err)
    assert "ada, grace" in err


@pytest.mark.parametrize(
    ("words", "says", "meant"),
    [
        (("status", "--robot", "adda"), "no robot 'adda'", "did you mean ada?"),
        (("status", "rescu"), "no project 'rescu'", "did you mean rescue?"),
        (("events", "--project", "resue"), "no project 'resue'", "did you mean rescue?"),
        (("events", "--since", "12"), "a time", "for example"),
        (("status", "--at", "3"), "each has positions of its own", "for example"),
    ],
)
def test_what_is_not_there_is_named_with_what_may_be_meant(two, one_error, words, says, meant):
    code, out, err = two.ctl(*words)
    assert code in (2, 4)
    assert out == ""
    assert says in one_error(err)
    assert meant in err


def test_a_robot_without_a_hub_is_a_mistake(run_cli, home, one_error):
    for words in (["status"], ["events"], ["why", "x"]):
        code, _, err = run_cli(cadenzactl, *words, "--robot", "ada")
        assert code == 2
        assert "--hub" in err


def test_verify_is_green_on_both_sides_and_red_where_a_row_is_not_what_it_was(new_fleet, postgres):
    fleet = new_fleet()
    fleet.add_robots()
    here = ("hub", "verify", "--here", "--state", fleet.state)
    for words, hub in ((("hub", "verify"), fleet.owner), (here, fleet.folder / "ada.hub")):
        code, out, _ = fleet.ctl(*words, hub=hub)
        assert code == 0, out
        assert out.endswith("whole\n")
    # somebody with the owner's rights goes around the triggers
    database = fleet.owner.split("dbname=")[1].split()[0]
    for statement in (
        "ALTER TABLE cadenzad.events DISABLE TRIGGER append_only",
        "UPDATE cadenzad.events SET data = replace(data, 'rescue', 'rescuE') WHERE position = 1",
        "UPDATE cadenzad.view_projects SET runs_total = 7",
    ):
        postgres.sql(statement, database)
    code, out, _ = fleet.ctl("hub", "verify", "--robot", "grace")
    assert code == 1
    assert "grace: its view differs" in out
    code, out, _ = fleet.ctl(*here, hub=fleet.folder / "ada.hub")
    assert code == 1
    assert "the event at position 1 is another one here" in out


def test_a_password_is_refused_on_the_command_line(run_cli, one_error):
    code, _, err = run_cli(cadenzactl, "--hub", "host=localhost password=sesame", "status")
    assert code == 2
    assert "list of processes" in one_error(err)
    assert "sesame" not in err
    code, _, err = run_cli(cadenzactl, "hub", "status")
    assert code == 2
    assert "which hub?" in one_error(err)


def test_a_server_that_is_not_there_is_one_line(run_cli, one_error, tmp_path):
    code, _, err = run_cli(cadenzactl, "--hub", f"host={tmp_path} dbname=x", "status")
    assert code == 1
    assert "the hub (x at" in one_error(err)


def test_a_keeper_waits_for_a_server_that_is_not_there(tmp_path, capsys):
    waits = []

    def instead_of_waiting(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    arguments = Namespace(hub=f"host={tmp_path} dbname=x", once=False)
    with pytest.raises(KeyboardInterrupt):
        keep(arguments, instead_of_waiting)
    assert waits == [1, 2, 4]
    assert capsys.readouterr().err.count("; again in") == 3


def test_a_past_moment_of_a_robot_is_folded_as_it_is_there(two, one_error):
    from store.views.replay import view_as_of

    code, out, err = two.ctl("status", "--robot", "ada", "--at", "2", "--json")
    assert (code, err) == (0, "")
    (project,) = json.loads(out)["projects"]
    with closing(connect_reader(two.state)) as reader, closing(view_as_of(reader, 2)) as view:
        (then,) = project_statuses(view, history=reader)
    assert project == json.loads(json.dumps({"robot": "ada", **then}))
    assert project["runs"]["total"] == 1
    # of several robots it is a time
    code, _, err = two.ctl("status", "rescue", "--at", "2")
    assert code == 2
    assert "each has positions of its own" in one_error(err)
    code, out, _ = two.ctl("status", "rescue", "--at", "2020-01-01T00:00:00Z", "--json")
    assert (code, json.loads(out)["projects"]) == (0, [])


def test_a_past_moment_of_all_robots_counts_what_they_had_then(two):
    # given a moment between the two runs of ada's log, of which grace's is a copy
    with closing(connect_reader(two.state)) as reader:
        query = "SELECT recorded_at_us FROM events ORDER BY position"
        times = [at for (at,) in reader.execute(query)]
    assert len(times) == 3
    far = datetime.fromtimestamp(times[-1] / 1e6 + 1, UTC).isoformat()

    code, out, err = two.ctl("status", "--at", far, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    (now_ada, now_grace) = json.loads(two.ctl("status", "--json")[1])["robots"]
    for then, now in zip(told["robots"], (now_ada, now_grace), strict=True):
        assert then == {**now, "seen_at": None}
    assert (told["hub"]["robots"], told["hub"]["events"]) == (2, 6)

    code, out, _ = two.ctl("status", "--at", "2020-01-01T00:00:00Z", "--json")
    told = json.loads(out)
    assert code == 0
    assert [(one["runs"], one["projects"], one["head"]) for one in told["robots"]] == [
        (0, 0, 0)
    ] * 2
    lines = two.ctl("status", "--at", far)[1].splitlines()
    assert lines[0] == "hub: 2 robots, 6 events, 0 in no view yet"
    assert lines[3].split()[:3] == ["ada", "1", "2"]


def test_what_was_pruned_is_not_known_then_and_never_guessed(new_fleet, one_error):
    fleet = new_fleet()
    fleet.add_robots()
    assert fleet.ctl("hub", "prune", "--before", "2100-01-01", "--robot", "ada")[0] == 0
    code, _, err = fleet.ctl("status", "--robot", "ada", "--at", "2")
    assert (code, "events were pruned here" in one_error(err)) == (1, True)
    code, out, _ = fleet.ctl("status", "--at", "2100-01-01")
    assert code == 0
    assert "1 with a view that stops" in out
    assert "ada: its view stops: its first" in out


def test_an_offer_is_made_looked_at_and_pulled(two, one_error):
    code, _, err = two.ctl("hub", "offer", "rescue", "prompt", "1", "--robot", "ada")
    assert code == 1
    assert "no prompt version 1" in one_error(err)
    code, out, _ = two.ctl("hub", "offers")
    assert (code, out.startswith("nothing is offered")) == (0, True)
    code, _, err = two.ctl("hub", "pull", "7c1e")
    assert code == 4
    assert "no offer '7c1e'" in one_error(err)


@pytest.fixture
def with_adapter(new_fleet):
    """A fleet in which ada deployed an adapter, and trained another; the first one's folder."""
    fleet = new_fleet()
    fleet.add_robots()
    folder = fleet.folder / "0001"
    folder.mkdir()
    fill(folder)
    facts = {"dataset_sha256": "d", "base_sha256": "b", "encoder": "light", "rows": 1}
    facts |= {"exam_rows": 1, "epochs": 1, "seed": 0, "threads": 1}
    made = [
        AdapterTrained(
            version=n, path=f".cadenza-env/adapters/{n:04}", sha256=folder_sha256(folder), **facts
        )
        for n in (1, 2)
    ]
    promoted = AdapterPromoted(version=1, previous=None, by="me")
    with closing(open_writer(fleet.state)) as writer, closing(connect_reader(fleet.state)) as log:
        writer.append(*(NewEvent(Make.stream, event) for event in (*made, promoted)))
        Forwarder(fleet.state, fleet.folder / "ada.hub", log, writer).ship_all()
    assert fleet.ctl("hub", "keep", "--once")[0] == 0
    return fleet, folder


def test_an_adapter_is_offered_with_its_files_or_not_at_all(with_adapter, one_error):
    fleet, folder = with_adapter
    offer = ("hub", "offer", "rescue", "adapter")
    of_ada = ("--robot", "ada", "--canary", "1")

    for version, said in (
        (7, "no adapter version 7; versions there: 1, 2"),
        (2, "version 2 was never deployed there, and it has no verdict"),
        (1, "/robots/rescue/.cadenza-env/adapters/0001: is not on this machine"),
    ):
        code, _, err = fleet.ctl(*offer, version, *of_ada)
        assert code == 1
        assert said.partition(";")[0] in one_error(err)
    assert "run this on ada, or copy the folder" in err

    (folder / "training.csv").write_text("another folder than the one that was trained")
    code, _, err = fleet.ctl(*offer, 1, *of_ada, "--files", folder)
    assert (code, "is not the adapter that was recorded" in one_error(err)) == (1, True)
    (folder / "training.csv").unlink()

    code, out, err = fleet.ctl(*offer, 1, *of_ada, "--files", folder)
    assert (code, err) == (0, "")
    assert " bytes, of version 1 of ada\n" in out
    assert "first: grace\n" in out
    code, out, _ = fleet.ctl("hub", "offers", "--json")
    (shown,) = json.loads(out)["offers"]
    assert (shown["kind"], shown["state"], shown["canary"]) == ("adapter", "canary", ["grace"])

    code, _, err = fleet.ctl("hub", "offer", "rescue", "prompt", 1, "--files", folder)
    assert (code, "--files is for adapters" in one_error(err)) == (2, True)
