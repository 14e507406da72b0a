"""Where the hub is and by which secrets: read from a file, checked, and never shown."""

from __future__ import annotations

import ipaddress
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from store.errors import ConfigError, MissingExtraError

EXAMPLE = "host=hub.example.org dbname=fleet user=fleet_robot_1 sslmode=verify-full"
ENCRYPTED = ("require", "verify-ca", "verify-full")
DEFAULTS = {
    "connect_timeout": "5",
    # A network that swallows packets is noticed, and not waited for until the kernel gives up.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "application_name": "cadenzad",
}


class Dsn:
    """A checked connection string. Its text is a secret: what is shown is `place`."""

    def __init__(self, text: str, where: str, environ: Mapping[str, str] = os.environ) -> None:
        """`where` the text is from, for errors. Raises ConfigError, MissingExtraError."""
        self._given = _parsed(text, where)
        self._check_encryption(where, environ)

    @property
    def has_password(self) -> bool:
        return "password" in self._given

    @property
    def database(self) -> str:
        return str(self._given.get("dbname", ""))

    @property
    def place(self) -> str:
        """Which server and database, as far as that is no secret."""
        host = self._given.get("host") or self._given.get("hostaddr") or "the default server"
        return f"{self.database or 'the default database'} at {host}"

    @property
    def says_no_encryption(self) -> bool:
        return self._given.get("sslmode") == "disable"

    def arguments(self) -> dict[str, str]:
        """For psycopg.connect, with limits on how long a dead network is waited for."""
        return {**DEFAULTS, **{name: str(value) for name, value in self._given.items()}}

    def _check_encryption(self, where: str, environ: Mapping[str, str]) -> None:
        """To another machine only encrypted, or said outright: never by falling back."""
        hosts = self._given.get("hostaddr") or self._given.get("host") or environ.get("PGHOST", "")
        mode = self._given.get("sslmode") or environ.get("PGSSLMODE", "")
        if all(is_local(host) for host in str(hosts).split(",")):
            return
        if mode not in (*ENCRYPTED, "disable"):
            raise ConfigError(
                f"{where}: the hub is on another machine, and sslmode={mode or '(none)'} would do"
                " without encryption",
                hint="say sslmode=verify-full with sslrootcert=FILE; sslmode=disable where the"
                " network is trusted",
            )


def _parsed(text: str, where: str) -> dict[str, object]:
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise MissingExtraError(
            "the hub needs psycopg", hint="pip install 'cadenzad[hub]'"
        ) from None
    try:
        given = conninfo_to_dict(text.strip())
    except ProgrammingError:
        given = {}  # its message would quote the text
    if not given:
        raise ConfigError(
            f"{where}: not a PostgreSQL connection string", hint=f"for example: {EXAMPLE}"
        )
    return {name: value for name, value in given.items() if value is not None}


def is_local(host: str) -> bool:
    """A unix socket, or an address of this machine's own."""
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def from_argument(text: str) -> Dsn:
    """What was typed after --hub: a file that holds the string, or one without a password.

    Raises ConfigError: also for a password, which every user of the machine could read in the list
    of processes.
    """
    if os.path.isfile(os.path.expanduser(text)):
        return from_file(Path(os.path.expanduser(text)))
    found = Dsn(text, "--hub")
    if found.has_password:
        raise ConfigError(
            "--hub: a password on the command line can be read in the list of processes",
            hint="put the connection string into a file with mode 600 and give its path, or the"
            " password into ~/.pgpass",
        )
    return found


def from_file(path: Path) -> Dsn:
    """The string in a file that is its user's alone. Raises ConfigError."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text", hint=f"for example: {EXAMPLE}") from None
    if mode & 0o077:
        raise ConfigError(
            f"{path}: other users can read it (mode {mode:o})", hint=f"chmod 600 {path}"
        )
    return Dsn(text, str(path))
