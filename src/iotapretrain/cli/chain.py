"""`iota chain`: a chain in a file, and the same commands on any Bittensor network."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from iotapretrain.cli.console import out, print_json
from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from bittensor import Wallet

    from iotapretrain.chain.client import ChainClient

Answer = TypeVar("Answer")

RAO = 10**9
EXTRA = ("bittensor", "bittensor_core", "sqlalchemy", "blake3", "Crypto", "cryptography")

app = typer.Typer(
    help="Make, use, check and serve a chain in a file; or use finney, test, or any node.",
    no_args_is_help=True,
)

NetworkName = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK",
        help="A network's folder, `embedded:PATH`, finney, test, local or ws(s)://…",
        show_default=False,
    ),
]
Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="A network's folder.", show_default=False)
]
Netuid = Annotated[int, typer.Option(help="The subnet.", min=1)]
WalletName = Annotated[
    str, typer.Option("--wallet", help="Who signs: `wallet` or `wallet/hotkey`.")
]
WalletFolder = Annotated[
    Path | None,
    typer.Option(
        "--wallets", help="Where the wallets are. Default: the network's folder, or btcli's."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def init(
    folder: Folder,
    genesis: Annotated[Path, typer.Option(help="The TOML file that block 0 is made from.")],
    as_json: AsJson = False,
) -> None:
    """Make a network: a folder with a chain, and the demo wallets that its genesis names.

    Example: iota chain init --genesis examples/networks/tiny.toml net/
    """
    with _extra():
        from iotapretrain.chain.network import create_network

    made = create_network(genesis, folder)
    if as_json:
        print_json({"folder": str(made.folder), "addresses": dict(made.addresses)})
        return
    out.print(f"{made.folder}: a new chain, at block 0")
    for name, address in made.addresses.items():
        out.print(f"  {name:<24}{address}")


@app.command()
def status(network: NetworkName, as_json: AsJson = False) -> None:
    """Show the newest block and the subnets.

    Example: iota chain status net/
    """

    async def read(client: ChainClient) -> dict[str, Any]:
        number, block_hash = await client.head()
        subnets = await client.sdk.subnets.all(block=number)
        return {
            "network": client.network,
            "block": number,
            "hash": "0x" + block_hash.hex(),
            "block_time": await client.block_time(),
            "subnets": [
                {
                    "netuid": subnet.netuid,
                    "neurons": subnet.neuron_count,
                    "tempo": subnet.tempo,
                    "burn_rao": subnet.burn.rao,
                    "next_epoch": await client.sdk.epochs.next_epoch_start_block(subnet.netuid),
                }
                for subnet in subnets
            ],
        }

    report = _with_client(network, read)
    if as_json:
        print_json(report)
        return
    out.print(f"block {report['block']}  {report['hash']}  every {report['block_time']:g} s")
    for subnet in report["subnets"]:
        out.print(
            f"  subnet {subnet['netuid']}: {subnet['neurons']} neurons, next epoch in block "
            f"{subnet['next_epoch']}, a place costs {subnet['burn_rao'] / RAO:.9g} TAO"
        )


@app.command()
def metagraph(
    network: NetworkName,
    netuid: Netuid = 1,
    block: Annotated[int | None, typer.Option(help="At this block. Default: the newest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a subnet's neurons, and what the last epoch said of them.

    Example: iota chain metagraph net/ --netuid 1
    """
    from iotapretrain.cli.explain.table import Table

    with _extra():
        from iotapretrain.chain.metagraph import Metagraph

    async def read(client: ChainClient) -> Metagraph:
        return await client.metagraph(netuid, block)

    graph = _with_client(network, read)
    rows = [
        (
            uid,
            graph.hotkeys[uid],
            int(graph.stake[uid]) / RAO,
            float(graph.incentive[uid]),
            float(graph.dividends[uid]),
            float(graph.validator_trust[uid]),
            float(graph.consensus[uid]),
            int(graph.emission[uid]) / RAO,
            bool(graph.validator_permit[uid]),
            int(graph.last_update[uid]),
        )
        for uid in range(len(graph))
    ]
    columns = (
        "uid",
        "hotkey",
        "stake",
        "incentive",
        "dividends",
        "trust",
        "consensus",
        "emission",
        "permit",
        "updated",
    )
    note = f"at block {graph.block}; the last epoch ran in block {graph.last_step}"
    table = Table(f"Subnet {netuid}", columns, rows, note)
    if as_json:
        head = {"netuid": netuid, "block": graph.block, "last_epoch": graph.last_step}
        print_json({**head, "neurons": table.as_data()["rows"]})
    else:
        table.show()


