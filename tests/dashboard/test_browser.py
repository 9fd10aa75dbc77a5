"""The pages in Chromium: with data, live, across a restart, quiet, accessible, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from iotapretrain.observe.events import ModelFetched
from iotapretrain.observe.sink import Lines
from tests.dashboard.running import dashboard, wait_for
from tests.dashboard.synthetic import Synthetic
from tests.dashboard.world import World

SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
PAGES = {
    "overview": ("/", "validator-1 decided round"),
    "competition": ("/competition/1", "an earlier commitment"),
    "chain": ("/chain", "Incentive over time"),
    "validators": ("/validators", "validator-3"),
    "miners": ("/miners", "copycat"),
    "miner": ("/miner/HOTKEY", "What would make it win"),
    "audit": ("/audit", "Audit a round"),
}
HOSTILE = "<img src=x onerror=alert(1)>"


@contextmanager
def opened(browser: Browser, address: str, size: str = "wide") -> Iterator[tuple[Page, list[str]]]:
    """A tab, and everything that it complains of."""
    width, height = SIZES[size]
    context = browser.new_context(
        base_url=address,
        viewport={"width": width, "height": height},
        accept_downloads=True,
    )
    page, complaints = context.new_page(), []
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page, complaints
    finally:
        context.close()


def turned(world: World) -> None:
    """One more round, made outside the browser's own loop."""
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(world.turn).result()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_data_is_quiet_and_accessible(
    browser: Browser, address: str, world: World, name: str, size: str
) -> None:
    path, text = PAGES[name]
    with opened(browser, address, size) as (page, complaints):
        page.goto(path.replace("HOTKEY", world.synthetic.competitors[-1].hotkey))
        expect(page.get_by_text(text).first).to_be_visible()
        expect(page.locator("[data-link=live]")).to_be_visible()
        for scheme in ("light", "dark") if size == "wide" else ("light",):
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page)
            assert found.violations_count == 0, f"{scheme}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert complaints == []


def test_a_round_appears_without_a_reload(browser: Browser, address: str, world: World) -> None:
    with opened(browser, address) as (page, complaints):
        page.goto("/")
        turned(world)
        newest = f"validator-1 decided round {world.synthetic.rounds}"
        expect(page.get_by_text(newest, exact=True)).to_be_visible()
        assert complaints == []


def test_a_restart_of_the_server_is_survived(
    browser: Browser, world: World, unused_tcp_port: int
) -> None:
    with opened(browser, f"http://127.0.0.1:{unused_tcp_port}") as (page, _):
        with dashboard(world.folder, unused_tcp_port):
            page.goto("/")
            expect(page.get_by_text("Competition 1")).to_be_visible()
        expect(page.locator("[data-link=lost]")).to_be_visible()
        expect(page.get_by_text("Competition 1")).to_be_visible()  # what was known stays
        turned(world)
        with dashboard(world.folder, unused_tcp_port):
            expect(page.locator("[data-link=live]")).to_be_visible(timeout=20_000)
            newest = f"validator-1 decided round {world.synthetic.rounds}"
            expect(page.get_by_text(newest, exact=True)).to_be_visible(timeout=20_000)


def test_charts_can_be_taken_along(browser: Browser, address: str) -> None:
    with opened(browser, address) as (page, complaints):
        page.goto("/competition/1")
        chart = page.locator("figure").filter(has_text="round by round")
        saved = {}
        for form in ("CSV", "JSON", "PNG"):
            with page.expect_download() as download:
                chart.get_by_role("button", name=form).click()
            saved[form] = Path(download.value.path()).read_bytes()
        assert saved["CSV"].startswith(b"block,champion,to beat\n")
        assert b'"champion":' in saved["JSON"]
        assert saved["PNG"].startswith(b"\x89PNG")
        assert len(saved["PNG"]) > 5_000  # something is drawn
        assert complaints == []


def test_what_is_chosen_is_in_the_address(browser: Browser, address: str, world: World) -> None:
    with opened(browser, address) as (page, _):
        page.goto("/competition/0")
        page.get_by_label("As seen by").select_option(label="validator-2")
        expect(page).to_have_url(
            f"{address}/competition/0?validator={hotkey(world, 'validator-2')}"
        )
        page.reload()
        expect(page.get_by_label("As seen by")).to_have_value(hotkey(world, "validator-2"))
        page.get_by_role("combobox", name="Competition").select_option(label="tiny")
        expect(page.get_by_role("heading", name="Competition tiny")).to_be_visible()
        page.go_back()
        expect(page.get_by_role("heading", name="Competition nano")).to_be_visible()


def hotkey(world: World, name: str) -> str:
    return next(each.hotkey for each in world.synthetic.watchers if each.name == name)


def test_the_keyboard_is_enough(browser: Browser, address: str) -> None:
    with opened(browser, address) as (page, _):
        page.goto("/")
        page.keyboard.press("Tab")
        expect(page.get_by_text("Skip to the page")).to_be_focused()
        page.keyboard.press("2")
        expect(page).to_have_url(f"{address}/competition")
        chart = page.get_by_role("img", name="s loss").first
        chart.focus()
        page.keyboard.press("End")
        tip = page.locator("figure", has=chart).get_by_role("status")
        expect(tip).to_contain_text("to beat")
        page.keyboard.press("/")
        expect(page.get_by_label("Find a miner or reason")).to_be_focused()
        page.keyboard.type("sabotage")
        expect(page.locator(".board tbody tr")).to_have_count(1)


def test_strangers_text_is_text(browser: Browser, tmp_path: Path) -> None:
    synthetic = Synthetic(tmp_path / "net", miners=4, validators=1)
    synthetic.play(2)
    watcher, victim = synthetic.watchers[0], synthetic.competitors[-1]
    sink = Lines(tmp_path / "net" / "validators" / watcher.name / "records.jsonl")
    sink.emit(
        ModelFetched(
            time=4e9,
            source=f"validator:{watcher.hotkey}",
            hotkey=victim.hotkey,
            uid=victim.uid,
            competition=1,
            repository=HOSTILE,
            commit="0" * 40,
            outcome="inadmissible",
            reasons=[HOSTILE],
            size_bytes=None,
            seconds=0.0,
        )
    )
    sink.close()
    with dashboard(tmp_path / "net") as address, opened(browser, address) as (page, complaints):
        wait_for(address, "/api/overview", "rounds", 2)
        page.goto("/")
        expect(page.get_by_text(HOSTILE)).to_be_visible()
        page.goto(f"/miner/{victim.hotkey}")
        expect(page.get_by_text(HOSTILE).first).to_be_visible()
        assert page.locator("img[src=x]").count() == 0
        assert complaints == []


def test_empty_and_wrong_places_say_so(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    with dashboard(tmp_path / "net") as address, opened(browser, address) as (page, _):
        for path, text in (
            ("/", "No round yet"),
            ("/competition", "No round yet"),
            ("/chain", "The chain cannot be read"),
            ("/validators", "No validator has published a round yet"),
            ("/audit", "No round has been published yet"),
            ("/miner/nobody", "no record and no epoch names it"),
            ("/nowhere", "The address leads nowhere"),
        ):
            page.goto(path)
            expect(page.get_by_text(text).first).to_be_visible()
        assert Axe().run(page).violations_count == 0
