"""Which competitions run at a block, and under which rules (competition, section 5).

Every competition has ranges of blocks, each with its own share, tasks and rules; ranges overlap
freely. At every block from the first on the shares of what is active sum to 1, until all have
ended. `competitions.parse` reads a schedule from TOML.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from iotapretrain.errors import ConfigError, InputError
from iotapretrain.rules.competition.commitment import LARGEST_COMPETITION
from iotapretrain.rules.competition.size_limits import NormRule
from iotapretrain.rules.competition.standings import ALPHA
from iotapretrain.rules.competition.task_score import Task
from iotapretrain.rules.competition.tournament import RoundRules
from iotapretrain.rules.sampling import SYNC_CADENCE

DTYPES = ("bfloat16", "float16", "float32")
EVAL_BLOCK_DELAY = 250
PAGE_ROWS = 50
TOLERANCE = 1e-9
"""How far a sum of shares or weights written in decimals may be from 1."""


@dataclass(frozen=True)
class Blocks:
    """Blocks from `start` up to but not including `end`; None is for ever."""

    start: int
    end: int | None = None

    def __post_init__(self) -> None:
        if self.start < 0:
            raise ConfigError("blocks", "from", f"{self.start}", "a block from 0 on")
        if self.end is not None and self.end < self.start:
            raise ConfigError("blocks", "until", f"{self.end}", f"a block from {self.start} on")

    def __contains__(self, block: int) -> bool:
        return self.start <= block and (self.end is None or block < self.end)


@dataclass(frozen=True)
class Constraints:
    """What a model of a competition must satisfy (5.1)."""

    min_parameters: int
    max_parameters: int
    sequence_length: int
    tokenizer: str
    max_bytes: int
    architectures: frozenset[str]
    dtype: str = "bfloat16"
    norms: NormRule | None = None
    trainable: bool = False
    """Refuse what nobody can train on from; that probe was calibrated on small models."""

    def __post_init__(self) -> None:
        if not 0 <= self.min_parameters <= self.max_parameters:
            bounds = f"[{self.min_parameters}, {self.max_parameters}]"
            raise _wrong("parameters", bounds, "[smallest, largest], both from 0 on")
        if self.sequence_length < 2:
            raise _wrong("sequence_length", f"{self.sequence_length}", "2 tokens or more")
        if self.max_bytes < 1:
            raise _wrong("max_bytes", f"{self.max_bytes}", "1 or more")
        if not self.architectures:
            raise _wrong("architectures", "an empty list", "one class name or more")
        if self.dtype not in DTYPES:
            raise _wrong("dtype", repr(self.dtype), ", ".join(DTYPES))


@dataclass(frozen=True, kw_only=True)
class TextTask(Task):
    """A task on pages of text: the mean loss of next tokens (5.3).

    Without `config` pages come from all configurations of the dataset, in proportion to their rows.
    At most `sequences` are kept, the first of each page; None keeps all.
    """

    dataset: str
    pages: int
    config: str | None = None
    page_rows: int = PAGE_ROWS
    sequences: int | None = None
    packed: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for key, value in (
            ("pages", self.pages),
            ("page_rows", self.page_rows),
            ("sequences", self.sequences),
        ):
            if value is not None and value < 1:
                raise _wrong(key, f"{value}", "1 or more")


@dataclass(frozen=True)
class Slot:
    """A share of the reward in a range of blocks, under an id and a name.

    Alone it is reserved for a competition that is not run here; merging gives it to the others.
    """

    id: int
    name: str
    blocks: Blocks
    share: float

    def __post_init__(self) -> None:
        if not 0 <= self.id <= LARGEST_COMPETITION:
            raise _wrong("id", f"{self.id}", f"0 to {LARGEST_COMPETITION}")
        if not 0 < self.share <= 1:
            raise _wrong("share", f"{self.share}", "a number above 0, to 1")


@dataclass(frozen=True)
class Competition(Slot):
    """A competition as it stands in one range of blocks.

    `models` is the id under which its models are committed: its own, or that of the competition
    whose models it scores too.
    """

    models: int
    constraints: Constraints
    tasks: tuple[TextTask, ...]
    rules: RoundRules
    alpha: float = ALPHA
    eval_block_delay: int = EVAL_BLOCK_DELAY

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.alpha <= 1:
            raise _wrong("alpha", f"{self.alpha}", "a number from 0 to 1")
        if self.eval_block_delay < 0:
            raise _wrong("eval_block_delay", f"{self.eval_block_delay}", "0 blocks or more")
        names = [task.name for task in self.tasks]
        if len(set(names)) < len(names) or not names:
            raise _wrong("tasks", f"names {names}", "one task or more, each name once")
        total = math.fsum(task.weight for task in self.tasks)
        if abs(total - 1) > TOLERANCE:
            raise _wrong("tasks", f"weights sum to {total:.9g}", "weights that sum to 1")


@dataclass(frozen=True)
class Schedule:
    """All competitions, range by range, in the order in which rounds take them."""

    competitions: tuple[Competition, ...]
    reserved: tuple[Slot, ...] = ()
    sync_cadence: int = SYNC_CADENCE

    def __post_init__(self) -> None:
        if not self.competitions:
            raise _wrong("competition", "there is none", "one or more")
        if self.sync_cadence < 1:
            raise _wrong("sync_cadence", f"{self.sync_cadence}", "1 block or more")
        for block in self.boundaries:
            self._check_at(block)

    @cached_property
    def boundaries(self) -> tuple[int, ...]:
        """Every block at which something begins or ends; between two of them nothing changes."""
        slots: tuple[Slot, ...] = (*self.competitions, *self.reserved)
        ranges = [slot.blocks for slot in slots]
        ends = {blocks.end for blocks in ranges if blocks.end is not None}
        return tuple(sorted({blocks.start for blocks in ranges} | ends))

    def active(self, block: int) -> tuple[Competition, ...]:
        """The competitions that run at this block; none is an error, for there is no game then."""
        running = self.running(block)
        if not running:
            raise InputError(
                f"block {block}: no competition is scheduled; see the schedule's blocks"
            )
        return running

    def running(self, block: int) -> tuple[Competition, ...]:
        """The competitions that run at this block, if any."""
        return tuple(slot for slot in self.competitions if block in slot.blocks)

    def shares(self, block: int) -> dict[int, float]:
        """The reward share of every competition at this block, reserved ones too; they sum to 1."""
        slots: tuple[Slot, ...] = (*self.active(block), *self._reserved(block))
        return {slot.id: slot.share for slot in slots}

    def accepting(self, competition_id: int, block: int) -> Competition | None:
        """The competition to which models can be committed under this id at this block, if any."""
        for competition in self.running(block):
            if competition.id == competition_id == competition.models:
                return competition
        return None

    def _reserved(self, block: int) -> tuple[Slot, ...]:
        return tuple(slot for slot in self.reserved if block in slot.blocks)

    def _check_at(self, block: int) -> None:
        running = self.running(block)
        slots: tuple[Slot, ...] = (*running, *self._reserved(block))
        if not slots and block == self.boundaries[-1]:
            return
        where = f"block {block}"
        names, ids = [slot.name for slot in slots], [slot.id for slot in slots]
        if len(set(names)) < len(names) or len(set(ids)) < len(ids):
            raise _wrong(where, f"names {names}, ids {ids} are active", "each of them once")
        total = math.fsum(slot.share for slot in slots)
        if not running or abs(total - 1) > TOLERANCE:
            given = ", ".join(f"{slot.name} {slot.share:g}" for slot in slots) or "nothing active"
            raise _wrong(where, f"shares sum to {total:.9g}: {given}", "shares that sum to 1")
        committed = {slot.id for slot in running if slot.models == slot.id}
        for slot in running:
            if slot.models not in committed:
                problem = f"{slot.name} scores models of competition {slot.models}, not active then"
                raise _wrong(where, problem, "models of a competition that is active there too")


def _wrong(key: str, problem: str, allowed: str) -> ConfigError:
    return ConfigError("schedule", key, problem, allowed)
