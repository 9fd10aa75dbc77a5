"""AdamW, or Muon beside it, whose whole state can be written down by parameter."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from iotapretrain.training.network import LossNetwork
from iotapretrain.training.plan import OptimiserPlan
from iotapretrain.training.ranks import share_of

MUON_MOMENTUM = 0.95


class Optimiser:
    """One or two optimisers of torch that step as one.

    Muon turns the momentum of a matrix into the nearest orthogonal one (Jordan et al. 2024), scaled
    so that its updates are as large as Adam's: one learning rate serves both. Embeddings, heads,
    gains and biases stay with AdamW; only matrices decay.
    """

    def __init__(self, network: LossNetwork, plan: OptimiserPlan) -> None:
        self._parameters = dict(network.model.named_parameters())
        self._clip = plan.clip
        blocks = network.blocks if plan.name == "muon" else ()
        inner = [each for block in blocks for each in block.parameters() if each.ndim == 2]
        taken = {id(each) for each in inner}
        rest = [each for each in self._parameters.values() if id(each) not in taken]
        decayed = [each for each in rest if each.ndim > 1]
        others = [each for each in rest if each.ndim <= 1]
        self._optimisers: list[torch.optim.Optimizer] = [adamw(decayed, others, plan)]
        if inner:
            self._optimisers.append(muon(inner, plan))
        self._owners = {
            id(parameter): optimiser
            for optimiser in self._optimisers
            for group in optimiser.param_groups
            for parameter in group["params"]
        }

    def step(self, rate: float) -> torch.Tensor:
        """Clip, move all parameters, forget the gradients; the norm before clipping."""
        norm = torch.nn.utils.clip_grad_norm_(self._parameters.values(), self._clip)
        for optimiser in self._optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        return norm

    def state(self) -> dict[str, torch.Tensor]:
        """Every tensor of the state, as this rank holds it, by `NAME:KEY`."""
        return {
            f"{name}:{key}": value
            for name, parameter in self._parameters.items()
            for key, value in sorted(self._of(parameter).items())
        }

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take over what `state` gave."""
        for place, tensor in sorted(state.items()):
            name, _, key = place.rpartition(":")
            parameter = self._parameters[name]
            like = parameter
            if tensor.shape != parameter.shape:  # a count of steps
                like = torch.nn.Parameter(torch.empty(0, device=parameter.device))
            self._owners[id(parameter)].state[parameter][key] = share_of(tensor, like)

    def _of(self, parameter: torch.nn.Parameter) -> dict[str, torch.Tensor]:
        """Nothing before the first step, and of parameters that never get a gradient."""
        state: dict[str, torch.Tensor] = self._owners[id(parameter)].state.get(parameter, {})
        return state


def adamw(
    decayed: list[torch.nn.Parameter], others: list[torch.nn.Parameter], plan: OptimiserPlan
) -> torch.optim.AdamW:
    """AdamW over parameters that decay and others that do not."""
    return torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": plan.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ],
        lr=plan.learning_rate,
        betas=(plan.beta1, plan.beta2),
        fused=True,
    )


def muon(matrices: list[torch.nn.Parameter], plan: OptimiserPlan) -> torch.optim.Muon:
    """Muon over matrices, with updates as large as Adam's."""
    return torch.optim.Muon(
        matrices,
        lr=plan.learning_rate,
        weight_decay=plan.weight_decay,
        momentum=MUON_MOMENTUM,
        adjust_lr_fn="match_rms_adamw",
    )
