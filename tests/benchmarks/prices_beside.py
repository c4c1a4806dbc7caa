"""Tokens and dollars of session logs beside two others that count the same: ccusage, and a count of a few lines here.

Each case is a file or folder of logs. The count here adds up the usage of every reply once, knows nothing of the
product, and must agree with it token for token; so must the index, by which folders are listed. ccusage (npm: ccusage)
must agree to half a percent of the dollars where both know the price; where it does not, the table says why, by a rule
that looks at the case and at no result. ccusage finds records by their bytes, so it is given each record again without
spaces, under a session's usual name.

    python -m tests.benchmarks.prices_beside --data CASES [--ccusage PATH/TO/ccusage] [--json FILE]
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from agentmem.report.loading import load_paths, split
from agentmem.report.logs.index import LogIndex
from agentmem.report.summing import report_on
from tests.benchmarks.data import skip
from tests.benchmarks.heading import commit, heading, record_figures

NEAR = 0.005
"""The share by which dollars may differ."""
KINDS = ("uncached", "read", "written", "output")
Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens by kind, dollars, and what of the requests has no price."""

    tokens: Counts
    usd: float | None = None
    unpriced: int = 0
    rows: tuple[str, ...] = ()


def product(case: Path) -> Counted:
    """What the product says of a case."""
    observed, _ = split(load_paths([case]))
    made = report_on(observed, case.name)
    written = (made["cache_write_5m_tokens"] or 0) + (made["cache_write_1h_tokens"] or 0)
    named = made["uncached_tokens"], made["cache_read_tokens"], written, made["output_tokens"]
    beside = [usage for one in observed for row in one.rows for _, usage in row.extras.others]
    metered = (count or 0 for count in named) if made["basis"] != "estimated" else (0,) * len(KINDS)
    tokens = dict(zip(KINDS, metered, strict=True))
    for usage in beside:
        tokens["uncached"] += usage.uncached_tokens
        tokens["read"] += usage.cache_read_tokens
        tokens["written"] += usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
        tokens["output"] += usage.output_tokens
    rows = tuple(
        f"{one['table']} {one['model']} {one['dated'] or ''} {one['tier'] or ''}".strip() for one in made["prices"]
    )
    return Counted(tokens, made["cost_usd"], sum(one["requests"] for one in made["unpriced"]), rows)


LISTED = ("requests", "input_tokens", "output_tokens", "cache_read_tokens", "cost_usd", "breaks", "cuts", "expiries")


def indexed(case: Path) -> bool:
    """Whether the index, by which folders are listed, says what the format's own reader says."""
    with LogIndex(None) as index:
        listed = report_on(split(index.observed([case]))[0], case.name)
    own = report_on(split(load_paths([case]))[0], case.name)
    return all(listed[name] == own[name] for name in LISTED)


def records(case: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every JSON object in a case's files, with its file."""
    for file in sorted(case.rglob("*.json*")) if case.is_dir() else [case]:
        text = file.read_bytes()
        wide = text[:2] in (b"\xff\xfe", b"\xfe\xff")
        said = text.decode("utf-16" if wide else "utf-8-sig", "replace")
        for line in said.splitlines():
            at, decoder = 0, json.JSONDecoder()
            with suppress(ValueError):
                while line[at:].strip():
                    at += len(line[at:]) - len(line[at:].lstrip())
                    value, at = decoder.raw_decode(line, at)
                    yield from ((file, one) for one in (value if isinstance(value, list) else [value]))


def counted(case: Path) -> Counts:
    """The tokens of every reply, each once: the highest counts that any line of it has."""
    replies: dict[str, dict[str, int]] = {}
    for number, (_, record) in enumerate(records(case)):
        told = record.get("data", {}).get("message") if record.get("type") == "progress" else None
        holder = told if isinstance(told, dict) else record
        message = holder.get("message") or holder.get("response")
        if not isinstance(message, dict) or not isinstance(message.get("usage"), dict):
            continue
        if message.get("model") == "<synthetic>" or record.get("isApiErrorMessage"):
            continue
        reply = replies.setdefault(str(message.get("id") or record.get("requestId") or number), dict.fromkeys(KINDS, 0))
        for kind, count in _of(message["usage"]).items():
            reply[kind] = max(reply[kind], count)
    return {kind: sum(one[kind] for one in replies.values()) for kind in KINDS}


def _of(usage: Mapping[str, Any]) -> dict[str, int]:
    if "prompt_tokens" in usage:
        read = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        return dict(zip(KINDS, (usage["prompt_tokens"] - read, read, 0, usage["completion_tokens"]), strict=True))
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
    found = dict(zip(KINDS, (int(usage.get(name) or 0) for name in names), strict=True))
    for one in usage.get("iterations") or ():
        if one.get("type") not in ("message", "fallback_message"):
            found = {kind: found[kind] + count for kind, count in _of(one).items()}
    return found


def ccusage(case: Path, program: Path) -> Counted:
    """What ccusage says of a case."""
    with tempfile.TemporaryDirectory() as home:
        place = Path(home) / ".claude" / "projects" / "-home-someone-project"
        place.mkdir(parents=True)
        for file, record in records(case):
            name = f"{uuid5(NAMESPACE_URL, str(file))}.jsonl"
            with (place / name).open("a", encoding="utf-8", errors="replace") as out:
                out.write(json.dumps(record, separators=(",", ":")) + "\n")
        variables = {**os.environ, "HOME": home, "CLAUDE_CONFIG_DIR": str(Path(home) / ".claude"), "TZ": "UTC"}
        command = [str(program), "claude", "daily", "--json", "--offline", "--breakdown", "--mode", "calculate"]
        ran = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120, check=True)
    whole = json.loads(ran.stdout)["totals"]
    named = ("inputTokens", "cacheReadTokens", "cacheCreationTokens", "outputTokens")
    tokens = {kind: int(whole[name]) for kind, name in zip(KINDS, named, strict=True)}
    return Counted(tokens, float(whole["totalCost"]) if sum(tokens.values()) else None)


