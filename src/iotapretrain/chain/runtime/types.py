"""Types in the notation of `grammar`: a registry of each once, by number, and values as bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from iotapretrain.chain.runtime import scale
from iotapretrain.chain.runtime.grammar import (
    TypedField,
    Variant,
    parse_fields,
    parse_variants,
    split,
)
from iotapretrain.chain.runtime.shapes import SHAPES

COMPOSITE, VARIANT, SEQUENCE, ARRAY, TUPLE, PRIMITIVE, COMPACT = range(7)
UNSIGNED = ("u8", "u16", "u32", "u64", "u128", "u256")
PRIMITIVES = ("bool", "char", "str", *UNSIGNED, "i8", "i16", "i32", "i64", "i128")
GENERIC = re.compile(r"(\w+)<(.*)>")
PARAMETERS = {"Option": "T", "BTreeMap": "KV"}
PATHS = {path.rpartition("::")[2]: path for path in SHAPES}


class TypeRegistry:
    """Numbers types as they are first mentioned, and writes them all down."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._definitions: list[bytes] = []

    def number(self, expression: str) -> int:
        """The number of a type; it and all that it consists of are defined when new."""
        key = "".join(expression.split())
        if key not in self._numbers:
            number = self._reserve(key)
            self._definitions[number] = self._definition(key)
        return self._numbers[key]

    def enum(self, path: str, variants: Iterable[Variant]) -> int:
        """Define an enum that is not among the shapes, under the last part of its path."""
        number = self._reserve(path.rpartition("::")[2])
        self._definitions[number] = _type(VARIANT, self._variants(variants), path)
        return number

    def struct(self, path: str, fields: Iterable[TypedField] = ()) -> int:
        """Define a struct that is not among the shapes, under the last part of its path."""
        number = self._reserve(path.rpartition("::")[2])
        self._definitions[number] = _type(COMPOSITE, self._fields(fields), path)
        return number

    def encode(self) -> bytes:
        """All types in order."""
        return scale.sequence(
            scale.compact(number) + body for number, body in enumerate(self._definitions)
        )

    def reference(self, expression: str) -> bytes:
        """The number of a type as other definitions refer to it."""
        return scale.compact(self.number(expression))

    def _reserve(self, key: str) -> int:
        """Give a number before the parts are visited, so that they come after the whole."""
        self._numbers[key] = len(self._definitions)
        self._definitions.append(b"")
        return self._numbers[key]

    def _definition(self, key: str) -> bytes:
        if key in PRIMITIVES:
            return _type(PRIMITIVE, bytes([PRIMITIVES.index(key)]))
        if key.startswith("("):
            return _type(TUPLE, scale.sequence(map(self.reference, split(key[1:-1], ","))))
        if key.startswith("["):
            element, length = split(key[1:-1], ";")
            return _type(ARRAY, int(length).to_bytes(4, "little") + self.reference(element))
        generic = GENERIC.fullmatch(key)
        if generic:
            return self._generic(generic[1], split(generic[2], ","))
        return self._shape(PATHS[key])

    def _generic(self, name: str, arguments: list[str]) -> bytes:
        if name in ("Vec", "Compact"):
            return _type(SEQUENCE if name == "Vec" else COMPACT, self.reference(arguments[0]))
        parameters = scale.sequence(
            scale.text(letter) + scale.option(self.reference(argument))
            for letter, argument in zip(PARAMETERS[name], arguments, strict=True)
        )
        if name == "Option":
            some = Variant(1, "Some", (TypedField(None, arguments[0]),))
            return _type(VARIANT, self._variants((Variant(0, "None"), some)), name, parameters)
        entries = TypedField(None, f"Vec<({','.join(arguments)})>")
        return _type(COMPOSITE, self._fields((entries,)), name, parameters)

    def _shape(self, path: str) -> bytes:
        text = SHAPES[path].strip()
        if text[0] in "{(":
            return _type(COMPOSITE, self._fields(parse_fields(text[1:-1])), path)
        return _type(VARIANT, self._variants(parse_variants(split(text, "|"))), path)

    def _fields(self, fields: Iterable[TypedField]) -> bytes:
        return scale.sequence(
            scale.option(scale.text(field.name) if field.name else None)
            + self.reference(field.type)
            + scale.option(scale.text(field.type))
            + scale.compact(0)
            for field in fields
        )

    def _variants(self, variants: Iterable[Variant]) -> bytes:
        return scale.sequence(
            scale.text(variant.name)
            + self._fields(variant.fields)
            + bytes([variant.index])
            + scale.sequence([scale.text(variant.doc)] if variant.doc else ())
            for variant in variants
        )


def _type(kind: int, body: bytes, path: str = "", parameters: bytes = scale.compact(0)) -> bytes:
    parts = scale.sequence(scale.text(part) for part in path.split("::") if part)
    return parts + parameters + bytes([kind]) + body + scale.compact(0)


@cache
def members(shape: str) -> tuple[str, ...]:
    """The names of a struct's members."""
    fields = parse_fields(SHAPES[PATHS[shape]].strip()[1:-1])
    return tuple(field.name for field in fields if field.name)


INTEGER = re.compile(r"([ui])(\d+)")


def encode(kind: str, value: object = None) -> bytes:
    """A value as bytes; None is the zero of its type: 0, nothing, the first case of an enum."""
    kind = "".join(kind.split())
    integer = INTEGER.fullmatch(kind)
    if integer:
        number = value if isinstance(value, int) else 0
        return number.to_bytes(int(integer[2]) // 8, "little", signed=integer[1] == "i")
    if kind == "bool":
        return bytes([bool(value)])
    if kind.startswith("Vec<u8>") and isinstance(value, str):
        return scale.text(value)
    if kind.endswith(">"):
        return scale.compact(value if isinstance(value, int) else 0)
    return _composite(kind, value)


def _composite(kind: str, value: object) -> bytes:
    if kind.startswith("["):
        element, length = split(kind[1:-1], ";")
        return encode(element) * int(length)
    if kind.startswith("("):
        members = split(kind[1:-1], ",")
    else:
        text = SHAPES[PATHS[kind]].strip()
        if text[0] not in "{(":
            return b"\x00"
        members = [field.type for field in parse_fields(text[1:-1])]
    values = value if isinstance(value, tuple) else (value,) * len(members)
    return b"".join(encode(member, item) for member, item in zip(members, values, strict=True))
