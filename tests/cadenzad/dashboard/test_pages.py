"""The dashboard over HTTP, as it is started: what pages say, who may ask, what an error is."""

from __future__ import annotations

import http.client
import json
import re
import shutil
from html import unescape
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import runlogs
from dashboards import dashboard
from houses import House

from cadenzad.cli.programs import cadenzactl

pytestmark = pytest.mark.xdist_group("dashboard")
TOKEN = "a-token-of-thirty-two-characters"


def words(html: str) -> str:
    """A page's text, its scripts left out."""
    html = re.sub(r"(?s)<script.*?</script>|<svg.*?</svg>", " ", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


# -- what pages say --------------------------------------------------------------------------------


def test_the_overview_has_a_line_for_each_project(loop, shown) -> None:
    answer = shown.ask("/")
    assert answer.status == 200
    said = words(answer.text)
    assert "Stopped." in said
    assert 'href="/project/rescue"' in answer.text
    assert "DEPLOY" in said
    assert re.search(r"\d of \d runs succeeded", said)


def test_a_projects_page_tells_the_loop_from_runs_to_rule_to_runs(loop, shown) -> None:
    answer = shown.ask("/project/rescue")
    assert answer.status == 200
    said = words(answer.text)
    rule = "when in enter_debris and stuck for 2 ticks: walk_backward distance_m=0.4"
    assert "stuck@enter_debris: moves that gained no ground" in said
    assert "Runs failed: r1:1-5" in said
    assert f"Rules were made by the model: {rule}" in said
    assert "improved , 8 pairs won, 0 lost" in said
    assert "+ added" in said
    assert "What training added: +0.90" in said
    assert "in no success" in said  # the lift of a cause that no success shows
    assert "Zone doorway" in said
    assert 'href="/project/rescue/runs?a=r1&amp;tick=1"' in answer.text


def test_a_past_page_is_what_status_says_of_that_position(loop, shown) -> None:
    # given the position at which only the first run was there
    first = loop.house.events("RunRecorded")[0]["position"]
    _, out, _ = loop.house.ask("status", "--json", "--at", str(first))
    runs = json.loads(out)["projects"][0]["runs"]

    # when / then
    answer = shown.ask(f"/project/rescue?at={first}")
    said = words(answer.text)
    assert f"As of position {first} of" in said
    assert f"Runs {runs['total']} {runs['succeeded']} succeeded" in said
    assert "The prompt is as its author wrote it" in said
    assert "None was trained yet." in said

    # and later ones, folded on from it, are as they are from the start
    last = loop.house.events()[-1]["position"]
    now = shown.ask("/project/rescue").text
    past = shown.ask(f"/project/rescue?at={last}").text
    table = re.compile(r"(?s)By policy, prompt and adapter.*?</table>")
    assert table.findall(past) == table.findall(now)


def test_two_runs_are_shown_in_step(loop, shown) -> None:
    answer = shown.ask("/project/rescue/runs?a=r1&b=r0&tick=3")
    assert answer.status == 200
    data = re.search(r'class="frames">(.*?)</script>', answer.text)
    assert data is not None
    runs = json.loads(data.group(1))["runs"]
    assert [run["name"] for run in runs] == ["r1", "r0"]
    assert [frame[0] for frame in runs[0]["frames"]] == [1, 2, 3, 4, 5]
    assert runs[1]["frames"][-1][7] == pytest.approx(2.0)  # the sum of its rewards
    assert 'data-tick="3"' in answer.text


def test_a_film_beside_a_log_is_played_and_nothing_else_is_given_out(loop, shown) -> None:
    film = loop.project / ".cadenza-env" / "r1.mp4"
    film.write_bytes(b"0123456789")
    try:
        assert "<video" in shown.ask("/project/rescue/runs?a=r1&b=r0").text
        answer = shown.ask("/project/rescue/film?run=r1", Range="bytes=2-4")
        assert (answer.status, answer.text) == (206, "234")
        assert answer.headers["content-type"] == "video/mp4"
        for name in ("r0", "../env", "../../env.json"):
            assert shown.ask(f"/project/rescue/film?run={quote(name)}").status == 404
        assert shown.ask("/static/../app.py").status == 404
    finally:
        film.unlink()


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/project/nobody", 404, "no project 'nobody'"),
        ("/project/rescue?at=yesterday", 400, "neither a position nor a time"),
        ("/project/rescue/runs?a=none&b=r1", 404, "runs are called so"),
        ("/nowhere", 404, "no such page"),
    ],
)
def test_an_error_is_a_page_that_says_what_to_do(shown, path, status, says) -> None:
    answer = shown.ask(path)
    assert answer.status == status
    assert says in words(answer.text)


