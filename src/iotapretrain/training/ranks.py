"""The processes of a run: one alone, or as many as `torchrun` started, with FSDP2 between them.
Only this file knows who holds what of a tensor.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from iotapretrain.training.network import LossNetwork

Made = TypeVar("Made")
"""Plain data: it goes from rank to rank."""


@dataclass(frozen=True)
class Ranks:
    """This process among those of a run; without a mesh it is alone."""

    rank: int
    count: int
    device: torch.device
    mesh: DeviceMesh | None = None

    @property
    def leads(self) -> bool:
        """Whether this one writes files and speaks."""
        return self.rank == 0

    def place(self, network: LossNetwork) -> None:
        """Move a network to its device; among several, each keeps its part of every tensor."""
        if self.mesh is None:
            network.to(self.device)
            return
        half = torch.bfloat16 if network.precision == torch.bfloat16 else None
        policy = MixedPrecisionPolicy(param_dtype=half, reduce_dtype=torch.float32)
        for block in network.blocks:
            fully_shard(block, mesh=self.mesh, mp_policy=policy)
        fully_shard(network, mesh=self.mesh, mp_policy=policy)

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        if self.mesh is None:
            return value
        total = value.clone()
        dist.all_reduce(total)
        return total / self.count

    def agree(self, choice: int) -> int:
        """What the leading rank chose; all must ask."""
        if self.mesh is None:
            return choice
        chosen = torch.tensor([choice], device=self.device)
        dist.broadcast(chosen, 0)
        return int(chosen.item())

    def share(self, make: Callable[[], Made]) -> Made:
        """What the leading rank makes, for all; the others only wait for it."""
        if self.mesh is None:
            return make()
        made = [make() if self.leads else None]
        dist.broadcast_object_list(made, 0, device=self.device)
        return cast(Made, made[0])

    def collect(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Copies of whole tensors in the leading rank's memory; nothing elsewhere. All must ask."""
        collected = {}
        for name, tensor in tensors.items():
            whole = full(tensor.detach())
            if self.leads:
                collected[name] = whole.to("cpu", copy=True).contiguous()
        return collected

    def gather(self, own: list[Made]) -> list[Made]:
        """What all ranks have, in their order."""
        if self.mesh is None:
            return own
        gathered: list[list[Made]] = [[] for _ in range(self.count)]
        dist.all_gather_object(gathered, own)
        return [each for part in gathered for each in part]


def full(tensor: torch.Tensor) -> torch.Tensor:
    """All of a tensor, whoever holds its parts; all ranks must ask."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def share_of(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A copy of a whole tensor, laid out as `like` is."""
    if not isinstance(like, DTensor):
        return tensor.to(like.device, copy=True)
    return distribute_tensor(tensor.to(like.device, copy=True), like.device_mesh, like.placements)


def synchronised(network: nn.Module, last: bool) -> None:
    """Exchange gradients only after the last part of a batch."""
    if isinstance(network, FSDPModule):
        network.set_requires_gradient_sync(last)


def alone() -> Ranks:
    return Ranks(0, 1, torch.device("cuda" if torch.cuda.is_available() else "cpu"))


@contextmanager
def joined() -> Iterator[Ranks]:
    """This process's place: alone, or as `torchrun` says in the environment."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield alone()
        return
    gpu = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if gpu else torch.device("cpu")
    if gpu:
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if gpu else "gloo")
    try:
        mesh = init_device_mesh(device.type, (dist.get_world_size(),))
        yield Ranks(dist.get_rank(), dist.get_world_size(), device, mesh)
    finally:
        dist.destroy_process_group()
