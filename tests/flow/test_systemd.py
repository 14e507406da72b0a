"""The units under a real systemd: PID 1 of a machine made of namespaces, gone with the test.

The machine sees the host's programs, but has its own /etc, /home, /root, /run, /tmp, /var/lib and
control groups, no network and no D-Bus. Nothing of the host's service manager is touched.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import shims
from waiting import eventually

from cadenzad.service_manager.units import installation

pytestmark = pytest.mark.xdist_group("systemd")  # one machine for all of them

SYSTEMD = Path("/usr/lib/systemd/systemd")
BIN = Path(sys.executable).parent
UNIT = "cadenzad@robot.service"
QUIET = (
    "[watch]\nsettle = 0.03\n[check]\nenabled = false\n"
    "[judge]\nmode = 'off'\n[lora]\nretrain = false\n"
)
KEY = "gsk_held-by-systemd-and-nobody-else"
UID = 4242
WORKSPACE = "/home/robot/my robots: 100% $HOME"
"""Every character that means something in a unit file."""
UNIT_PATH = "/etc/systemd/system:/run/systemd/system:/run/units"
TARGETS = "sysinit basic sockets timers shutdown multi-user default"

BOOT = r"""
set -e
mount --make-rprivate /
mount -t proc proc /proc
mkdir -p /run/lock
mount -t tmpfs -o mode=755 tmpfs /run
i=0
for path in $KEEP; do mkdir -p /run/keep/$i; mount --bind $path /run/keep/$i; i=$((i+1)); done
mkdir /run/etc; cp -a /etc/. /run/etc; mount --bind /run/etc /etc
for path in /root /home /etc/systemd /var/lib /var/cache; do
    mount -t tmpfs -o mode=755 tmpfs $path
