"""A network that can be cut: a TCP proxy on loopback, as robots meet their hub."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading


class Network:
    """`port` leads to `target`. `cut`: every line breaks, and none can be made until `mend`.

    `swallow`: bytes vanish and nobody is told, as behind a broken router.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._lines: list[tuple[socket.socket, socket.socket]] = []
        self._is_cut = self._swallows = self._closed = False
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            self._break_lines()

    def swallow(self) -> None:
        self._swallows = True

    def mend(self) -> None:
        with self._lock:
            if self._swallows:
                self._break_lines()
            self._is_cut = self._swallows = False

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._break_lines()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _break_lines(self) -> None:
        for pair in self._lines:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self._lines.clear()

    def _accept(self) -> None:
        while not self._closed:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._is_cut or self._closed:
                    here.close()
                    continue
                try:
                    there = socket.create_connection(self._target, timeout=5)
                except OSError:
                    here.close()
                    continue
                self._lines.append((here, there))
                thread = threading.Thread(target=self._carry, args=(here, there), daemon=True)
                self._threads.append(thread)
            thread.start()

    def _carry(self, here: socket.socket, there: socket.socket) -> None:
        with here, there, selectors.DefaultSelector() as ready:
            ready.register(here, selectors.EVENT_READ, there)
            ready.register(there, selectors.EVENT_READ, here)
            try:
                while True:
                    for key, _ in ready.select():
                        data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                        if not data:
                            return
                        if not self._swallows:
                            key.data.sendall(data)
            except OSError:
                return