def reason(case: Path) -> str:
    """Why ccusage may count another thing, by what stands in the case; "" if nothing in it tells."""
    every = [one for _, one in records(case)]
    usages = [
        one["message"]["usage"] for one in every if isinstance(one.get("message"), dict) and one["message"].get("usage")
    ]
    return next((why for holds, why in _REASONS if holds(every, usages)), "")


_REASONS: tuple[tuple[Any, str], ...] = (
    (lambda every, usages: not usages, "no log of Claude Code: ccusage does not read this format"),
    (
        lambda every, usages: any("timestamp" not in one for one in every if one.get("type") == "assistant"),
        "records without a timestamp: ccusage passes them over",
    ),
    (
        lambda every, usages: any(
            not isinstance(one.get("timestamp"), str) for one in every if one.get("type") == "assistant"
        ),
        "times in milliseconds: ccusage passes such records over",
    ),
    (
        lambda every, usages: any(
            sum(
                int(one.get(name) or 0)
                for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
            )
            > 200_000
            for one in usages
        ),
        "above 200,000 tokens: ccusage prices only what is beyond at the higher rate, the provider all of it",
    ),
)


def cases(data: Path) -> list[Path]:
    """The cases: all files and folders of ``data``."""
    return sorted(data.iterdir(), key=lambda one: one.name)


def main() -> int:
    """Count, print the table, and say whether all agreed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True, help="a folder of cases: logs, or folders of logs")
    options.add_argument("--ccusage", type=Path, default=shutil.which("ccusage"), help="by default the one on the PATH")
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    if given.ccusage is None:
        skip("give --ccusage PATH, the program that npm installs under that name")
    version = subprocess.run([given.ccusage, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    heading("Prices beside others' counts", str(given.data), cases=len(cases(given.data)), beside=version)
    lines = [line(case, given.ccusage) for case in cases(given.data)]
    for one in lines:
        print(
            f"{one['case']:28} {one['tokens']:>9,} {one['own']:>9,} {one['ccusage_tokens']:>9,}  "
            f"{_usd(one['usd'])} {_usd(one['ccusage_usd'])}  {one['verdict']}"
        )
        print(
            f"{'':28} {'; '.join(one['rows']) or 'no price'}"
            + (f"; {one['unpriced']} unpriced" if one["unpriced"] else "")
        )
    missed = [one["case"] for one in lines if one["missed"]]
    both = [one for one in lines if one["near"]]
    same, explained = sum(one["same"] for one in lines), sum(one["explained"] for one in lines)
    print(f"{same} of {len(lines)} cases: tokens as counted here")
    print(f"{sum(one['indexed'] for one in lines)} of {len(lines)} cases: the index says the same as the reader")
    print(f"{len(both)} within 0.5 % of ccusage's dollars, {explained} differences explained")
    print("missed: " + ", ".join(missed) if missed else "all agree or are explained")
    record_figures(
        cases=len(lines),
        tokens_equal=same,
        index_equal=sum(one["indexed"] for one in lines),
        near=len(both),
        explained=explained,
        no_price=sum(one["verdict"] == "neither has a price" for one in lines),
        missed=missed,
    )
    if given.json:
        given.json.write_text(json.dumps({"commit": commit(), "beside": version, "cases": lines}, indent=2))
    return 1 if missed else 0


def line(case: Path, program: Path) -> dict[str, Any]:
    """One case's."""
    ours, own, theirs = product(case), counted(case), ccusage(case, program)
    same = dict(ours.tokens) == dict(own)
    near = (
        ours.usd is not None and bool(theirs.usd) and abs(ours.usd - (theirs.usd or 0.0)) <= NEAR * (theirs.usd or 0.0)
    )
    silent = ours.usd is None and not theirs.usd
    why = "" if near or silent else reason(case)
    verdict = "agree" if near else "neither has a price" if silent else why or "NOT EXPLAINED"
    return {
        "case": case.name,
        "tokens": sum(ours.tokens.values()),
        "own": sum(own.values()),
        "ccusage_tokens": sum(theirs.tokens.values()),
        "usd": ours.usd,
        "ccusage_usd": theirs.usd,
        "same": same,
        "near": near,
        "explained": bool(why),
        "unpriced": ours.unpriced,
        "rows": ours.rows,
        "verdict": verdict if same else f"TOKENS DIFFER {dict(ours.tokens)} {dict(own)}; {verdict}",
        "indexed": (listed := indexed(case)),
        "missed": not same or not listed or not (near or silent or why),
    }


def _usd(amount: float | None) -> str:
    return f"{'unknown':>9}" if amount is None else f"{amount:9.5f}"


if __name__ == "__main__":
    sys.exit(main())
