"""`make demo`: the main jobs, from nothing to a training record, an adapter and a better prompt."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from cadenzad.cli.terminal.tables import table
from handlers.lora.scorecard.scorecard import HEADINGS, scorecard_rows
from handlers.project.paths import ADAPTERS_DIR, CADENZA_DIR, RUN_SUFFIX
from handlers.project.scaffold import recorded_run

BIN = Path(sys.executable).parent
PATIENCE_S = 30.0
TRAINING_S = 900.0
JUDGING_S = 900.0
CONFIG = """\
lora.debounce = 1.0  # nobody drops more examples here
judge.debounce = 1.0
judge.without_key = "apply"  # what is shown to help is written, and nobody is asked
"""
ROUNDS = 3
"""Judgings at most: the first is mostly enough."""
RUNS = 5
"""Runs before a judging: the daemon watches a rewrite over four before it makes the next."""


class StepFailed(Exception):
    """A step of the demo did not do what it should."""


def main() -> int:
    """Run the demo in ./demo (made anew); the exit code says whether every step worked."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # in order with what our commands print
    home = Path("demo").absolute()
    workspace, state = home / "robots", home / "state"
    project = workspace / "rescue"
    shutil.rmtree(home, ignore_errors=True)
    workspace.mkdir(parents=True)
    environ = {**os.environ, "CADENZAD_STATE": str(state), "NO_COLOR": "1"}
    log_path, config = home / "cadenzad.log", home / "cadenzad.toml"
    config.write_text(CONFIG)
    try:
        say("1. A sample project")
        call("cadenza", "env", "init", str(project), environ=environ)
        say("2. The daemon watches it")
        with log_path.open("wb") as log:
            daemon = subprocess.Popen(
                [BIN / "cadenzad", "--config", str(config), "--workspace", str(workspace)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environ,
            )
        try:
            wait_for("the daemon", lambda: is_ready(environ), daemon, log_path)
            target = drop_a_run(project, environ)
            wait_for("the export", lambda: exported(environ) is not None, daemon, log_path)
            say("4. What happened")
            call("cadenzactl", "events", environ=environ)
            print()
            call("cadenzactl", "status", environ=environ)
            say("5. The first exported record")
            output = exported(environ)
            assert output is not None
            export = project / output
            with export.open(encoding="utf-8") as records:
                print(json.dumps(json.loads(records.readline()), indent=2, ensure_ascii=False))
            call("cadenzactl", "verify", environ=environ)
            adapt(project, environ, daemon, log_path)
            improve(project, environ, daemon, log_path)
        finally:
            daemon.terminate()
            code = daemon.wait(timeout=PATIENCE_S)
        if code != 0:
            raise StepFailed(f"the daemon ended with {code}; see {log_path}")
    except (StepFailed, subprocess.CalledProcessError, OSError) as error:
        print(f"demo: FAILED: {error}", file=sys.stderr)
        return 1
    say("Where everything lies")
    print(f"project     {project}\nrun log     {target}\nrecords     {export}")
    print(f"event log   {state / 'events.db'}\ndaemon log  {log_path}")
    print("\nask on: CADENZAD_STATE=demo/state .venv/bin/cadenzactl status")
    return 0


def drop_a_run(project: Path, environ: dict[str, str]) -> Path:
    """A run log in `.cadenza-env/`: the mission really driven, a recorded one without MuJoCo."""
    folder = project / CADENZA_DIR
    if importlib.util.find_spec("mujoco") is None:
        say("3. A recorded run log is dropped into .cadenza-env/ (MuJoCo is not installed)")
        folder.mkdir(exist_ok=True)
        target = folder / f"2026-01-31T12-00-00-demo{RUN_SUFFIX}"
        shutil.copyfile(recorded_run(), target)
        return target
    say("3. The mission is driven in MuJoCo; its log lands in .cadenza-env/")
    words = ("run", str(project), "--headless", "--policy", "scripted", "--seed", "7")
    call("cadenza", "env", *words, environ=environ)
    (target,) = folder.glob(f"*{RUN_SUFFIX}")
    return target


GOAL = "search for the victim"
"""Nobody taught it in these words."""


def adapt(
    project: Path, environ: dict[str, str], daemon: subprocess.Popen[bytes], log_path: Path
) -> None:
    """The adapter: trained on what the sample has, tried in its scene, deployed, driving."""
    if importlib.util.find_spec("torch") is None:
        say("6. Torch is not installed: no adapter")
        return
    say("6. The daemon has trained an adapter on the sample's examples, and driven the mission")
    wait_for("the adapter", lambda: verdict(environ) is not None, daemon, log_path, TRAINING_S)
    show_card(project, adapter(environ)["scored"])
    if adapter(environ)["deployed"] is None:
        raise StepFailed(f"no adapter was deployed: {verdict(environ)}")
    say("7. What it makes of a goal in other words, and what became of it so far")
    call("cadenza", "env", "lora", "decode", str(project), GOAL, environ=environ)
    call("cadenza", "env", "lora", "log", str(project), environ=environ)
    call("cadenzactl", "why", "rescue", environ=environ)
    say("8. The mission is driven by the adapter")
    words = ("run", str(project), "--headless", "--policy", "lora", "--seed", "8")
    call("cadenza", "env", *words, environ=environ)


def improve(
    project: Path, environ: dict[str, str], daemon: subprocess.Popen[bytes], log_path: Path
) -> None:
    """The robot's own brain drives under its prompt, and loses; the daemon rewrites the prompt."""
    if importlib.util.find_spec("mujoco") is None:
        say("9. MuJoCo is not installed: the prompt is not tried")
        return
    say(
        "9. The robot's own brain drives under its prompt, which gets it through one of five phases"
    )
    before = judged_at(environ)
    drive(project, environ, seed=100)
    say("10. The daemon finds out why, tries remedies in simulation, and proves one on fresh seeds")
    for further in range(1, ROUNDS + 1):
        wait_for("the judging", partial(is_judged, environ, before), daemon, log_path, JUDGING_S)
        before = judged_at(environ)
        call("cadenzactl", "why", "rescue", environ=environ)
        say(
            "11. The brain drives under the prompt as it is now, on seeds that nothing was tried on"
        )
        if drive(project, environ, seed=100 + 100 * further):
            return
    raise StepFailed(f"no run succeeded after {ROUNDS} judgings; see {log_path}")


def drive(project: Path, environ: dict[str, str], *, seed: int) -> bool:
    """Run the mission under the prompt a few times; whether any run succeeded."""
    words = ("run", str(project), "--headless", "--policy", "prompt", "--episodes", str(RUNS))
    done = subprocess.run(
        [BIN / "cadenza", "env", *words, "--seed", str(seed)],
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    print(done.stdout)
    return f"0 of {RUNS} succeeded" not in done.stdout


def judged_at(environ: dict[str, str]) -> str | None:
    """When the runs were judged last."""
    answer = ask(environ, "status", "--json")
    found = json.loads(answer)["projects"][0]["prompt"]["last_judged"] if answer else None
    return None if found is None else str(found)


def is_judged(environ: dict[str, str], before: str | None) -> bool:
    """Whether there was a judging since, and none waits or is under way."""
    answer = ask(environ, "status", "--json")
    jobs = json.loads(answer)["projects"][0]["jobs"] if answer else []
    waiting = [job for job in jobs if job["state"] in ("queued", "running")]
    return not waiting and judged_at(environ) != before


def show_card(project: Path, version: int) -> None:
    """A version's scorecard and its verdict."""
    folder = project / ADAPTERS_DIR / f"{version:04}"
    card = json.loads((folder / "scorecard.json").read_bytes())
    print(table(HEADINGS, scorecard_rows(card)))
    print(f"verdict of version {version}: {card['verdict']}")
    for reason in card["reasons"]:
        print(f"  {reason}")
    for step in card["next_steps"]:
        print(f"  next: {step}")


def adapter(environ: dict[str, str]) -> dict[str, Any]:
    """What status says of the project's adapter."""
    answer = ask(environ, "status", "--json")
    found: dict[str, Any] = json.loads(answer)["projects"][0]["adapter"] if answer else {}
    return found


def verdict(environ: dict[str, str]) -> str | None:
    return adapter(environ).get("verdict")


def say(text: str) -> None:
    print(f"\n== {text}", flush=True)


def call(command: str, *arguments: str, environ: dict[str, str]) -> None:
    subprocess.run([BIN / command, *arguments], env=environ, check=True)


def ask(environ: dict[str, str], *arguments: str) -> str | None:
    """What a command prints, None when it fails."""
    done = subprocess.run(
        [BIN / "cadenzactl", *arguments], env=environ, capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else None


def is_ready(environ: dict[str, str]) -> bool:
    answer = ask(environ, "status", "--json")
    return answer is not None and json.loads(answer)["daemon"]["state"] == "running"


def exported(environ: dict[str, str]) -> str | None:
    """The export's path inside the project, once it is recorded."""
    answer = ask(environ, "events", "--type", "RunExported", "--json")
    return json.loads(answer.splitlines()[0])["data"]["output"] if answer else None


def wait_for(
    what: str,
    done: Callable[[], bool],
    daemon: subprocess.Popen[bytes],
    log_path: Path,
    patience_s: float = PATIENCE_S,
) -> None:
    deadline = time.monotonic() + patience_s
    while not done():
        if daemon.poll() is not None:
            raise StepFailed(f"the daemon ended with {daemon.returncode}; see {log_path}")
        if time.monotonic() > deadline:
            raise StepFailed(f"{what} did not come in {patience_s:g} s; see {log_path}")
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
