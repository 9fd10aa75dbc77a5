"""Strategies of miners: what one may know and do, and those that the experiments play.

A strategy can publish the model that it has trained so far, or a copy of a public one, and it can
damage what it publishes; it cannot invent a better model than it has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from numpy.random import Generator

from iotapretrain.errors import InputError


@dataclass(frozen=True, slots=True)
class ModelCommit:
    """Publish on a hotkey the own trained model, or (`of`) a copy of what another hotkey has.

    `damage` is the share by which the published model is worse. A copy without damage is the same
    content, byte for byte.
    """

    hotkey: int
    of: int | None = None
    damage: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.damage < math.inf:
            raise InputError(f"commit: the damage is {self.damage}; give a number of 0 or more")


@dataclass(frozen=True, slots=True)
class PrivateView:
    """What one miner alone knows: its hotkeys, and the loss of the model that it has trained."""

    hotkeys: tuple[int, ...]
    trained: float


@dataclass(frozen=True, slots=True)
class PublicView:
    """What everybody knows between two rounds, by hotkey; models are public, so losses are too.

    `bars` holds what a new model's loss must be below to beat each model in the next round, and
    `ranking` the hotkeys from the lowest bar on. A hotkey without a model has an infinite loss, an
    infinite bar and the content -1. `champion` won the last round.
    """

    losses: Sequence[float]
    bars: Sequence[float]
    ranking: Sequence[int]
    contents: Sequence[int]
    origins: Sequence[int]
    champion: int | None

    def bar(self, but: Container[int] = ()) -> float:
        """What a new model's loss must be below to beat every model but those of some hotkeys."""
        for key in self.ranking:
            if key not in but:
                return self.bars[key]
        return math.inf


Commits = Sequence[ModelCommit]
Strategy = Callable[[PublicView, PrivateView, Generator], Commits]
"""What to publish before the next round; the order of the commits is their order on chain."""


def absent(*_: object) -> Commits:
    """Never publishes anything: whatever it is paid, it is not paid for a model."""
    return ()


def steady(view: PublicView, hand: PrivateView, _: Generator) -> Commits:
    """Commits anew only where the new date costs nothing: beyond epsilon of everything there is."""
    return (ModelCommit(hand.hotkeys[0]),) if hand.trained < view.bar() else ()


def eager(view: PublicView, hand: PrivateView, _: Generator) -> Commits:
    """Publishes every improvement at once: pays with its date for each, and lets others start from
    its newest model.
    """
    key = hand.hotkeys[0]
    return (ModelCommit(key),) if hand.trained < view.losses[key] else ()


def hoarder(view: PublicView, hand: PrivateView, _: Generator) -> Commits:
    """Keeps better models back while it holds the crown (whitepaper, 3.4.2)."""
    if view.champion in hand.hotkeys or not hand.trained < view.bar(hand.hotkeys):
        return ()
    return (ModelCommit(hand.hotkeys[0]),)


def squatter(view: PublicView, hand: PrivateView, _: Generator) -> Commits:
    """Publishes as soon as its last model is beaten, to be the earliest within epsilon of the best.

    It starts from the best public model, so that whatever little it adds keeps it in that company.
    """
    key = hand.hotkeys[0]
    return (ModelCommit(key),) if min(view.losses) <= view.bars[key] else ()


@dataclass(frozen=True)
class Copier:
    """Copies each new champion once, on its first hotkey.

    `noise` is the mean share by which the copy is worse; 0 copies byte for byte. Noise gives the
    copy a digest of its own, and so hides it from a comparison of digests.
    """

    noise: float = 0.0

    def __call__(self, view: PublicView, hand: PrivateView, rng: Generator) -> Commits:
        key, champion = hand.hotkeys[0], view.champion
        if champion is None or champion == key:
            return ()
        if view.origins[key] == view.origins[champion]:
            return ()
        return (ModelCommit(key, of=champion, damage=self.noise * float(rng.exponential())),)


@dataclass(frozen=True)
class Spoilers:
    """With each model the other hotkeys publish worse versions of it, which exist only to lose.

    Every one of them is a win more for the first hotkey. `step` is how much worse each is than the
    one before; 0 publishes the very same content on every hotkey. Only the first `count` hotkeys
    are used.
    """

    count: int
    step: float = 0.001

    def __call__(self, view: PublicView, hand: PrivateView, rng: Generator) -> Commits:
        if not hand.trained < view.bar():
            return ()
        return tuple(
            ModelCommit(key, damage=place * self.step)
            for place, key in enumerate(hand.hotkeys[: self.count])
        )


@dataclass(frozen=True)
class Ladder:
    """Publishes each new model on the hotkey whose model is worst, so that the older ones stay.

    They keep their dates, and take the places below the champion. Only the first `count` hotkeys
    are used.
    """

    count: int

    def __call__(self, view: PublicView, hand: PrivateView, rng: Generator) -> Commits:
        if not hand.trained < view.bar():
            return ()
        return (ModelCommit(max(hand.hotkeys[: self.count], key=view.losses.__getitem__)),)
