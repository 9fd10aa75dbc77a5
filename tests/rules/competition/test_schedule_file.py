"""Competition files: the shipped ones, the reference, and one line for whatever is wrong."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from iotapretrain.errors import ConfigError
from iotapretrain.rules.competition.epsilon import Fixed, LinearDecay
from iotapretrain.rules.competition.schedule import Competition, Schedule
from iotapretrain.rules.competition.schedule_file import KEYS, parse
from iotapretrain.rules.competition.task_score import Method
from iotapretrain.rules.competition.tournament import MODES, RELEASE_4_5_3, WHITEPAPER

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "competitions"
REFERENCE = (ROOT / "docs" / "competitions.md").read_text(encoding="utf-8")
VECTORS = ROOT / "tests" / "conformance" / "vectors" / "competition"

GIB = 1024**3
FIXED = Fixed(0.005)


def example(name: str) -> Schedule:
    return parse((EXAMPLES / name).read_text(encoding="utf-8"), name)


def at(schedule: Schedule, block: int) -> dict[str, Competition]:
    return {competition.name: competition for competition in schedule.active(block)}


# --- Subnet 9's history (competition, 5.1 to 5.3) -------------------------------------------------

SN9 = example("sn9.toml")
HISTORY = {
    0: {"186M": (1.0, FIXED)},
    2_405_920: {"772M": (1.0, FIXED)},
    2_786_061: {"6.9B": (1.0, FIXED)},
    3_307_004: {"6.9B": (1.0, FIXED)},
    3_565_190: {"700M": (0.35, FIXED), "7B": (0.65, FIXED)},
    3_601_190: {
        "700M": (0.14, FIXED),
        "3B": (0.29, FIXED),
        "7B": (0.57 * 0.877, FIXED),
        "7B*": (0.57 * 0.123, Fixed(0.001)),
    },
    3_750_683: {
        "700M": (0.14, LinearDecay(0.005, 0.001, 50_400)),
        "3B": (0.29, LinearDecay(0.005, 0.001, 50_400)),
        "7B": (0.15, LinearDecay(0.005, 0.001, 50_400)),
        "14B": (0.42, LinearDecay(0.005, 0.001, 100_800)),
    },
    3_849_722: {
        "700M": (0.14, LinearDecay(0.005, 0.001, 50_400)),
        "3B": (0.29, LinearDecay(0.005, 0.001, 50_400)),
        "14B": (0.57, LinearDecay(0.005, 0.001, 100_800)),
    },
    4_001_017: {
        "700M": (0.14, LinearDecay(0.005, 0.0001, 50_400)),
        "3B": (0.29, LinearDecay(0.005, 0.0001, 50_400)),
        "14B": (0.57, LinearDecay(0.005, 0.0001, 72_000)),
    },
    4_252_646: {
        "3B": (0.29, LinearDecay(0.005, 0.0005, 50_400)),
        "14B": (0.57, LinearDecay(0.005, 0.0005, 50_400)),
        "14B*": (0.14, LinearDecay(0.005, 0.0005, 50_400)),
    },
    4_453_709: {
        "3B": (0.20, LinearDecay(0.005, 0.0002, 28_800)),
        "14B": (0.40, LinearDecay(0.005, 0.0002, 36_000)),
        "14B*": (0.40, LinearDecay(0.005, 0.0002, 36_000)),
    },
    4_732_978: {
        "3B": (0.30, LinearDecay(0.005, 0.0005, 50_400)),
        "14B": (0.70, LinearDecay(0.005, 0.0005, 72_000)),
    },
    5_177_981: {
        "3B": (0.15, LinearDecay(0.005, 0.0001, 14_400)),
        "14B": (0.30, LinearDecay(0.005, 0.0001, 14_400)),
    },
}
DATA = {
    0: {"186M": {"FALCON": (3, 100)}},
    2_786_061: {"6.9B": {"FALCON": (18, 100)}},
    3_307_004: {"6.9B": {"FINEWEB_EDU2": (18, 100)}},
    3_565_190: {"700M": {"FALCON": (18, 100)}, "7B": {"FINEWEB_EDU2": (18, 100)}},
    3_601_190: {"3B": {"FALCON": (5, 100)}, "7B*": {"FINEWEB_EDU2": (5, 100)}},
    3_750_683: {"14B": {"FINEWEB_EDU2": (5, 100)}},
    4_001_017: {"700M": {"FALCON": (11, 100)}, "14B": {"FINEWEB_EDU2": (11, 100)}},
    4_252_646: {"14B*": {"FINEWEB_EDU2": (22, 50), "STACKV1_DEDUP": (1, 50)}},
    4_453_709: {"14B*": {"FINEWEB_EDU2": (22, 50), "STACKV2_DEDUP": (9, 50)}},
}


def test_nothing_changes_at_other_blocks() -> None:
    assert SN9.boundaries == tuple(HISTORY)


@pytest.mark.parametrize("block", HISTORY)
def test_the_history_of_shares_and_epsilons(block: int) -> None:
    """Table 5.2, at the first block of each of its rows and at the last before the next."""
    following = [later for later in HISTORY if later > block]
    for checked in (block, following[0] - 1 if following else block + 10**6):
        active = at(SN9, checked)
        assert active.keys() == HISTORY[block].keys()
        for name, (share, epsilon) in HISTORY[block].items():
            assert active[name].share == pytest.approx(share, abs=1e-12)
            assert active[name].rules.epsilon == epsilon


@pytest.mark.parametrize("block", DATA)
def test_the_history_of_data(block: int) -> None:
    for name, tasks in DATA[block].items():
        listed = {task.name: (task.pages, task.page_rows) for task in at(SN9, block)[name].tasks}
        assert listed == tasks


def test_unpacked_samples_were_used_between_two_blocks() -> None:
    for block in HISTORY:
        unpacked = 3_601_190 <= block < 4_001_017
        for competition in SN9.active(block):
            assert all(task.packed is not unpacked for task in competition.tasks)


def test_the_seed_was_shared_and_commitments_waited_from_one_block_on() -> None:
    for block in HISTORY:
        delays = {competition.eval_block_delay for competition in SN9.active(block)}
        assert delays == {250 if block >= 4_252_646 else 0}


def test_the_comparison_changed_with_the_six_tasks() -> None:
    for block in HISTORY:
        modes = [competition.rules.mode for competition in SN9.active(block)]
        assert set(modes) == {RELEASE_4_5_3 if block >= 4_732_978 else WHITEPAPER}


def test_the_six_tasks() -> None:
    for name in ("3B", "14B"):
        tasks = at(SN9, 5_177_981)[name].tasks
        assert {task.name: (task.config, task.pages, task.weight) for task in tasks} == {
            "FINEWEB": (None, 15, 0.30),
            "FINEWEB_EDU2": (None, 15, 0.25),
            "STACKV2_DEDUP": (None, 30, 0.35),
            "PES2OX": ("pes2ov2", 2, 0.05),
            "FINEMATH_3P": ("finemath-3plus", 6, 0.03),
            "INFIWEBMATH_3P": ("infiwebmath-3plus", 6, 0.02),
        }
        assert {task.sequences for task in tasks} == {50}
        assert {task.method for task in tasks} == {Method.NONE}


@pytest.mark.parametrize(
    ("name", "block", "smallest", "largest", "length", "tokenizer", "size"),
    [
        ("186M", 0, 0, 186_000_000, 1024, "distilgpt2", 5 * GIB),
        ("700M", 3_565_190, 572_000_000, 772_000_000, 1024, "distilgpt2", 5 * GIB),
        ("3B", 3_601_190, 3_200_000_000, 3_400_000_000, 4096, "Xenova/gpt-4", 15 * GIB),
        ("7B", 3_565_190, 6_700_000_000, 6_900_000_000, 4096, "Xenova/gpt-4", 15 * GIB),
        ("7B*", 3_601_190, 6_700_000_000, 6_900_000_000, 4096, "Xenova/gpt-4", 15 * GIB),
        ("14B", 3_750_683, 13_700_000_000, 13_900_000_000, 4096, "Xenova/gpt-4", 29 * GIB),
        ("14B*", 4_252_646, 13_700_000_000, 13_900_000_000, 4096, "Xenova/gpt-4", 29 * GIB),
    ],
)
def test_the_constraints(
    name: str, block: int, smallest: int, largest: int, length: int, tokenizer: str, size: int
) -> None:
    constraints = at(SN9, block)[name].constraints
    assert (constraints.min_parameters, constraints.max_parameters) == (smallest, largest)
    assert (constraints.sequence_length, constraints.tokenizer) == (length, tokenizer)
    assert constraints.max_bytes == size
    assert "LlamaForCausalLM" in constraints.architectures
    assert ("GPT2LMHeadModel" in constraints.architectures) == (length == 1024)


def test_labels_share_the_models_of_their_competition() -> None:
    assert at(SN9, 3_601_190)["7B*"].models == 0
    assert at(SN9, 4_252_646)["14B*"].models == 4
    assert SN9.accepting(3, 3_700_000) is None


def test_the_shares_are_those_that_the_original_scheduled() -> None:
    """The vectors' list has no 7B*: its share is part of the competition whose models it scores."""
    document = json.loads((VECTORS / "schedule.json").read_text())
    listed = max((case["args"]["schedule"] for case in document["cases"]), key=len)
    assert len(listed) == 9
    for block, entries in listed[1:]:
        shares = dict.fromkeys((number for number, _ in entries), 0.0)
        for number, share in SN9.shares(block).items():
            shares[0 if number == 3 else number] += share
        assert shares == pytest.approx(dict(entries))


