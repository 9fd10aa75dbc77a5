"""`iota chain`: a chain in a file, and the same commands on any Bittensor network."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iotapretrain.cli import sending
from iotapretrain.cli.console import PrintedTable, answer, out, print_json
from iotapretrain.cli.network_options import RAO, AsJson, Netuid, NetworkName, extra, with_client
from iotapretrain.cli.option_groups import Workplace
from iotapretrain.cli.workplace import HubAddress, genesis_path
from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from iotapretrain.chain.client import ChainClient
    from iotapretrain.chain.verify_chain import BlockWitness

app = typer.Typer(
    help="Make, use, check and serve a chain in a file; or use finney, test, or any node.",
    no_args_is_help=True,
)

Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="A network's folder.", show_default=False)
]
app.add_typer(sending.app)


@app.command()
def init(
    folder: Folder,
    genesis: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE.toml",
            help="What block 0 is made from: tiny, manual (its clock is moved by hand), or a file.",
        ),
    ] = "tiny",
    as_json: AsJson = False,
) -> None:
    """Make a network: a folder with a chain, and the demo wallets that its genesis names.

    Example: iota chain init net/
    """
    path = genesis_path(genesis)
    with extra():
        from iotapretrain.chain.make_network import create_network

    made = create_network(path, folder)
    document = {"folder": str(made.folder), "addresses": dict(made.addresses)}
    wallets = [f"  {name:<24}{address}" for name, address in made.addresses.items()]
    answer(document, as_json, f"{made.folder}: a new chain, at block 0", *wallets)


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
            "ended": await client.ended(),
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

    report = with_client(network, read)
    pace = (
        f"every {report['block_time']:g} s"
        if report["ended"] is None
        else "the last: the network has ended"
    )
    head = f"block {report['block']}  {report['hash']}  {pace}"
    subnets = [
        f"  subnet {subnet['netuid']}: {subnet['neurons']} neurons, next epoch in block "
        f"{subnet['next_epoch']}, a place costs {subnet['burn_rao'] / RAO:.9g} TAO"
        for subnet in report["subnets"]
    ]
    answer(report, as_json, head, *subnets)


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
    graph = with_client(network, lambda client: client.metagraph(netuid, block))
    columns = {
        "uid": list(range(len(graph))),
        "hotkey": list(graph.hotkeys),
        "stake": (graph.stake / RAO).tolist(),
        "incentive": graph.incentive.tolist(),
        "dividends": graph.dividends.tolist(),
        "trust": graph.validator_trust.tolist(),
        "consensus": graph.consensus.tolist(),
        "emission": (graph.emission / RAO).tolist(),
        "permit": graph.validator_permit.tolist(),
        "updated": graph.last_update.tolist(),
    }
    note = f"at block {graph.block}; the last epoch ran in block {graph.last_step}"
    table = PrintedTable.of(f"Subnet {netuid}", columns, note)
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
    with extra():
        from iotapretrain.chain.embedded_chain import EmbeddedChain
        from iotapretrain.chain.state_queries import epoch_document

    with EmbeddedChain(folder) as chain:
        print_json(epoch_document(chain, netuid, block))


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
    with extra():
        from iotapretrain.chain.embedded_chain import EmbeddedChain

    with EmbeddedChain(folder) as chain:
        if to_epoch is not None:
            coming = chain.runtime_api(
                chain.head(), "SubnetInfoRuntimeApi", "get_next_epoch_start_block", (to_epoch,)
            )
            if not isinstance(coming, int):
                raise InputError(f"subnet {to_epoch}: no epoch will ever run there")
            blocks = max(coming - chain.head(), 1)
        head = chain.advance(blocks)
    answer({"block": head}, as_json, f"block {head}")


@app.command()
def verify(
    folder: Folder,
    witness: Annotated[
        list[str] | None,
        typer.Option(metavar="OWNER/NAME", help="A validator's published rounds; repeatable."),
    ] = None,
    hub: HubAddress = None,
    as_json: AsJson = False,
) -> None:
    """Replay a chain from its genesis and check every link, signature, rule, balance, kept state.

    A cut-off tail shows only against witnesses: rounds that validators signed name blocks they saw.

    Exit code 1 when a record does not hold; the first such is named.

    Example: iota chain verify net/
    """
    with extra():
        from iotapretrain.chain.verify_chain import verify_chain

    witnesses = _read_witnesses(witness or [], Workplace(str(folder), hub=hub))
    verdict = verify_chain(folder, witnesses)
    report = {
        "holds": True,
        "records": verdict.records,
        "extrinsics": verdict.extrinsics,
        "block": verdict.block,
        "hash": "0x" + verdict.block_hash.hex(),
        "issuance_rao": verdict.issuance,
        "witnesses": len(witnesses),
    }
    text = (
        f"{folder}: holds. {verdict.records} records, {verdict.extrinsics} extrinsics, "
        f"block {verdict.block}, {verdict.issuance / RAO:.9f} TAO"
    )
    answer(report, as_json, text)


@app.command()
def serve(
    folder: Folder,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes any free one.", min=0, max=65535)] = 9944,
) -> None:
    """Serve a chain to the SDK and btcli on other machines, until interrupted.

    Example: iota chain serve net/ --port 9944
    """
    with extra():
        from iotapretrain.chain.embedded_chain import EmbeddedChain
        from iotapretrain.chain.rpc.server import serve as serve_chain
    with EmbeddedChain(folder) as chain:
        serving = serve_chain(
            chain,
            chain.codec,
            host=host,
            port=port,
            announce=lambda url: out.print(f"serving {folder} at {url}"),
        )
        asyncio.run(serving)


def _read_witnesses(repositories: list[str], place: Workplace) -> list[BlockWitness]:
    """The signed word of every round in these repositories; verification compares it.

    Records name the sync block and its hash, which commits to everything before it.
    """
    from iotapretrain.chain.verify_chain import BlockWitness
    from iotapretrain.chain.wallets import is_signature
    from iotapretrain.competition.records.public_rounds import PublicRounds
    from iotapretrain.competition.records.round_record import is_sealed
    from iotapretrain.hub.protocol import RepositoryId

    witnesses: list[BlockWitness] = []
    for name in repositories:
        rounds = PublicRounds(place.open_hub(), RepositoryId.parse(name))
        for number in rounds.numbers():
            signed = rounds.read(number)
            if not is_sealed(signed, is_signature):
                raise InputError(f"{name}: round {number} is not signed by its validator")
            record = signed.record
            try:
                seen = bytes.fromhex(record.seed_hash)
            except ValueError:
                raise InputError(f"{name}: round {number} names no block hash") from None
            who = f"{record.validator} (round {number})"
            witnesses.append(BlockWitness(who, record.sync_block, seen))
    return witnesses
