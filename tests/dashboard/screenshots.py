"""`python -m tests.dashboard.screenshots [NETWORK]`: the pictures of the dashboard in docs/img/.

Without a network one is made up: a real chain with synthetic rounds, the same by its seed.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from PIL import Image

from tests.dashboard.running import chromium, dashboard, wait_for
from tests.dashboard.world import World, write_benchmark

IMAGES = Path(__file__).parents[2] / "docs" / "img"
TURNS = 30
SETTLED_SECONDS = 25.0
COLOURS = 256
PAGES = {
    "overview": "/",
    "competition": "/competition",
    "miner": "/miner/HOTKEY",
    "validators": "/validators",
    "chain": "/chain",
    "audit": "/audit",
}
SHOTS = ((1280, 960, "light"), (1280, 960, "dark"), (390, 844, "light"))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="iota-screenshots-") as place:
        if len(sys.argv) > 1:
            network = Path(sys.argv[1])
        else:
            with ThreadPoolExecutor(1) as elsewhere:
                network = elsewhere.submit(_world, Path(place) / "net").result()
        with dashboard(network) as address:
            wait_for(address, "/api/chain", "epoch", 1)
            time.sleep(SETTLED_SECONDS)  # for older epochs and model cards
            _shoot(address)


def _world(folder: Path) -> Path:
    world = World(folder)
    for _ in range(TURNS):
        world.turn()
    world.audited(held=True)
    world.audited(held=False)
    write_benchmark(folder)
    return folder


def _shoot(address: str) -> None:
    overview = httpx.get(f"{address}/api/overview", trust_env=False).json()
    champion = overview["competitions"][0]["champion"]["hotkey"]
    IMAGES.mkdir(exist_ok=True)
    with chromium() as browser:
        for width, height, scheme in SHOTS:
            viewport = {"width": width, "height": height}
            page = browser.new_page(viewport=viewport)
            page.emulate_media(color_scheme=scheme)
            for name, path in PAGES.items():
                page.goto(address + path.replace("HOTKEY", champion))
                page.wait_for_selector("main .panel")
                page.wait_for_timeout(600)
                _keep(page.screenshot(), IMAGES / f"{name}-{width}-{scheme}.png")


def _keep(picture: bytes, path: Path) -> None:
    """With a palette: a third of the bytes, and no difference to be seen."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    main()
