"""The demo from its first block to its report."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from iotapretrain.arena.demo.expectations import judge
from iotapretrain.arena.demo.facts import final_metagraph, gather, run_audits
from iotapretrain.arena.demo.narrator import Narrator, sentence
from iotapretrain.arena.demo.processes import Company
from iotapretrain.arena.demo.report import document, markdown
from iotapretrain.arena.demo.roles import NETUID, Actor, Stage, audits, cast, dashboard
from iotapretrain.chain.client import connect
from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.make_network import create_network
from iotapretrain.chain.wallets import existing_wallet
from iotapretrain.errors import InputError
from iotapretrain.observe.events import AnyEvent, Published, RoundFinished

GENESIS = Path(__file__).with_name("network.toml")
COMPETITIONS = Path(__file__).with_name("competitions.toml")
LOOK_SECONDS = 0.5
DASHBOARD = "dashboard"
DASHBOARD_SECONDS = 30.0
LAST_SECONDS = 7.0
"""An epoch, and the block in which weights arrive."""

LEAST_SECONDS = 90.0
"""Delays, rounds and epochs alone take a minute by the chain's clock."""

ROUNDS = 2
"""Of every validator on the last model that was published: averages have moved three quarters."""

Say = Callable[[str, str], None]
"""Who, and what."""
RACE, INSPECTOR = "race", "inspector"


@dataclass(frozen=True)
class Demo:
    """What is asked for. `keep` is the folder that stays; without it nothing does."""

    seconds: float = 420.0
    seed: int = 0
    keep: Path | None = None
    show: bool = True
    """With a dashboard."""
    without: frozenset[str] = frozenset()
    """Actors that stay away, `race`, or `inspector`, to see what each is good for."""

    def __post_init__(self) -> None:
        if not self.seconds >= LEAST_SECONDS:
            raise InputError(
                f"--seconds {self.seconds:g}: too few for miners to train, be judged and paid;"
                f" give {LEAST_SECONDS:.0f} or more: it takes two minutes on two idle cores"
            )
        known = [RACE, INSPECTOR, *(actor.name for actor in cast(Stage(Path(), COMPETITIONS)))]
        if unknown := self.without.difference(known):
            raise InputError(f"without {min(unknown)!r}: there are {', '.join(known)}")


