"""Yuma vectors: which of our rules answers for each function and kind that the files name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from iotapretrain.conformance import yuma_rules, yuma_units
from iotapretrain.conformance.epoch_vectors import epoch_cases
from iotapretrain.conformance.majority import property_cases

__all__ = ["FUNCTIONS", "epoch_cases", "property_cases"]

FUNCTIONS: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    **yuma_units.FUNCTIONS,
    **yuma_rules.FUNCTIONS,
}
