"""Opening the store: created or migrated in a child, folded anew when its code changed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from store.errors import StoreError
from store.opening import open_writer, prepare_in_child
from store.reads.status import check_view
from store.schema import CODE_VERSION, DATABASE, is_migrated


def test_a_child_creates_what_the_parent_then_only_opens(tmp_path):
    # given / when
    assert not is_migrated(tmp_path)
    prepare_in_child(tmp_path)

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
    prepare_in_child(tmp_path)
    assert not is_migrated(tmp_path)


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
