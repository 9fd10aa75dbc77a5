"""python -m bench.plain.round MODEL TOKENS.npz: score a model as the original did (competition, 7).

A process for one model: it imports everything, loads the model, and takes one sequence at a time,
with a cache that nobody reads and all logits. Prints its mean loss on each task as JSON. The check
of the output is left out: models as small as the benchmark's would fail it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.plain.tournament import Decay, is_win


def score(model_folder: str, tokens_file: str) -> dict[str, float]:
    """Runs in the model's own process."""
    import numpy as np
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(model_folder).eval()
    means: dict[str, float] = {}
    with torch.inference_mode():
        for task, sequences in np.load(tokens_file).items():
            rows = torch.from_numpy(sequences).long()
            losses = []
            for row in rows:
                logits = model(row[None]).logits
                shifted = logits[..., :-1, :].contiguous()
                labels = row[None, 1:].contiguous()
                loss = torch.nn.functional.cross_entropy(
                    shifted.view(-1, shifted.shape[-1]), labels.view(-1)
                )
                losses.append(loss.item())
            means[task] = sum(losses) / len(losses)
    return means


def champion(
    folders: Sequence[Path], tokens: Path, weights: dict[str, float], decay: Decay, now: int
) -> int:
    """One model after the other; then most wins over all others. Model i is of block i."""
    scores = []
    for folder in folders:
        command = [sys.executable, "-m", "bench.plain.round", str(folder), str(tokens)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        losses = json.loads(said.splitlines()[-1])
        scores.append(sum(weights[task] * loss for task, loss in losses.items()))
    wins = [
        sum(is_win(mine, other, i, j, decay, now) for j, other in enumerate(scores) if i != j)
        for i, mine in enumerate(scores)
    ]
    return wins.index(max(wins))


if __name__ == "__main__":
    print(json.dumps(score(*sys.argv[1:])))
