"""python -m bench.processors [--json] [--deep] [--model FOLDER]: how far processors are apart.

Honest models score the same pages in processes that may use other instructions: libraries choose
their kernels when they are loaded, and are told by switches up to which. What an audit allows
between two validators is drawn from this. Each process also compares one sequence with the plain
formula in float64. --deep adds models of 16 layers of 768 and 24 of 512, --model one of a folder.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import tokenizers
import torch

from bench import zoo
from bench.measure import Figure, report
from iotapretrain.competition.audit.recomputed_losses import TOLERANCE
from iotapretrain.models.exact import MEAN_TOLERANCE, TOKEN_TOLERANCE, exact_losses
from iotapretrain.models.layout import Model
from iotapretrain.models.losses import mean_loss, token_losses
from iotapretrain.training.start import read_model

SWITCHES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "AVX-512": {},
        "AVX2": {
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "OPENBLAS_CORETYPE": "Haswell",
            "MKL_ENABLE_INSTRUCTIONS": "AVX2",
            "ATEN_CPU_CAPABILITY": "avx2",
        },
        "SSE4.1": {
            "ONEDNN_MAX_CPU_ISA": "SSE41",
            "OPENBLAS_CORETYPE": "Nehalem",
            "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
            "ATEN_CPU_CAPABILITY": "default",
        },
    }
)
"""What tells oneDNN, OpenBLAS, MKL and torch's own kernels to stay below newer instructions."""
OLD = "SSE4.1"
"""Processors from before 2013 are measured, but nothing is promised of them."""
DTYPES = (torch.float32, torch.bfloat16, torch.float16)
PAGES, ROWS = 4, 2
IDS = "ids.npy"
SAFETY = 2
"""An audit allows at least so many times what was measured."""
DEEP = (
    zoo.Recipe(zoo.LLAMA, width=768, layers=16, steps=3, rate=3e-4),
    zoo.Recipe(zoo.GPT2, width=512, layers=24, steps=3, rate=3e-4),
)

Measured = dict[str, list[float]]
"""By model and dtype: off float64 in the mean, and of a token; then each page's loss."""


def recipes(deep: bool) -> Iterator[zoo.Recipe]:
    """Untrained and briefly trained, of every small class."""
    for architecture in (zoo.GPT2, zoo.NEOX, zoo.LLAMA, zoo.MISTRAL, zoo.QWEN2):
        for width, steps in ((64, 0), (128, 40)):
            yield zoo.Recipe(architecture, width=width, steps=steps)
    yield from DEEP if deep else ()


def measure(model: Model, ids: torch.Tensor) -> list[float]:
    """In the model's dtype, in this process."""
    row = ids[0]
    off = token_losses(model, row[None])[0].double() - exact_losses(model, row)
    pages = [mean_loss(token_losses(model, page)) for page in ids.split(ROWS)]
    return [abs(float(off.mean())), float(off.abs().max()), *pages]


def measure_all(folder: Path) -> Measured:
    """Every model that lies in the folder, in every dtype."""
    torch.set_num_threads(1)
    found: Measured = {}
    for path in sorted(folder.iterdir()):
        ids = torch.from_numpy(np.load(path / IDS, allow_pickle=False))
        for dtype in DTYPES:
            model = read_model(path)[1].to(dtype).requires_grad_(False).eval()
            found[f"{path.name} {str(dtype).removeprefix('torch.')}"] = measure(model, ids)
    return found


def in_process(folder: Path, switches: Mapping[str, str]) -> Measured:
    """What a process with these switches measures."""
    said = subprocess.run(
        [sys.executable, "-m", "bench.processors", "--measure", str(folder)],
        env=os.environ | switches | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    found: Measured = json.loads(said)
    return found


def keep(folder: Path, name: str, model: Any, ids: torch.Tensor) -> None:
    model.save_pretrained(folder / name)
    np.save(folder / name / IDS, ids.numpy())


def keep_published(folder: Path, source: Path) -> None:
    """A model with its tokenizer, and the zoo's text in its tokens."""
    tokenizer = tokenizers.Tokenizer.from_file(str(source / "tokenizer.json"))
    held_out = bytes(zoo.pages(350).flatten().tolist()).decode(errors="ignore")
    ids = torch.tensor(tokenizer.encode(held_out).ids[: PAGES * ROWS * zoo.LENGTH])
    keep(folder, "published", read_model(source)[1], ids.view(-1, zoo.LENGTH))


def worst(found: Mapping[str, Measured], names: list[str]) -> Iterator[tuple[str, float]]:
    """By pair of instruction sets, the largest relative difference of a page of these models."""
    for one, other in itertools.combinations(found, 2):
        pages = [
            abs(here / there - 1)
            for name in names
            for here, there in zip(found[one][name][2:], found[other][name][2:], strict=True)
        ]
        yield f"{one} and {other}", max(pages)


def bounded(name: str, unit: str, found: float, allowed: float) -> Figure:
    """What is allowed must be the safety factor above what was found."""
    most = allowed / SAFETY
    return Figure(name, unit, found, None, None, f"<= {most:g}", found <= most)


def figures(found: Mapping[str, Measured]) -> Iterator[Figure]:
    every = list(next(iter(found.values())))
    for dtype in DTYPES:
        tail = str(dtype).removeprefix("torch.")
        names = [name for name in every if name.endswith(f" {tail}")]
        tolerances = ("a sequence", MEAN_TOLERANCE), ("a token", TOKEN_TOLERANCE)
        for index, (what, allowed) in enumerate(tolerances):
            off = max(each[name][index] for each in found.values() for name in names)
            yield bounded(f"{tail}: {what} off float64", "nats", off, allowed[dtype])
        for pair, apart in worst(found, names):
            name = f"{tail}: a page, {pair}"
            if OLD in pair:
                yield Figure(name, "of it", apart, None, None, None, None)
            else:
                yield bounded(name, "of it", apart, TOLERANCE[tail])
        for kind in sorted({name.split("-")[0].split()[0] for name in names}):
            own = [name for name in names if name.startswith(kind)]
            apart = max(value for _, value in worst(found, own))
            yield Figure(f"{tail}: a page, {kind}", "of it", apart, None, None, None, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--deep", action="store_true", help="also models of 16 and 24 layers")
    parser.add_argument("--model", type=Path, help="also a model of this folder")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure is not None:
        print(json.dumps(measure_all(chosen.measure)))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for recipe in recipes(chosen.deep):
            keep(folder, recipe.name, zoo.train(recipe), zoo.pages(PAGES * ROWS))
        if chosen.model is not None:
            keep_published(folder, chosen.model)
        found = {name: in_process(folder, switches) for name, switches in SWITCHES.items()}
    report("processors", list(figures(found)), chosen.json)


if __name__ == "__main__":
    main()
