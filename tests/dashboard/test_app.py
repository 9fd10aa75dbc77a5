"""The API: typed answers, only what is new, nobody else's page, one audit at a time."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest

from iotapretrain.dashboard import api_types
from iotapretrain.dashboard.app import make_app
from iotapretrain.dashboard.service import Desk, ShownNetwork
from iotapretrain.rules.competition.schedule_file import parse
from tests.dashboard.synthetic import Synthetic, write_names

ROOT = Path(__file__).parents[2]
HOSTS = frozenset({"dashboard"})
PATIENCE = 20.0
SLOW_AUDIT = "import sys, time; print('pages hold', flush=True); time.sleep(60)"
QUICK_AUDIT = "import sys; print('audited', *sys.argv[1:]); sys.exit(1)"


def place(folder: Path, audit: str = QUICK_AUDIT) -> ShownNetwork:
    schedule = ROOT / "examples" / "competitions" / "tiny.toml"
    return ShownNetwork(
        f"embedded:{folder}",
        folder,
        1,
        schedule=parse(schedule.read_text(), "tiny"),
        audit_command=(sys.executable, "-c", audit),
    )


@pytest.fixture
def synthetic(tmp_path: Path) -> Synthetic:
    made = Synthetic(tmp_path / "net", miners=6, validators=2)
    write_names(made.folder, [*made.watchers, *made.competitors])
    made.play(6)
    return made


@pytest.fixture
async def desk(synthetic: Synthetic) -> AsyncIterator[Desk]:
    async with Desk(place(synthetic.folder)) as opened:
        await until(opened, "SELECT count(*) FROM rounds", 12)
        async with asyncio.timeout(PATIENCE):
            while not opened.versions.told["events"]:  # these are read after the rounds
                await asyncio.sleep(0.02)
        yield opened


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app(desk, HOSTS))
    async with httpx.AsyncClient(transport=transport, base_url="http://dashboard") as opened:
        yield opened


async def until(desk: Desk, question: str, least: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while (row := desk.index.row(question)) is None or row[0] < least:
            await asyncio.sleep(0.02)


async def read(client: httpx.AsyncClient, path: str, kind: type[msgspec.Struct]) -> msgspec.Struct:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=kind)


async def test_every_answer_is_of_its_type(client: httpx.AsyncClient, synthetic: Synthetic) -> None:
    hotkey = synthetic.competitors[-1].hotkey
    for path, kind in (
        ("/api/overview", api_types.Overview),
        ("/api/competitions/1", api_types.CompetitionPage),
        ("/api/competitions/1/duels", api_types.DuelsPage),
        ("/api/competitions/1/lineage", api_types.Lineage),
        ("/api/benchmarks", api_types.Benchmarks),
        ("/api/chain", api_types.ChainPage),
        ("/api/validators", api_types.ValidatorsPage),
        ("/api/miners", api_types.Miners),
        (f"/api/miners/{hotkey}", api_types.MinerPage),
        ("/api/audits", api_types.AuditPage),
    ):
        await read(client, path, kind)


async def test_the_leaderboard_says_what_the_record_says(
    client: httpx.AsyncClient, synthetic: Synthetic
) -> None:
    watcher = synthetic.watchers[0]
    page = await read(
        client, f"/api/competitions/1?validator={watcher.hotkey}", api_types.CompetitionPage
    )
    file = synthetic.folder / "validators" / watcher.name / "rounds" / "000005.json"
    record = json.loads(file.read_bytes())["record"]
    assert (page.round, page.digest is not None, page.sealed) == (5, True, True)
    said = {model["hotkey"]: model for model in record["models"]}
    assert {place.who.hotkey for place in page.board} == set(said)
    for shown in page.board:
        model = said[shown.who.hotkey]
        assert (shown.score, shown.weight, shown.outcome) == (
            model.get("score"),
            model.get("weight", 0.0),
            model["outcome"],
        )
        assert [why.code for why in shown.reasons] == [r["code"] for r in model.get("reasons", [])]
    assert [place.who.hotkey for place in page.board if place.champion] == [record["champion"]]
    newest = page.history[-1]
    assert newest.to_beat == pytest.approx(newest.loss * (1 - newest.epsilon))


async def test_what_has_not_changed_is_not_sent_again(
    client: httpx.AsyncClient, desk: Desk, synthetic: Synthetic
) -> None:
    path = "/api/competitions/1/duels"  # of rounds alone, which have all been read
    first = await client.get(path)
    tag = {"If-None-Match": first.headers["etag"]}
    assert (await client.get(path, headers=tag)).status_code == 304
    synthetic.play(1)
    await until(desk, "SELECT count(*) FROM rounds", 14)
    async with asyncio.timeout(PATIENCE):
        while (again := await client.get(path, headers=tag)).status_code == 304:
            await asyncio.sleep(0.02)
    assert again.json() != first.json()


async def test_answers_are_packed_for_who_can_unpack(client: httpx.AsyncClient) -> None:
    packed = await client.get("/api/competitions/1", headers={"Accept-Encoding": "gzip"})
    plain = await client.get("/api/competitions/1", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content


async def test_other_names_and_other_pages_are_refused(
    client: httpx.AsyncClient, synthetic: Synthetic
) -> None:
    assert (await client.get("/api/overview", headers={"Host": "evil.example"})).status_code == 421
    wanted = {"validator": synthetic.watchers[0].hotkey, "round": 1}
    answer = await client.post("/api/audits", json=wanted, headers={"Origin": "http://evil"})
    assert answer.status_code == 403


async def test_every_answer_carries_its_protection(client: httpx.AsyncClient) -> None:
    for path in ("/", "/app.js", "/api/overview", "/api/nothing", "/competition/1"):
        headers = (await client.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff"
    refused = await client.delete("/api/overview")
    assert (refused.status_code, refused.headers["x-content-type-options"]) == (405, "nosniff")


@pytest.mark.parametrize(
    "path",
    [
        "/api/competitions/9",
        "/api/miners/nobody",
        "/api/nothing",
        "/api/competitions/1?validator=x",
    ],
)
async def test_what_is_not_there_is_one_sentence(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.json()["problem"]


async def test_an_audit_runs_as_a_child_and_is_watched(
    client: httpx.AsyncClient, desk: Desk, synthetic: Synthetic
) -> None:
    validator = synthetic.watchers[0].hotkey
    started = await client.post("/api/audits", json={"validator": validator, "round": 3})
    assert started.status_code == 202
    async with asyncio.timeout(PATIENCE):
        while desk.audits.jobs[0].state == "running":
            await asyncio.sleep(0.02)
    page = await read(client, "/api/audits", api_types.AuditPage)
    assert page.jobs[0].state == "failed"  # the child's exit code was 1
    assert [step.text for step in page.jobs[0].steps] == [f"audited 3 --validator {validator}"]


async def test_one_audit_at_a_time_and_none_outlives_the_dashboard(synthetic: Synthetic) -> None:
    async with Desk(place(synthetic.folder, SLOW_AUDIT)) as desk:
        await until(desk, "SELECT count(*) FROM rounds", 12)
        transport = httpx.ASGITransport(make_app(desk, HOSTS))
        wanted = {"validator": synthetic.watchers[0].hotkey, "round": 3}
        async with httpx.AsyncClient(transport=transport, base_url="http://dashboard") as client:
            assert (await client.post("/api/audits", json=wanted)).status_code == 202
            assert (await client.post("/api/audits", json=wanted)).status_code == 404
            job = desk.audits.jobs[0]
            async with asyncio.timeout(PATIENCE):
                while not job.steps:
                    await asyncio.sleep(0.02)
    assert job.state == "stopped"


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"validator": "x", "round": 1}', b"[" * 3_000, b"x" * 10_000]
)
async def test_a_request_that_makes_no_sense(client: httpx.AsyncClient, body: bytes) -> None:
    assert (await client.post("/api/audits", content=body)).status_code in (404, 413)