done
mount -t tmpfs -o mode=1777 tmpfs /tmp
i=0
for path in $KEEP; do mkdir -p $path; mount --bind /run/keep/$i $path; i=$((i+1)); done
umount -l /run/keep/*
for user in robot probe; do
    echo "$user:x:$USER_ID:$USER_ID::/home/$user:/bin/sh" >> /etc/passwd
    echo "$user:x:$USER_ID:" >> /etc/group
    mkdir -p /home/$user/robots; chown -R $USER_ID:$USER_ID /home/$user
    USER_ID=$((USER_ID+1))
done
mkdir -p /run/dev/shm /run/dev/pts /run/dev/mqueue /run/dev/hugepages
for node in null zero full random urandom tty; do
    touch /run/dev/$node; mount --bind /dev/$node /run/dev/$node
done
mount -t tmpfs -o mode=1777 tmpfs /run/dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts /run/dev/pts
ln -s pts/ptmx /run/dev/ptmx
touch /run/dev/console /run/dev/kmsg
mount --rbind /run/dev /dev
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --make-rshared /
mkdir -p /etc/systemd/system /run/units
for name in $TARGETS; do printf '[Unit]\nDescription=%s\n' $name > /run/units/$name.target; done
exec env -i PATH="$PATH" SYSTEMD_UNIT_PATH=$SYSTEMD_UNIT_PATH SYSTEMD_GENERATOR_PATH= \
    container=cadenza $SYSTEMD --system --unit=multi-user.target --show-status=no
"""


class Machine:
    """A booted systemd and how to talk to it. `said`: what it printed while booting."""

    def __init__(self, cgroup: Path) -> None:
        self.cgroup = cgroup
        self.said = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `halt`
        self.cgroup.mkdir()
        self.environ = {"PATH": os.environ["PATH"], "SYSTEMD_UNIT_PATH": UNIT_PATH}
        enter = f"echo $$ > {cgroup}/cgroup.procs; exec unshare --pid --fork --kill-child"
        self.outer = subprocess.Popen(
            ["bash", "-c", f'{enter} --mount --cgroup --uts --ipc --net bash -c "$BOOT"'],
            env=self.environ
            | {"BOOT": BOOT, "SYSTEMD": str(SYSTEMD), "TARGETS": TARGETS, "USER_ID": str(UID)}
            | {"KEEP": " ".join(map(str, installation()))},
            stdin=subprocess.DEVNULL,
            stdout=self.said,
            stderr=self.said,
        )
        self.pid = 0

    def boots(self) -> bool:
        """Wait until it is up; False when it is not to be had."""
        children = Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children")

        def is_up() -> bool:
            with suppress(FileNotFoundError):
                self.pid = int((children.read_text().split() or ["0"])[0])
            # Before systemd there is the shell that mounts.
            if not self.pid or Path(f"/proc/{self.pid}/comm").read_text().strip() != "systemd":
                return False
            state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
            return state in ("running", "degraded")

        with suppress(AssertionError):
            eventually(lambda: is_up() or self.outer.poll() is not None, "it is up", every=0.02)
            return self.outer.poll() is None
        return False

    def halt(self) -> None:
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.outer.kill()
        self.outer.wait()
        self.said.close()
        deadline = time.monotonic() + 10
        while self.cgroup.exists() and time.monotonic() < deadline:
            for folder, _, _ in os.walk(self.cgroup, topdown=False):
                with suppress(OSError):  # a process in it is still ending
                    os.rmdir(folder)

    def run(
        self, *words: object, user: str = "", check: bool = True, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program inside, as root or as `user`."""
        inside = ["nsenter", "-t", str(self.pid), "-m", "-p", "-C", "-u", "-i", "-n", "--"]
        if user:
            inside += ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
            environ = {"HOME": f"/home/{user}", **environ}
        done = subprocess.run(
            [*inside, *map(str, words)],
            env=self.environ | environ,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        if check:
            assert done.returncode == 0, f"{words}: {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def path(self, inside: str) -> Path:
        """A path of the machine, as seen from outside."""
        return Path(f"/proc/{self.pid}/root{inside}")

    def write(self, inside: str, data: str | bytes, owner: int = UID) -> None:
        """Give the machine a file, complete from the first moment that anybody can see it."""
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_bytes(data.encode() if isinstance(data, str) else data)
        os.chown(fresh, owner, owner)
        fresh.replace(path)

    def shown(self, name: str, unit: str = UNIT) -> str:
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    def ctl(self, *words: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`cadenzactl` as the user whose daemon it is."""
        state = "/var/lib/cadenzad/robot"
        return self.run(BIN / "cadenzactl", *words, user="robot", check=check, CADENZAD_STATE=state)

    def events(self, kind: str) -> list[dict[str, object]]:
        said = self.ctl("events", "--json", "--type", kind, check=False).stdout
        return [json.loads(line) for line in said.splitlines()]

    def service(self, *words: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`cadenzactl service` as root, for the system manager."""
        return self.run(BIN / "cadenzactl", "service", *words, "--system", check=check)

    def drop_in(self, unit: str, text: str) -> None:
        self.write(f"/etc/systemd/system/{unit}.d/90-test.conf", textwrap.dedent(text), owner=0)
        self.run("systemctl", "daemon-reload")

    def explain(self) -> str:
        log = self.path("/run/robot.log")
        status = self.run("systemctl", "status", "--no-pager", UNIT, check=False).stdout
        return status + (log.read_text()[-3000:] if log.exists() else "")


def missing() -> str:
    """Why no machine can be made here; "" when it may be tried."""
    if not SYSTEMD.is_file():
        return f"{SYSTEMD} is not installed"
    for tool in ("unshare", "nsenter", "setpriv", "mount", "systemctl", "bash"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    if os.geteuid() != 0:
        return "only root may make the namespaces"
    if cgroup2() is None:
        return "no cgroup v2 hierarchy is mounted writable"
    return ""


def cgroup2() -> Path | None:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup2" and "rw" in options.split(",") and os.access(where, os.W_OK):
            return Path(where)
    return None


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine on which the service of `robot` is installed and running."""
    if reason := missing():
        pytest.skip(reason)
    root = cgroup2()
    assert root is not None
    try:
        booted = Machine(root / f"cadenzad-test-{os.getpid()}")
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    try:
        if not booted.boots():
            booted.said.seek(0)
            said = booted.said.read().decode(errors="replace").strip()[-500:]
            pytest.skip(f"systemd does not boot in namespaces here: {said or 'it said nothing'}")
        if booted.run(BIN / "cadenzactl", "--version", user="robot", check=False).returncode:
            pytest.skip(f"{BIN} cannot be read by other users")
        begin(booted)
        yield booted
    finally:
        booted.halt()


def begin(machine: Machine) -> None:
    """A project, quick settings, a key, a log that can be read; and the service installed."""
    project = f"{WORKSPACE}/rescue"
    machine.run("mkdir", WORKSPACE, user="robot")
    machine.run(BIN / "cadenza", "env", "init", project, user="robot")
    old = time.time() - 3600
    for path in machine.path(project).rglob("*"):
        os.utime(path, (old, old))
    machine.path(f"{project}/.cadenza-env").mkdir(exist_ok=True)
    os.chown(machine.path(f"{project}/.cadenza-env"), UID, UID)
    machine.write("/etc/cadenzad/robot/cadenzad.toml", QUIET, owner=0)
    machine.write("/etc/cadenzad/robot/groq_api_key", KEY + "\n", owner=0)
    machine.path("/etc/cadenzad/robot/groq_api_key").chmod(0o600)
    # No journal runs here; and nobody wants to wait for the real intervals.
    machine.drop_in(
        UNIT,
        """\
        [Service]
        RestartSec=50ms
        WatchdogSec=3s
        StandardError=append:/run/robot.log
        """,
    )
    machine.service("install", "--as", "robot", "--workspace", WORKSPACE)


def until(machine: Machine, condition: Callable[[], object], what: str) -> None:
    eventually(condition, what, 30, every=0.02, explain=machine.explain)


def test_an_installed_service_runs_and_installing_again_changes_nothing(machine):
    # given
    pid = machine.shown("MainPID")
    assert (machine.shown("ActiveState"), machine.shown("UnitFileState")) == ("active", "enabled")

    # when
    again = machine.service("install", "--as", "robot", "--workspace", WORKSPACE)

    # then
    assert machine.shown("MainPID") == pid
    lines = again.stdout.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("unchanged /etc/systemd/system/") for line in lines)


def test_systemctl_and_cadenzactl_show_what_the_daemon_says_of_itself(machine):
    until(machine, lambda: "watching 1 project" in machine.shown("StatusText"), "the project")
    status = machine.run("systemctl", "status", "--no-pager", UNIT).stdout
    assert 'Status: "watching 1 project' in status
    ours = machine.service("status")
    assert f"{UNIT}: active (running), enabled, pid {machine.shown('MainPID')}" in ours.stdout
    assert "watching 1 project" in ours.stdout


def test_a_killed_daemon_comes_back_and_nothing_that_was_dropped_is_lost(machine, logs):
    # given logs that arrive before, while and after the daemon is killed
    def drop(*numbers: int) -> None:
        for number in numbers:
            name = f"{number}.log.jsonl"
            machine.write(f"{WORKSPACE}/rescue/.cadenza-env/{name}", logs.run(2 + number))

    pid, restarts = machine.shown("MainPID"), int(machine.shown("NRestarts"))
    drop(*range(5))
    until(machine, lambda: machine.events("RunRecorded"), "a first run")
    drop(*range(5, 10))

    # when
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", UNIT)
    drop(*range(10, 15))
    until(machine, lambda: int(machine.shown("NRestarts")) == restarts + 1, "the restart")
    until(machine, lambda: machine.shown("ActiveState") == "active", "the service is back")
    drop(*range(15, 20))

    # then
    until(machine, lambda: len(machine.events("RunExported")) >= 20, "twenty exports")
    assert machine.shown("MainPID") != pid
    paths = [event["data"]["file"]["path"] for event in machine.events("RunRecorded")]
    assert sorted(Path(path).name for path in paths) == sorted(f"{n}.log.jsonl" for n in range(20))
    assert machine.ctl("verify").returncode == 0


def test_a_daemon_that_hangs_is_killed_and_started_anew(machine):
    # given
    pid = machine.shown("MainPID")

    # when its loop stands still
    machine.run("kill", "-STOP", pid)

    # then the watchdog's signal, and faulthandler's word on where it hung
    until(machine, lambda: machine.shown("MainPID") not in (pid, "0"), "a new process")
    until(machine, lambda: machine.shown("ActiveState") == "active", "the service is back")
    assert "Fatal Python error: Aborted" in machine.path("/run/robot.log").read_text()


def test_the_key_is_a_file_of_the_daemon_and_in_no_environment(machine):
    # given a daemon that was handed the key
    pid = machine.shown("MainPID")
    inside = machine.path(f"/proc/{pid}/root/run/credentials/{UNIT}/groq_api_key")
    assert inside.read_text().strip() == KEY

    # when
    environs = {path: path.read_bytes() for path in machine.path("/proc").glob("[0-9]*/environ")}

    # then
    assert b"CREDENTIALS_DIRECTORY=" in environs[machine.path(f"/proc/{pid}/environ")]
    assert [str(path) for path, environ in environs.items() if KEY.encode() in environ] == []


