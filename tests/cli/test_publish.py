"""`iota publish` and `iota pull` as a miner meets them: real processes on a network in a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import transformers

from iotapretrain.chain.client import connect
from iotapretrain.chain.make_network import create_network
from iotapretrain.chain.wallets import existing_wallet
from tests.chain.conftest import sdk_home
from tests.competition.publishing.places import contents

__all__ = ["sdk_home"]

ROOT = Path(__file__).parents[2]
GENESIS = ROOT / "examples" / "networks" / "manual.toml"
CODE = "from iotapretrain.cli.main import main; main()"
SHAPE = {
    "vocab_size": 257,
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "tie_word_embeddings": True,
    "bos_token_id": None,
    "eos_token_id": None,
}

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    own = os.environ | {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    own |= {"OMP_NUM_THREADS": "1", "IOTA_NETWORK": str(tmp_path / "net")}

    def run(*arguments: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", CODE, *map(str, arguments)],
            env=own,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return run


def answer(process: subprocess.Popen[str]) -> Any:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


def refusal(process: subprocess.Popen[str]) -> str:
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2, err
    lines = err.splitlines()
    assert [line.startswith("error: ") for line in lines] == [False] * (len(lines) - 1) + [True]
    return lines[-1]


@pytest.fixture
async def model(tmp_path: Path) -> Path:
    """A network with a miner on it, and an untrained model for its `nano` competition."""
    net = tmp_path / "net"
    create_network(GENESIS, net)
    async with await connect(f"embedded:{net}") as client:
        await client.register(existing_wallet("miner-1", net / "wallets"), 1)
    folder = tmp_path / "model"
    config = transformers.LlamaConfig(**SHAPE)
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def publish(start: Start, model: Path, *more: str) -> subprocess.Popen[str]:
    given = ("--competition", "tiny/nano", "--repo", "alice/nano", "--wallet", "miner-1")
    return start("publish", model, *given, "--json", *more)


def test_a_publication_that_is_killed_twice_and_pulled(
    start: Start, model: Path, tmp_path: Path
) -> None:
    for moment in ("uploaded", "committed"):
        process = publish(start, model)
        assert process.stderr is not None
        assert any(line.startswith(moment) for line in process.stderr)
        process.kill()
        process.communicate()
    done, again = answer(publish(start, model)), answer(publish(start, model))
    assert again == done | {"already_published": True}
    assert done["judged_from_block"] == done["block"] + 20
    assert len(list((tmp_path / "net/hub/repositories/alice/nano/commits").iterdir())) == 1
    pulled = tmp_path / "pulled"
    said = answer(start("pull", "best", "--competition", "tiny/nano", "--to", pulled, "--json"))
    shared = ("commit", "model_hash", "hotkey", "uid", "block", "repository")
    assert {key: said[key] for key in shared} == {key: done[key] for key in shared}
    added = contents(pulled).keys() - contents(model).keys()
    assert contents(pulled).items() >= contents(model).items()
    assert added == {"tokenizer.json", "tokenizer_config.json"}  # the competition's


def test_what_is_wrong_is_one_line(start: Start, model: Path, tmp_path: Path) -> None:
    wrong = start("publish", model, "--competition", "tiny/nan", "--repo", "a/b", "--wallet", "x")
    assert "has nano, tiny, tiny-code" in refusal(wrong)
    no_wallet = publish(start, model, "--wallet", "nobody")
    assert "nobody: there is no such wallet" in refusal(no_wallet)
    (model / "optimizer.pt").write_bytes(b"\x80\x04N.")
    assert "validators would refuse it: pickle" in refusal(publish(start, model))
    (model / "optimizer.pt").unlink()
    nothing = start("pull", "best", "--competition", "tiny/nano", "--to", tmp_path / "pulled")
    assert "nobody has committed a model" in refusal(nothing)
