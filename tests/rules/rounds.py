"""Rounds for tests: fields of models by strategy, and the shipped examples."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from iotapretrain.rules.competition import epsilon
from iotapretrain.rules.competition.epsilon import Fixed, LinearDecay
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.tournament import (
    MODES,
    DecidedRound,
    Mode,
    NoResult,
    RoundRules,
    play,
)

EXAMPLES = Path(__file__).parents[2] / "examples" / "rules"
DECAY = LinearDecay(0.005, 0.0001, 14_400)
NOW = 20_000

rules_of_age = st.sampled_from([DECAY, Fixed(0.005), Fixed(0.0), LinearDecay(0.001, 0.01, 700)])
usable = st.sampled_from([2.0, 2.0001, 1.9999, 1.9902, 0.0]) | st.floats(0.5, 5)
broken = st.sampled_from([math.nan, math.inf, -math.inf, -1.0])


@dataclass(frozen=True)
class Entry:
    """One model of a drawn field."""

    uid: int
    block: int
    losses: tuple[float, ...]
    digest: str | None = None


@st.composite
def entries(draw: st.DrawFn, *, losses: st.SearchStrategy[float], smallest: int = 1) -> list[Entry]:
    """Models with many equal blocks, equal losses and some equal digests, on the same pages."""
    size, pages = draw(st.integers(smallest, 8)), draw(st.integers(1, 4))
    uids = draw(st.lists(st.integers(0, 300), min_size=size, max_size=size, unique=True))
    rows = st.tuples(*[losses] * pages)
    blocks = st.sampled_from([10, 500, 501]) | st.integers(0, NOW)
    digests = st.sampled_from([None, None, "a", "b"])
    return [Entry(uid, draw(blocks), draw(rows), draw(digests)) for uid in uids]


def field_of(models: list[Entry]) -> Field:
    return Field.of(
        [model.uid for model in models],
        [model.block for model in models],
        losses=[model.losses for model in models],
        digests=[model.digest for model in models],
    )


def scored(*scores: float | None, blocks: list[int] | None = None, **columns: object) -> Field:
    """Models 0, 1, 2 … with these scores, a block apart unless told otherwise."""
    count = len(scores)
    return Field.of(range(count), blocks or range(1, count + 1), scores=scores, **columns)  # type: ignore[arg-type]


def decided(field: Field, rules: RoundRules, now: float = NOW) -> DecidedRound:
    outcome = play(field, rules, now)
    assert isinstance(outcome, DecidedRound)
    return outcome


def round_of(name: str, mode: Mode | None = None) -> DecidedRound:
    """A shipped example, played."""
    document = json.loads((EXAMPLES / name).read_text())
    models = document["models"]
    field = Field.of(
        [model["uid"] for model in models],
        [model["block"] for model in models],
        scores=[model["score"] for model in models] if "score" in models[0] else None,
        losses=[model["losses"] for model in models] if "losses" in models[0] else None,
    )
    rules = RoundRules(
        epsilon.parse(document["epsilon"]),
        mode or MODES[document["comparison"]],
        document["temperature"],
    )
    return decided(field, rules, document["current_block"])


def by_uid(outcome: DecidedRound | NoResult) -> dict[int, float]:
    """The weights; nothing where there is no result."""
    if isinstance(outcome, NoResult):
        return {}
    return dict(zip(outcome.field.uids.tolist(), outcome.weights.tolist(), strict=True))
