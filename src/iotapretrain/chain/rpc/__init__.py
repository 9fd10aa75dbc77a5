"""The Substrate JSON-RPC over WebSocket, by which other machines reach a chain."""
