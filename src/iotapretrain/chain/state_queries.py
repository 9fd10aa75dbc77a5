"""The whole of what a chain answers: what a node keeps, and what follows from its blocks alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from iotapretrain.chain.block_events import NO_WEIGHT
from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.node import Entry, Keys, Node
from iotapretrain.chain.runtime.codec import Codec
from iotapretrain.chain.runtime.extrinsic import public_key
from iotapretrain.chain.runtime.metadata import RUNTIME_VERSION, VERSION
from iotapretrain.chain.runtime.scale import to_hex
from iotapretrain.errors import InputError
from iotapretrain.rules.chain.ledger.advance import passed
from iotapretrain.rules.chain.ledger.epochs import epoch_inputs, epoch_parameters

LENGTH_BYTES = 4


class Surface:
    """Reads at a block, in the SDK's form, with nothing left out."""

    def __init__(self, node: Node, codec: Codec) -> None:
        self.node, self.codec = node, codec

    def header(self, number: int) -> dict[str, object]:
        """A header as JSON, but for its number."""
        header = self.node.header(number)
        return {
            "parentHash": to_hex(header.parent),
            "number": number,
            "stateRoot": to_hex(header.state_root),
            "extrinsicsRoot": to_hex(header.extrinsics_root),
            "digest": {"logs": []},
        }

    def storage(self, number: int, pallet: str, item: str, keys: Keys) -> object:
        """One storage value; None when absent."""
        match pallet, item:
            case "System", "Number":
                return number
            case "System", "ParentHash":
                return to_hex(self.node.header(number).parent)
            case "System", "BlockHash":
                asked = self.node.block_hash(keys[0]) if isinstance(keys[0], int) else None
                return None if asked is None else to_hex(asked)
            case "System", "Events":
                return self.codec.event_records(self.node.events(number))
            case "MevShield", "NextKey":
                return to_hex(public_key(self.node.genesis_hash))
        return self.node.storage(number, pallet, item, keys)

    def stored(self, number: int, pallet: str, item: str, keys: Keys) -> bytes | None:
        if (pallet, item) == ("System", "Events"):
            return self.codec.encode_events(self.node.events(number))
        value = self.storage(number, pallet, item, keys)
        return None if value is None else self.codec.encode_value(pallet, item, value)

    def entries(self, number: int, pallet: str, item: str, prefix: Keys) -> Iterator[Entry]:
        """The present entries of a map under leading keys."""
        if (pallet, item) == ("System", "BlockHash"):
            return iter(())
        return self.node.storage_map(number, pallet, item, prefix)

    def answer(self, number: int, api: str, method: str, data: bytes) -> bytes:
        """The answer of a runtime API, as bytes, to arguments as bytes.

        Raises InputError for an unknown method and for arguments that do not fit it.
        """
        if not self.codec.knows(api, method):
            raise InputError(f"Exported method {api}_{method} is not found")
        if api == "TransactionPaymentApi":
            value = self._payment(method, data)
        else:
            arguments = self.codec.decode_arguments(api, method, data)
            value = self._value(number, api, method, arguments)
        return self.codec.encode_answer(api, method, value)

    def _value(self, number: int, api: str, method: str, arguments: Keys) -> object:
        match api, method:
            case "Core", "version":
                return RUNTIME_VERSION
            case "Metadata", "metadata":
                return self.codec.metadata
            case "Metadata", "metadata_at_version":
                return self.codec.metadata if arguments == (VERSION,) else None
            case "Metadata", "metadata_versions":
                return [VERSION]
            case "AccountNonceApi", "account_nonce":
                return self.node.nonce(str(arguments[0]))
        return self.node.runtime_api(number, api, method, arguments)

    def _payment(self, method: str, data: bytes) -> object:
        """What an extrinsic costs; the arguments are the extrinsic as it is, and its length."""
        fee = self.node.fee(data[:-LENGTH_BYTES])
        if method == "query_info":
            return {"weight": NO_WEIGHT, "class": "Normal", "partial_fee": fee}
        inclusion = {"base_fee": fee, "len_fee": 0, "adjusted_weight_fee": 0}
        return {"inclusion_fee": inclusion, "tip": 0}


def epoch_document(chain: EmbeddedChain, netuid: int, block: int | None = None) -> dict[str, Any]:
    """The inputs of the epoch that a subnet ran in a block, by default of its last one.

    It is the document that `iota rules explain` takes.
    """
    head = chain.head()
    at = head if block is None else block
    if not 0 <= at <= head or netuid not in chain.state(at).subnets:
        raise InputError(f"subnet {netuid} at block {at}: there is none; the head is {head}")
    ran = chain.state(at).subnets[netuid].timing.last_step
    if ran == 0 or block not in (None, ran):
        raise InputError(f"subnet {netuid}: it ran no epoch in block {at}")
    state = passed(chain.state(ran - 1), ran)
    subnet = state.subnets[netuid]
    read = epoch_inputs(state, subnet)
    return {
        "kind": "yuma",
        "stake": read.stake.tolist(),
        "weights": read.weights.to_pairs(),
        "hyperparameters": asdict(epoch_parameters(state, subnet)),
        "bonds": read.bonds.to_pairs(),
        "permit": read.permit.tolist(),
        "last_update": read.last_update.tolist(),
        "registered": read.registered.tolist(),
        "block": read.block,
        "last_step": read.last_step,
        "emission": read.emission,
    }
