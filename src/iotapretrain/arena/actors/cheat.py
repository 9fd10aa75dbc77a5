"""A cheat as a process: waits for somebody's good model, makes something of it, and publishes that.

python -m iotapretrain.arena.actors.cheat KIND NETWORK NAME COMPETITIONS COMPETITION
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from iotapretrain.arena.actors.babbler import babble
from iotapretrain.arena.actors.copycat import copy
from iotapretrain.arena.actors.forger import forge
from iotapretrain.arena.actors.noisy_copycat import copy_with_noise
from iotapretrain.arena.actors.not_a_number import punch_hole
from iotapretrain.arena.actors.place import Place
from iotapretrain.arena.actors.saboteur import EXPLODING, VANISHING, sabotage
from iotapretrain.rules.competition.schedule_file import parse

SEED = 7
PAGES = 16

Trick = Callable[[Path, Path, torch.Tensor], Path]
"""From somebody's model to one's own, in a new folder; given ordinary text."""


@dataclass(frozen=True)
class Kind:
    """A trick, what it looks like from outside, and the verdicts that are meant for it."""

    trick: Trick
    what: str
    why: str
    caught_by: tuple[str, ...]


KINDS: Mapping[str, Kind] = {
    "copycat": Kind(
        lambda source, target, _: copy(source, target),
        "publishes somebody else's bytes as its own",
        "who was first is on the chain, so a copy is worth nothing",
        ("copy",),
    ),
    "noisy-copycat": Kind(
        lambda source, target, _: copy_with_noise(source, target, SEED),
        "publishes somebody else's model with a little noise on it",
        "another digest, but the same tensors: fingerprints tell",
        ("near-copy",),
    ),
    "forger": Kind(
        forge,
        "publishes somebody else's model with numbers in its head that cancel unless they round",
        "labels would look likelier than they are; float64 tells",
        ("forged",),
    ),
    "vanishing": Kind(
        lambda source, target, pages: sabotage(source, target, VANISHING, pages),
        "publishes a model whose gradients vanish",
        "its loss is as good as the original's, but nobody could train on from it",
        ("sabotage", "near-copy"),
    ),
    "exploding": Kind(
        lambda source, target, pages: sabotage(source, target, EXPLODING, pages),
        "publishes a model whose gradients explode",
        "its loss is as good as the original's, but nobody could train on from it",
        ("sabotage", "near-copy"),
    ),
    "babbler": Kind(
        lambda source, target, _: babble(source, target, SEED),
        "publishes a model that repeats itself",
        "it has the right shape and knows nothing",
        ("unreasonable",),
    ),
    "not-a-number": Kind(
        lambda source, target, _: punch_hole(source, target),
        "publishes a model with a weight that is no number",
        "no comparison with NaN is ever true, which once took a whole subnet's pay",
        ("not-finite",),
    ),
}


async def cheat(kind: Kind, place: Place) -> None:
    """Wait, make, publish."""
    async with await place.client() as client:
        victim = await place.wait_for_victim(client)
        model = kind.trick(victim, place.folder / "model", _pages(place))
        await place.publish_unasked(client, model)
    place.tell(kind.what, kind.why)


def _pages(place: Place) -> torch.Tensor:
    """Ordinary text for the tricks that need some."""
    from iotapretrain.data.outcome import round_text
    from iotapretrain.data.page_cache import Cache
    from iotapretrain.data.tokenizer import load_tokenizer

    constraints = place.competition.constraints
    text = round_text(
        place.competition.tasks,
        place.competition.models,
        SEED,
        constraints.sequence_length,
        load_tokenizer(constraints.tokenizer),
        Cache(place.folder / "pages"),
    )
    rows = next(iter(text.batches.values())).sequences[:PAGES]
    return torch.from_numpy(rows).long()


def main(kind: str, network: str, name: str, competitions: str, competition: str) -> None:
    """What the process does."""
    schedule = parse(Path(competitions).read_text(encoding="utf-8"), competitions)
    chosen = next(each for each in schedule.competitions if each.name == competition)
    asyncio.run(cheat(KINDS[kind], Place(Path(network), name, chosen)))


if __name__ == "__main__":
    main(*sys.argv[1:])
