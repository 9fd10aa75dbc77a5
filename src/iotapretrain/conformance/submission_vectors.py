"""The rules around a submission, in the form of vector files: from its commitment to its loss."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from iotapretrain.conformance import original, plain_loss
from iotapretrain.conformance.compare import Args, Function, by_name, number, numbers
from iotapretrain.errors import InputError
from iotapretrain.rules import packing
from iotapretrain.rules.competition import attempts, epsilon, retention, size_limits
from iotapretrain.rules.competition.commitment import Commitment, hub_url, secure_hash
from iotapretrain.rules.competition.sensible_output import reasonable
from iotapretrain.rules.competition.validator.weights_due import version_number
from iotapretrain.rules.digest import ManifestEntry, file_hash, folder_hash, manifest_digest
from iotapretrain.rules.sampling import seed_of, sync_block

OUTCOMES: Mapping[str, attempts.Outcome] = {
    **{outcome.value: outcome for outcome in attempts.Outcome},
    "crash": attempts.Outcome.MODEL,
    "time_limit": attempts.Outcome.MODEL,
}


def _schedule(args: Args) -> dict[str, Any]:
    active = _listed(args["schedule"], args["block"])
    if not active:
        raise InputError(f"block {args['block']}: nothing is scheduled")
    competition = next((entry for entry in active if entry[0] == args["competition"]), None)
    return {"active": active, "competition": competition}


def _sync_outcome(args: Args) -> str:
    def scheduled(block: int) -> bool:
        listed = _listed(args["schedule"], block)
        return any(competition == args["competition"] for competition, _ in listed)

    upload, now = args["upload_block"], args["current_block"]
    seen = attempts.Sighting(
        age=now - upload,
        delay=args["delay"],
        scheduled_then=scheduled(upload),
        scheduled_now=scheduled(now),
        tracked=args["tracked"],
        forced=args["force"],
    )
    taken = attempts.action(seen if args["committed"] else None)
    if taken is attempts.Action.FETCH:
        return "fetched" if args["own_hotkey"] else "bad_hash"
    return taken.value


def _listed(schedule: list[Any], block: int) -> list[Any]:
    ranges = original.in_force([start for start, _ in schedule])
    return [
        entry
        for (_, entries), blocks in zip(schedule, ranges, strict=True)
        if block in blocks
        for entry in entries
    ]


def _sync_seed(current_block: int, cadence: int, block_hash: str) -> dict[str, Any]:
    block = sync_block(current_block, cadence)
    return {"sync_block": block, "seed": str(seed_of(block_hash))}


def _top_miners(args: Args) -> list[int]:
    weights = {int(uid): row for uid, row in args["weights"].items()}
    return retention.top_miners(
        args["stake"], args["permit"], weights, args["min_stake"], args["min_share"]
    )


def _uid_cycle(args: Args) -> list[list[int]]:
    cycle, taken = original.UidCycle.over(args["uids"], args["start"]), []
    for step in args["ops"]:
        if "set" in step:
            cycle = cycle.replace(step["set"])
        else:
            uids, cycle = cycle.take(step["next"])
            taken.append(uids)
    return taken


def _folder_hash(args: Args) -> dict[str, Any]:
    hashes = {path: file_hash(text.encode()) for path, text in args["files"].items()}
    return {"files": [list(item) for item in sorted(hashes.items())], "folder": folder_hash(hashes)}


def _digest(files: Mapping[str, str]) -> str:
    contents = {path: text.encode() for path, text in files.items()}
    return manifest_digest(
        ManifestEntry(path, len(content), hashlib.sha256(content).digest())
        for path, content in contents.items()
    )


def _admission(args: Args) -> bool:
    bounds = args["min"], args["max"]
    return (
        size_limits.refuse(args["parameters"], *bounds, args["architecture"], args["allowed"])
        is None
    )


def _norm_check(args: Args) -> bool:
    layers = numbers(args["norms"])
    columns = {
        projection: [layer[place] for layer in layers]
        for place, projection in enumerate(args["order"])
    }
    rule = size_limits.NormRule(args["hard"], args["soft"], args["share"])
    return size_limits.refuse_norms(columns, rule) is None


def _text_loss(args: Args) -> dict[str, Any]:
    losses = []
    for tokens, logits in zip(args["tokens"], args["logits"], strict=True):
        batch = np.array(tokens, dtype=np.int64)
        counted = None if args["packed"] else plain_loss.counted_labels(batch, args["pad_token"])
        losses.append(plain_loss.batch_loss(batch, np.array(numbers(logits)), counted))
    return {"score": plain_loss.task_score(losses), "batches": losses}


def _pack(args: Args) -> list[Any]:
    layout = *packing.flatten(args["documents"]), args["sequence_length"], args["end_token"]
    sequences = packing.pack(*layout) if args["packed"] else packing.pad(*layout).sequences
    return list(packing.batches(sequences, args["batch_size"]).tolist())


def _should_retry(args: Args) -> bool:
    history = [
        attempts.Evaluation.scored(
            entry["block"],
            math.nan if entry["score"] is None else number(entry["score"]),
            entry["winning_model_block"],
            number(entry["winning_model_score"]),
        )
        for entry in args["history"]
    ]
    return attempts.should_retry(history, epsilon.parse(args["func"]), args["current_block"])


def _retry_failures(args: Args) -> bool:
    unknown = [word for word in args["history"] if word not in OUTCOMES]
    if unknown:
        raise InputError(f"outcomes {unknown} are unknown; known: {', '.join(OUTCOMES)}")
    return attempts.worth_another_try(OUTCOMES[word] for word in args["history"])


def _eval_history(args: Args) -> dict[str, Any]:
    history, hotkeys = attempts.History(), set()
    for step in args["ops"]:
        [(name, told)] = step.items()
        if name in ("commit", "eval"):
            hotkeys.add(told["hotkey"])
        history = _remember(history, name, told)
    listed = [
        [hotkey, competition, [attempt.block for attempt in tried]]
        for (hotkey, competition), tried in sorted(history.attempts.items())
    ]
    last = [[hotkey, history.last_block(hotkey)] for hotkey in sorted(hotkeys)]
    return {"history": listed, "last": last}


def _remember(history: attempts.History, name: str, told: Any) -> attempts.History:
    if name == "commit":
        return history.committed(told["hotkey"], told["block"], told["commit"])
    if name == "eval":
        score = number(told["score"])
        attempt = attempts.Evaluation.scored(told["block"], score, told["block"], score)
        return history.tried(told["hotkey"], told["competition"], attempt)
    if name == "hotkeys":
        return history.only(told)
    if name == "clear":
        return history.without(told)
    raise InputError(f"operation {name!r} is unknown; known: commit, eval, hotkeys, clear")


def _version_order(first: str, second: str) -> int:
    ours, theirs = version_number(first), version_number(second)
    return (ours > theirs) - (ours < theirs)


def _page_sample(args: Args) -> dict[str, Any]:
    if args["loader"] == "simple":
        return {"pages": original.simple_pages(args["seed"], args["max_pages"], args["num_pages"])}
    if args["loader"] != "configs":
        raise InputError(f"loader {args['loader']!r} is unknown; known: configs, simple")
    offset, pages = original.config_pages(
        args["seed"], args["configs"], args["rows_per_page"], args["num_pages"]
    )
    return {"initial_offset": offset, "pages": [list(page) for page in pages]}


FUNCTIONS: Mapping[str, Function] = {
    "admission": _admission,
    "commitment_decode": lambda args: asdict(original.Loose.parse(args["text"])),
    "commitment_encode": lambda args: original.Loose(**args).text,
    "digest_property": lambda args: _digest(args["first"]) == _digest(args["second"]),
    "eval_history": _eval_history,
    "folder_hash": _folder_hash,
    "high_stake_validators": by_name(retention.high_stake_validators),
    "hub_url": lambda args: hub_url(**args),
    "norm_check": _norm_check,
    "pack": _pack,
    "page_sample": _page_sample,
    "reasonable_output": by_name(reasonable),
    "repo_id": lambda args: list(original.split_repo_id(args["text"])),
    "retry_failures": _retry_failures,
    "schedule": _schedule,
    "secure_hash": lambda args: secure_hash(**args),
    "should_retry": _should_retry,
    "shuffle_truncate": by_name(original.shuffle_truncate),
    "spec_version": by_name(original.spec_version),
    "strict_commitment": lambda args: asdict(Commitment.parse(args["text"])),
    "sync_outcome": _sync_outcome,
    "sync_seed": by_name(_sync_seed),
    "text_loss": _text_loss,
    "top_miners": _top_miners,
    "uid_cycle": _uid_cycle,
    "version_order": by_name(_version_order),
}
