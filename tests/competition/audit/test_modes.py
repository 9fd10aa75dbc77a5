"""An honest validator's tournament holds in every mode that a schedule can name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from iotapretrain.competition.audit.decision_checks import check_tournament
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.tournament import MODES
from tests.chain.worlds import hotkey
from tests.competition.validator.rig import Oracle, Rig
from tests.competition.world import World, opened


@pytest.mark.parametrize("name", sorted(MODES))
async def test_honest_tournaments_hold_in_every_mode(
    tmp_path: Path, worker: Worker, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, worker) as world:
        for number in (1, 2, 3):
            await world.commit(f"miner-{number}", world.model(1.0, seed=number))
        await world.to_block(30)
        schedule = world.schedule
        competitions = tuple(
            replace(each, rules=replace(each.rules, mode=MODES[name]))
            for each in schedule.competitions
        )
        monkeypatch.setattr(World, "schedule", replace(schedule, competitions=competitions))
        losses = {hotkey("miner-1"): 3.0, hotkey("miner-2"): 2.0, hotkey("miner-3"): 2.9}
        rig = Rig(world, oracle=Oracle(dict(losses)))
        assert await rig.run() == 2
        for record in rig.records():
            assert record.champion == hotkey("miner-2")
            check = check_tournament(record, competitions[record.competition])
            assert [each.sentence for each in check.differences] == []
