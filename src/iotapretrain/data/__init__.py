"""Pages of text to packed tokens: sources, sampling, digests, streams. Guide: `docs/data.md`."""
