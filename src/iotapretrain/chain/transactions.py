"""From the bytes of an extrinsic to a transaction of the ledger, and the checks in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import bittensor_core

from iotapretrain.chain.runtime.codec import Codec
from iotapretrain.chain.runtime.extrinsic import Extrinsic, check_signature, digest, parse
from iotapretrain.errors import RefusedError
from iotapretrain.rules.chain.ledger.calls.dispatch import make_call
from iotapretrain.rules.chain.ledger.transitions import Transaction

LARGEST = 65_536
"""Bytes of an extrinsic; a row of weights for every uid that there can be takes a quarter."""

BlockHash = Callable[[int], bytes | None]


@dataclass(frozen=True, slots=True)
class Submission:
    """An extrinsic taken apart; `data` are its bytes as submitted."""

    data: bytes
    extrinsic: Extrinsic
    transaction: Transaction

    @property
    def hash(self) -> bytes:
        """What the extrinsic is called by."""
        return digest(self.data)

    def check(self, block: int, block_hash: BlockHash) -> None:
        """Refuse it, if its signature or its era keep it out of this block."""
        check_signature(self.extrinsic, block, block_hash)


def read_submission(codec: Codec, data: bytes) -> Submission:
    """Take the bytes of a signed extrinsic apart; RefusedError for anything else."""
    if len(data) > LARGEST:
        raise RefusedError("ExhaustsResources", f"{len(data)} bytes; at most {LARGEST} are taken")
    extrinsic = parse(data)
    call = codec.decode_call(extrinsic.call)
    signer = str(bittensor_core.ss58_encode(extrinsic.signer))
    performed = make_call(call.pallet, call.name, tuple(call.arguments.values()))
    return Submission(data, extrinsic, Transaction(signer, extrinsic.nonce, performed))
