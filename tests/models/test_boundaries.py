"""Boundaries and wire codes: one suite for all kinds."""

from __future__ import annotations

import pytest
import torch

from iotapretrain.errors import FrameError
from iotapretrain.models.architectures import BOUNDARY_KINDS as KINDS
from iotapretrain.models.stages.boundaries import BOUNDARIES, Boundary
from iotapretrain.models.stages.staged_config import FULL_WIDTH, StagedConfig
from iotapretrain.models.stages.staged_model import first_values
from iotapretrain.models.stages.wire_codes import WIRE_CODES, read_rows, read_tokens
from iotapretrain.rules.swarm.frame import WIRES, Direction, Frame, FrameShape
from tests.models.staged import staged

WIDTH, NARROW = 32, 4


def boundary(kind: str, **given: object) -> tuple[Boundary, StagedConfig]:
    config = staged(boundary=kind, hidden_size=WIDTH, head_dim=8, **given)
    made = BOUNDARIES[kind](config)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            parameter.copy_(first_values(config, f"{kind}.{name}", parameter.shape, 3))
    return made, config


def example(rows: int = 2, positions: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(rows, positions, WIDTH, generator=generator)
    return x, torch.randint(0, 257, (rows, positions), generator=generator)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_are_narrow_between_and_wide_beyond(kind: str) -> None:
    made, config = boundary(kind)
    x, tokens = example()
    y = made.encode(x, tokens)
    assert y.shape == (2, 5, WIDTH if kind in FULL_WIDTH else NARROW) == (2, 5, config.width)
    assert made.decode(y, tokens).shape == x.shape


@pytest.mark.parametrize("kind", sorted({*KINDS} - {*FULL_WIDTH}))
def test_the_first_channels_pass_whatever_the_weights(kind: str) -> None:
    """With all weights at zero, P' P x is left, of a normed stream but for IOTA's block."""
    made, _ = boundary(kind)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.zero_()
    x, tokens = example()
    through = made.decode(made.encode(x, tokens), tokens)
    if kind != "partial":
        x = x / x.square().mean(-1, keepdim=True).sqrt()
    assert torch.allclose(through[..., :NARROW], x[..., :NARROW], rtol=1e-4)
    assert not through[..., NARROW:].any()


@pytest.mark.parametrize("kind", ["residual", "anchored"])
def test_what_travels_does_not_grow_with_the_stream(kind: str) -> None:
    made, _ = boundary(kind)
    x, tokens = example()
    small, large = made.encode(x, tokens), made.encode(1000 * x, tokens)
    assert torch.allclose(small, large, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("qk_norm", [False, True])
def test_gradients_are_those_of_finite_differences(kind: str, qk_norm: bool) -> None:
    made, _ = boundary(kind, qk_norm=qk_norm)
    made = made.double()
    x, tokens = example(1, 3)

    def through(x: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return made.decode(made.encode(x, tokens), tokens)

    inputs = (x.double().requires_grad_(), *made.parameters())
    # the norms of `transformers` compute in float32, whatever they are given
    rough = {"eps": 1e-3, "atol": 1e-2, "rtol": 1e-2} if kind == "partial" else {}
    assert torch.autograd.gradcheck(through, inputs, fast_mode=True, **rough)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_input_gives_the_same_bytes(kind: str) -> None:
    x, tokens = example()
    first, second = (
        made.decode(made.encode(x, tokens), tokens) for made, _ in (boundary(kind), boundary(kind))
    )
    assert torch.equal(first, second)


def test_an_anchor_is_what_its_token_alone_says() -> None:
    made, _ = boundary("anchored")
    x, tokens = example()
    before = made.decode(made.encode(x, tokens), tokens)
    with torch.no_grad():
        made.get_parameter("decoder.anchors.weight")[tokens[0, 0]] += 1.0
    change = made.decode(made.encode(x, tokens), tokens) - before
    assert torch.allclose(change, (tokens == tokens[0, 0])[..., None].expand_as(change).float())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("rows", [1, 3])
def test_a_frame_takes_what_arithmetic_says(kind: str, wire: str, rows: int) -> None:
    made, config = boundary(kind, wire=wire)
    x, tokens = example(rows)
    packed = WIRE_CODES[config.wire].pack(made.encode(x, tokens).flatten(0, 1))
    ids = tokens.to(torch.uint16).numpy().tobytes() if kind == "anchored" else b""
    shape = FrameShape(rows, 5, config.width, config.wire, 2 if ids else 0)
    frame = Frame(Direction.FORWARD, 0, bytes(16), ids, packed.numpy().tobytes())
    number = {"float32": 4, "bfloat16": 2, "int8": 1}[config.wire]
    scale = 2 if config.wire == "int8" else 0
    expected = 132 + rows * 5 * (config.width * number + scale + (2 if ids else 0))
    assert len(frame.to_bytes(shape)) == shape.frame_bytes(Direction.FORWARD) == expected


def test_the_quantised_kind_travels_as_int8() -> None:
    assert staged(boundary="quantised", wire="float32").wire == "int8"


# --- wire codes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wire", "error"), [("float32", 0), ("bfloat16", 2**-8), ("int8", 1 / 127)]
)
def test_rounding_is_bounded_by_the_row(wire: str, error: float) -> None:
    generator = torch.Generator().manual_seed(2)
    scales = torch.logspace(-12, 4, 40)[:, None]
    rows = torch.randn(40, 64, generator=generator) * scales
    code = WIRE_CODES[wire]
    read = code.unpack(code.pack(rows))
    largest = rows.abs().amax(1, keepdim=True)
    assert ((read - rows).abs() <= 1.01 * error * largest).all()
    assert torch.equal(code.pack(read), code.pack(rows))  # what was read is written the same


@pytest.mark.parametrize("wire", WIRES)
def test_gradients_come_back_through_the_same_code(wire: str) -> None:
    code = WIRE_CODES[wire]
    values = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(3)).requires_grad_()
    gradient = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(4))
    rounded = code.rounded(values)
    rounded.backward(gradient)
    packed = code.pack(values.flatten(0, 1))
    assert torch.equal(rounded.flatten(0, 1), code.unpack(packed))
    expected = code.unpack(code.pack(gradient.flatten(0, 1)))
    assert values.grad is not None
    assert torch.equal(values.grad.flatten(0, 1), expected)


