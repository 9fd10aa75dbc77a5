"""Setting weights (Yuma, section 12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from iotapretrain.rules.ledger._subnet import upscaled
from iotapretrain.rules.ledger.calls.call import Change
from iotapretrain.rules.ledger.refusal import Event, Refusal
from iotapretrain.rules.ledger.state import State, Subnet


@dataclass(frozen=True, slots=True)
class SetWeights:
    """Replace the signer's row of weights by one in the open."""

    netuid: int
    dests: Sequence[int]
    weights: Sequence[int]
    version_key: int

    def perform(self, state: State, signer: str) -> Change:
        subnet = state.subnet(self.netuid)
        uid = self._accepted(state, subnet, signer)
        row = tuple(zip(self.dests, upscaled(self.weights), strict=True))
        neuron = replace(subnet.neurons[uid], last_update=state.block)
        changed = replace(
            subnet,
            neurons=(*subnet.neurons[:uid], neuron, *subnet.neurons[uid + 1 :]),
            weights=(*subnet.weights[:uid], row, *subnet.weights[uid + 1 :]),
        )
        happened = Event("SubtensorModule", "WeightsSet", {"netuid": self.netuid, "uid": uid})
        return Change(state.with_subnet(changed), (happened,))

    def _accepted(self, state: State, subnet: Subnet, signer: str) -> int:
        """The signer's uid, once every check has passed; the first that fails decides."""
        parameters, size = subnet.parameters, len(subnet.neurons)
        if parameters.commit_reveal_weights_enabled:
            raise Refusal("CommitRevealEnabled")
        if len(self.dests) != len(self.weights):
            raise Refusal("WeightVecNotEqualSize")
        if len(self.dests) > size:
            raise Refusal("UidsLengthExceedUidsInSubNet")
        uid = subnet.uid(signer)
        if uid is None:
            raise Refusal("HotKeyNotRegisteredInSubNet")
        owner = signer == subnet.owner_hotkey
        if subnet.staked(signer) < state.network.stake_threshold and not owner:
            raise Refusal("NotEnoughStakeToSetWeights")
        if self.version_key < parameters.weights_version:
            raise Refusal("IncorrectWeightVersionKey")
        last = subnet.neurons[uid].last_update
        if last and state.block - last < parameters.weights_rate_limit:
            raise Refusal("SettingWeightsTooFast")
        on_oneself = tuple(self.dests) == (uid,)
        if not (subnet.standing.permit[uid] or owner or on_oneself):
            raise Refusal("NeuronNoValidatorPermit")
        if len(set(self.dests)) != len(self.dests):
            raise Refusal("DuplicateUids")
        if any(dest >= size for dest in self.dests):
            raise Refusal("UidVecContainInvalidOne")
        if not on_oneself and len(self.dests) < min(size, parameters.min_allowed_weights):
            raise Refusal("WeightVecLengthIsLow")
        return uid


@dataclass(frozen=True, slots=True)
class SetMechanismWeights:
    """The same, naming one of the subnet's mechanisms; there is only the first."""

    netuid: int
    mecid: int
    dests: Sequence[int]
    weights: Sequence[int]
    version_key: int

    def perform(self, state: State, signer: str) -> Change:
        if self.mecid:
            raise Refusal("MechanismDoesNotExist")
        call = SetWeights(self.netuid, self.dests, self.weights, self.version_key)
        return call.perform(state, signer)


class Sealed:
    """Committing and revealing weights: every subnet here takes them in the open."""

    def __init__(self, *_: object) -> None:
        """Whatever is sealed, it is not looked at."""

    def perform(self, state: State, signer: str) -> Change:  # noqa: ARG002 -- as every call
        raise Refusal("CommitRevealDisabled")
