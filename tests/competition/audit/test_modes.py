"""A whole audit of an honest validator's rounds holds in every mode that a schedule can name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace as changed

from iotapretrain.competition.audit.check import Name
from iotapretrain.competition.audit.repeated import AuditBench
from iotapretrain.competition.audit.run import Agreed, AuditVerdict, audit
from iotapretrain.competition.evaluation.contender import Contender, Evaluated, Judged, Terms
from iotapretrain.competition.evaluation.evaluate import evaluate
from iotapretrain.data.outcome import RoundText
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.tournament import MODES
from iotapretrain.scoring.loss_cache import LossCache
from tests.chain.worlds import hotkey
from tests.competition.audit.test_raced import Alone
from tests.competition.validator.rig import Rig
from tests.competition.world import NETUID, SCHEDULE, opened

BABBLER, SABOTEUR = hotkey("miner-4"), hotkey("miner-5")
FINDINGS = {
    BABBLER: Finding(Code.UNREASONABLE, "repeats itself", "output"),
    SABOTEUR: Finding(Code.SABOTAGE, "cannot be trained on", "loss"),
}


def in_mode(name: str) -> str:
    """The small schedule with this mode in each competition."""
    return SCHEDULE.replace("eval_block_delay = 2", f'eval_block_delay = 2\nmode = "{name}"')


def faulted(judged: Judged) -> Judged:
    """Two models fail by their own fault while the round is scored, after all of its pages."""
    finding = FINDINGS.get(judged.record.hotkey)
    if finding is None:
        return judged
    record = changed(judged.record, outcome=Outcome.MODEL, score=None, task_scores={})
    return replace(judged, record=record, findings=(finding,), estimate=None)


@pytest.mark.parametrize("name", sorted(MODES))
async def test_an_audit_of_honest_rounds_holds_in_every_mode(
    tmp_path: Path, worker: Worker, name: str
) -> None:
    """Before, what failed in a round and was refused for ever was no part of an auditor's field."""
    with LossCache(tmp_path / "losses.sqlite") as cache:

        def score(contenders: Sequence[Contender], text: RoundText, terms: Terms) -> Evaluated:
            found = evaluate(contenders, text, terms, Alone(worker), cache)
            return replace(found, models=tuple(map(faulted, found.models)))

        async with opened(tmp_path, worker, in_mode(name)) as world:
            for number, scale in enumerate((1.5, 0.8, 1.0, 1.2, 0.6), start=1):
                await world.commit(f"miner-{number}", world.model(scale, seed=number))
            await world.to_block(35)
            assert world.competition.rules.mode == MODES[name]
            rig = Rig(world, oracle=score)
            assert await rig.run() == 2  # a round of each competition
            await world.to_epoch()
            agreed = Agreed.of(world.schedule_text, "mini.toml")
            for record in rig.records():
                outcomes = {model.hotkey: model.outcome for model in record.models}
                assert outcomes[BABBLER] == Outcome.MODEL
                assert outcomes.get(SABOTEUR, Outcome.INADMISSIBLE) == Outcome.INADMISSIBLE
                assert record.champion is not None
                report = await audit(
                    world.client,
                    NETUID,
                    AuditBench(world.hub, world.models, world.text, worker),
                    agreed,
                    record.round,
                    hotkey(rig.name),
                    None,
                    Random(1),
                )
                assert [each.sentence for each in report.differences] == []
                assert report.verdict is AuditVerdict.HOLDS
                assert Name.TOURNAMENT in {check.name for check in report.checks}
                assert report.computed == report.losses > 0