@pytest.mark.parametrize("wire", WIRES)
def test_rows_of_zeros_travel(wire: str) -> None:
    code = WIRE_CODES[wire]
    assert not code.unpack(code.pack(torch.zeros(2, 4))).any()


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_is_refused_with_who_and_where(wire: str, number: float) -> None:
    shape = FrameShape(rows=1, positions=3, width=4, wire=wire)
    rows = torch.ones(3, 4)
    rows[1, 2] = number
    payload = WIRE_CODES[wire].pack(rows).numpy().tobytes()
    frame = Frame(Direction.BACKWARD, 0, bytes(16), b"", payload)
    with pytest.raises(FrameError, match="frame of miner-3: position 1 holds a number"):
        read_rows(frame, shape, "miner-3")


@pytest.mark.parametrize("id_bytes", [2, 4])
def test_a_token_outside_the_vocabulary_is_refused(id_bytes: int) -> None:
    shape = FrameShape(rows=1, positions=2, width=4, wire="float32", id_bytes=id_bytes)
    payload = bytes(2 * shape.row_bytes)
    written = [
        b"".join(token.to_bytes(id_bytes, "little") for token in ids)
        for ids in ((0, 256), (0, 257))
    ]
    good, bad = (Frame(Direction.FORWARD, 0, bytes(16), ids, payload) for ids in written)
    read = read_tokens(good, shape, 257, "miner-4")
    assert read is not None
    assert read.tolist() == [[0, 256]]
    with pytest.raises(FrameError, match="frame of miner-4: a token id outside"):
        read_tokens(bad, shape, 257, "miner-4")
