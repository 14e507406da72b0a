"""Code is read and never run, and what is made to be large or endless is not followed."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from handlers.judge.prompt.source import RefusedSource, find_prompt

HOSTILE = {
    "a call in a field": "SYSTEM_PROMPT = f\"{open('ran', 'w').write('x')}\"\n",
    "an import": "import evil\nSYSTEM_PROMPT = evil.PROMPT\n",
    "eval": "SYSTEM_PROMPT = eval(\"open('ran', 'w')\")\n",
    "a width": "SYSTEM_PROMPT = f\"{'x':>9999999999}\"\n",
    "a width in format": "SYSTEM_PROMPT = '{:>9999999999}'.format('x')\n",
    "a width in percent": "SYSTEM_PROMPT = '%9999999999d' % 1\n",
    "many fields": f"A = {'x' * 2000!r}\nSYSTEM_PROMPT = {'{0}' * 2000!r}.format(A)\n",
    "many items": f"A = {'x' * 2000!r}\nSYSTEM_PROMPT = A.join({['x'] * 2000!r})\n",
    "replaced by much": "SYSTEM_PROMPT = ('x' * 9).replace('x', 'y')\n",
    "doubled": "A0 = 'x'\n"
    + "".join(f"A{at + 1} = A{at} + A{at}\n" for at in range(50))
    + "SYSTEM_PROMPT = A50\n",
    "a circle": "A = B\nB = A\nSYSTEM_PROMPT = A\n",
    "a circle of files": "from other import SYSTEM_PROMPT\n",
    "deep": f"SYSTEM_PROMPT = {'-' * 90000}1\n",
    "a device": "SYSTEM_PROMPT = open('/dev/zero').read()\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_is_run_and_nothing_grows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.py").write_text(HOSTILE[name])
    (tmp_path / "evil.py").write_text("open('ran', 'w')\nPROMPT = 'Be good.'\n")
    (tmp_path / "other.py").write_text("from main import SYSTEM_PROMPT\n")
    with contextlib.suppress(RefusedSource):
        assert len(find_prompt(tmp_path).value) < 1 << 18
    assert not (tmp_path / "ran").exists()


def test_a_part_that_is_known_only_when_it_runs_is_said(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("import os\nSYSTEM_PROMPT = f'Be {os.getpid()}.'\n")
    found = find_prompt(tmp_path)
    assert found.value == "Be {os.getpid()}."
    assert not found.is_exact
