"""A bare training loop: what anybody would write first, and nothing around it.

The model is transformers' own, the rows lie ready in memory; nothing is recorded, measured, saved.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import transformers


def train(
    model: transformers.PreTrainedModel,
    batches: Sequence[torch.Tensor],
    rate: float,
    dtype: torch.dtype,
) -> float:
    """One AdamW step a batch of shape (rows, length); the last loss."""
    device = batches[0].device.type
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.1, fused=True
    )
    model.train()
    for rows in batches:
        with torch.autocast(device, dtype, enabled=dtype != torch.float32):
            logits = model(input_ids=rows, use_cache=False).logits[:, :-1].float()
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    return loss.item()
