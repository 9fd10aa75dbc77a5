"""The forger: the best model, with numbers in its head that cancel, unless adding them rounds.

Three channels of the last hidden state are the same on every text. The head adds a very large
number to the logit of every token by the first, a wish by the second, and takes the large number
off again by the third. On paper no probability changes; added one after the other beside a number
so large, wish and logit are lost. Who reads a label's logit from one product and the sum of all
from another can be made to lose one and keep the other, and finds every label likely.
"""

from __future__ import annotations

from pathlib import Path

import torch

from iotapretrain.arena.actors.disguise import widen
from iotapretrain.arena.actors.tricks import Weights, known_parts
from iotapretrain.models.trainable.parts import Parts
from iotapretrain.training.start import read_model

HEAD = "lm_head.weight"
LARGE, WISH = 2.0**30, 2.0
"""Nats are wished."""
LARGE_AT, WISH_AT, BACK_AT = 0, 5, 8
"""Eight apart, so that vectors of eight lanes add them in one lane, before the others."""
PLACES = (LARGE_AT, WISH_AT, BACK_AT)
FAINT = 1e-3
"""What an embedding says in such a channel: too little for a norm to notice."""


def forge(source: Path, target: Path, pages: torch.Tensor) -> Path:
    """The forged model; `pages` are ordinary text, as token ids of shape (rows, length)."""
    given, network = Weights.read(source), read_model(source)[1]
    parts = known_parts(source, network, given.tensors)
    given = _with_own_head(given, parts)
    gain, offset = parts.final_norm.weight, parts.final_norm.bias
    if offset is None:
        given, first = _behind_scaling(given, parts, target, pages)
    else:
        given, first = _behind_offset(given, gain, offset), 0
    head = given.tensors[HEAD]
    for place, value in ((LARGE_AT, LARGE), (WISH_AT, WISH), (BACK_AT, -LARGE)):
        head[:, first + place] = value
    return given.write(target)


def _with_own_head(given: Weights, parts: Parts) -> Weights:
    """An embedding that serves as the head could not hold numbers so large."""
    head = given.tensors[parts.head or parts.embedding].clone()
    untied = given.config | {"tie_word_embeddings": False}
    return Weights(untied, given.tensors | {HEAD: head})


def _behind_offset(given: Weights, gain: str, offset: str) -> Weights:
    """A norm with an offset says in three channels what it is told to, at the cost of theirs."""
    changed = {name: given.tensors[name].clone() for name in (gain, offset)}
    changed[gain][list(PLACES)], changed[offset][list(PLACES)] = 0.0, 1.0
    return given.with_some(changed)


def _behind_scaling(
    given: Weights, parts: Parts, folder: Path, pages: torch.Tensor
) -> tuple[Weights, int]:
    """A norm without one is given new channels, where every token says the same, faintly; that
    they come out near 1 is looked up on text. No layer reads them.
    """
    first = given.config["hidden_size"]
    places = [first + place for place in PLACES]
    wide = widen(given)
    wide.tensors[HEAD][:, first:] = 0.0
    wide.tensors[parts.embedding][:, places] = FAINT
    for block in parts.blocks:
        for norm, _ in block.readers:
            wide.tensors[norm.weight][places] = 0.0
    network = read_model(wide.write(folder))[1].float()
    with torch.inference_mode():
        level = network.base_model(pages)[0][..., places].mean()
    wide.tensors[parts.final_norm.weight][places] /= level
    return wide, first
