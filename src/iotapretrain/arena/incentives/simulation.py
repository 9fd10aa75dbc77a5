"""The simulation: rounds of training, committing, evaluating and paying, over the shipped rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from iotapretrain.arena.incentives.board import NOTHING, Board
from iotapretrain.arena.incentives.panel import Panel, Payment
from iotapretrain.arena.incentives.round_history import RoundHistory
from iotapretrain.arena.incentives.strategies import ModelCommit, PrivateView, PublicView
from iotapretrain.arena.incentives.world import SimulatedWorld
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.epsilon import FloatArray
from iotapretrain.rules.competition.standings import Standings
from iotapretrain.rules.competition.tournament import DecidedRound, NoResult, play

FIRST_LOSS = 3.0
COMPETITION = 0
WINDOW = 100
"""Commitments fall into the first blocks after a round; by the next, the delay of 250 is over."""
AT_ONCE = 100


def simulate(
    world: SimulatedWorld, rounds: int, seed: int, tick: Callable[[int], None] = lambda _: None
) -> RoundHistory:
    """Play so many rounds; `tick` hears of them in bundles. The same seed gives the same history.

    Worlds that differ only in what miners do see the same luck in training and on pages.
    """
    if rounds < 1:
        raise InputError(f"simulation: {rounds} rounds; give at least 1")
    run, lines = _Run(world, seed), []
    for number in range(1, rounds + 1):
        lines.append(run.round(number))
        if number % AT_ONCE == 0:
            tick(AT_ONCE)
    tick(rounds % AT_ONCE)
    return RoundHistory.of(lines)


class _Run:
    """The state between two rounds."""

    def __init__(self, world: SimulatedWorld, seed: int) -> None:
        streams = np.random.SeedSequence([seed, world.replicate]).spawn(3)
        self._training, self._pages, self._choices = map(np.random.default_rng, streams)
        self._world = world
        self._board = Board(world.hotkeys)
        self._panel = Panel(world) if world.validators else None
        self._owned = [world.keys(miner) for miner in range(len(world.miners))]
        self._pace = world.progress * np.array([miner.skill for miner in world.miners])
        self._trained = np.full(len(world.miners), FIRST_LOSS)
        self._names = [str(key) for key in range(world.hotkeys)]
        self._standings = [Standings()] * (len(world.validators) if world.own_pages else 1)
        self._champion: int | None = None

    def round(self, number: int) -> dict[str, Any]:
        now = number * self._world.blocks
        self._train()
        self._commit(now)
        outcomes = [self._evaluate(now) for _ in self._standings]
        self._record(outcomes)
        return self._line(number, outcomes[0])

    def _train(self) -> None:
        """Everybody starts from the best model it can get hold of, its own or a public one."""
        luck = self._training.standard_exponential(len(self._trained))
        best = np.minimum(self._trained, self._board.losses.min())
        self._trained = best * (1 - self._pace * luck)

    def _commit(self, now: int) -> None:
        board, world = self._board, self._world
        view = self._view(now)
        firsts = self._choices.integers(1, WINDOW, len(world.miners)).tolist()
        trained = self._trained.tolist()
        published = [
            (miner, now - world.blocks + firsts[miner] + place, commit)
            for miner, (owner, keys) in enumerate(zip(world.miners, self._owned, strict=True))
            for place, commit in enumerate(
                owner.strategy(view, PrivateView(keys, trained[miner]), self._choices)
            )
        ]
        fresh = {miner: board.new_content() for miner, _, _ in published}
        for miner, block, commit in published:
            if commit.hotkey not in self._owned[miner]:
                raise InputError(
                    f"commit: hotkey {commit.hotkey} is not miner {miner}'s; give its own"
                )
            self._publish(view, commit, trained[miner], block, fresh[miner])

    def _publish(
        self, view: PublicView, commit: ModelCommit, trained: float, block: int, fresh: int
    ) -> None:
        """Copies are of what stood there before anybody committed in this round."""
        if commit.of is not None and view.contents[commit.of] == NOTHING:
            raise InputError(f"commit: hotkey {commit.of} has nothing to copy; copy another")
        if commit.of is None:
            loss, content, origin = trained, fresh, fresh
        else:
            loss = view.losses[commit.of]
            content, origin = view.contents[commit.of], view.origins[commit.of]
        if commit.damage > 0:
            loss, content = loss * (1 + commit.damage), self._board.new_content()
        self._board.publish(commit.hotkey, loss, block, content, origin)

    def _view(self, now: int) -> PublicView:
        board = self._board
        ages = np.where(np.isfinite(board.blocks), now - board.blocks, 0.0)
        bars = (1 - self._world.rules.epsilon.at(ages)) * board.losses
        return PublicView(
            board.losses.tolist(),
            bars.tolist(),
            np.argsort(bars, kind="stable").tolist(),
            tuple(board.contents),
            tuple(board.origins),
            self._champion,
        )

    def _evaluate(self, now: int) -> DecidedRound | NoResult:
        draws = self._pages.standard_normal((self._world.hotkeys, self._world.pages))
        losses = self._board.page_losses(draws, self._world.page_noise)
        return self._play(losses, now)

    def _play(self, losses: FloatArray, now: int) -> DecidedRound | NoResult:
        return play(self._board.field(losses, self._world.remembering), self._world.rules, now)

    def _deserving(self, now: int) -> int:
        """Who wins where every page shows the true loss."""
        if not self._world.referee:
            return -1
        truth = self._play(self._board.losses[:, np.newaxis], now)
        return -1 if isinstance(truth, NoResult) else truth.winner

    def _record(self, outcomes: Sequence[DecidedRound | NoResult]) -> None:
        for sight, outcome in enumerate(outcomes):
            if isinstance(outcome, NoResult):
                continue
            names = [self._names[uid] for uid in outcome.field.uids.tolist()]
            weights = dict(zip(names, outcome.weights.tolist(), strict=True))
            before = self._standings[sight]
            self._standings[sight] = before.record(COMPETITION, weights, self._world.alpha)
        if isinstance(outcomes[0], DecidedRound):
            self._champion = outcomes[0].winner

    def _pay(self, number: int) -> Payment:
        merged = [standings.merge({COMPETITION: 1.0}) for standings in self._standings]
        own = [np.array([each.get(name, 0.0) for name in self._names]) for each in merged]
        if self._panel is None:
            nothing = np.zeros(0)
            return Payment(own[0], nothing, nothing)
        if not self._world.own_pages:
            own *= len(self._world.validators)
        blocks = self._world.blocks
        return self._panel.epoch(number * blocks, (number - 1) * blocks, own)

    def _line(self, number: int, outcome: DecidedRound | NoResult) -> dict[str, Any]:
        pay = self._pay(number)
        losses, champion = self._board.losses, self._champion
        decided = None if isinstance(outcome, NoResult) else outcome
        return {
            "pay": pay.miners,
            "winner": -1 if champion is None else champion,
            "deserving": self._deserving(number * self._world.blocks),
            "winner_loss": np.inf if champion is None else float(losses[champion]),
            "public": float(losses.min()),
            "trained": float(self._trained.min()),
            "inside": sum(reason is None for reason in decided.left_out) if decided else 0,
            "share": decided.winner_share if decided else 0.0,
            "dividends": pay.validators,
            "trusts": pay.trusts,
        }
