"""News is told at least once, in order, and nothing of an address that may be a secret is said."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from handlers.jobs import JobContext, PermanentFailure
from handlers.notify.job import NotTold, notify
from handlers.notify.news import told_of
from handlers.notify.reactions import notify_on_news
from handlers.notify.settings import KINDS, NotifySettings
from handlers.reactions import ReactionPolicy, Tools
from handlers.settings import Settings
from store.events.adapter import AdapterBlocked, AdapterPromoted, AdapterRolledBack
from store.events.envelope import DAEMON_STREAM, NewEvent, project_stream
from store.events.process import JobFailed, JobQueued, JobStarted, WatchDegraded
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


def context(state_dir: Path, *, first: int = 1, **settings: Any) -> JobContext:
    return JobContext(
        spec={"first": first},
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
    assert first["event"] == {
        "type": "AdapterPromoted",
        "data": {"version": 3, "previous": 2, "by": "cadenzad"},
    }
    assert first["at"].endswith("Z")


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
    with pytest.raises(PermanentFailure, match="is no http") as refused:
        notify(context(state_dir, url="ftp://somewhere/s3cret"))
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


def test_every_kind_is_told_by_some_event(state_dir: Path) -> None:
    # A kind that nothing leads to could be asked for, and would never come.
    rolled = AdapterRolledBack(version=2, previous=3, by="me", reason="it fell")
    events = [new.event for new in NEWS] + [rolled, JobFailed(job=1, attempt=3, error="no")]
    told = {found.kind for event in events if (found := told_of(event))}
    assert told == set(KINDS) - {"NEEDS_DATA", "rewritten", "proposed"}
    again = JobFailed(job=1, attempt=1, error="no", retry_at_us=1)
    assert told_of(again) is None, "it is tried again"


# -- when -----------------------------------------------------------------------------------------


def react(state_dir: Path, position: int, on: tuple[str, ...] = KINDS) -> list[Any]:
    tools = Tools(policy=lambda _project: ReactionPolicy(notify=on))
    with closing(connect_reader(state_dir)) as reader:
        record = EventLog(reader).get(position)
        assert record is not None
        return list(notify_on_news(record, State(reader), tools))


def test_one_job_tells_all_that_waits(state_dir: Path) -> None:
    (queued,) = react(state_dir, 1)
    assert (queued.kind, queued.project, queued.spec) == ("notify", "", {"first": 1})
    with closing(open_writer(state_dir)) as writer:
        writer.append(NewEvent(DAEMON_STREAM, queued))
    assert react(state_dir, 2) == []
    assert react(state_dir, 1, ()) == [], "nobody is to be told"


def test_what_was_given_up_is_told_with_the_next_news(state_dir: Path) -> None:
    # given a job that was given up
    with closing(open_writer(state_dir)) as writer:
        queued = JobQueued(kind="notify", spec={"first": 1}, reason="DEPLOY")
        job = writer.append(NewEvent(DAEMON_STREAM, queued))[0].position
        writer.append(NewEvent(DAEMON_STREAM, JobStarted(job=job, attempt=1, pid=1)))
        failed = JobFailed(job=job, attempt=1, error="nobody answers")
        last = writer.append(NewEvent(DAEMON_STREAM, failed))[0].position

    # then its end is no news, and the next news begins where it did
    assert react(state_dir, last) == []
    (again,) = react(state_dir, 3)
    assert again.spec == {"first": 1}
