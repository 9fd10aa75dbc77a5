"""What happened in a block, as events that Substrate's clients understand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from iotapretrain.chain.runtime.pallets import module_error
from iotapretrain.rules.chain.ledger.chain_state import CallRefusal, LedgerEvent


@dataclass(frozen=True, slots=True)
class Happening:
    """What an extrinsic did in its block."""

    extrinsic: bytes
    signer: str
    events: tuple[LedgerEvent, ...]
    refusal: CallRefusal | None


NO_WEIGHT = {"ref_time": 0, "proof_size": 0}
DISPATCH_INFO = {"weight": NO_WEIGHT, "class": "Normal", "pays_fee": "No"}
"""No extrinsic costs weight or a fee here: there is no block author to be paid for it."""


def block_events(happenings: Iterable[Happening]) -> list[LedgerEvent]:
    """Every event of a block, in order; each extrinsic's own end with how it went."""
    return [
        event
        for index, happening in enumerate(happenings)
        for event in extrinsic_events(index, happening)
    ]


def dispatch_error(refusal: CallRefusal) -> object:
    """A refusal as the runtime's `DispatchError`."""
    if refusal.pallet is None:
        return refusal.name
    if refusal.pallet == "Token":
        return {"Token": refusal.name}
    return module_error(refusal.pallet, refusal.name)


def extrinsic_events(index: int, happening: Happening) -> list[LedgerEvent]:
    """The events of one extrinsic, of which the last says how it went."""
    own = [replace(event, extrinsic=index) for event in happening.events]
    if happening.refusal is None:
        end = LedgerEvent("System", "ExtrinsicSuccess", {"dispatch_info": DISPATCH_INFO}, index)
    else:
        error = dispatch_error(happening.refusal)
        values = {"dispatch_error": error, "dispatch_info": DISPATCH_INFO}
        end = LedgerEvent("System", "ExtrinsicFailed", values, index)
    return [*own, end]
