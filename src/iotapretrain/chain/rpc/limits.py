"""What one client may ask of the server: every number; `docs/chain.md` has their reasons."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep one client from harming the others. Times are in seconds, sizes in bytes.

    An address is what `iotapretrain.net.site` counts as one. Beyond a bound nothing more is read,
    or the question waits, or it is refused; the page says which. `docs/chain.md` has each with its
    value and its reason, and a test that compares them.
    """

    connections: int = 256
    connections_per_address: int = 64
    waiting_at_the_door: int = 16
    arrivals_per_second: float = 8.0
    arrivals_burst: int = 128
    message_bytes: int = 2**20
    message_fragments: int = 64
    message_values: int = 2**14
    message_seconds: float = 5.0
    message_answer_bytes: int = 2**22
    batch: int = 64
    batches_per_address: int = 2
    pipelined: int = 64
    pipelined_bytes: int = 2**21
    pipelined_bytes_per_address: int = 2**23
    answer_bytes_per_address: int = 2**23
    queued_messages: int = 2
    received_bytes_per_second: float = 2.0**21
    received_burst_bytes: int = 2**23
    received_fragment_bytes: int = 1024
    signals_per_second: float = 32.0
    signals_burst: int = 256
    requests_per_second: float = 1000.0
    burst: int = 2000
    turn_seconds: float = 0.05
    turn_overhead_seconds: float = 0.0005
    answer_byte_seconds: float = 2e-8
    node_seconds_per_second: float = 0.5
    node_burst_seconds: float = 5.0
    submitted_bytes_per_second: float = 8192.0
    submitted_burst_bytes: int = 2**22
    extrinsic_bytes: int = 512
    addresses: int = 4096
    subscriptions: int = 64
    watched_per_address: int = 2**14
    watched_key_bytes: int = 256
    handshake_seconds: float = 10.0
    call_seconds: float = 30.0
    send_seconds: float = 10.0
