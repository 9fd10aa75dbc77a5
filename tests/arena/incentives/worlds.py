"""Small worlds for tests."""

from __future__ import annotations

from iotapretrain.arena.incentives.simulated_rounds import History
from iotapretrain.arena.incentives.simulation import simulate
from iotapretrain.arena.incentives.strategies.steady import Steady
from iotapretrain.arena.incentives.strategy import Hand, Strategy, View
from iotapretrain.arena.incentives.validators.honest import Honest
from iotapretrain.arena.incentives.world import Miner, Validator, World

STEADY = Miner(Steady())
HONEST = Validator(Honest())


def beside(strategy: Strategy, others: int = 5, skill: float = 1.0, hotkeys: int = 1) -> World:
    """Steady improvers, and behind them one miner with a strategy."""
    return World((*(STEADY,) * others, Miner(strategy, skill, hotkeys)))


def same(one: History, other: History) -> bool:
    """Whether two histories agree to the last bit."""
    return all(
        column.tobytes() == getattr(other, name).tobytes() for name, column in vars(one).items()
    )


def played(world: World, rounds: int = 60, seed: int = 1) -> History:
    return simulate(world, rounds, seed)


def view(*models: tuple[float, float], champion: int | None = 0) -> View:
    """What is public: a loss and a bar for each hotkey, the contents being their own."""
    losses, bars = zip(*models, strict=True)
    numbers = tuple(range(len(models)))
    ranking = sorted(numbers, key=bars.__getitem__)
    return View(losses, bars, ranking, numbers, numbers, champion)


def hand(trained: float, *hotkeys: int) -> Hand:
    return Hand(hotkeys or (0,), trained)
