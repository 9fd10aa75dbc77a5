"""Our models through `lm-eval` score what `lm-eval` itself scores, on the same files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import ascii_letters
from typing import Any

import pytest
import torch

from iotapretrain.benchmark.choices import ROWS, Choices
from iotapretrain.benchmark.opened_model import Opened, continued, open_subject
from iotapretrain.benchmark.results import Measurement
from iotapretrain.benchmark.subject import Prompt, identified
from iotapretrain.data.synthetic.item import Draws
from iotapretrain.errors import InputError, UnavailableSourceError
from iotapretrain.models.worker import Worker
from iotapretrain.rules.sampling import Stream
from tests.benchmark.conftest import SHARED, nothing, save_lines
from tests.models import zoo

pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install 'iotapretrain[bench]'")

from lm_eval import evaluator
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from lm_eval.utils import apply_template

from iotapretrain.benchmark.harness import HarnessModel

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

COUNT = 12


def rows(name: str) -> list[dict[str, Any]]:
    """Items that mean nothing; some texts are longer than the model has positions."""
    draws = Draws(Stream.of(0, "test", name))

    def text(most: int = 12) -> str:
        return " ".join(draws.word() for _ in range(draws.between(1, most)))

    made = []
    for number in range(COUNT):
        options, right = [text(4) for _ in range(4)], number % 4
        query = {"query": f"{text(50)}\n", "choices": options, "gold": right}
        made.append(
            {
                "winogrande": {
                    "context_options": options[:2],
                    "continuation": text(),
                    "gold": right % 2,
                },
                "lambada_openai": {"context": text(), "continuation": draws.word()},
                "mmlu": {
                    "subject": "of_words",
                    "question": text(),
                    "choices": options,
                    "answer": right,
                },
                "mmlu_pro": {
                    "category": "words",
                    "question": f"{text()} {{{{ no template }}}}",
                    "options": options * 2,
                    "answer_index": right,
                },
            }.get(name, query)
        )
    return made


def values(measured: Measurement) -> dict[str, float]:
    return {name: metric.value for name, metric in measured.metrics.items()}


@pytest.fixture(scope="module")
def peer(folder: Path) -> HFLM:
    """The same model as `lm-eval` opens it."""
    return HFLM(pretrained=str(folder), device="cpu", batch_size=4)


def directly(task: Choices, peer: HFLM, place: Path, limit: int | None = None) -> dict[str, float]:
    """`lm-eval`'s own model on the definition that we write down."""
    import msgspec

    (place / f"{task.name}.yaml").write_bytes(msgspec.yaml.encode(task.definition()))
    results: Mapping[str, Any] = evaluator.simple_evaluate(
        model=peer,
        tasks=[task.name],
        limit=limit,
        bootstrap_iters=0,
        task_manager=TaskManager(include_path=str(place), include_defaults=False),
    )
    found = results["results"][task.name]
    return {
        key.removesuffix(",none"): value
        for key, value in found.items()
        if key in ("acc,none", "acc_norm,none")
    }


@pytest.mark.parametrize("name", sorted(ROWS.keys() - {"arc_easy", "arc_challenge"}))
def test_metrics_are_those_of_lm_eval(
    name: str, opened: Opened, peer: HFLM, tmp_path: Path
) -> None:
    task = Choices(name, save_lines(tmp_path / "rows.jsonl", rows(name)), None)
    measured = task.measure(opened, nothing)
    assert values(measured) == directly(task, peer, tmp_path)
    assert measured.basis == {"items": COUNT}


def greedy_pairs(opened: Opened) -> list[tuple[str, str]]:
    """Texts with the very letters that the model would put after them."""
    texts = [f"{first}{second}" for first in ascii_letters for second in "aeiou"]
    answers = continued(opened, [Prompt(text, (), 1) for text in texts], nothing)
    pairs = zip(texts, answers, strict=True)
    return [(text, answer) for text, answer in pairs if answer and answer in ascii_letters]


def test_likelihoods_are_those_of_lm_eval(opened: Opened, peer: HFLM) -> None:
    pairs = [
        ("A text", " and more"),
        ("A text", " and less"),
        ("", "without context"),
        ("ends in a space ", "next"),
        ("x" * 400, " far too long"),
        ("letters", "A"),
        ("letters", "B"),
        ("<start> written out", "?"),
        *greedy_pairs(opened),
    ]
    requests = [Instance("loglikelihood", {}, pair, number) for number, pair in enumerate(pairs)]
    theirs = peer.loglikelihood(requests)
    ours = HarnessModel(opened, nothing).loglikelihood(requests)
    for (our_sum, our_greedy), (their_sum, their_greedy) in zip(ours, theirs, strict=True):
        assert our_sum == pytest.approx(their_sum, abs=2e-4)
        assert our_greedy == their_greedy
    assert {greedy for _, greedy in ours} == {True, False}


