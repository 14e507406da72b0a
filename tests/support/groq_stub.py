"""A Groq server for tests: loopback only, says what its script says, remembers what it was sent.

Run as a program it takes the script's file, prints its port and serves until it is ended; the file
named by --seen then gets every request, one JSON object a line.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def completion(reply: object, *, finish: str = "stop", **changes: Any) -> dict[str, Any]:
    """A step that answers with a chat completion whose content is `reply`."""
    content = reply if isinstance(reply, str) else json.dumps(reply)
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "openai/gpt-oss-120b",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": content},
            }
        ],
        "usage": {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000},
    }
    return {"status": 200, "body": body | changes}


def error(status: int, message: str = "no", code: str = "", **extra: Any) -> dict[str, Any]:
    """A step that answers with an error of Groq's shape."""
    return {"status": status, "body": {"error": {"message": message, "code": code, **extra}}}


class GroqStub:
    """Serves a script, a step a request; the last step is repeated.

    A step: {status, body (JSON, or text), headers, drip (seconds between bytes), close (bool)}. A
    script may also be a function that makes the step from the request: {path, headers, body}.
    """

    def __init__(
        self,
        script: Sequence[Mapping[str, Any]] | Callable[[Mapping[str, Any]], Mapping[str, Any]],
        seen: Path | None = None,
    ) -> None:
        self.script = script if callable(script) else list(script)
        self.requests: list[dict[str, Any]] = []
        self.lock = threading.Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                request = {
                    "path": self.path,
                    "headers": dict(self.headers),
                    "body": json.loads(self.rfile.read(length) or b"null"),
                }
                with stub.lock:
                    step = stub.next_step(request)
                    stub.requests.append(request)
                    if seen is not None:
                        with seen.open("a") as stream:
                            stream.write(json.dumps(request) + "\n")
                stub.answer(self, step)

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def next_step(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        if callable(self.script):
            return self.script(request)
        return self.script[min(len(self.requests), len(self.script) - 1)]

    def answer(self, handler: BaseHTTPRequestHandler, step: Mapping[str, Any]) -> None:
        if step.get("close"):
            handler.connection.close()
            return
        body = step.get("body", "")
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        handler.send_response(step.get("status", 200))
        handler.send_header("content-type", step.get("type", "application/json"))
        for name, value in step.get("headers", {}).items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(data)))
        handler.end_headers()
        try:
            for index in range(len(data)) if step.get("drip") else ():
                handler.wfile.write(data[index : index + 1])
                handler.wfile.flush()
                time.sleep(step["drip"])
            if not step.get("drip"):
                handler.wfile.write(data)
        except OSError:
            pass  # the client gave up: that is what the step is for

    def __enter__(self) -> GroqStub:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("script", type=Path)
    parser.add_argument("--seen", type=Path)
    arguments = parser.parse_args()
    stub = GroqStub(json.loads(arguments.script.read_text()), arguments.seen)
    print(stub.server.server_port, flush=True)
    stub.server.serve_forever()


if __name__ == "__main__":
    main()
