"""The chain in a file: its blocks, its clock, its memory, and what it does not take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from iotapretrain.chain.embedded_chain import JOURNAL, EmbeddedChain
from iotapretrain.chain.entries import Beginning, BlockClock, ClockSettings
from iotapretrain.chain.make_network import begin
from iotapretrain.chain.replay import reading
from iotapretrain.chain.runtime.extrinsic import public_key
from iotapretrain.chain.verify_chain import verify_chain
from iotapretrain.errors import (
    BrokenError,
    ChainError,
    InputError,
    RecordError,
    RefusedCallError,
    RefusedError,
    StoreError,
)
from iotapretrain.rules.chain.ledger.chain_state import held
from iotapretrain.store.fold import FoldReplay
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import Draft
from tests.chain.signing import forged, signed, transfer
from tests.chain.worlds import START_MS, coldkey, genesis, hotkey, keys, make_chain

BLOCK_MS = 1000
REGISTER = (
    "SubtensorModule",
    "burned_register",
    {"netuid": 1, "hotkey": hotkey("miner-1")},
)


@pytest.fixture
def chain(tmp_path: Path) -> EmbeddedChain:
    return make_chain(tmp_path / "net")


class Hand:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.milliseconds = START_MS

    def __call__(self) -> int:
        return self.milliseconds

    def to(self, seconds: float) -> None:
        self.milliseconds = START_MS + round(seconds * 1000)


def wall_chain(folder: Path, now: Callable[[], int]) -> EmbeddedChain:
    folder.mkdir()
    clock = BlockClock(ClockSettings("wall", BLOCK_MS), START_MS)
    begin(folder / JOURNAL, Beginning(clock, genesis()))
    return EmbeddedChain(folder, now)


def records(folder: Path) -> int:
    with open_journal(folder / JOURNAL) as journal:
        return journal.head().sequence


def test_by_a_manual_clock_every_commit_is_a_block(chain: EmbeddedChain) -> None:
    miner = keys("miner-1").coldkey
    first = chain.submit(signed(chain, miner, transfer()))
    assert (first.block, first.index, chain.head()) == (1, 0, 1)
    together = [signed(chain, miner, transfer(), nonce=nonce) for nonce in (1, 2, 3)]
    placed = chain.offer(together).result()
    assert [(each.block, each.index) for each in placed] == [(2, 0), (2, 1), (2, 2)]
    assert chain.extrinsics(2) == together
    assert chain.advance(10) == 12
    assert chain.submit(signed(chain, miner, transfer())).block == 13


def test_by_the_wall_clock_a_block_is_filled_until_its_time_is_over(tmp_path: Path) -> None:
    hand = Hand()
    chain = wall_chain(tmp_path / "net", hand)
    miner = keys("miner-1").coldkey
    hand.to(3.2)
    assert chain.head() == 3
    one = chain.submit(signed(chain, miner, transfer()))
    hand.to(3.999)
    two = chain.submit(signed(chain, miner, transfer()))
    assert (one.block, one.index, two.block, two.index) == (4, 0, 4, 1)
    assert chain.head() == 3
    assert chain.block_hash(4) is None
    assert chain.nonce(coldkey("miner-1")) == 2
    assert 0 < chain.until_next_block() <= 0.001
    hand.to(4.0)
    assert chain.head() == 4
    assert len(chain.extrinsics(4)) == 2
    three = chain.submit(signed(chain, miner, transfer()))
    assert (three.block, three.index) == (5, 0)
    with pytest.raises(ChainError, match="follow the wall clock"):
        chain.advance(1)


def test_a_clock_set_back_closes_nothing_twice(tmp_path: Path) -> None:
    hand = Hand()
    chain = wall_chain(tmp_path / "net", hand)
    miner = keys("miner-1").coldkey
    hand.to(9.5)
    assert chain.head() == 9
    assert chain.submit(signed(chain, miner, transfer())).block == 10
    hand.to(2.0)
    assert chain.head() == 9
    assert chain.submit(signed(chain, miner, transfer())).block == 10


def test_empty_blocks_cost_nothing_and_have_hashes_all_the_same(tmp_path: Path) -> None:
    hand = Hand()
    chain = wall_chain(tmp_path / "net", hand)
    size = (tmp_path / "net" / JOURNAL).stat().st_size
    hand.to(100_000)
    assert chain.head() == 100_000
    hashes = [chain.block_hash(number) for number in (0, 1, 2, 50_000, 99_999, 100_000)]
    assert len(set(hashes)) == 6
    assert chain.header(50_000).parent == chain.block_hash(49_999)
    assert [chain.block_number(found) for found in hashes if found] == [
        0, 1, 2, 50_000, 99_999, 100_000,
    ]  # fmt: skip
    assert (tmp_path / "net" / JOURNAL).stat().st_size == size
    assert chain.block_number(bytes(32)) is None
    assert chain.block_number(b"\xff" * 32) is None


def test_a_hash_commits_to_everything_before_it(tmp_path: Path) -> None:
    one, two = make_chain(tmp_path / "one"), make_chain(tmp_path / "two")
    assert one.genesis_hash != two.genesis_hash  # every chain has an identity of its own
    before = one.block_hash(0)
    one.submit(signed(one, keys("miner-1").coldkey, transfer()))
    one.advance(5)
    assert one.block_hash(0) == before
    assert one.header(3).parent == one.block_hash(2)


def test_another_process_sees_the_same_blocks(tmp_path: Path, chain: EmbeddedChain) -> None:
    miner = keys("miner-1").coldkey
    for _ in range(3):
        chain.submit(signed(chain, miner, transfer()))
    chain.advance(30)
    with EmbeddedChain(tmp_path / "net") as other:
        assert other.head() == chain.head()
        for number in range(chain.head() + 1):
            assert other.block_hash(number) == chain.block_hash(number)
            assert other.state(number) == chain.state(number)
            assert other.extrinsics(number) == chain.extrinsics(number)
            assert other.events(number) == chain.events(number)


def test_reading_the_journal_leads_where_deciding_led(chain: EmbeddedChain) -> None:
    chain.submit(signed(chain, keys("miner-1").coldkey, transfer()))
    chain.advance(3)
    replay = FoldReplay(chain._journal, reading(chain.codec), 1)
    positions = list(replay.behind(replay.beginning))
    assert positions[-1].head == chain._history.tip.head
    assert positions[-1].state == chain._history.tip.state
    assert [len(each.state.done) for each in positions] == [0, 1, 0]
    assert positions[1].state.bare().done == ()
    assert list(replay.behind(positions[-1])) == []


def test_old_blocks_are_known_from_kept_states(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when nothing is at hand any more, and every old block must be found in the file."""
    for module in ("replay", "block_history", "old_blocks"):
        monkeypatch.setattr(f"iotapretrain.chain.{module}.SNAPSHOT_EVERY", 10)
    chain = make_chain(tmp_path / "net")
    miner = keys("miner-1").coldkey
    for _ in range(45):
        chain.submit(signed(chain, miner, transfer()))
    expected = [
        (chain.block_hash(n), chain.state(n), chain.extrinsics(n), chain.events(n))
        for n in range(46)
    ]
    with EmbeddedChain(tmp_path / "net") as other:
        with open_journal(tmp_path / "net" / JOURNAL) as journal:
            kept = {at: journal.snapshot(f"ledger 1/{at}") for at in range(1, 5)}
            assert all(kept.values())
        for number in (0, 1, 44, 7, 23, 45, 2, 30):
            assert (
                other.block_hash(number),
                other.state(number),
                other.extrinsics(number),
                other.events(number),
            ) == expected[number]
    assert verify_chain(tmp_path / "net").extrinsics == 45


