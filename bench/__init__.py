"""One runnable file a published figure: `python -m bench.NAME [--json] [--gpu]`."""
