"""Which exchange and code a stage merges by, and that the bytes are those that are moved."""

from __future__ import annotations

import pytest

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.butterfly import draw_shards, traffic
from iotapretrain.rules.swarm.exchange import butterfly, choose_exchange, gathered
from iotapretrain.rules.swarm.merge_codes import BF16, CODES
from iotapretrain.rules.swarm.reduction import PIECE

SIZE = 128 * PIECE


def test_few_members_gather_and_many_take_the_butterfly() -> None:
    kinds = [choose_exchange(members, SIZE, 1_000).kind for members in (2, 4, 10, 20, 50, 500)]
    assert kinds[:2] == ["gathered", "gathered"]
    assert kinds[-2:] == ["butterfly", "butterfly"]
    assert kinds == sorted(kinds, reverse=True)  # once it is the butterfly, it stays that


@pytest.mark.parametrize("members", [2, 3, 8, 30])
@pytest.mark.parametrize("code", ["2bit", "int8", "bf16"])
def test_the_chosen_one_is_never_the_dearer(members: int, code: str) -> None:
    chosen = choose_exchange(members, SIZE, 1_000)
    others = (each(chosen.code, members, SIZE) for each in (gathered, butterfly))
    assert chosen.sent + chosen.fetched == min(each.sent + each.fetched for each in others)
    assert gathered(CODES[code], members, SIZE).sent == CODES[code].size(SIZE)


@pytest.mark.parametrize("members", [4, 7, 10])
def test_bytes_of_a_butterfly_are_those_that_its_shards_move(members: int) -> None:
    hotkeys = [f"miner {number}" for number in range(members)]
    shards = draw_shards(f"0x{1:064x}", "run", 0, 0, hotkeys, SIZE)
    moved = [sum(traffic(shards, hotkey, BF16)) for hotkey in hotkeys]
    said = butterfly(BF16, members, SIZE)
    assert sum(moved) / members == pytest.approx(said.sent + said.fetched, rel=0.02)


def test_few_merges_of_few_members_are_exact() -> None:
    assert choose_exchange(4, SIZE, 10).code.name == "int8"
    assert choose_exchange(4, SIZE, 1_000).code.name == "2bit"


@pytest.mark.parametrize("wrong", [(1, 1, 1), (2, 0, 1), (2, 1, 0)])
def test_what_is_no_merge_is_refused(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match="give 2 or more members"):
        choose_exchange(*wrong)
