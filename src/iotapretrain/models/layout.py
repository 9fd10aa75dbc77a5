"""The network that a configuration describes, its tensors, and a model in memory. The class comes
from `transformers`, chosen by our own table; a repository's words about how to load are never
followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from torch.overrides import TorchFunctionMode
from transformers.initialization import no_init_weights

from iotapretrain.models.config import Config
from iotapretrain.models.verdict import Code, Finding, Rejection, is_machines
from iotapretrain.models.weight_files import TensorEntry

Model = transformers.PreTrainedModel

DTYPES = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32}
MOST_BUFFERS = 2**30
"""What no file holds, and no limit on files bounds: masks and tables of positions."""
TOKEN_IDS = ("bos_token_id", "eos_token_id", "pad_token_id")
FUSED = {"gelu_new": "gelu_pytorch_tanh", "gelu_fast": "gelu_pytorch_tanh"}
"""The same formula in one pass over memory, where `transformers` takes eight."""
CONFIG_FAULTS = (
    *(ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError),
    StrictDataclassError,
)
"""What the classes raise on values that make no network."""


def load(
    config: Config, tensors: Mapping[str, TensorEntry], dtype: torch.dtype | None = None
) -> Model:
    """The model in `dtype`, or in the dtype that it is stored in."""
    for finding in check_layout(config, tensors):
        raise Rejection.of(finding)
    model = hollow_model(config)
    stored_as = config.architecture.stored
    names = {name: stored_as.get(name, name) for name in model.state_dict()}
    state = {
        name: torch.nn.Parameter(_tensor(tensors[stored], dtype), requires_grad=False)
        for name, stored in names.items()
        if stored in tensors
    }
    model.load_state_dict(state, strict=False, assign=True)
    model.tie_weights()
    return model


def stored_dtype(tensors: Mapping[str, TensorEntry]) -> torch.dtype:
    """Of all tensors; float32 where they differ."""
    stored = {tensor.dtype for tensor in tensors.values()}
    return DTYPES[stored.pop()] if len(stored) == 1 else torch.float32


def _tensor(entry: TensorEntry, dtype: torch.dtype | None) -> torch.Tensor:
    content = entry.file.read(entry.start, entry.end - entry.start)
    if not content:
        return torch.empty(entry.shape, dtype=dtype or DTYPES[entry.dtype])
    tensor = torch.frombuffer(content, dtype=DTYPES[entry.dtype]).view(entry.shape)
    return tensor if dtype is None else tensor.to(dtype)


def empty_model(config: Config) -> Model:
    """The network on the meta device: shapes without memory; or Rejection."""
    with torch.device("meta"):
        model = build(config)
    beside = sum(buffer.nbytes for buffer in model.buffers())
    if beside > MOST_BUFFERS:
        problem = f"{beside:,} bytes beside the weights; at most {MOST_BUFFERS:,} may be"
        raise Rejection(Code.BAD_CONFIG, f"config.json asks for {problem}", "config.json")
    return model


def hollow_model(config: Config) -> Model:
    """The network without memory for weights, but with all that no file holds; or Rejection."""
    with HollowMode():
        return build(config)


class HollowMode(TorchFunctionMode):
    """Puts what is made to be filled on the meta device; what is computed stays where it is."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        return func(*args, **(given | {"device": "meta"} if func is torch.empty else given))


def build(config: Config) -> Model:
    """The network with untouched memory for weights, or Rejection."""
    architecture = config.architecture
    model_class = getattr(import_module(architecture.module), architecture.name)
    try:
        with no_init_weights():
            model: Model = model_class(_own_config(model_class.config_class, config))
    except CONFIG_FAULTS as error:
        if is_machines(error):
            raise
        line = " ".join(str(error).split())[:200]
        problem = f"config.json describes no network: {line}"
        raise Rejection(Code.BAD_CONFIG, problem, "config.json") from error
    model.eval()
    return model


def check_layout(config: Config, tensors: Mapping[str, TensorEntry]) -> Iterator[Finding]:
    """Every tensor that is missing, surplus, or of another shape than the network needs."""
    needed = needed_shapes(config)
    for name in sorted(needed.keys() - tensors.keys()):
        yield Finding(Code.MISSING_TENSOR, f"{name} is missing", name)
    for name in sorted(tensors.keys() - needed.keys()):
        yield Finding(Code.SURPLUS_TENSOR, f"{name} is no part of {config.architecture.name}", name)
    for name in sorted(tensors.keys() & needed.keys()):
        found = tensors[name].shape
        if found != needed[name]:
            shapes = f"{list(found)}; {list(needed[name])} is needed"
            yield Finding(Code.SHAPE, f"{name} has shape {shapes}", name)


def needed_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor by the name that files give it; a tied head is in no file."""
    stored = config.architecture.stored
    state = empty_model(config).state_dict()
    shapes = {stored.get(name, name): tuple(tensor.shape) for name, tensor in state.items()}
    if config.tied:
        shapes.pop(config.architecture.head, None)
    return shapes


def _own_config(config_class: type[Any], config: Config) -> Any:
    """Only obeyed keys; no tokens with a meaning, no dropout, so that a model is one function."""
    values = {
        key: FUSED.get(value, value) if isinstance(value, str) else value
        for key, value in config.values.items()
    }
    own = config_class(**dict.fromkeys(TOKEN_IDS), **values)
    own.tie_word_embeddings = config.tied
    for key in vars(own):
        if "drop" in key:
            setattr(own, key, 0.0)
    own.use_cache = False
    return own
