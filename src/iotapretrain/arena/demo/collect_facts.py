"""From a network that has ended to the facts about it: the chain, the records, the audits."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from iotapretrain.arena.demo.facts import AuditFact, Facts, Member
from iotapretrain.arena.demo.roles import NETUID, Command, Part
from iotapretrain.chain.client import connect
from iotapretrain.chain.metagraph import Metagraph
from iotapretrain.chain.verify_chain import verify_chain
from iotapretrain.competition.records.public_rounds import read_round
from iotapretrain.competition.records.round_record import RoundRecord
from iotapretrain.errors import BrokenError, IotaError

AUDIT_SECONDS = 120.0
AT_ONCE = 3


async def final_metagraph(network: Path) -> Metagraph:
    """What the chain says now: later epochs know only validators that have fallen silent."""
    async with await connect(f"embedded:{network}") as client:
        head, _ = await client.head()
        return await client.metagraph(NETUID, head)


def gather(
    network: Path,
    parts: Sequence[Part],
    hotkeys: Mapping[str, str],
    metagraph: Metagraph,
    audits: Sequence[AuditFact],
    unexpected_ends: Mapping[str, str],
) -> Facts:
    """Everything that the expectations look at."""
    cast = tuple(
        Member(part.name, part.role, hotkeys[part.name], part.caught_by, part.friend)
        for part in parts
    )
    validators = [part.name for part in parts if part.stays]
    miners = [part.name for part in parts if not part.stays]
    return Facts(
        cast=cast,
        emission={name: _stake(metagraph, hotkeys[name]) for name in miners},
        validator_trust={name: _trust(metagraph, hotkeys[name]) for name in validators},
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


def _stake(metagraph: Metagraph, hotkey: str) -> int:
    """What a miner earned: it had nothing staked when the network began."""
    uid = metagraph.uid(hotkey)
    return 0 if uid is None else int(metagraph.stake[uid])


def _trust(metagraph: Metagraph, hotkey: str) -> float:
    uid = metagraph.uid(hotkey)
    return 0.0 if uid is None else float(metagraph.validator_trust[uid])


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
