"""The metadata that we compose: always the same bytes, and the SDK's core reads all of them."""

from __future__ import annotations

import json
import os
from hashlib import blake2b
from pathlib import Path

import pytest
from bittensor._generated.errors import ERRORS
from bittensor.intents.hyperparameters import OWNER_HYPERPARAMETERS
from bittensor_core import Runtime

from iotapretrain.chain.runtime.metadata import SPEC_VERSION, compose
from iotapretrain.chain.runtime.pallets import APIS, module_error, pallets

PINNED = Path(__file__).parent / "metadata.json"
REAL = Path(__file__).parents[4] / "shared/data/subtensor-metadata/metadata-v15-spec343.scale"
BLOCK_MS = 12_000
DERIVED_DIFFERENTLY = {"Owner", "IdentitiesV2"}
NOT_OWNERS_HERE = {
    "sudo_set_collateral_lock_share",
    "sudo_set_collateral_drain_ratio",
    "sudo_set_min_childkey_take_per_subnet",
    "sudo_set_owner_cut_auto_lock_enabled",
}


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return Runtime(compose(BLOCK_MS), SPEC_VERSION, 1, 42)


def test_the_description_changes_only_with_the_spec_version() -> None:
    """Clients keep metadata by spec version. `IOTA_PIN=1` writes the new digest down."""
    found = {
        "spec_version": SPEC_VERSION,
        "blake2b": blake2b(compose(BLOCK_MS), digest_size=32).hexdigest(),
    }
    if os.environ.get("IOTA_PIN"):
        PINNED.write_text(json.dumps(found, indent=2) + "\n")
    pinned = json.loads(PINNED.read_text())
    assert found == pinned, "raise SPEC_VERSION, then pin the new digest with IOTA_PIN=1"


def test_composing_twice_gives_the_same_bytes() -> None:
    first = compose(BLOCK_MS)
    compose.cache_clear()
    assert compose(BLOCK_MS) == first
    assert compose(250) != first


def test_the_block_time_is_a_constant_of_the_chain(runtime: Runtime) -> None:
    assert runtime.constant("Aura", "SlotDuration") == BLOCK_MS
    assert runtime.constant("Balances", "ExistentialDeposit") == 500


def test_every_storage_item_has_a_default_that_its_type_reads(runtime: Runtime) -> None:
    for pallet in pallets(BLOCK_MS):
        for item in pallet.storage:
            entry = runtime.storage_entry(pallet.name, item.name)
            assert entry.modifier == ("Optional" if item.optional else "Default")
            if not item.optional:
                value = runtime.decode(entry.value_type, bytes(entry.default_bytes))
                if isinstance(item.default, int) and not isinstance(value, dict):
                    assert value == item.default, item.name


def test_every_answer_reads_what_it_writes(runtime: Runtime) -> None:
    methods = runtime.runtime_api_map()
    assert {api: {method.name for method in described} for api, described in APIS.items()} == {
        api: set(described) for api, described in methods.items()
    }
    for described in methods.values():
        for method in described.values():
            zero = runtime.decode(method["output"], bytes(20_000), False)
            again = bytes(runtime.encode(method["output"], zero))
            assert runtime.decode(method["output"], again) == zero


def test_errors_are_those_by_which_the_sdk_tells_its_codes() -> None:
    ours = {
        (pallet.index, error.index): (pallet.name, error.name)
        for pallet in pallets(BLOCK_MS)
        for error in pallet.errors
    }
    assert len(ours) > 80
    for place, named in ours.items():
        assert (ERRORS[place].pallet, ERRORS[place].name) == named


def test_a_module_error_is_read_back_by_its_name(runtime: Runtime) -> None:
    error = module_error("SubtensorModule", "SettingWeightsTooFast")
    assert error == {"Module": {"index": 7, "error": "0x1d000000"}}
    name, docs = runtime.module_error(7, 0x1D)
    assert name == "SettingWeightsTooFast"
    assert docs == ["the subnet's rate limit since the last weights has not passed"]


def test_owners_can_set_what_the_sdk_lets_them_set() -> None:
    admin = next(pallet for pallet in pallets(BLOCK_MS) if pallet.name == "AdminUtils")
    wanted = {method for method, _ in OWNER_HYPERPARAMETERS.values()}
    assert wanted - {call.name for call in admin.calls} == NOT_OWNERS_HERE


def test_keys_and_values_are_those_of_the_public_network(runtime: Runtime) -> None:
    """Where a real runtime's metadata is at hand, every item that both have is the same in both."""
    if not REAL.exists():
        pytest.skip("no metadata of a public runtime beside this checkout")
    real = Runtime(REAL.read_bytes(), 343, 1, 42)
    compared = 0
    for pallet in pallets(BLOCK_MS):
        for item in pallet.storage:
            try:
                theirs = real.storage_entry(pallet.name, item.name)
            except KeyError:
                continue
            ours = runtime.storage_entry(pallet.name, item.name)
            compared += 1
            assert list(ours.param_hashers) == list(theirs.param_hashers), item.name
            if item.name in DERIVED_DIFFERENTLY or item.name == "Events":
                continue
            assert ours.modifier == theirs.modifier, item.name
            blank = real.decode(theirs.value_type, bytes(4000), False)
            assert runtime.decode(ours.value_type, bytes(4000), False) == blank, item.name
    assert compared > 60
