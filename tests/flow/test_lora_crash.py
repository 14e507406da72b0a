"""The log and the disk agree on the adapters: after kill -9 at any point, and when they do not."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dying
import forking
import pytest
from dying import die_once
from houses import House
from teaching import rows, taught_project

from handlers.lora.settings import LoraSettings
from handlers.settings import Settings

pytest.importorskip("torch")
pytest.importorskip("peft")
pytest.importorskip("mujoco")

LENIENT = (
    "[judge]\nmode = 'off'\n[lora]\nretrain = false\nencoder = 'light'\n"
    "fidelity = 0.0\ncoverage = 0.0\nstability = 0.0\nmission = 0.0\n"
)
SIT, STAND = [{"action": "sit"}], [{"action": "stand"}]
GOALS = {"sit down": SIT, "take a seat": SIT, "stand up": STAND, "get up": STAND}
WORDS = {
    **dict.fromkeys(
        ("lower your haunches", "settle on the ground", "rest on your hind legs", "crouch for me"),
        SIT,
    ),
    **dict.fromkeys(
        ("rise to your feet", "straighten your legs", "onto all fours", "lift yourself off it"),
        STAND,
    ),
}
"""An exam in other words. With a threshold of 0 no answer to it is in the way of a DEPLOY."""
SETTINGS = Settings(
    LoraSettings(encoder="light", fidelity=0.0, coverage=0.0, stability=0.0, mission=0.0)
)


@pytest.fixture
def project(house) -> Path:
    """A project that a daemon knows, whose adapters pass."""
    made = taught_project(house, GOALS, LENIENT, WORDS)
    house.once()
    return made


@pytest.fixture
def kill(house, project) -> Callable[..., None]:
    """`kill(point, job, **spec)`: a job that dies there, and tells nobody."""

    def killed(point: str, job: str, **spec: object) -> None:
        context = ({"by": "me", **spec}, project, house.state, SETTINGS)
        done = forking.call(
            dying.job, point, f"handlers.lora.job:{job}", *context, environ=house.environ
        )
        assert done.returncode == -signal.SIGKILL, (point, done.stderr)

    return killed


@pytest.fixture(scope="module")
def two_adapters(tmp_path_factory) -> Callable[[], House]:
    """`two_adapters()`: a house where two were trained, each time as it was then.

    It stands where it stood, as the log knows the project by its path.
    """
    house = House(tmp_path_factory.mktemp("two-adapters") / "house")
    project = taught_project(house, GOALS, LENIENT, WORDS)
    house.once()
    assert finetune(house, project, "--gate").returncode == 0
    assert finetune(house, project, "--seed", 1).returncode == 0
    as_trained = house.root.rename(house.root.with_name("as-trained"))

    def anew() -> House:
        shutil.rmtree(house.root, ignore_errors=True)
        shutil.copytree(as_trained, house.root, symlinks=True)
        return house

    return anew


def adapters(project: Path) -> Path:
    return project / ".cadenza-env" / "adapters"


def serving(project: Path) -> int | None:
    link = adapters(project) / "deployed"
    return int(os.readlink(link)) if link.is_symlink() else None


def finetune(house, project: Path, *options: object):
    words = ("cadenza", "env", "lora", "finetune", project, "--epochs", 3, *options)
    return house.run(*words, check=False)


def assert_agree(house, project: Path) -> None:
    folder = adapters(project)
    names = sorted(item.name for item in folder.iterdir()) if folder.exists() else []
    assert [name for name in names if name.startswith(".")] == []
    there = {int(name) for name in names if name.isdecimal()}
    assert there == {event["data"]["version"] for event in house.events("AdapterTrained")}
    assert serving(project) == house.project_status()["adapter"]["deployed"]
    house.run("cadenzactl", "verify")


def test_a_training_that_is_killed(house, project, kill) -> None:
    for point, trained in (
        ("handlers.lora.job:train:after:1", 0),
        ("handlers.recovery:note:before:1", 0),
        ("handlers.lora.registry:Registry.commit:before:1", 0),
        ("handlers.lora.registry:os.rename:after:1", 1),
        ("handlers.lora.registry:Registry.promote:before:1", 2),
        ("handlers.lora.registry:Registry.promote:after:1", 3),
    ):
        kill(point, "retrain", gate=True, epochs=3)
        house.once()
        assert_agree(house, project)
        assert (serving(project) or 0) == trained, point


def test_what_is_asked_for_next_is_done_after_what_was_cut_short(house, project, kill) -> None:
    finetune(house, project, "--gate")
    kill("handlers.lora.registry:Registry.promote:after:1", "retrain", gate=True, epochs=3, seed=4)
    assert serving(project) == 2
    # when somebody goes back, and trains once more without deploying
    house.run("cadenzactl", "rollback", "rescue", "--to", 1)
    assert_agree(house, project)
    done = finetune(house, project, "--seed", 7, "--json")
    # then that is done, and nothing is switched again
    assert json.loads(done.stdout)["version"] == 3
    assert serving(project) == 1
    assert_agree(house, project)
    assert [event["data"]["seed"] for event in house.events("AdapterTrained")] == [0, 4, 7]


def test_without_a_daemon_the_project_is_known_to_every_command(house, project) -> None:
    shutil.rmtree(house.state)
    finetune(house, project, "--gate")
    for command in (("status",), ("why",), ("trust",), ("verify",)):
        target = () if command == ("verify",) else (project,)
        done = house.run("cadenzactl", *command, *target, check=False)
        assert done.returncode != 4, (command, done.stderr)
    assert house.events("ProjectDiscovered")
    bare = house.run("cadenzactl", "rollback", project, check=False)
    assert "no other version that is still there was ever deployed" in bare.stderr


def test_a_change_of_what_is_asked_scores_again_and_one_of_what_is_taught_trains(
    house, project
) -> None:
    retraining = LENIENT.replace("retrain = false", "retrain = true\ndebounce = 0.1")
    house.configure(improve=retraining)

    def counts() -> tuple[int, int]:
        return len(house.events("AdapterTrained")), len(house.events("AdapterScored"))

    patterns, exam = project / "lora" / "patterns.jsonl", project / "lora" / "eval.jsonl"
    patterns.write_text(patterns.read_text().replace("\n", " \n"))
    house.once()
    assert counts() == (1, 1)
    # nothing that matters
    patterns.write_text(patterns.read_text().replace(" \n", "\n"))
    house.once()
    assert counts() == (1, 1)
    # the exam, and what it must reach
    exam.write_text(rows({"kindly sit down": SIT, "kindly stand up": STAND}))
    house.once()
    assert counts() == (1, 2)
    house.configure(improve=retraining.replace("coverage = 0.0", "coverage = 0.1"))
    spec = json.loads((project / "env.json").read_text())
    (project / "env.json").write_text(json.dumps(spec, indent=1))
    house.once()
    assert counts() == (1, 3)
    # what is taught
    patterns.write_text(rows({**GOALS, "have a rest": [{"action": "lie_down"}]}))
    house.once()
    assert counts() == (2, 4)


def test_a_training_shows_what_is_left_and_a_cancelled_one_leaves_nothing(house, project) -> None:
    # given so much to learn that there is time to look
    places = itertools.permutations("bdfgkmprst", 4)
    more = {f"go to {''.join(place)}": SIT for place in itertools.islice(places, 150)}
    (project / "lora" / "patterns.jsonl").write_text(rows({**GOALS, **more}))
    house.start()
    words = ["cadenza", "env", "lora", "finetune", str(project), "--epochs", "10000"]
    asking = subprocess.Popen(
        [str(Path(sys.executable).parent / words[0]), *words[1:]],
        env=house.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip

    def job() -> dict[str, object]:
        jobs = json.loads(house.run("cadenzactl", "jobs", "--json").stdout)["jobs"]
        return jobs[0] if jobs else {}

    def progress() -> dict[str, object]:
        return job().get("progress") or {}  # type: ignore[return-value]

    house.until(lambda: "eta_s" in progress(), "the time that is left", timeout=60)
    assert set(progress()) >= {"step", "done", "total", "eta_s"}
    assert list(adapters(project).glob(".staging-*"))
    house.run("cadenzactl", "jobs", "cancel", job()["job"])
    asking.communicate(timeout=30)
    assert asking.returncode != 0
    house.until(lambda: list(adapters(project).iterdir()) == [], "nothing is left")


def test_a_child_that_is_killed_after_its_switch_is_not_asked_for_it_twice(house, project) -> None:
    # given a first attempt that dies with nothing said
    marker = die_once(house, "handlers.lora.registry:Registry.promote:after:1")
    house.configure(improve=f"[jobs]\nbackoff = 0.1\n{LENIENT.replace('false', 'true', 1)}")
    house.start()
    patterns = project / "lora" / "patterns.jsonl"
    patterns.write_text(rows({**GOALS, "be seated": SIT}))

    def ended() -> list[str]:
        return [event["data"]["summary"] for event in house.events("JobSucceeded")]

    # then the second finds that all of it was done
    house.until(ended, "the second attempt", timeout=90)
    assert ended() == ["it was finished just before it was cut short"]
    assert marker.exists()
    assert_agree(house, project)
    assert serving(project) == 1
    assert len(house.events("AdapterPromoted")) == 1


@pytest.mark.xdist_group("adapters")
class TestTwoAdapters:
    """The first serves, the second does not."""

    @pytest.fixture
    def house(self, two_adapters) -> House:
        return two_adapters()

    @pytest.fixture
    def project(self, house) -> Path:
        return house.workspace / "rescue"

    def test_a_scoring_and_a_rollback_that_are_killed(self, house, project, kill) -> None:
        for point, version in (
            ("handlers.recovery:note:after:1", 1),
            ("handlers.lora.measuring:write_file:after:1", 2),
            ("handlers.lora.registry:Registry.promote:after:1", 2),
        ):
            (adapters(project) / "0002" / "scorecard.json").write_text("{}")
            kill(point, "rescore", gate=True, version=2)
            house.once()
            assert_agree(house, project)
            assert serving(project) == version, point
            if version == 2:
                kill("handlers.lora.registry:Registry.promote:after:1", "roll_back", to=1)
                house.once()
                assert_agree(house, project)
                assert serving(project) == 1, point

    def test_adapters_that_the_log_does_not_know_are_left_alone(self, house, project) -> None:
        before = {
            path: path.read_bytes() for path in adapters(project).glob("000*/*") if path.is_file()
        }
        shutil.rmtree(house.state)

        # when the project is trained with a log that is new
        done = finetune(house, project, "--seed", 2, "--json")
        assert json.loads(done.stdout)["version"] == 3
        assert {path: path.read_bytes() for path in before} == before
        assert (
            "rescue: adapter 1, 2: on disk, not recorded here"
            in house.run("cadenzactl", "status", check=False).stdout
        )

        # then what serves can be recorded, by going to where it is
        said = house.run("cadenzactl", "verify", check=False)
        assert said.returncode == 1
        assert "version 1 serves, recorded is none" in said.stdout
        house.run("cadenzactl", "rollback", project, "--to", 1)
        house.run("cadenzactl", "verify")
        assert house.project_status()["adapter"]["deployed"] == 1
        # which is no verdict: it may be a copy of anything, with a scorecard of any making
        assert house.project_status()["adapter"]["forced"] is True
        again = house.run("cadenzactl", "rollback", project, "--to", 1, check=False)
        assert (again.returncode, "is deployed already" in again.stderr) == (1, True)

    def test_verify_finds_what_was_changed_on_disk(self, house, project) -> None:
        house.run("cadenzactl", "rollback", "rescue", "--to", 2)
        house.run("cadenzactl", "verify")
        # a number in a file of the version that serves
        path = adapters(project) / "0002" / "adapter_config.json"
        text = path.read_text()
        path.write_text(text.replace('"lora_alpha": 32', '"lora_alpha": 64'))
        assert path.read_text() != text
        said = house.run("cadenzactl", "verify", check=False)
        assert (said.returncode, "0002: not the files that were recorded" in said.stdout) == (
            1,
            True,
        )
        decoded = house.run("cadenza", "env", "lora", "decode", project, "sit", check=False)
        assert "adapter_config.json: is not the file that was trained" in decoded.stderr
        path.write_text(text)
        # the link: to another version, to none, and to a folder that is somewhere else
        link = adapters(project) / "deployed"
        for target, says in (
            ("0001", "version 1 serves, recorded is 2"),
            ("0009", "leads to 0009, which is no version"),
            ("0003", "leads to 0003, which is no version"),
        ):
            link.unlink()
            link.symlink_to(target)
            if target == "0003":
                shutil.copytree(adapters(project) / "0001", house.root / "outside")
                (adapters(project) / "0003").symlink_to(house.root / "outside")
            said = house.run("cadenzactl", "verify", check=False)
            assert (said.returncode, says in said.stdout) == (1, True), said.stdout
        decoded = house.run("cadenza", "env", "lora", "decode", project, "sit", "--version", "3",
                            check=False)  # fmt: skip
        assert "there is no adapter version 3" in decoded.stderr
        (adapters(project) / "0003").unlink()
        house.run("cadenzactl", "rollback", "rescue", "--to", 1)
        house.run("cadenzactl", "verify")

        # and a rollback to what is not there is no job
        jobs = house.run("cadenzactl", "jobs", "--json").stdout
        for number, code, says in (
            (99, 1, "there is no adapter version 99"),
            (0, 2, "they count from 1"),
            (-1, 2, "they count from 1"),
        ):
            done = house.run("cadenzactl", "rollback", "rescue", f"--to={number}", check=False)
            assert (done.returncode, says in done.stderr) == (code, True), done.stderr
        assert house.run("cadenzactl", "jobs", "--json").stdout == jobs

    def test_an_encoder_that_is_not_trusted_does_not_touch_the_adapter_that_serves(
        self, house, project
    ) -> None:
        house.run("cadenzactl", "rollback", "rescue", "--to", 2)
        (project / "lora_encoder.py").write_text("raise SystemExit(7)\n")
        decoded = house.run("cadenza", "env", "lora", "decode", project, "sit down", "--json")
        assert json.loads(decoded.stdout)["actions"] == [{"action": "sit"}]
        house.run("cadenzactl", "rollback", "rescue")
        assert serving(project) == 1
        refused = finetune(house, project)
        assert "is not trusted" in refused.stderr

        # trusted all the same, it is named by what it does
        house.run("cadenzactl", "trust", "rescue")
        assert (
            "lora_encoder.py:1: build_encoder failed: SystemExit: 7"
            in finetune(house, project).stderr
        )
        (project / "lora_encoder.py").write_text("import os\nos._exit(7)\n")
        house.run("cadenzactl", "trust", "rescue")
        gone = finetune(house, project).stderr
        assert "it ended with 7" in gone
        assert "lora_encoder.py" in gone
        assert_agree(house, project)
