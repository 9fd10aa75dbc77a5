"""The step: to the byte the same, wherever and however it is computed; equal to whole training."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM

from iotapretrain.errors import InputError, RunError
from iotapretrain.models.architectures import BOUNDARY_KINDS as KINDS
from iotapretrain.models.stages.staged_config import whole_config
from iotapretrain.training.optimiser import adamw, muon
from iotapretrain.training.plan import OptimiserPlan
from iotapretrain.training.stage_state import StageState, StateLayout
from iotapretrain.training.stage_step import StageTrainer, StepInput
from tests.models.staged import staged
from tests.training.staged_runs import RATE, batches, pass_sample, trainer, trainers

NAMES = ("adamw", "muon")


def plan(name: str = "muon", clip: float = 1.0) -> OptimiserPlan:
    return OptimiserPlan(RATE, name, clip=clip)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_two_hundred_steps_in_two_processes_give_the_same_links() -> None:
    command = [sys.executable, "-m", "tests.training.staged_runs", "200", "muon"]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        for _ in range(2)
    ]
    first, second = (each.communicate(timeout=250)[0].splitlines() for each in running)
    assert len(first) == 200
    assert len(set(first)) == 200
    assert first == second


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("qk_norm", [False, True])
def test_staged_training_is_whole_training(name: str, qk_norm: bool) -> None:
    """Fifty steps beside the class of `transformers`, with the same optimisers: losses to 1e-5."""
    config = staged(qk_norm=qk_norm)
    stages = trainers(config, plan(name, clip=1e9))
    whole = AutoModelForCausalLM.from_config(whole_config(config)).train()
    whole.load_state_dict({k: v for each in stages for k, v in each.state.weights.items()})
    parameters = dict(whole.named_parameters())
    matrices = [
        k for k, v in parameters.items() if name == "muon" and ".layers." in k and v.ndim > 1
    ]
    rest = [v for k, v in parameters.items() if k not in matrices]
    optimisers: list[torch.optim.Optimizer] = [
        adamw([v for v in rest if v.ndim > 1], [v for v in rest if v.ndim < 2], plan(name))
    ]
    if matrices:
        optimisers.append(muon([parameters[k] for k in matrices], plan(name)))
    source, tokens, losses = batches(), 0, []
    for step in range(50):
        pairs = [next(source) for _ in range(2)]
        ours = [pass_sample(stages, bytes([step, i]), rows) for i, rows in enumerate(pairs)]
        theirs = []
        for rows in pairs:
            logits = whole(rows[:, :-1]).logits
            loss = functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
            (loss / 2).backward()
            theirs.append(loss.item())
        assert ours == pytest.approx(theirs, abs=1e-5)
        losses.append(sum(ours))
        for stage in stages:
            stage.tokens = tokens
            stage.step()
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = RATE / (1 + tokens / 1e4)
            optimiser.step()
            optimiser.zero_grad()
        tokens += 64
    assert sum(losses[-5:]) < 0.97 * sum(losses[:5])  # and something was learned


def fresh_replay(middle: StageTrainer, state: StageState, link: bytes) -> StageTrainer:
    other = trainer(middle.network.config, middle.network.index, middle.plan)
    other.state.flat.copy_(state.flat)
    other.state.steps = state.steps
    return StageTrainer(
        other.network, other.state, other.plan, middle.rate, link=link, tokens=middle.tokens
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_replay_gives_the_link_and_the_state(kind: str) -> None:
    stages, source = trainers(staged(kind), plan()), batches()
    for step in range(3):
        before = [(each.state.copy(), each.link) for each in stages]
        for sample in range(3):
            pass_sample(stages, bytes([step, sample]), next(source))
        for stage, (state, link) in zip(stages, before, strict=True):
            stage.tokens += 64
            made, inputs = stage.step()
            again = fresh_replay(stage, state, link)
            assert again.replay(inputs) == made
            assert again.state.digest() == stage.state.digest()


def middle_input(middle: StageTrainer, sample: bytes) -> tuple[StepInput, torch.Tensor]:
    """Something for a stage in the middle, and a gradient for it."""
    generator = torch.Generator().manual_seed(sample[0])
    tokens = torch.randint(0, 257, (2, 16), generator=generator).int()
    width = middle.network.config.width
    received, gradient = (
        middle.network.wire.pack(torch.randn(32, width, generator=generator)) for _ in range(2)
    )
    return StepInput(sample, tokens, received), gradient


def test_a_graph_that_is_used_again_gives_the_bytes_of_a_second_forward() -> None:
    """A step whose forwards belong to it, and the same as if they came from the step before."""
    middle = trainer(staged("residual"), 1, plan())
    inputs = [middle_input(middle, bytes([number])) for number in range(3)]
    before = middle.state.copy()
    backs = []
    for given, gradient in inputs:
        middle.forward(given)
        sent = middle.backward(given.sample, gradient)
        assert sent is not None
        backs.append(sent.back)
    middle.step()

    other = fresh_replay(middle, before, bytes(32))
    others = []
    for given, _ in inputs:
        other.forward(given)
    for under_way in other._samples.values():
        under_way.leaf = under_way.result = None  # as a step in between does
    for given, gradient in inputs:
        sent = other.backward(given.sample, gradient)
        assert sent is not None
        others.append(sent.back)
    other.step()
    for ours, theirs in zip(backs, others, strict=True):
        assert ours is not None
        assert theirs is not None
        assert torch.equal(ours, theirs)
    assert torch.equal(middle.state.flat, other.state.flat)


def test_a_sample_across_a_step_uses_the_later_weights_and_is_replayed_without_the_earlier() -> (
    None
):
    middle = trainer(staged("residual"), 1, plan())
    (early, late_gradient), (own, gradient) = (middle_input(middle, bytes([n])) for n in (1, 2))
    middle.forward(early)
    middle.forward(own)
    middle.backward(own.sample, gradient)
    first_link, first = middle.step()
    assert [(each.forward, each.backward) for each in first] == [(True, True), (True, False)]
    before = middle.state.copy()
    assert middle.backward(early.sample, late_gradient) is not None
    link, second = middle.step()
    assert [(each.forward, each.backward) for each in second] == [(False, True)]
    again = fresh_replay(middle, before, first_link)
    assert again.replay(second) == link
    assert torch.equal(again.state.flat, middle.state.flat)


def test_a_gradient_two_steps_late_is_dropped() -> None:
    middle = trainer(staged("residual"), 1, plan())
    (late, late_gradient), *others = (middle_input(middle, bytes([n])) for n in range(3))
    middle.forward(late)
    for given, gradient in others:
        middle.forward(given)
        middle.backward(given.sample, gradient)
        middle.step()
    assert middle.kept_bytes == 0
    assert middle.backward(late.sample, late_gradient) is None
    state = middle.state.digest()
    _, inputs = middle.step()
    assert inputs == ()
    assert torch.equal(middle.state.flat, middle.state.copy().flat)
    assert middle.state.digest() != state  # the count of steps is part of a state


@pytest.mark.parametrize(
    "part", ["received", "gradient", "tokens", "state", "order", "rate", "sample"]
)
def test_one_changed_input_changes_the_link(part: str) -> None:
    def run(changed: str) -> bytes:
        middle = trainer(staged("anchored"), 1, plan())
        inputs = [middle_input(middle, bytes([number])) for number in range(2)]
        given, gradient = inputs[0]
        assert given.received is not None
        match changed:
            case "received":
                flipped = given.received.clone()
                flipped[3, 0] ^= 1
                inputs[0] = replace(given, received=flipped), gradient
            case "gradient":
                gradient = gradient.clone()
                gradient[3, 0] ^= 1
                inputs[0] = given, gradient
            case "tokens":
                tokens = given.tokens.clone()
                tokens[0, 0] ^= 1
                inputs[0] = replace(given, tokens=tokens), gradient
            case "state":
                middle.state.flat.view(torch.int32)[7] ^= 1
            case "order":
                inputs.reverse()
            case "rate":
                middle.tokens = 10
            case "sample":
                inputs[0] = replace(given, sample=b"\x09"), gradient
        for each, back in inputs:
            middle.forward(each)
            middle.backward(each.sample, back)
        return middle.step()[0]

    assert run("nothing") == run("nothing")
    assert run(part) != run("nothing")


def test_a_resumed_run_goes_on_with_the_same_links(tmp_path: Path) -> None:
    config, source = staged("anchored"), batches()
    rows = [next(source) for _ in range(8)]
    stages = trainers(config, plan())
    links: list[list[bytes]] = []
    for step, each in enumerate(rows):
        if step == 4:
            for number, stage in enumerate(stages):
                stage.state.save(tmp_path / f"{number}.safetensors")
            kept = [stage.link for stage in stages]
        pass_sample(stages, bytes([step]), each)
        links.append([stage.step()[0] for stage in stages])
    resumed = []
    for number, link in enumerate(kept):
        other = trainer(config, number, plan(), seed=9)
        other.state.load(tmp_path / f"{number}.safetensors")
        resumed.append(StageTrainer(other.network, other.state, plan(), other.rate, link=link))
    for step, each in enumerate(rows[4:], 4):
        pass_sample(resumed, bytes([step]), each)
        assert [stage.step()[0] for stage in resumed] == links[step]


def test_another_stages_state_is_refused(tmp_path: Path) -> None:
    head, middle, _ = trainers(staged("residual"), plan())
    head.state.save(tmp_path / "head.safetensors")
    with pytest.raises(RunError, match="give the state of the same run and stage"):
        middle.state.load(tmp_path / "head.safetensors")
    (tmp_path / "torn.safetensors").write_bytes((tmp_path / "head.safetensors").read_bytes()[:100])
    for torn in ("torn.safetensors", "absent.safetensors"):
        with pytest.raises(RunError, match="no state of a stage"):
            head.state.load(tmp_path / torn)


def test_a_sample_is_computed_forward_once() -> None:
    middle = trainer(staged("residual"), 1, plan())
    given, _ = middle_input(middle, b"\1")
    middle.forward(given)
    with pytest.raises(InputError, match="forward is done already"):
        middle.forward(given)
    tail = trainer(staged("residual"), 2, plan())
    with pytest.raises(InputError, match="no labels"):
        tail.forward(given)


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_is_clipped_as_a_whole(name: str) -> None:
    """With a bound of nearly nothing, AdamW's first step is as long; moments are short."""
    bounded, free = (trainer(staged("residual"), 1, plan(name, clip)) for clip in (1e-3, 1e9))
    for each in (bounded, free):
        given, gradient = middle_input(each, b"\1")
        each.forward(given)
        each.backward(given.sample, gradient)
        each.step()
    ratio = bounded.state.moments[0].norm() / free.state.moments[0].norm()
    assert 0 < ratio < 1e-2
    assert bounded.state.moments[0].norm() <= 1.001e-3


