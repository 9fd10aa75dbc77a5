"""What a hostile participant may write: nothing that whoever folds the log cannot bear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.log import swarm_records as records
from iotapretrain.rules.swarm.log.swarm_records import SwarmRecord
from tests.rules.swarm.log.played_swarm import PlayedSwarm, hash_of, short

GOOD = records.Receipt(1, "", short("sent"), short("returned"), "", 1.0)
HASH = hash_of("any")


@pytest.mark.parametrize(
    "make",
    [
        lambda: records.MinerJoined("a" * 1_000_000, "n", "m", 1.0, False, 0),
        lambda: records.MinerJoined("a", "n\n", "m", 1.0, False, 0),
        lambda: records.MinerJoined("a", "n", "m", 5e-324, False, 0),
        lambda: records.MinerJoined("a", "n", "m", float("nan"), False, 0),
        lambda: records.ValidatorJoined("", "m", 0),
        lambda: records.BaseHeld("a", 0, "zz", 0),
        lambda: replace(GOOD, sent="x" * 5_000_000),
        lambda: replace(GOOD, sent=HASH),
        lambda: replace(GOOD, seconds=1e308),
        lambda: replace(GOOD, seconds=0.0),
        lambda: replace(GOOD, loss=float("inf")),
        lambda: records.ReceiptsFiled("a", (GOOD,) * 1_025, 0),
        lambda: records.ChangeAnnounced("a", 0, 0, HASH, ("zz",), 0),
        lambda: records.ChangeAnnounced("a", 0, 0, HASH, (HASH,) * 4_097, 0),
        lambda: records.ChangeAnnounced("a", 0, 0, HASH.upper(), (), 0),
        lambda: records.ChangePublished("a", 0, 0, "../../etc/passwd", 0),
        lambda: records.BaseSigned("a", 0, 0, "", (), 0),
        lambda: records.BaseSigned("a", 0, 0, HASH, ("b" * 1_000,), 0),
        lambda: records.EvidenceGiven("a", 0, 0, 0, "zz", 0),
        lambda: records.VerdictFiled("v", "a", 0, 0, 0, HASH, "zz", 0),
    ],
)
def test_it_cannot_even_be_made(make: Callable[[], SwarmRecord]) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert len(str(caught.value)) < 200  # nor is it said again at length


@pytest.mark.parametrize("speed", [1e-6, 1e6])
def test_the_slowest_and_the_fastest_that_may_join_are_routed_and_assigned(speed: float) -> None:
    swarm = PlayedSwarm()
    swarm.join("odd", speed=speed)
    swarm.begin("ann", "bob", "cid")
    swarm.hold("odd")
    swarm.look()
    for _ in range(3):
        swarm.finish_routes()
        swarm.look(60.0)
    assert swarm.state.next_route > 0
