"""python -m bench.yuma [--json]: an epoch, arrays on validator rows against plain loops.

The loops run over all pairs of neurons, as the formulas do; validators are one row in sixteen. Our
epochs are short and timed many at a time. Liquid alpha, whose exponential is a series in exact
whole numbers, has no target of its own.
"""

from __future__ import annotations

import random
import tracemalloc
from dataclasses import replace

from bench.measure import Figure, alternate, arguments, report
from bench.plain import yuma as plain
from iotapretrain.rules.chain.yuma import EpochInputs, EpochOutcome, Hyperparameters, Rows, epoch

VALIDATORS = 64
SMALL, LARGE = 1_024, 4_096
AT_A_TIME = 20
SMALL_MS, LARGE_MS, RATIO, PEAK_MB = 15, 80, 200, 200
MODELS = {
    "classic bonds": {"yuma3": False, "liquid_alpha": False},
    "Yuma3 bonds": {"yuma3": True, "liquid_alpha": False},
    "Yuma3 bonds with liquid alpha": {"yuma3": True, "liquid_alpha": True},
}


def drawn(neurons: int, seed: int = 1) -> plain.Subnet:
    """Every validator has weights and bonds on every miner."""
    rng = random.Random(seed)

    def row(uid: int) -> list[tuple[int, int]]:
        miners = range(VALIDATORS, neurons) if uid < VALIDATORS else ()
        return [(miner, rng.randrange(1, 65536)) for miner in miners]

    return plain.Subnet(
        block=1000,
        stake=[rng.randrange(10**10, 10**15) for _ in range(VALIDATORS)]
        + [rng.randrange(10**9) for _ in range(VALIDATORS, neurons)],
        permit=[uid < VALIDATORS for uid in range(neurons)],
        last_update=[900] * neurons,
        registered=[1] * neurons,
        weights=[row(uid) for uid in range(neurons)],
        bonds=[row(uid) for uid in range(neurons)],
        emission=360 * 820_000_000,
        last_step=640,
    )


def taken(subnet: plain.Subnet) -> tuple[Hyperparameters, EpochInputs]:
    """The same subnet as our epoch takes it."""
    state = vars(subnet)
    names = Hyperparameters.__dataclass_fields__
    inputs = EpochInputs(
        block=subnet.block,
        last_step=subnet.last_step,
        stake=subnet.stake,
        permit=subnet.permit,
        last_update=subnet.last_update,
        registered=subnet.registered,
        weights=Rows.from_pairs(subnet.weights, "weights"),
        bonds=Rows.from_pairs(subnet.bonds, "bonds"),
        emission=subnet.emission,
        commit_block=subnet.commit_block or None,
    )
    return Hyperparameters(**{name: state[name] for name in names}), inputs


def same(ours: EpochOutcome, theirs: dict[str, object]) -> bool:
    """Whether every output is the same, to the last digit."""
    columns = [name for name in theirs if name in EpochOutcome.__dataclass_fields__]
    equal = (getattr(ours, name).tolist() == theirs[name] for name in columns if name != "bonds")
    return all(equal) and ours.bonds.to_pairs() == theirs["bonds"]


def against(model: str, subnet: plain.Subnet) -> Figure:
    """One model of bonds, ours against the loops."""
    hyperparameters, inputs = taken(subnet)
    assert same(epoch(hyperparameters, inputs), plain.epoch(subnet))

    def ours() -> None:
        for _ in range(AT_A_TIME):
            epoch(hyperparameters, inputs)

    many, loops = alternate(ours, lambda: plain.epoch(subnet))
    milliseconds, peer = many / AT_A_TIME * 1e3, loops * 1e3
    ratio = peer / milliseconds
    name = f"epoch, {SMALL:,} neurons, {VALIDATORS} validators, {model}"
    if subnet.liquid_alpha:
        return Figure(name, "ms", milliseconds, peer, ratio, None, None)
    met = milliseconds <= SMALL_MS and ratio >= RATIO
    target = f"<= {SMALL_MS} ms and ratio >= {RATIO}"
    return Figure(name, "ms", milliseconds, peer, ratio, target, met)


def large(model: str, subnet: plain.Subnet) -> tuple[Figure, Figure]:
    """Time and added peak memory at four times the size, where the loops take too long."""
    hyperparameters, inputs = taken(subnet)
    [seconds] = alternate(lambda: epoch(hyperparameters, inputs), runs=11)
    tracemalloc.start()
    epoch(hyperparameters, inputs)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    name = f"{LARGE:,} neurons, {VALIDATORS} validators, {model}"
    milliseconds = seconds * 1e3
    target, met = f"<= {LARGE_MS} ms", milliseconds <= LARGE_MS
    if subnet.liquid_alpha:
        target, met = None, None
    return (
        Figure(f"epoch, {name}", "ms", milliseconds, None, None, target, met),
        Figure(f"added memory, {name}", "MB", peak, None, None, f"< {PEAK_MB} MB", peak < PEAK_MB),
    )


def main() -> None:
    options = arguments(__doc__)
    small, huge = drawn(SMALL), drawn(LARGE)
    figures = [against(model, replace(small, **flags)) for model, flags in MODELS.items()]
    for model, flags in MODELS.items():
        figures += large(model, replace(huge, **flags))
    report("yuma", figures, options.json)


if __name__ == "__main__":
    main()
