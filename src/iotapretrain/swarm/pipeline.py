"""All stages of a run in one process, one behind the other, over the frames that would travel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from transformers.utils.logging import disable_progress_bar

from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.tokenizer import Tokenizer
from iotapretrain.disk.whole_files import write_whole
from iotapretrain.errors import RunError
from iotapretrain.models.stages.staged_config import StagedConfig
from iotapretrain.models.stages.staged_model import StageNetwork, whole_model
from iotapretrain.models.stages.wire_codes import ID_KINDS, read_rows, read_tokens
from iotapretrain.rules.swarm.frame import Direction, Frame, FrameShape, read_frame
from iotapretrain.swarm.run_file import LANES, SwarmRun
from iotapretrain.training.reading import BatchReader, held_out
from iotapretrain.training.stage_state import StageState, StateLayout
from iotapretrain.training.stage_step import StageTrainer, StepInput, StepOutput

Made = TypeVar("Made")


@dataclass
class StageAtWork:
    """One stage of the pipeline, what it cost so far and what it sent."""

    trainer: StageTrainer
    seconds: float = 0.0
    sent_bytes: int = 0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Time that is this stage's."""
        started = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - started


@dataclass
class Pipeline:
    """A run in one process."""

    run: SwarmRun
    config: StagedConfig
    cache: PageCache
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    tokens: int = 0
    links: list[bytes] = field(default_factory=list)
    """Of every stage, after the last step."""

    def __post_init__(self) -> None:
        self.shape: FrameShape = self.run.frame(self.config)
        self.stages = [
            StageAtWork(self._trainer(index)) for index in range(len(self.config.blocks))
        ]
        self._reader = BatchReader(self.run.text(), self.run.seed, self.cache, range(LANES))
        self._held_out: torch.Tensor | None = None
        self._samples = 0
        self._rows: list[torch.Tensor] = []

    def close(self) -> None:
        """Stop fetching ahead."""
        self._reader.close()

    def step(self) -> float:
        """One step of every stage; the mean loss of its samples."""
        losses = [self._pass(self._next_rows()) for _ in range(self.run.step.samples)]
        self.tokens += self.run.step_tokens
        for stage in self.stages:
            with stage.timed():
                stage.trainer.tokens = self.tokens - self.run.step_tokens
                stage.trainer.step()
        self.links = [stage.trainer.link for stage in self.stages]
        return sum(losses) / len(losses)

    def weights(self) -> dict[str, torch.Tensor]:
        """Of the whole model, by name."""
        return {
            name: tensor
            for stage in self.stages
            for name, tensor in stage.trainer.state.weights.items()
        }

    def export(self, folder: Path, tokenizer: Tokenizer) -> None:
        """Write the whole model with its tokenizer, as anyone opens it."""
        disable_progress_bar()  # ours are lines
        whole = whole_model(self.config, self.weights())
        for words in (whole.config, whole.generation_config):
            words.bos_token_id, words.eos_token_id = None, tokenizer.end_id
        try:
            whole.save_pretrained(folder)
            for name, content in tokenizer.files().items():
                write_whole(folder / name, content)
        except (OSError, SafetensorError) as error:
            raise RunError(f"{folder}: cannot be written: {error}; make room there") from error

    @torch.no_grad()
    def held_out_loss(self) -> float:
        """The mean loss of rows that training never sees, over the same boundaries."""
        if self._held_out is None:
            self._held_out = held_out(self.run.text(), self.run.seed, self.cache)
        losses = [
            self._evaluate(part.to(self.device)) * len(part)
            for part in self._held_out.split(self.run.step.rows)
        ]
        return sum(losses) / len(self._held_out)

    def _trainer(self, index: int) -> StageTrainer:
        network = StageNetwork(self.config, index)
        state = StageState(StateLayout(network.shapes, self.run.optimiser.name), self.device)
        state.begin(network.first_weights(self.run.seed))
        precision: torch.dtype = getattr(torch, self.run.step.precision)
        return StageTrainer(network, state, self.run.optimiser, self.run.rate, precision)

    def _next_rows(self) -> torch.Tensor:
        """A sample's rows; every lane gives as many."""
        if not self._rows:
            taken = self._reader.take(LANES * self.run.step.rows)
            self._rows = list(taken.split(self.run.step.rows))
        return self._rows.pop(0).to(self.device)

    def _pass(self, rows: torch.Tensor) -> float:
        """One sample, there and back; its loss."""
        sample = self._samples.to_bytes(16, "little")
        self._samples += 1
        tokens, received = rows[:, :-1].int(), None
        for index, stage in enumerate(self.stages):
            with stage.timed():
                labels = rows[:, 1:].int() if stage.trainer.network.is_tail else None
                sent = stage.trainer.forward(StepInput(sample, tokens, received, labels))
            if sent.onward is not None:
                received = self._carry(index, sample, Direction.FORWARD, sent.onward, tokens)
        for index in range(len(self.stages) - 1, 0, -1):
            gradient = self._carry(index, sample, Direction.BACKWARD, _there(sent.back), tokens)
            with self.stages[index - 1].timed():
                turned = self.stages[index - 1].trainer.backward(sample, gradient)
            sent = StepOutput(back=_there(turned).back, loss=sent.loss)
        return _there(sent.loss)

    def _carry(
        self, index: int, sample: bytes, way: Direction, packed: torch.Tensor, tokens: torch.Tensor
    ) -> torch.Tensor:
        """Packed rows as they arrive at a neighbour, after the frame that holds them was read."""
        ids = b""
        if self.shape.ids_bytes(way):
            ids = tokens.to(ID_KINDS[self.shape.id_bytes]).cpu().numpy().tobytes()
        frame = Frame(way, index, sample, ids, packed.cpu().numpy().tobytes())
        content = frame.to_bytes(self.shape)
        self.stages[index].sent_bytes += len(content)
        sender = f"stage {index}"
        arrived = read_frame(content, self.shape, index, sender)
        read_tokens(arrived, self.shape, self.config.vocab_size, sender)
        return read_rows(arrived, self.shape, sender).to(self.device)

    def _evaluate(self, rows: torch.Tensor) -> float:
        """The mean loss of these rows."""
        x = None
        for stage in self.stages:
            received = None if x is None else stage.trainer.network.wire.rounded(x)
            x = stage.trainer.compute(received, rows[:, :-1])
        return self.stages[-1].trainer.loss(_there(x), rows[:, 1:]).item()


def _there(value: Made | None) -> Made:
    """What the stage before must have given."""
    assert value is not None  # noqa: S101  # no gradient is late where one process does all
    return value
