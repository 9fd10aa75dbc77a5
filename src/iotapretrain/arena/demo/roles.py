"""Who plays in the demo: what each does, as commands that anybody could type, and when."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from iotapretrain.arena.actors.cheat import KINDS
from iotapretrain.arena.demo.facts import Role

COMPETITION = "nano"
NETUID = 1
POLL_SECONDS = "1"
WEIGHTS_EVERY = "8"
"""Blocks, of half a second."""

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

Command = tuple[str, ...]


@dataclass(frozen=True)
class Site:
    """What the commands are about: a folder with a chain, and the file of its competitions."""

    network: Path
    competitions: Path
    seed: int = 0
    race: bool = True

    @property
    def competition(self) -> str:
        """As commands name it."""
        return f"{self.competitions}:{COMPETITION}"


@dataclass(frozen=True)
class Part:
    """One actor: its commands, one after the other, once `after` have had their models judged."""

    name: str
    role: Role
    commands: tuple[Command, ...]
    after: tuple[str, ...] = ()
    caught_by: tuple[str, ...] = ()
    friend: str | None = None
    files: Mapping[Path, str] = field(default_factory=dict)
    """What must be there before it begins."""

    @property
    def stays(self) -> bool:
        """Whether it goes on until the network ends."""
        return self.role in (Role.HONEST_VALIDATOR, Role.LIAR)


def cast(site: Site, without: Collection[str] = ()) -> tuple[Part, ...]:
    """Three validators, four honest miners, five cheats; all but those of these names."""
    everybody = (
        _validator(site, "vera"),
        _validator(site, "victor"),
        _liar(site, "loki", friend="babbler"),
        _trainer(site, "alice", "LlamaForCausalLM", tokens=180_000),
        _trainer(site, "bob", "GPT2LMHeadModel", tokens=160_000),
        _trainer(site, "dave", "LlamaForCausalLM", tokens=120_000),
        _rebaser(site, "carol", tokens=100_000, after=("alice",)),
        _cheat(site, "copycat", "copycat", after=("alice",)),
        _cheat(site, "forger", "forger", after=("alice",)),
        _cheat(site, "fader", "vanishing", after=("alice",)),
        _cheat(site, "exploder", "exploding", after=("alice",)),
        _cheat(site, "babbler", "babbler", after=("alice",)),
    )
    return tuple(part for part in everybody if part.name not in without)


def audits(site: Site, hotkeys: Mapping[str, str]) -> dict[str, Command]:
    """By validator, the command that repeats its newest round."""
    where = ("--competitions", str(site.competitions))
    return {
        name: _iota(site, "audit", "latest", "--validator", hotkey, "--json", *where)
        for name, hotkey in hotkeys.items()
    }


def dashboard(site: Site) -> Command:
    """The page that shows it all."""
    return _iota(site, "dashboard", "--port", "0", "--competitions", str(site.competitions))


def _validator(site: Site, name: str) -> Part:
    command = _iota(site, "validate", "--wallet", name, "--poll", POLL_SECONDS)
    command += ("--weights-every", WEIGHTS_EVERY, "--competitions", str(site.competitions))
    if not site.race:
        command += ("--no-race",)
    return Part(name, Role.HONEST_VALIDATOR, (command,))


def _liar(site: Site, name: str, friend: str) -> Part:
    program = (sys.executable, "-m", "iotapretrain.arena.actors.liar")
    command = (*program, str(site.network), name, friend, str(site.competitions))
    return Part(name, Role.LIAR, (command,), friend=friend)


def _trainer(site: Site, name: str, architecture: str, tokens: int) -> Part:
    return _miner(site, name, tokens, f'architecture = "{architecture}"\nsize = 350_000')


def _rebaser(site: Site, name: str, tokens: int, after: tuple[str, ...]) -> Part:
    return _miner(site, name, tokens, 'from = "best"', after)


def _cheat(site: Site, name: str, kind: str, after: tuple[str, ...]) -> Part:
    program = (sys.executable, "-m", "iotapretrain.arena.actors.cheat")
    command = (*program, kind, str(site.network), name, str(site.competitions), COMPETITION)
    return Part(name, Role.CHEAT, (command,), after, caught_by=KINDS[kind].caught_by)


def _miner(site: Site, name: str, tokens: int, model: str, after: tuple[str, ...] = ()) -> Part:
    """Trains by a recipe of its own, and publishes what came of it."""
    folder = site.network / "miners" / name
    recipe, run = folder / "recipe.toml", folder / "run"
    train = _iota(site, "train", str(recipe), "--out", str(run))
    publish = _iota(site, "publish", str(run / "model"), "--competition", site.competition)
    publish += ("--repo", f"{name}/nano", "--wallet", name, "--wait")
    text = RECIPE.format(competition=site.competition, model=model, tokens=tokens, seed=site.seed)
    return Part(name, Role.HONEST_MINER, (train, publish), after, files={recipe: text})


def _iota(site: Site, command: str, *arguments: str) -> Command:
    network = ("--network", str(site.network))
    return (*IOTA, command, *arguments, *network)
