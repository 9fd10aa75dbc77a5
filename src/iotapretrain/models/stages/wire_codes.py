"""How a boundary's numbers travel: rows of floats as bytes, and back.

Both directions use one code: activations forward, gradients backward.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch

from iotapretrain.errors import FrameError
from iotapretrain.rules.swarm.frame import Frame, FrameShape

STEPS = 127
"""Of int8 to either side of zero."""
LEAST_SCALE = 2.0**-126
"""The smallest normal number: rows that are smaller travel as zeros."""


class WireCode(ABC):
    """One way to write rows of float32 as bytes."""

    name: str

    @abstractmethod
    def pack(self, rows: torch.Tensor) -> torch.Tensor:
        """uint8 of shape (rows, bytes a row), from floats of shape (rows, width)."""

    @abstractmethod
    def unpack(self, packed: torch.Tensor) -> torch.Tensor:
        """float32 of shape (rows, width), from what `pack` gave."""

    def rounded(self, values: torch.Tensor) -> torch.Tensor:
        """What the other end reads; the gradient comes back through the same code."""
        result: torch.Tensor = _Rounded.apply(values, self)  # type: ignore[no-untyped-call]  # torch's
        return result


class FloatCode(WireCode):
    """Every number in a floating-point type."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.name = str(dtype).removeprefix("torch.")

    def pack(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.detach().to(self.dtype).contiguous().view(torch.uint8)

    def unpack(self, packed: torch.Tensor) -> torch.Tensor:
        return packed.view(self.dtype).float()


class Int8Code(WireCode):
    """Whole numbers of -127 to 127, and behind each row its scale in bfloat16.

    Gradients of single positions are far below what float16 can hold.
    """

    name = "int8"

    def pack(self, rows: torch.Tensor) -> torch.Tensor:
        rows = rows.detach().float()
        scales = (rows.abs().amax(1, keepdim=True) / STEPS).bfloat16()
        steps = rows.div(scales.float().clamp_min(LEAST_SCALE)).round_().clamp_(-STEPS, STEPS)
        return torch.cat([steps.to(torch.int8).view(torch.uint8), scales.view(torch.uint8)], 1)

    def unpack(self, packed: torch.Tensor) -> torch.Tensor:
        scales = packed[:, -2:].contiguous().view(torch.bfloat16).float()
        return packed[:, :-2].contiguous().view(torch.int8).float().mul_(scales)


WIRE_CODES: Mapping[str, WireCode] = MappingProxyType(
    {each.name: each for each in (FloatCode(torch.float32), FloatCode(torch.bfloat16), Int8Code())}
)
"""By the name that a run's file gives."""
ID_KINDS = MappingProxyType({2: torch.uint16, 4: torch.int32})
"""By the bytes of a token id."""


def read_rows(frame: Frame, shape: FrameShape, sender: str) -> torch.Tensor:
    """The packed rows of a frame; FrameError if a number among them is none."""
    packed = torch.frombuffer(bytearray(frame.payload), dtype=torch.uint8).view(-1, shape.row_bytes)
    finite = torch.isfinite(WIRE_CODES[shape.wire].unpack(packed)).all(1)
    if not finite.all():
        row = int(finite.int().argmin())
        raise FrameError(sender, f"position {row} holds a number that is infinite or none")
    return packed


def read_tokens(
    frame: Frame, shape: FrameShape, vocabulary: int, sender: str
) -> torch.Tensor | None:
    """The token ids of a frame, None where none travel; FrameError if the model lacks one."""
    if not frame.ids:
        return None
    ids = torch.frombuffer(bytearray(frame.ids), dtype=ID_KINDS[shape.id_bytes]).int()
    ids = ids.view(shape.rows, shape.positions)
    if ids.min() < 0 or ids.max() >= vocabulary:
        raise FrameError(sender, f"a token id outside of the vocabulary of {vocabulary:,}")
    return ids


class _Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, code: WireCode) -> torch.Tensor:
        ctx.code = code
        return _there_and_back(values, code)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        return _there_and_back(gradients[0], ctx.code), None


def _there_and_back(values: torch.Tensor, code: WireCode) -> torch.Tensor:
    return code.unpack(code.pack(values.flatten(0, -2))).view(values.shape).to(values.dtype)
