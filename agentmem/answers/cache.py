"""The answer cache: what people hold."""

import asyncio
import inspect
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial, wraps
from pathlib import Path
from typing import Any

from agentmem.answers.admission import Keeper, KeptResult
from agentmem.answers.agreement import Errors, default_agrees, read_errors, write_errors
from agentmem.answers.asking import Answered, Answering, Asking, AsyncAnswering, Later, Now, finished
from agentmem.answers.audit import AuditedAnswer, Audits
from agentmem.answers.decision import default_decider
from agentmem.answers.exclusions import with_kinds
from agentmem.answers.freshness import lifetimes
from agentmem.answers.lookup import Looked, Lookups
from agentmem.answers.nearest import Nearest
from agentmem.answers.query_types import BUILT_IN, classifier
from agentmem.answers.settings import AnswerSettings
from agentmem.answers.sources import Pages
from agentmem.answers.stats import Counters, report
from agentmem.answers.store import AnswerStore, KeptEntry
from agentmem.answers.upkeep import BackgroundTasks
from agentmem.answers.values import Agrees, Answer, AnswerScope, Decider, Kinds, Labelled, Source, scope_of
from agentmem.checking import CALLABLE, FLAG, NOTHING, PATH, WHOLE, Wanted, check_settings, having, of
from agentmem.closing import Closing
from agentmem.errors import ConfigError
from agentmem.pages.workspace import Workspace
from agentmem.recall.background import each
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
class CacheComponents:
    """The parts of one cache."""

    store: AnswerStore
    lookups: Lookups
    keeper: Keeper
    counters: Counters
    audits: Audits
    background: BackgroundTasks
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
) -> CacheComponents:
    """The parts over a folder, which is made where it is missing. Raises ConfigError or AnswersError."""
    kinds = all_kinds(settings)
    kind_rules = with_kinds(settings.rules, kinds)
    lives = lifetimes(settings.ttl, kinds)
    store = AnswerStore(folder, clock)
    counters, background = Counters(store), BackgroundTasks()
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
    return CacheComponents(store, lookups, keeper, counters, audits, background, nearest)


def embed_anew(store: AnswerStore, embedder: Embedder, background: BackgroundTasks, after: int = 0) -> None:
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


EVERYWHERE = AnswerScope()


