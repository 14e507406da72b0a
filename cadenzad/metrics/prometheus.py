"""Metrics on their way out: the Prometheus text format, a file for node_exporter, loopback HTTP.

No client library: the format is lines of text, and the figures are read anew each time, so there is
no registry to keep in the daemon's memory.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from cadenzad.metrics.collect import Metric, collect
from store.durable import Draft
from store.errors import CadenzaError, DaemonError, StoreError
from store.schema import connect_reader
from store.text import one_line, printable_lines

log = logging.getLogger("cadenzad.metrics")

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LOOPBACK = "127.0.0.1"
SLOW_CLIENT_S = 5.0
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})


def render(metrics: Iterable[Metric]) -> str:
    """Metrics in the Prometheus text format 0.0.4."""
    lines = []
    for metric in metrics:
        lines.append(f"# HELP {metric.name} {metric.help.translate(_HELP_ESCAPES)}")
        lines.append(f"# TYPE {metric.name} {metric.type}")
        for labels, value in metric.samples:
            pairs = ",".join(
                f'{key}="{printable_lines(text).translate(_ESCAPES)}"'
                for key, text in labels.items()
            )
            name = f"{metric.name}{{{pairs}}}" if pairs else metric.name
            lines.append(f"{name} {_number(value)}")
    return "\n".join([*lines, ""])


def _number(value: float) -> str:
    """Whole numbers without an exponent: they are counts and bytes, and people read them too."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


# -- a file ----------------------------------------------------------------------------------------


def write_textfile(
    path: Path, state_dir: Path, connection: sqlite3.Connection, now: float | None = None
) -> None:
    """Write the metrics to a file for node_exporter's textfile collector, whole or not at all.

    `connection` as for `collect`. The file is readable for everybody, as the collector is another
    user. It is not synced: after a power cut the next one is right. Raises StoreError.
    """
    text = render(collect(state_dir, connection, now))
    try:
        with Draft(path, mode=0o644) as draft:
            draft.write(text.encode("utf-8", "backslashreplace"))
            draft.replace()
    except OSError as error:
        raise StoreError(
            f"{path}: metrics cannot be written there: {error.strerror}",
            hint="name a file in a folder that is there and writable",
        ) from error


# -- loopback HTTP ---------------------------------------------------------------------------------


@contextlib.contextmanager
def serve(port: int, state_dir: Path) -> Iterator[int]:
    """Serve /metrics on 127.0.0.1 from a thread of its own while the context lasts.

    Yields the port, which is a free one for `port` 0. Raises DaemonError when it is taken.
    """
    # Imported when wanted: most daemons write a file or nothing.
    from http.server import BaseHTTPRequestHandler
    from socketserver import TCPServer

    class Handler(BaseHTTPRequestHandler):
        server_version = "cadenzad"
        sys_version = ""
        timeout = SLOW_CLIENT_S

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self._answer(404, "metrics are at /metrics\n")
                return
            try:
                with closing(connect_reader(state_dir)) as reader:
                    text = render(collect(state_dir, reader))
            except (CadenzaError, sqlite3.Error) as error:
                self._answer(503, f"{one_line(str(error))}\n")
                return
            self._answer(200, text)

        do_HEAD = do_GET

        def _answer(self, status: int, text: str) -> None:
            data = text.encode("utf-8", "backslashreplace")
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            log.debug(format, *args)

    class Server(TCPServer):  # not HTTPServer, which asks the DNS for its own name
        allow_reuse_address = True

        def handle_error(self, request: object, client_address: object) -> None:
            log.debug("a client went away", exc_info=True)

    try:
        server = Server((LOOPBACK, port), Handler)
    except OSError as error:
        raise DaemonError(
            f"metrics cannot be served on {LOOPBACK}:{port}: {error.strerror}",
            hint="name another port",
        ) from error
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
