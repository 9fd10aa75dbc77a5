"""A stage's step: a pure function of its state and its inputs, to the byte.

    step(state, inputs) -> state    link = BLAKE3(link before | state | tokens | inputs | outputs)

A miner computes forwards and backwards as they come and then steps; an auditor repeats the step
from the state before it and the inputs. Both are `StageTrainer`. Gradients are those of the weights
that the step begins with: a sample whose forward belongs to the step before is computed forward
again from what was received, any other reuses its graph; the bytes are the same.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import torch
from blake3 import blake3
from torch import nn

from iotapretrain.errors import InputError
from iotapretrain.models.stages.staged_model import StageNetwork
from iotapretrain.training.network import mean_label_loss
from iotapretrain.training.optimiser import adamw, muon
from iotapretrain.training.plan import OptimiserPlan
from iotapretrain.training.stage_state import StageState

Rate = Callable[[int], float]
"""The learning rate after so many tokens of the whole run."""
FIRST_LINK = bytes(32)
LATEST = 1
"""Steps that a sample's backward may come after its forward."""


@dataclass(frozen=True)
class StepInput:
    """A sample's part in one step: what came in, and whether its forward, its backward or both fell
    into this step.
    """

    sample: bytes
    tokens: torch.Tensor
    """Of every position, as (rows, positions)."""
    received: torch.Tensor | None = None
    """As the wire packs it; None at the head."""
    labels: torch.Tensor | None = None
    """The tokens that follow: the tail's alone."""
    gradient: torch.Tensor | None = None
    """As the wire packs it; None at the tail, or while it has not come."""
    forward: bool = True
    backward: bool = False


@dataclass(frozen=True)
class StepOutput:
    """What was sent for a `StepInput`: None where there was nothing to send."""

    onward: torch.Tensor | None = None
    back: torch.Tensor | None = None
    loss: float | None = None


@dataclass
class _Sample:
    """A sample that is under way here."""

    given: StepInput
    step: int
    leaf: torch.Tensor | None
    result: torch.Tensor | None
    """With its graph, as long as the weights are those of its forward."""
    sent: StepOutput


@dataclass(frozen=True)
class DeterminismClass:
    """Machines of one class compute the same bytes."""

    device: str
    build: str
    threads: int
    precision: str

    @classmethod
    def here(cls, device: torch.device, precision: torch.dtype) -> DeterminismClass:
        """Of this process on this device; kernels of a GPU are asked to be deterministic."""
        if device.type == "cuda":
            torch.use_deterministic_algorithms(True)
            name = torch.cuda.get_device_name(device)
        else:
            name = f"{device.type} {platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
        threads = torch.get_num_threads() if device.type == "cpu" else 0
        return cls(name, torch.__version__, threads, str(precision).removeprefix("torch."))

    def __str__(self) -> str:
        return f"{self.device}, torch {self.build}, {self.threads} threads, {self.precision}"


