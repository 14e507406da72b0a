"""Metrics by HTTP, on the loopback device alone: for a Prometheus on this machine.

Imported by a daemon that is to serve them; most write a file or nothing.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer

from cadenzad.metrics.collect import collect
from cadenzad.metrics.prometheus import render
from store.errors import CadenzaError, DaemonError
from store.schema import connect_reader
from store.text import one_line

log = logging.getLogger("cadenzad.metrics")

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LOOPBACK = "127.0.0.1"
SLOW_CLIENT_S = 5.0


@contextlib.contextmanager
def serve(port: int, state_dir: Path) -> Iterator[int]:
    """Serve /metrics on 127.0.0.1 from a thread of its own while the context lasts.

    Yields the port, which is a free one for `port` 0. Raises DaemonError when it is taken.
    """

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
