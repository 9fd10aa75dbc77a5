"""The commands of `iota chain` that send an extrinsic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from iotapretrain.cli.console import out, print_json
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
from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from iotapretrain.chain.client import ChainClient

app = typer.Typer()


@app.command()
def register(
    network: NetworkName,
    wallet: WalletName,
    netuid: Netuid = 1,
    wallets: WalletFolder = None,
    as_json: AsJson = False,
) -> None:
    """Buy a uid on a subnet for the wallet's hotkey.

    Example: iota chain register net/ --wallet miner-1 --netuid 1
    """
    placed = with_wallet(network, wallet, wallets, lambda client, key: client.register(key, netuid))
    _told(placed, f"{wallet} has a place on subnet {netuid}", as_json)


@app.command()
def stake(
    network: NetworkName,
    wallet: WalletName,
    amount: Annotated[float, typer.Option(help="TAO.", min=0)],
    netuid: Netuid = 1,
    hotkey: Annotated[
        str | None, typer.Option(help="The address to stake on. Default: the wallet's hotkey.")
    ] = None,
    wallets: WalletFolder = None,
    as_json: AsJson = False,
) -> None:
    """Stake free TAO on a hotkey.

    Example: iota chain stake net/ --wallet validator-1 --amount 100
    """
    placed = with_wallet(
        network,
        wallet,
        wallets,
        lambda client, key: client.stake(key, netuid, round(amount * RAO), hotkey),
    )
    _told(placed, f"{wallet} has staked {amount:g} TAO on subnet {netuid}", as_json)


@app.command()
def transfer(
    network: NetworkName,
    destination: Annotated[str, typer.Argument(help="The receiver's address.")],
    wallet: WalletName,
    amount: Annotated[float, typer.Option(help="TAO.", min=0)],
    wallets: WalletFolder = None,
    as_json: AsJson = False,
) -> None:
    """Send free TAO.

    Example: iota chain transfer net/ 5F3s…x9 --wallet owner --amount 1.5
    """
    placed = with_wallet(
        network,
        wallet,
        wallets,
        lambda client, key: client.transfer(key, destination, round(amount * RAO)),
    )
    _told(placed, f"{wallet} has sent {amount:g} TAO", as_json)


@app.command()
def commit(
    network: NetworkName,
    text: Annotated[str, typer.Argument(help="What to commit, at most 128 bytes.")],
    wallet: WalletName,
    netuid: Netuid = 1,
    wallets: WalletFolder = None,
    as_json: AsJson = False,
) -> None:
    """Publish a commitment under the wallet's hotkey.

    Example: iota chain commit net/ "name:space:0123…:hash:7" --wallet miner-1
    """
    placed = with_wallet(
        network,
        wallet,
        wallets,
        lambda client, key: client.commit(key, netuid, text.encode()),
    )
    _told(placed, f"{wallet} has committed {len(text.encode())} bytes on subnet {netuid}", as_json)


@app.command()
def weights(
    network: NetworkName,
    pairs: Annotated[list[str], typer.Argument(help="UID=WEIGHT, relative to each other.")],
    wallet: WalletName,
    netuid: Netuid = 1,
    version_key: Annotated[int, typer.Option(help="If the subnet asks for one.", min=0)] = 0,
    wallets: WalletFolder = None,
    as_json: AsJson = False,
) -> None:
    """Set the weights of the wallet's hotkey.

    Example: iota chain weights net/ 2=0.2 3=0.3 4=0.5 --wallet validator-1
    """
    row = dict(map(_pair, pairs))
    placed = with_wallet(
        network,
        wallet,
        wallets,
        lambda client, key: client.set_weights(key, netuid, row, version_key),
    )
    _told(placed, f"{wallet} has set {len(row)} weights on subnet {netuid}", as_json)


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

    async def send(client: ChainClient) -> str:
        return await client.submit(data)

    _told(with_client(network, send), "included", as_json)


def _told(extrinsic: str, done: str, as_json: bool) -> None:
    """Say what is done, and in which block."""
    if as_json:
        print_json({"extrinsic": extrinsic})
    else:
        out.print(f"{done} (extrinsic {extrinsic})")


def _pair(text: str) -> tuple[int, float]:
    uid, separator, weight = text.partition("=")
    try:
        if separator:
            return int(uid), float(weight)
    except ValueError:
        pass
    raise InputError(f"{text!r} is no weight; write UID=WEIGHT, such as 3=0.5")