def test_generation_is_that_of_lm_eval(opened: Opened, peer: HFLM) -> None:
    settings = {"until": ["\n\n", "zz"], "max_gen_toks": 20, "do_sample": False}
    requests = [
        Instance("generate_until", {}, (text, settings), number)
        for number, text in enumerate(["One", "Two words", "x" * 300])
    ]
    theirs = peer.generate_until(requests)
    assert HarnessModel(opened, nothing).generate_until(requests) == theirs


def test_further_fields_may_be_anything(opened: Opened, tmp_path: Path) -> None:
    mixed = [
        row | {"id": kind} for row, kind in zip(rows("piqa"), (1, "a", [2.5], None), strict=False)
    ]
    task = Choices("piqa", save_lines(tmp_path / "rows.jsonl", mixed), None)
    assert task.measure(opened, nothing).basis == {"items": 4}


ASKED = {
    "hellaswag": ({"query": "A man"}, "A man"),
    "piqa": ({"query": "Question: Why?\n"}, "Question: Why?\nAnswer:"),
    "mmlu": (
        {"subject": "abstract_algebra", "question": "Why? ", "choices": ["x", "y", "z", "w"]},
        "The following are multiple choice questions (with answers) about abstract algebra.\n\n"
        "Why?\nA. x\nB. y\nC. z\nD. w\nAnswer:",
    ),
    "mmlu_pro": (
        {"category": "law", "question": "{{x}}?", "options": ["x", "y"]},
        "The following are multiple choice questions (with answers) about law.\n\n"
        "{{x}}?\nA. x\nB. y\nAnswer:",
    ),
}


@pytest.mark.parametrize("name", ASKED)
def test_prompts_are_those_of_the_field(name: str) -> None:
    row, prompt = ASKED[name]
    assert apply_template(ROWS[name][1]["doc_to_text"], row) == prompt


def test_a_continuation_longer_than_the_model(opened: Opened) -> None:
    """`lm-eval`'s own model stops here; ours predicts each token from as many as it can read."""
    context, continuation = "A text", "longer " * 60
    request = Instance("loglikelihood", {}, (context, continuation), 0)
    ((total, greedy),) = HarnessModel(opened, nothing).loglikelihood([request])
    ids = opened.encode(context + continuation, framed=True)
    first = len(opened.encode(context, framed=True))
    expected = 0.0
    for start in range(first, len(ids), zoo.POSITIONS):
        stop = min(start + zoo.POSITIONS, len(ids))
        read = ids[max(stop - 1 - zoo.POSITIONS, 0) : stop - 1]
        logs = opened.model(torch.tensor([read])).logits[0].log_softmax(1)[start - stop :]
        expected += logs.gather(1, torch.tensor(ids[start:stop])[:, None]).sum().item()
    assert total == pytest.approx(expected, rel=1e-5)
    assert not greedy


def test_a_limit_takes_the_first_rows(opened: Opened, peer: HFLM, tmp_path: Path) -> None:
    task = Choices("piqa", save_lines(tmp_path / "rows.jsonl", rows("piqa")), 5)
    measured = task.measure(opened, nothing)
    assert measured.basis == {"items": 5}
    assert values(measured) == directly(task, peer, tmp_path, 5)


def test_its_own_tasks_need_their_rows(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**_: object) -> None:
        raise ConnectionError("no network")

    monkeypatch.setattr("lm_eval.tasks.TaskManager", dict)  # the real one reads 10,000 definitions
    monkeypatch.setattr("lm_eval.evaluator.simple_evaluate", unreachable)
    problem = "piqa: its rows cannot be had: no network; or write piqa=PATH"
    with pytest.raises(UnavailableSourceError, match=problem):
        Choices("piqa", None, None).measure(opened, nothing)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read"),
        ("", "has no rows"),
        ("{", "line 1: Input data was truncated"),
        ('{"query": "q", "choices": ["a"]}', "missing required field `gold`"),
        ('{"query": "q", "choices": "ab", "gold": 0}', "Expected `array`"),
        ('{"query": "q", "choices": ["a", "b"], "gold": 2}', "option 2 is right, of 2"),
        ('{"query": "q", "choices": ["a"], "gold": 0}\n[]', "line 2: Expected `object`"),
    ],
)
def test_rows_are_checked_before_anything_runs(
    tmp_path: Path, content: str | None, problem: str
) -> None:
    path = tmp_path / "rows.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=problem):
        Choices("piqa", path, None)


def test_real_rows_on_a_real_model(stories: Path, worker: Worker, tmp_path: Path) -> None:
    peer = HFLM(pretrained=str(stories), device="cpu", batch_size=4)
    with identified("stories", stories, None) as subject:
        real = open_subject(subject, worker, "cpu")
        for name in ("hellaswag", "piqa"):
            task = Choices(name, SHARED / "eval" / f"{name}.jsonl", 40)
            assert values(task.measure(real, nothing)) == directly(task, peer, tmp_path, 40)
