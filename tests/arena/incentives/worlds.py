"""Small worlds for tests."""

from __future__ import annotations

from iotapretrain.arena.incentives.round_history import RoundHistory
from iotapretrain.arena.incentives.simulation import simulate
from iotapretrain.arena.incentives.strategies import PrivateView, PublicView, Strategy, steady
from iotapretrain.arena.incentives.validator_behaviours import Honest
from iotapretrain.arena.incentives.world import Miner, SimulatedValidator, SimulatedWorld

STEADY = Miner(steady)
HONEST = SimulatedValidator(Honest())


def beside(
    strategy: Strategy, others: int = 5, skill: float = 1.0, hotkeys: int = 1
) -> SimulatedWorld:
    """Steady improvers, and behind them one miner with a strategy."""
    return SimulatedWorld((*(STEADY,) * others, Miner(strategy, skill, hotkeys)))


def same(one: RoundHistory, other: RoundHistory) -> bool:
    """Whether two histories agree to the last bit."""
    return all(
        column.tobytes() == getattr(other, name).tobytes() for name, column in vars(one).items()
    )


def played(world: SimulatedWorld, rounds: int = 60, seed: int = 1) -> RoundHistory:
    return simulate(world, rounds, seed)


def view(*models: tuple[float, float], champion: int | None = 0) -> PublicView:
    """What is public: a loss and a bar for each hotkey, the contents being their own."""
    losses, bars = zip(*models, strict=True)
    numbers = tuple(range(len(models)))
    ranking = sorted(numbers, key=bars.__getitem__)
    return PublicView(losses, bars, ranking, numbers, numbers, champion)


def hand(trained: float, *hotkeys: int) -> PrivateView:
    return PrivateView(hotkeys or (0,), trained)
