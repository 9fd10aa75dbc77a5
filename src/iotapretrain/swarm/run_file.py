"""A swarm run as its file says: the model, the cut, the boundaries, the text, the steps."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from iotapretrain.errors import ConfigError
from iotapretrain.models.stages.staged_config import StagedConfig
from iotapretrain.rules.swarm.frame import FrameShape, id_bytes_of
from iotapretrain.rules.swarm.partition import Burden, deal_blocks
from iotapretrain.training.plan import (
    DataPlan,
    OptimiserPlan,
    Precision,
    RateSchedule,
    SourcePlan,
)

Tables = TypeVar("Tables", bound=Struct)

Whole = Annotated[int, Meta(ge=1)]
LANES, HELD_OUT_PAGES = 16, 8


class ModelTable(Struct, frozen=True, forbid_unknown_fields=True):
    """A decoder; what is left out follows from width and heads."""

    width: Whole
    blocks: Whole
    heads: Whole
    kv_heads: Whole | None = None
    head_width: Whole | None = None
    inner: Whole | None = None
    """Of the feed-forward half; 8/3 of the width, as a multiple of 32."""
    vocabulary: Whole | None = None
    """The tokenizer's own, unless more ids are wanted."""
    qk_norm: bool = False
    """Blocks as in Qwen3; else as in Llama."""
    rope_base: Annotated[float, Meta(gt=1)] = 10_000.0


class CutTable(Struct, frozen=True, forbid_unknown_fields=True):
    """Blocks of each stage, or how many stages there are and what memory bounds one."""

    blocks: tuple[Whole, ...] = ()
    stages: Whole | None = None
    memory: Whole | None = None


class BoundaryTable(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands between two stages, and how its numbers travel."""

    kind: Literal["plain", "quantised", "partial", "residual", "anchored"] = "plain"
    width: Whole | None = None
    wire: Literal["float32", "bfloat16", "int8"] = "bfloat16"


class SourceTable(Struct, frozen=True, forbid_unknown_fields=True):
    """What is read, and by which tokenizer."""

    dataset: str = "python-docs"
    tokenizer: str = "bytes"
    positions: Whole = 256
    """Of a row: tokens that predict another."""
    page_rows: Whole = 4
    held_out_rows: Whole = 64


class StepTable(Struct, frozen=True, forbid_unknown_fields=True):
    """A step of a stage: samples of so many rows, so many samples."""

    rows: Whole = 4
    samples: Whole = 4
    tokens: Whole = 1_000_000
    """Of the whole run, over which the learning rate goes."""
    precision: Precision = "float32"


class SwarmRun(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file."""

    name: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,63}$")]
    model: ModelTable
    cut: CutTable = CutTable()
    boundary: BoundaryTable = BoundaryTable()
    data: SourceTable = SourceTable()
    optimiser: OptimiserPlan = OptimiserPlan(learning_rate=2e-3, name="muon")
    schedule: RateSchedule = RateSchedule()
    step: StepTable = StepTable()
    seed: Annotated[int, Meta(ge=0, le=2**53)] = 0

    @property
    def step_tokens(self) -> int:
        """That predict another, in a step of every stage."""
        return self.step.rows * self.step.samples * self.data.positions

    @property
    def steps(self) -> int:
        """Of a run whose stages have one miner each."""
        return max(1, round(self.step.tokens / self.step_tokens))

    def rate(self, tokens: int) -> float:
        """The learning rate after so many tokens of the whole run."""
        share = self.schedule.share(tokens // self.step_tokens, self.steps)
        return self.optimiser.learning_rate * share

    def text(self) -> DataPlan:
        """What is read."""
        data = self.data
        source = SourcePlan(data.dataset, None, 1.0, data.page_rows, HELD_OUT_PAGES)
        return DataPlan((source,), data.tokenizer, data.positions + 1, LANES, data.held_out_rows)

    def config(self, vocabulary: int) -> StagedConfig:
        """The model, cut; ConfigError where its numbers do not go together."""
        model, boundary = self.model, self.boundary
        if (model.vocabulary or vocabulary) < vocabulary:
            raise ConfigError(
                self.name, "model.vocabulary", f"{model.vocabulary}", f"{vocabulary} or more"
            )
        try:
            return StagedConfig(
                vocab_size=model.vocabulary or vocabulary,
                hidden_size=model.width,
                intermediate_size=model.inner or round(model.width * 8 / 3 / 32) * 32 or 32,
                num_hidden_layers=model.blocks,
                num_attention_heads=model.heads,
                num_key_value_heads=model.kv_heads or model.heads,
                head_dim=model.head_width or model.width // model.heads,
                max_position_embeddings=self.data.positions + 1,
                rope_parameters={"rope_type": "default", "rope_theta": model.rope_base},
                qk_norm=model.qk_norm,
                stage_blocks=list(self._cut(vocabulary)),
                boundary=boundary.kind,
                boundary_width=boundary.width,
                wire=boundary.wire,
            )
        except (ValueError, ZeroDivisionError) as error:
            line = " ".join(str(error).split())
            raise ConfigError(self.name, "model", line, "see docs/stages.md") from error

    def frame(self, config: StagedConfig) -> FrameShape:
        """What a frame of this run is."""
        return FrameShape(
            self.step.rows,
            self.data.positions,
            config.width,
            config.wire,
            id_bytes_of(config.vocab_size) if config.boundary == "anchored" else 0,
        )

    def _cut(self, vocabulary: int) -> tuple[int, ...]:
        """As the file gives it, or by operations a token, which are the same for everybody."""
        if self.cut.blocks:
            return self.cut.blocks
        model = self.model
        inner = model.inner or model.width * 8 // 3
        block = model.width * (2 * model.width + 3 * inner) + 2 * model.width * self.data.positions
        table = model.width * (model.vocabulary or vocabulary)
        size = 12 * (4 * model.width**2 + 3 * model.width * inner)
        return deal_blocks(
            [Burden(block, size)] * model.blocks,
            head=Burden(0, 16 * table),
            tail=Burden(table, 16 * table),
            stages=self.cut.stages or 1,
            memory=self.cut.memory,
        )


def read_run_file(path: Path) -> SwarmRun:
    """The run of a TOML file."""
    return read_tables(path, SwarmRun, "docs/stages.md")


def read_tables(path: Path, kind: type[Tables], page: str) -> Tables:
    """A TOML file as its tables, or one line: file, key, what is wrong, what is allowed."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(document, kind)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), "syntax", str(error), "TOML 1.0") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "file", str(error), "a TOML file in UTF-8") from error
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        key = place.strip(".`") or "file"
        raise ConfigError(str(path), key, problem, f"see {page}") from error
    except ConfigError as error:  # of a table that checks itself
        key = f"{error.file}.{error.key}"
        raise ConfigError(str(path), key, error.problem, error.allowed) from error