# --- the tiny one ---------------------------------------------------------------------------------


def test_the_tiny_competitions_fit_a_laptop() -> None:
    tiny = example("tiny.toml")
    assert tiny.boundaries == (0,)
    for competition in tiny.active(0):
        constraints = competition.constraints
        assert 300_000 <= constraints.min_parameters <= constraints.max_parameters <= 5_000_000
        assert constraints.sequence_length in (128, 256)
        assert constraints.tokenizer == "bytes"
        assert {task.dataset for task in competition.tasks} <= {"python-docs", "python-code"}
        assert isinstance(competition.rules.epsilon, LinearDecay)
        assert competition.eval_block_delay >= tiny.sync_cadence
        assert constraints.max_bytes >= 4 * constraints.max_parameters
    mixed = {task.dataset: task.weight for task in at(tiny, 0)["tiny"].tasks}
    assert mixed == {"python-docs": 0.7, "python-code": 0.3}


# --- the reference --------------------------------------------------------------------------------


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", REFERENCE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("table", KEYS)
def test_every_key_has_a_row_and_every_row_a_key(table: str) -> None:
    section = sections()[table]
    rows = set(re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE))
    mentioned = set(re.findall(r"`(\w+)`", section))
    assert set(KEYS[table]) <= mentioned
    assert rows <= set(KEYS[table])