@pytest.mark.parametrize("keep_failed", [True, False])
def test_transactions_that_never_enter_a_block(chain: EmbeddedChain, keep_failed: bool) -> None:
    miner = keys("miner-1").coldkey
    good = signed(chain, miner, transfer())
    chain.submit(good)
    chain.advance(20)
    before = records(chain.path.parent)
    wrong = {
        "Stale": good,
        "Future": signed(chain, miner, transfer(), nonce=2),
        "BadProof": forged(signed(chain, miner, transfer())),
        "Call": b"\x00garbage",
        "ExhaustsResources": signed(chain, miner, ("MevShield", "submit_encrypted", {
            "ciphertext": bytes(200_000)})),
    }  # fmt: skip
    for reason, data in wrong.items():
        with pytest.raises(RefusedError) as refused:
            chain.offer([data], keep_failed).result()
        assert refused.value.reason == reason
    assert records(chain.path.parent) == before
    assert chain.nonce(miner.ss58_address) == 1


def test_an_era_ends(chain: EmbeddedChain) -> None:
    miner = keys("miner-1").coldkey
    chain.advance(100)
    short = signed(chain, miner, transfer(), period=8)
    chain.advance(3)
    assert chain.submit(short).block == 104
    late = signed(chain, miner, transfer(), period=8)
    chain.advance(9)
    with pytest.raises(RefusedError) as refused:
        chain.submit(late)
    assert refused.value.reason == "AncientBirthBlock"


