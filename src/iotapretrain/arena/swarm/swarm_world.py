"""A whole swarm in one process: real roles over simulated parts, in virtual time.

The world starts them, does to them what its scenario says, and sees what no participant sees. One
scenario gives one log, to the byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from blake3 import blake3

from iotapretrain.arena.swarm.iota_phases import all_together
from iotapretrain.arena.swarm.memory_log import OFFICE, AskedLog, LogWriter, MemoryLog, Office
from iotapretrain.arena.swarm.memory_parts import (
    MemoryBlobs,
    MemoryClock,
    MemoryDisk,
    PeerNet,
    SeededChain,
    SharedBlobs,
    node_of,
)
from iotapretrain.arena.swarm.participants import KINDS, ParticipantKind
from iotapretrain.arena.swarm.scenario import Fault, Scenario
from iotapretrain.arena.swarm.stand_in_stage import StandInStage
from iotapretrain.arena.swarm.stand_in_step import SENT_BYTES, StandInRule
from iotapretrain.arena.swarm.virtual_loop import Life, run_virtual
from iotapretrain.arena.swarm.weather import FOREVER, Ways
from iotapretrain.rules.swarm.frame import FrameShape
from iotapretrain.rules.swarm.log import swarm_records as records
from iotapretrain.rules.swarm.log.due import by_stage
from iotapretrain.swarm.interfaces import MinerPlace
from iotapretrain.swarm.miner import SwarmMiner
from iotapretrain.swarm.orchestrator import Orchestrator
from iotapretrain.swarm.validate_steps import SwarmValidator

FRAMES = FrameShape(rows=1, positions=1, width=SENT_BYTES // 2, wire="bfloat16")
MACHINE = "simulated"
"""The determinism class of all."""


@dataclass
class SimulatedMachine:
    """What outlives a process: its disk; and what the world saw of its lives."""

    name: str
    kind: ParticipantKind
    files: dict[str, bytes] = field(default_factory=dict)
    life: Life | None = None
    miner: SwarmMiner | None = None
    computes: list[StandInStage] = field(default_factory=list)
    logs: list[AskedLog] = field(default_factory=list)

    @property
    def is_up(self) -> bool:
        """Whether a process of it lives."""
        return self.life is not None and not self.life.over


class SwarmWorld:
    """One scenario, played once by `play`."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.terms = scenario, scenario.terms
        self.rule = StandInRule(
            scenario.stages, scenario.seed, scenario.code, least=self.terms.least
        )
        self.ways = Ways(scenario.weather, scenario.cuts, scenario.seed)
        self.blobs, self.peers = SharedBlobs(self.ways), PeerNet(self.ways)
        self.log = MemoryLog(self.terms, f"swarm/{scenario.seed}")
        self.office = Office(self.log, self.ways, self._fail)
        self.machines: dict[str, SimulatedMachine] = {}
        self.down: list[tuple[int, int]] = []
        """When no orchestrator was there, in milliseconds."""
        self.drifted: list[str] = []
        """Changes that were announced by who did not hold the base of its stage."""
        self.seconds = 0.0
        self._coming = list(scenario.faults)
        self._problem: BaseException | None = None

    def play(self) -> SwarmWorld:
        """To its end: the last epoch of every stage, or its last hour."""
        run_virtual(self._play())
        if self._problem is not None:
            raise self._problem
        return self

    async def _play(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        bases = [self.blobs.add(self.rule.first_base(n)) for n in range(self.scenario.stages)]
        self.log.append([records.SwarmOpened("simulated", tuple(bases), 0)])
        self.start(OFFICE)
        for name in (*self.validator_names, *self.scenario.names):
            self.start(name)
        for fault in [each for each in self._coming if each.when == "second"]:
            self._coming.remove(fault)
            self._loop.call_later(fault.value + fault.after, self._happen, fault)
        try:
            async with asyncio.timeout(self.scenario.hours * 3600):
                await self._over.wait()
        except TimeoutError:
            pass  # what it came to by then is what the report says
        self.seconds = self._loop.time()
        for machine in self.machines.values():
            self._end(machine)

    @property
    def validator_names(self) -> list[str]:
        """The validators, all honest."""
        return [f"validator-{number}" for number in range(self.scenario.validators)]

    # --- processes --------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """A new process on a machine, with what its disk has."""
        kind = KINDS[self.scenario.kinds.get(name, "honest")]
        machine = self.machines.setdefault(name, SimulatedMachine(name, kind))
        if machine.is_up:
            return
        life = machine.life = Life(name)
        begin: Callable[[SimulatedMachine, Life], asyncio.Task[None]] = self._start_miner
        if name == OFFICE:
            begin = self._start_orchestrator
        elif name.startswith("validator"):
            begin = self._start_validator
        begin(machine, life).add_done_callback(lambda task: self._ended(machine, life, task))

    def _start_orchestrator(self, _: SimulatedMachine, life: Life) -> asyncio.Task[None]:
        writer = LogWriter(life, self.log, self._wrote)
        blobs, chain = MemoryBlobs(OFFICE, self.blobs), SeededChain(self.scenario.seed)
        phases = all_together if self.scenario.phases == "iota" else by_stage
        orchestrator = Orchestrator(writer, self._clock(OFFICE), blobs, chain, phases)
        self.office.open(life, orchestrator)
        if self.down:
            self.down[-1] = (self.down[-1][0], self._now())
        return life.begin(orchestrator.run())

    def _start_validator(self, machine: SimulatedMachine, life: Life) -> asyncio.Task[None]:
        name, log = machine.name, AskedLog(life, self.office)
        clock, blobs = self._clock(name), MemoryBlobs(name, self.blobs)
        compute = StandInStage(self.rule, self.scenario.sample_seconds)
        return life.begin(SwarmValidator(name, MACHINE, clock, blobs, log, compute).run())

    def _start_miner(self, machine: SimulatedMachine, life: Life) -> asyncio.Task[None]:
        name, kind = machine.name, machine.kind
        seconds = self.scenario.sample_seconds * self.scenario.slowness.get(name, 1.0)
        compute, log = kind.compute(self.rule, seconds), kind.log(life, self.office)
        machine.computes.append(compute)
        machine.logs.append(log)
        place = MinerPlace(
            name,
            node_of(name),
            MACHINE,
            1 / seconds,
            self._clock(name),
            kind.peers(life, self.peers),
            MemoryBlobs(name, self.blobs),
            log,
            MemoryDisk(life, machine.files),
            FRAMES,
            self.scenario.samples_a_step,
        )
        machine.miner = life.call(SwarmMiner, place, compute)
        return life.begin(machine.miner.run())

    def _clock(self, name: str) -> MemoryClock:
        return MemoryClock(self.scenario.skews.get(name, 0))

    def _now(self) -> int:
        return int(self._loop.time() * 1000)

    def _ended(self, machine: SimulatedMachine, life: Life, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None and not life.over:
            self._fail(task.exception())
        if machine.life is life:
            life.end()

    def _end(self, machine: SimulatedMachine) -> None:
        if machine.life is not None and machine.is_up:
            if machine.name == OFFICE:
                self.down.append((self._now(), 2**62))
            machine.life.end()

    def _fail(self, problem: BaseException | None) -> None:
        self._problem = self._problem or problem
        self._over.set()

    # --- what happens to them ---------------------------------------------------------------------

    def _wrote(self, before: int) -> None:
        """Records are durable: do at once what was to happen at one of them."""
        made = self.log.made
        for record in made[before:]:
            if isinstance(record, records.ChangeAnnounced):
                self._look_at(record)
        for fault in list(self._coming):
            if fault.when == "record":
                due = len(made) >= fault.value
            else:
                due = any(_opens(record, fault.value) for record in made[before:])
            if due:
                self._coming.remove(fault)
                self._happen(fault) if not fault.after else self._later(fault)
        if all(stage.epoch >= self.scenario.epochs for stage in self.log.state.stages):
            self._over.set()

    def _look_at(self, record: records.ChangeAnnounced) -> None:
        machine, base = self.machines[record.hotkey], self.log.state.stages[record.stage].base
        held = machine.computes[-1].base if machine.is_up and machine.kind.honest else b""
        if held and blake3(held).hexdigest() != base:
            self.drifted.append(f"{record.hotkey} announced a change upon another base")

    def _later(self, fault: Fault) -> None:
        self._loop.call_later(fault.after, self._happen, fault)

    def _happen(self, fault: Fault) -> None:
        machine = self.machines.get(fault.who)
        if fault.what == "join" or machine is None:
            self.start(fault.who)
            return
        if fault.what == "leave" and machine.miner is not None and machine.is_up:
            machine.miner.leave()
        if fault.what == "kill":
            self._end(machine)
            if fault.wiped:
                machine.files.clear()
        if fault.back < FOREVER:
            self._loop.call_later(fault.back, self._back, machine)

    def _back(self, machine: SimulatedMachine) -> None:
        """It comes again, once it is gone."""
        if machine.is_up:
            self._loop.call_later(5.0, self._back, machine)
        else:
            self.start(machine.name)


def _opens(record: records.SwarmRecord, epoch: float) -> bool:
    return isinstance(record, records.EpochOpened) and record.epoch == epoch