def test_a_key_is_not_needed(machine):
    # given
    key = machine.path("/etc/cadenzad/robot/groq_api_key")
    kept = key.read_bytes()
    key.unlink()

    # when
    machine.run("systemctl", "restart", UNIT)

    # then
    inside = f"/proc/{machine.shown('MainPID')}/root/run/credentials/{UNIT}/groq_api_key"
    assert machine.path(inside).read_bytes() == b"\n"
    machine.write("/etc/cadenzad/robot/groq_api_key", kept, owner=0)


def test_a_reload_reaches_the_daemon_and_a_bad_configuration_does_not_end_it(machine):
    pid = machine.shown("MainPID")
    good = machine.path("/etc/cadenzad/robot/cadenzad.toml").read_bytes()
    machine.write("/etc/cadenzad/robot/cadenzad.toml", "[watch]\nsetle = 1\n", owner=0)
    machine.run("systemctl", "reload", UNIT)
    log = machine.path("/run/robot.log")
    until(machine, lambda: "setle" in log.read_text(), "the refusal")
    assert machine.shown("MainPID") == pid
    machine.write("/etc/cadenzad/robot/cadenzad.toml", good, owner=0)


def test_a_clock_that_is_set_ends_no_service(machine, logs):
    # given the unit, whose wall clock can be set
    shutil.copyfile(shims.library("wallclock"), machine.path("/run/wallclock.so"))
    shims.set_clock(machine.path("/run/wallclock"), 0)
    preloaded = shims.with_clock("/run/wallclock", Path("/run/wallclock.so"))
    settings = "\n".join(f"Environment={name}={value}" for name, value in preloaded.items())
    machine.write(
        f"/etc/systemd/system/{UNIT}.d/95-clock.conf", f"[Service]\n{settings}\n", owner=0
    )
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", UNIT)
    pid, exported = machine.shown("MainPID"), len(machine.events("RunExported"))

    # when it is set an hour back
    shims.set_clock(machine.path("/run/wallclock"), -3600)

    # then the watchdog is fed for longer than it is patient, and a log becomes an export
    begin = int(machine.shown("WatchdogTimestampMonotonic"))
    until(
        machine,
        lambda: int(machine.shown("WatchdogTimestampMonotonic")) > begin + 3_500_000,
        "pings for more than three seconds",
    )
    machine.write(f"{WORKSPACE}/rescue/.cadenza-env/clock.log.jsonl", logs.run(40))
    until(machine, lambda: len(machine.events("RunExported")) == exported + 1, "an export")
    assert machine.shown("MainPID") == pid
    machine.path(f"/etc/systemd/system/{UNIT}.d/95-clock.conf").unlink()
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", UNIT)


