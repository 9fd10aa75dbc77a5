"""Where finished models live: published as pinned commits, fetched whole, verified and bounded."""
