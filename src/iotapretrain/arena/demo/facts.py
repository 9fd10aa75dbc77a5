"""What is known about a demo network when it ends, from the chain, the records and audits:
gathered once, judged afterwards.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from iotapretrain.arena.demo.roles import NETUID, Actor, Command, Role
from iotapretrain.chain.client import connect
from iotapretrain.chain.metagraph import Metagraph
from iotapretrain.chain.verify_chain import verify_chain
from iotapretrain.competition.records.public_rounds import read_round
from iotapretrain.competition.records.round_record import ModelRecord, RoundRecord, champion_of
from iotapretrain.errors import BrokenError, IotaError

AUDIT_SECONDS = 120.0
AT_ONCE = 3


class AuditFact(NamedTuple):
    """What recomputing a validator's newest round found."""

    validator: str
    round: int
    held: bool
    differences: tuple[str, ...]


@dataclass(frozen=True)
class NetworkFacts:
    """Everything that the expectations look at. Keys are names of the cast."""

    cast: tuple[Actor, ...]
    hotkeys: Mapping[str, str]
    emission: Mapping[str, int]
    """Rao that each miner earned while the network ran."""
    validator_trust: Mapping[str, float]
    rounds: Mapping[str, tuple[RoundRecord, ...]]
    audits: tuple[AuditFact, ...]
    chain_problem: str | None
    """The first record of the chain that does not hold."""
    unexpected_ends: Mapping[str, str] = field(default_factory=dict)
    """Actors that ended before they were done, and their last words."""

    def named(self, text: str) -> str:
        """The same with names of the cast in place of their hotkeys."""
        for name, hotkey in self.hotkeys.items():
            text = text.replace(hotkey, name)
        return text

    def named_by_role(self, role: Role) -> list[str]:
        """Those of one role, in the order of the cast."""
        return [actor.name for actor in self.cast if actor.role is role]

    def judged(self, validator: str, miner: str) -> list[ModelRecord]:
        """Every line that a validator's rounds hold about a miner, oldest first."""
        models = (model for record in self.rounds.get(validator, ()) for model in record.models)
        return [model for model in models if model.hotkey == self.hotkeys[miner]]

    def share(self, names: Collection[str]) -> float:
        """The part of all miners' emission that these earned; 0 while nobody earned anything."""
        total = sum(self.emission.values())
        return sum(self.emission.get(name, 0) for name in names) / total if total else 0.0

    def honest_rounds(self) -> list[RoundRecord]:
        """Those of all honest validators, by block."""
        honest = self.named_by_role(Role.HONEST_VALIDATOR)
        records = [record for name in honest for record in self.rounds.get(name, ())]
        return sorted(records, key=lambda record: record.block)

    def champions(self) -> list[ModelRecord]:
        """The best model round by round, over all honest validators: what a liar crowns is none."""
        found = map(champion_of, self.honest_rounds())
        return [each for each in found if each is not None]

    def champion_losses(self) -> list[float]:
        """The champion's loss round by round, over all honest validators."""
        return [each.score for each in self.champions() if each.score is not None]


async def final_metagraph(network: Path) -> Metagraph:
    """What the chain says now: later epochs know only validators that have fallen silent."""
    async with await connect(f"embedded:{network}") as client:
        head, _ = await client.head()
        return await client.metagraph(NETUID, head)


def gather(
    network: Path,
    actors: Sequence[Actor],
    hotkeys: Mapping[str, str],
    metagraph: Metagraph,
    audits: Sequence[AuditFact],
    unexpected_ends: Mapping[str, str],
) -> NetworkFacts:
    """Everything that the expectations look at."""
    validators = [actor.name for actor in actors if actor.stays]
    miners = [actor.name for actor in actors if not actor.stays]
    known = {hotkey: uid for uid, hotkey in enumerate(metagraph.hotkeys)}
    uids = {name: known[hotkey] for name, hotkey in hotkeys.items() if hotkey in known}
    stake, trust = metagraph.stake, metagraph.validator_trust
    return NetworkFacts(
        cast=tuple(actors),
        hotkeys={actor.name: hotkeys[actor.name] for actor in actors},
        # Miners had nothing staked when the network began.
        emission={name: int(stake[uids[name]]) if name in uids else 0 for name in miners},
        validator_trust={
            name: float(trust[uids[name]]) if name in uids else 0.0 for name in validators
        },
        rounds={name: _rounds(network / "validators" / name) for name in validators},
        audits=tuple(audits),
        chain_problem=_chain_problem(network),
        unexpected_ends=unexpected_ends,
    )


def run_audits(
    commands: Mapping[str, Command], environment: Mapping[str, str]
) -> tuple[AuditFact, ...]:
    """Repeat the newest round of every validator, as a stranger would."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda name: _audit(name, commands[name], environment), commands)
        return tuple(fact for fact in found if fact is not None)


def _audit(name: str, command: Command, environment: Mapping[str, str]) -> AuditFact | None:
    try:
        ended = subprocess.run(
            command, env=environment, capture_output=True, timeout=AUDIT_SECONDS, check=False
        )
        said = json.loads(ended.stdout)
    except (subprocess.TimeoutExpired, ValueError):  # no audit is a finding of its own
        return None
    false = tuple(
        f"{each['item']} is {each['found']}, not {each['published']} as published"
        for check in said["checks"]
        for each in check["differences"]
    )
    return AuditFact(name, said["round"], said["verdict"] == "holds", false)


def _rounds(state: Path) -> tuple[RoundRecord, ...]:
    files = sorted((state / "rounds").glob("*.json"))
    return tuple(read_round(file.read_bytes(), file.name).record for file in files)


def _chain_problem(network: Path) -> str | None:
    try:
        verify_chain(network)
    except BrokenError as error:
        return str(error)
    except IotaError as error:
        return f"cannot be verified: {error}"
    return None
