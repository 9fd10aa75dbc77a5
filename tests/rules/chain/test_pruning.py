"""Who goes when a subnet is full."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.rules.chain.registration import ReplaceableNeuron, uid_to_replace

candidates = st.lists(
    st.builds(ReplaceableNeuron, st.integers(0, 3), st.integers(0, 20), st.booleans()), max_size=8
)


def replaced(
    neurons: list[ReplaceableNeuron],
    block: int = 20,
    immunity: int = 5,
    floor: int = 0,
    limit: int = 1,
) -> int | None:
    return uid_to_replace(neurons, block, immunity, floor, limit, None)


def test_least_emission_goes_then_the_oldest_then_the_lowest_uid() -> None:
    assert (
        replaced([ReplaceableNeuron(2, 0), ReplaceableNeuron(1, 9), ReplaceableNeuron(1, 8)]) == 2
    )
    assert replaced([ReplaceableNeuron(1, 8), ReplaceableNeuron(1, 8)]) == 0


def test_the_immune_go_only_when_too_few_others_are_left() -> None:
    neurons = [ReplaceableNeuron(9, 0), ReplaceableNeuron(9, 1), ReplaceableNeuron(0, 19)]
    assert replaced(neurons, floor=1) == 0
    assert replaced(neurons, floor=2) == 2


def test_immunity_ends_after_exactly_its_period() -> None:
    assert replaced([ReplaceableNeuron(0, 16), ReplaceableNeuron(9, 15)]) == 1


def test_without_anyone_to_replace_nobody_goes() -> None:
    assert replaced([ReplaceableNeuron(0, 0, owner_key=True)]) is None
    assert replaced([ReplaceableNeuron(0, 0)], floor=1) is None
    assert replaced([]) is None


def test_the_designated_owner_takes_the_place_of_an_older_key() -> None:
    neurons = [
        ReplaceableNeuron(0, 0, owner_key=True),
        ReplaceableNeuron(0, 9, owner_key=True),
        ReplaceableNeuron(5, 0),
    ]
    assert uid_to_replace(neurons, 20, 5, 0, 1, owner_uid=1) == 0
    assert uid_to_replace(neurons, 20, 5, 0, 1, owner_uid=0) == 1
    assert uid_to_replace(neurons, 20, 5, 0, 2, owner_uid=1) == 2


@given(candidates, st.integers(0, 10), st.integers(0, 4), st.integers(0, 3))
def test_an_immune_neuron_never_goes_while_enough_others_are_there(
    neurons: list[ReplaceableNeuron], immunity: int, floor: int, limit: int
) -> None:
    uid = replaced(neurons, 20, immunity, floor, limit)
    owned = sorted((n.registered, k) for k, n in enumerate(neurons) if n.owner_key)[:limit]
    mortal = [k for k in range(len(neurons)) if k not in {k for _, k in owned}]
    free = [k for k in mortal if 20 - neurons[k].registered >= immunity]
    if len(free) > floor:
        assert uid in free
        assert neurons[uid].emission == min(neurons[k].emission for k in free)
    else:
        assert uid is None or uid in set(mortal) - set(free)
