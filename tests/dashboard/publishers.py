"""What the chain says, for tests that only read records: who has a permit, who publishes where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from iotapretrain.chain.metagraph import Commitments, ReadCommitment
from iotapretrain.chain.wallets import is_signature
from iotapretrain.competition.records.public_rounds import publish_round, rounds_commitment
from iotapretrain.competition.records.round_record import SignedRound
from iotapretrain.dashboard.chain_watch import COLUMNS
from iotapretrain.dashboard.hub_admission import Quota
from iotapretrain.dashboard.hub_rounds import HubRounds, Publishers
from iotapretrain.dashboard.index import Index, insert
from iotapretrain.dashboard.round_index import RoundWriter
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.protocol import RepositoryId

NETWORK = "00" * 32
NETUID = 1
HEAD = 10_000


def epoch(index: Index, block: int, permits: Mapping[str, bool]) -> None:
    """An epoch of the chain: who is registered, and who may validate."""
    with index.batch() as batch:
        for uid, (hotkey, permit) in enumerate(permits.items()):
            row = dict.fromkeys(COLUMNS, 0)
            row |= {"block": block, "uid": uid, "hotkey": hotkey, "permit": permit}
            insert(batch, "epochs", [row])


def publishers(
    claims: Mapping[str, RepositoryId | tuple[RepositoryId, ...]], head: int = HEAD
) -> Publishers:
    """By hotkey, the repositories that it named, the newest first."""
    named = {
        hotkey: (found,) if isinstance(found, RepositoryId) else found
        for hotkey, found in claims.items()
    }
    commitments = {
        hotkey: ReadCommitment(hotkey, 1, rounds_commitment(found[0]).encode())
        for hotkey, found in named.items()
    }
    return Publishers(NETWORK, NETUID, Commitments(head, b"", commitments), named)


def published(
    hub: Path, name: str, rounds: Iterable[SignedRound], at: str = "rounds"
) -> RepositoryId:
    """Records in a repository of their author."""
    repository = RepositoryId(name, at)
    for signed in rounds:
        publish_round(FolderHub(hub, name), repository, signed)
    return repository


def reader(index: Index, hub: Path, quota: Quota | None = None, cadence: int = 10) -> HubRounds:
    """What reads records from a hub into an index, as the dashboard does."""
    writer = RoundWriter(index, is_signature)
    return HubRounds(index, FolderHub(hub, None), writer, quota, cadence, lambda: 7.0)
