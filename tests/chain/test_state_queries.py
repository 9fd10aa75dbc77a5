"""The embedded chain against its description: every value it gives fits the type it has there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bittensor as bt
import pytest

from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.runtime.pallets import APIS
from iotapretrain.chain.state_queries import Surface
from tests.chain.rpc.networks import act, make_network

TEMPO = 20
NETUID, UID = 1, 1
NOT_ASKED_OF_NODES = {"Core", "Metadata", "AccountNonceApi", "TransactionPaymentApi"}
CERTAINLY_PRESENT = {
    "Axons",
    "BlockAtRegistration",
    "Bonds",
    "CommitmentOf",
    "Dividends",
    "Incentive",
    "Keys",
    "LastUpdate",
    "Owner",
    "Tempo",
    "TokenSymbol",
    "Uids",
    "ValidatorPermit",
    "Weights",
}


@pytest.fixture
def surface(tmp_path: Path) -> Iterator[Surface]:
    """A network with a miner and a validator, one epoch after its first weights."""
    wallets = make_network(tmp_path / "net")
    miner, validator = (bt.Wallet(name, path=str(wallets)) for name in ("miner-1", "validator-1"))
    with EmbeddedChain(tmp_path / "net") as chain:
        for wallet in (miner, validator):
            hotkey = wallet.hotkey.ss58_address
            act(
                chain,
                wallet.coldkey,
                "SubtensorModule",
                "burned_register",
                netuid=NETUID,
                hotkey=hotkey,
            )
        served = {"version": 1, "ip": 1 << 24, "port": 1, "ip_type": 4, "protocol": 4}
        unused = {"placeholder1": 0, "placeholder2": 0}
        act(
            chain,
            miner.hotkey,
            "SubtensorModule",
            "serve_axon",
            netuid=NETUID,
            **served,
            **unused,
        )
        info = {"fields": [{"Raw3": b"\xff\x00\x01"}]}
        act(chain, miner.hotkey, "Commitments", "set_commitment", netuid=NETUID, info=info)
        chain.advance(2 * TEMPO)
        weights = {"dests": [0], "weights": [65535], "version_key": 0}
        act(chain, validator.hotkey, "SubtensorModule", "set_weights", netuid=NETUID, **weights)
        chain.advance(TEMPO)
        yield Surface(chain, chain.codec)


def test_every_stored_value_is_what_its_bytes_read_as(surface: Surface) -> None:
    codec, block = surface.codec, surface.node.head()
    present = set()
    for (pallet, item), described in codec.items.items():
        if described.keys:
            entries = list(surface.entries(block, pallet, item, ()))
        else:
            entries = [((), surface.storage(block, pallet, item, ()))]
        for keys, value in entries:
            assert surface.storage(block, pallet, item, keys) == value, (pallet, item, keys)
            stored = surface.stored(block, pallet, item, keys)
            if stored is not None:
                present.add(item)
                assert codec.decode_value(pallet, item, stored) == value, (pallet, item, keys)
    assert present >= CERTAINLY_PRESENT


def test_every_answer_is_what_its_bytes_read_as(surface: Surface) -> None:
    node, codec, block = surface.node, surface.codec, surface.node.head()
    hotkey = node.storage(block, "SubtensorModule", "Keys", (NETUID, UID))
    coldkey = node.storage(block, "SubtensorModule", "Owner", (hotkey,))
    by_name = {
        "netuid": NETUID,
        "uid": UID,
        "netuids": [NETUID],
        "metagraph_indexes": [0, 1, 13, 52, 53, 72, 73],
        "hotkey_account": hotkey,
        "delegate_account": hotkey,
        "coldkey_accounts": [coldkey],
        "origin": None,
        "destination": None,
        "amount": 10**9,
        "tao": 10**9,
        "alpha": 10**9,
    }
    for api, methods in APIS.items():
        if api in NOT_ASKED_OF_NODES:
            continue
        for method in methods:
            arguments = tuple(by_name.get(str(field.name), coldkey) for field in method.inputs)
            answer = node.runtime_api(block, api, method.name, arguments)
            encoded = codec.encode_answer(api, method.name, answer)
            assert codec.decode_answer(api, method.name, encoded) == answer, (api, method.name)


def test_events_of_every_block_are_readable(surface: Surface) -> None:
    for block in range(surface.node.head() + 1):
        for record in surface.codec.event_records(surface.node.events(block)):
            assert record["event"]["module_id"]
