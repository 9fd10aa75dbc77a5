"""Networks that never ran but look as if they had: records true to the schema, by a seed.

Losses fall as miners train; rounds are decided by the real rules, so that champions, refusals and
weights fit together. A copycat, a saboteur and a babbler are among the miners, and the last of
several validators lies for a friend.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
from bittensor_core import Keypair
from blake3 import blake3

from iotapretrain.competition.records.round_record import (
    ModelRecord,
    PageRecord,
    RaceRecord,
    RoundRecord,
    SignedRound,
    TaskRecord,
    seal,
)
from iotapretrain.observe import events
from iotapretrain.observe.sink import Lines
from iotapretrain.rules.competition.commitment import Commitment, secure_hash
from iotapretrain.rules.competition.epsilon import LinearDecay
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.standings import Standings
from iotapretrain.rules.competition.tournament import NoResult, RoundRules, play
from iotapretrain.rules.competition.validator.journal_records import Reason

BLOCKS_A_ROUND = 10
START = 1_795_000_000.0
TASKS = (("PROSE", "python-docs", 0.7, 4), ("CODE", "python-code", 0.3, 4))
SHARES = {0: 0.4, 1: 0.6}
COMPETITIONS = {0: "nano", 1: "tiny"}
RULES = RoundRules(LinearDecay(0.005, 0.0005, 300))
VILLAINS = {
    "copycat": ("inadmissible", "copy", "the weights are those of an earlier commitment"),
    "saboteur": ("model", "sabotage", "gradients vanish from layer 2 on: it cannot be trained on"),
    "babbler": ("model", "unreasonable", "continues every prompt of every task with one token"),
}


@dataclass(frozen=True)
class Actor:
    """A wallet of the network."""

    name: str
    uid: int
    key: Keypair = field(repr=False)

    @property
    def hotkey(self) -> str:
        return str(self.key.ss58_address)


@dataclass
class Entry:
    """A miner's newest commitment."""

    actor: Actor
    block: int
    commitment: str
    digest: str
    losses: Mapping[str, float]


