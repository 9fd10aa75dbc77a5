"""A real HTTP server on loopback that serves ranges, counts what it sends, and fails as told."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from blake3 import blake3

Headers = dict[str, str]


@dataclass(frozen=True)
class Fault:
    """What one answer does wrong; the defaults do nothing wrong."""

    status: int = 0
    """Answer with this status and no content."""
    headers: Headers = field(default_factory=dict)
    cut: float = 1.0
    """Announce all, send this share of it, hang up."""
    silence: float = 0.0
    """Seconds before the first byte of the content."""
    drip: float = 0.0
    """Seconds between any two bytes."""
    flip: bool = False
    """Every byte of the content is another one."""
    etag: str = ""
    whole: bool = False
    """Ignore the range: status 200 and the whole file."""
    shift: int = 0
    """Send a range that begins this much later than asked for, and say so."""


class Web:
    """The files, the faults still to come (`None` for a good answer) and what was sent."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.faults: deque[Fault | None] = deque()
        self.always: Fault | None = None
        self.sent = 0
        self.requests: list[tuple[str, Headers]] = []
        self.url = ""
        self.lock = threading.Lock()

    def next_fault(self) -> Fault:
        with self.lock:
            return (self.faults.popleft() if self.faults else self.always) or Fault()

    def forget(self) -> None:
        """Count anew."""
        self.sent, self.requests = 0, []


@contextlib.contextmanager
def serving() -> Iterator[Web]:
    """A server that runs for the length of the block."""
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            with web.lock:
                web.requests.append((self.path, dict(self.headers)))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.answer(web.next_fault())

        def answer(self, fault: Fault) -> None:
            if fault.status:
                self.reply(fault.status, fault.headers)
            elif self.path.startswith("/api/datasets/"):
                self.answer_hub()
            elif self.path in web.redirects:
                self.reply(302, {"Location": web.redirects[self.path]})
            elif self.path.lstrip("/") not in web.files:
                self.reply(404, {})
            else:
                self.send_file(web.files[self.path.lstrip("/")], fault)

        def answer_hub(self) -> None:
            """A revision's existence, or the files and folders of its tree."""
            asked = re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/(\w+)/(\w+)/?([^?]*).*", self.path)
            assert asked
            repo, verb, commit, folder = asked.groups()
            prefix = f"datasets/{repo}/resolve/{commit}/"
            paths = [path.removeprefix(prefix) for path in web.files if path.startswith(prefix)]
            if not paths:
                self.reply(404, {"X-Error-Code": "RevisionNotFound"})
                return
            if verb == "tree":
                below = [path for path in paths if path.startswith(folder)]
                answer: object = [
                    {
                        "type": "file",
                        "path": path,
                        "oid": "0",
                        "size": len(web.files[prefix + path]),
                    }
                    for path in below
                ]
            else:
                answer = {"id": repo, "sha": commit, "siblings": []}
            body = json.dumps(answer).encode()
            self.reply(200, {"Content-Type": "application/json", "Content-Length": str(len(body))})
            self.wfile.write(body)

        def reply(self, status: int, headers: Headers) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def send_file(self, content: bytes, fault: Fault) -> None:
            etag = fault.etag or f'"{blake3(content).hexdigest()[:16]}"'
            asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
            start, stop = 0, len(content)
            if asked and not asked[1]:
                start = max(0, len(content) - int(asked[2]))
            elif asked:
                start, stop = int(asked[1]), int(asked[2]) + 1
            start += fault.shift
            part = content if fault.whole or not asked else content[start:stop]
            headers = {"ETag": etag, "Content-Length": str(len(part))}
            if asked and not fault.whole:
                headers["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
            self.reply(200 if fault.whole or not asked else 206, headers)
            self.send_body(part, fault)

        def send_body(self, part: bytes, fault: Fault) -> None:
            time.sleep(fault.silence)
            if fault.flip:
                part = bytes(byte ^ 0xFF for byte in part)
            cut = part[: int(len(part) * fault.cut)]
            with web.lock:
                web.sent += len(cut)
            if fault.drip:
                for byte in cut:
                    self.wfile.write(bytes([byte]))
                    time.sleep(fault.drip)
            else:
                self.wfile.write(cut)
            if len(cut) < len(part):
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    web.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
