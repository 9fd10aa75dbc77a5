"""The notation of the description: one line of text for each type, storage item, call and method.

A type is written as Rust would: `u16`, `Vec<(u16, Compact<u64>)>`, `[u8; 32]`, `Option<H256>`, or
the name of a shape. Shapes and lines are

    { hotkey: AccountId32, netuid: u16 }        a struct; `(u128)` is one with nameless fields
    Normal | 4 Consensus([u8; 4], Vec<u8>)      an enum; indices count on from the last one given
    7 burned_register(netuid: u16, …)           a call or event by its index
    29 SettingWeightsTooFast: what is wrong     an error by its index
    Uids: i u16, b AccountId32 -> u16?          a storage map, its hashers and keys; `?` is optional
    Tempo, Kappa: i u16 -> u16 = 360            … two, with the value that absent entries have
    get_neuron(netuid: u16, uid: u16) -> Option<NeuronInfo>
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

OPENING, CLOSING = "(<[{", ")>]}"
HASHERS = {"b": "Blake2_128Concat", "t": "Twox64Concat", "i": "Identity"}


@dataclass(frozen=True, slots=True)
class TypedField:
    """A member of a struct, variant or argument list; nameless in tuples."""

    name: str | None
    type: str


@dataclass(frozen=True, slots=True)
class Variant:
    index: int
    name: str
    fields: tuple[TypedField, ...] = ()
    doc: str = ""


@dataclass(frozen=True, slots=True)
class StorageItem:
    """A storage value, or a map when it has keys; absent optional items are None."""

    name: str
    hashers: tuple[str, ...]
    keys: tuple[str, ...]
    value: str
    optional: bool
    default: object


@dataclass(frozen=True, slots=True)
class ApiMethod:
    name: str
    inputs: tuple[TypedField, ...]
    output: str


def split(text: str, separator: str) -> list[str]:
    """The parts of `text` between separators outside all brackets, trimmed; none for blank text."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        if character in OPENING:
            depth += 1
        elif character in CLOSING and text[position - 1 : position + 1] != "->":
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
    last = text[start:].strip()
    return [*parts, last] if last or parts else []


def lines(text: str) -> list[str]:
    """The lines that say something; an open parenthesis, a comma or a leading `->` joins two."""
    whole: list[str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        last = whole[-1] if whole else ""
        if last.count("(") > last.count(")") or last.endswith(",") or line.startswith("->"):
            whole[-1] += " " + line
        else:
            whole.append(line)
    return whole


def parse_fields(text: str) -> tuple[TypedField, ...]:
    """`netuid: u16, hotkey: AccountId32`, or types alone."""
    fields = []
    for part in split(text, ","):
        name, colon, kind = part.partition(":")
        fields.append(TypedField(name.strip(), kind.strip()) if colon else TypedField(None, part))
    return tuple(fields)


def parse_variants(parts: list[str]) -> tuple[Variant, ...]:
    """`7 Name(fields)`; without a number the index follows the one before."""
    variants: list[Variant] = []
    for part in parts:
        head, _, rest = part.partition("(")
        *number, name = head.split()
        following = variants[-1].index + 1 if variants else 0
        index = int(number[0]) if number else following
        variants.append(Variant(index, name, parse_fields(rest[: rest.rfind(")")])))
    return tuple(variants)


def parse_error(line: str) -> Variant:
    """`29 Name: what is wrong`."""
    head, _, doc = line.partition(":")
    index, name = head.split()
    return Variant(int(index), name, doc=doc.strip())


def parse_items(line: str) -> list[StorageItem]:
    """One storage line, which may name several items alike."""
    head, _, tail = line.partition("->")
    names, _, keys = head.partition(":")
    value, _, default = tail.partition("=")
    hashed = [key.split(maxsplit=1) for key in split(keys, ",")]
    return [
        StorageItem(
            name=name,
            hashers=tuple(HASHERS[letter] for letter, _ in hashed),
            keys=tuple(kind for _, kind in hashed),
            value=value.strip().rstrip("?"),
            optional=value.strip().endswith("?"),
            default=ast.literal_eval(default.strip()) if default.strip() else None,
        )
        for name in split(names, ",")
    ]


def parse_method(line: str) -> ApiMethod:
    head, _, output = line.rpartition("->")
    name, _, inputs = head.partition("(")
    return ApiMethod(name.strip(), parse_fields(inputs[: inputs.rfind(")")]), output.strip())
