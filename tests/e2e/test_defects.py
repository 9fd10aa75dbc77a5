"""Every defect of the original that concerns a validator, and the tests that it would fail.

Numbers are those of section 15 of the specification, as in docs/rules.md. Defects 29, 32 and 34 are
about how the original is built and released, not about what it does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from iotapretrain.chain.client import ChainClient
from iotapretrain.models.losses import token_losses
from iotapretrain.models.worker import Worker
from tests.competition.validator.rig import Oracle, Rig
from tests.competition.world import opened
from tests.models import zoo

TESTS = Path(__file__).parents[1]
SHOWN_BY: Mapping[int, tuple[str, ...]] = {
    1: ("rules/test_defects.py::test_1_a_nan_in_the_earliest_model_does_not_win_the_round",),
    2: (
        "rules/test_defects.py::test_2_a_round_in_which_every_model_failed_has_no_result",
        "rules/competition/validator/test_judgement.py::test_a_round_of_failures_leaves_the_averages_alone",
        "rules/competition/validator/test_round_queue.py::test_a_field_without_models_is_no_round",
    ),
    3: ("rules/test_defects.py::test_3_models_outside_the_filter_get_exactly_nothing",),
    4: ("rules/test_defects.py::test_4_of_nearly_equal_models_in_one_block_the_best_stays",),
    5: (
        "rules/test_defects.py::test_5_without_any_data_there_is_no_perfect_score",
        "competition/validator/test_faults.py::"
        "test_without_any_text_a_round_waits_and_the_averages_stay",
    ),
    6: ("rules/test_defects.py::test_6_a_cycle_of_wins_has_a_champion_all_the_same",),
    7: ("rules/test_defects.py::test_7_a_lead_within_the_noise_is_said_to_be_one",),
    8: (
        "rules/test_defects.py::test_8_a_newcomer_on_a_recycled_uid_inherits_nothing",
        "rules/competition/validator/test_judgement.py::test_averages_belong_to_hotkeys_not_uids",
    ),
    9: (
        "rules/competition/validator/test_judgement.py::"
        "test_our_own_failure_at_an_established_model_does_not_count",
        "competition/validator/test_rounds.py::test_our_failures_are_nobodys_loss",
    ),
    10: ("rules/test_defects.py::test_10_a_negative_loss_takes_no_part",),
    11: (
        "rules/test_defects.py::test_11_the_winners_share_is_reported_and_can_be_kept_for_any_field",
    ),
    12: (
        "competition/evaluation/test_evaluate.py::"
        "test_what_the_check_of_the_output_finds_is_the_models_failure",
    ),
    13: ("models/test_losses.py::test_no_matrix_of_all_logits_is_made",),
    14: ("e2e/test_defects.py::test_14_scoring_keeps_no_cache",),
    15: ("models/test_losses.py::test_every_architecture_in_bfloat16",),
    16: ("models/test_sanity.py::test_generation_settings_of_the_repository_are_ignored",),
    17: (
        "competition/evaluation/test_evaluate.py::test_nothing_is_computed_twice",
        "models/test_worker.py::test_one_process_serves_many_models",
    ),
    18: (
        "rules/test_sampling.py::test_defect_18_draws_do_not_depend_on_other_draws_or_threads",
        "rules/test_sampling.py::test_defect_18_no_page_is_drawn_twice",
    ),
    19: (
        "rules/test_sampling.py::test_defect_19_no_block_hash_means_no_seed",
        "competition/validator/test_faults.py::test_without_the_chain_it_waits_and_never_guesses",
    ),
    20: (
        "models/test_worker.py::test_a_model_that_hangs",
        "chain/test_client.py::test_reads_end_with_their_deadline",
        "competition/validator/test_faults.py::test_a_stop_ends_it_at_once_and_nothing_is_lost",
    ),
    21: (
        "rules/competition/validator/test_round_queue.py::test_a_round_that_fails_here_does_not_starve_the_others",
        "competition/validator/test_faults.py::"
        "test_without_any_text_a_round_waits_and_the_averages_stay",
    ),
    22: (
        "rules/test_defects.py::test_22_no_weight_that_is_not_a_number_reaches_the_standings",
        "rules/competition/validator/test_laws.py::test_weights_are_a_distribution_over_those_who_took_part",
    ),
    23: (
        "rules/competition/test_attempts.py::test_defect_23_failures_count_in_the_competition_that_was_named",
        "rules/competition/validator/test_inspection_queue.py::test_what_the_bytes_decide_is_final",
    ),
    24: (
        "rules/competition/test_attempts.py::test_defect_24_our_own_slowness_does_not_put_a_model_out",
        "scoring/test_jobs.py::test_a_slow_machine_blames_itself",
    ),
    25: (
        "competition/validator/test_faults.py::"
        "test_a_copy_is_refused_by_its_listing_without_a_download",
        "e2e/test_cheats.py::test_no_cheat_is_paid_and_each_is_told_why",
    ),
    26: (
        "e2e/test_kill.py::test_killed_thirty_times_it_is_where_its_twin_is",
        "competition/validator/test_restart.py::test_killed_anywhere_it_ends_where_its_twin_does",
    ),
    27: ("rules/competition/validator/test_weights_due.py::test_defect_27_versions_never_collide",),
    28: (
        "competition/validator/test_rounds.py::test_refused_models_are_named_with_their_reasons",
        "competition/validator/test_faults.py::"
        "test_a_task_without_text_leaves_its_weight_to_the_others",
    ),
    30: (
        "rules/competition/test_commitment.py::test_defect_30_nothing_else_is_a_commitment",
        "rules/test_digest.py::test_defect_30_names_take_part",
        "chain/test_client.py::test_commitments_come_with_their_blocks_from_one_block",
    ),
    31: ("models/test_header_checks.py::test_claims_need_no_torch",),
    33: ("e2e/test_defects.py::test_33_the_chain_is_asked_as_often_for_three_miners_as_for_one",),
}


@pytest.mark.parametrize("number", SHOWN_BY)
def test_what_shows_a_defect_exists(number: int) -> None:
    for name in SHOWN_BY[number]:
        file, _, test = name.partition("::")
        assert re.search(rf"^(async )?def {test}\(", (TESTS / file).read_text(), re.MULTILINE), name


def test_14_scoring_keeps_no_cache() -> None:
    """The original built a cache of keys and values in every pass and threw it away."""
    model = zoo.network("LlamaForCausalLM")
    answers: list[Any] = []
    model.base_model.register_forward_hook(lambda _module, _given, answer: answers.append(answer))
    token_losses(model, torch.zeros(2, 16, dtype=torch.long))
    assert [answer.past_key_values for answer in answers] == [None]


async def test_33_the_chain_is_asked_as_often_for_three_miners_as_for_one(
    tmp_path: Path, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The original asked twice a uid and pass."""
    reads: Counter[str] = Counter()
    for name in ("commitments", "metagraph", "weights", "block_hash"):
        monkeypatch.setattr(ChainClient, name, counted(reads, name, getattr(ChainClient, name)))
    async with opened(tmp_path, worker) as world:
        rig = Rig(world, oracle=Oracle(), settings={"weights_every": 10_000})
        found = []
        for number, block in ((1, 40), (2, 60), (3, 80)):
            await world.commit(f"miner-{number}", world.model(1.0, seed=number))
            await world.to_block(block)
            if number == 1:
                await rig.run()  # says where its records are, sets its first weights
                await world.to_block(block + 10)
            reads.clear()
            await rig.run()
            found.append(dict(reads))
        assert len(rig.records()[-1].models) == 3
        assert found[0] == found[1] == found[2]
        assert found[0]["commitments"] <= 4  # at the sync block; our own: start twice, end


def counted(reads: Counter[str], name: str, real: Any) -> Any:
    async def read(*args: Any, **more: Any) -> Any:
        reads[name] += 1
        return await real(*args, **more)

    return read
