"""Losses against float64: five architectures, two dtypes, two instruction sets.

Each instruction set is a fresh process, for libraries choose their kernels when they are loaded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from iotapretrain.competition.audit.check import relative
from iotapretrain.competition.audit.recomputed_losses import TOLERANCE

CLASSES = (
    "GPT2LMHeadModel",
    "GPTNeoXForCausalLM",
    "LlamaForCausalLM",
    "Qwen2ForCausalLM",
    "Gemma2ForCausalLM",
)
SETS = {
    "avx2": {
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "ATEN_CPU_CAPABILITY": "avx2",
    },
    "avx512_core": {},
}
FLAGS = {"avx2": "avx2", "avx512_core": "avx512f"}
MEAN = {"float32": 1e-6, "bfloat16": 5e-3}
TOKEN = {"float32": 2e-5, "bfloat16": 0.1}
PROGRAM = """
import json, sys, torch
from iotapretrain.models.exact import exact_losses
from iotapretrain.models.losses import token_losses
from tests.models import zoo
torch.set_num_threads(1)
row = torch.randint(300, (128,), generator=torch.Generator().manual_seed(1))
found = {}
for name in sys.argv[1:]:
    for dtype in ("float32", "bfloat16"):
        model = zoo.network(name).to(getattr(torch, dtype)).requires_grad_(False)
        losses, exact = token_losses(model, row[None])[0].double(), exact_losses(model, row)
        off = losses - exact
        found[f"{name} {dtype}"] = [losses.mean().item(), off.mean().item(), off.abs().max().item()]
print(json.dumps(found))
"""

Found = dict[str, list[float]]


def measured(instructions: str) -> Found:
    if FLAGS[instructions] not in Path("/proc/cpuinfo").read_text(encoding="utf-8").split():
        pytest.skip(f"this processor has no {instructions}")
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join([root, *filter(None, sys.path)])
    environment = os.environ | SETS[instructions] | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM, *CLASSES],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found: Found = json.loads(said)
    return found


@pytest.fixture(scope="module")
def by_set() -> dict[str, Found]:
    return {instructions: measured(instructions) for instructions in SETS}


@pytest.mark.parametrize("dtype", MEAN)
@pytest.mark.parametrize("instructions", SETS)
@pytest.mark.parametrize("name", CLASSES)
def test_losses_are_those_of_float64(
    by_set: dict[str, Found], name: str, instructions: str, dtype: str
) -> None:
    _, mean, token = by_set[instructions][f"{name} {dtype}"]
    assert abs(mean) <= MEAN[dtype]
    assert token <= TOKEN[dtype]


def test_instruction_sets_differ_by_less_than_an_audit_allows(by_set: dict[str, Found]) -> None:
    for key, (loss, _, _) in by_set["avx2"].items():
        dtype = key.split()[1]
        assert relative(loss, by_set["avx512_core"][key][0]) < TOLERANCE[dtype] / 2, key
