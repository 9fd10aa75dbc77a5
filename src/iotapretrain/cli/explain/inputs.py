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


Pairs = list[tuple[int, int]]


class YumaInput(msgspec.Struct, tag_field="kind", tag="yuma", forbid_unknown_fields=True):
    """One epoch of a subnet: stake and weight rows of (uid, value) pairs, a row a neuron.

    Left out: everybody with stake may set weights, did so in this block, and registered long ago;
    hyperparameters are as the chain's defaults.
    """

    stake: list[int]
    weights: list[Pairs]
    hyperparameters: dict[str, int | bool | None] = {}
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