@dataclass
class StageTrainer:
    """One stage at work: its network over a state, and the samples under way."""

    network: StageNetwork
    state: StageState
    plan: OptimiserPlan
    rate: Rate
    precision: torch.dtype = torch.float32
    link: bytes = FIRST_LINK
    tokens: int = 0
    """Of the whole run, by which the learning rate goes."""
    _samples: dict[bytes, _Sample] = field(default_factory=dict)
    _done: list[tuple[StepInput, StepOutput]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._held = self.network.hold(self.state.weights)
        self._gradients = torch.zeros_like(self.state.flat[: self.state.layout.parameters])
        for name, view in self.state.layout.views(self._gradients).items():
            self._held[name].grad = view
        self._optimisers = _optimisers(self.state, self._gradients, self._held, self.plan)

    @property
    def kept_bytes(self) -> int:
        """Of inputs that wait for their gradient."""
        return sum(
            part.nbytes
            for each in self._samples.values()
            for part in (each.given.tokens, each.given.received)
            if part is not None
        )

    def forward(self, given: StepInput) -> StepOutput:
        """Rows for the next stage; at the tail the loss, and rows for the stage before."""
        if given.sample in self._samples:
            raise InputError(
                f"sample {given.sample.hex()}: its forward is done already; send it once"
            )
        leaf, result = self._computed(given)
        if self.network.is_tail:
            sent = self._turned(leaf, result, given)
            self._done.append((replace(given, backward=True), sent))
            return sent
        sent = StepOutput(onward=self.network.wire.pack(result.flatten(0, -2)))
        self._samples[given.sample] = _Sample(given, self.state.steps, leaf, result, sent)
        return sent

    def backward(self, sample: bytes, gradient: torch.Tensor) -> StepOutput | None:
        """Rows for the stage before; None if the gradient came too late and is dropped."""
        under_way = self._samples.pop(sample, None)
        if under_way is None:
            return None
        given, leaf, result = under_way.given, under_way.leaf, under_way.result
        if result is None:
            leaf, result = self._computed(given)
        wire = self.network.wire
        result.backward(wire.unpack(gradient).view(result.shape).to(result.dtype))
        back = None if leaf is None else wire.pack(_gradient_of(leaf))
        same = under_way.step == self.state.steps
        sent = StepOutput(onward=under_way.sent.onward if same else None, back=back)
        done = replace(given, gradient=gradient, forward=same, backward=True)
        self._done.append((done, sent))
        return sent

    def step(self) -> tuple[bytes, tuple[StepInput, ...]]:
        """Move the weights by the mean gradient of what was done; the link, and what led to it.

        Samples that still wait are computed forward again when their gradient comes; those whose
        gradient is a step late by now are given up.
        """
        inputs, outputs = self._taken()
        self._move(sum(each.backward for each in inputs))
        self.state.steps += 1
        for name in [
            name for name, each in self._samples.items() if self.state.steps - each.step > LATEST
        ]:
            del self._samples[name]
        for each in self._samples.values():
            each.leaf = each.result = None
            each.sent = StepOutput()  # what was sent belongs to the step that is over
        self.link = next_link(self.link, self.state.digest(), self.tokens, inputs, outputs)
        return self.link, inputs

    def replay(self, inputs: Iterable[StepInput]) -> bytes:
        """Do again what a step was made of; its link."""
        for given in inputs:
            if given.forward:
                self.forward(replace(given, gradient=None, backward=False))
            elif given.backward:
                earlier = _Sample(given, self.state.steps - 1, None, None, StepOutput())
                self._samples[given.sample] = earlier
            if given.backward and given.gradient is not None:
                self.backward(given.sample, given.gradient)
        return self.step()[0]

    def _computed(self, given: StepInput) -> tuple[torch.Tensor | None, torch.Tensor]:
        leaf = None
        if given.received is not None:
            shape = (*given.tokens.shape, self.network.config.width)
            leaf = self.network.wire.unpack(given.received).view(shape).requires_grad_()
        return leaf, self.compute(leaf, given.tokens)

    def compute(self, received: torch.Tensor | None, tokens: torch.Tensor) -> torch.Tensor:
        """What the stage makes of rows that it received, in the run's precision."""
        with self._autocast():
            return self.network.compute(received, tokens)

    def loss(self, hidden: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The tail's: the mean of -ln p(label)."""
        with self._autocast():
            return mean_label_loss(self.network.head, hidden, labels.long())

    def _turned(
        self, leaf: torch.Tensor | None, hidden: torch.Tensor, given: StepInput
    ) -> StepOutput:
        """The tail's backward, as soon as it has the last hidden state."""
        if given.labels is None:
            raise InputError(f"sample {given.sample.hex()}: no labels; the tail needs them")
        loss = self.loss(hidden, given.labels)
        loss.backward()
        back = None if leaf is None else self.network.wire.pack(_gradient_of(leaf))
        return StepOutput(back=back, loss=loss.item())

    def _autocast(self) -> torch.autocast:
        device = self.state.flat.device.type
        return torch.autocast(device, self.precision, enabled=self.precision != torch.float32)

    def _taken(self) -> tuple[tuple[StepInput, ...], tuple[StepOutput, ...]]:
        """What this step is made of: what is done, then what was only sent onward in it."""
        waiting = [
            (each.given, each.sent)
            for each in self._samples.values()
            if each.step == self.state.steps
        ]
        inputs, outputs = (
            zip(*self._done, *waiting, strict=True) if self._done or waiting else ((), ())
        )
        self._done = []
        return inputs, outputs

    def _move(self, backwards: int) -> None:
        if not backwards:
            return
        self._gradients.div_(backwards)
        norm = torch.linalg.vector_norm(self._gradients)
        self._gradients.mul_((self.plan.clip / (norm + 1e-6)).clamp_max(1.0))
        for optimiser in self._optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.rate(self.tokens)
            optimiser.step()
        self._gradients.zero_()


def _optimisers(
    state: StageState,
    gradients: torch.Tensor,
    held: Mapping[str, nn.Parameter],
    plan: OptimiserPlan,
) -> list[torch.optim.Optimizer]:
    """AdamW over whole groups, Muon over each matrix: their moments lie in the state."""
    groups = [nn.Parameter(state.flat[part]) for part in state.layout.rest]
    first, second = state.moments
    for group, part in zip(groups, state.layout.rest, strict=True):
        group.grad = gradients[part]
    plain = adamw(groups[:1], groups[1:], plan)
    behind = state.layout.by_momentum
    for group, part in zip(groups, state.layout.rest, strict=True):
        place = slice(part.start - behind, part.stop - behind)
        plain.state[group] = {
            "step": torch.tensor(float(state.steps)),
            "exp_avg": first[place],
            "exp_avg_sq": second[place],
        }
    if not state.layout.matrices:
        return [plain]
    matrices = muon([held[name] for name in state.layout.matrices], plan)
    momentum = state.layout.views(state.momentum, state.layout.matrices)
    for name in state.layout.matrices:
        matrices.state[held[name]] = {"momentum_buffer": momentum[name]}
    return [plain, matrices]


def next_link(
    link: bytes,
    state: bytes,
    tokens: int,
    inputs: Iterable[StepInput],
    outputs: Iterable[StepOutput],
) -> bytes:
    """The next of a chain that commits to every state, input and output of a stage."""
    hasher = blake3(link + state + tokens.to_bytes(8, "little"))
    for given, sent in zip(inputs, outputs, strict=True):
        hasher.update(blake3(given.sample).digest() + bytes([given.forward, given.backward]))
        seen = (given.tokens, given.received, given.labels, given.gradient)
        for part in (*seen, sent.onward, sent.back):
            hasher.update(bytes(32) if part is None else tensor_digest(part))
    return hasher.digest()


def tensor_digest(tensor: torch.Tensor) -> bytes:
    """BLAKE3 of its bytes as they lie in memory."""
    content = tensor.detach().contiguous().cpu().numpy().data.cast("B")
    return blake3(content).digest()


def _gradient_of(leaf: torch.Tensor) -> torch.Tensor:
    assert leaf.grad is not None  # noqa: S101  # a backward pass has just been through it
    return leaf.grad.flatten(0, -2)
