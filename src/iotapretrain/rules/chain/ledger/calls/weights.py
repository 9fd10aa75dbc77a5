"""Setting weights (Yuma, section 12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from iotapretrain.rules.chain.ledger.chain_state import (
    CallRefusal,
    ChainState,
    LedgerEvent,
    Subnet,
    placed,
)
from iotapretrain.rules.chain.ledger.transitions import CallOutcome
from iotapretrain.rules.chain.weight_setting import (
    WeightsCall,
    WeightsOutcome,
    judge_weights,
    upscaled,
)

NOBODY = -1
REFUSALS: Mapping[WeightsOutcome, str] = {
    WeightsOutcome.COMMIT_REVEAL_ENABLED: "CommitRevealEnabled",
    WeightsOutcome.ROOT_NOT_ALLOWED: "CanNotSetRootNetworkWeights",
    WeightsOutcome.LENGTH_MISMATCH: "WeightVecNotEqualSize",
    WeightsOutcome.NO_MECHANISM: "MechanismDoesNotExist",
    WeightsOutcome.TOO_MANY_UIDS: "UidsLengthExceedUidsInSubNet",
    WeightsOutcome.NOT_REGISTERED: "HotKeyNotRegisteredInSubNet",
    WeightsOutcome.NOT_ENOUGH_STAKE: "NotEnoughStakeToSetWeights",
    WeightsOutcome.WRONG_VERSION_KEY: "IncorrectWeightVersionKey",
    WeightsOutcome.TOO_FAST: "SettingWeightsTooFast",
    WeightsOutcome.NO_PERMIT: "NeuronNoValidatorPermit",
    WeightsOutcome.DUPLICATE_UIDS: "DuplicateUids",
    WeightsOutcome.UNKNOWN_UID: "UidVecContainInvalidOne",
    WeightsOutcome.TOO_FEW_WEIGHTS: "WeightVecLengthIsLow",
}
"""What the chain calls each outcome."""


@dataclass(frozen=True, slots=True)
class SetWeights:
    """Replace the signer's row of weights by one in the open."""

    netuid: int
    dests: Sequence[int]
    weights: Sequence[int]
    version_key: int

    def perform(self, state: ChainState, signer: str) -> CallOutcome:
        subnet = state.subnet(self.netuid)
        uid = self._accepted(state, subnet, signer)
        row = tuple(zip(self.dests, upscaled(self.weights), strict=True))
        neuron = replace(subnet.neurons[uid], last_update=state.block)
        changed = replace(
            subnet,
            neurons=placed(subnet.neurons, uid, neuron),
            weights=placed(subnet.weights, uid, row),
        )
        happened = LedgerEvent("SubtensorModule", "WeightsSet", {"netuid": self.netuid, "uid": uid})
        return CallOutcome(state.with_subnet(changed), (happened,))

    def _accepted(self, state: ChainState, subnet: Subnet, signer: str) -> int:
        """The signer's uid, once every check has passed; the first that fails decides."""
        uid, parameters = subnet.uid(signer), subnet.parameters
        call = WeightsCall(
            uids=self.dests,
            values=self.weights,
            n=len(subnet.neurons),
            uid=NOBODY if uid is None else uid,
            block=state.block,
            last_update=0 if uid is None else subnet.neurons[uid].last_update,
            stake=subnet.staked(signer),
            registered=uid is not None,
            permit=uid is not None and subnet.standing.permit[uid],
            is_owner=signer == subnet.owner_hotkey,
            stake_threshold=state.network.stake_threshold,
            version_key=self.version_key,
            network_version_key=parameters.weights_version,
            rate_limit=parameters.weights_rate_limit,
            min_allowed_weights=parameters.min_allowed_weights,
        )
        outcome = judge_weights(call)
        if outcome is not WeightsOutcome.OK or uid is None:
            raise CallRefusal(REFUSALS[outcome])
        return uid


@dataclass(frozen=True, slots=True)
class SetMechanismWeights:
    """The same, naming one of the subnet's mechanisms; there is only the first."""

    netuid: int
    mecid: int
    dests: Sequence[int]
    weights: Sequence[int]
    version_key: int

    def perform(self, state: ChainState, signer: str) -> CallOutcome:
        if self.mecid:
            raise CallRefusal("MechanismDoesNotExist")
        call = SetWeights(self.netuid, self.dests, self.weights, self.version_key)
        return call.perform(state, signer)


class Sealed:
    """Committing and revealing weights: every subnet here takes them in the open."""

    def __init__(self, *_: object) -> None:
        """Whatever is sealed, it is not looked at."""

    def perform(self, state: ChainState, signer: str) -> CallOutcome:  # noqa: ARG002 -- as every call
        raise CallRefusal("CommitRevealDisabled")