def test_a_log_that_is_gone_is_said_and_comes_back(house_of, tmp_path) -> None:
    made = house_of("<b>bold</b>")
    with dashboard(made.environ) as shown:
        database = made.state / "events.db"
        moved = database.rename(tmp_path / "away")
        answer = shown.ask("/")
        assert answer.status == 503
        assert "there is no event log yet" in words(answer.text)
        moved.rename(database)
        assert shown.ask("/").status == 200


def test_updates_come_when_an_event_is_recorded(house_of) -> None:
    made = house_of("rescue")
    with dashboard(made.environ) as shown:
        connection = http.client.HTTPConnection(urlsplit(shown.url).netloc, timeout=20)
        connection.request("GET", "/live")
        stream = connection.getresponse()
        assert stream.headers["content-type"].startswith("text/event-stream")

        def told() -> str:
            while not (line := stream.readline().decode()).startswith("data: "):
                assert line, "the stream ended"
            return line[6:].strip()

        before = told()
        made.run("cadenzactl", "pause", "rescue")
        while (after := told()) == before:
            pass
        assert int(after) > int(before)
        connection.close()


# -- hostile names ---------------------------------------------------------------------------------

EVIL = "<script>alert(1)</script>'\"&\u202eevil"


@pytest.fixture
def house_of(tmp_path: Path):
    """A house with one project of that name and a run, taken up."""
    made: list[House] = []

    def make(name: str, **changes: object) -> House:
        house = House(tmp_path / f"house{len(made)}")
        made.append(house)
        project = house.project("a")
        project = project.rename(project.with_name(name.replace("/", "|")))
        (project / ".cadenza-env" / "r1.log.jsonl").write_bytes(
            runlogs.run(3, success=False, phase_failed=True, **changes)
        )
        house.once()
        return house

    yield make
    for house in made:
        house.close()
        shutil.rmtree(house.root, ignore_errors=True)


def test_names_stay_text(house_of) -> None:
    made = house_of(EVIL, phase=f"</script>{EVIL}", action=EVIL, motion={"label": EVIL})
    spec = next(made.workspace.iterdir()) / "env.json"
    changed = json.loads(spec.read_text())
    changed["scene"]["zones"][0]["name"] = changed["phases"][0]["success_when"]["enter_zone"] = EVIL
    spec.write_text(json.dumps(changed))
    made.once()
    with dashboard(made.environ) as shown:
        line = re.search(r'href="(/project/[^"]+)"', shown.ask("/").text)
        assert line is not None
        for path in ("/", line.group(1), f"{line.group(1)}/runs?a=r1&b=r1"):
            text = shown.ask(path).text
            assert "alert(1)" in text
            scripts = re.findall(r"<script[^>]*>", text)
            assert all('src="/static/' in one or "application/json" in one for one in scripts)
            assert "<script>alert" not in text
            assert "\u202e" not in text
            for data in re.findall(r'(?s)"application/json"[^>]*>(.*?)</script>', text):
                json.loads(data)


# -- who may ask -----------------------------------------------------------------------------------


