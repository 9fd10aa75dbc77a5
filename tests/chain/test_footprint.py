"""What a state takes in memory, as caches count it."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import msgspec

from iotapretrain.chain.replay import footprint
from iotapretrain.rules.chain.ledger.chain_state import ChainState, CoinAccount
from iotapretrain.rules.chain.ledger.genesis import first_state
from tests.chain.worlds import genesis


def taken(state: ChainState) -> int:
    """Bytes of a copy that shares nothing."""
    encoded = msgspec.json.encode(state)
    tracemalloc.start()
    copy = msgspec.json.decode(encoded, type=ChainState)
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert copy == state
    return size


def test_it_is_an_upper_bound_and_no_wild_one() -> None:
    state = first_state(genesis(people=5))
    many = {f"5{number:047}": CoinAccount(number, number) for number in range(2000)}
    for each in (state, _with_accounts(state, many), _with_weights(state, 64)):
        assert taken(each) <= footprint(each) + 20_000 < 2 * taken(each) + 20_000


def _with_accounts(state: ChainState, accounts: dict[str, CoinAccount]) -> ChainState:
    return replace(state, accounts=accounts)


def _with_weights(state: ChainState, uids: int) -> ChainState:
    row = tuple((uid, 1000 + uid) for uid in range(uids))
    subnet = replace(state.subnets[1], weights=(row,) * uids, bonds=(row,) * uids)
    return state.with_subnet(subnet)
