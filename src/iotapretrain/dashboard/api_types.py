"""What the API answers, as types; `web/src/answers.ts` is made from them.

Losses are nats a token, amounts of coins are rao, weights and shares lie between 0 and 1, `block`
is a block number. What is unknown is null.
"""

from __future__ import annotations

from msgspec import Struct


class Who(Struct, frozen=True):
    """A hotkey, with the name of its wallet where the network's folder has one."""

    hotkey: str
    name: str | None = None
    uid: int | None = None


class Why(Struct, frozen=True):
    """A reason of a verdict: a code for programs, a sentence for people."""

    code: str
    sentence: str


class Activity(Struct, frozen=True):
    """Something that happened, in plain words; `tone` is good, bad or plain."""

    time: float
    tone: str
    title: str
    detail: str
    hotkey: str | None = None
    competition: int | None = None


class Standing(Struct, frozen=True):
    """A competition at a glance; `losses` are the best's by block."""

    id: int
    name: str
    rounds: int
    block: int
    models: int
    scored: int
    champion: Who | None
    repository: str | None
    loss: float | None
    losses: tuple[tuple[int, float], ...]


class Payee(Struct, frozen=True):
    """Who the last epoch paid: rao, and the share of what miners got."""

    who: Who
    emission: int
    incentive: float


class Overview(Struct, frozen=True):
    """The whole network at a glance."""

    network: str
    netuid: int
    block: int | None
    chain_problem: str | None
    ended: int | None
    miners: int
    validators: int
    rounds: int
    refused: int
    audits_held: int
    audits_failed: int
    competitions: tuple[Standing, ...]
    payees: tuple[Payee, ...]
    activity: tuple[Activity, ...]


class Ruling(Struct, frozen=True, kw_only=True):
    """What a validator said of a model, in a round or, where that is null, before any."""

    round: int | None = None
    block: int | None = None
    repository: str | None
    revision: str | None
    outcome: str
    reasons: tuple[Why, ...]
    score: float | None = None
    weight: float = 0.0


class Place(Ruling, frozen=True, kw_only=True):
    """A model on the leaderboard, by the newest round that met it."""

    who: Who
    rank: int | None = None
    tasks: dict[str, float] = {}
    epsilon: float | None = None
    wins: int = 0
    win_rate: float = 0.0
    standing: float = 0.0
    raced_out: bool = False
    champion: bool = False


class Reign(Struct, frozen=True):
    """One round of a competition: the best model, and the loss that a later one must be below."""

    round: int
    block: int
    champion: int | None
    loss: float | None
    to_beat: float | None
    epsilon: float | None
    age: int | None
    models: int
    scored: int
    pages_share: float | None


class CompetitionPage(Struct, frozen=True, kw_only=True):
    """A competition as one validator sees it; `champions` are indexed by `Reign.champion`."""

    id: int
    name: str
    validator: Who | None
    validators: tuple[Who, ...]
    round: int | None
    block: int | None
    digest: str | None
    sealed: bool
    tasks: dict[str, float]
    models: int
    board: tuple[Place, ...]
    champions: tuple[Who, ...]
    history: tuple[Reign, ...]
    decay: tuple[tuple[int, float], ...]


class Duels(Struct, frozen=True):
    """`shares[i][j]`: on which share of the pages that both were scored on model i beats j, its
    handicap or advantage counted; null where there is no such page."""

    hotkeys: tuple[str, ...] = ()
    uids: tuple[int, ...] = ()
    pages: int = 0
    shares: tuple[tuple[float | None, ...], ...] = ()


class DuelsPage(Struct, frozen=True):
    """Who beats whom in the newest round."""

    who: tuple[Who, ...]
    duels: Duels


class Descent(Struct, frozen=True, kw_only=True):
    """A model that was committed, and its parent; `loss` is the model card's word."""

    who: Who
    repository: str
    revision: str
    block: int
    title: str | None
    parent: str | None
    loss: float | None
    score: float | None


class Lineage(Struct, frozen=True):
    """Models of a competition in the order of their blocks."""

    models: tuple[Descent, ...]


class Benchmark(Struct, frozen=True):
    """A benchmark's document: its place in the network's folder, columns and rows."""

    place: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]