def test_every_answer_says_what_a_browser_may_do(shown) -> None:
    for path in ("/", "/nowhere", "/static/page.css"):
        headers = shown.ask(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
    assert shown.ask("/", "POST", "x=1").status == 405


def test_a_name_that_is_not_ours_is_not_served(shown) -> None:
    port = urlsplit(shown.url).port
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "[::1", ""):
        assert shown.ask("/", Host=host).status == 421, host
    for host in ("localhost", f"127.0.0.1:{port}", "[::1]:80"):
        assert shown.ask("/", Host=host).status == 200, host


def test_an_address_for_all_asks_for_a_token(loop, tmp_path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    options = ("--host", "0.0.0.0", "--token-file", file)
    with dashboard(loop.house.environ, *options) as shown:
        # nobody gets in without it, or with another
        for path in ("/", "/project/rescue", "/live", "/project/rescue/film?run=r1"):
            assert shown.ask(path).status == 401, path
        assert shown.ask("/", Authorization="Bearer no").status == 401
        assert shown.ask("/", Cookie=f"cadenza-dashboard={TOKEN}").status == 401
        assert shown.ask("/token", "POST", "token=no").status == 401
        assert shown.ask("/?token=no").status == 401

        # whoever knows it does: by header, by address, by the form; then a cookie stands for it
        assert shown.ask("/", Authorization=f"Bearer {TOKEN}").status == 200
        answer = shown.ask(f"//evil.example/?token={TOKEN}&at=3")
        assert (answer.status, answer.headers["location"]) == (303, "/evil.example/?at=3")
        answer = shown.ask("/token", "POST", f"token={TOKEN}")
        assert answer.status == 303
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        assert shown.ask("/", Cookie=cookie.partition(";")[0]).status == 200
        assert shown.ask("/", Host="evil.example", Cookie=cookie.partition(";")[0]).status == 421

        # and it is nowhere in what the server says
        shown.process.terminate()
        out, err = shown.process.communicate(timeout=20)
        assert TOKEN not in out + err


# -- how it is started -----------------------------------------------------------------------------


@pytest.fixture
def empty(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CADENZAD_STATE", str(tmp_path / "state"))
    return tmp_path


def said_by(capsys, *arguments: object) -> tuple[int, str]:
    try:
        code = cadenzactl(["dashboard", *map(str, arguments)])
    except SystemExit as end:
        code = int(str(end.code))
    return code, capsys.readouterr().err


def test_without_an_event_log_it_says_so(empty, capsys) -> None:
    code, err = said_by(capsys)
    assert code == 1
    assert "there is no event log yet" in err
    assert "cadenzad --workspace DIR" in err


def test_a_taken_port_is_named(loop, shown, capsys) -> None:
    port = urlsplit(shown.url).port
    code, err = said_by(capsys, "--port", port, "--state", loop.house.state)
    assert code == 2
    assert f"port {port} of 127.0.0.1 is taken" in err
    assert "--port 0" in err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--host", "0.0.0.0", "--port", "0"), "nothing keeps them out"),
        (("--port", "65536"), "is no port"),
        (("--host", "999.1.1.1"), "--host 999.1.1.1"),
        (("--token-file", "none"), "--token-file"),
    ],
)
def test_what_cannot_be_is_a_usage_error(loop, capsys, options, says) -> None:
    code, err = said_by(capsys, "--state", loop.house.state, *options)
    assert code == 2
    assert says in err


def test_a_token_that_others_may_read_or_that_is_short_is_refused(loop, tmp_path, capsys) -> None:
    file = tmp_path / "token"
    for mode, text, says in ((0o644, TOKEN, "chmod 600"), (0o600, "short", "openssl rand")):
        file.write_text(text)
        file.chmod(mode)
        code, err = said_by(capsys, "--state", loop.house.state, "--token-file", file)
        assert code == 2
        assert says in err


def test_without_the_extra_it_says_what_to_install(loop, monkeypatch, capsys) -> None:
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    code, err = said_by(capsys, "--port", "0", "--state", loop.house.state)
    assert code == 1
    assert "needs uvicorn" in err
    assert "pip install 'cadenzad[dashboard]'" in err