class AnswerCache(Closing):
    """Answers that were given, for the same question and for others that mean the same.

    ``folder`` is where they are kept; several processes may use it. ``workspace`` is that whose pages answers are made
    from: a changed page takes its answers with it. ``embedder`` is by default MiniLM where it is installed, without
    one (or with ``exact_only``) only the same question is found. ``decide`` replaces the decision, ``agrees`` how an
    audit compares two answers. ``seed`` chooses the hits that are audited.

    Raises ConfigError or AnswersError where the folder cannot be used. A cache that fails later is never in the way:
    a lookup finds nothing then, and `ask` gives the answer that it could not keep.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        workspace: Workspace | None = None,
        embedder: Embedder | None = None,
        exact_only: bool = False,
        settings: AnswerSettings = AnswerSettings(),
        decide: Decider | None = None,
        agrees: Agrees | None = None,
        clock: Clock = time.time,
        seed: int = 0,
    ) -> None:
        check_settings("AnswerCache", locals(), WANTED)
        self.folder = Path(folder).expanduser()
        chosen = None if exact_only else embedder or default_embedder()
        made = assemble(self.folder, workspace, chosen, settings, decide, agrees, clock, seed)
        self.embedder, self.settings = chosen, settings
        self.store, self.lookups, self.keeper = made.store, made.lookups, made.keeper
        self.counters, self.audits, self.background = made.counters, made.audits, made.background
        self._nearest = made.nearest
        self._asking = Asking(self.store, self.lookups, self.keeper, self.audits, self.counters, self.background)
        self._closed = False

    # One step at a time

    def get(self, question: str, *, context: AnswerScope = EVERYWHERE) -> Answered | None:
        """The answer that is kept for a question, or None. To have a share of the hits audited use `ask`."""
        looked = self.lookups.look(question, context)
        self._maintain()
        if looked.entry is None:
            self._asking.count(looked)
            return None
        return self._asking.served(looked, looked.entry)

    def put(self, question: str, answer: str | Answer, *, context: AnswerScope = EVERYWHERE) -> KeptResult:
        """Keep an answer, unless a rule forbids it: the result says why. Raises AnswersError."""
        given = answer if isinstance(answer, Answer) else Answer(answer)
        kept = self.keeper.keep(self.lookups.unsearched(question, context), given)
        self._maintain()
        return kept

    async def aget(self, question: str, *, context: AnswerScope = EVERYWHERE) -> Answered | None:
        """As `get`."""
        return await asyncio.to_thread(self.get, question, context=context)

    async def aput(self, question: str, answer: str | Answer, *, context: AnswerScope = EVERYWHERE) -> KeptResult:
        """As `put`."""
        return await asyncio.to_thread(self.put, question, answer, context=context)

    # All at once

    def ask(self, question: str, answering: Answering, *, context: AnswerScope = EVERYWHERE) -> Answered:
        """The kept answer, else that of ``answering``, kept if it may be. Of equal questions at once one is answered.

        What ``answering`` raises is raised here, and nothing is kept.
        """
        answered = finished(self._asking.ask(question, context, Now(answering)))
        self._maintain()
        return answered

    async def aask(self, question: str, answering: AsyncAnswering, *, context: AnswerScope = EVERYWHERE) -> Answered:
        """As `ask`, with an answering coroutine function."""
        answered = await self._asking.ask(question, context, Later(answering))
        self._maintain()
        return answered

    def cached(
        self, context: AnswerScope | Callable[..., AnswerScope] | None = None
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A decorator for a function that answers the question it is given first, as a text or an Answer.

        It then gives the text. ``context`` is fixed, or made from the call's arguments; by default every argument
        after the question is part of the key. Works for coroutine functions too.
        """

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
                raise ConfigError(f"{function.__name__} streams: cache a function that returns the whole answer")
            name = f"{function.__module__}.{function.__qualname__}"
            if inspect.iscoroutinefunction(function):

                @wraps(function)
                async def acalled(question: str, *args: Any, **kwargs: Any) -> str:
                    own = _context(context, name, question, args, kwargs)
                    return (await self.aask(question, lambda one: function(one, *args, **kwargs), context=own)).text

                return acalled

            @wraps(function)
            def called(question: str, *args: Any, **kwargs: Any) -> str:
                own = _context(context, name, question, args, kwargs)
                return self.ask(question, lambda one: function(one, *args, **kwargs), context=own).text

            return called

        return decorate

    # Looking after it

    def explain(self, question: str, *, context: AnswerScope = EVERYWHERE, scope: str = "") -> Looked:
        """What a lookup would come to, and why: the rule that decided, the candidates, their scores. Counts nothing.

        ``scope`` stands in for the context's, where only that is known (see ``store.scopes``).
        """
        return self.lookups.look(question, context, scope)

    def check(
        self, answering: Answering, *, context: AnswerScope = EVERYWHERE, most: int = 20, max_usd: float = 1.0
    ) -> list[AuditedAnswer]:
        """Answer the entries of a context that were unchecked for longest again, and evict what no longer agrees."""
        return self.audits.check(scope_of(context), answering, most, max_usd)

    def judge(self, labelled: Sequence[Labelled]) -> Errors | None:
        """Measure how often the judge of answers is wrong on labelled pairs that have both answers.

        What was found stands in `stats` from now on, and corrects what audits found. None where no pair has both.
        """
        found = self.audits.errors(labelled)
        if found is not None:
            write_errors(self.folder, found)
        return found

    def page(self, name: str) -> Source:
        """A page of the workspace as it is now, as a source of an answer."""
        if self.lookups.pages is None:
            raise ConfigError("this answer cache has no workspace: give AnswerCache(..., workspace=...)")
        return self.lookups.pages.source(name)

    def invalidate(self, source: str | None = None, *, tenant: str | None = None, everything: bool = False) -> int:
        """Remove every answer made from a source (a page, or whatever name was given), of a tenant, or all of them.

        Gives how many. An answer that is being made from the source at this moment will not be kept either.
        """
        if [source is not None, tenant is not None, everything].count(True) != 1:
            raise ConfigError("say what to invalidate: a source, or tenant=..., or everything=True")
        if source is not None:
            gone = self.store.invalidate(source)
        else:
            gone = self.store.remove_tenant(tenant) if tenant is not None else self.store.clear()
        self.counters.add("invalidated.event", "", gone)
        return gone

    def stats(self) -> dict[str, Any]:
        """What the cache did since it was made, over all processes: counts, audits with their bound, what was saved."""
        self.keeper.sweep()
        self.counters.flush()
        return {**report(self.store.counts(), read_errors(self.folder)), "entries": self.store.count()}

    @property
    def vector_bytes(self) -> int:
        """RAM that vectors take in this process."""
        return self._nearest.bytes if self._nearest else 0

    def settle(self) -> None:
        """Wait for what runs behind: audits, checks, embedding. Raises what it failed with."""
        self.background.settle()

    async def asettle(self) -> None:
        """As `settle`, with the tasks of the running loop."""
        await self.background.asettle()

    def close(self) -> None:
        """End what runs behind and close the files. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self.background.end()
        if self.lookups.pages is not None:
            self.lookups.pages.close()
        self.counters.flush()
        self.store.close()

    def maintain(self) -> int:
        """Do now what is else done behind: sweep what has expired, fill the index, read large scopes into RAM.

        Gives the rows that were moved into the index.
        """
        self.keeper.sweep()
        return self._nearest.catch_up() if self._nearest else 0

    def _maintain(self) -> None:
        """See to it that what lags behind is made up for, on the thread behind."""
        if self._nearest is not None and self._nearest.lagging():
            self.background.once("index", self._nearest.catch_up)


def _context(
    given: AnswerScope | Callable[..., AnswerScope] | None, name: str, question: str, args: Any, kwargs: Any
) -> AnswerScope:
    if isinstance(given, AnswerScope):
        return given
    if given is not None:
        return given(question, *args, **kwargs)
    try:
        rest = json.dumps([args, kwargs], sort_keys=True)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"{name} takes arguments that cannot stand in a key ({error}): give cached(context=...), "
            "a function that makes the Context from the call's arguments"
        ) from error
    return AnswerScope(conversation=(name, rest))
