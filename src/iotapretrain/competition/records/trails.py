"""Where validators published in the past, found in few looks at old blocks (docs/audit.md).

What this can miss is a repository that was named in between and then not again, while the one
before came back; an audit follows every single commitment as far as it gets (`whole_history`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.records.committed import Ground, ground_at
from iotapretrain.competition.records.whole_history import Said, Trail, read_trail, said_at
from iotapretrain.hub.protocol import RepositoryId

MOST_DOUBLINGS = 24
"""Blocks on the way back that all share: from an epoch to some centuries."""
MOST_HALVINGS = 60
"""Looks between them for one validator; a move takes about ten."""
MOST_REPOSITORIES = 16
"""Of a validator, the newest: each is listed at every reading."""


@dataclass(frozen=True)
class _Sight:
    """What a hotkey said as of a block, if it said where its records are."""

    block: int
    said: Said | None

    @property
    def repository(self) -> RepositoryId | None:
        return None if self.said is None else self.said.repository

    @property
    def since(self) -> int:
        """The first block from which on it said so without a break."""
        return self.block if self.said is None else self.said.block


async def read_whole_trail(client: ChainClient, ground: Ground, hotkey: str) -> Trail:
    """Commitment by commitment; before the last that is looked at so, what few looks find."""
    near = await read_trail(client, ground, hotkey)
    if near.cut is None:
        return near
    far = (await read_trails(client, ground, [hotkey]))[hotkey]
    said = {each.block: each for each in (*far.said, *near.said)}
    return Trail(tuple(said[block] for block in sorted(said, reverse=True)), near.cut)


async def read_trails(
    client: ChainClient, ground: Ground, hotkeys: Sequence[str]
) -> dict[str, Trail]:
    """The repositories of each, back from `ground` to when it got its uid."""
    if not hotkeys:
        return {}
    past = _Past(client, ground.metagraph.netuid, {ground.block: ground})
    began = min(_registered(ground, each) for each in hotkeys)
    grounds, gone = [ground], None
    for doubling in range(MOST_DOUBLINGS):
        block = ground.block - ((ground.metagraph.tempo + 1) << doubling)
        earlier = await past.at(block) if block > began else None
        if earlier is None:
            gone = None if block <= began else _no_longer(block)
            break
        grounds.append(earlier)
    return {each: await _trail(past, grounds, each, gone) for each in hotkeys}


@dataclass
class Places:
    """Where validators publish and published, for whoever asks again and again: the past is looked
    for once, and from then on every new place is noted."""

    _known: dict[str, Trail] = field(default_factory=dict)

    async def of(
        self, client: ChainClient, ground: Ground, hotkeys: Sequence[str]
    ) -> dict[str, Trail]:
        """The trails of these, up to `ground`."""
        unknown = [each for each in hotkeys if each not in self._known]
        self._known |= await read_trails(client, ground, unknown)
        for hotkey in hotkeys:
            trail, said = self._known[hotkey], said_at(ground, hotkey)
            if said is not None and said.repository not in trail.repositories[:1]:
                self._known[hotkey] = _shortened([said, *trail.said], trail.cut)
        return {hotkey: self._known[hotkey] for hotkey in hotkeys}


async def _trail(past: _Past, grounds: Sequence[Ground], hotkey: str, gone: str | None) -> Trail:
    began = _registered(grounds[0], hotkey)
    sights = [_sight(each, hotkey) for each in grounds if each.block >= began]
    if gone is None:
        sights.append(_Sight(min(began, sights[-1].block) - 1, None))
    search = _Search(past, hotkey)
    for newer, older in pairwise(sights):
        await search.between(older, newer)
    found = {each.said.block: each.said for each in (*sights, *search.seen) if each.said}
    said = [found[block] for block in sorted(found, reverse=True)]
    return _shortened(said, search.cut or gone)


def _shortened(said: Sequence[Said], cut: str | None) -> Trail:
    """What names the newest so many repositories."""
    places = {*Trail(tuple(said)).repositories[:MOST_REPOSITORIES]}
    kept = tuple(each for each in said if each.repository in places)
    if len(kept) < len(said):
        cut = cut or f"it named more than {MOST_REPOSITORIES} repositories; the newest are read"
    return Trail(kept, cut)


@dataclass
class _Past:
    """Old blocks, each read once for all hotkeys."""

    client: ChainClient
    netuid: int
    known: dict[int, Ground | None]

    async def at(self, block: int) -> Ground | None:
        """None where its state is no longer kept."""
        if block not in self.known:
            self.known[block] = await ground_at(self.client, self.netuid, block)
        return self.known[block]


@dataclass
class _Search:
    """Looks between blocks at which a hotkey named different repositories."""

    past: _Past
    hotkey: str
    seen: list[_Sight] = field(default_factory=list)
    cut: str | None = None
    looks: int = 0

    async def between(self, older: _Sight, newer: _Sight) -> None:
        """By halves, on either side where something changed."""
        open_ends = [(older, newer)]
        while open_ends:
            older, newer = open_ends.pop()
            if older.repository == newer.repository or newer.since - older.block < 2:
                continue
            block = (older.block + newer.since) // 2
            if self.looks == MOST_HALVINGS:
                self.cut = f"not all commitments before block {block} were looked for"
                return
            self.looks += 1
            ground = await self.past.at(block)
            if ground is None:
                self.cut = _no_longer(block)
                return
            middle = _sight(ground, self.hotkey)
            self.seen.append(middle)
            open_ends += [(older, middle), (middle, newer)]


def _sight(ground: Ground, hotkey: str) -> _Sight:
    return _Sight(ground.block, said_at(ground, hotkey))


def _registered(ground: Ground, hotkey: str) -> int:
    uid = ground.metagraph.uid(hotkey)
    return ground.block if uid is None else int(ground.metagraph.registered[uid])


def _no_longer(block: int) -> str:
    return f"commitments before block {block} are no longer kept"
