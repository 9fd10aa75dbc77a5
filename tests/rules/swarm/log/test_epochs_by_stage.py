"""Epochs by stage: phases, deadlines, who is missed, and what becomes of work that is late."""

from __future__ import annotations

import pytest

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.log import swarm_records as records
from tests.rules.swarm.log.played_swarm import PlayedSwarm, hash_of, refolded

FOUR = ("ann", "bob", "cid", "dee")


@pytest.fixture
def swarm() -> PlayedSwarm:
    """Two stages of two ready miners each, with routes under way."""
    played = PlayedSwarm()
    played.begin(*FOUR)
    return played


def members(swarm: PlayedSwarm, stage: int) -> list[str]:
    return sorted(hotkey for hotkey, _ in swarm.state.of_stage(stage))


def last_problem(swarm: PlayedSwarm, stage: int) -> str:
    """Why a stage's last epoch came to no merge."""
    opened = [each for each in swarm.of_kind(records.EpochOpened) if each.stage == stage]
    return opened[-1].problem


def asked_to_sign() -> tuple[PlayedSwarm, list[str]]:
    """Three members of stage 0, whose changes are all published."""
    swarm = PlayedSwarm()
    swarm.begin(*FOUR, "eve", "fay")
    swarm.train()
    everybody = members(swarm, 0)
    for deed in (swarm.announce, swarm.publish):
        for hotkey in everybody:
            deed(hotkey)
        swarm.look()
    return swarm, everybody


def merge(swarm: PlayedSwarm, stage: int) -> None:
    """A whole merge of one stage."""
    for hotkey in members(swarm, stage):
        swarm.announce(hotkey)
    swarm.look()
    for hotkey in members(swarm, stage):
        swarm.publish(hotkey)
    swarm.look()
    for hotkey in members(swarm, stage):
        swarm.sign(hotkey)
    swarm.look()


def test_newcomers_are_placed_at_once_and_get_routes_once_they_hold_the_base(
    swarm: PlayedSwarm,
) -> None:
    assert [len(members(swarm, stage)) for stage in (0, 1)] == [2, 2]
    assert swarm.state.routes
    swarm.join("eve")
    swarm.look()
    number = swarm.state.members["eve"].number
    assert not swarm.state.is_ready(swarm.state.members["eve"])
    assert all(number not in route.miners for route in swarm.state.routes.values())
    swarm.hold("eve")
    assert swarm.state.is_ready(swarm.state.members["eve"])


def test_a_whole_merge_gives_a_new_base_to_all_who_signed_it(swarm: PlayedSwarm) -> None:
    swarm.train()
    assert swarm.phase(0) == swarm.phase(1) == "announce"
    done = swarm.state.weighed(members(swarm, 0))
    merge(swarm, 0)
    stage = swarm.state.stages[0]
    assert (stage.epoch, stage.base, stage.phase) == (1, hash_of("base 0 of 1"), "train")
    assert swarm.state.ready(0) == members(swarm, 0)
    assert swarm.state.merged_hops == done > 0
    assert swarm.state.weighed(members(swarm, 0)) == 0


def test_stages_do_not_wait_for_each_other(swarm: PlayedSwarm) -> None:
    swarm.train()
    merge(swarm, 0)
    assert swarm.state.stages[0].epoch == 1
    assert swarm.state.stages[1].epoch == 0
    assert swarm.phase(1) == "announce"


def test_a_member_that_announces_nothing_is_not_waited_for_past_the_deadline() -> None:
    swarm = PlayedSwarm()
    swarm.begin(*FOUR, "eve", "fay")
    swarm.train()
    present, late = members(swarm, 0)[:2], members(swarm, 0)[2]
    for hotkey in present:
        swarm.announce(hotkey)
    swarm.look()
    assert swarm.phase(0) == "announce"
    done = swarm.state.members[late].done
    swarm.look(swarm.terms.announce / 1000)
    assert swarm.phase(0) == "publish"
    assert "not all announced in time" in [
        record.reason for record in swarm.of_kind(records.PhaseOpened)
    ]
    with pytest.raises(InputError, match="yours stays with you and enters the next merge"):
        swarm.announce(late)
    for hotkey in present:
        swarm.publish(hotkey)
    swarm.look()
    for hotkey in present:
        swarm.sign(hotkey)
    swarm.look(swarm.terms.agree / 1000)
    assert swarm.state.stages[0].base == hash_of("base 0 of 1")
    assert swarm.state.members[late].done == done > 0
    assert late not in swarm.state.ready(0)


def test_a_merge_of_too_few_says_so_and_keeps_base_and_work(swarm: PlayedSwarm) -> None:
    swarm.train()
    one, _ = members(swarm, 0)
    swarm.announce(one)
    done = swarm.state.members[one].done
    swarm.look(swarm.terms.announce / 1000)
    assert last_problem(swarm, 0) == "1 members announced a change"
    assert swarm.state.stages[0].base == hash_of("base", 0)
    assert swarm.state.stages[0].epoch == 1
    assert swarm.state.members[one].done == done


@pytest.mark.parametrize("published", [0, 1])
def test_changes_that_are_announced_and_never_published_are_left_out(
    swarm: PlayedSwarm, published: int
) -> None:
    swarm.train()
    for hotkey in members(swarm, 0):
        swarm.announce(hotkey)
    swarm.look()
    for hotkey in members(swarm, 0)[:published]:
        swarm.publish(hotkey)
    swarm.look(swarm.terms.publish / 1000)
    problem = f"{published} changes with work were published"
    assert last_problem(swarm, 0) == problem