@contextmanager
def demo(asked: Demo, say: Say) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Run it all; the report, and the dashboard's address while the block lasts."""
    started = time.monotonic()
    with ExitStack() as stack:
        network = asked.keep or Path(stack.enter_context(TemporaryDirectory(prefix="iota-demo-")))
        company = stack.enter_context(Company(network / "logs", _environment(network)))
        hotkeys = _found(network, say)
        stage = Stage(network, _competitions(asked, network), asked.seed, RACE not in asked.without)
        actors = cast(stage, asked.without)
        address = _open_dashboard(company, stage) if asked.show else None
        if address is not None:
            say(DASHBOARD, f"watch it live at {address}")
        names = {hotkeys[actor.name]: actor.name for actor in actors}
        play = Play(company, actors, Narrator(network), names, say)
        play.run(asked.seconds)
        failed = company.failed()
        company.stop([actor.name for actor in actors])
        with EmbeddedChain(network) as chain:  # or weights expire, and the page belies the report
            ended = chain.stop()
        metagraph = asyncio.run(final_metagraph(network))
        say("demo", f"the network has ended, at block {ended}; a stranger audits its newest rounds")
        validators = {actor.name: hotkeys[actor.name] for actor in actors if actor.stays}
        audited = run_audits(audits(stage, validators), company.environment)
        facts = gather(network, actors, hotkeys, metagraph, audited, failed)
        report = document(facts, judge(facts), time.monotonic() - started)
        (network / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        (network / "report.md").write_text(markdown(report))
        yield report, address


class Completion:
    """Sees every event; a network has settled once all validators have judged the last model."""

    def __init__(self, validators: Collection[str]) -> None:
        self._judged_from: dict[str, int] = {}
        self._blocks: dict[str, set[int]] = {name: set() for name in validators}

    def see(self, who: str, event: AnyEvent) -> None:
        """Take note of what matters here."""
        match event:
            case Published(judged_from_block=block):
                self._judged_from[who] = block
            case RoundFinished(block=block) if who in self._blocks:
                self._blocks[who].add(block)

    def judged(self, miner: str) -> bool:
        """Whether any validator has had a round since this one's model could be in it."""
        since = self._judged_from.get(miner)
        return since is not None and any(self._since(name, since) for name in self._blocks)

    @property
    def settled(self) -> bool:
        """Whether every validator has had enough rounds since the last model."""
        since = max(self._judged_from.values(), default=0)
        return all(self._since(name, since) >= ROUNDS for name in self._blocks)

    def _since(self, validator: str, block: int) -> int:
        return sum(each >= block for each in self._blocks[validator])


class Play:
    """Starts everybody when it is their time, and tells what happens."""

    def __init__(
        self,
        company: Company,
        actors: Sequence[Actor],
        narrator: Narrator,
        names: Mapping[str, str],
        say: Say,
    ) -> None:
        self._company, self._actors = company, actors
        self._narrator, self._names, self._say = narrator, names, say
        self._left = {actor.name: list(actor.commands) for actor in actors}
        self._completion = Completion([actor.name for actor in actors if actor.stays])

    def run(self, seconds: float) -> None:
        """Until everything has had its time, or somebody failed; at most for so many seconds."""
        for path, text in (file for actor in self._actors for file in actor.files.items()):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        until = time.monotonic() + seconds
        leaving = [actor.name for actor in self._actors if not actor.stays]
        while time.monotonic() < until and not (
            all(map(self._done, leaving)) and self._completion.settled
        ):
            self._start_who_is_due()
            self._tell()
            if failed := self._company.failed():
                for name, words in failed.items():
                    self._say(name, f"ended early, and with it the demo: {words}")
                return
            time.sleep(LOOK_SECONDS)  # between two looks; `until` ends it
        for name in leaving:
            if not self._done(name):
                self._company.excuse(name, "had no time for all that it came for")
        last = min(LAST_SECONDS, max(until - time.monotonic(), 0.0))
        self._say("demo", f"everybody has been judged; one more epoch, {last:.0f} s, pays for it")
        time.sleep(last)  # the chain's own clock: nothing tells when an epoch has paid
        self._tell()

    def _start_who_is_due(self) -> None:
        for actor in self._actors:
            name, commands = actor.name, self._left[actor.name]
            waits_for = [other for other in actor.after if other in self._left]  # who is there
            may_start = all(map(self._completion.judged, waits_for))
            if commands and may_start and not self._company.running(name):
                self._company.start(name, commands.pop(0))

    def _tell(self) -> None:
        for who, event in self._narrator.new():
            self._completion.see(who, event)
            if (said := sentence(event, self._names)) is not None:
                self._say(who, said)

    def _done(self, name: str) -> bool:
        return not self._left[name] and not self._company.running(name)


def _found(network: Path, say: Say) -> dict[str, str]:
    """Make the chain, and buy everybody a place on it; hotkeys by name."""
    made = create_network(GENESIS, network)
    hotkeys = {
        name.partition("/")[0]: address
        for name, address in made.addresses.items()
        if name.endswith("/default")
    }
    names = [name for name in hotkeys if name != "owner"]

    async def register() -> None:
        async with await connect(f"embedded:{network}") as client:
            wallets = [existing_wallet(name, network / "wallets") for name in names]
            await asyncio.gather(*(client.register(wallet, NETUID) for wallet in wallets))

    asyncio.run(register())
    say("chain", f"is a file here, with an epoch every six seconds; {len(names)} keys have a place")
    return hotkeys


def _competitions(asked: Demo, network: Path) -> Path:
    """The competitions' own copy of their file; without inspector nobody looks for sabotage."""
    text = COMPETITIONS.read_text(encoding="utf-8")
    if INSPECTOR in asked.without:
        text = text.replace("trainable = true", "trainable = false")
    path = network / COMPETITIONS.name
    path.write_text(text, encoding="utf-8")
    return path


def _open_dashboard(company: Company, stage: Stage) -> str | None:
    """Its address, once it says so."""
    company.start(DASHBOARD, dashboard(stage))
    until = time.monotonic() + DASHBOARD_SECONDS
    while time.monotonic() < until and company.running(DASHBOARD):
        for line in company.log(DASHBOARD).read_text(errors="replace").splitlines():
            if line.startswith(f"{DASHBOARD}: "):
                return line.partition(" ")[2]
        time.sleep(LOOK_SECONDS / 5)
    return None


def _environment(network: Path) -> Mapping[str, str]:
    """Every process keeps its caches in the network's folder, and takes one core at most."""
    return os.environ | {
        "IOTA_CACHE": str(network / "cache" / "text"),
        "IOTA_HUB_CACHE": str(network / "cache" / "models"),
        "BITTENSOR_RUNTIME_CACHE_DIR": str(network / "cache" / "runtime"),
        "XDG_CACHE_HOME": str(network / "cache"),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
