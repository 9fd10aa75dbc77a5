"""The web page and the API behind it: what records and the chain say, read-only and live."""
