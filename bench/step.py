"""python -m bench.step [--json] [--gpu]: what cutting, chaining and replaying cost a step.

Three stages in one process with plain boundaries against a bare loop over the same class of
`transformers` with the same optimisers, samples and clipping, without links. Then what digests of
the states take of a step of 16 samples, what a replay takes beside the step itself, and what a
stage holds between two steps beside 16 bytes a parameter (12 with Muon) and the inputs it keeps.
On the CPU one thread works and the process's own time counts. With --gpu a 1B-shaped stage in
bfloat16: its share of the measured matrix peak.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import time
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional
from transformers import AutoModelForCausalLM

from bench.measure import Figure, alternate, arguments, report
from iotapretrain.models.stages.staged_config import StagedConfig, whole_config
from iotapretrain.models.stages.staged_model import StageNetwork
from iotapretrain.training.optimiser import adamw, muon
from iotapretrain.training.plan import OptimiserName, OptimiserPlan
from iotapretrain.training.speed import matmul_peak
from iotapretrain.training.stage_state import StageState, StateLayout
from iotapretrain.training.stage_step import StageTrainer, StepInput

SAMPLES, ROWS, POSITIONS = 16, 4, 256
SPEED, DIGEST, REPLAY, MEMORY, MFU = 0.95, 0.03, 1.1, 0.05, 0.45


def main() -> None:
    options = arguments(__doc__)
    torch.set_num_threads(1)
    figures = [*speed(), replayed(), *memory()]
    if options.gpu:
        figures.append(utilisation())
    report("step", figures, options.json)


def shape(
    width: int, blocks: tuple[int, ...], vocabulary: int = 2048, **given: object
) -> StagedConfig:
    return StagedConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=round(width * 8 / 3 / 32) * 32,
        num_hidden_layers=sum(blocks),
        num_attention_heads=width // 64,
        num_key_value_heads=width // 64,
        head_dim=64,
        max_position_embeddings=POSITIONS + 1,
        stage_blocks=list(blocks),
        **given,
    )


def trainer(
    config: StagedConfig, index: int, name: OptimiserName, device: str = "cpu", **given: object
) -> StageTrainer:
    network = StageNetwork(config, index)
    state = StageState(StateLayout(network.shapes, name), device)
    state.begin(network.first_weights(1))
    return StageTrainer(network, state, OptimiserPlan(1e-3, name), lambda _: 1e-3, **given)


def samples(vocabulary: int, count: int = SAMPLES) -> Iterator[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    for _ in range(count):
        yield torch.randint(0, vocabulary, (ROWS, POSITIONS + 1), generator=generator)


def speed() -> list[Figure]:
    """Tokens a second beside the bare loop, and the share of a step that digests take."""
    config, plan = shape(256, (2, 2, 2)), OptimiserPlan(1e-3, "muon")
    stages = [trainer(config, index, "muon") for index in range(3)]
    whole = AutoModelForCausalLM.from_config(whole_config(config)).train()
    named = dict(whole.named_parameters())
    matrices = [each for name, each in named.items() if ".layers." in name and each.ndim > 1]
    known = {id(each) for each in matrices}
    rest = [each for each in named.values() if id(each) not in known]
    optimisers = [
        adamw([e for e in rest if e.ndim > 1], [e for e in rest if e.ndim < 2], plan),
        muon(matrices, plan),
    ]
    rows = list(samples(config.vocab_size))

    def staged() -> None:
        for number, each in enumerate(rows):
            there_and_back(stages, bytes([number]), each)
        for stage in stages:
            stage.step()

    def bare() -> None:
        for each in rows:
            logits = whole(each[:, :-1]).logits.flatten(0, 1)
            (functional.cross_entropy(logits, each[:, 1:].flatten()) / SAMPLES).backward()
        nn.utils.clip_grad_norm_(named.values(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()

    def digests() -> None:
        for stage in stages:
            stage.state.digest()

    staged(), bare()
    ours, peer, hashing = alternate(staged, bare, digests, clock=time.process_time)
    tokens = SAMPLES * ROWS * POSITIONS
    return [
        Figure(
            "three stages in one process",
            "tokens/s of processor time",
            tokens / ours,
            tokens / peer,
            peer / ours,
            f">= {SPEED} x the bare loop",
            peer / ours >= SPEED,
        ),
        Figure(
            f"digests of the states in a step of {SAMPLES} samples",
            "s",
            hashing,
            ours,
            hashing / ours,
            f"<= {DIGEST} of the step",
            hashing / ours <= DIGEST,
        ),
    ]


def there_and_back(stages: list[StageTrainer], sample: bytes, rows: torch.Tensor) -> None:
    tokens, received, sent = rows[:, :-1].int(), None, None
    for stage in stages:
        labels = rows[:, 1:].int() if stage.network.is_tail else None
        sent = stage.forward(StepInput(sample, tokens, received, labels))
        received = sent.onward
    for stage in reversed(stages[:-1]):
        sent = stage.backward(sample, sent.back)


def replayed() -> Figure:
    """A step of a stage in the middle, and its replay from the state before and the inputs."""
    config = shape(256, (2, 2, 2))
    live, auditor = (trainer(config, 1, "muon") for _ in range(2))
    inputs = list(middle_inputs(live, SAMPLES))
    kept: list[StepInput] = []

    def step() -> None:
        for given, gradient in inputs:
            live.forward(given)
            live.backward(given.sample, gradient)
        kept[:] = live.step()[1]

    def replay() -> None:
        auditor.replay(kept)

    step(), replay()
    own, again = alternate(step, replay, clock=time.process_time)
    ratio = again / own
    return Figure("replay of a step", "s", again, own, ratio, f"<= {REPLAY}", ratio <= REPLAY)


def middle_inputs(
    stage: StageTrainer, count: int, device: str = "cpu"
) -> Iterator[tuple[StepInput, torch.Tensor]]:
    generator = torch.Generator().manual_seed(2)
    width, wire = stage.network.config.width, stage.network.wire
    for number in range(count):
        tokens = torch.randint(0, 257, (ROWS, POSITIONS), generator=generator).int()
        numbers = torch.randn(2, ROWS * POSITIONS, width, generator=generator)
        received, gradient = (wire.pack(each).to(device) for each in numbers)
        yield StepInput(number.to_bytes(8, "little"), tokens.to(device), received), gradient


def memory() -> Iterator[Figure]:
    """Between two steps, with samples under way, in a process of its own."""
    for name, a_parameter in (("adamw", 16), ("muon", 12)):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            held, expected = pool.apply(_held, (name, a_parameter))
        ratio = held / expected
        yield Figure(
            f"memory of a stage with {name}",
            "MB",
            held / 1e6,
            expected / 1e6,
            ratio,
            f"within {MEMORY:.0%} of {a_parameter} B a parameter and kept inputs",
            abs(ratio - 1) <= MEMORY,
        )


def _held(name: OptimiserName, a_parameter: int) -> tuple[int, float]:
    torch.set_num_threads(1)
    small = trainer(shape(64, (1, 1, 1)), 1, name)
    _steps(small, 1)  # libraries take their memory now
    before = _resident()
    stage = trainer(shape(1024, (1, 3, 1)), 1, name)
    _steps(stage, 2)
    for given, _ in middle_inputs(stage, SAMPLES):
        stage.forward(given)
    stage.step()
    return _resident() - before, a_parameter * stage.state.layout.parameters + stage.kept_bytes


def _steps(stage: StageTrainer, count: int) -> None:
    for _ in range(count):
        for given, gradient in middle_inputs(stage, 2):
            stage.forward(given)
            stage.backward(given.sample, gradient)
        stage.step()


def _resident() -> int:
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def utilisation() -> Figure:
    """MFU of a 1B-shaped stage in the middle, in bfloat16 on a GPU."""
    config = shape(2048, (1, 16, 1), 50_304, boundary="residual", boundary_width=32)
    stage = trainer(config, 1, "muon", "cuda", precision=torch.bfloat16)
    inputs = list(middle_inputs(stage, SAMPLES, "cuda"))

    def step() -> None:
        for given, gradient in inputs:
            stage.forward(given)
            stage.backward(given.sample, gradient)
        stage.step()
        torch.cuda.synchronize()

    step()
    (seconds,) = alternate(step)
    multiplied = sum(each.numel() for each in stage.state.weights.values() if each.ndim > 1)
    operations = 6 * (multiplied + 16 * config.hidden_size * POSITIONS)
    rate = operations * SAMPLES * ROWS * POSITIONS / seconds
    share = rate / matmul_peak(torch.device("cuda"), torch.bfloat16)
    name = "MFU of a 1B-shaped stage in bfloat16"
    return Figure(name, "share", share, None, None, f">= {MFU}", share >= MFU)


if __name__ == "__main__":
    main()