class Benchmarks(Struct, frozen=True):
    """All that lie in the network's folder."""

    documents: tuple[Benchmark, ...]


class Neuron(Struct, frozen=True, kw_only=True):
    """A uid at the newest epoch that was read; stake and emission in rao."""

    who: Who
    stake: int
    emission: int
    incentive: float
    dividends: float
    consensus: float
    trust: float
    permit: bool
    updated: int


class Series(Struct, frozen=True):
    """Numbers of one hotkey by epoch; null before it was there."""

    who: Who
    values: tuple[float | None, ...]


class ChainPage(Struct, frozen=True, kw_only=True):
    """The subnet on the chain, and how it came there. Series follow `blocks`."""

    problem: str | None
    block: int | None
    ended: int | None
    epoch: int | None
    neurons: tuple[Neuron, ...]
    setters: tuple[Who, ...]
    targets: tuple[Who, ...]
    weights: tuple[tuple[float, ...], ...]
    blocks: tuple[int, ...]
    stake: tuple[Series, ...]
    emission: tuple[Series, ...]
    incentive: tuple[Series, ...]
    consensus: tuple[Series, ...]
    trust: tuple[Series, ...]


class Watcher(Struct, frozen=True, kw_only=True):
    """A validator: what it does, and what the chain thinks of it."""

    who: Who
    stake: int | None
    trust: float | None
    permit: bool | None
    rounds: int
    round: int | None
    block: int | None
    unsealed: int
    coverage: float | None
    agreement: float | None
    weights_block: int | None
    audits_held: int
    audits_failed: int


class AuditSeen(Struct, frozen=True):
    """Somebody recomputed a round."""

    time: float
    auditor: str
    validator: Who
    round: int
    held: bool
    differences: tuple[str, ...]


class LeftOut(Struct, frozen=True):
    """Records of a validator that are not shown, or not there: why, how many, since when; `who` is
    null for hotkeys without a permit, which are counted together."""

    who: Who | None
    reason: str
    sentence: str
    number: int
    time: float


class ValidatorsPage(Struct, frozen=True):
    """Everybody who judges. `agreement[i][j]` is the overlap of the newest weights of two."""

    validators: tuple[Watcher, ...]
    agreement: tuple[tuple[float, ...], ...]
    coverage_rounds: tuple[int, ...]
    coverage: tuple[Series, ...]
    audits: tuple[AuditSeen, ...]
    left_out: tuple[LeftOut, ...] = ()


class Judgement(Ruling, frozen=True, kw_only=True):
    """What was said of a model of a miner, and by whom."""

    validator: Who
    competition: int
    champion_score: float | None = None


class Curve(Struct, frozen=True):
    """A miner's scores in one competition, as one validator saw them, with the best's beside."""

    competition: int
    name: str
    blocks: tuple[int, ...]
    score: tuple[float | None, ...]
    champion: tuple[float | None, ...]
    standing: tuple[float, ...]


class Prospect(Struct, frozen=True):
    """What would make a miner win one competition."""

    competition: int
    name: str
    sentences: tuple[str, ...]
    to_beat: float | None
    score: float | None


class MinerPage(Struct, frozen=True, kw_only=True):
    """Everything about one hotkey; earnings in rao by epoch."""

    who: Who
    registered: bool
    earned: int
    epochs: tuple[tuple[int, int], ...]
    models: tuple[Descent, ...]
    judgements: tuple[Judgement, ...]
    curves: tuple[Curve, ...]
    prospects: tuple[Prospect, ...]


class Miners(Struct, frozen=True):
    """Every hotkey that has been judged or is registered."""

    miners: tuple[Who, ...]


class Step(Struct, frozen=True):
    """A step of an audit, in words."""

    seconds: float
    text: str


class AuditJob(Struct):
    """An audit that was started here; `state` is running, held, failed or stopped. It goes on."""

    number: int
    validator: Who
    round: int
    state: str = "running"
    steps: tuple[Step, ...] = ()


class Auditable(Struct, frozen=True):
    """A validator with the rounds that can be recomputed, newest first."""

    validator: Who
    rounds: tuple[int, ...]


class AuditPage(Struct, frozen=True):
    """What can be audited here, what was, and why not if nothing can."""

    problem: str | None
    validators: tuple[Auditable, ...]
    jobs: tuple[AuditJob, ...]
