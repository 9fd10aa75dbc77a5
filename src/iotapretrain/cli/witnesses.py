"""What validators' published rounds say of a chain: the block and hash each was synced at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from iotapretrain.chain.verify_chain import Witness


def read_witnesses(repositories: list[str], hub: str | None, network: str) -> list[Witness]:
    """The signed word of every round in these repositories; verification compares it.

    Records name the sync block and its hash, which commits to everything before it.
    """
    from iotapretrain.chain.verify_chain import Witness
    from iotapretrain.chain.wallets import is_signature
    from iotapretrain.cli.workplace import find_hub
    from iotapretrain.competition.records.public_rounds import PublicRounds
    from iotapretrain.competition.records.round_record import is_sealed
    from iotapretrain.hub.protocol import RepositoryId

    witnesses: list[Witness] = []
    for name in repositories:
        rounds = PublicRounds(find_hub(hub, network), RepositoryId.parse(name))
        for number in rounds.numbers():
            signed = rounds.read(number)
            if not is_sealed(signed, is_signature):
                raise InputError(f"{name}: round {number} is not signed by its validator")
            record = signed.record
            try:
                seen = bytes.fromhex(record.seed_hash)
            except ValueError:
                raise InputError(f"{name}: round {number} names no block hash") from None
            who = f"{record.validator} (round {number})"
            witnesses.append(Witness(who, record.sync_block, seen))
    return witnesses
