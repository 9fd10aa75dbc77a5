"""Honest rounds hold, and every falsehood is exposed by its name: on a real chain and hub."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import msgspec
import pytest

from iotapretrain.competition.audit.check import Check, Name
from iotapretrain.competition.audit.recomputed_losses import TOLERANCE
from iotapretrain.competition.audit.repeated import AuditBench
from iotapretrain.competition.audit.run import Agreed, AuditVerdict, Report, audit
from iotapretrain.competition.records.round_record import SignedRound
from iotapretrain.errors import InputError, MissingModelError
from iotapretrain.models.worker import Worker
from tests.chain.worlds import hotkey
from tests.competition.world import NETUID, SCHEDULE, World, opened, rounds_of

changed = msgspec.structs.replace


@pytest.fixture
async def world(tmp_path: Path, worker: Worker) -> AsyncIterator[World]:
    """Two miners, and the validators ready to judge them."""
    async with opened(tmp_path, worker) as made:
        await made.commit("miner-1", made.model(1.0))
        await made.commit("miner-2", made.model(0.8))
        await made.advance(10)
        yield made


async def audited(
    world: World,
    number: int | None = None,
    sample: int | None = None,
    text: str = SCHEDULE,
    told: list[Check] | None = None,
) -> Report:
    return await audit(
        world.client,
        NETUID,
        AuditBench(world.hub, world.models, world.text, world.worker),
        Agreed.of(text, "mini.toml"),
        number,
        sample=sample,
        rng=Random(7),
        tell=[].append if told is None else told.append,
    )


def exposed(report: Report) -> set[Name]:
    """The checks that failed."""
    assert report.verdict is (AuditVerdict.EXPOSED if report.differences else AuditVerdict.HOLDS)
    return {check.name for check in report.checks if not check.held}


async def test_honest_rounds_hold(world: World) -> None:
    await world.round("validator-1")
    await world.advance(8)
    await world.round("validator-1", world.schedule.competitions[1])
    told: list[Check] = []
    report = await audited(world, told=told)
    assert [each.sentence for each in report.differences] == []
    assert [check.skipped for check in report.checks] == [None] * len(Name)
    assert tuple(told) == report.checks
    assert [check.name for check in report.checks] == list(Name)
    assert (report.verdict, report.round) == (AuditVerdict.HOLDS, 2)
    assert report.computed == report.losses == 4
    sampled = await audited(world, number=1, sample=3)
    assert (sampled.verdict, sampled.computed, sampled.losses) == (AuditVerdict.HOLDS, 3, 8)
    assert sampled.chance == pytest.approx(3 / 8)


async def test_a_false_loss_is_named_with_its_model_its_page_and_by_how_much(world: World) -> None:
    """A consistent lie: score, tournament and weights follow from the false loss."""
    record = await world.record("validator-1")
    liar = record.models[1]
    losses = dict(liar.losses)
    losses["CODE"] = (losses["CODE"][0], losses["CODE"][1] * 1.01)
    lie = world.decided(record, (record.models[0], world.rescored(record, liar, losses)))
    await world.set_weights("validator-1", world.publish("validator-1", lie).record.weights)
    report = await audited(world)
    assert exposed(report) == {Name.LOSSES}
    (difference,) = report.differences
    assert difference.item == f"uid {liar.uid}, CODE, page 1"
    assert difference.relative == pytest.approx(0.01, rel=1e-3)


async def test_a_tolerable_loss_of_another_machine_passes(world: World) -> None:
    record = await world.record("validator-1")
    models = tuple(
        world.rescored(
            record,
            model,
            {
                task: tuple(x * (1 + 0.9 * TOLERANCE["float32"]) for x in own)
                for task, own in model.losses.items()
            },
        )
        for model in record.models
    )
    signed = world.publish("validator-1", world.decided(record, models))
    await world.set_weights("validator-1", signed.record.weights)
    assert exposed(await audited(world)) == set()


async def test_weights_on_the_chain_that_no_record_gives_are_named(world: World) -> None:
    await world.round("validator-1")
    await world.advance(6)
    await world.set_weights("validator-1", {hotkey("miner-1"): 0.5, hotkey("miner-2"): 0.5})
    report = await audited(world)
    assert exposed(report) == {Name.ON_CHAIN}
    assert {each.item for each in report.differences} == {
        f"hotkey {hotkey('miner-1')}",
        f"hotkey {hotkey('miner-2')}",
    }


async def test_weights_that_were_set_before_the_round_was_done_are_those_of_the_last(
    world: World,
) -> None:
    first = await world.round("validator-1")
    await world.advance(6)
    record = await world.record("validator-1")
    await world.set_weights("validator-1", first.record.weights)
    world.publish("validator-1", record)
    assert exposed(await audited(world)) == set()


async def test_anothers_signature_ends_the_audit(world: World) -> None:
    record = await world.record("validator-1")
    forged = world.sealed("validator-2", record)
    world.publish_signed("validator-1", forged)
    report = await audited(world)
    assert exposed(report) == {Name.SIGNATURE}
    assert len(report.checks) == 1


async def test_a_round_that_was_dropped_is_missed(world: World) -> None:
    first = await world.round("validator-1")
    await world.advance(6)
    dropped = world.sealed("validator-1", await world.record("validator-1"))
    world.newest["validator-1"] = dropped
    await world.advance(6)
    await world.round("validator-1")
    report = await audited(world)
    assert exposed(report) == {Name.CHAIN}
    assert [each.item for each in report.differences] == ["round 2"]
    await _renumbered(world, first, dropped)


async def _renumbered(world: World, first: SignedRound, dropped: SignedRound) -> None:
    """Closing the gap with another second round does not help."""
    other = changed(dropped.record, code_version="another")
    world.publish("validator-1", other)
    report = await audited(world, number=2)
    assert first.digest == other.previous
    assert [each.item for each in report.differences] == ["round 3, digest of the round before"]


async def test_a_model_that_left_the_hub_is_skipped_and_named(world: World) -> None:
    await world.round("validator-1")
    record = world.newest["validator-1"].record
    gone = record.models[0]
    world.hide(gone)
    report = await audited(world)
    assert exposed(report) == set()
    assert report.computed == 4
    skipped = {check.name: check.skipped for check in report.checks if check.skipped}
    assert set(skipped) == {Name.MODELS, Name.LOSSES}
    assert f"uid {gone.uid}: " in skipped[Name.MODELS]


async def test_what_cannot_be_audited_is_said_in_one_line(world: World) -> None:
    with pytest.raises(MissingModelError, match=f"{rounds_of('validator-1')}: no such"):
        await audited(world)
    await world.round("validator-1")
    with pytest.raises(InputError, match=r"round 9: .* there are 1 to 1"):
        await audited(world, number=9)
    with pytest.raises(InputError, match="give the file that the validators agreed on"):
        await audited(world, text=SCHEDULE + "\n# another file\n")
