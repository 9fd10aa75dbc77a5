#!/usr/bin/env bash
# A tour of what is here, on embedded defaults: about twenty seconds, nothing left behind. `make demo` runs it.
set -euo pipefail
cd "$(dirname "$0")/.."

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export IOTA_CACHE="$place/cache" BITTENSOR_RUNTIME_CACHE_DIR="$place/runtime"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { printf '$ iota %s\n' "$*"; iota "$@"; }

say "1. The whitepaper's example: four pages, three models, and why the first one is paid"
run rules explain examples/rules/paper.json

say "2. Pages of text that every validator draws alike from one seed"
run data sample --source python-docs --seed 7 --pages 4

say "3. A chain in a file: three miners and two validators buy their places"
net="$place/net"
run chain init --genesis examples/networks/tiny.toml "$net"
for wallet in miner-1 miner-2 miner-3 validator-1 validator-2; do
  run chain register "$net" --wallet "$wallet"
done

say "4. An epoch grants permits; the validators judge; the next epoch pays"
run chain advance "$net" --to-epoch 1
run chain weights "$net" 0=0.2 1=0.3 2=0.5 --wallet validator-1
run chain weights "$net" 0=0.2 1=0.2 2=0.6 --wallet validator-2
run chain advance "$net" --to-epoch 1
run chain metagraph "$net"

say "5. Anybody can replay it from its genesis: every link, signature, rule and balance"
run chain verify "$net"

say "Next: README.md says what each kind of reader does now"