@pytest.mark.parametrize(("name", "bytes_a_parameter"), [("adamw", 16), ("muon", 12)])
def test_a_state_takes_what_is_said(name: str, bytes_a_parameter: int) -> None:
    middle = trainer(staged("residual", hidden_size=256, head_dim=64), 1, plan(name))
    held = middle.state.flat.nbytes + middle._gradients.nbytes
    expected = bytes_a_parameter * middle.state.layout.parameters
    assert held == pytest.approx(expected, rel=0.01)  # gains alone go by AdamW


def test_first_weights_are_the_same_whatever_a_stage_holds() -> None:
    """By name and seed: the same blocks cut elsewhere begin with the same numbers."""
    seen: dict[str, torch.Tensor] = {}
    for cut in ([2, 2, 2], [1, 4, 1]):
        for stage in trainers(staged(stage_blocks=cut), plan()):
            for name, tensor in stage.state.weights.items():
                assert torch.equal(seen.setdefault(name, tensor.clone()), tensor), name
    other = trainers(staged(), plan(), seed=2)[0].state.weights
    assert not torch.equal(other["model.embed_tokens.weight"], seen["model.embed_tokens.weight"])


def test_layouts_agree_whatever_order_names_come_in() -> None:
    shapes = trainer(staged("anchored"), 1, plan()).network.shapes
    one, two = (
        StateLayout(dict(order), "muon") for order in (shapes.items(), reversed(shapes.items()))
    )
    assert list(one.shapes) == list(two.shapes)
    assert one.matrices == two.matrices
