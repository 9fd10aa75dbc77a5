"""A sitting of a run: steps, measurements, checkpoints, records. All that the losses depend on is
in the plan and the checkpoint, so that a run that was killed goes on as if nothing had happened.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from iotapretrain.data.page_cache import PageCache
from iotapretrain.errors import RunError
from iotapretrain.models.layout import Model, build
from iotapretrain.observe import events
from iotapretrain.observe.events import AnyEvent
from iotapretrain.observe.sink import NoSink, Sink
from iotapretrain.training import checkpoint, run_folder, shape
from iotapretrain.training.checkpoint import FULL, RANDOM, RunPosition, RunSnapshot, Say
from iotapretrain.training.network import flops_per_token, fresh, prepared
from iotapretrain.training.optimiser import Optimiser
from iotapretrain.training.plan import RunPlan
from iotapretrain.training.ranks import Ranks, alone, full, share_of, synchronised
from iotapretrain.training.reading import BatchReader, held_out, lanes_of, training_data
from iotapretrain.training.speed import matmul_peak, memory_bytes
from iotapretrain.training.start import public_name, read_model
from iotapretrain.training.stopping import StopLimits, StopReason, Wish, wishes

CHECKPOINT_SHARE = 0.02
"""Of a run's time may go into checkpoints; where writing is slow they come more seldom."""


@dataclass(frozen=True)
class Trained:
    """What a sitting led to."""

    run: Path
    model: Path
    """The folder of the best model by held-out loss."""
    reason: StopReason
    step: int
    steps: int
    tokens: int
    seconds: float
    held_out_loss: float
    loss: float | None
    """Of the last step in this sitting, if there was one."""
    tokens_per_second: float


