"""`python -m bench.validator`: restarts after 10,000 rounds, and discovery of 256 commitments.

The journal holds rounds of 30 models with their signed records, written by the validator's own
machine; its last snapshot lies as far back as it ever does. Commitments are read from an embedded
chain through the SDK, as the validator reads them at a sync block.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.chain import HandClock, Keys, keys, make_chain, submit
from bench.measure import RUNS, Figure, arguments, report
from iotapretrain.chain.client import connect
from iotapretrain.chain.embedded_chain import EmbeddedChain, now_ms
from iotapretrain.chain.metagraph import Commitments
from iotapretrain.competition.records.round_record import (
    ModelRecord,
    RoundRecord,
    SignedRound,
    seal,
)
from iotapretrain.competition.validator.journal import (
    MACHINE,
    SNAPSHOT_EVERY,
    Order,
    open_memory,
)
from iotapretrain.competition.validator.on_chain import read_view
from iotapretrain.rules.chain.ledger.parameters import SubnetParameters
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.commitment import Commitment
from iotapretrain.rules.competition.epsilon import Fixed
from iotapretrain.rules.competition.schedule import (
    Blocks,
    Competition,
    Constraints,
    Schedule,
    TextTask,
)
from iotapretrain.rules.competition.tournament import RoundRules
from iotapretrain.rules.competition.validator.decide import Sync, decide
from iotapretrain.rules.competition.validator.inspection_queue import due
from iotapretrain.rules.competition.validator.journal_records import (
    Attempt,
    Begun,
    Entry,
    Looked,
    RoundClosed,
    RoundOpened,
    RoundPublished,
)
from iotapretrain.rules.competition.validator.round_queue import turns
from iotapretrain.rules.competition.validator.state import State
from iotapretrain.rules.competition.validator.subnet_view import View
from iotapretrain.store.fold import Fold
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import Draft, chained, first_head

ROUNDS, MODELS, COMMITMENTS = 10_000, 30, 256
CADENCE, DELAY = 150, 250
GROUP = 200
IDENTITY = ("bench", 9, "hotkey")
TASK = TextTask(name="TEXT", weight=1.0, dataset="python-docs", pages=16)
COMPETITION = Competition(
    id=0,
    name="bench",
    blocks=Blocks(0),
    share=1.0,
    models=0,
    constraints=Constraints(0, 10**9, 1024, "bytes", 10**9, frozenset({"LlamaForCausalLM"})),
    tasks=(TASK,),
    rules=RoundRules(Fixed(0.005)),
    eval_block_delay=DELAY,
)
SCHEDULE = Schedule((COMPETITION,), sync_cadence=CADENCE)


def commitment(name: str) -> Commitment:
    digest = hashlib.sha256(name.encode()).digest()
    return Commitment("somebody", name, digest.hex()[:40], base64.b64encode(digest).decode(), 0)


def view_at(number: int) -> View:
    """Everybody stands; at every tenth round somebody has a new model."""
    block = 1000 + number * CADENCE
    texts = {}
    for miner in range(MODELS):
        version = (number // 10 + miner) // MODELS
        texts[f"miner-{miner}"] = (version, commitment(f"model-{miner}-{version}").text)
    uids = {hotkey: uid for uid, hotkey in enumerate(texts)}
    return View.of(block, f"{block:064x}", uids, texts)


def signed(opened: RoundOpened, previous: str | None) -> SignedRound:
    models = tuple(
        ModelRecord(
            uid=entry.uid,
            hotkey=entry.hotkey,
            block=entry.block,
            commitment=entry.text,
            digest=entry.digest,
            outcome=Outcome.EVALUATED,
            losses={"TEXT": tuple(2.5 + page / 7 for page in range(TASK.pages))},
            score=2.5,
            pages_scored=TASK.pages,
        )
        for entry in opened.field
    )
    record = RoundRecord(
        code_version="bench",
        network=IDENTITY[0],
        netuid=IDENTITY[1],
        validator=IDENTITY[2],
        round=opened.round,
        previous=previous,
        competition=0,
        competition_name="bench",
        schedule_digest="bench",
        block=opened.block,
        sync_block=opened.block,
        seed_hash=opened.seed_hash,
        tasks=(),
        race=None,
        models=models,
        champion="miner-0",
        standings={"0": {"miner-0": 1.0}},
        weights={"miner-0": 1.0},
    )
    return seal(record, lambda digest: digest * 2)


def orders(number: int, state: State) -> Iterator[Order]:
    """Everything that one round writes down; `state` is the one before it."""
    view = view_at(number)
    yield Order(Sync(view))
    for each in view.candidates:
        if state.history.commitments.get(each.hotkey) != (each.block, each.commitment.text):
            name = each.commitment.name
            text = each.commitment.text
            yield Order(
                Looked(
                    each.hotkey,
                    each.block,
                    text,
                    view.block,
                    Outcome.EVALUATED,
                    (),
                    (name, "w" + name),
                )
            )
    field = tuple(
        Entry(each.hotkey, each.uid, each.block, each.commitment.text, each.commitment.name)
        for each in view.candidates
    )
    opened = RoundOpened(number + 1, 0, view.block, view.seed_hash, field)
    yield Order(opened)
    sealed = signed(opened, state.previous)
    attempts = tuple(Attempt(entry.hotkey, Outcome.EVALUATED, 2.5) for entry in field)
    kept = tuple(entry.hotkey for entry in field[:5])
    averages = {0: {"miner-0": 1.0}}
    weights = {"miner-0": 1.0}
    closed = RoundClosed(number + 1, sealed.digest, attempts, "miner-0", kept, averages, weights)
    yield Order(closed, sealed)
    yield Order(RoundPublished(number + 1))


def write_journal(place: Path) -> int:
    """10,000 rounds, a snapshot, and as many records behind it as there can be; how many."""
    head = first_head(f"iota validator {' '.join(map(str, IDENTITY))}")
    state, drafts, rounds = MACHINE.initial, list[Draft](), 0

    with open_journal(place, f"iota validator {' '.join(map(str, IDENTITY))}") as journal:

        def flush() -> None:
            journal.append(drafts)
            drafts.clear()

        def write(order: Order) -> None:
            nonlocal state, head
            new = list(MACHINE.decide(state, order))
            for record in chained(head, new):
                state, head = MACHINE.apply(state, record), record.head
            drafts.extend(new)

        write(Order(Begun("bench", 7)))
        while rounds < ROUNDS:
            for order in orders(rounds, state):
                write(order)
            rounds += 1
            if len(drafts) >= GROUP:
                flush()
        flush()
        with Fold(journal, MACHINE, SNAPSHOT_EVERY) as fold:
            assert fold.state == state  # closing it keeps a snapshot
        kept = head.sequence
        while head.sequence - kept < SNAPSHOT_EVERY - 10:
            for order in orders(rounds, state):
                write(order)
            rounds += 1
        flush()
    return rounds


def restarting(place: Path, rounds: int) -> float:
    """Seconds until a restarted validator knows whose turn it is."""
    started = time.perf_counter()
    journal, memory = open_memory(place, *IDENTITY)
    waiting = turns(memory.state, view_at(rounds), SCHEDULE)
    seconds = time.perf_counter() - started
    assert memory.state.rounds == rounds
    assert [each.id for each in waiting] == [0]
    journal.close()
    return seconds


def committed_chain(folder: Path) -> HandClock:
    """A subnet on which 256 hotkeys have committed."""
    parameters = SubnetParameters(min_burn=1, max_burn=1, max_allowed_uids=COMMITMENTS)
    clock = HandClock(now_ms() - 4 * parameters.tempo * 12_000)
    wallets: list[Keys] = [keys(number) for number in range(COMMITMENTS)]
    make_chain(folder, wallets, parameters, clock.start_ms)
    with EmbeddedChain(folder, clock) as chain:
        register = ("SubtensorModule", "burned_register")
        for wallet in wallets:
            call = (*register, {"netuid": 1, "hotkey": wallet.hotkey.ss58_address})
            submit(chain, [(wallet.coldkey, call)])
        clock.block = 1
        for number, wallet in enumerate(wallets):
            text = commitment(f"model-{number}").text.encode()
            info = {"fields": [{f"Raw{len(text)}": text}]}
            call = ("Commitments", "set_commitment", {"netuid": 1, "info": info})
            submit(chain, [(wallet.hotkey, call)])
        clock.block = 3
        chain.state(chain.head())
    return clock


async def discovering(folder: Path) -> tuple[float, int]:
    """Milliseconds from a sync block to what is new at it, and how often commitments were read."""
    reads = 0
    async with await connect(f"embedded:{folder}") as client:
        read = client.commitments

        async def counted(netuid: int, block: int | None = None) -> Commitments:
            nonlocal reads
            reads += 1
            return await read(netuid, block)

        client.commitments = counted  # type: ignore[method-assign] # only to count
        block, _ = await client.head()
        taken: list[float] = []
        for _ in range(RUNS):
            started = time.perf_counter()
            view = await read_view(client, 1, block, "nobody")
            news = decide(MACHINE.initial, Sync(view))
            due(MACHINE.initial, replace(view, block=view.block + DELAY), SCHEDULE, 0)
            taken.append(time.perf_counter() - started)
            assert len(news) == len(view.candidates) == COMMITMENTS
    return median(taken) * 1000, reads // RUNS


def figures(scratch: Path) -> list[Figure]:
    place = scratch / "journal.sqlite"
    rounds = write_journal(place)
    seconds = median(restarting(place, rounds) for _ in range(RUNS))
    chain = scratch / "chain"
    chain.mkdir()
    committed_chain(chain)
    milliseconds, reads = asyncio.run(discovering(chain))
    return [
        Figure("restart with 10,000 rounds", "s", seconds, None, None, "<= 2", seconds <= 2),
        Figure(
            "discovery of 256 commitments",
            "ms",
            milliseconds,
            None,
            None,
            "<= 100",
            milliseconds <= 100,
        ),
        Figure("reads of commitments a block", "", reads, None, None, "<= 1", reads <= 1),
    ]


def main() -> None:
    options = arguments(__doc__)
    with tempfile.TemporaryDirectory() as scratch:
        measured = figures(Path(scratch))
    report("validator", measured, options.json)


if __name__ == "__main__":
    main()
