"""The HTTP surface: pages of JSON, one stream of what is new, and the files of the front end."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from fastapi import FastAPI, Query, Request, Response
from fastapi import Path as InPath
from fastapi.exceptions import RequestValidationError
from msgspec import Struct
from starlette.types import ASGIApp, Receive, Scope, Send

from iotapretrain.dashboard.answer_cache import Question
from iotapretrain.dashboard.audit_page import (
    LARGEST_NUMBER,
    LONGEST_HOTKEY,
    audit_page,
    requested,
)
from iotapretrain.dashboard.benchmarks import benchmarks
from iotapretrain.dashboard.chain_page import chain_page
from iotapretrain.dashboard.competition_page import competition_page, duels_page, lineage
from iotapretrain.dashboard.miner_page import miner_page, miners
from iotapretrain.dashboard.overview import overview
from iotapretrain.dashboard.seats import SeatedStream, Seats
from iotapretrain.dashboard.service import Desk
from iotapretrain.dashboard.validators_page import validators_page
from iotapretrain.dashboard.versions import Topic
from iotapretrain.dashboard.winning_blocks import prospects_of
from iotapretrain.errors import InputError

STATIC = Path(__file__).parent / "static"
HEARTBEAT_SECONDS = 15.0
PAUSE_SECONDS = 1.0
LARGEST_REQUEST = 4_096
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
ROUNDS: Topic = "rounds"
EVENTS: Topic = "events"
CHAIN: Topic = "chain"
AUDITS: Topic = "audits"
Validator = Annotated[str | None, Query(max_length=LONGEST_HOTKEY)]
Hotkey = Annotated[str, InPath(max_length=LONGEST_HOTKEY)]
CompetitionId = Annotated[int, InPath(ge=0, le=LARGEST_NUMBER)]


def make_app(desk: Desk, hosts: frozenset[str] | None, seats: Seats | None = None) -> FastAPI:
    """The application over one desk. Requests by other names than `hosts` are refused: a page of
    somebody else could otherwise point a name of its own at this address; None allows any name."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(InputError, _refused)
    app.add_exception_handler(RequestValidationError, _misasked)
    app.add_middleware(_Named, hosts=hosts)
    _pages(app, desk)
    _audits(app, desk)
    _live(app, desk, seats or Seats())
    _files(app)
    return app


class _Named:
    """Refuses requests by names that are not ours."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._hosts is not None and scope["type"] == "http":
            host = Request(scope).url.hostname
            if host not in self._hosts:
                refusal = Response("this dashboard does not answer to that name", 421, PROTECTION)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _refused(_: Request, error: Exception) -> Response:
    body = msgspec.json.encode({"problem": str(error)})
    return Response(body, 404, PROTECTION, "application/json")


async def _misasked(_: Request, error: Exception) -> Response:
    """One line: which part of the request is wrong, never its text, which may be long."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    lines = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found]
    body = msgspec.json.encode({"problem": "; ".join(lines)})
    return Response(body, 422, PROTECTION, "application/json")


