"""The models that miners have committed, as the chain shows them at one block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iotapretrain.chain.client import ChainClient
from iotapretrain.chain.metagraph import Commitments, Metagraph
from iotapretrain.errors import ChainError, UnreachableError
from iotapretrain.hub.protocol import Commit, RepositoryId
from iotapretrain.rules.competition.commitment import Commitment
from iotapretrain.rules.competition.commitment import model_commitment as model_commitment


@dataclass(frozen=True)
class CommittedModel:
    """A model that stands on the chain: whose, since which block, and where its bytes are."""

    hotkey: str
    uid: int
    block: int
    commitment: Commitment
    loss: float | None = None
    """By the newest public record that scored it; None where there is none."""

    @property
    def repository(self) -> RepositoryId:
        return self.commit.repository

    @property
    def commit(self) -> Commit:
        return commit_of(self.commitment)


@dataclass(frozen=True, eq=False)
class Ground:
    """A subnet and all its commitments, both read at one block."""

    metagraph: Metagraph
    commitments: Commitments

    @property
    def block(self) -> int:
        return self.commitments.block

    def text(self, hotkey: str) -> str | None:
        """What a hotkey has written, if it is text."""
        found = self.commitments.by_hotkey.get(hotkey)
        return found.data.decode() if found is not None and found.data.isascii() else None

    def models(self, competition: int) -> Iterator[CommittedModel]:
        """Those committed under this competition's id, in the order of uids."""
        for uid, hotkey in enumerate(self.metagraph.hotkeys):
            commitment = model_commitment(self.text(hotkey))
            if commitment is not None and commitment.competition_id == competition:
                block = self.commitments.by_hotkey[hotkey].block
                yield CommittedModel(hotkey, uid, block, commitment)


def commit_of(commitment: Commitment) -> Commit:
    """The pinned commit on the hub that a commitment names."""
    return Commit(RepositoryId(commitment.namespace, commitment.name), commitment.commit)


async def read_ground(client: ChainClient, netuid: int, block: int | None = None) -> Ground:
    """The subnet at a block, by default the newest; never two blocks mixed."""
    if block is None:
        block, _ = await client.head()
    metagraph = await client.metagraph(netuid, block)
    return Ground(metagraph, await client.commitments(netuid, block))


async def ground_at(client: ChainClient, netuid: int, block: int) -> Ground | None:
    """None where the state of that block is no longer kept; an unreachable chain is an error."""
    try:
        return await read_ground(client, netuid, block)
    except UnreachableError:
        raise
    except ChainError:
        return None
