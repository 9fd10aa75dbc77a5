"""A kept state is forged: nodes open by it, so verification compares it with the replay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from iotapretrain.chain.embedded_chain import EmbeddedChain, journal_path
from iotapretrain.chain.entries import read_beginning
from iotapretrain.chain.replay import first_tip, keep
from iotapretrain.chain.verify_chain import verify_chain
from iotapretrain.errors import BrokenError
from iotapretrain.store.open_journal import open_journal
from tests.chain.rpc.networks import make_network


def test_a_kept_state_with_coins_from_nowhere_does_not_hold(tmp_path: Path) -> None:
    make_network(tmp_path)
    with open_journal(journal_path(tmp_path)) as journal:
        record = journal.record(1)
        assert record is not None
        tip = first_tip(record, read_beginning(record))
        keep(journal, tip)
        verify_chain(tmp_path)
        rich = {name: replace(each, free=10**18) for name, each in tip.state.accounts.items()}
        keep(journal, replace(tip, state=replace(tip.state, accounts=rich)))
    with EmbeddedChain(tmp_path) as chain:
        assert chain.nonce(next(iter(rich))) == 0
    with pytest.raises(BrokenError, match="the state kept beside it is not what replaying gives"):
        verify_chain(tmp_path)