class Trainer:
    """A sitting: the network, its optimiser, its text, and how far they are."""

    def __init__(
        self, plan: RunPlan, run: Path, sink: Sink, cache: PageCache, ranks: Ranks, say: Say
    ) -> None:
        self.plan, self.run, self.ranks = plan, run, ranks
        self._sink, self._cache, self._say = sink, cache, say
        self._config = shape.checked(plan.model)
        self._peak = matmul_peak(ranks.device, getattr(torch, plan.precision)) * ranks.count
        self._held_out = self._share_of_held_out()
        self._digest = run_folder.digest(plan)
        self.step = 0
        self._before = 0.0
        """Seconds of earlier sittings."""
        self._best = math.inf
        self._mark = time.perf_counter()
        """When the steps began that the next report speaks of, later by what else took time."""
        self._evaluated = self._reported = -1
        self._tokens_per_second = self._written_seconds = 0.0
        self._started = time.perf_counter()

    def begin(self, start: Path | None) -> None:
        """Take over the newest checkpoint; without any, begin and write the first."""
        snapshot = checkpoint.newest(self.run, self._digest, self._say)
        self._build(start, snapshot)
        self._emit(
            events.TrainStarted,
            competition=self.plan.competition,
            architecture=self._config.architecture.name,
            parameters=self.plan.parameters,
            origin=self.plan.origin,
            resumed_at_step=self.step,
            planned_tokens=self.plan.steps * self.plan.step_tokens,
            settings=self._settings(),
        )
        if snapshot is None:
            self._evaluate()
            self._save()
        self._reported = self.step
        self._saved = self._mark = time.perf_counter()

    def go(self, limits: StopLimits, wish: Wish) -> Trained:
        """Train until the plan is done, a limit is reached, or somebody wishes otherwise."""
        loss: float | None = None
        reason = limits.reason(self.step, self.plan.steps, 0.0, math.inf)
        while reason is StopReason.RUNNING:
            mean, norm = self.advance()
            last = self.step >= self.plan.steps
            reported = last or self.step % self.plan.report_steps == 0
            if reported:
                loss = self._report(mean, norm)
            if last or self.step % self.plan.evaluate_steps == 0:
                self._evaluate()
            if reported and loss is not None:
                reason = self._decide(limits, wish, loss)
        if loss is not None:
            if self._evaluated != self.step:
                self._evaluate()
            self._save()  # after the measurement, for it holds the best loss
        return self._finish(reason, loss)

    def close(self) -> None:
        self._reader.close()

    # What a run is made of

    def _build(self, start: Path | None, snapshot: RunSnapshot | None) -> None:
        self._network = prepared(self._model(start, snapshot), self._config, self.plan)
        self.ranks.place(self._network)
        self.flops_per_token = flops_per_token(self._network, self.plan.data.sequence_length)
        self._optimiser = Optimiser(self._network, self.plan.optimiser)
        states = None
        if snapshot is not None:
            self._restore(snapshot)
            states = snapshot.position.lanes
        lanes = lanes_of(self.plan.data, self.ranks.rank, self.ranks.count)
        self._reader = BatchReader(self.plan.data, self.plan.seed, self._cache, lanes, states)

    def _model(self, start: Path | None, snapshot: RunSnapshot | None) -> Model:
        """What training begins with; where a checkpoint fills it, its weights do not matter yet."""
        if snapshot is not None:
            model = build(self._config)
            model.tie_weights()
            return model
        return fresh(self._config, self.plan.seed) if start is None else read_model(start)[1]

    def _restore(self, snapshot: RunSnapshot) -> None:
        with torch.no_grad():
            for name, parameter in self._network.model.named_parameters():
                parameter.copy_(share_of(snapshot.weights[name], parameter))
        tensors = dict(snapshot.optimiser)
        torch.set_rng_state(tensors.pop(RANDOM))
        self._optimiser.load(tensors)
        position = snapshot.position
        self.step, self._before, self._best = position.step, position.seconds, position.best

    def _share_of_held_out(self) -> torch.Tensor:
        """As many rows for every rank, because all must go through the network equally often."""
        rows = held_out(self.plan.data, self.plan.seed, self._cache)
        count, rank = self.ranks.count, self.ranks.rank
        usable = max(len(rows) // count, 1) * count
        return rows[torch.arange(rank, usable, count) % len(rows)].to(self.ranks.device)

    def _settings(self) -> dict[str, str | int | float | bool | None]:
        plan = self.plan
        return {
            "learning_rate": plan.optimiser.learning_rate,
            "optimiser": plan.optimiser.name,
            "schedule": plan.schedule.shape,
            "batch": plan.batch,
            "sequence_length": plan.data.sequence_length,
            "steps": plan.steps,
            "precision": plan.precision,
            "ranks": self.ranks.count,
            "seed": plan.seed,
            "matmul_peak": self._peak,
        }

    # What happens again and again

    def advance(self) -> tuple[torch.Tensor, torch.Tensor]:
        """One step; the batch's mean loss, and the norm of its gradient before clipping."""
        rows = self._reader.take(self.plan.batch // self.ranks.count)
        parts = rows.to(self.ranks.device, non_blocking=True).split(self.plan.at_once)
        mean = torch.zeros((), device=self.ranks.device)
        for number, part in enumerate(parts, 1):
            synchronised(self._network, number == len(parts))
            loss = self._network(part) * (len(part) / len(rows))
            torch.autograd.backward(loss)
            mean += loss.detach()
        norm = self._optimiser.step(self.plan.rate(self.step))
        self.step += 1
        return mean, norm

    def _report(self, mean: torch.Tensor, norm: torch.Tensor) -> float:
        loss, gradient = self.ranks.mean(mean).item(), full(norm).item()
        now = time.perf_counter()
        steps = self.step - self._reported
        self._tokens_per_second = steps * self.plan.step_tokens / (now - self._mark)
        self._mark, self._reported = now, self.step
        self._check_finite(loss)
        self._emit(
            events.TrainStep,
            **self._reached,
            loss=loss,
            learning_rate=self.plan.rate(self.step - 1),
            gradient_norm=gradient,
            tokens_per_second=self._tokens_per_second,
            flops_share=self.flops_per_token * self._tokens_per_second / self._peak,
            memory_bytes=memory_bytes(self.ranks.device),
        )
        return loss

    @torch.no_grad()
    def _evaluate(self) -> None:
        """Measure on held-out text; what is best so far becomes the model that the run exports."""
        started = time.perf_counter()
        parts = self._held_out.split(self.plan.at_once)
        total = sum(self._network(part) * len(part) for part in parts) / len(self._held_out)
        loss = self.ranks.mean(torch.as_tensor(total)).item()
        self._check_finite(loss)
        best = loss < self._best
        if best:
            self._best = loss
            self._export()
        self._evaluated = self.step
        self._emit(events.TrainEvaluated, **self._reached, held_out_loss=loss, best=best)
        self._mark += time.perf_counter() - started

    def _check_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise RunError(
                f"step {self.step}: the loss is {loss}; begin a new run with a lower"
                " optimiser.learning_rate, or from another model"
            )

    def _export(self) -> None:
        """The model as it is, with where it comes from."""
        plan, state = self.plan, self.ranks.collect(self._network.model.state_dict())
        if self.ranks.leads:
            facts = {
                "competition": plan.competition,
                "origin": public_name(plan.origin),
                **{key: str(number) for key, number in self._reached.items()},
                "held_out_loss": f"{self._best:.6f}",
                "training_data": training_data(plan.data, self._cache),
            }
            run_folder.export(self.run, plan, self._config, state, facts, self._reader.tokenizer)

    def _save(self) -> None:
        """Write a checkpoint; all ranks take part, one writes."""
        started = time.perf_counter()
        weights = self.ranks.collect(dict(self._network.model.named_parameters()))
        optimiser = self.ranks.collect(self._optimiser.state())
        states = self.ranks.gather(self._reader.states)
        if self.ranks.leads:
            position = RunPosition(
                plan=self._digest,
                **self._reached,
                seconds=self._seconds,
                best=self._best,
                lanes=tuple(states),
            )
            random = {RANDOM: torch.get_rng_state()}
            snapshot = RunSnapshot(position, weights, optimiser | random)
            size = checkpoint.save(self.run, snapshot, self.plan.keep)
            seconds = time.perf_counter() - started
            self._emit(events.Checkpointed, **self._reached, size_bytes=size, seconds=seconds)
        self._saved = time.perf_counter()
        self._written_seconds = self._saved - started
        self._mark += self._saved - started

    def _decide(self, limits: StopLimits, wish: Wish, loss: float) -> StopReason:
        """What the leading rank thinks, done by all: write a checkpoint or not, go on or end."""
        now = time.perf_counter()
        due = now - self._saved >= _pause(self.plan.checkpoint_seconds, self._written_seconds)
        reason = limits.reason(self.step, self.plan.steps, now - self._started, loss)
        if wish.expressed:
            reason = StopReason.INTERRUPTED
        save, agreed = divmod(self.ranks.agree(due * len(StopReason) + reason), len(StopReason))
        if save and agreed == StopReason.RUNNING:
            self._save()
        return StopReason(agreed)

    def _finish(self, reason: StopReason, loss: float | None) -> Trained:
        result = {**self._reached, "seconds": self._seconds, "held_out_loss": self._best}
        self._emit(events.TrainFinished, **result, reason=reason.name.lower())
        return Trained(
            run=self.run,
            model=self.run / run_folder.MODEL,
            reason=reason,
            steps=self.plan.steps,
            loss=loss,
            tokens_per_second=self._tokens_per_second,
            **result,
        )

    @property
    def _reached(self) -> dict[str, Any]:
        return {"step": self.step, "tokens": self.step * self.plan.step_tokens}

    @property
    def _seconds(self) -> float:
        return self._before + time.perf_counter() - self._started

    def _emit(self, kind: type[AnyEvent], **values: Any) -> None:
        self._sink.emit(kind(time=time.time(), source=f"train:{self.run.name}", **values))


def _pause(wanted: float, writing: float) -> float:
    """Seconds between two checkpoints; 0 is none at all, however long they take."""
    return wanted and max(wanted, writing / CHECKPOINT_SHARE)


def train(
    plan: RunPlan,
    run: Path,
    sink: Sink,
    cache: PageCache,
    *,
    start: Path | None = None,
    limits: StopLimits | None = None,
    ranks: Ranks | None = None,
    say: Say = lambda _line: None,
) -> Trained:
    """Begin the run that is planned, or go on where its newest checkpoint stands.

    `start` is the folder of the model that it begins with, unless from scratch. `ranks` are the
    processes that train together: this one alone, or those of `ranks.joined`.
    """
    ranks = ranks or alone()
    limits = limits or StopLimits(seconds=plan.seconds, loss=plan.loss)
    with _full_disk_told(run), ExitStack() as stack:
        if ranks.leads:
            stack.enter_context(run_folder.held(run))
            run_folder.settle(run, plan)
        wish = stack.enter_context(wishes())
        trainer = Trainer(plan, run, sink if ranks.leads else NoSink(), cache, ranks, say)
        trainer.begin(start)
        stack.callback(trainer.close)
        return trainer.go(limits, wish)


@contextmanager
def _full_disk_told(run: Path) -> Iterator[None]:
    """Records, caches and locks are written by others, who let the kernel's error through."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise RunError(
            f"{error.filename or run}: no room left; checkpoints are whole: make room, --resume"
        ) from error
