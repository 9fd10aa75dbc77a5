"""A swarm played by hand: requests and moments straight into the rules, without any role."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TypeVar

from iotapretrain.rules.swarm.log import swarm_records as records
from iotapretrain.rules.swarm.log.due import Moment, by_stage, due
from iotapretrain.rules.swarm.log.fold_records import apply
from iotapretrain.rules.swarm.log.requests import Request, answer
from iotapretrain.rules.swarm.log.swarm_records import Receipt, SwarmRecord
from iotapretrain.rules.swarm.log.swarm_state import SwarmState, SwarmTerms

Kind = TypeVar("Kind")

TERMS = SwarmTerms(stages=2, samples=4, slots=4, hop=5_000, train=60_000, audit_share=1.0)


@dataclass
class PlayedSwarm:
    """A log in memory, and what was said to make it."""

    terms: SwarmTerms = TERMS
    at: int = 0
    block: int = 0
    log: list[SwarmRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = SwarmState(self.terms)
        bases = tuple(hash_of("base", stage) for stage in range(self.terms.stages))
        self.write(records.SwarmOpened("run", bases, 0))

    def write(self, *made: SwarmRecord) -> None:
        for record in made:
            self.log.append(record)
            self.state = apply(self.state, record)

    def ask(self, request: Request) -> list[SwarmRecord]:
        made = answer(self.state, request, self.at)
        self.write(*made)
        return made

    def look(self, seconds: float = 0.1, *silent: str, blocks: int = 0) -> list[SwarmRecord]:
        self.at += int(seconds * 1000)
        self.block += blocks
        block_hash = f"0x{self.block:064x}"
        made = due(self.state, Moment(self.at, self.block, block_hash, silent), by_stage)
        self.write(*made)
        return made

    def join(self, *hotkeys: str, speed: float = 1.0, kept: bool = False) -> None:
        for hotkey in hotkeys:
            self.ask(records.MinerJoined(hotkey, f"node {hotkey}", "cpu", speed, kept, 0))

    def hold(self, hotkey: str) -> None:
        stage = self.stage_of(hotkey)
        self.ask(records.BaseHeld(hotkey, stage, self.state.stages[stage].base, 0))

    def stage_of(self, hotkey: str) -> int:
        stage = self.state.members[hotkey].stage
        assert stage is not None
        return stage

    def begin(self, *hotkeys: str) -> None:
        """All join, are placed and ready, and have routes."""
        self.join(*hotkeys)
        self.look()
        for hotkey in hotkeys:
            self.hold(hotkey)
        self.look()

    def receipt(self, route: int, stage: int, said: str = "") -> Receipt:
        """What an honest miner says of its hop; `said` spoils what it sent."""
        last = stage == self.terms.stages - 1
        sent = "" if last else short(route, stage, said)
        returned = "" if last else short(route, stage + 1, "back")
        received = short(route, stage - 1, "") if stage else ""
        back = short(route, stage, "back") if stage else ""
        return Receipt(route, received, sent, returned, back, 1.0, 2.5 if last else None)

    def file(self, hotkey: str, *routes: int, said: str = "") -> list[SwarmRecord]:
        number = self.state.members[hotkey].number
        made = []
        for route in routes:
            stage = self.state.routes[route].miners.index(number)
            made.append(self.receipt(route, stage, said))
        return self.ask(records.ReceiptsFiled(hotkey, tuple(made), 0))

    def finish_routes(self) -> None:
        """Every miner answers for all that it owes."""
        for route, each in list(self.state.routes.items()):
            for miner in each.miners:
                if route in self.state.routes:
                    self.file(self.state.hotkeys[miner], route)

    def train(self) -> None:
        """Until every stage has its samples."""
        while any(stage.phase == "train" for stage in self.state.stages):
            self.finish_routes()
            self.look()

    def announce(self, hotkey: str) -> None:
        stage = self.stage_of(hotkey)
        epoch = self.state.stages[stage].epoch
        link = f"{hash_of(hotkey, epoch)}"
        said = records.ChangeAnnounced(hotkey, stage, epoch, hash_of("change", hotkey), (link,), 0)
        self.ask(said)

    def publish(self, hotkey: str) -> None:
        stage = self.stage_of(hotkey)
        epoch = self.state.stages[stage].epoch
        self.ask(records.ChangePublished(hotkey, stage, epoch, hash_of("blob", hotkey), 0))

    def sign(self, hotkey: str, base: str | None = None, *left_out: str) -> None:
        stage = self.stage_of(hotkey)
        found = self.state.stages[stage]
        base = hash_of(base or f"base {stage} of {found.epoch + 1}")
        self.ask(records.BaseSigned(hotkey, stage, found.epoch, base, left_out, 0))

    def phase(self, stage: int) -> str:
        return self.state.stages[stage].phase

    def of_kind(self, kind: type[Kind]) -> list[Kind]:
        return [record for record in self.log if isinstance(record, kind)]


def hash_of(*labels: object) -> str:
    """A digest as the log has them."""
    return hashlib.sha256("/".join(map(str, labels)).encode()).hexdigest()


def short(*labels: object) -> str:
    """A digest as receipts have them."""
    return hash_of(*labels)[:32]


def refolded(swarm: PlayedSwarm) -> SwarmState:
    """What a stranger makes of the same records."""
    state = SwarmState(swarm.terms)
    for record in swarm.log:
        state = apply(state, replace(record))
    return state
