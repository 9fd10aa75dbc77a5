"""IOTA's own phases, as its public code of July 2025 has them, upon the same log: for comparison.

All stages enter every phase together. Training ends once 80 % of all miners have done their least,
which is 10 passes there and what the run's terms say here: epochs of unequal length compare churn;
routes under way are given up. A merge takes what 80 % of a stage's members had sent when all stages
have so many, and ends with 30 % of its results. What was not in it is thrown away; whoever stood
outside waits for the next one. Nothing but three hours ends a wait.
"""

from __future__ import annotations

from collections import Counter

from iotapretrain.rules.swarm.log import swarm_records as records
from iotapretrain.rules.swarm.log.due import DueRecords
from iotapretrain.rules.swarm.log.swarm_state import SignedBase, StageEpoch

QUORUM, MERGED = 0.8, 0.3
LONGEST = 3 * 3_600_000


def all_together(turn: DueRecords) -> bool:
    """The next phase, once every stage is there; routes are issued in training alone."""
    stages = turn.state.stages
    if all(stage.until == 0 for stage in stages):
        for number in range(len(stages)):
            until = turn.at + LONGEST
            turn.write(records.DeadlineMoved(number, "training begins", until, turn.at))
    phase = turn.state.stages[0].phase
    late = turn.at >= turn.state.stages[0].until
    if late:
        _start_anew(turn, "three hours are over")
    elif _is_over(turn, phase):
        _enter(turn, phase)
    return turn.state.stages[0].phase == "train"


def _enter(turn: DueRecords, phase: records.Phase) -> None:
    if phase == "agree":
        return _start_anew(turn, "")
    following: dict[records.Phase, records.Phase] = {
        "train": "announce",
        "announce": "publish",
        "publish": "agree",
    }
    if phase == "train" and turn.state.routes:
        under_way = tuple(turn.state.routes)
        turn.write(records.RoutesDropped(under_way, "all stages merge", turn.at))
    for number, stage in enumerate(turn.state.stages):
        until = turn.at + LONGEST
        opened = records.PhaseOpened(
            number, stage.epoch, following[phase], "all stages are there", until, turn.at
        )
        turn.write(opened)
    return None


def _start_anew(turn: DueRecords, problem: str) -> None:
    """The next epoch of all stages; what entered no merge is thrown away."""
    for number, stage in enumerate(turn.state.stages):
        agreed = _voted(stage)[0]
        base = stage.base if problem else agreed.base or stage.base
        until = turn.at + LONGEST
        turn.write(
            records.EpochOpened(
                number, stage.epoch + 1, base, agreed.left_out, problem, until, turn.at
            )
        )
        left_out = [hotkey for hotkey, each in turn.state.of_stage(number) if each.done]
        if left_out:
            again = tuple((hotkey, number) for hotkey in left_out)
            turn.write(records.StagesAssigned(again, turn.at))


def _is_over(turn: DueRecords, phase: records.Phase) -> bool:
    if phase == "train":
        return _trained(turn)
    over = {"announce": _sent, "publish": _uploaded, "agree": _merged}[phase]
    return all(over(turn, number) for number in range(len(turn.state.stages)))


def _trained(turn: DueRecords) -> bool:
    """Of all miners, whatever their stage: so one stage may have nobody."""
    present = [each for each in turn.state.members.values() if each.present]
    enough = sum(each.done >= turn.state.terms.samples for each in present)
    return bool(present) and enough >= QUORUM * len(present)


def _sent(turn: DueRecords, number: int) -> bool:
    ready = turn.state.ready(number)
    return len(turn.state.stages[number].changes) >= QUORUM * len(ready)


def _uploaded(turn: DueRecords, number: int) -> bool:
    changes = turn.state.stages[number].changes.values()
    return sum(bool(each.blob) for each in changes) >= QUORUM * len(changes)


def _merged(turn: DueRecords, number: int) -> bool:
    stage = turn.state.stages[number]
    return not stage.voters or _voted(stage)[1] > MERGED * len(stage.voters)


def _voted(stage: StageEpoch) -> tuple[SignedBase, int]:
    counted = Counter(stage.signed.values()).items()
    return max(counted, key=lambda each: each[1], default=(SignedBase("", ()), 0))
