"""The HTTP surface: pages of JSON, one stream of what is new, and the files of the front end."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi import Path as InPath
from fastapi.exceptions import RequestValidationError
from msgspec import Struct
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from iotapretrain.dashboard.answer_cache import PageQuestion
from iotapretrain.dashboard.api_types import Benchmarks
from iotapretrain.dashboard.audits import LARGEST_NUMBER, LONGEST_HOTKEY, audit_page, requested
from iotapretrain.dashboard.chain_page import chain_page
from iotapretrain.dashboard.competition_page import competition_page, duels_page, lineage
from iotapretrain.dashboard.live import LiveStream, Seats, Topic
from iotapretrain.dashboard.miner_page import miner_page, miners
from iotapretrain.dashboard.overview import overview
from iotapretrain.dashboard.service import Desk
from iotapretrain.dashboard.validators_page import validators_page
from iotapretrain.errors import InputError

STATIC = Path(__file__).parent / "static"
JSON = "application/json"
ALL: tuple[Topic, ...] = ("rounds", "events", "chain")
LARGEST_REQUEST = 4_096
NOT_OURS = "this dashboard does not answer to that name"
PROTECTION = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
Validator = Annotated[str | None, Query(max_length=LONGEST_HOTKEY)]
Hotkey = Annotated[str, InPath(max_length=LONGEST_HOTKEY)]
CompetitionId = Annotated[int, InPath(ge=0, le=LARGEST_NUMBER)]
Places = Annotated[int, Query(ge=1, le=1000)]
api = APIRouter(prefix="/api")
pages = APIRouter()


def make_app(desk: Desk, hosts: frozenset[str] | None, seats: Seats | None = None) -> FastAPI:
    """The application over one desk. Requests by other names than `hosts` are refused: a page of
    somebody else could otherwise point a name of its own at this address; None allows any name."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk, app.state.seats = desk, seats or Seats()
    app.add_exception_handler(InputError, _refused)
    app.add_exception_handler(RequestValidationError, _misasked)
    app.add_middleware(_Guarded, hosts=hosts)
    app.include_router(api)
    app.include_router(pages)
    return app


class _Guarded:
    """Refuses requests by names that are not ours, and protects every answer."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(PROTECTION)
            await send(message)

        app = self._app if self._is_ours(scope) else Response(NOT_OURS, 421)
        await app(scope, receive, protected)

    def _is_ours(self, scope: Scope) -> bool:
        any_name = self._hosts is None or scope["type"] != "http"
        return any_name or Request(scope).url.hostname in (self._hosts or ())


async def _refused(_: Request, error: Exception) -> Response:
    return Response(msgspec.json.encode({"problem": str(error)}), 404, media_type=JSON)


async def _misasked(_: Request, error: Exception) -> Response:
    """One line: which part of the request is wrong, never its text, which may be long."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    lines = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found]
    return Response(msgspec.json.encode({"problem": "; ".join(lines)}), 422, media_type=JSON)


@dataclass(frozen=True)
class Asked:
    request: Request
    desk: Desk

    async def say(self, topics: tuple[Topic, ...], compute: Callable[[], Struct]) -> Response:
        """A page, or that it is still the one that the viewer has."""
        tag = self.desk.versions.tag(topics)
        if self.has(tag):
            return self.send(tag)
        url = self.request.url
        question = PageQuestion(f"{url.path}?{url.query}", topics, compute)
        answer = await self.desk.answers.get(question)
        return self.send(answer.tag, answer.plain, answer.packed)

    def send(
        self, tag: str, plain: bytes = b"", packed: bytes | None = None, kind: str = JSON
    ) -> Response:
        """These bytes, packed for who can unpack them; nothing for who has them."""
        headers = {"ETag": f'"{tag}"', "Vary": "Accept-Encoding"}
        if self.has(tag):
            return Response(status_code=304, headers=headers)
        if packed is not None and "gzip" in self.request.headers.get("accept-encoding", ""):
            return Response(packed, 200, {**headers, "Content-Encoding": "gzip"}, kind)
        return Response(plain, 200, headers, kind)

    def has(self, tag: str) -> bool:
        return self.request.headers.get("if-none-match") == f'"{tag}"'