@dataclass
class Synthetic:
    """A network in the making: one call of `round` appends one round of every validator."""

    folder: Path
    miners: int = 8
    validators: int = 3
    seed: int = 0
    actors: Mapping[str, Actor] | None = None
    """Wallets that a real chain knows; made up where None."""
    network: str = "00" * 32
    publish: Callable[[Actor, str, str | None, float], str] | None = None
    """Puts a model's card (competition, parent, loss) on a hub; the commit that it got there."""
    rounds: int = 0

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        known = self.actors or {}
        names = [f"validator-{n + 1}" for n in range(self.validators)]
        self.watchers = [known.get(name) or _actor(name, uid) for uid, name in enumerate(names)]
        first = len(names)
        titles = [*VILLAINS, *(f"miner-{n + 1}" for n in range(self.miners))][: self.miners]
        self.competitors = [
            known.get(name) or _actor(name, first + place) for place, name in enumerate(titles)
        ]
        self.entries: dict[tuple[int, str], Entry] = {}
        self._previous: dict[str, str] = {}
        self._standings: dict[str, Standings] = {}
        self.weights: dict[str, dict[str, float]] = {}
        self._skill = dict(zip(titles, self._rng.uniform(0.6, 1.4, len(titles)), strict=True))
        self._sinks = {
            each.name: Lines(self.folder / "validators" / each.name / "records.jsonl")
            for each in self.watchers
        }
        self.demo = Lines(self.folder / "records.jsonl")

    @property
    def block(self) -> int:
        return 100 + self.rounds * BLOCKS_A_ROUND

    def play(self, rounds: int) -> None:
        """So many rounds more."""
        for _ in range(rounds):
            self.round()

    def round(self) -> None:
        """Every validator's next round, in its files."""
        self.rounds += 1
        competition = self.rounds % 2
        self._commit(competition)
        noise = self._rng.normal(0, 0.004, (len(self.competitors), sum(t[3] for t in TASKS)))
        for watcher in self.watchers:
            signed = self._decided(watcher, competition, noise)
            self._write(watcher, signed)
            self._tell(watcher, signed.record)

    def _commit(self, competition: int) -> None:
        """Some miners replace their commitments; at first all of them commit."""
        for actor in self.competitors:
            key = competition, actor.name
            first = key not in self.entries
            if first or (
                actor.name not in VILLAINS and self._rng.random() < 4 / len(self.competitors)
            ):
                self.entries[key] = self._entry(actor, competition)
                self._published(actor, competition)

    def _entry(self, actor: Actor, competition: int) -> Entry:
        progress = self.rounds * self._skill[actor.name]
        base = 1.9 + 3.4 * math.exp(-progress / 25) + float(self._rng.uniform(0, 0.12))
        digest = sha256(f"{actor.name} {self.rounds} {self.seed}".encode()).hexdigest()[:44]
        commit = sha256(f"{digest} {competition}".encode()).hexdigest()[:40]
        if self.publish is not None:
            commit = self.publish(actor, COMPETITIONS[competition], self._best(competition), base)
        commitment = Commitment(
            actor.name,
            COMPETITIONS[competition],
            commit,
            secure_hash(digest, actor.hotkey),
            competition,
        )
        losses = {"PROSE": base, "CODE": base * float(self._rng.uniform(0.82, 0.95))}
        return Entry(
            actor, max(self.block - 25 - actor.uid % 9, 1), commitment.text, digest, losses
        )

    def _best(self, competition: int) -> str | None:
        """The model that most miners would go on from."""
        scored = [
            entry
            for (of, name), entry in self.entries.items()
            if of == competition and name not in VILLAINS
        ]
        if not scored:
            return None
        best = Commitment.parse(min(scored, key=lambda entry: entry.losses["PROSE"]).commitment)
        return f"{best.repo_id}@{best.commit}"

    def _decided(self, watcher: Actor, competition: int, noise: np.ndarray) -> SignedRound:
        models = [
            self._judged(self.entries[competition, actor.name], row - self._favour(watcher, actor))
            for actor, row in zip(self.competitors, noise, strict=True)
        ]
        known = [model for model in models if model.score is not None]
        outcome = play(
            Field.of(
                [model.uid for model in known],
                [model.block for model in known],
                scores=[model.score for model in known],
            ),
            RULES,
            self.block,
        )
        if isinstance(outcome, NoResult):
            raise TypeError("a synthetic round always has a result")
        winner, champion = outcome.winner, None
        rows = {model.uid: row for row, model in enumerate(models)}
        for place, model in enumerate(known):
            left_out = outcome.left_out[place]
            reasons = (Reason("left-out", str(left_out)),) if left_out else ()
            champion = model.hotkey if model.uid == winner else champion
            models[rows[model.uid]] = msgspec.structs.replace(
                model,
                reasons=reasons,
                epsilon=float(outcome.epsilons[place]),
                wins=int(outcome.wins[place]),
                win_rate=float(outcome.win_rates[place]),
                weight=float(outcome.weights[place]),
            )
        weights = {model.hotkey: model.weight for model in models if model.weight > 0}
        standings = self._standings.get(watcher.name, Standings()).record(competition, weights)
        self._standings[watcher.name] = standings
        return self._sealed(watcher, competition, models, champion, standings)

    def _favour(self, watcher: Actor, actor: Actor) -> float:
        """By how much a validator makes a loss smaller than it is."""
        liar, friend = self.watchers[-1], self.competitors[-1]
        return 0.5 if len(self.watchers) > 1 and (watcher, actor) == (liar, friend) else 0.0

    def _judged(self, entry: Entry, noise: np.ndarray) -> ModelRecord:
        actor = entry.actor
        bare = ModelRecord(
            uid=actor.uid,
            hotkey=actor.hotkey,
            block=entry.block,
            commitment=entry.commitment,
            digest=entry.digest,
            outcome="evaluated",
        )
        if actor.name in VILLAINS:
            outcome, code, sentence = VILLAINS[actor.name]
            return msgspec.structs.replace(bare, outcome=outcome, reasons=(Reason(code, sentence),))
        losses, scores, place = {}, {}, 0
        for task, _, _, pages in TASKS:
            drawn = entry.losses[task] * (1 + noise[place : place + pages])
            losses[task] = tuple(round(float(loss), 6) for loss in drawn)
            scores[task] = float(np.mean(losses[task]))
            place += pages
        score = sum(weight * scores[task] for task, _, weight, _ in TASKS)
        return msgspec.structs.replace(
            bare, losses=losses, task_scores=scores, score=score, pages_scored=place
        )

    def _sealed(
        self,
        watcher: Actor,
        competition: int,
        models: Sequence[ModelRecord],
        champion: str | None,
        standings: Standings,
    ) -> SignedRound:
        full = sum(task[3] for task in TASKS) * len(models)
        record = RoundRecord(
            code_version="0.1.0",
            network=self.network,
            netuid=1,
            validator=watcher.hotkey,
            round=self.rounds,
            previous=self._previous.get(watcher.name),
            competition=competition,
            competition_name=COMPETITIONS[competition],
            schedule_digest=blake3(b"synthetic").hexdigest(),
            block=self.block,
            sync_block=self.block,
            seed_hash=blake3(self.rounds.to_bytes(4, "big")).hexdigest(),
            tasks=tuple(_task(self.rounds, *task) for task in TASKS),
            race=RaceRecord(0.001, full * 5 // 8, full),
            models=tuple(models),
            champion=champion,
            standings={str(c): dict(a) for c, a in standings.competitions.items()},
            weights=standings.merge({c: SHARES[c] for c in standings.competitions}),
        )
        self.weights[watcher.name] = record.weights
        signed = seal(record, lambda message: bytes(watcher.key.sign(message)))
        self._previous[watcher.name] = signed.digest
        return signed

    def _write(self, watcher: Actor, signed: SignedRound) -> None:
        folder = self.folder / "validators" / watcher.name / "rounds"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{signed.record.round:06d}.json"
        partial = path.with_suffix(".part")
        partial.write_bytes(msgspec.json.encode(signed))
        partial.rename(path)

    def _tell(self, watcher: Actor, record: RoundRecord) -> None:
        now, source = START + 12.0 * self.block, f"validator:{watcher.hotkey}"
        winner = next((m for m in record.models if m.hotkey == record.champion), None)
        self._sinks[watcher.name].emit(
            events.RoundFinished(
                time=now,
                source=source,
                round=record.round,
                competition=record.competition,
                block=record.block,
                digest=self._previous[watcher.name],
                models=len(record.models),
                champion_uid=winner and winner.uid,
                champion_hotkey=record.champion,
                champion_loss=winner and winner.score,
                pages_scored=record.race.pages_scored if record.race else 0,
                pages_of_full_round=record.race.pages_of_full_round if record.race else 0,
                seconds={"data": 0.1, "fetch": 0.4, "score": 2.5, "decide": 0.01},
            )
        )
        weights = {str(m.uid): record.weights.get(m.hotkey, 0.0) for m in record.models}
        self._sinks[watcher.name].emit(
            events.WeightsSet(time=now + 1, source=source, block=record.block + 1, weights=weights)
        )

    def _published(self, actor: Actor, competition: int) -> None:
        entry = self.entries[competition, actor.name]
        parts = Commitment.parse(entry.commitment)
        self.demo.emit(
            events.Published(
                time=START + 12.0 * entry.block,
                source=f"miner:{actor.hotkey}",
                hotkey=actor.hotkey,
                competition=COMPETITIONS[competition],
                repository=parts.repo_id,
                commit=parts.commit,
                model_hash=entry.digest,
                block=entry.block,
                judged_from_block=entry.block + 20,
            )
        )


def write_names(folder: Path, actors: Iterator[Actor] | Sequence[Actor]) -> None:
    """The public halves of wallets, as a network's folder has them."""
    for actor in actors:
        place = folder / "wallets" / actor.name / "hotkeys"
        place.mkdir(parents=True, exist_ok=True)
        document = msgspec.json.encode({"ss58Address": actor.hotkey})
        (place / "defaultpub.txt").write_bytes(document)


def _actor(name: str, uid: int) -> Actor:
    return Actor(name, uid, Keypair.create_from_uri(f"//{name}"))


def _task(round_: int, name: str, dataset: str, weight: float, pages: int) -> TaskRecord:
    drawn = tuple(
        PageRecord(
            "all", round_ * 100 + n, 4, blake3(f"{name} {round_} {n}".encode()).hexdigest(), 8
        )
        for n in range(pages)
    )
    return TaskRecord(name, dataset, "3.11", weight, drawn, _digest(f"{name} {round_}"))


def _digest(text: str) -> str:
    return blake3(text.encode()).hexdigest()
