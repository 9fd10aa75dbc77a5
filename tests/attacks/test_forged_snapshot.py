"""A kept state is forged: nodes open by it, so verification compares it with the replay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from iotapretrain.chain.embedded_chain import EmbeddedChain, journal_path
from iotapretrain.chain.entries import DEFAULT_BLOCK_MS
from iotapretrain.chain.replay import reading
from iotapretrain.chain.runtime.codec import codec
from iotapretrain.chain.verify_chain import verify_chain
from iotapretrain.errors import BrokenError
from iotapretrain.store.fold import FoldReplay
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import Snapshot
from tests.chain.rpc.networks import make_network


def test_a_kept_state_with_coins_from_nowhere_does_not_hold(tmp_path: Path) -> None:
    make_network(tmp_path)
    with open_journal(journal_path(tmp_path)) as journal:
        how = reading(codec(DEFAULT_BLOCK_MS))
        replay = FoldReplay(journal, how, 1)
        (tip,) = replay.behind(replay.kept())
        replay.save(tip)
        verify_chain(tmp_path)
        state = tip.state.state
        rich = {name: replace(each, free=10**18) for name, each in state.accounts.items()}
        forged = replace(tip.state, state=replace(state, accounts=rich))
        journal.save_snapshot(how.name_at(1), Snapshot(tip.head, how.dump(forged)))
    with EmbeddedChain(tmp_path) as chain:
        assert chain.nonce(next(iter(rich))) == 0
    with pytest.raises(BrokenError, match="the state kept beside it is not what replaying gives"):
        verify_chain(tmp_path)
