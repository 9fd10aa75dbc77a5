"""Telling the others where a neuron can be reached."""

from __future__ import annotations

from dataclasses import dataclass, replace

from iotapretrain.rules.chain.ledger.calls.call import Change
from iotapretrain.rules.chain.ledger.chain_state import Axon, State
from iotapretrain.rules.chain.ledger.refusal import Event, Refusal

IP_BITS = {4: 32, 6: 128}


@dataclass(frozen=True, slots=True)
class ServeAxon:
    """Publish an address and a port; all zero addresses say that nothing is served."""

    netuid: int
    version: int
    ip: int
    port: int
    ip_type: int
    protocol: int
    placeholder1: int
    placeholder2: int

    def perform(self, state: State, signer: str) -> Change:
        subnet = state.subnet(self.netuid)
        uid = subnet.uid(signer)
        if uid is None:
            raise Refusal("HotKeyNotRegisteredInSubNet")
        self._check_address()
        neuron = subnet.neurons[uid]
        limit = subnet.parameters.serving_rate_limit
        if neuron.axon and limit and state.block - neuron.axon.block <= limit:
            raise Refusal("ServingRateLimitExceeded")
        served = replace(neuron, axon=self._axon(state.block))
        neurons = (*subnet.neurons[:uid], served, *subnet.neurons[uid + 1 :])
        happened = Event("SubtensorModule", "AxonServed", {"netuid": self.netuid, "hotkey": signer})
        return Change(state.with_subnet(replace(subnet, neurons=neurons)), (happened,))

    def _check_address(self) -> None:
        if self.ip_type not in IP_BITS:
            raise Refusal("InvalidIpType")
        if self.ip >= 2 ** IP_BITS[self.ip_type]:
            raise Refusal("InvalidIpAddress")
        if self.port == 0:
            raise Refusal("InvalidPort")

    def _axon(self, block: int) -> Axon:
        return Axon(
            block,
            self.version,
            self.ip,
            self.port,
            self.ip_type,
            self.protocol,
            self.placeholder1,
            self.placeholder2,
        )