@app.command()
def epoch(
    folder: Folder,
    netuid: Netuid = 1,
    block: Annotated[
        int | None, typer.Option(help="The block of the epoch. Default: the last one.")
    ] = None,
) -> None:
    """Print what an epoch read, for `iota rules explain` to show how its numbers came about.

    Example: iota chain epoch net/ --netuid 1 > epoch.json
    """
    with _extra():
        from iotapretrain.chain.embedded import EmbeddedChain
        from iotapretrain.chain.epoch_document import epoch_document

    with EmbeddedChain(folder) as chain:
        print_json(epoch_document(chain, netuid, block))


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
    _send(
        network,
        wallet,
        wallets,
        lambda client, signer: client.register(signer, netuid),
        f"{wallet} has a place on subnet {netuid}",
        as_json,
    )


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
    _send(
        network,
        wallet,
        wallets,
        lambda client, signer: client.stake(signer, netuid, round(amount * RAO), hotkey),
        f"{wallet} has staked {amount:g} TAO on subnet {netuid}",
        as_json,
    )


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
    _send(
        network,
        wallet,
        wallets,
        lambda client, signer: client.transfer(signer, destination, round(amount * RAO)),
        f"{wallet} has sent {amount:g} TAO",
        as_json,
    )


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
    _send(
        network,
        wallet,
        wallets,
        lambda client, signer: client.commit(signer, netuid, text.encode()),
        f"{wallet} has committed {len(text.encode())} bytes on subnet {netuid}",
        as_json,
    )


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
    _send(
        network,
        wallet,
        wallets,
        lambda client, signer: client.set_weights(signer, netuid, row, version_key),
        f"{wallet} has set {len(row)} weights on subnet {netuid}",
        as_json,
    )


@app.command()
def advance(
    folder: Folder,
    blocks: Annotated[int, typer.Option(help="How many empty blocks.", min=1)] = 1,
    to_epoch: Annotated[
        int | None, typer.Option(help="Instead: until this subnet's next epoch has run.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Move the clock of a chain that does not follow the wall clock.

    Example: iota chain advance net/ --to-epoch 1
    """
    with _extra():
        from iotapretrain.chain.embedded import EmbeddedChain

    with EmbeddedChain(folder) as chain:
        if to_epoch is not None:
            answer = chain.runtime_api(
                chain.head(), "SubnetInfoRuntimeApi", "get_next_epoch_start_block", (to_epoch,)
            )
            if not isinstance(answer, int):
                raise InputError(f"subnet {to_epoch}: no epoch will ever run there")
            blocks = max(answer - chain.head(), 1)
        head = chain.advance(blocks)
    _say({"block": head}, f"block {head}", as_json)


@app.command()
def verify(folder: Folder, as_json: AsJson = False) -> None:
    """Replay a chain from its genesis and check every link, signature, rule and balance.

    Exit code 1 when a record does not hold; the first such is named.

    Example: iota chain verify net/
    """
    with _extra():
        from iotapretrain.chain.verify import verify_chain

    verdict = verify_chain(folder)
    report = {
        "holds": True,
        "records": verdict.records,
        "extrinsics": verdict.extrinsics,
        "block": verdict.block,
        "hash": "0x" + verdict.block_hash.hex(),
        "issuance_rao": verdict.issuance,
    }
    text = (
        f"{folder}: holds. {verdict.records} records, {verdict.extrinsics} extrinsics, "
        f"block {verdict.block}, {verdict.issuance / RAO:.9f} TAO"
    )
    _say(report, text, as_json)


@app.command()
def serve(
    folder: Folder,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes any free one.", min=0, max=65535)] = 9944,
) -> None:
    """Serve a chain to the SDK and btcli on other machines, until interrupted.

    Example: iota chain serve net/ --port 9944
    """
    with _extra():
        from iotapretrain.chain.embedded import EmbeddedChain
        from iotapretrain.chain.rpc.server import serve as serve_chain

    def announce(url: str) -> None:
        out.print(f"serving {folder} at {url}")

    with EmbeddedChain(folder) as chain:
        asyncio.run(serve_chain(chain, chain.codec, host=host, port=port, announce=announce))


def _send(
    network: str,
    wallet: str,
    wallets: Path | None,
    submit: Callable[[ChainClient, Wallet], Awaitable[str]],
    done: str,
    as_json: bool,
) -> None:
    """Submit something, and say in which block it is."""
    with _extra():
        from iotapretrain.chain.wallets import existing_wallet

    signer = existing_wallet(wallet, wallets or _own_wallets(network))

    async def send(client: ChainClient) -> str:
        return await submit(client, signer)

    extrinsic = _with_client(network, send)
    _say({"extrinsic": extrinsic}, f"{done} (extrinsic {extrinsic})", as_json)


def _with_client(network: str, use: Callable[[ChainClient], Awaitable[Answer]]) -> Answer:
    with _extra():
        from iotapretrain.chain.client import connect

    async def run() -> Answer:
        async with await connect(_named(network)) as client:
            return await use(client)

    return asyncio.run(run())


def _named(network: str) -> str:
    """A folder is short for the chain in it."""
    return f"embedded:{network}" if Path(network).exists() else network


def _own_wallets(network: str) -> Path | None:
    """The demo wallets of a network, if it has its own."""
    folder = Path(network.removeprefix("embedded:")) / "wallets"
    return folder if folder.is_dir() else None


def _pair(text: str) -> tuple[int, float]:
    uid, separator, weight = text.partition("=")
    try:
        if separator:
            return int(uid), float(weight)
    except ValueError:
        pass
    raise InputError(f"{text!r} is no weight; write UID=WEIGHT, such as 3=0.5")


def _say(report: dict[str, Any], text: str, as_json: bool) -> None:
    if as_json:
        print_json(report)
    else:
        out.print(text)


@contextmanager
def _extra() -> Iterator[None]:
    """What these commands import comes with an extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in EXTRA:
            raise
        raise InputError(
            f"chains need {error.name}: pip install 'iotapretrain[bittensor]'"
        ) from error
