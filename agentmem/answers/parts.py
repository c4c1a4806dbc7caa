"""What an answer cache is put together from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from agentmem.answers.agreement import default_agrees
from agentmem.answers.audit import Audits
from agentmem.answers.background import Background
from agentmem.answers.decision import default_decider
from agentmem.answers.entries import KeptEntry
from agentmem.answers.exclusions import with_kinds
from agentmem.answers.freshness import lifetimes
from agentmem.answers.keeping import Keeper
from agentmem.answers.kinds import BUILT_IN, classifier
from agentmem.answers.lookup import Lookups
from agentmem.answers.nearest import Nearest
from agentmem.answers.settings import AnswerSettings
from agentmem.answers.sources import Pages
from agentmem.answers.stats import Counters
from agentmem.answers.store import AnswerStore
from agentmem.answers.values import Agrees, Decider, Kinds
from agentmem.checking import CALLABLE, FLAG, NOTHING, PATH, WHOLE, Wanted, having, of
from agentmem.pages.workspace import Workspace
from agentmem.recall.behind import each
from agentmem.recall.embedder import MiniLM, available
from agentmem.types import Clock, Embedder

EMBEDDED = 64
"""Entries that are embedded anew at once."""

WANTED: Mapping[str, Wanted] = {
    "folder": PATH,
    "workspace": of(Workspace, "a Workspace") | NOTHING,
    "embedder": having("an embedder", "embed") | NOTHING,
    "exact_only": FLAG,
    "settings": of(AnswerSettings, "answers.settings.Settings"),
    "decide": CALLABLE | NOTHING,
    "agrees": CALLABLE | NOTHING,
    "clock": CALLABLE,
    "seed": WHOLE,
}
"""What an AnswerCache takes."""


@dataclass(frozen=True, slots=True)
class CacheParts:
    """The parts of one cache."""

    store: AnswerStore
    lookups: Lookups
    keeper: Keeper
    counters: Counters
    audits: Audits
    background: Background
    nearest: Nearest | None


def assemble(
    folder: Path,
    workspace: Workspace | None,
    embedder: Embedder | None,
    settings: AnswerSettings,
    decide: Decider | None,
    agrees: Agrees | None,
    clock: Clock,
    seed: int,
) -> CacheParts:
    """The parts over a folder, which is made where it is missing. Raises ConfigError or AnswersError."""
    kinds = all_kinds(settings)
    kind_rules = with_kinds(settings.rules, kinds)
    lives = lifetimes(settings.ttl, kinds)
    store = AnswerStore(folder, clock)
    counters, background = Counters(store), Background()
    pages = Pages(workspace, store, lambda gone: counters.add("invalidated.page", "", gone)) if workspace else None
    classify = classifier(embedder, kinds) if embedder else None
    nearest = Nearest(store, embedder, settings.hot) if embedder else None
    chosen = (decide or default_decider(folder, kinds, store.labels(), embedder)) if embedder else None
    lookups = Lookups(store, settings.rules, kind_rules, embedder, nearest, classify, chosen, pages)
    keeper = Keeper(store, lookups, counters, lives, settings.rules, embedder.name if embedder else "", clock)
    judge = cache(lambda: agrees or default_agrees(embedder))
    audits = Audits(store, counters, judge, settings.audit, settings.checks, seed)
    if embedder and store.without_vector(embedder.name, 1):
        background.once("embed", lambda: embed_anew(store, embedder, background))
    return CacheParts(store, lookups, keeper, counters, audits, background, nearest)


def embed_anew(store: AnswerStore, embedder: Embedder, background: Background, after: int = 0) -> None:
    """Give the entries that another embedder made their vectors of this one, some at a time.

    What cannot be embedded together is tried one by one, so that a question that has no vector keeps none from others.
    """
    entries = store.without_vector(embedder.name, EMBEDDED, after)
    if not entries:
        return
    last = entries[-1].n
    background.once("embed", lambda: embed_anew(store, embedder, background, last))
    try:
        _embed(store, embedder, entries)
    except Exception:  # whatever an embedder raises
        each(partial(_embed, store, embedder, [entry]) for entry in entries)


def _embed(store: AnswerStore, embedder: Embedder, entries: Sequence[KeptEntry]) -> None:
    vectors = embedder.embed([one.question for one in entries])
    for entry, vector in zip(entries, vectors, strict=True):
        store.embed(entry.n, entry.scope, embedder.name, vector)


def all_kinds(settings: AnswerSettings) -> Kinds:
    """The query types that come with agentmem, and the user's own."""
    return {**BUILT_IN, **settings.kinds}


def default_embedder() -> Embedder | None:
    """MiniLM where it is installed."""
    return None if available() else MiniLM()
