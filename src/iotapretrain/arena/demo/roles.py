"""Who plays in the demo: what each does, as commands that anybody could type, and when."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from iotapretrain.arena.actors.cheat import KINDS

COMPETITION = "nano"
NETUID = 1
POLL_SECONDS = "1"
WEIGHTS_EVERY = "8"
"""Blocks, of half a second."""

PROGRAM = (sys.executable, "-m")
IOTA = (sys.executable, "-c", "from iotapretrain.cli.main import main; main()")
"""The command line of this very installation."""

RECIPE = """\
competition = "{competition}"
{model}
tokens = {tokens}
seed = {seed}

[optimiser]
name = "muon"
learning_rate = 0.01

[run]
batch = 16
"""

LLAMA = 'architecture = "LlamaForCausalLM"\nsize = 350_000'
GPT2 = 'architecture = "GPT2LMHeadModel"\nsize = 350_000'
CHEATS = {
    "copycat": "copycat",
    "forger": "forger",
    "fader": "vanishing",
    "exploder": "exploding",
    "babbler": "babbler",
}

Command = tuple[str, ...]


class Role(StrEnum):
    """What an actor is there for."""

    HONEST_MINER = "honest miner"
    CHEAT = "cheat"
    HONEST_VALIDATOR = "honest validator"
    LIAR = "liar"
    """A validator that reports losses which it never measured."""


@dataclass(frozen=True)
class Stage:
    """What the commands are about: a folder with a chain, and the file of its competitions."""

    network: Path
    competitions: Path
    seed: int = 0
    race: bool = True

    @property
    def competition(self) -> str:
        return f"{self.competitions}:{COMPETITION}"


@dataclass(frozen=True)
class Actor:
    """One actor: its commands, one after the other, once `after` have had their models judged."""

    name: str
    role: Role
    commands: tuple[Command, ...]
    after: tuple[str, ...] = ()
    caught_by: tuple[str, ...] = ()
    files: Mapping[Path, str] = field(default_factory=dict)
    """What must be there before it begins."""

    @property
    def stays(self) -> bool:
        """Whether it goes on until the network ends."""
        return self.role in (Role.HONEST_VALIDATOR, Role.LIAR)


def cast(stage: Stage, without: Collection[str] = ()) -> tuple[Actor, ...]:
    """Three validators, four honest miners, five cheats; all but those of these names."""
    everybody = (
        _validator(stage, "vera"),
        _validator(stage, "victor"),
        _liar(stage, "loki", friend="babbler"),
        _miner(stage, "alice", 180_000, LLAMA),
        _miner(stage, "bob", 160_000, GPT2),
        _miner(stage, "dave", 120_000, LLAMA),
        _miner(stage, "carol", 100_000, 'from = "best"', after=("alice",)),
        *(_cheat(stage, name, kind, after=("alice",)) for name, kind in CHEATS.items()),
    )
    return tuple(actor for actor in everybody if actor.name not in without)


def audits(stage: Stage, hotkeys: Mapping[str, str]) -> dict[str, Command]:
    """By validator, the command that repeats its newest round."""
    return {
        name: _judging(stage, "audit", "latest", "--validator", hotkey, "--json")
        for name, hotkey in hotkeys.items()
    }


def dashboard(stage: Stage) -> Command:
    return _judging(stage, "dashboard", "--port", "0")


def _validator(stage: Stage, name: str) -> Actor:
    pace = ("--poll", POLL_SECONDS, "--weights-every", WEIGHTS_EVERY)
    race = () if stage.race else ("--no-race",)
    command = _judging(stage, "validate", "--wallet", name, *pace, *race)
    return Actor(name, Role.HONEST_VALIDATOR, (command,))


def _liar(stage: Stage, name: str, friend: str) -> Actor:
    told = (str(stage.network), name, friend, str(stage.competitions))
    return Actor(name, Role.LIAR, ((*PROGRAM, "iotapretrain.arena.actors.liar", *told),))


def _cheat(stage: Stage, name: str, kind: str, after: tuple[str, ...]) -> Actor:
    told = (kind, str(stage.network), name, str(stage.competitions), COMPETITION)
    command = (*PROGRAM, "iotapretrain.arena.actors.cheat", *told)
    return Actor(name, Role.CHEAT, (command,), after, caught_by=KINDS[kind].caught_by)


def _miner(stage: Stage, name: str, tokens: int, model: str, after: tuple[str, ...] = ()) -> Actor:
    """Trains by a recipe of its own, and publishes what came of it."""
    folder = stage.network / "miners" / name
    recipe, run = folder / "recipe.toml", folder / "run"
    train = _iota(stage, "train", str(recipe), "--out", str(run))
    publish = _iota(stage, "publish", str(run / "model"), "--competition", stage.competition)
    publish += ("--repo", f"{name}/nano", "--wallet", name, "--wait")
    text = RECIPE.format(competition=stage.competition, model=model, tokens=tokens, seed=stage.seed)
    return Actor(name, Role.HONEST_MINER, (train, publish), after, files={recipe: text})


def _judging(stage: Stage, command: str, *arguments: str) -> Command:
    return _iota(stage, command, *arguments, "--competitions", str(stage.competitions))


def _iota(stage: Stage, command: str, *arguments: str) -> Command:
    return (*IOTA, command, *arguments, "--network", str(stage.network))