def test_an_extrinsic_of_another_chain_is_forged_here(tmp_path: Path) -> None:
    one, two = make_chain(tmp_path / "one"), make_chain(tmp_path / "two")
    with pytest.raises(RefusedError) as refused:
        two.submit(signed(one, keys("miner-1").coldkey, transfer()))
    assert refused.value.reason == "BadProof"


def test_a_call_that_fails_is_kept_or_refused_as_asked(chain: EmbeddedChain) -> None:
    miner = keys("miner-1").coldkey
    too_much = transfer(rao=10**18)
    before = records(chain.path.parent)
    with pytest.raises(RefusedCallError) as refused:
        chain.offer([signed(chain, miner, too_much)]).result()
    assert (refused.value.pallet, refused.value.name) == ("Token", "FundsUnavailable")
    assert records(chain.path.parent) == before
    placed = chain.submit(signed(chain, miner, too_much))
    failed = chain.events(placed.block)[-1]
    assert (failed.name, failed.extrinsic) == ("ExtrinsicFailed", 0)
    assert failed.values["dispatch_error"] == {"Token": "FundsUnavailable"}
    assert chain.nonce(miner.ss58_address) == 1


def test_offers_are_all_or_nothing_and_do_not_spoil_each_other(chain: EmbeddedChain) -> None:
    miner, other = keys("miner-1").coldkey, keys("miner-2").coldkey
    bad = chain.offer([signed(chain, miner, transfer()), signed(chain, miner, transfer(), nonce=9)])
    good = chain.offer([signed(chain, other, transfer())])
    with pytest.raises(RefusedError):
        bad.result()
    assert good.result()
    assert chain.nonce(miner.ss58_address) == 0


def sealed(chain: EmbeddedChain, inner: bytes) -> bytes:
    import bittensor_core

    key = public_key(chain.genesis_hash)
    return bytes(bittensor_core.encrypt_mlkem768(key, inner, include_key_hash=True))


def test_what_an_envelope_holds_joins_it_in_its_block(chain: EmbeddedChain) -> None:
    miner = keys("miner-1").coldkey
    inner = signed(chain, miner, REGISTER, nonce=1)
    carrier = ("MevShield", "submit_encrypted", {"ciphertext": sealed(chain, inner)})
    placed = chain.offer([signed(chain, miner, carrier)]).result()
    assert [each.index for each in placed] == [0, 1]
    assert chain.extrinsics(placed[0].block)[1] == inner
    assert chain.state(chain.head()).subnets[1].uid(hotkey("miner-1")) == 0


