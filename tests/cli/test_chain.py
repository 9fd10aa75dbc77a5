"""`iota chain` as people use it: commands in a row."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("bittensor", reason="the extra `bittensor` is not installed")

from iotapretrain.chain.embedded_chain import JOURNAL, EmbeddedChain
from iotapretrain.chain.wallets import open_wallet
from iotapretrain.cli.main import main
from tests.chain.signing import forged, signed

ROOT = Path(__file__).parents[2]
PLAYERS = ("miner-1", "miner-2", "miner-3", "validator-1", "validator-2")


@dataclass(frozen=True)
class Done:
    """What a command that has ended said."""

    returncode: int
    stdout: str
    stderr: str


def iota(*arguments: str) -> Done:
    """Run `iota` in this process, which is quicker; the commands cannot tell."""
    said, complained, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(complained):
        patch.setattr(sys, "argv", ["iota", *arguments])
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Done(code, said.getvalue(), complained.getvalue())


class Shell:
    """Runs commands on one network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str) -> Done:
        return iota("chain", *arguments)

    def do(self, command: str, *arguments: str) -> Any:
        """What a command that succeeds prints as JSON."""
        done = self.run(command, str(self.folder), *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def refused(self, command: str, *arguments: str) -> str:
        """The one line of a command that is refused, and that stores nothing."""
        before = self.records()
        done = self.run(command, str(self.folder), *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert self.records() == before
        (line,) = done.stderr.splitlines()
        return line

    def records(self) -> int:
        with EmbeddedChain(self.folder) as chain:
            return chain._history.tip.head.sequence


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A tiny network in which everybody is registered and weights have been set."""
    scratch = tmp_path_factory.mktemp("chain")
    (scratch / "home").mkdir()
    shell = Shell(scratch / "net")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(scratch / "home"))
        patch.setenv("BITTENSOR_RUNTIME_CACHE_DIR", str(scratch / "home" / "cache"))
        made = shell.run("init", "--genesis", "manual", str(shell.folder), "--json")
        assert made.returncode == 0, made.stderr
        for player in PLAYERS:
            shell.do("register", "--wallet", player)
        shell.do("advance", "--to-epoch", "1")
        for validator in PLAYERS[3:]:
            shell.do("weights", "0=0.2", "1=0.3", "2=0.5", "--wallet", validator)
        shell.do("advance", "--to-epoch", "1")
        yield shell


def test_the_metagraph_is_what_the_rules_explain(shell: Shell, tmp_path: Path) -> None:
    shown = shell.do("metagraph")["neurons"]
    document = tmp_path / "epoch.json"
    document.write_text(shell.run("epoch", str(shell.folder)).stdout)
    explained = iota("rules", "explain", str(document), "--json")
    tables = {table["title"]: table["rows"] for table in json.loads(explained.stdout)["tables"]}
    stored = tables["Stored on the chain"]
    assert len(stored) == len(shown) == 5
    for neuron, row in zip(shown, stored, strict=True):
        for column in ("incentive", "dividends", "trust", "consensus"):
            assert neuron[column] * 65535 == pytest.approx(row[column])
        assert neuron["emission"] * 10**9 == pytest.approx(row["emission"])
    assert [round(neuron["incentive"], 3) for neuron in shown[:3]] == [0.2, 0.3, 0.5]


def test_status_and_tables_for_people(shell: Shell) -> None:
    status = shell.do("status")
    assert status["subnets"][0]["neurons"] == 5
    table = shell.run("metagraph", str(shell.folder))
    assert "dividends" in table.stdout
    assert "subnet 1: 5 neurons" in shell.run("status", f"embedded:{shell.folder}").stdout


def test_verify_holds_and_names_a_flipped_byte(shell: Shell, tmp_path: Path) -> None:
    verdict = shell.do("verify")
    assert verdict["holds"]
    assert verdict["extrinsics"] == 12  # five registrations are two each, and two rows of weights
    with EmbeddedChain(shell.folder) as chain:
        extrinsic = chain.extrinsics(3)[0]
        data = bytearray(chain.path.read_bytes())
    data[data.index(extrinsic) + 70] ^= 4
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / JOURNAL).write_bytes(data)
    done = shell.run("verify", str(broken))
    assert done.returncode == 1
    assert done.stderr.startswith("error: record 6 does not hold")


def test_what_may_not_be_is_refused_in_one_line_with_the_sdks_code(shell: Shell) -> None:
    with EmbeddedChain(shell.folder) as chain:
        miner = open_wallet("miner-1", shell.folder / "wallets").coldkey
        call = ("Balances", "transfer_keep_alive", {"dest": miner.ss58_address, "value": 1})
        replayed = chain.extrinsics(1)[0]
        bad_signature = forged(signed(chain, miner, call))
        wrong_nonce = signed(chain, miner, call, nonce=77)
    for data, code in (
        (bad_signature, "invalid_argument (BadProof)"),
        (replayed, "expired (Stale)"),
        (wrong_nonce, "too_early (Future)"),
        (b"garbage", "invalid_argument (Call)"),
    ):
        assert shell.refused("submit", "0x" + data.hex()).startswith(f"error: {code}: ")
    unregistered = shell.refused("weights", "0=1", "--wallet", "owner")
    assert unregistered.startswith("error: not_registered: ")
    shell.do("advance", "--blocks", "10")
    shell.do("weights", "0=1", "--wallet", "validator-1")
    early = shell.refused("weights", "1=1", "--wallet", "validator-1")
    assert early.startswith("error: rate_limited: ")
    long = shell.refused("commit", "x" * 129, "--wallet", "miner-1")
    assert long.startswith("error: limit_exceeded (SpaceLimitExceeded): ")
    again = shell.refused("register", "--wallet", "miner-1")
    assert again.startswith("error: already_exists (HotKeyAlreadyRegisteredInSubNet): ")
    poor = shell.refused("stake", "--wallet", "owner", "--amount", "1000000")
    assert poor.startswith("error: insufficient_balance (NotEnoughBalanceToStake): ")


def test_commitments_stake_and_transfers(shell: Shell) -> None:
    shell.do("commit", "space:name:0123", "--wallet", "miner-2")
    shell.do("stake", "--wallet", "miner-2", "--amount", "1.5")
    owner = open_wallet("owner", shell.folder / "wallets").coldkeypub.ss58_address
    shell.do("transfer", owner, "--wallet", "miner-2", "--amount", "2")
    with EmbeddedChain(shell.folder) as chain:
        state = chain.state(chain.head())
    hotkey = open_wallet("miner-2", shell.folder / "wallets").hotkeypub.ss58_address
    assert state.subnets[1].commitments[hotkey].fields[0][0] == "Raw15"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("status", "nowhere"), "network 'nowhere': unknown; allowed: finney"),
        (("status", "/"), "/chain.sqlite: there is no journal here"),
        (("weights", "NET", "5", "--wallet", "miner-1"), "'5' is no weight; write UID=WEIGHT"),
        (("register", "NET", "--wallet", "ghost"), "ghost: there is no such wallet"),
        (("metagraph", "NET", "--netuid", "9"), "subnet 9: there is none"),
        (("advance", "NET", "--to-epoch", "9"), "subnet 9: no epoch will ever run"),
        (("epoch", "NET", "--block", "3"), "subnet 1: it ran no epoch in block 3"),
        (("submit", "NET", "0xzz"), "0xzz… is not hex"),
        (("init", "NET", "--genesis", "missing.toml"), "missing.toml: (file): No such file"),
        (("init", "NET", "--genesis", "huge"), "genesis 'huge': there are manual, tiny; or write"),
        (("init", "NET", "--genesis", "manual"), "there is a chain already"),
    ],
)
def test_mistakes_are_said_in_one_line(
    shell: Shell, arguments: tuple[str, ...], complaint: str
) -> None:
    done = shell.run(*(str(shell.folder) if each == "NET" else each for each in arguments))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert complaint in line


def test_a_network_that_nobody_described_goes_on_by_itself(tmp_path: Path, shell: Shell) -> None:
    """`shell` keeps the SDK out of the home directory."""
    made = shell.run("init", str(tmp_path / "net"), "--json")
    assert "miner-1/default" in json.loads(made.stdout)["addresses"]
    with EmbeddedChain(tmp_path / "net") as chain:
        assert chain.clock.settings.kind == "wall"
        assert chain.until_next_block() <= 2.0
        last = chain.stop()
    shown = json.loads(shell.run("status", str(tmp_path / "net"), "--json").stdout)
    assert (shown["block_time"], shown["ended"]) == (2.0, last)


@pytest.mark.parametrize("command", ["train", "dashboard"])
def test_a_network_that_is_not_there_is_refused_by_all(command: str) -> None:
    for network in ("nowhere", "embedded:nowhere"):
        done = iota(command, "--network", network)
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"error: network '{network}': ")


def test_without_the_extra_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['bittensor_core'] = None\n"
        "from iotapretrain.cli.main import main\n"
        "sys.argv = ['iota', 'chain', 'status', '.']\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "pip install 'iotapretrain[bittensor]'" in done.stderr


def test_every_command_has_an_example(shell: Shell) -> None:
    listed = shell.run("--help").stdout
    for command in ("init", "status", "metagraph", "register", "commit", "weights", "verify"):
        assert command in listed
    for command in ("serve", "advance", "epoch", "stake", "transfer", "submit"):
        assert f"Example: iota chain {command}" in shell.run(command, "--help").stdout
