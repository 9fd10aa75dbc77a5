"""Serves a chain until told to stop: `python -m tests.chain.rpc.program FOLDER`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.rpc.server import serve


def announce(url: str) -> None:
    print(url, flush=True)


if __name__ == "__main__":
    with EmbeddedChain(Path(sys.argv[1])) as chain:
        asyncio.run(serve(chain, chain.codec, host="127.0.0.1", port=0, announce=announce))
    print("stopped", flush=True)
