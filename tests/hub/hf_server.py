"""A small server that speaks the Hugging Face protocol to the real client, on loopback.

Repositories with commits, LFS or Xet uploads, revisions, privacy, paged listings, ranged downloads
that are redirected to another host, and the faults that a test asks for; all of it in memory.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub.faults import Fault, Faults
from tests.hub.xet_store import read_by_sha256

LFS_FROM = 1 << 20


def git_blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass(frozen=True)
class Stored:
    content: bytes
    lfs: bool

    @property
    def oid(self) -> str:
        return hashlib.sha256(self.content).hexdigest() if self.lfs else git_blob(self.content)

    def listed(self, path: str) -> dict[str, Any]:
        size = len(self.content)
        item: dict[str, Any] = {"type": "file", "path": path, "size": size, "oid": self.oid}
        if self.lfs:
            item["oid"] = git_blob(self.oid.encode())
            item["lfs"] = {"oid": self.oid, "size": size, "pointerSize": 134}
        return item


@dataclass
class Repository:
    private: bool
    commits: dict[str, dict[str, Stored]] = field(default_factory=dict)
    head: str = ""

    def commit(self, files: dict[str, Stored]) -> str:
        state = json.dumps([self.head, sorted((path, file.oid) for path, file in files.items())])
        self.head = hashlib.sha1(state.encode()).hexdigest()
        self.commits[self.head] = files
        return self.head


@dataclass
class HfServer:
    """What the server knows. `listed_as_is` is a stranger's listing, shown for every commit;
    `before_commit` happens once, just before a commit is taken.
    """

    faults: Faults
    logins: dict[str, str]
    xet: Path | None = None
    page_size: int = 1000
    listed_as_is: list[dict[str, Any]] | None = None
    before_commit: Callable[[Repository], None] | None = None
    repositories: dict[str, Repository] = field(default_factory=dict)
    large_files: dict[str, bytes] = field(default_factory=dict)
    leaked_logins: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""
    port: int = 0

    def large(self, oid: str) -> bytes | None:
        if oid not in self.large_files and self.xet is not None:
            content = read_by_sha256(self.xet, oid)
            if content is not None:
                self.large_files[oid] = content
        return self.large_files.get(oid)


@contextmanager
def serving(server: HfServer) -> Iterator[HfServer]:
    handler = type("Handler", (_Handler,), {"hf": server})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, args=(0.05,))
    thread.start()
    server.port = http.server_port
    server.url = f"http://127.0.0.1:{server.port}"
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


class _Refusal(Exception):  # noqa: N818 -- an answer, not an error
    def __init__(self, status: int, code: str = "", **headers: str) -> None:
        super().__init__(code)
        self.status, self.headers = status, {**({"X-Error-Code": code} if code else {}), **headers}


class _Handler(BaseHTTPRequestHandler):
    """Routes are `METHOD pattern` beside the method that answers."""

    hf: HfServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    ROUTES = (
        ("POST", r"/api/repos/create", "create"),
        ("DELETE", r"/api/repos/delete", "delete"),
        ("POST", r"/api/validate-yaml", "validate"),
        ("POST", r"/api/models/(?P<repo>[^/]+/[^/]+)/preupload/(?P<rev>[^/]+)", "preupload"),
        ("POST", r"/(?P<repo>[^/]+/[^/]+)\.git/info/lfs/objects/batch", "batch"),
        ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", "upload"),
        ("POST", r"/lfs/verify", "validate"),
        ("POST", r"/api/models/(?P<repo>[^/]+/[^/]+)/commit/(?P<rev>[^/]+)", "commit"),
        ("GET", r"/api/models/(?P<repo>[^/]+/[^/]+)", "info"),
        ("GET", r"/api/models/(?P<repo>[^/]+/[^/]+)/revision/(?P<rev>[^/]+)", "info"),
        ("GET", r"/api/models/(?P<repo>[^/]+/[^/]+)/tree/(?P<rev>[^/]+)", "tree"),
        ("GET", r"/api/models/(?P<repo>[^/]+/[^/]+)/xet-write-token/(?P<rev>[^/]+)", "xet_token"),
        ("PUT", r"/api/models/(?P<repo>[^/]+/[^/]+)/settings", "settings"),
        ("GET", r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<rev>[^/]+)/(?P<path>.+)", "resolve"),
        ("GET", r"/cdn/(?P<path>.+)/(?P<oid>[0-9a-f]{64})", "cdn"),
    )

    def log_message(self, *args: object) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urlsplit(self.path)
        self.query = parse_qs(address.query)
        for method, pattern, name in self.ROUTES:
            match = re.fullmatch(pattern, address.path)
            if method == self.command and match:
                try:
                    getattr(self, name)(
                        body, **{k: unquote(v) for k, v in match.groupdict().items()}
                    )
                except _Refusal as refusal:
                    self.reply({"error": str(refusal)}, refusal.status, **refusal.headers)
                return
        self.reply({"error": f"no route {self.command} {self.path}"}, 404)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 -- names that the library calls

    def reply(self, value: object, status: int = 200, **headers: str) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, content in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, content)
        self.end_headers()
        self.wfile.write(body)

    def login(self) -> str | None:
        return self.hf.logins.get(self.headers.get("Authorization", "").removeprefix("Bearer "))

    def strike(self, fault: Fault | None) -> None:
        if fault is not None and fault.status is not None:
            asked = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            raise _Refusal(fault.status, **asked)

    def repository(self, name: str, *, write: bool = False) -> Repository:
        repository = self.hf.repositories.get(name)
        owns = self.login() == name.split("/")[0]
        if repository is None or (repository.private and not owns):
            raise _Refusal(404, "RepoNotFound")
        if write and not owns:
            raise _Refusal(403)
        return repository

    def files(self, repo: str, rev: str) -> tuple[str, dict[str, Stored]]:
        repository = self.repository(repo)
        oid = repository.head if rev == "main" else rev
        if oid not in repository.commits:
            raise _Refusal(404, "RevisionNotFound")
        return oid, repository.commits[oid]

    def create(self, body: bytes) -> None:
        wanted = json.loads(body)
        owner = wanted.get("organization") or self.login()
        name = f"{owner}/{wanted['name']}"
        if owner != self.login():
            raise _Refusal(403)
        url = {"url": f"{self.hf.url}/{name}"}
        with self.hf.lock:
            if name in self.hf.repositories:
                self.reply(url, 409)
                return
            repository = Repository(private=wanted.get("visibility") == "private")
            repository.commit({".gitattributes": Stored(b"*.safetensors filter=lfs\n", False)})
            self.hf.repositories[name] = repository
        self.reply(url)

    def delete(self, body: bytes) -> None:
        wanted = json.loads(body)
        name = f"{wanted['organization']}/{wanted['name']}"
        self.repository(name, write=True)
        del self.hf.repositories[name]
        self.reply({})

    def validate(self, body: bytes) -> None:
        self.reply({})

    def preupload(self, body: bytes, repo: str, rev: str) -> None:
        self.repository(repo, write=True)
        _, present = self.files(repo, rev)
        answers = []
        for file in json.loads(body)["files"]:
            path, known = file["path"], present.get(file["path"])
            lfs = path.endswith(".safetensors") or file["size"] >= LFS_FROM
            answers.append(
                {
                    "path": path,
                    "uploadMode": "lfs" if lfs else "regular",
                    "shouldIgnore": False,
                    "oid": known.oid if known else None,
                }
            )
        self.reply({"files": answers})

    def batch(self, body: bytes, repo: str) -> None:
        self.repository(repo, write=True)
        objects = json.loads(body)["objects"]
        for each in objects:
            if each["oid"] not in self.hf.large_files:
                upload = {"href": f"{self.hf.url}/lfs/{each['oid']}", "header": {}}
                verify = {"href": f"{self.hf.url}/lfs/verify", "header": {}}
                each["actions"] = {"upload": upload, "verify": verify}
        self.reply({"transfer": "basic", "objects": objects})

    def upload(self, body: bytes, oid: str) -> None:
        self.strike(self.hf.faults.take("uploading"))
        if hashlib.sha256(body).hexdigest() != oid:
            raise _Refusal(400)
        self.hf.large_files[oid] = body
        self.reply({})

    def commit(self, body: bytes, repo: str, rev: str) -> None:
        repository = self.repository(repo, write=True)
        fault = self.hf.faults.take("publishing")
        if self.hf.before_commit is not None:
            intrude, self.hf.before_commit = self.hf.before_commit, None
            intrude(repository)
        with self.hf.lock:
            files = dict(repository.commits[repository.head])
            for line in map(json.loads, body.splitlines()):
                self.apply(line["key"], line["value"], repository, files)
            oid = repository.commit(files)
        self.strike(fault)
        self.reply({"commitUrl": f"{self.hf.url}/{repo}/commit/{oid}", "commitOid": oid})

    def apply(
        self, key: str, value: dict[str, Any], repository: Repository, files: dict[str, Stored]
    ) -> None:
        if key == "header" and value.get("parentCommit", repository.head) != repository.head:
            raise _Refusal(412)
        if key == "file":
            files[value["path"]] = Stored(base64.b64decode(value["content"]), False)
        if key == "lfsFile":
            content = self.hf.large(value["oid"])
            if content is None:
                raise _Refusal(400)
            files[value["path"]] = Stored(content, True)
        if key == "deletedFile":
            del files[value["path"]]

    def info(self, body: bytes, repo: str, rev: str = "main") -> None:
        self.strike(self.hf.faults.take("resolving"))
        oid, _ = self.files(repo, rev)
        private = self.hf.repositories[repo].private
        self.reply({"id": repo, "sha": oid, "private": private, "siblings": []})

    def settings(self, body: bytes, repo: str) -> None:
        repository = self.repository(repo, write=True)
        repository.private = json.loads(body)["visibility"] == "private"
        self.reply({})

    def tree(self, body: bytes, repo: str, rev: str) -> None:
        self.strike(self.hf.faults.take("listing"))
        oid, files = self.files(repo, rev)
        items = self.hf.listed_as_is
        if items is None:
            items = [file.listed(path) for path, file in files.items()]
        start = int(self.query.get("cursor", ["0"])[0])
        page, rest = items[start : start + self.hf.page_size], len(items) - start
        link = {}
        if rest > self.hf.page_size:
            address = f"{self.hf.url}/api/models/{repo}/tree/{oid}"
            cursor = start + self.hf.page_size
            link = {"Link": f'<{address}?recursive=true&cursor={cursor}>; rel="next"'}
        self.reply(page, **link)

    def xet_token(self, body: bytes, repo: str, rev: str) -> None:
        self.repository(repo, write=True)
        if self.hf.xet is None:
            raise _Refusal(404)
        where, expires = f"local://{self.hf.xet}", int(time.time()) + 3600
        self.reply({"casUrl": where, "accessToken": "xet", "exp": expires})

    def resolve(self, body: bytes, repo: str, rev: str, path: str) -> None:
        """Small files from here, large ones from another host, to which no login may travel."""
        oid, files = self.files(repo, rev)
        if path not in files:
            raise _Refusal(404, "EntryNotFound")
        file = files[path]
        if file.lfs:
            there = f"http://localhost:{self.hf.port}/cdn/{path}/{file.oid}"
            self.reply({}, 302, **{"X-Repo-Commit": oid, "Location": there})
        else:
            self.send_file(path, file.content)

    def cdn(self, body: bytes, path: str, oid: str) -> None:
        if self.headers.get("Authorization"):
            self.hf.leaked_logins.append(self.headers["Authorization"])
        self.send_file(path, self.hf.large_files[oid])

    def send_file(self, path: str, content: bytes) -> None:
        fault = self.hf.faults.take("reading", path) or Fault("reading", path)
        self.strike(fault)
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(match[1]) if match and not fault.whole else 0
        body = fault.spoil(content[start:])
        self.send_response(200 if fault.whole or not match else 206)
        self.send_header("Content-Length", str(len(body)))
        if match and not fault.whole:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        self.send_pieces(path, body, fault)

    def send_pieces(self, path: str, body: bytes, fault: Fault) -> None:
        size = fault.piece
        for at in range(0, len(body), size):
            piece = body[at : at + size]
            if fault.cut_after is not None:
                piece = piece[: max(0, fault.cut_after - at)]
            self.wfile.write(piece)
            self.wfile.flush()
            self.hf.faults.count(path, len(piece))
            if fault.cut_after is not None and at + size >= fault.cut_after:
                self.close_connection = True
                return
            if fault.drip:
                time.sleep(fault.drip)
