"""The end of a team's work: makes the result from the last state, and writes its page.

Only `team` uses it. It is a module of its own because it reads a state and runs nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agentmem.meter.tables import cost, dollars
from agentmem.pages import private
from agentmem.team.budget import TeamSpent, spent_by
from agentmem.team.proof.verdict import from_json as proof_of
from agentmem.team.proof.verdict import page as page_of
from agentmem.team.report import fenced, from_json
from agentmem.team.result import Refusal, Round, TeamResult, reason_of, unpack
from agentmem.team.roles import NAMES, thread_of
from agentmem.team.settings import TeamSettings
from agentmem.team.sharing import Shared, shared
from agentmem.team.state import TeamState
from agentmem.transcript.journal import Journal

OUTCOMES = {"pass": "passed", "fail": "failed", "none": "not verified"}


def outcome(result: TeamResult) -> str:
    """The outcome in a word: of a pass, what it is worth."""
    if result.verdict != "pass" or result.proof is None or result.proven:
        return "proven" if result.proven else OUTCOMES[result.verdict]
    return f"passed, {result.proof.verdict}"


def ending(state: TeamState, thread: str, settings: TeamSettings, journal: Journal) -> TeamResult:
    """The result of finished work: the best state that was tested, else the last attempt. Writes its page."""
    best = state.get("best")
    kept = best or {"verdict": "none", "attempt": state.get("attempt", []), "tests": state.get("tests", [])}
    proof = kept.get("proof") or state.get("proof")
    threads = [thread_of(thread, name) for name in NAMES]
    stands = state.get("stands")
    path = settings.place / f"{thread}.md"
    result = TeamResult(
        thread=thread,
        task=state["task"],
        verdict=kept["verdict"],
        reason=reason_of(state["stop"]),
        said=state.get("said", ""),
        rounds=tuple(_round(one) for one in state.get("rounds", [])),
        refusals=tuple(Refusal(**one) for one in state.get("refusals", [])),
        report=from_json(stands) if stands else None,
        diff=unpack(kept["attempt"]),
        tests=unpack(kept["tests"]),
        spent=spent_by(journal, threads),
        shared=shared(journal, *threads),
        path=str(path),
        proof=proof_of(proof) if proof else None,
        trusts_code=settings.trust_code,
    )
    page = _page(result, state.get("pages", []))
    private.write(path, page)
    return replace(result, page=page)


def _round(value: Mapping[str, Any]) -> Round:
    return Round(value["number"], value["verdict"], tuple(value["faults"]), value["failing"], tuple(value["mutants"]))


def _page(result: TeamResult, pages: Sequence[str]) -> str:
    """The whole work as one page: outcome, rounds, refusals, reports, change."""
    parts = [
        f"# {outcome(result).capitalize()}: {result.task.strip().splitlines()[0]}",
        f"Stopped because of: {result.reason}. {result.said}",
        _spending(result.spent, result.shared),
        "## Rounds",
        "\n".join(_line(one) for one in result.rounds) or "None was finished.",
    ]
    if result.refusals:
        refused = "\n".join(f"- Round {one.round}, {one.role}, {one.rule}: {one.said}" for one in result.refusals)
        parts += ["## Refused", refused]
    if result.proof:
        parts.append(page_of(result.proof))
    parts += [_lower(page) for page in pages]
    parts += ["## The change", fenced(result.diff.text) if result.diff else "None."]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _line(one: Round) -> str:
    killed, tried = one.mutants
    mutants = f" (mutants noticed: {killed} of {tried} tried)" if tried else ""
    return f"- Round {one.number}: {one.verdict}{mutants}" + "".join(f"\n  - {fault}" for fault in one.faults)


def _spending(spent: TeamSpent, common: Shared | None) -> str:
    said = f"{spent.requests} requests, {spent.tokens:,} tokens, {cost(spent.usd, spent.unpriced, spent.requests)}."
    if common is None:
        return said
    saved = "" if common.saved_usd is None else f", which saved {dollars(common.saved_usd)} of it"
    return (
        f"{said} Both roles begin with the same {common.tokens:,} tokens ({common.bytes:,} bytes); the tester's first "
        f"request read {common.read_tokens:,} tokens from the cache{saved} ({common.basis})."
    )


def _lower(page: str) -> str:
    """A page as a part of another one, with its headings one level lower."""
    fenced, lines = False, []
    for line in page.splitlines():
        fenced ^= line.startswith("```")
        lines.append(f"#{line}" if line.startswith("#") and not fenced else line)
    return "\n".join(lines)
