"""A real PostgreSQL server for tests and benchmarks: by a unix socket and by loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name)
OWNER = "ada"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def why_not() -> str:
    """Why there is no server here; empty where there is one."""
    if not PLACES:
        return "no PostgreSQL server here (Debian: apt install postgresql)"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed: pip install 'cadenzad[hub]'"
    return ""


class Server:
    """`durable`: as a server of people's is, for what is proved of kills and what is measured.

    Its owner may make databases and roles, and is no superuser, as the hub asks for.
    """

    def __init__(self, *, durable: bool = False) -> None:
        memory = "/dev/shm" if os.path.isdir("/dev/shm") and not durable else None
        self.folder = Path(tempfile.mkdtemp(prefix="hub", dir=memory))
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # which PostgreSQL refuses to run as
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._settings = {} if durable else FAST
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run(
            "initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8",
            "--no-locale",
        )  # fmt: skip
        # A socket is its owner's way in; who comes by the network has a password.
        (self.data / "pg_hba.conf").write_text(
            "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        )
        self._certify()
        self.start()
        self.sql(f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            **self._settings,
        }
        words = [word for item in settings.items() for word in ("-c", "=".join(item))]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(PLACES[-1] / "postgres"), "-D", str(self.data), *words],
                stdout=log, stderr=log, cwd="/", **self._as,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while True:
            try:
                self.sql("SELECT 1")
            except Exception:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """SIGKILL, as a power cut that loses nothing that was written."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        # Its children notice within a moment, and must be gone before the next start.
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._children_live():
            time.sleep(0.02)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, statement: str, database: str = "postgres", user: str = "postgres") -> Any:
        """Execute one statement by the socket."""
        import psycopg

        with psycopg.connect(self.dsn(database, user), autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else None

    def dsn(self, database: str, user: str = OWNER) -> str:
        return f"host={self.folder} port={self.port} dbname={database} user={user}"

    def new_database(self, name: str) -> str:
        """An empty database that the owner owns; its connection string."""
        self.sql(f"CREATE DATABASE {name} OWNER {OWNER}")
        return self.dsn(name)

    @property
    def certificate(self) -> Path:
        """What the server shows, and is signed by: for 127.0.0.1. Not there without openssl."""
        return self.data / "server.crt"

    def _certify(self) -> None:
        if shutil.which("openssl") is None:
            return
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                "-addext", "subjectAltName=IP:127.0.0.1",
                "-keyout", self.data / "server.key", "-out", self.certificate,
            ],
            check=True, stderr=subprocess.DEVNULL, cwd="/", **self._as,
        )  # fmt: skip
        os.chmod(self.data / "server.key", 0o600)
        self._settings = {**self._settings, "ssl": "on"}

    def _children_live(self) -> bool:
        marker = str(self.data).encode()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(entry / "cwd").encode() == marker:
                    return True
            except OSError:
                continue
        return False

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [str(PLACES[-1] / program), *words], check=True, stdout=subprocess.DEVNULL, cwd="/",
            **self._as,
        )  # fmt: skip
