"""The commands of `iota chain` that send an extrinsic."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from iotapretrain.cli.console import answer
from iotapretrain.cli.network_options import (
    RAO,
    AsJson,
    Netuid,
    NetworkName,
    WalletFolder,
    WalletName,
    with_client,
    with_wallet,
)
from iotapretrain.cli.option_groups import with_groups
from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from bittensor import Wallet

    from iotapretrain.chain.client import ChainClient

app = typer.Typer()

Tao = Annotated[float, typer.Option(help="TAO.", min=0)]


@dataclass(frozen=True)
class SigningWallet:
    """Who signs, and for which network."""

    network: NetworkName
    wallet: WalletName
    wallets: WalletFolder = None
    as_json: AsJson = False

    def send(self, sending: Callable[[ChainClient, Wallet], Awaitable[str]], done: str) -> None:
        """Send an extrinsic, and say what is done by it."""
        placed = with_wallet(self.network, self.wallet, self.wallets, sending)
        _told(placed, f"{self.wallet} {done}", self.as_json)


@app.command()
@with_groups
def register(signer: SigningWallet, netuid: Netuid = 1) -> None:
    """Buy a uid on a subnet for the wallet's hotkey.

    Example: iota chain register net/ --wallet miner-1 --netuid 1
    """
    signer.send(lambda client, key: client.register(key, netuid), f"has a place on subnet {netuid}")


@app.command()
@with_groups
def stake(
    signer: SigningWallet,
    amount: Tao,
    netuid: Netuid = 1,
    hotkey: Annotated[
        str | None, typer.Option(help="The address to stake on. Default: the wallet's hotkey.")
    ] = None,
) -> None:
    """Stake free TAO on a hotkey.

    Example: iota chain stake net/ --wallet validator-1 --amount 100
    """
    signer.send(
        lambda client, key: client.stake(key, netuid, round(amount * RAO), hotkey),
        f"has staked {amount:g} TAO on subnet {netuid}",
    )


@app.command()
@with_groups
def transfer(
    signer: SigningWallet,
    destination: Annotated[str, typer.Argument(help="The receiver's address.")],
    amount: Tao,
) -> None:
    """Send free TAO.

    Example: iota chain transfer net/ 5F3s…x9 --wallet owner --amount 1.5
    """
    signer.send(
        lambda client, key: client.transfer(key, destination, round(amount * RAO)),
        f"has sent {amount:g} TAO",
    )


@app.command()
@with_groups
def commit(
    signer: SigningWallet,
    text: Annotated[str, typer.Argument(help="What to commit, at most 128 bytes.")],
    netuid: Netuid = 1,
) -> None:
    """Publish a commitment under the wallet's hotkey.

    Example: iota chain commit net/ "name:space:0123…:hash:7" --wallet miner-1
    """
    data = text.encode()
    signer.send(
        lambda client, key: client.commit(key, netuid, data),
        f"has committed {len(data)} bytes on subnet {netuid}",
    )


@app.command()
@with_groups
def weights(
    signer: SigningWallet,
    pairs: Annotated[list[str], typer.Argument(help="UID=WEIGHT, relative to each other.")],
    netuid: Netuid = 1,
    version_key: Annotated[int, typer.Option(help="If the subnet asks for one.", min=0)] = 0,
) -> None:
    """Set the weights of the wallet's hotkey.

    Example: iota chain weights net/ 2=0.2 3=0.3 4=0.5 --wallet validator-1
    """
    row = dict(map(_pair, pairs))
    signer.send(
        lambda client, key: client.set_weights(key, netuid, row, version_key),
        f"has set {len(row)} weights on subnet {netuid}",
    )


@app.command()
def submit(
    network: NetworkName,
    extrinsic: Annotated[str, typer.Argument(metavar="HEX", help="The signed bytes, as 0x….")],
    as_json: AsJson = False,
) -> None:
    """Send an extrinsic that was signed elsewhere, such as on a machine without network.

    Example: iota chain submit net/ 0x4502…
    """
    try:
        data = bytes.fromhex(extrinsic.removeprefix("0x"))
    except ValueError as error:
        raise InputError(f"{extrinsic[:20]}… is not hex: {error}") from error
    _told(with_client(network, lambda client: client.submit(data)), "included", as_json)


def _told(extrinsic: str, done: str, as_json: bool) -> None:
    """Say what is done, and in which block."""
    answer({"extrinsic": extrinsic}, as_json, f"{done} (extrinsic {extrinsic})")


def _pair(text: str) -> tuple[int, float]:
    uid, separator, weight = text.partition("=")
    try:
        if separator:
            return int(uid), float(weight)
    except ValueError:
        pass
    raise InputError(f"{text!r} is no weight; write UID=WEIGHT, such as 3=0.5")