def test_a_stop_amid_a_training_has_it_done_later_and_no_process_has_the_key(machine):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed: nothing can be trained")
    # given a training that is under way
    config = "/etc/cadenzad/robot/cadenzad.toml"
    quick = "retrain = true\nencoder = 'light'\ndebounce = 0.1\n"
    machine.write(config, QUIET.replace("retrain = false\n", quick), owner=0)
    machine.run("systemctl", "reload", UNIT)
    taught = [{"goal": f"sit down {n} times", "actions": [{"action": "sit"}]} for n in range(20)]
    rows = "".join(json.dumps(row) + "\n" for row in taught)
    machine.write(f"{WORKSPACE}/rescue/lora/patterns.jsonl", rows)
    until(machine, lambda: machine.events("JobStarted"), "a training")
    started = machine.events("JobStarted")[-1]["data"]

    # then the key, which the daemon has, is in the environment of no process, the job's included
    environs = [path.read_bytes() for path in machine.path("/proc").glob("[0-9]*/environ")]
    assert [environ for environ in environs if KEY.encode() in environ] == []

    # when
    machine.run("systemctl", "stop", UNIT)

    # then the attempt does not count, no process is left, and the next daemon begins anew
    (requeued,) = [event["data"] for event in machine.events("JobRequeued")]
    assert (requeued["job"], requeued["attempt"]) == (started["job"], started["attempt"])
    group = machine.path(f"/sys/fs/cgroup/cadenzad.slice/{UNIT}")
    assert not group.exists()
    machine.run("systemctl", "start", UNIT)
    until(machine, lambda: len(machine.events("JobStarted")) == 2, "the training, again")
    again = machine.events("JobStarted")[-1]["data"]
    assert (again["job"], again["attempt"]) == (started["job"], started["attempt"])
    machine.write(config, QUIET, owner=0)
    machine.run("systemctl", "reload", UNIT)
    machine.ctl("jobs", "cancel", again["job"])