def _pages(app: FastAPI, desk: Desk) -> None:
    people, place = desk.people, desk.place

    async def say(
        request: Request, topics: tuple[Topic, ...], compute: Callable[[], Struct]
    ) -> Response:
        tag = f'"{desk.versions.tag(topics)}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={**PROTECTION, "ETag": tag})
        address = f"{request.url.path}?{request.url.query}"
        answer = await desk.answer(Question(address, topics, compute))
        return _sent(request, f'"{answer.tag}"', answer.plain, answer.packed)

    @app.get("/api/overview")
    async def read_overview(request: Request) -> Response:
        chain = desk.chain
        return await say(
            request,
            (ROUNDS, EVENTS, CHAIN),
            lambda: overview(people, place.network, place.netuid, chain.block, chain.problem),
        )

    @app.get("/api/competitions/{competition}")
    async def read_competition(
        request: Request,
        competition: CompetitionId,
        validator: Validator = None,
        places: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        return await say(
            request,
            (ROUNDS, EVENTS),
            lambda: competition_page(people, competition, validator, places),
        )

    @app.get("/api/competitions/{competition}/duels")
    async def read_duels(
        request: Request, competition: CompetitionId, validator: Validator = None
    ) -> Response:
        return await say(request, (ROUNDS,), lambda: duels_page(people, competition, validator))

    @app.get("/api/competitions/{competition}/lineage")
    async def read_lineage(request: Request, competition: CompetitionId) -> Response:
        return await say(request, (ROUNDS,), lambda: lineage(people, competition))

    @app.get("/api/benchmarks")
    async def read_benchmarks(request: Request) -> Response:
        return await say(request, (EVENTS, ROUNDS), lambda: benchmarks(place.folder))

    @app.get("/api/chain")
    async def read_chain(request: Request) -> Response:
        chain = desk.chain
        return await say(request, (CHAIN,), lambda: chain_page(people, chain.block, chain.problem))

    @app.get("/api/validators")
    async def read_validators(request: Request) -> Response:
        return await say(request, (ROUNDS, EVENTS, CHAIN), lambda: validators_page(people))

    @app.get("/api/miners")
    async def read_miners(request: Request) -> Response:
        return await say(request, (ROUNDS, EVENTS, CHAIN), lambda: miners(people))

    @app.get("/api/miners/{hotkey}")
    async def read_miner(request: Request, hotkey: Hotkey) -> Response:
        return await say(
            request,
            (ROUNDS, EVENTS, CHAIN),
            lambda: miner_page(people, hotkey, prospects_of(people, place.schedule, hotkey)),
        )


def _audits(app: FastAPI, desk: Desk) -> None:
    @app.get("/api/audits")
    async def read_audits(request: Request) -> Response:
        body = msgspec.json.encode(audit_page(desk.people, desk.audits))
        return _sent(request, f'"{desk.versions.tag((AUDITS, ROUNDS))}"', body, None)

    @app.post("/api/audits")
    async def start_audit(request: Request) -> Response:
        origin = request.headers.get("origin")
        if origin is not None and origin != str(request.base_url).rstrip("/"):
            return Response("audits are started from this page only", 403, PROTECTION)
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_REQUEST:
                return Response("too large", 413, PROTECTION)
        job = desk.audits.start(*requested(desk.people, body))
        return Response(
            msgspec.json.encode({"number": job.number}), 202, PROTECTION, "application/json"
        )


def _live(app: FastAPI, desk: Desk, seats: Seats) -> None:
    versions = desk.versions

    async def news() -> AsyncIterator[bytes]:
        yield b"retry: 1000\n\n"
        while True:
            seen = versions.told
            told = msgspec.json.encode({"boot": versions.boot, "topics": seen})
            yield b"data: " + told + b"\n\n"
            await asyncio.sleep(PAUSE_SECONDS)
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await versions.other_than(seen)
            except TimeoutError:
                yield b": still here\n\n"

    @app.get("/api/live")
    async def live() -> Response:
        return SeatedStream(seats, news(), PROTECTION)


def _files(app: FastAPI) -> None:
    files = _front_end()

    @app.get("/{path:path}")
    async def read_file(request: Request, path: str) -> Response:
        """A file of the front end; any other path is one of its pages."""
        if path.startswith("api/"):
            raise InputError(f"/{path}: there is no such answer")
        name = path if path in files else "index.html"
        if name not in files:
            raise InputError("the front end is not built; run: make web")
        kind, tag, body = files[name]
        return _sent(request, tag, body, None, kind)


def _front_end() -> Mapping[str, tuple[str, str, bytes]]:
    found = {}
    for path in STATIC.glob("*"):
        body = path.read_bytes()
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        found[path.name] = (kind, f'"{hashlib.sha256(body).hexdigest()[:16]}"', body)
    return found


def _sent(
    request: Request, tag: str, plain: bytes, packed: bytes | None, kind: str = "application/json"
) -> Response:
    headers = {**PROTECTION, "ETag": tag, "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed, 200, {**headers, "Content-Encoding": "gzip"}, kind)
    return Response(plain, 200, headers, kind)
