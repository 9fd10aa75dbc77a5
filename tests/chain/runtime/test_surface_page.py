"""The page that lists what the chain answers, and the description: the same names in both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from iotapretrain.chain.runtime.grammar import StorageItem, Variant
from iotapretrain.chain.runtime.pallets import APIS, Constant, Pallet, pallets

PAGE = (Path(__file__).parents[3] / "docs" / "chain-surface.md").read_text()
SETTERS = re.compile(r"sudo_set_(\w+)")
QUALIFIED = re.compile(r"`([A-Z]\w+)\.(\w+)")
PALLETS = pallets(12_000)


def parts(pallet: Pallet) -> Iterator[StorageItem | Variant | Constant]:
    """Everything in a pallet that has a name."""
    yield from pallet.storage
    yield from (*pallet.calls, *pallet.events, *pallet.errors)
    yield from pallet.constants


def test_everything_described_is_on_the_page() -> None:
    words = set(re.findall(r"\w+", PAGE))
    described = {item.name for pallet in PALLETS for item in pallet.storage}
    described |= {
        call.name for pallet in PALLETS for call in pallet.calls if pallet.name != "AdminUtils"
    }
    described |= {method.name for methods in APIS.values() for method in methods}
    described |= {event.name for pallet in PALLETS for event in pallet.events}
    described |= {constant.name for pallet in PALLETS for constant in pallet.constants}
    assert described - words == set()


def test_every_setter_is_on_the_page() -> None:
    admin = next(pallet for pallet in PALLETS if pallet.name == "AdminUtils")
    words = set(re.findall(r"\w+", PAGE))
    for call in admin.calls:
        name = call.name.removeprefix("sudo_set_")
        assert words & {name, f"_{name}", call.name, f"{name}_enabled"}, call.name


def test_everything_on_the_page_is_described() -> None:
    known = {pallet.name: {part.name for part in parts(pallet)} for pallet in PALLETS}
    known |= {api: {method.name for method in methods} for api, methods in APIS.items()}
    for container, name in QUALIFIED.findall(PAGE):
        if container in known and name not in ("sudo_set_", "py"):
            assert name in known[container], f"{container}.{name}"