def test_an_envelope_with_something_bad_is_refused_or_kept_alone(chain: EmbeddedChain) -> None:
    miner = keys("miner-1").coldkey
    stale = signed(chain, miner, REGISTER, nonce=7)
    contents = (sealed(chain, stale), sealed(chain, b"no extrinsic"), b"not sealed to this key")
    for held_in in contents:
        carrier = ("MevShield", "submit_encrypted", {"ciphertext": held_in})
        before = records(chain.path.parent)
        with pytest.raises(RefusedError):
            chain.offer([signed(chain, miner, carrier)]).result()
        assert records(chain.path.parent) == before
        kept = chain.offer([signed(chain, miner, carrier)], keep_failed=True).result()
        assert len(kept) == 1
        assert len(chain.extrinsics(kept[0].block)) == 1


def test_state_is_a_fold_that_verification_repeats(tmp_path: Path, chain: EmbeddedChain) -> None:
    miner = keys("miner-1").coldkey
    chain.submit(signed(chain, miner, REGISTER))
    chain.submit(signed(chain, miner, transfer(rao=10**18)))  # fails in its block
    chain.advance(50)
    verdict = verify_chain(tmp_path / "net")
    state = chain.state(chain.head())
    assert verdict.block == chain.head() == state.block
    assert verdict.block_hash == chain.block_hash(chain.head())
    assert verdict.issuance == state.issuance == held(state)
    assert (verdict.records, verdict.extrinsics) == (4, 2)


def tampered(folder: Path, *drafts: Draft) -> BrokenError:
    """What verification says of records that somebody appended past the rules."""
    with open_journal(folder / JOURNAL) as journal:
        journal.append(drafts)
    with pytest.raises(BrokenError) as broken:
        verify_chain(folder)
    return broken.value


def test_verification_names_what_the_rules_did_not_allow(tmp_path: Path) -> None:
    def fresh(name: str) -> EmbeddedChain:
        made = make_chain(tmp_path / name)
        made.advance(10)
        return made

    def draft(data: bytes, block: int, author: str) -> Draft:
        return Draft("extrinsic", block.to_bytes(8, "little") + data, author)

    miner = keys("miner-1").coldkey
    one = fresh("one")
    bad = forged(signed(one, miner, transfer()))
    error = tampered(tmp_path / "one", draft(bad, 11, miner.ss58_address))
    assert error.sequence == 3
    assert "BadProof" in str(error)

    two = fresh("two")
    good = signed(two, miner, transfer())
    error = tampered(tmp_path / "two", *[draft(good, 11, miner.ss58_address)] * 2)
    assert error.sequence == 4
    assert "Stale" in str(error)

    three = fresh("three")
    early = draft(signed(three, miner, transfer()), 5, miner.ss58_address)
    assert "block 5 after block 10" in str(tampered(tmp_path / "three", early))

    four = fresh("four")
    stolen = draft(signed(four, miner, transfer()), 11, "somebody else")
    assert "its author is not who signed" in str(tampered(tmp_path / "four", stolen))

    six = fresh("six")
    far = draft(signed(six, miner, transfer()), 2**40, miner.ss58_address)
    assert "it could be 11 at the latest" in str(tampered(tmp_path / "six", far))

    fresh("five")
    assert "no records of the kind 'note'" in str(tampered(tmp_path / "five", Draft("note", b"hi")))


def test_a_clock_is_moved_forward_within_reason(chain: EmbeddedChain) -> None:
    for blocks in (0, -1, 10**9):
        with pytest.raises(InputError, match="is not from 1 to"):
            chain.advance(blocks)


def test_what_is_no_chain(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no journal here"):
        EmbeddedChain(tmp_path)
    with open_journal(tmp_path / JOURNAL, "something else") as journal:
        journal.append([Draft("note", b"hello")])
    with pytest.raises(RecordError, match="its first record is no genesis"):
        EmbeddedChain(tmp_path)
    with pytest.raises(BrokenError, match="record 1"):
        verify_chain(tmp_path)


def test_a_read_only_chain_can_be_read(tmp_path: Path, chain: EmbeddedChain) -> None:
    chain.submit(signed(chain, keys("miner-1").coldkey, transfer()))
    chain.close()
    (tmp_path / "net" / JOURNAL).chmod(0o444)
    with EmbeddedChain(tmp_path / "net") as reader:
        assert reader.head() == 1
        assert len(reader.extrinsics(1)) == 1
