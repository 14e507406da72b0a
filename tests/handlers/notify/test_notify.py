"""News is told at least once, in order, and nothing of an address that may be a secret is said."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from handlers.jobs import JobContext, PermanentFailure
from handlers.notify.job import NotTold, notify
from handlers.notify.news import message, told_of
from handlers.notify.reactions import notify_on_news
from handlers.notify.settings import KINDS, NotifySettings, fault_of
from handlers.reactions import ReactionPolicy, Tools
from handlers.settings import Settings
from store.events.adapter import AdapterBlocked, AdapterPromoted, AdapterRolledBack
from store.events.envelope import DAEMON_STREAM, NewEvent, project_stream
from store.events.process import JobFailed, JobQueued, JobStarted, WatchDegraded
from store.events.prompt import PromptProposed, PromptRewritten, RuleFact
from store.log import EventLog
from store.opening import open_writer
from store.reads.state import State
from store.schema import connect_reader

DOG = project_stream("/robots/dog")
NEWS = (
    NewEvent(DOG, AdapterPromoted(version=3, previous=2, by="cadenzad")),
    NewEvent(DOG, AdapterBlocked(version=4, serving=3, reasons=("walks into lava",))),
    NewEvent(DAEMON_STREAM, WatchDegraded(code="overflow", detail="the kernel dropped changes")),
)


class Hook:
    """A webhook on loopback: `status` is what it answers, `got` what was posted."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.got.append((self.headers["Idempotency-Key"], body))
                self.send_response(hook.status)
                if hook.status == 302:
                    self.send_header("Location", "http://127.0.0.1:9/elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook/s3cret-token"


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    thread = threading.Thread(target=hook.server.serve_forever, args=(0.01,))
    thread.start()
    yield hook
    hook.server.shutdown()
    thread.join()
    hook.server.server_close()


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    with closing(open_writer(tmp_path)) as writer:
        for new in NEWS:
            writer.append(new)
    return tmp_path


def context(state_dir: Path, *, first: int = 1, way: str = "", **settings: Any) -> JobContext:
    return JobContext(
        spec={"first": first} | ({"way": way} if way else {}),
        project=None,
        state_dir=state_dir,
        report=lambda values: None,
        settings=Settings(NotifySettings(**settings)),
        job=99,
    )


def test_a_webhook_hears_everything_in_order(state_dir: Path, hook: Hook) -> None:
    assert notify(context(state_dir, url=hook.url)).summary == "told 3"
    assert [number for number, _ in hook.got] == ["1", "2", "3"]
    first, second, third = (body for _, body in hook.got)
    assert first["text"] == "dog: DEPLOY: adapter 3 is deployed"
    assert second["text"] == "dog: BLOCK: adapter 4: walks into lava; adapter 3 stays"
    assert (third["project"], third["kind"]) == (None, "degraded")
    assert (first["event"], first["facts"]) == ("AdapterPromoted", {"version": 3, "previous": 2})
    assert first["at"].endswith("Z")


PROMPT = "- Phase a: sit, and tell nobody of the s3cret entrance."


def test_what_is_told_holds_no_line_of_a_prompt_and_says_nothing_twice(tmp_path: Path) -> None:
    # given
    version = {
        "version": 2,
        "parent": 1,
        "file": "main.py",
        "before_sha256": "0",
        "after_sha256": "1",
        "rules": (RuleFact(line=PROMPT, mode_id="stuck@a"),),
        "diff": f"+{PROMPT}",
    }
    waits = PromptProposed(**version, reason="waits for approval (unverified): judge.approve")
    wrote = PromptRewritten(**version, by="cadenzad", improved=True)
    long = AdapterBlocked(version=4, serving=None, reasons=("because " * 100,))
    with closing(open_writer(tmp_path)) as writer:
        records = writer.append(*(NewEvent(DOG, event) for event in (waits, wrote, long)))

    # when
    told = []
    for record in records:
        found = told_of(record.event)
        assert found is not None
        told.append(message(record, found))

    # then
    assert "s3cret" not in json.dumps(told)
    assert [item["text"] for item in told[:2]] == [
        "dog: proposed: prompt version 2 waits for approval: (unverified): judge.approve",
        "dog: rewritten: prompt version 2: 1 rule, shown to help",
    ]
    assert max(len(item["text"]) for item in told) < 400
    assert told[1]["facts"] == {"version": 2, "improved": True, "rules": 1}


def test_only_what_is_asked_for_is_told_and_from_the_first_on(state_dir: Path, hook: Hook) -> None:
    notify(context(state_dir, url=hook.url, on=("BLOCK",)))
    notify(context(state_dir, url=hook.url, first=3))
    assert [body["kind"] for _, body in hook.got] == ["BLOCK", "degraded"]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_who_does_not_take_it_is_told_again_later(state_dir: Path, hook: Hook, status: int) -> None:
    hook.status = status
    with pytest.raises(NotTold, match=f"127.0.0.1 answered {status}") as error:
        notify(context(state_dir, url=hook.url))
    assert "s3cret" not in str(error.value)
    assert len(hook.got) == 1, "the rest waits: the order holds"


def test_nobody_there_is_said_without_the_address(state_dir: Path, hook: Hook) -> None:
    url = "http://127.0.0.1:1/hook/s3cret-token"
    with pytest.raises(NotTold, match=r"127\.0\.0\.1 cannot be reached") as error:
        notify(context(state_dir, url=url))
    assert "s3cret" not in str(error.value)
    file = state_dir / "address"
    file.write_text("ftp://somewhere/s3cret")
    with pytest.raises(PermanentFailure, match="is no http") as refused:
        notify(context(state_dir, url_file=str(file)))
    assert "s3cret" not in str(refused.value)


def test_the_address_may_stand_in_a_file(state_dir: Path, hook: Hook, tmp_path: Path) -> None:
    file = tmp_path / "hook"
    file.write_text(hook.url + "\n")
    notify(context(state_dir, url_file=str(file)))
    assert len(hook.got) == 3
    with pytest.raises(PermanentFailure, match="nowhere: No such file"):
        notify(context(state_dir, url_file="nowhere"))


def test_a_command_gets_it_on_stdin(state_dir: Path, tmp_path: Path) -> None:
    code = f"import sys; open({str(tmp_path / 'heard')!r}, 'a').write(sys.stdin.read() + '\\n')"
    notify(context(state_dir, argv=(sys.executable, "-c", code)))
    heard = [json.loads(line) for line in (tmp_path / "heard").read_text().splitlines()]
    assert [news["id"] for news in heard] == [1, 2, 3]


def test_a_command_that_fails_is_named_with_what_it_said(state_dir: Path) -> None:
    code = "import sys; sys.exit('no such\\x1b[31m channel')"
    with pytest.raises(NotTold, match="ended with 1: no such") as error:
        notify(context(state_dir, argv=(sys.executable, "-c", code)))
    assert "\x1b" not in str(error.value)
    with pytest.raises(NotTold, match=r"took longer than 0\.2 s"):
        notify(
            context(
                state_dir, argv=(sys.executable, "-c", "import time; time.sleep(60)"), timeout=0.2
            )
        )
    with pytest.raises(PermanentFailure, match="/no/such: No such file"):
        notify(context(state_dir, argv=("/no/such",)))


def test_a_delivery_takes_no_longer_than_it_may_however_slowly_somebody_answers(
    state_dir: Path,
) -> None:
    # given a server whose answer never ends: no step of it takes as long as all may
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip() -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not over.wait(0.02):
                connection.sendall(b"X-More: yes\r\n")

    thread = threading.Thread(target=drip)
    thread.start()

    # when
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/hook"
    try:
        with pytest.raises(NotTold, match=r"127.0.0.1 took longer than 0\.2 s"):
            notify(context(state_dir, url=url, timeout=0.2))
    finally:
        over.set()
        thread.join()
        listening.close()


def test_a_job_of_one_way_tells_by_that_alone(state_dir: Path, hook: Hook, tmp_path: Path) -> None:
    code = f"import sys; open({str(tmp_path / 'heard')!r}, 'a').write(sys.stdin.read() + '\\n')"
    ways = {"url": "http://127.0.0.1:1/dead", "argv": (sys.executable, "-c", code)}
    assert notify(context(state_dir, way="argv", **ways)).summary == "told 3"
    with pytest.raises(NotTold):
        notify(context(state_dir, way="url", **ways))
    assert len((tmp_path / "heard").read_text().splitlines()) == 3
    assert notify(context(state_dir, way="url", argv=("true",))).summary.startswith("nobody")


def test_every_kind_is_told_by_some_event(state_dir: Path) -> None:
    # A kind that nothing leads to could be asked for, and would never come.
    rolled = AdapterRolledBack(version=2, previous=3, by="me", reason="it fell")
    events = [new.event for new in NEWS] + [rolled, JobFailed(job=1, attempt=3, error="no")]
    told = {found.kind for event in events if (found := told_of(event))}
    assert told == set(KINDS) - {"NEEDS_DATA", "rewritten", "proposed"}
    again = JobFailed(job=1, attempt=1, error="no", retry_at_us=1)
    assert told_of(again) is None, "it is tried again"


# -- when -----------------------------------------------------------------------------------------


def react(
    state_dir: Path, position: int, on: tuple[str, ...] = KINDS, by: tuple[str, ...] = ("url",)
) -> list[Any]:
    tools = Tools(policy=lambda _project: ReactionPolicy(notify=on, notify_by=by))
    with closing(connect_reader(state_dir)) as reader:
        record = EventLog(reader).get(position)
        assert record is not None
        return list(notify_on_news(record, State(reader), tools))


def test_each_way_has_one_job_that_tells_all_that_waits(state_dir: Path) -> None:
    queued = react(state_dir, 1, by=("url", "argv"))
    assert [(job.kind, job.project) for job in queued] == [("notify-url", ""), ("notify-argv", "")]
    assert [job.spec for job in queued] == [
        {"first": 1, "way": "url"},
        {"first": 1, "way": "argv"},
    ]
    with closing(open_writer(state_dir)) as writer:
        writer.append(NewEvent(DAEMON_STREAM, queued[0]))
    assert react(state_dir, 2) == []
    assert len(react(state_dir, 2, by=("url", "argv"))) == 1, "the other way's"
    assert react(state_dir, 1, ()) == [], "nobody is to be told"
    assert react(state_dir, 1, by=()) == []


@pytest.mark.parametrize("kind", ["notify-url", "notify"])
def test_what_was_given_up_is_told_with_the_next_news_of_its_way(
    state_dir: Path, kind: str
) -> None:
    # given a job that was given up
    with closing(open_writer(state_dir)) as writer:
        queued = JobQueued(kind=kind, spec={"first": 1}, reason="DEPLOY")
        job = writer.append(NewEvent(DAEMON_STREAM, queued))[0].position
        writer.append(NewEvent(DAEMON_STREAM, JobStarted(job=job, attempt=1, pid=1)))
        failed = JobFailed(job=job, attempt=1, error="nobody answers")
        last = writer.append(NewEvent(DAEMON_STREAM, failed))[0].position

    # then its end is no news, for no way, and the next news begins where it did
    assert react(state_dir, last, by=("url", "argv")) == []
    firsts = {job.kind: job.spec["first"] for job in react(state_dir, 3, by=("url", "argv"))}
    assert firsts == {"notify-url": 1, "notify-argv": 1 if kind == "notify" else 3}


def test_a_job_of_another_kind_that_was_given_up_is_news(state_dir: Path, hook: Hook) -> None:
    with closing(open_writer(state_dir)) as writer:
        for kind in ("notify-argv", "judge"):
            queued = JobQueued(kind=kind, spec={"first": 1}, reason="x")
            job = writer.append(NewEvent(DAEMON_STREAM, queued))[0].position
            failed = JobFailed(job=job, attempt=1, error=f"{kind} is no more")
            last = writer.append(NewEvent(DAEMON_STREAM, failed))[0].position
    assert len(react(state_dir, last)) == 1
    notify(context(state_dir, url=hook.url, first=4, on=("failed",)))
    assert [body["text"] for _, body in hook.got] == [
        f"cadenzad: failed: job {job} was given up: judge is no more"
    ]


# -- where to -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("ftp://example.org/x", "no http"),
        ("example.org/hook", "no http"),
        ("http://", "no host"),
        ("http://[::1/hook", "cannot be read"),
        ("http://host:99999/", "cannot be read"),
        ("https://host:0/", "port 0"),
        ("http://host/a b", "%20"),
        ("http://host/ä", "%20"),
    ],
)
def test_an_address_that_is_none_is_refused_with_one_that_is(url: str, fault: str) -> None:
    assert fault in fault_of(url)
    with pytest.raises(ValidationError, match="url"):
        NotifySettings(url=url)
    assert NotifySettings(url="http://127.0.0.1:8080/hook").ways == ("url",)
