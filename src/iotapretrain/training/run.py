"""Training as one call: begin a run, or go on with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from iotapretrain.data.page_cache import Cache
from iotapretrain.errors import RunError
from iotapretrain.observe.sink import Silence, Sink
from iotapretrain.training import run_folder
from iotapretrain.training.checkpoint import FULL, Say
from iotapretrain.training.plan import Plan
from iotapretrain.training.ranks import Ranks, alone
from iotapretrain.training.stopping import Limits, wishes
from iotapretrain.training.trainer import Trained, Trainer


def train(
    plan: Plan,
    run: Path,
    sink: Sink,
    cache: Cache,
    *,
    start: Path | None = None,
    limits: Limits | None = None,
    ranks: Ranks | None = None,
    say: Say = lambda _line: None,
) -> Trained:
    """Begin the run that is planned, or go on where its newest checkpoint stands.

    `start` is the folder of the model that it begins with, unless from scratch. `ranks` are the
    processes that train together: this one alone, or those of `ranks.joined`.
    """
    ranks = ranks or alone()
    limits = limits or Limits(seconds=plan.seconds, loss=plan.loss)
    with _full_disk_told(run), ExitStack() as stack:
        if ranks.leads:
            stack.enter_context(run_folder.held(run))
            run_folder.settle(run, plan)
        wish = stack.enter_context(wishes())
        trainer = Trainer(plan, run, sink if ranks.leads else Silence(), cache, ranks, say)
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
