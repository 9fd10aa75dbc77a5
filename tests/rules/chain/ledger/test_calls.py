"""What calls do, and what they refuse without doing anything."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from iotapretrain.errors import RefusedError
from iotapretrain.rules.chain.ledger.advance import advance
from iotapretrain.rules.chain.ledger.calls.balances import (
    add_stake,
    add_stake_limit,
    remove_stake,
    transfer_all,
    transfer_allow_death,
    transfer_keep_alive,
)
from iotapretrain.rules.chain.ledger.calls.commitments import set_commitment
from iotapretrain.rules.chain.ledger.calls.dispatch import CALLS, make_call
from iotapretrain.rules.chain.ledger.calls.neurons import burned_register, serve_axon
from iotapretrain.rules.chain.ledger.calls.owner_settings import set_alpha_values, set_parameter
from iotapretrain.rules.chain.ledger.calls.weights import set_mechanism_weights, set_weights
from iotapretrain.rules.chain.ledger.chain_state import ChainState, held
from iotapretrain.rules.chain.ledger.parameters import MULTIPLIER_ONE, NetworkParameters
from iotapretrain.rules.chain.ledger.transitions import (
    Call,
    Transaction,
    decide,
)
from tests.rules.chain.ledger.people import RAO, beginning, done, refused, registered, send

DEPOSIT = NetworkParameters().existential_deposit


def sent(state: ChainState, nonce: int) -> Transaction:
    return Transaction("cold1", nonce, transfer_keep_alive("cold2", RAO))


def test_nonces_count_one_by_one() -> None:
    state = beginning()
    for nonce, reason in ((1, "Future"), (7, "Future")):
        with pytest.raises(RefusedError) as refusal:
            decide(state, sent(state, nonce))
        assert refusal.value.reason == reason
    state = decide(state, sent(state, 0)).state
    with pytest.raises(RefusedError) as refusal:
        decide(state, sent(state, 0))
    assert refusal.value.reason == "Stale"
    assert decide(state, sent(state, 1)).state.account("cold1").nonce == 2


def test_transfers_keep_the_sender_alive_or_end_it() -> None:
    state = beginning()
    all_but_deposit = 100 * RAO - DEPOSIT
    kept = done(state, "cold1", transfer_keep_alive("new", all_but_deposit))
    assert kept.account("cold1").free == DEPOSIT
    assert kept.account("new").free == all_but_deposit
    assert (
        refused(state, "cold1", transfer_keep_alive("new", all_but_deposit + 1)) == "NotExpendable"
    )
    assert refused(state, "cold1", transfer_keep_alive("new", 101 * RAO)) == "FundsUnavailable"
    ended = done(state, "cold1", transfer_allow_death("new", all_but_deposit + 1))
    assert ended.account("cold1").free == 0
    assert ended.issuance == state.issuance - (DEPOSIT - 1)
    assert held(ended) == ended.issuance
    assert refused(state, "cold1", transfer_allow_death("new", DEPOSIT - 1)) == "BelowMinimum"
    assert (
        done(state, "cold1", transfer_all("new", keep_alive=True)).account("cold1").free == DEPOSIT
    )
    assert done(state, "cold1", transfer_all("new", keep_alive=False)).account("cold1").free == 0
    assert refused(state, "nobody", transfer_all("new", keep_alive=False)) == "BelowMinimum"


def test_a_transfer_to_oneself_changes_nothing() -> None:
    state = beginning()
    after = done(state, "cold1", transfer_keep_alive("cold1", RAO))
    assert after.account("cold1").free == state.account("cold1").free


def test_registering_burns_the_price_and_opens_the_next_uid() -> None:
    state = beginning()
    after = registered(state, 3, 4)
    subnet = after.subnets[1]
    assert [neuron.hotkey for neuron in subnet.neurons] == ["hot3", "hot4"]
    assert (subnet.standing.active, subnet.standing.permit) == ((True,) * 2, (False,) * 2)
    assert state.issuance - after.issuance == RAO + 1_259_999_999  # 1.26 cut to 2^-64
    assert after.owners["hot3"] == "cold3"
    assert held(after) == after.issuance


def test_a_newcomer_replaces_the_lowest_that_is_not_immune() -> None:
    state = advance(registered(beginning(), 1, 2, 3, 4), 10)
    state = done(state, "hot1", set_weights(1, [2, 3], [3, 1], 0))
    state = done(state, "hot2", set_weights(1, [2, 3], [3, 1], 0))
    state = advance(state, 30)
    emission = state.subnets[1].standing.emission
    assert emission[3] == min(emission)
    weights_before = state.subnets[1].weights
    after = registered(state, 5)
    subnet = after.subnets[1]
    assert subnet.neurons[3].hotkey == "hot5"
    assert (subnet.neurons[3].registered, subnet.neurons[3].last_update) == (30, 30)
    assert subnet.weights[0] == ((2, weights_before[0][0][1]), (3, 0))
    assert (subnet.weights[3], subnet.bonds[3]) == ((), ())
    assert subnet.bonds[0] == state.subnets[1].bonds[0]
    assert subnet.standing.incentive[3] == 0
    assert subnet.uid("hot4") is None


def test_stake_of_a_replaced_neuron_stays_its_owners() -> None:
    state = registered(beginning(max_allowed_uids=1, immunity_period=0), 1)
    after = registered(state, 3)
    assert after.subnets[1].stakes["hot1"] == state.subnets[1].stakes["hot1"]


def test_nobody_can_be_replaced_where_only_the_owner_sits() -> None:
    state = registered(beginning(max_allowed_uids=1, immunity_period=0), 0)
    assert refused(state, "cold3", burned_register(1, "hot3")) == "NoNeuronIdAvailable"


REGISTRATIONS: Mapping[str, tuple[str, Call]] = {
    "SubnetNotExists": ("cold3", burned_register(2, "hot3")),
    "HotKeyAlreadyRegisteredInSubNet": ("cold3", burned_register(1, "hot4")),
    "NonAssociatedColdKey": ("cold3", burned_register(1, "hot1")),
    "NotEnoughBalanceToStake": ("nobody", burned_register(1, "hot3")),
}


@pytest.mark.parametrize("name", REGISTRATIONS)
def test_registrations_that_are_refused(name: str) -> None:
    signer, call = REGISTRATIONS[name]
    assert refused(registered(beginning(), 4), signer, call) == name


def test_closed_registration() -> None:
    state = beginning(registration_allowed=False)
    assert refused(state, "cold3", burned_register(1, "hot3")) == "SubNetRegistrationDisabled"


def test_stake_moves_one_to_one_and_leaves_no_dust() -> None:
    state = beginning()
    staked = done(state, "cold3", add_stake("hot1", 1, 5 * RAO))
    assert staked.subnets[1].stakes["hot1"]["cold3"] == 5 * RAO
    assert staked.account("cold3").free == 95 * RAO
    least = state.network.minimum_stake
    dusty = remove_stake("hot1", 1, 5 * RAO - least + 1)
    assert refused(staked, "cold3", dusty) == "AmountTooLow"
    half = done(staked, "cold3", remove_stake("hot1", 1, 2 * RAO))
    assert half.account("cold3").free == 97 * RAO
    everything = done(half, "cold3", remove_stake("hot1", 1, 2**64 - 1))
    assert everything.account("cold3").free == 100 * RAO
    assert "cold3" not in everything.subnets[1].stakes["hot1"]


STAKINGS: Mapping[str, Call] = {
    "SubnetNotExists": add_stake("hot1", 9, RAO),
    "HotKeyAccountNotExists": add_stake("unknown", 1, RAO),
    "AmountTooLow": add_stake("hot1", 1, 1_999_999),
    "NotEnoughBalanceToStake": add_stake("hot1", 1, 100 * RAO),
    "SlippageTooHigh": add_stake_limit("hot1", 1, RAO, RAO - 1, False),
    "NotEnoughStakeToWithdraw": remove_stake("hot1", 1, RAO),
}


@pytest.mark.parametrize("name", STAKINGS)
def test_stakings_that_are_refused(name: str) -> None:
    assert refused(beginning(), "cold3", STAKINGS[name]) == name


def test_axons() -> None:
    state = registered(beginning(), 3)
    call = serve_axon(1, 1, 2**31, 9000, 4, 4, 0, 0)
    served = done(state, "hot3", call)
    axon = served.subnets[1].neurons[0].axon
    assert axon is not None
    assert (axon.ip, axon.port, axon.block) == (2**31, 9000, 0)
    assert refused(served, "hot3", call) == "ServingRateLimitExceeded"
    done(advance(served, 4), "hot3", call)
    assert refused(state, "hot4", call) == "HotKeyNotRegisteredInSubNet"
    assert refused(state, "hot3", serve_axon(1, 1, 1, 9000, 5, 4, 0, 0)) == "InvalidIpType"
    assert refused(state, "hot3", serve_axon(1, 1, 2**32, 9000, 4, 4, 0, 0)) == "InvalidIpAddress"
    assert refused(state, "hot3", serve_axon(1, 1, 1, 0, 4, 4, 0, 0)) == "InvalidPort"
    done(state, "hot3", serve_axon(1, 1, 2**127, 9000, 6, 4, 0, 0))


def commitment(*fields: tuple[str, str]) -> Call:
    return set_commitment(1, {"fields": [{name: held} if held else name for name, held in fields]})


def raw(size: int) -> tuple[str, str]:
    return f"Raw{size}", "0x" + "ab" * size


def test_a_commitment_replaces_the_one_before_and_is_dated_anew() -> None:
    state = advance(registered(beginning(), 3), 5)
    first = done(state, "hot3", commitment(raw(5)))
    assert first.subnets[1].commitments["hot3"].block == 5
    assert refused(advance(first, 7), "hot3", commitment(raw(6))) == "TxRateLimitExceeded"
    second = done(advance(first, 8), "hot3", commitment(raw(6)))
    kept = second.subnets[1].commitments["hot3"]
    assert (kept.block, kept.fields) == (8, (raw(6),))


COMMITMENTS: Mapping[str, tuple[str, Call]] = {
    "AccountNotAllowedCommit": ("hot4", commitment(raw(5))),
    "SpaceLimitExceeded": ("hot3", commitment(raw(100), raw(29))),
    "TooManyFieldsInCommitmentInfo": ("hot3", commitment(*[raw(1)] * 4)),
    "TimelockRevealFailedNotAllowed": (
        "hot3",
        set_commitment(
            1, {"fields": [{"TimelockEncrypted": {"encrypted": "0x", "reveal_round": 1}}]}
        ),  # type: ignore[dict-item]
    ),
}


@pytest.mark.parametrize("name", COMMITMENTS)
def test_commitments_that_are_refused(name: str) -> None:
    signer, call = COMMITMENTS[name]
    assert refused(registered(beginning(), 3), signer, call) == name


def test_commitments_use_up_space_that_is_counted_anew_every_epoch() -> None:
    network = NetworkParameters(commitment_space=350)
    state = registered(beginning(network, tempo=100, commitment_rate_limit=0), 3)
    for size in (1, 100, 128):  # at least 100 bytes each
        state = done(state, "hot3", commitment(raw(size)))
    assert refused(state, "hot3", commitment(raw(1))) == "SpaceLimitExceeded"
    done(advance(state, 100), "hot3", commitment(raw(1)))


def test_a_commitment_resets_bonds_where_the_subnet_says_so() -> None:
    for enabled in (False, True):
        state = advance(registered(beginning(bonds_reset_enabled=enabled), 1, 2, 3), 10)
        state = done(state, "hot1", set_weights(1, [2], [1], 0))
        state = advance(state, 20)
        assert state.subnets[1].bonds[0]
        after = done(state, "hot3", commitment(raw(1)))
        assert (after.subnets[1].bonds[0] == ()) == enabled


def test_weights_replace_the_row_and_are_upscaled() -> None:
    state = advance(registered(beginning(), 1, 2, 3), 10)
    after = done(state, "hot1", set_weights(1, [1, 2], [1, 3], 0))
    subnet = after.subnets[1]
    assert subnet.weights[0] == ((1, 21845), (2, 65535))
    assert subnet.neurons[0].last_update == 10
    assert subnet.neurons[1].last_update == 0
    assert (
        refused(after, "hot1", set_mechanism_weights(1, 1, [1], [1], 0)) == "MechanismDoesNotExist"
    )
    zero = done(advance(after, 13), "hot1", set_mechanism_weights(1, 0, [1, 2], [0, 0], 0))
    assert zero.subnets[1].weights[0] == ((1, 0), (2, 0))


def test_the_owner_and_a_weight_on_oneself_need_no_permit() -> None:
    state = advance(registered(beginning(), 0, 3, 4), 5)
    done(state, "hot0", set_weights(1, [1], [1], 0))
    done(state, "hot3", set_weights(1, [1], [1], 0))
    assert refused(state, "hot3", set_weights(1, [2], [1], 0)) == "NeuronNoValidatorPermit"


def test_sealed_weights_are_not_taken() -> None:
    state = advance(registered(beginning(), 1), 5)
    sealed = make_call("SubtensorModule", "commit_timelocked_mechanism_weights", (1, 0, "0x", 9, 4))
    assert refused(state, "hot1", sealed) == "CommitRevealDisabled"
    turned_on = make_call("AdminUtils", "sudo_set_commit_reveal_weights_enabled", (1, True))
    assert refused(state, "cold0", turned_on) == "CallFiltered"


PARAMETERS: Mapping[tuple[str, int], str | None] = {
    ("tempo", 360): None,
    ("tempo", 359): "TempoOutOfBounds",
    ("activity_cutoff_factor", 999): "ActivityCutoffFactorMilliOutOfBounds",
    ("alpha_sigmoid_steepness", -1): "NegativeSigmoidSteepness",
    ("burn_increase_mult", 3 * MULTIPLIER_ONE): None,
    ("burn_increase_mult", 3 * MULTIPLIER_ONE + 1): "ValueNotInBounds",
    ("max_allowed_uids", 1): "MaxAllowedUIdsLessThanCurrentUIds",
    ("kappa", 1): "BadOrigin",
    ("max_validators", 9): "BadOrigin",
    ("min_burn", 2**60): "ValueNotInBounds",
    ("immunity_period", 9): None,
}


@pytest.mark.parametrize(("setting", "refusal"), PARAMETERS.items())
def test_what_an_owner_may_set(setting: tuple[str, int], refusal: str | None) -> None:
    name, value = setting
    state = registered(beginning(), 3, 4)
    call = set_parameter(name, 1, value)
    assert refused(state, "cold3", call) == "BadOrigin"
    if refusal is not None:
        assert refused(state, "cold0", call) == refusal
    else:
        assert getattr(done(state, "cold0", call).subnets[1].parameters, name) == value


def test_a_new_tempo_counts_from_now_and_a_price_keeps_to_its_bounds() -> None:
    state = advance(beginning(), 7)
    slower = done(state, "cold0", set_parameter("tempo", 1, 400))
    assert slower.subnets[1].timing.last_epoch_block == 7
    cheaper = done(state, "cold0", set_parameter("max_burn", 1, 5000))
    assert cheaper.subnets[1].burn == 5000


def test_the_bounds_of_liquid_alpha() -> None:
    off, on = beginning(), beginning(liquid_alpha_enabled=True)
    assert refused(off, "cold0", set_alpha_values(1, 2000, 3000)) == "LiquidAlphaDisabled"
    assert refused(on, "cold0", set_alpha_values(1, 2000, 1637)) == "AlphaHighTooLow"
    assert refused(on, "cold0", set_alpha_values(1, 1637, 3000)) == "AlphaLowOutOfRange"
    assert refused(on, "cold3", set_alpha_values(1, 2000, 3000)) == "BadOrigin"
    parameters = done(on, "cold0", set_alpha_values(1, 2000, 3000)).subnets[1].parameters
    assert (parameters.alpha_low, parameters.alpha_high) == (2000, 3000)


def test_calls_that_nobody_performs_are_filtered() -> None:
    assert refused(beginning(), "cold3", make_call("Balances", "burn", (1,))) == "CallFiltered"


def test_every_call_of_the_table_takes_what_the_description_lists() -> None:
    pallets = pytest.importorskip("iotapretrain.chain.runtime.pallets").pallets(12_000)
    described = {
        (pallet.name, call.name): len(call.fields) for pallet in pallets for call in pallet.calls
    }
    assert set(CALLS) <= set(described)
    for name, maker in CALLS.items():
        maker(*range(described[name]))


def test_a_refused_call_spends_its_nonce_and_nothing_else() -> None:
    outcome = send(beginning(), "cold3", add_stake("unknown", 1, RAO))
    assert outcome.state.account("cold3").nonce == 1
    assert outcome.events == ()
