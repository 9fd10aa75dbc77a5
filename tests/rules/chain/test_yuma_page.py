"""The page on Yuma Consensus says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from iotapretrain.rules.chain.yuma import EpochInputs, Hyperparameters, Rows, epoch

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "yuma.md").read_text()
EXAMPLE = json.loads((ROOT / "examples" / "rules" / "yuma.json").read_text())


def test_the_worked_example_comes_out_as_the_page_says() -> None:
    size = len(EXAMPLE["stake"])
    outcome = epoch(
        Hyperparameters(**EXAMPLE["hyperparameters"]),
        EpochInputs(
            block=1000,
            last_step=0,
            stake=EXAMPLE["stake"],
            permit=[stake > 0 for stake in EXAMPLE["stake"]],
            last_update=[1000] * size,
            registered=[0] * size,
            weights=Rows.from_pairs(EXAMPLE["weights"]),
            bonds=Rows.empty(size),
            emission=EXAMPLE["emission"],
        ),
    )
    [row] = re.findall(r"^\| emission \| (\d.*) \|$", PAGE, re.MULTILINE)
    assert outcome.emission.tolist() == [int(amount) for amount in row.split(" | ")]
    stored = [dict(pairs)[4] for pairs in outcome.bonds.to_pairs()[:4]]
    assert "{}, {}, {} and {}: the largest bond".format(*stored) in PAGE


def test_every_hyperparameter_has_its_default_on_the_page() -> None:
    table = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", PAGE, re.MULTILINE))
    inline = dict(re.findall(r"`(alpha_\w+)` \((\d+)", PAGE))
    words = {None: "none", False: "false", True: "true"}
    defaults = {name: field.default for name, field in Hyperparameters.__dataclass_fields__.items()}
    shown = {
        name: str(words.get(value, value))
        if value is None or isinstance(value, bool)
        else str(value)
        for name, value in defaults.items()
    }
    assert table | inline == shown


def test_every_file_that_the_page_names_exists() -> None:
    for name in re.findall(r"`(\w+\.py)`", PAGE):
        assert (ROOT / "src" / "iotapretrain" / "rules" / "chain" / name).is_file(), name