def test_every_mode_is_named() -> None:
    assert all(f"`{mode}`" in sections()["competition"] for mode in MODES)


def test_the_example_of_the_reference_is_a_schedule() -> None:
    [text] = re.findall(r"```toml\n(.+?)```", REFERENCE, flags=re.DOTALL)
    schedule = parse(text, "docs")
    assert schedule.boundaries == (0, 50_000)
    [before], [after] = schedule.active(49_999), schedule.active(50_000)
    assert before.rules.epsilon == FIXED
    assert after.tasks == before.tasks


# --- one line for whatever is wrong ---------------------------------------------------------------

GOOD = (EXAMPLES / "tiny.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("share = 0.4\n", "share = 0.5\n", "block 0: shares sum to 1.1"),
        ("share = 0.4\n", "share = true\n", "competition[nano].active[0].share: True; allowed"),
        ("share = 0.4\n", "share = nan\n", "competition[nano].active[0].share: nan; allowed"),
        ("share = 0.4\n", "", "competition[nano].active[0].share: missing; allowed: required"),
        ("weight = 0.7", "weight = 0.6", "competition[nano].active[0].tasks: weights sum to 0.9"),
        ("weight = 0.7", "weight = -0.7", "tasks.prose-and-code[PROSE]: task PROSE: weight"),
        ("pages = 4", "pages = 0", "tasks.prose-and-code[PROSE].pages: 0; allowed: 1 or more"),
        ("pages = 4", "pages = '4'", "tasks.prose-and-code[PROSE].pages: '4'; allowed: a whole"),
        ("pages = 4", "pages = 4, pagse = 5", "tasks.prose-and-code[PROSE].pagse: unknown key"),
        (
            "weight = 0.7",
            'weight = 0.7, normalisation = "cubic"',
            "normalisation: 'cubic'; allowed: one of none, inverse_exponential",
        ),
        (
            "weight = 0.7",
            'weight = 0.7, normalisation = "inverse_exponential"',
            "tasks.prose-and-code[PROSE]: task PROSE: ceiling is None",
        ),
        ("weight = 0.7", "weight = 0.7, packed = 1", "[PROSE].packed: 1; allowed: true or false"),
        ('name = "tiny"\n', 'name = "nano"\n', "competition[nano].name: 'nano' again"),
        ("id = 1\n", "id = 0\n", "block 0: names"),
        ("id = 1\n", "id = 100\n", "allowed: 0 to 99"),
        ("[300_000, 1_500_000]", "[300_000]", "parameters: [300000]; allowed: a list of 2"),
        ("[300_000, 1_500_000]", "[3, 2]", "competition[nano].parameters: [3, 2]; allowed"),
        (
            "sequence_length = 128",
            "sequence_length = 1.5",
            "competition[nano].sequence_length: 1.5",
        ),
        ('"bytes"', '""', "competition[nano].tokenizer: ''; allowed: a text"),
        ('"float32"', '"int8"', "competition[nano].dtype: 'int8'; allowed: bfloat16"),
        ('architectures = "small"', 'architectures = "big"', "'big'; allowed: one of small"),
        ('["GPT2LMHeadModel", ', '[1, "GPT2LMHeadModel", ', "architectures.small: [1, "),
        ('tasks = "code"', 'tasks = "cod"', "tasks: 'cod'; allowed: one of prose-and-code, code"),
        ('models = "tiny"', 'models = "huge"', "models: 'huge'; allowed: one of nano, tiny"),
        (
            'models = "tiny"',
            'models = "tiny"\nmax_bytes = 5',
            "competition[tiny-code].max_bytes: given beside models = 'tiny'",
        ),
        ("from = 0\n", "from = -1\n", "competition[nano].active[0].from: -1; allowed: a block"),
        ("from = 0\n", "from = 9\nuntil = 8\n", "until: 8; allowed: a block from 9 on"),
        ('type = "linear"', 'type = "cubic"', "competition[nano]: epsilon: type is 'cubic'"),
        ("start = 0.005", "start = 1.5", "competition[nano]: epsilon: start is 1.5"),
        ("start = 0.005, ", "", "competition[nano]: epsilon: "),
        ("eval_block_delay = 20", "eval_block_delay = -1", "eval_block_delay: -1; allowed: 0"),
        ("eval_block_delay = 20", "alpha = 2", "alpha: 2.0; allowed: a number from 0 to 1"),
        ("eval_block_delay = 20", "temperature = 0", "temperature is 0.0"),
        ("eval_block_delay = 20", 'mode = "best"', "mode: 'best'; allowed: one of score-level"),
        (
            "eval_block_delay = 20",
            "norms = { hard = 1.0, soft = 2.0, share = 0.1 }",
            "competition[nano].norms.soft: 2.0; allowed: above 0, to hard = 1.0",
        ),
        ("sync_cadence = 10", "sync_cadence = 0", "sync_cadence: 0; allowed: 1 block or more"),
        ("sync_cadence = 10", "cadence = 10", "cadence: unknown key; allowed: sync_cadence"),
        ("sync_cadence = 10", "reserved = 5", "reserved: 5; allowed: a list"),
        ("[architectures]", "[architecture]", "architecture: unknown key"),
        ("sync_cadence = 10", "sync_cadence = ", "syntax: Invalid value"),
    ],
)
def test_a_bad_file_gets_one_line(was: str, becomes: str, said: str) -> None:
    assert was in GOOD
    with pytest.raises(ConfigError) as refused:
        parse(GOOD.replace(was, becomes, 1), "tiny.toml")
    line = str(refused.value)
    assert line.startswith("tiny.toml: ")
    assert said in line
    assert "; allowed: " in line
    assert "\n" not in line


@pytest.mark.parametrize("text", ["", "competition = []", "[architectures]\n[tasks]\n"])
def test_a_file_without_competitions_is_none(text: str) -> None:
    with pytest.raises(ConfigError, match="competition"):
        parse(text, "empty.toml")


def test_a_range_goes_before_its_competition() -> None:
    text = GOOD.replace("share = 0.4\n", 'share = 0.4\n    mode = "champion"\n    alpha = 0\n', 1)
    nano = at(parse(text, "tiny.toml"), 0)["nano"]
    assert nano.rules.mode == MODES["champion"]
    assert nano.alpha == 0
    assert math.isclose(nano.rules.temperature, 0.01)


def test_only_small_competitions_probe_what_can_be_trained_on() -> None:
    assert all(each.constraints.trainable for each in example("tiny.toml").competitions)
    assert not any(each.constraints.trainable for each in SN9.competitions)
    bad = GOOD.replace("trainable = true", 'trainable = "yes"', 1)
    with pytest.raises(ConfigError, match="trainable: 'yes'; allowed: true or false"):
        parse(bad, "tiny.toml")