def test_two_bases_of_one_merge_are_none(swarm: PlayedSwarm) -> None:
    swarm.train()
    one, other = members(swarm, 0)
    for hotkey in (one, other):
        swarm.announce(hotkey)
    swarm.look()
    for hotkey in (one, other):
        swarm.publish(hotkey)
    swarm.look()
    swarm.sign(one, "a")
    swarm.sign(other, "b")
    swarm.look()
    assert swarm.state.stages[0].base == hash_of("base", 0)
    assert last_problem(swarm, 0) == "1 of 2 members signed one base"


def test_a_change_that_could_not_be_merged_stays_with_its_member() -> None:
    swarm, everybody = asked_to_sign()
    outside = everybody[0]
    done = {hotkey: swarm.state.members[hotkey].done for hotkey in everybody}
    swarm.sign(everybody[1], "base", outside)
    swarm.sign(everybody[2], "base", outside)
    swarm.look()
    assert swarm.state.stages[0].base == hash_of("base")
    assert swarm.state.members[outside].done == done[outside] > 0
    assert swarm.state.members[outside].merged == -1
    assert swarm.state.merged_hops == done[everybody[1]] + done[everybody[2]]
    assert [swarm.state.members[hotkey].done for hotkey in everybody[1:]] == [0, 0]


def test_most_members_make_the_base_and_who_signed_another_is_not_ready() -> None:
    swarm, everybody = asked_to_sign()
    liar = everybody[0]
    swarm.sign(liar, "another")
    for hotkey in everybody[1:]:
        swarm.sign(hotkey)
    swarm.look()
    assert swarm.state.ready(0) == everybody[1:]
    swarm.hold(liar)
    assert swarm.state.ready(0) == everybody


def test_who_leaves_may_announce_while_others_train(swarm: PlayedSwarm) -> None:
    swarm.finish_routes()
    goes, stays = members(swarm, 0)
    done = swarm.state.members[goes].done
    swarm.announce(goes)
    swarm.publish(goes)
    swarm.ask(records.MinerLeft(goes, "left", 0))
    assert not swarm.state.members[goes].present
    swarm.train()
    swarm.announce(stays)
    swarm.look()
    swarm.publish(stays)
    swarm.look()
    assert swarm.state.stages[0].entered == tuple(sorted((goes, stays)))
    swarm.sign(stays)
    swarm.look(swarm.terms.agree / 1000)
    assert swarm.state.members[goes].done == 0 < done


def test_a_deadline_that_moves_says_why() -> None:
    swarm = PlayedSwarm()
    swarm.begin("ann")
    swarm.look(swarm.terms.train / 1000)
    moved = swarm.of_kind(records.DeadlineMoved)[-1]
    assert moved.reason == "0 members have work to merge, of 2"
    assert swarm.state.stages[0].until == swarm.at + swarm.terms.train


def test_a_merge_waits_as_long_as_it_lately_took_twice_over(swarm: PlayedSwarm) -> None:
    for _ in range(2):
        swarm.train()
        for stage in (0, 1):
            for hotkey in members(swarm, stage):
                swarm.announce(hotkey)
        swarm.look(6.0)
        for stage in (0, 1):
            for hotkey in members(swarm, stage):
                swarm.publish(hotkey)
        swarm.look(8.0)
        for stage in (0, 1):
            for hotkey in members(swarm, stage):
                swarm.sign(hotkey)
        swarm.look(1.0)
    first, second = (
        [
            each.until - each.at
            for each in swarm.of_kind(records.PhaseOpened)
            if (each.stage, each.phase) == (0, phase)
        ]
        for phase in ("announce", "publish")
    )
    assert first == [swarm.terms.announce, 12_000]
    assert second == [swarm.terms.publish, 16_000]


def test_a_silent_miner_leaves_with_its_routes_and_comes_back_to_its_stage(
    swarm: PlayedSwarm,
) -> None:
    gone = members(swarm, 1)[0]
    number = swarm.state.members[gone].number
    lost = {n for n, each in swarm.state.routes.items() if number in each.miners}
    made = swarm.look(0.1, gone)
    assert made[0] == records.MinerLeft(gone, "silent", swarm.at)
    dropped = next(each for each in made if isinstance(each, records.RoutesDropped))
    assert set(dropped.routes) == lost
    assert swarm.state.members[gone].booked == 0
    swarm.join(gone)
    swarm.look()
    assert swarm.stage_of(gone) == 1


def test_what_is_asked_twice_makes_no_second_record(swarm: PlayedSwarm) -> None:
    hotkey = members(swarm, 1)[0]
    number = swarm.state.members[hotkey].number
    route = next(n for n, each in swarm.state.routes.items() if number in each.miners)
    assert len(swarm.file(hotkey, route)) == 1
    before = swarm.state
    assert swarm.file(hotkey, route) == []
    assert swarm.state is before


def test_receipts_that_do_not_go_together_pay_neither_and_raise_doubt(swarm: PlayedSwarm) -> None:
    route, each = next(iter(swarm.state.routes.items()))
    head, tail = (swarm.state.hotkeys[miner] for miner in each.miners)
    swarm.file(head, route, said=" a lie")
    swarm.file(tail, route)
    assert route not in swarm.state.routes
    assert swarm.state.members[head].done == swarm.state.members[tail].done == 0
    assert swarm.state.doubted == {head, tail}


def test_a_stranger_who_folds_the_records_gets_the_same_state(swarm: PlayedSwarm) -> None:
    swarm.train()
    merge(swarm, 0)
    swarm.look(30.0, blocks=3)
    assert refolded(swarm) == swarm.state