async def _asked(request: Request) -> Asked:
    return Asked(request, request.app.state.desk)


Asking = Annotated[Asked, Depends(_asked)]


def _serve(path: str, topics: tuple[Topic, ...], compute: Callable[[Desk], Struct]) -> None:
    """A page about which nothing can be chosen."""

    @api.get(path)
    async def read(asked: Asking) -> Response:
        return await asked.say(topics, lambda: compute(asked.desk))


_serve(
    "/overview",
    ALL,
    lambda desk: overview(
        desk.people,
        desk.place.network,
        desk.place.netuid,
        desk.chain.block,
        desk.chain.problem,
        desk.chain.ended,
    ),
)
_serve(
    "/benchmarks",
    ("events", "rounds"),
    lambda desk: desk.folder.benchmarks() if desk.folder else Benchmarks(()),
)
_serve(
    "/chain",
    ("chain",),
    lambda desk: chain_page(desk.people, desk.chain.block, desk.chain.problem, desk.chain.ended),
)
_serve("/validators", ALL, lambda desk: validators_page(desk.people))
_serve("/miners", ALL, lambda desk: miners(desk.people))


@api.get("/competitions/{competition}")
async def read_competition(
    asked: Asking, competition: CompetitionId, validator: Validator = None, places: Places = 100
) -> Response:
    return await asked.say(
        ("rounds", "events"),
        lambda: competition_page(asked.desk.people, competition, validator, places),
    )


@api.get("/competitions/{competition}/duels")
async def read_duels(
    asked: Asking, competition: CompetitionId, validator: Validator = None
) -> Response:
    return await asked.say(
        ("rounds",), lambda: duels_page(asked.desk.people, competition, validator)
    )


@api.get("/competitions/{competition}/lineage")
async def read_lineage(asked: Asking, competition: CompetitionId) -> Response:
    return await asked.say(("rounds",), lambda: lineage(asked.desk.people, competition))


@api.get("/miners/{hotkey}")
async def read_miner(asked: Asking, hotkey: Hotkey) -> Response:
    schedule = asked.desk.place.schedule
    return await asked.say(ALL, lambda: miner_page(asked.desk.people, schedule, hotkey))


@api.get("/audits")
async def read_audits(asked: Asking) -> Response:
    desk = asked.desk
    body = msgspec.json.encode(audit_page(desk.people, desk.audits))
    return asked.send(desk.versions.tag(("audits", "rounds")), body)


@api.post("/audits")
async def start_audit(asked: Asking) -> Response:
    request, desk = asked.request, asked.desk
    origin = request.headers.get("origin")
    if origin is not None and origin != str(request.base_url).rstrip("/"):
        return Response("audits are started from this page only", 403)
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_REQUEST:
            return Response("too large", 413)
    run = desk.audits.start(*requested(desk.people, body))
    return Response(msgspec.json.encode({"number": run.number}), 202, media_type=JSON)


@api.get("/live")
async def live(asked: Asking) -> Response:
    return LiveStream(asked.desk.versions, asked.request.app.state.seats)


@pages.get("/{path:path}")
async def read_file(asked: Asking, path: str) -> Response:
    """A file of the front end; any other path is one of its pages."""
    if path.startswith("api/"):
        raise InputError(f"/{path}: there is no such answer")
    files = _front_end()
    name = path if path in files else "index.html"
    if name not in files:
        raise InputError("the front end is not built; run: make web")
    kind, tag, body = files[name]
    return asked.send(tag, body, kind=kind)


@cache
def _front_end() -> Mapping[str, tuple[str, str, bytes]]:
    """By name, every file's kind, tag and bytes."""
    found = {}
    for path in STATIC.glob("*"):
        body = path.read_bytes()
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        found[path.name] = (kind, hashlib.sha256(body).hexdigest()[:16], body)
    return found
