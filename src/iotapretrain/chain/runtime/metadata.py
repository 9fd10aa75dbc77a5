"""Composing the runtime metadata, version 15: the description as Substrate clients read it."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from typing import Any

from iotapretrain.chain.runtime import scale
from iotapretrain.chain.runtime.grammar import ApiMethod, StorageItem, TypedField, Variant
from iotapretrain.chain.runtime.pallets import APIS, Pallet, pallets
from iotapretrain.chain.runtime.shapes import EXTENSIONS
from iotapretrain.chain.runtime.types import TypeRegistry, encode

SPEC_VERSION = 1
"""Grows with every change of the description: clients keep metadata by genesis and this number."""
TRANSACTION_VERSION = 1
EXTRINSIC_VERSION = 4
VERSION = 15
MAGIC = b"meta"
RUNTIME = "iota_runtime"
HASHERS = {"Blake2_128Concat": 2, "Twox64Concat": 5, "Identity": 6}
OPTIONAL, DEFAULT = 0, 1
PLAIN, MAP = 0, 1
NO_DOCS = scale.compact(0)
API_VERSION = 1
RUNTIME_VERSION: dict[str, Any] = {
    "spec_name": "iota-embedded",
    "impl_name": "iota-embedded",
    "authoring_version": 1,
    "spec_version": SPEC_VERSION,
    "impl_version": 1,
    "apis": [(blake2b(api.encode(), digest_size=8).digest(), API_VERSION) for api in APIS],
    "transaction_version": TRANSACTION_VERSION,
    "system_version": 1,
}
"""Which runtime this is; an API is listed by the hash of its name."""


@cache
def compose(block_ms: int) -> bytes:
    """The metadata of a chain with blocks this many milliseconds apart; always the same bytes."""
    types = TypeRegistry()
    described = pallets(block_ms)
    outer = b"".join(
        _outer_enum(types, part, described)
        for part in ("RuntimeCall", "RuntimeEvent", "RuntimeError")
    )
    body = (
        scale.sequence(_pallet(types, pallet) for pallet in described)
        + _extrinsic(types)
        + scale.compact(types.struct(f"{RUNTIME}::Runtime"))
        + scale.sequence(_api(types, name, methods) for name, methods in APIS.items())
        + outer
        + scale.compact(0)  # no custom values
    )
    return MAGIC + bytes([VERSION]) + types.encode() + body


def _outer_enum(types: TypeRegistry, name: str, described: tuple[Pallet, ...]) -> bytes:
    """All calls, events or errors: an enum over pallets of enums named `BalancesCall` and so on."""
    kind = name.removeprefix("Runtime")
    cases = []
    for pallet in described:
        own: tuple[Variant, ...] = getattr(pallet, f"{kind.lower()}s")
        if own:
            types.enum(f"pallet_{pallet.name.lower()}::pallet::{pallet.name}{kind}", own)
            cases.append(
                Variant(pallet.index, pallet.name, (TypedField(None, pallet.name + kind),))
            )
    return scale.compact(types.enum(f"{RUNTIME}::{name}", cases))


def _pallet(types: TypeRegistry, pallet: Pallet) -> bytes:
    def own(kind: str, variants: tuple[Variant, ...]) -> bytes:
        return scale.option(types.reference(pallet.name + kind) if variants else None)

    entries = scale.sequence(_storage(types, item) for item in pallet.storage)
    return (
        scale.text(pallet.name)
        + scale.option(scale.text(pallet.name) + entries if pallet.storage else None)
        + own("Call", pallet.calls)
        + own("Event", pallet.events)
        + scale.sequence(
            scale.text(constant.name)
            + types.reference(constant.type)
            + scale.blob(constant.value)
            + NO_DOCS
            for constant in pallet.constants
        )
        + own("Error", pallet.errors)
        + bytes([pallet.index])
        + NO_DOCS
    )


def _storage(types: TypeRegistry, item: StorageItem) -> bytes:
    if item.keys:
        key = item.keys[0] if len(item.keys) == 1 else f"({','.join(item.keys)})"
        hashers = scale.sequence(bytes([HASHERS[hasher]]) for hasher in item.hashers)
        shape = bytes([MAP]) + hashers + types.reference(key)
    else:
        shape = bytes([PLAIN])
    absent = b"\x00" if item.optional else encode(item.value, item.default)
    return (
        scale.text(item.name)
        + bytes([OPTIONAL if item.optional else DEFAULT])
        + shape
        + types.reference(item.value)
        + scale.blob(absent)
        + NO_DOCS
    )


def _extrinsic(types: TypeRegistry) -> bytes:
    extensions = scale.sequence(
        scale.text(name) + types.reference(within) + types.reference(implied)
        for name, (within, implied) in EXTENSIONS.items()
    )
    carried = f"({','.join(within for within, _ in EXTENSIONS.values())})"
    parts = ("MultiAddress", "RuntimeCall", "MultiSignature", carried)
    return bytes([EXTRINSIC_VERSION]) + b"".join(map(types.reference, parts)) + extensions


def _api(types: TypeRegistry, name: str, methods: tuple[ApiMethod, ...]) -> bytes:
    described = scale.sequence(
        scale.text(method.name)
        + scale.sequence(
            scale.text(argument.name or "") + types.reference(argument.type)
            for argument in method.inputs
        )
        + types.reference(method.output)
        + NO_DOCS
        for method in methods
    )
    return scale.text(name) + described + NO_DOCS
