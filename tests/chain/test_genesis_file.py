"""Genesis files: what they mean, and how their mistakes are said."""

from __future__ import annotations

from pathlib import Path

import pytest

from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.make_network import create_network, read_genesis
from iotapretrain.chain.wallets import existing_wallet, is_address
from iotapretrain.errors import ConfigError, InputError
from iotapretrain.rules.chain.ledger.parameters import MULTIPLIER_ONE
from tests.chain.worlds import coldkey, hotkey

EXAMPLES = Path(__file__).parents[2] / "examples" / "networks"
RAO = 10**9

SUBNET = f'''
[[subnets]]
netuid = 1
owner = "{coldkey("owner")}"
owner_hotkey = "{hotkey("owner")}"
'''


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "genesis.toml"
    path.write_text(text)
    return path


def test_numbers_are_raw_and_decimals_stand_for_something(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        SUBNET
        + """
kappa = 0.5
bonds_moving_avg = 0.975
min_burn = 0.25
max_burn = 2000000000
burn = 1.0
tempo = 20
burn_increase_mult = 1.5
yuma3_enabled = false
""",
    )
    genesis = read_genesis(path).resolved({})
    (subnet,) = genesis.subnets
    parameters = subnet.parameters
    assert (parameters.kappa, parameters.bonds_moving_avg) == (32768, 975_000)
    assert (parameters.min_burn, parameters.max_burn, subnet.burn) == (RAO // 4, 2 * RAO, RAO)
    assert parameters.burn_increase_mult == MULTIPLIER_ONE * 3 // 2
    assert (parameters.tempo, parameters.yuma3_enabled) == (20, False)
    assert subnet.name == "subnet 1"


def test_accounts_and_stakes_by_address(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        f"""
[[accounts]]
address = "{coldkey("owner")}"
balance = 1000000.123456789
{SUBNET}
[[subnets.stakes]]
hotkey = "{hotkey("validator-1")}"
coldkey = "{coldkey("validator-1")}"
amount = 5
""",
    )
    genesis = read_genesis(path).resolved({})
    assert genesis.balances == {coldkey("owner"): 1_000_000_123_456_789}
    (stake,) = genesis.subnets[0].stakes
    assert (stake.hotkey, stake.amount) == (hotkey("validator-1"), 5 * RAO)


KEPT = "[[wallets]]\nname = 'owner'\n"
MISTAKES = {
    "speed = 3": ("speed", "unknown key"),
    "[clock]\nkind = 'sun'": ("clock.kind", "'sun'"),
    "[clock]\nblock_time = 0": ("clock.block_time", "out of range"),
    "[clock]\ntick = 1": ("clock.tick", "unknown key"),
    "[network]\nowner_cut = 2.0": ("network.owner_cut", "out of range"),
    "[network]\nfee = 1": ("network.fee", "unknown key"),
    "[[wallets]]\nbalance = 1": ("wallets[0].name", "missing"),
    "[[wallets]]\nname = '../evil'": ("wallets[../evil].name", "no name"),
    "[[wallets]]\nname = 'a'\nbalance = -1": ("wallets[a].balance", "out of range"),
    "[[wallets]]\nname = 'a'\nbalance = 'much'": ("wallets[a].balance", "'much'"),
    "[[accounts]]\naddress = 'nobody'\nbalance = 1": ("accounts[0].address", "no key"),
    SUBNET + "temp = 3": ("subnets[0].temp", "unknown key"),
    SUBNET + "tempo = 70000": ("subnets[0].tempo", "out of range"),
    SUBNET + "tempo = 'slow'": ("subnets[0].tempo", "'slow'"),
    SUBNET + "yuma3_enabled = 1": ("subnets[0].yuma3_enabled", "1"),
    SUBNET + "alpha_low = 0.9\nalpha_high = 0.8": ("subnets[0].alpha_low", "above alpha_high"),
    KEPT + SUBNET + "[[subnets.stakes]]\nhotkey = 'a'\namount = 1": (
        "subnets[0].stakes[0].hotkey",
        "no key",
    ),
    KEPT + SUBNET + SUBNET: ("subnets", "a netuid appears twice"),
    "[[subnets]]\nnetuid = 0": ("subnets[0].owner_hotkey", "missing"),
    "[[subnets]": ("syntax", ""),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_said_with_its_file_key_and_what_is_allowed(tmp_path: Path, text: str) -> None:
    key, problem = MISTAKES[text]
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as wrong:
        create_network(path, tmp_path / "net")
    assert not (tmp_path / "net").exists()
    assert (wrong.value.file, wrong.value.key) == (str(path), key)
    assert problem in wrong.value.problem
    assert wrong.value.allowed
    assert "\n" not in str(wrong.value).strip() or key == "syntax"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_genesis(tmp_path / "missing.toml")


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.name)
def test_examples_make_networks_with_their_own_wallets(
    tmp_path: Path, sdk_home: Path, example: Path
) -> None:
    folder = tmp_path / "net"
    network = create_network(example, folder)
    assert all(map(is_address, network.addresses.values()))
    for name in network.addresses:
        wallet = existing_wallet(name, folder / "wallets")
        key = wallet.hotkeypub if "/" in name else wallet.coldkeypub
        assert key.ss58_address == network.addresses[name]
    assert not (sdk_home / ".bittensor" / "wallets").exists()
    with EmbeddedChain(folder) as chain:
        assert chain.head() == 0
    with pytest.raises(InputError, match="there is a chain already"):
        create_network(example, folder)


def test_wallets_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nobody: there is no such wallet"):
        existing_wallet("nobody", tmp_path)


def test_addresses() -> None:
    assert is_address(coldkey("owner"))
    for wrong in ("", "owner", coldkey("owner")[:-1], coldkey("owner")[:-1] + "1", "5" * 48):
        assert not is_address(wrong)
