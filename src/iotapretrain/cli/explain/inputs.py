"""The JSON documents that `iota rules explain` takes: a round of models, or weights and stake."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from iotapretrain.errors import InputError

Loss = float | Literal["inf", "-inf", "nan"] | None


class RoundModel(msgspec.Struct, forbid_unknown_fields=True):
    """One model of a round: its losses page by page, or its one score."""

    uid: int
    block: int
    losses: list[Loss] | None = None
    score: Loss = None
    order: int | None = None
    digest: str | None = None


class RoundInput(msgspec.Struct, tag_field="kind", tag="round", forbid_unknown_fields=True):
    """A competition's round; `comparison` is a mode and `epsilon` a rule of docs/rules.md."""

    models: list[RoundModel]
    epsilon: dict[str, Any]
    current_block: int
    comparison: str = "score-level"
    temperature: float = 0.01


class StatedHyperparameters(msgspec.Struct, forbid_unknown_fields=True):
    """A subnet's hyperparameters; what is left out has the chain's default."""

    tempo: int | None = None
    activity_cutoff: int | None = None
    kappa_u16: int | None = None
    bonds_penalty_u16: int | None = None
    bonds_moving_average_ppm: int | None = None
    max_allowed_validators: int | None = None
    stake_threshold: int | None = None
    yuma3: bool | None = None
    liquid_alpha: bool | None = None
    alpha_low_u16: int | None = None
    alpha_high_u16: int | None = None
    alpha_sigmoid_steepness: int | None = None
    owner_uid: int | None = None
    commit_reveal: bool | None = None


Pairs = list[tuple[int, int]]


class YumaInput(msgspec.Struct, tag_field="kind", tag="yuma", forbid_unknown_fields=True):
    """One epoch of a subnet: stake and weight rows of (uid, value) pairs, a row a neuron.

    Left out: everybody with stake may set weights, did so in this block, and registered long ago.
    """

    stake: list[int]
    weights: list[Pairs]
    hyperparameters: StatedHyperparameters = msgspec.field(default_factory=StatedHyperparameters)
    bonds: list[Pairs] | None = None
    permit: list[bool] | None = None
    last_update: list[int] | None = None
    registered: list[int] | None = None
    block: int = 1000
    last_step: int = 0
    emission: int = 1_000_000_000


def read(path: Path) -> RoundInput | YumaInput:
    """Read such a document, or say in one line what is wrong with it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=RoundInput | YumaInput)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(f"{path}: {error}; docs/explain.md shows what is expected") from error