def test_a_stop_is_clean_and_in_time(machine):
    # given
    limit = 30_000_000
    assert machine.shown("TimeoutStopUSec") == "30s"

    # when
    machine.run("systemctl", "stop", UNIT)

    # then it ended by itself, after what it had to write
    assert (machine.shown("Result"), machine.shown("ExecMainStatus")) == ("success", "0")
    assert machine.events("DaemonStopped")[-1]["data"]["reason"] == "SIGTERM"
    stopped = int(machine.shown("InactiveEnterTimestampMonotonic"))
    assert 0 < stopped - int(machine.shown("ActiveExitTimestampMonotonic")) < limit
    assert machine.service("status", check=False).returncode == 3
    machine.run("systemctl", "start", UNIT)
    assert machine.service("status").returncode == 0


SANDBOXED = """\
import importlib.util, json, os, subprocess, sys
from cadenzad.jobs.cgroup import Confinement
from cadenzad.service_manager.notify import notify


def writable(path):
    try:
        open(path, "w").close()
        os.unlink(path)
    except OSError:
        return False
    return True


def train():
    # Linear layers alone do not prove it: LSTM and Conv2d are what oneDNN compiles code for.
    import torch
    from torch import nn

    torch.manual_seed(0)
    inputs, goals = torch.rand(32, 4, 8), torch.rand(32, 16)
    lstm, conv, linear = nn.LSTM(8, 16, batch_first=True), nn.Conv1d(4, 4, 3), nn.Linear(88, 16)
    parts = nn.ModuleList([lstm, conv, linear])
    optimizer = torch.optim.AdamW(parts.parameters(), lr=0.01)
    losses = []
    for _ in range(20):
        features = torch.cat([lstm(inputs)[0], conv(inputs)], dim=2).flatten(1)
        loss = nn.functional.mse_loss(linear(features), goals)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses[-1] < losses[0]


def group(pid):
    return open(f"/proc/{pid}/cgroup").read().splitlines()[-1].rpartition("/")[2]


confinement = Confinement.prepare()
job = subprocess.Popen(["sleep", "600"])
confinement.take(job.pid)
said = {
    "writable": [path for path in sys.argv[2:] if writable(path)],
    "home": sorted(os.listdir("/home")),
    "groups": [group("self"), group(job.pid)],
    "limits": confinement.limits,
    "nice": os.getpriority(os.PRIO_PROCESS, job.pid),
    "trains": importlib.util.find_spec("torch") and train(),
}
job.kill()
job.wait()
with open(sys.argv[1], "w") as out:
    json.dump(said, out)
job = subprocess.Popen(["sleep", "600"])
confinement.take(job.pid)
notify("READY=1")
job.wait()
"""


