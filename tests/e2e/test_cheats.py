"""Every cheat that there is against one honest miner: each is named by its reason, none is paid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers

from iotapretrain.arena.actors.disguise import disguise, permute_neurons, rescale
from iotapretrain.arena.actors.forger import forge
from iotapretrain.arena.actors.tricks import (
    EXPLODING,
    VANISHING,
    babble,
    copy,
    copy_with_noise,
    punch_hole,
    sabotage,
)
from iotapretrain.competition.records.miner_account import explain
from iotapretrain.competition.records.round_record import RoundRecord
from iotapretrain.competition.validator.run import Scoring, open_score
from iotapretrain.data.outcome import round_text
from iotapretrain.data.tokenizer import load_tokenizer
from iotapretrain.models.worker import Budget, Worker
from tests.chain.worlds import hotkey
from tests.competition.validator.rig import Rig
from tests.competition.world import NETUID, World, opened
from tests.e2e.miners import COMPETITION, SCHEDULE
from tests.models.zoo import NO_TOKENS, save

BUDGET = Budget(seconds=4, memory_bytes=400 * 2**20)
"""An honest model of this size takes a tenth of both."""
FIRST, ROUNDS, UIDS = 60, 3, 16


@dataclass(frozen=True)
class Cheat:
    """A model, and the verdict that is meant for it; `words` stand in the sentence beside it."""

    model: Path
    code: str
    words: str = ""


async def test_no_cheat_is_paid_and_each_is_told_why(
    tmp_path: Path, worker: Worker, models: Mapping[str, Path]
) -> None:
    async with opened(tmp_path, worker, SCHEDULE, UIDS) as world:
        await world.commit("miner-1", models["miner-3"])
        cheats = dict(
            zip(
                (f"miner-{number}" for number in range(2, 12)),
                all_cheats(models["miner-3"], tmp_path / "cheats", world),
                strict=True,
            )
        )
        for name, cheat in cheats.items():
            await world.commit(name, cheat.model)
        rig = Rig(world)
        with open_score(rig.state_folder, Scoring(budget=BUDGET)) as score:
            rig.oracle = score
            for number in range(ROUNDS):
                await world.to_block(FIRST + number * world.schedule.sync_cadence)
                assert await rig.run() == number + 1
        for name, cheat in cheats.items():
            in_records(rig.records(), name, cheat)
            await in_explanations(world, name, cheat)
        await world.to_epoch()
        graph = await world.client.metagraph(NETUID, world.chain.head())
        paid = {name: int(graph.emission[graph.uid(hotkey(name))]) for name in cheats}
        honest = int(graph.emission[graph.uid(hotkey("miner-1"))])
        assert sum(paid.values()) < 0.01 * (honest + sum(paid.values()))


def all_cheats(victim: Path, folder: Path, world: World) -> list[Cheat]:
    pages = some_text(world)
    return [
        Cheat(copy(victim, folder / "copy"), "copy", hotkey("miner-1")),
        Cheat(copy_with_noise(victim, folder / "noisy", 7), "near-copy", hotkey("miner-1")),
        Cheat(
            disguise(victim, folder / "masked", rescale, permute_neurons),
            "near-copy",
            f"nats a token what the model loses that {hotkey('miner-1')}",
        ),
        Cheat(forge(victim, folder / "forged", pages), "forged", "float64"),
        Cheat(sabotage(victim, folder / "vanishing", VANISHING, pages), "sabotage"),
        Cheat(sabotage(victim, folder / "exploding", EXPLODING, pages), "sabotage"),
        Cheat(babble(victim, folder / "babbler", 7), "unreasonable"),
        Cheat(endless(folder / "endless"), "misbehaved", "took more than"),
        Cheat(greedy(folder / "greedy"), "not-scored", "could not be scored here"),
        Cheat(punch_hole(victim, folder / "holed"), "not-finite"),
    ]


def endless(folder: Path) -> Path:
    """Within the limits on size, but with hundreds of layers."""
    return llama(folder, hidden_size=4, intermediate_size=8, num_hidden_layers=500)


def greedy(folder: Path) -> Path:
    """Within the limits on size, but as wide as it can be in the middle."""
    return llama(folder, hidden_size=2, intermediate_size=36_000, num_hidden_layers=1)


def llama(folder: Path, **shape: int) -> Path:
    torch.manual_seed(1)
    heads = {"num_attention_heads": 1, "num_key_value_heads": 1}
    sizes = {"vocab_size": 257, "max_position_embeddings": COMPETITION.constraints.sequence_length}
    given = heads | sizes | shape | NO_TOKENS | {"tie_word_embeddings": True}
    return save(transformers.LlamaForCausalLM(transformers.LlamaConfig(**given)), folder)


def some_text(world: World) -> torch.Tensor:
    constraints = COMPETITION.constraints
    tokenizer = load_tokenizer(constraints.tokenizer)
    text = round_text(COMPETITION.tasks, 0, 1, constraints.sequence_length, tokenizer, world.text)
    return torch.from_numpy(text.batches["PROSE"].sequences[:8]).long()


def in_records(records: list[RoundRecord], name: str, cheat: Cheat) -> None:
    """Its reason stands in every record that speaks of it, and it won nothing there."""
    seen = [model for record in records for model in record.models if model.hotkey == hotkey(name)]
    assert seen
    for model in seen:
        assert model.weight == 0.0
        assert any(
            reason.code == cheat.code and cheat.words in reason.sentence for reason in model.reasons
        ), (name, model.outcome, model.reasons)


async def in_explanations(world: World, name: str, cheat: Cheat) -> None:
    """Also rounds later, when it is in no record any more."""
    graph = await world.client.metagraph(NETUID, world.chain.head())
    uid = graph.uid(hotkey(name))
    assert uid is not None
    told = await explain(world.client, world.hub, NETUID, uid, world.schedule)
    assert f"{cheat.code}: " in " ".join(told.accounts[0].sentences)
