"""A subnet that a Yuma vector file drives from epoch to epoch: its state, and what changes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iotapretrain.errors import InputError, VectorError
from iotapretrain.rules.chain.weight_setting import upscaled
from iotapretrain.rules.chain.yuma import EpochInputs, EpochOutcome, Hyperparameters, Rows, epoch

Pairs = list[tuple[int, int]]

_PARAMETERS = {
    ours: "activity_cutoff_blocks" if ours == "activity_cutoff" else ours
    for ours in Hyperparameters.__dataclass_fields__
}
_LAST_STEP = "last_mechanism_step_block"
_OPTIONAL = ("weights", "bonds", "commit_block")
_NEEDED = ("block", "stake", "validator_permit", "last_update", "block_at_registration")


def needed(mapping: Any, key: str, where: str) -> Any:
    """A value that a vector file must give."""
    if not isinstance(mapping, Mapping) or key not in mapping:
        raise VectorError(f"{where}: `{key}` is missing")
    return mapping[key]


def refuse_unknown(mapping: Mapping[str, Any], known: Any, what: str) -> None:
    """What we do not know is a failure, never skipped."""
    for key in mapping:
        if key not in known:
            raise InputError(f"unknown {what} {key!r}")


class Replay:
    """The state of one subnet: given whole, changed by actions, carried on by epochs."""

    def __init__(self, parameters: Mapping[str, Any], state: Mapping[str, Any], where: str) -> None:
        self._where = where
        self.parameters = dict(parameters)
        for key in _NEEDED:
            needed(state, key, where)
        refuse_unknown(state, (*_NEEDED, *_OPTIONAL), "state")
        size = len(state["stake"])
        self.block: int = state["block"]
        self.stake = list(state["stake"])
        self.permit = list(state["validator_permit"])
        self.last_update = list(state["last_update"])
        self.registered = list(state["block_at_registration"])
        self.weights = _rows(state.get("weights", [[]] * size))
        self.bonds = _rows(state.get("bonds", [[]] * size))
        self.commit_block = list(state.get("commit_block", [None] * size))

    def act(self, action: Mapping[str, Any]) -> None:
        for name, argument in action.items():
            match name:
                case "block":
                    self.block = argument
                case "set_stake":
                    self.stake = list(argument)
                case "set_params":
                    self.parameters.update(argument)
                case "set_state":
                    self._set_state(argument)
                case "set_weights":
                    self._set_weights(argument)
                case "replace_neuron":
                    self._replace_neuron(argument)
                case "reset_bonds":
                    self._reset_bonds(argument)
                case _:
                    raise InputError(f"unknown action {name!r}")

    def run(self, emission: int) -> EpochOutcome:
        """Run an epoch and keep the permits and bonds that it leaves."""
        outcome = epoch(self._hyperparameters(), self._inputs(emission))
        self.permit = outcome.validator_permit.tolist()
        self.bonds = outcome.bonds.to_pairs()
        return outcome

    def _hyperparameters(self) -> Hyperparameters:
        refuse_unknown(self.parameters, (*_PARAMETERS.values(), _LAST_STEP), "parameter")
        where = f"{self._where}: params"
        return Hyperparameters(
            **{ours: needed(self.parameters, name, where) for ours, name in _PARAMETERS.items()}
        )

    def _inputs(self, emission: int) -> EpochInputs:
        return EpochInputs(
            block=self.block,
            last_step=needed(self.parameters, _LAST_STEP, f"{self._where}: params"),
            stake=self.stake,
            permit=self.permit,
            last_update=self.last_update,
            registered=self.registered,
            weights=Rows.from_pairs(self.weights, "weights"),
            bonds=Rows.from_pairs(self.bonds, "bonds"),
            emission=emission,
            commit_block=self.commit_block,
        )

    def _set_weights(self, call: Mapping[str, Any]) -> None:
        uids, dests, values = (
            needed(call, key, "set_weights") for key in ("uids", "dests", "values")
        )
        for uid in uids:
            self.weights[uid] = list(zip(dests, upscaled(values), strict=True))
            self.last_update[uid] = self.block

    def _replace_neuron(self, newcomer: Mapping[str, Any]) -> None:
        uid = needed(newcomer, "uid", "replace_neuron")
        self.stake[uid] = needed(newcomer, "stake", "replace_neuron")
        self.registered[uid] = self.last_update[uid] = self.block
        self.permit[uid] = False
        self.weights[uid], self.bonds[uid] = [], []
        self.weights = [[(j, 0 if j == uid else value) for j, value in row] for row in self.weights]

    def _reset_bonds(self, target: Mapping[str, Any]) -> None:
        uid = needed(target, "uid", "reset_bonds")
        self.bonds = [[(j, value) for j, value in row if j != uid] for row in self.bonds]

    def _set_state(self, state: Mapping[str, Any]) -> None:
        known = ("weights", "last_update", "validator_permit", "commit_block")
        refuse_unknown(state, known, "state")
        for uid, row in state.get("weights", {}).items():
            self.weights[int(uid)] = _rows([row])[0]
        self.last_update = list(state.get("last_update", self.last_update))
        self.permit = list(state.get("validator_permit", self.permit))
        self.commit_block = list(state.get("commit_block", self.commit_block))


def _rows(rows: Any) -> list[Pairs]:
    return [[(uid, value) for uid, value in row] for row in rows]
