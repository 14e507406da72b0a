"""Opening the store: created or migrated in a child, folded anew when its code changed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from children import importing_from
from waiting import eventually

from store import interpreter
from store.database.view import CODE_VERSION
from store.errors import StoreError
from store.lock import WriterLock, is_held
from store.opening import open_writer, prepare_in_child
from store.reads.status import check_view
from store.schema import DATABASE, is_migrated


def test_a_child_creates_what_the_parent_then_only_opens(tmp_path):
    # given / when
    assert not is_migrated(tmp_path)
    with WriterLock(tmp_path, "me").acquire() as lock:
        prepare_in_child(tmp_path, lock)

    # then the parent needs no sqlite-utils
    assert is_migrated(tmp_path)
    script = (
        "import sys; from pathlib import Path; from store.opening import open_writer;"
        "open_writer(Path(sys.argv[1])).close(); print('sqlite_utils' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_what_the_child_cannot_do_is_left_to_the_parent(tmp_path):
    (tmp_path / DATABASE).write_bytes(b"no database" * 1000)
    with WriterLock(tmp_path, "me").acquire() as lock:
        prepare_in_child(tmp_path, lock)
    assert not is_migrated(tmp_path)


WAITING = """
import json, os, signal
from store import schema
def connect_writer(state_dir):
    (state_dir / "draft").write_text(json.dumps({"pid": os.getpid(), "environ": dict(os.environ)}))
    (state_dir / "draft").rename(state_dir / "waits")
    signal.pause()
schema.connect_writer = connect_writer
"""


def test_the_child_holds_the_lock_for_as_long_as_it_lives_and_knows_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a child that waits where it would open the database
    code = tmp_path / "code"
    code.mkdir()
    (code / "waiting_opener.py").write_text(WAITING)
    monkeypatch.setattr(interpreter, "command", importing_from(code, "waiting_opener"))
    for name in ("GROQ_API_KEY", "CREDENTIALS_DIRECTORY", "SOME_TOKEN", "PYTHONPATH"):
        monkeypatch.setenv(name, "secret")
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    lock = WriterLock(state, "me").acquire()
    opening = threading.Thread(target=prepare_in_child, args=(state, lock))
    opening.start()
    eventually((state / "waits").exists, "the child waits")
    child = json.loads((state / "waits").read_bytes())

    # when its parent lets go of the lock, as a killed one does
    lock.release()

    # then nobody else gets it before the child is gone
    try:
        assert is_held(state) is not None
        assert set(child["environ"]) <= {*interpreter.PLAIN, "LC_CTYPE"}
    finally:
        os.kill(child["pid"], signal.SIGKILL)
        opening.join()
    assert is_held(state) is None


def test_opening_folds_a_view_of_other_code_anew(tmp_path):
    writer = open_writer(tmp_path)
    writer.run(lambda t: t.connection.execute("UPDATE projections SET code_version = 0") and None)
    writer.close()
    writer = open_writer(tmp_path)
    query = "SELECT code_version FROM projections"
    assert writer.run(lambda t: t.connection.execute(query).fetchone()) == (CODE_VERSION,)
    writer.close()


def test_a_view_of_another_version_is_one_clear_line_to_readers(tmp_path):
    writer = open_writer(tmp_path)
    writer.run(lambda t: check_view(t.connection))
    writer.run(lambda t: t.connection.execute("UPDATE projections SET code_version = 99") and None)
    with pytest.raises(StoreError, match="another version"):
        writer.run(lambda t: check_view(t.connection))
    writer.close()
