"""What each kind of login may see and do, whatever statement it sends; and where secrets are."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing

import pytest

psycopg = pytest.importorskip("psycopg", reason="pip install 'cadenzad[hub]'")

from store.database.view import TABLES  # noqa: E402
from store.errors import ConfigError  # noqa: E402
from store.hub.connection import Hub, HubError, HubUnreachable  # noqa: E402
from store.hub.dsn import Dsn, from_argument, from_file  # noqa: E402
from store.hub.install import expect_hub, install  # noqa: E402
from store.hub.security import add_login  # noqa: E402


@pytest.fixture
def both(robot, another, make):
    for one in (robot, another):
        one.writer.append(make.discovered(), make.run("a", "failed"), make.examples(2))
        one.ship()
    robot.fold()
    return robot, another


def test_a_robot_meets_its_own_rows_alone_whatever_it_says_that_it_is(both):
    robot, another = both
    with closing(robot.connect()) as hub, hub.transaction():
        hub.scope(another.id)
        assert hub.execute("SELECT count(*) FROM events").fetchone() == (0,)
        for name in ("events", "folded", *TABLES):
            rows = hub.execute(f"SELECT DISTINCT origin FROM cadenzad.{name}").fetchall()
            assert set(rows) <= {(robot.id,)}, name
        assert hub.execute("SELECT id, name FROM origins").fetchall() == [(robot.id, robot.name)]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO cadenzad.events SELECT {other}, 9, stream, 9, type, schema_version, data,"
        " meta, dedup_key, causation, correlation, recorded_at_us, occurred_at_us"
        " FROM cadenzad.events LIMIT 1",
        "UPDATE cadenzad.origins SET head = 0",
        "DELETE FROM cadenzad.view_files",
        "INSERT INTO cadenzad.view_degraded VALUES ({other}, 'a', 'b', 1)",
        "UPDATE cadenzad.folded SET position = 0",
        "ALTER TABLE cadenzad.events DISABLE ROW LEVEL SECURITY",
        "SET ROLE fleet_keeper",
        "SET SESSION AUTHORIZATION ada",
        "DROP TRIGGER append_only ON cadenzad.events",
        "CREATE TABLE cadenzad.x ()",
    ],
)
def test_a_robot_writes_by_append_alone(both, statement):
    robot, another = both
    with closing(robot.connect()) as hub, pytest.raises(HubError):
        hub.run(statement.format(other=another.id))


def test_a_reader_reads_all_and_writes_nothing(both, owner, fleet):
    robot, another = both
    dsn = Dsn(add_login(owner, fleet, "reader", f"r{robot.id}"), "test")
    with closing(Hub.connect(dsn)) as hub:
        found = hub.execute("SELECT DISTINCT origin FROM cadenzad.events").fetchall()
        assert {(robot.id,), (another.id,)} <= set(found)
        for statement in ("DELETE FROM cadenzad.view_files", "SELECT cadenzad.hello('x')"):
            with pytest.raises(HubError, match="permission denied"):
                hub.run(statement)


def test_a_keeper_folds_and_touches_no_log(both, owner, fleet, make):
    robot, _ = both
    dsn = Dsn(add_login(owner, fleet, "keeper", f"k{robot.id}"), "test")
    robot.writer.append(make.run("later"))
    robot.ship()
    with closing(Hub.connect(dsn)) as hub:
        robot.owner, owner_hub = hub, robot.owner
        robot.fold()
        query = "SELECT position FROM folded WHERE origin = ?"
        assert owner_hub.execute(query, (robot.id,)).fetchone() == (4,)
        with pytest.raises(HubError, match="permission denied"):
            hub.run("INSERT INTO cadenzad.about VALUES (1, 1)")


def test_nobody_here_is_a_superuser(owner, fleet):
    query = "SELECT count(*) FROM pg_roles WHERE rolsuper AND rolname LIKE 'fleet%'"
    assert owner.connection.execute(query).fetchone() == (0,)
    assert owner.execute("SELECT usesuper FROM pg_user WHERE usename = user").fetchone() == (0,)


def test_a_hub_is_made_once_and_brought_up_to_date_after_that(owner, robot, make):
    robot.writer.append(make.discovered())
    robot.ship()
    robot.fold()
    assert install(owner) == "is up to date"
    owner.run("UPDATE cadenzad.about SET code_version = 1")
    with pytest.raises(HubError, match="another version's"):
        robot.fold()
    assert install(owner) == "has new views, to be folded anew"
    query = "SELECT count(*) FROM cadenzad.view_projects WHERE origin = ?"
    assert owner.execute(query, (robot.id,)).fetchone() == (0,)
    robot.fold()
    assert owner.execute(query, (robot.id,)).fetchone() == (1,)


def test_a_name_is_given_once_and_another_password_ends_the_first(robot, owner, fleet):
    with pytest.raises(HubError, match="is there already"):
        add_login(owner, fleet, "robot", robot.name)
    by_network = str(robot.dsn.arguments()["password"])
    renewed = Dsn(add_login(owner, fleet, "robot", robot.name, renew=True), "test")
    assert renewed.arguments()["password"] != by_network
    assert renewed.arguments()["user"] == robot.dsn.arguments()["user"]
    with pytest.raises(HubError, match="there is no nobody"):
        add_login(owner, fleet, "robot", "nobody", renew=True)


def test_a_password_is_asked_for_by_the_network_and_never_said(postgres, robot):
    by_network = {**robot.dsn.arguments(), "host": "127.0.0.1"}
    with closing(Hub.connect(Dsn(psycopg.conninfo.make_conninfo(**by_network), "test"))) as hub:
        assert hub.execute("SELECT count(*) FROM origins").fetchone() == (1,)
    wrong = psycopg.conninfo.make_conninfo(**{**by_network, "password": "sesame"})
    with pytest.raises(HubUnreachable, match="password authentication failed") as caught:
        Hub.connect(Dsn(wrong, "test"))
    assert "sesame" not in str(caught.value)
    assert by_network["password"].encode() not in (postgres.folder / "log").read_bytes()


def test_a_line_that_is_verified_is_encrypted_and_a_stranger_is_no_hub(
    postgres, fleet, robot, tmp_path
):
    if not postgres.certificate.exists():
        pytest.skip("no openssl here")
    asked = {**robot.dsn.arguments(), "host": "127.0.0.1", "sslmode": "verify-full"}

    def connect(certificate):
        given = psycopg.conninfo.make_conninfo(**{**asked, "sslrootcert": str(certificate)})
        return Hub.connect(Dsn(given, "test"))

    ours = tmp_path / "ca.crt"
    ours.write_bytes(postgres.certificate.read_bytes())
    with closing(connect(ours)) as hub:
        assert hub.connection.pgconn.ssl_in_use
    owners = {**fleet.arguments(), "sslmode": "verify-full", "sslrootcert": str(ours)}
    owners_dsn = Dsn(psycopg.conninfo.make_conninfo(**owners), "test")
    kept = add_login(robot.owner, owners_dsn, "reader", f"tls{robot.id}")
    assert "sslmode=verify-full" in kept, "a login comes with how the owner checks the hub"
    strange = tmp_path / "strange.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", tmp_path / "key", "-out", strange],
        check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with pytest.raises(HubUnreachable, match="certificate verify failed"):
        connect(strange)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("host=hub.example.org dbname=f", "sslmode=\\(none\\) would do without encryption"),
        ("host=10.0.0.1 sslmode=prefer", "sslmode=prefer would do"),
        ("hostaddr=10.0.0.1 host=localhost", "would do without"),
        ("host=127.0.0.1,hub.example.org", "would do without"),
        ("postgres//ada:sesame@hub", "not a PostgreSQL connection string"),
        ("", "not a PostgreSQL connection string"),
    ],
)
def test_to_another_machine_only_encrypted(text, says):
    with pytest.raises(ConfigError, match=says) as caught:
        Dsn(text, "x", environ={})
    assert "sesame" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "text",
    [
        "host=hub.example.org sslmode=verify-full",
        "postgresql://ada:sesame@hub.example.org/f?sslmode=require",
        "host=hub.example.org sslmode=disable",
        "host=/run/postgresql",
        "host=::1",
        "dbname=f",
    ],
)
def test_what_may_be_a_hub(text):
    assert "sesame" not in Dsn(text, "x", environ={}).place


def test_a_password_is_not_typed_and_its_file_is_nobody_elses(tmp_path):
    with pytest.raises(ConfigError, match="list of processes"):
        from_argument("host=localhost password=sesame")
    file = tmp_path / "hub"
    file.write_text("host=localhost password=sesame\n")
    os.chmod(file, 0o640)
    with pytest.raises(ConfigError, match="other users can read it"):
        from_argument(str(file))
    os.chmod(file, 0o600)
    assert from_file(file).has_password
    with pytest.raises(ConfigError, match="cannot be read"):
        from_file(tmp_path / "none")


def test_a_database_that_is_no_hub_says_so(postgres):
    dsn = Dsn(postgres.new_database("empty"), "x")
    with closing(Hub.connect(dsn)) as hub, pytest.raises(HubError, match="empty is no hub yet"):
        expect_hub(hub)