def test_the_sandbox_lets_a_job_train_and_keeps_it_where_it_belongs(machine):
    # given the unit, for another user, with a probe in the daemon's place
    answer = "/home/probe/robots/answer.json"
    machine.write("/home/probe/robots/probe.py", SANDBOXED, owner=UID + 1)
    tried = ["/etc/x", "/usr/x", "/home/x", "/home/robot/x", "/var/lib/cadenzad/robot/x"]
    tried += ["/sys/fs/cgroup/x", "/home/probe/robots/x", "/var/lib/cadenzad/probe/x", "/tmp/x"]
    words = [BIN / "python", "/home/probe/robots/probe.py", answer, *tried]
    machine.drop_in(
        "cadenzad@probe.service",
        f"""\
        [Service]
        ExecStart=
        ExecStart={" ".join(map(str, words))}
        BindPaths=/home/probe/robots
        BindReadOnlyPaths={" ".join(map(str, installation()))}
        Restart=no
        WatchdogSec=0
        StandardError=append:/run/robot.log
        """,
    )

    # when
    started = machine.run("systemctl", "start", "cadenzad@probe.service", check=False)

    # then
    assert started.returncode == 0, machine.explain()
    said = json.loads(machine.path(answer).read_text())
    assert said["writable"] == tried[-3:]
    assert said["home"] == ["probe"]
    assert said["groups"] == ["daemon", "jobs"]
    assert said["nice"] == 10
    if importlib.util.find_spec("torch"):
        assert said["trains"], "torch is installed and does not train in the sandbox"

    # and what a job started ends with the service, whose groups can be used again
    for _ in range(2):
        unit = "/sys/fs/cgroup/cadenzad.slice/cadenzad@probe.service"
        (job,) = machine.path(f"{unit}/jobs/cgroup.procs").read_text().split()
        machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "cadenzad@probe")
        until(
            machine,
            lambda: machine.shown("ActiveState", "cadenzad@probe.service") == "failed",
            "the end of the probe",
        )
        assert not machine.path(f"/proc/{job}").exists()
        machine.run("systemctl", "start", "cadenzad@probe.service")
    machine.run("systemctl", "stop", "cadenzad@probe.service")


def test_a_user_without_rights_installs_under_their_own_manager(machine):
    # given a user's manager, as a login would have started it
    runtime = f"/run/user/{UID + 1}"
    units = "/home/probe/.config/systemd/user"
    machine.write(
        "/etc/systemd/system/user-of-probe.service",
        textwrap.dedent(f"""\
            [Service]
            Type=notify
            User=probe
            Delegate=pids memory cpu
            RuntimeDirectory=user/{UID + 1}
            Environment=XDG_RUNTIME_DIR={runtime} SYSTEMD_GENERATOR_PATH=
            Environment=SYSTEMD_UNIT_PATH={units}:/run/units
            ExecStart={SYSTEMD} --user
            KillMode=mixed
            """),
        owner=0,
    )
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "user-of-probe.service")

    def ctl(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return machine.run(
            BIN / "cadenzactl",
            *words,
            user="probe",
            check=check,
            XDG_RUNTIME_DIR=runtime,
            SYSTEMD_UNIT_PATH=f"{units}:/run/units",
        )

    assert ctl("service", "status", check=False).returncode == 4

    # when
    done = ctl("service", "install", "--workspace", "/home/probe/robots")

    # then it runs, and the commands find its state where the user's environment has it
    assert "systemctl --user start cadenzad.service" in done.stdout
    assert "enable-linger probe" in done.stderr
    assert "active (running)" in ctl("service", "status").stdout
    assert json.loads(ctl("status", "--json").stdout)["daemon"]["state"] == "running"
    assert machine.path("/home/probe/.local/state/cadenzad/events.db").exists()

    # and goes again
    ctl("service", "uninstall")
    assert ctl("service", "status", check=False).returncode == 4
    assert ctl("status", "--json", check=False).returncode == 3
    assert [p for p in machine.path(units).rglob("*") if p.is_file()] == []
    machine.run("systemctl", "kill", "--signal=KILL", "user-of-probe.service")


def test_uninstalling_takes_the_service_away_and_keeps_its_history(machine):
    # when
    done = machine.service("uninstall", "--as", "robot")

    # then
    assert f"systemctl disable --now {UNIT}" in done.stdout
    assert machine.shown("ActiveState") == "inactive"
    assert not machine.path("/etc/systemd/system/cadenzad@.service").exists()
    assert machine.path("/var/lib/cadenzad/robot/events.db").exists()
    assert machine.service("uninstall", "--as", "robot").stderr.strip() == "not installed"
    assert machine.service("status", "--as", "robot", check=False).returncode == 4
