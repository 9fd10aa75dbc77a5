"""A network that has ended: its clock stands, for every process, and what was said last stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from iotapretrain.chain.client import connect
from iotapretrain.chain.embedded_chain import EmbeddedChain, now_ms
from iotapretrain.chain.entries import ClockSettings, step_draft
from iotapretrain.chain.verify_chain import verify_chain
from iotapretrain.errors import ChainError
from tests.chain.signing import signed, transfer
from tests.chain.test_embedded_chain import Hand, tampered, wall_chain
from tests.chain.worlds import keys, make_chain


def test_the_block_that_is_being_filled_is_the_last(tmp_path: Path) -> None:
    hand, miner = Hand(), keys("miner-1").coldkey
    chain = wall_chain(tmp_path / "net", hand)
    other = EmbeddedChain(tmp_path / "net", hand)
    hand.to(3.2)
    chain.submit(signed(chain, miner, transfer()))
    assert (other.head(), other.ended()) == (3, None)
    assert chain.stop() == chain.stop() == chain.ended() == 4
    hand.to(10_000)
    later = EmbeddedChain(tmp_path / "net", hand)
    for each in (chain, other, later):
        assert (each.head(), each.ended()) == (4, 4)
        assert len(each.extrinsics(4)) == 1
        with pytest.raises(ChainError, match="this network has ended at block 4"):
            each.submit(signed(chain, miner, transfer(), nonce=1))
    assert verify_chain(tmp_path / "net").block == 4
    assert "after the end" in str(tampered(tmp_path / "net", step_draft(5)))


async def test_how_far_away_a_block_is(tmp_path: Path) -> None:
    make_chain(tmp_path / "still").close()
    make_chain(tmp_path / "net", clock=ClockSettings("wall", 10_000), start_ms=now_ms()).close()
    async with await connect(f"embedded:{tmp_path / 'still'}") as client:
        assert await client.how_far(0) == ""
        assert await client.how_far(9) == ", while the chain's clock stands at block 0"
    async with await connect(f"embedded:{tmp_path / 'net'}") as client:
        assert await client.how_far(42) in (", in about 7 min 0 s", ", in about 6 min 50 s")


def test_a_manual_clock_has_no_end(tmp_path: Path) -> None:
    manual = make_chain(tmp_path / "net")
    with pytest.raises(ChainError, match="until somebody moves it"):
        manual.stop()
    manual.advance(3)
    assert manual.ended() is None
