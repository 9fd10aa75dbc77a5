"""The notation in which the chain is described."""

from __future__ import annotations

from iotapretrain.chain.runtime.grammar import (
    ApiMethod,
    StorageItem,
    TypedField,
    Variant,
    lines,
    parse_error,
    parse_fields,
    parse_items,
    parse_method,
    parse_variants,
    split,
)


def test_splits_outside_brackets_only() -> None:
    parts = split("a, Vec<(u16, Compact<u64>)>, [u8; 32], {x: u8, y: u8}", ",")
    assert parts == ["a", "Vec<(u16, Compact<u64>)>", "[u8; 32]", "{x: u8, y: u8}"]
    assert split("  ", ",") == []


def test_an_arrow_closes_no_bracket() -> None:
    assert split("(a -> b, c), d", ",") == ["(a -> b, c)", "d"]


def test_fields_have_names_or_none() -> None:
    assert parse_fields("netuid: u16, hotkeys: Vec<(u8, u8)>") == (
        TypedField("netuid", "u16"),
        TypedField("hotkeys", "Vec<(u8, u8)>"),
    )
    assert parse_fields("[u8; 4], Vec<u8>") == (
        TypedField(None, "[u8; 4]"),
        TypedField(None, "Vec<u8>"),
    )


def test_indices_count_on_from_the_last_given() -> None:
    variants = parse_variants(["Normal", "4 Raw([u8; 2])", "Last(a: u8, b: (u8, u8))"])
    assert variants == (
        Variant(0, "Normal"),
        Variant(4, "Raw", (TypedField(None, "[u8; 2]"),)),
        Variant(5, "Last", (TypedField("a", "u8"), TypedField("b", "(u8, u8)"))),
    )


def test_errors_say_what_is_wrong() -> None:
    assert parse_error("29 TooFast: wait: a while") == Variant(29, "TooFast", (), "wait: a while")


def test_storage_lines() -> None:
    assert parse_items("Uids: i u16, b AccountId32 -> u16?") == [
        StorageItem(
            "Uids", ("Identity", "Blake2_128Concat"), ("u16", "AccountId32"), "u16", True, None
        )
    ]
    assert parse_items("AlphaValues: t u16 -> (u16, u16) = (1, 2)") == [
        StorageItem("AlphaValues", ("Twox64Concat",), ("u16",), "(u16, u16)", False, (1, 2))
    ]
    one, two = parse_items("TotalStake, TotalIssuance -> u64")
    assert one == StorageItem("TotalStake", (), (), "u64", False, None)
    assert two == StorageItem("TotalIssuance", (), (), "u64", False, None)


def test_methods() -> None:
    method = parse_method("get(a: Vec<u16>, b: Option<(u8, u8)>) -> Vec<(u8, u8)>")
    inputs = (TypedField("a", "Vec<u16>"), TypedField("b", "Option<(u8, u8)>"))
    assert method == ApiMethod("get", inputs, "Vec<(u8, u8)>")


def test_lines_go_on_in_the_next_while_a_parenthesis_is_open_and_before_an_arrow() -> None:
    assert lines("\n a(b: u8,\n   c: u8)\n     -> u16\n\n d() -> ()\n") == [
        "a(b: u8, c: u8) -> u16",
        "d() -> ()",
    ]
