"""Round records on every hub: found, read, bounded, and never mistaken for anything else."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.competition.records import public_rounds
from iotapretrain.competition.records.public_rounds import (
    PublicRounds,
    anchored_digest,
    publish_round,
    read_round,
    round_file,
    rounds_commitment,
    rounds_repository,
)
from iotapretrain.competition.records.round_record import (
    ModelRecord,
    PageRecord,
    RoundRecord,
    SignedRound,
    is_sealed,
    seal,
)
from iotapretrain.data.synthetic.generated_source import ROWS
from iotapretrain.errors import BadRoundError, HubError, MissingModelError, RefusedModelError
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import Hub, RepositoryId
from iotapretrain.rules.competition.commitment import Commitment
from tests.hub.conftest import CLIENTS_OWN_WARNING
from tests.hub.worlds import World

pytestmark = pytest.mark.filterwarnings(CLIENTS_OWN_WARNING)

RECORDS = RepositoryId("alice", "rounds")


def test_a_page_of_generated_tasks_lies_as_far_out_as_there_are_rows() -> None:
    """A validator of such a task once signed a record that it could not read any more."""
    page = PageRecord("", ROWS - 1, 1, "ab", 2)
    assert msgspec.json.decode(msgspec.json.encode(page), type=PageRecord) == page


def signed(number: int, block: int = 100) -> SignedRound:
    record = RoundRecord(
        code_version="0",
        network="ab" * 32,
        netuid=1,
        validator="alice's hotkey",
        round=number,
        previous=None,
        competition=0,
        competition_name="nano",
        schedule_digest="cd" * 32,
        block=block,
        sync_block=90,
        seed_hash="ef" * 32,
        tasks=(),
        race=None,
        models=(
            ModelRecord(
                uid=3,
                hotkey="miner",
                block=7,
                commitment="a:b",
                digest=None,
                outcome="evaluated",
                losses={"PROSE": (2.5, None)},
            ),
        ),
        champion="miner",
        standings={"0": {"miner": 1.0}},
        weights={"miner": 1.0},
    )
    return seal(record, lambda digest: digest[::-1])


def test_what_was_published_is_read_by_anyone(world: World) -> None:
    alice = world.hub_as("alice")
    for number in (1, 2):
        publish_round(alice, RECORDS, signed(number))
    rounds = PublicRounds(world.hub_as(None), RECORDS)
    assert rounds.numbers() == [1, 2]
    assert rounds.read(1) == signed(1)
    assert rounds.read(rounds.numbers()[-1]) == signed(2)
    assert is_sealed(rounds.read(2), lambda _, digest, signature: signature == digest[::-1])
    publish_round(alice, RECORDS, signed(3))
    assert rounds.read(3) == signed(3)
    with pytest.raises(MissingModelError, match="round 4"):
        rounds.read(4)


def test_a_round_is_published_once_and_never_replaced(world: World) -> None:
    hub = world.hub_as("alice")
    first = publish_round(hub, RECORDS, signed(1))
    again = msgspec.structs.replace(signed(1), signature="00")
    assert publish_round(hub, RECORDS, again) == first
    assert PublicRounds(hub, RECORDS).read(1) == signed(1)
    with pytest.raises(HubError, match="another record of round 1"):
        publish_round(hub, RECORDS, signed(1, block=101))


def test_a_repository_that_was_left_private_is_opened(world: World) -> None:
    hub = world.hub_as("alice")
    hub.add({round_file(1): msgspec.json.encode(signed(1))}, RECORDS, "killed before it opened")
    publish_round(hub, RECORDS, signed(1))
    assert PublicRounds(world.hub_as(None), RECORDS).numbers() == [1]


def test_records_are_not_mixed_with_a_model(world: World) -> None:
    hub = world.hub_as("alice")
    hub.publish(ModelFolder({"model.safetensors": b"x"}), RECORDS, "a model")
    with pytest.raises(HubError, match="holds a model"):
        publish_round(hub, RECORDS, signed(1))


def test_before_the_first_round_there_is_none(world: World) -> None:
    with pytest.raises(MissingModelError):
        PublicRounds(world.hub_as(None), RECORDS).numbers()
    hub = world.hub_as("alice")
    hub.add({"notes.json": b"{}"}, RECORDS, "nothing yet")
    assert PublicRounds(hub, RECORDS).numbers() == []


def test_other_names_are_no_rounds(world: World) -> None:
    hub: Hub = world.hub_as("alice")
    names = ["rounds/1.json", "rounds/0000001.json", "rounds/000001.json.json", "000001.json"]
    names += ["rounds/00000a.json", "rounds/٠٠٠٠٠١.json", "old/rounds/000001.json"]  # noqa: RUF001
    hub.add(dict.fromkeys(names, b"{}"), RECORDS, "odd names")
    assert PublicRounds(hub, RECORDS).numbers() == []


def test_a_record_too_large_is_not_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = world.hub_as("alice")
    publish_round(hub, RECORDS, signed(1))
    monkeypatch.setattr(public_rounds, "LARGEST_RECORD", 10)
    with pytest.raises(RefusedModelError, match="10 allowed"):
        PublicRounds(hub, RECORDS).read(1)


def test_a_record_under_another_number_is_refused(world: World) -> None:
    hub = world.hub_as("alice")
    hub.add({round_file(5): msgspec.json.encode(signed(4))}, RECORDS, "moved")
    with pytest.raises(BadRoundError, match="holds the record of round 4"):
        PublicRounds(hub, RECORDS).read(5)


GOOD = msgspec.to_builtins(signed(1))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "truncated"),
        (b"[" * 100_000, "no round record"),
        (b'{"record": ' * 100_000, "no round record"),
        (b'{"a": ' * 100_000, "no round record"),
        (b"\xff\xfe", "no round record"),
        (msgspec.json.encode(GOOD | {"digest": 7}), r"\$.digest"),
        (msgspec.json.encode({"record": {}, "digest": "", "signature": ""}), "code_version"),
        (
            msgspec.json.encode(GOOD | {"record": GOOD["record"] | {"schema": "round/9"}}),
            "schema 'round/9'",
        ),
    ],
    ids=["empty", "deep list", "deep record", "deep unknown", "bytes", "type", "field", "schema"],
)
def test_what_is_no_record_is_refused_in_one_line(content: bytes, said: str) -> None:
    with pytest.raises(BadRoundError, match=said) as caught:
        read_round(content, "alice/rounds@1")
    assert str(caught.value).startswith("alice/rounds@1: ")
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(content: bytes) -> None:
    with pytest.raises(BadRoundError):
        read_round(content, "x")


def test_where_records_are_stands_in_a_commitment_that_names_no_model() -> None:
    text = rounds_commitment(RECORDS)
    assert text == "rounds:alice/rounds"
    assert rounds_repository(text) == RECORDS
    assert anchored_digest(text) is None
    anchored = rounds_commitment(RECORDS, "ab" * 32)
    assert (rounds_repository(anchored), anchored_digest(anchored)) == (RECORDS, "ab" * 32)
    longest = RepositoryId("n" * 47, "r" * 48)
    shortened = rounds_commitment(longest, "ab" * 32)
    assert (len(shortened), rounds_repository(shortened)) == (128, longest)
    assert anchored_digest(shortened) == "ab" * 12
    assert rounds_repository(f"{text}@") is rounds_repository(f"{text}@zz") is None
    model = Commitment("alice", "model", "0" * 40, "A" * 43 + "=", 1).text
    for other in (model, "rounds:", "rounds:a", "rounds:a/b/c", "Rounds:a/b", "rounds:../x", ""):
        assert rounds_repository(other) is None
