"""The answer cache that users hold."""

import asyncio
import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial, wraps
from pathlib import Path
from typing import Any

from agentmem.answers.admission import Keeper, KeptResult
from agentmem.answers.agreement import Errors, default_agrees, read_errors, write_errors
from agentmem.answers.asking import Answered, Answering, Asking, AsyncAnswering, Later, Now, finished
from agentmem.answers.audit import AuditedAnswer, Audits
from agentmem.answers.conversations import Conversations
from agentmem.answers.decision import default_decider
from agentmem.answers.decorated import context_of, question_of
from agentmem.answers.exclusions import with_kinds
from agentmem.answers.freshness import lifetimes
from agentmem.answers.hits import HitLog
from agentmem.answers.home import AnswersHome, home_of
from agentmem.answers.lookup import Looked, Lookups
from agentmem.answers.nearest import Nearest
from agentmem.answers.query_types import BUILT_IN, classifier
from agentmem.answers.settings import AnswerSettings
from agentmem.answers.sources import Pages
from agentmem.answers.stats import Counters, report
from agentmem.answers.store import AnswerStore, KeptEntry
from agentmem.answers.upkeep import BackgroundTasks
from agentmem.answers.values import Agrees, Answer, AnswerScope, Decider, Kinds, Labelled, Source, owner_of, scope_of
from agentmem.checking import CALLABLE, FLAG, NOTHING, PATH, TEXT, WHOLE, Wanted, check_settings, having, of
from agentmem.closing import Closing
from agentmem.errors import ConfigError
from agentmem.pages.workspace import Workspace
from agentmem.recall.background import each
from agentmem.recall.embedder import MiniLM, available
from agentmem.types import Clock, Embedder

EMBEDDED = 64
"""Entries that are embedded again in one batch."""

WANTED: Mapping[str, Wanted] = {
    "folder": PATH,
    "database": TEXT | NOTHING,
    "workspace": of(Workspace, "a Workspace") | NOTHING,
    "embedder": having("an embedder", "embed") | NOTHING,
    "exact_only": FLAG,
    "settings": of(AnswerSettings, "an AnswerSettings"),
    "decide": CALLABLE | NOTHING,
    "agrees": CALLABLE | NOTHING,
    "clock": CALLABLE,
    "seed": WHOLE,
}
"""The types of an AnswerCache's arguments."""
_ASKED: Mapping[str, Wanted] = {"question": TEXT, "context": of(AnswerScope, "an AnswerScope")}
"""The types of a lookup's arguments."""
_ASKED_FOR: Mapping[str, Wanted] = {**_ASKED, "answering": CALLABLE}
"""The same where somebody answers what is not kept."""


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
    home: AnswersHome,
    workspace: Workspace | None,
    embedder: Embedder | None,
    settings: AnswerSettings,
    decide: Decider | None,
    agrees: Agrees | None,
    clock: Clock,
    seed: int,
) -> CacheComponents:
    """The parts of a cache at a place, which is made if missing. Raises ConfigError or AnswersError."""
    kinds = all_kinds(settings)
    kind_rules = with_kinds(settings.rules, kinds)
    lives = lifetimes(settings.ttl, kinds)
    store = AnswerStore(home, clock)
    counters, background = Counters(store), BackgroundTasks()
    pages = Pages(workspace, store, lambda gone: counters.add("invalidated.page", "", gone)) if workspace else None
    classify = classifier(embedder, kinds) if embedder else None
    nearest = Nearest(store, embedder, settings.hot) if embedder else None
    chosen = (decide or default_decider(home.records, kinds, store.labels(), embedder)) if embedder else None
    lookups = Lookups(store, settings.rules, kind_rules, embedder, nearest, classify, chosen, pages)
    keeper = Keeper(store, lookups, counters, lives, settings.rules, embedder.name if embedder else "", clock)
    judge = cache(lambda: agrees or default_agrees(embedder))
    audits = Audits(store, counters, judge, settings.audit, settings.checks, seed)
    if embedder and store.without_vector(embedder.name, 1):
        background.once("embed", lambda: embed_anew(store, embedder, background))
    return CacheComponents(store, lookups, keeper, counters, audits, background, nearest)


def embed_anew(store: AnswerStore, embedder: Embedder, background: BackgroundTasks, after: int = 0) -> None:
    """Give entries that have only another embedder's vectors new ones, some at a time.

    If a batch fails, its entries are embedded one by one, so that one bad question does not stop the others.
    """
    entries = store.without_vector(embedder.name, EMBEDDED, after)
    if not entries:
        return
    last = entries[-1].n
    background.once("embed", lambda: embed_anew(store, embedder, background, last))
    try:
        _embed(store, embedder, entries)
    except Exception:  # an embedder may raise anything
        each(partial(_embed, store, embedder, [entry]) for entry in entries)


def _embed(store: AnswerStore, embedder: Embedder, entries: Sequence[KeptEntry]) -> None:
    vectors = embedder.embed([one.question for one in entries])
    for entry, vector in zip(entries, vectors, strict=True):
        store.embed(entry.n, entry.scope, embedder.name, vector)


def all_kinds(settings: AnswerSettings) -> Kinds:
    """The built-in query types and the user's own, with the thresholds that are set. Raises ConfigError."""
    kinds = {**BUILT_IN, **settings.kinds}
    if unknown := sorted(set(settings.thresholds) - set(kinds)):
        raise ConfigError(f"there is no query type {unknown[0]!r} to give a threshold; there are {', '.join(kinds)}")
    return {
        name: replace(kind, threshold=float(settings.thresholds.get(name, kind.threshold)))
        for name, kind in kinds.items()
    }


def default_embedder() -> Embedder | None:
    """MiniLM, if it is installed."""
    return None if available() else MiniLM()


EVERYWHERE = AnswerScope()


class AnswerCache(Closing):
    """Keeps answers, and serves them for the same question and for questions that mean the same.

    A cache that fails later never stops the caller: a lookup finds nothing then, and `ask` returns the answer without
    keeping it. Use it as a context manager, or close it.

    Args:
        folder: the folder of the cache, which several processes may use; or an address ``s3://bucket/prefix``, for
            several hosts.
        database: for an address, the Postgres URL of the database that has the answers themselves.
        workspace: the workspace whose pages answers are made from. A changed page removes its answers.
        embedder: finds questions that mean the same; default: MiniLM, if it is installed.
        exact_only: use no embedder, and find only the same question.
        settings: see AnswerSettings.
        decide: replaces the decision.
        agrees: replaces the comparison of two answers in audits.
        seed: chooses the hits that are audited.

    Raises:
        ConfigError, AnswersError: the place cannot be used.

    Example:
        >>> with AnswerCache("answers") as cache:
        ...     answered = cache.ask("What are your opening hours?", answering)
        ...     print(answered.text, answered.how)
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        database: str | None = None,
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
        home = home_of(folder, database)
        self.folder = home.records
        chosen = None if exact_only else embedder or default_embedder()
        made = assemble(home, workspace, chosen, settings, decide, agrees, clock, seed)
        self.embedder, self.settings = chosen, settings
        self.store, self.lookups, self.keeper = made.store, made.lookups, made.keeper
        self.counters, self.audits, self.background = made.counters, made.audits, made.background
        self._nearest, self.hits = made.nearest, HitLog(made.store, clock)
        self._conversations = Conversations(self.lookups)
        parts = self.store, self.lookups, self.keeper, self.audits, self.counters, self.background
        self._asking = Asking(*parts, self.hits)
        self._closed = False

    # One step at a time

    def get(self, question: str, *, context: AnswerScope = EVERYWHERE) -> Answered | None:
        """The kept answer to a question, or None. Hits are not audited; for that use `ask`."""
        check_settings("AnswerCache.get", locals(), _ASKED)
        looked = self.lookups.look(question, context)
        self._maintain()
        if looked.entry is None:
            self._asking.count(looked)
            return None
        return self._asking.served(looked, looked.entry)

    def put(self, question: str, answer: str | Answer, *, context: AnswerScope = EVERYWHERE) -> KeptResult:
        """Keep an answer, unless a rule forbids it; the result says why. Raises AnswersError."""
        check_settings("AnswerCache.put", locals(), _ASKED)
        given = answer if isinstance(answer, Answer) else Answer(answer)
        kept = self.keeper.keep(self.lookups.unsearched(question, context), given)
        self._maintain()
        return kept

    async def aget(self, question: str, *, context: AnswerScope = EVERYWHERE) -> Answered | None:
        """`get` for asyncio."""
        return await asyncio.to_thread(self.get, question, context=context)

    async def aput(self, question: str, answer: str | Answer, *, context: AnswerScope = EVERYWHERE) -> KeptResult:
        """`put` for asyncio."""
        return await asyncio.to_thread(self.put, question, answer, context=context)

    # All at once

    def ask(
        self, question: str, answering: Answering, *, context: AnswerScope = EVERYWHERE, thread: str | None = None
    ) -> Answered:
        """The kept answer, or else that of ``answering``, which is kept if it may be.

        If several callers ask the same at once, one answer is made for all. Errors of ``answering`` are raised here,
        and nothing is kept then. ``thread`` names a conversation: a follow-up is answered with its last turns, and kept
        as the question that stands alone.
        """
        check_settings("AnswerCache.ask", locals(), _ASKED_FOR)
        if inspect.iscoroutinefunction(answering):
            raise ConfigError("answering is a coroutine function: await AnswerCache.aask with it")
        talk = self._conversations.begun(thread, question, context)
        way = Now(lambda one: talk.taken(answering(talk.asked(one))))
        answered = finished(self._asking.ask(question, talk.context, way, known=talk.known))
        self._conversations.ended(thread, talk, answered, context, self.keeper)
        self._maintain()
        return answered

    async def aask(
        self, question: str, answering: AsyncAnswering, *, context: AnswerScope = EVERYWHERE, thread: str | None = None
    ) -> Answered:
        """`ask` for asyncio. ``answering`` is a coroutine function."""
        check_settings("AnswerCache.aask", locals(), _ASKED_FOR)
        talk = self._conversations.begun(thread, question, context)

        async def made(one: str) -> Answer:
            return talk.taken(await answering(talk.asked(one)))

        answered = await self._asking.ask(question, talk.context, Later(made), known=talk.known)
        await asyncio.to_thread(self._conversations.ended, thread, talk, answered, context, self.keeper)
        self._maintain()
        return answered

    def cached(
        self, context: AnswerScope | Callable[..., AnswerScope] | None = None
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A decorator for a function that answers its first argument, a question, with a text or an Answer.

        The decorated function returns the text. ``context`` is an AnswerScope, or a function that makes one from the
        call's arguments; by default all arguments after the question are part of the key. Coroutine functions work too.

        Raises ConfigError for a function that streams.

        Example:
            >>> @cache.cached()
            ... def answer(question: str) -> str: ...
        """

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
                raise ConfigError(f"{function.__name__} streams: cache a function that returns the whole answer")
            if inspect.iscoroutinefunction(function):

                @wraps(function)
                async def acalled(*args: Any, **kwargs: Any) -> str:
                    call = question_of(function, args, kwargs)
                    own = context_of(context, function, call)
                    answered = await self.aask(
                        call.question, lambda one: function(one, *call.rest, **call.named), context=own
                    )
                    return answered.text

                return acalled

            @wraps(function)
            def called(*args: Any, **kwargs: Any) -> str:
                call = question_of(function, args, kwargs)
                own = context_of(context, function, call)
                return self.ask(call.question, lambda one: function(one, *call.rest, **call.named), context=own).text

            return called

        return decorate

    # Maintenance

    def explain(self, question: str, *, context: AnswerScope = EVERYWHERE, scope: str = "") -> Looked:
        """The result of a lookup, and why: the deciding rule, the candidates and their scores. It is not counted.

        ``scope`` replaces the context's scope, if only that is known (see ``store.scopes``).
        """
        check_settings("AnswerCache.explain", locals(), _ASKED)
        return self.lookups.look(question, context, scope)

    def drop(self, question: str, *, context: AnswerScope = EVERYWHERE, scope: str = "", entry: bool = False) -> str:
        """Drop the answer that a question is served now, because it is wrong for it. Returns that answer, or "".

        Neither this question nor its like gets it again: no question that is nearer to this one than to the question of
        the kept answer. If the question itself is kept, or with ``entry``, the kept answer is removed.

        Example:
            >>> cache.drop("Is ibuprofen safe while breastfeeding?")
        """
        check_settings("AnswerCache.drop", locals(), _ASKED)
        looked = self.lookups.look(question, context, scope)
        wrong = looked.entry
        if wrong is None:
            return ""
        if looked.how == "semantic" and looked.vector is not None and self.embedder is not None:
            self.store.drop(looked.scope, wrong.question, question, self.embedder.name, looked.vector)
        if looked.how == "exact" or entry:
            self.counters.add("invalidated.event", looked.kind, self.store.evict([wrong.n]))
        return wrong.answer

    def check(
        self, answering: Answering, *, context: AnswerScope = EVERYWHERE, most: int = 20, max_usd: float = 1.0
    ) -> list[AuditedAnswer]:
        """Answer again the entries that were unchecked for longest, and evict those that no longer agree.

        At most ``most`` entries, and about ``max_usd`` dollars.
        """
        return self.audits.check(scope_of(context), answering, most, max_usd)

    def judge(self, labelled: Sequence[Labelled]) -> Errors | None:
        """Measure the errors of the judge of answers, on labelled pairs that have both answers.

        From then on `stats` has them, and uses them to correct the audits. None if no pair has both answers.
        """
        found = self.audits.errors(labelled)
        if found is not None:
            write_errors(self.folder, found)
        return found

    def page(self, name: str) -> Source:
        """A page of the workspace as it is now, as a source for an answer. Raises ConfigError without a workspace."""
        if self.lookups.pages is None:
            raise ConfigError("this answer cache has no workspace: give AnswerCache(..., workspace=...)")
        return self.lookups.pages.source(name)

    def invalidate(
        self,
        source: str | None = None,
        *,
        tenant: str | None = None,
        user: str | None = None,
        everything: bool = False,
    ) -> int:
        """Remove all answers made from a source (a page, or another name), all of a tenant or a user, or all of them.

        With ``user`` those go that were kept for this user alone, among the ``tenant``'s ("" if it is not given). The
        tenant's other answers stay, as they were made from no user's records. Returns the number of answers removed.
        An answer that is being made from the source now will not be kept. Raises ConfigError.
        """
        named = tenant is not None and user is None
        if [source is not None, named, user is not None, everything].count(True) != 1:
            raise ConfigError("say what to invalidate: a source, or tenant=..., or user=..., or everything=True")
        if source is not None:
            gone = self.store.invalidate(source)
        elif user is not None:
            gone = self.store.remove_owner(owner_of(tenant or "", user))
        else:
            gone = self.store.remove_tenant(tenant) if tenant is not None else self.store.clear()
        self.counters.add("invalidated.event", "", gone)
        return gone

    def stats(self) -> dict[str, Any]:
        """The counts since the cache was made, over all processes: lookups, audits with their bound, savings."""
        self.keeper.sweep()
        self.counters.flush()
        return {**report(self.store.counts(), read_errors(self.folder)), "entries": self.store.count()}

    @property
    def vector_bytes(self) -> int:
        """Bytes of RAM that vectors take in this process."""
        return self._nearest.bytes if self._nearest else 0

    def settle(self) -> None:
        """Wait for work in the background: audits, checks, embedding. Raises its errors."""
        self.background.settle()

    async def asettle(self) -> None:
        """`settle`, with the tasks of the running loop."""
        await self.background.asettle()

    def close(self) -> None:
        """Stop work in the background and close the files. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self.background.end()
        if self.lookups.pages is not None:
            self.lookups.pages.close()
        self.counters.flush()
        self.hits.flush()
        self.store.close()

    def maintain(self) -> int:
        """Do the background's work now: remove expired entries, fill the index, read large scopes into RAM.

        Returns the number of rows that were moved into the index.
        """
        self.keeper.sweep()
        return self._nearest.catch_up() if self._nearest else 0

    def _maintain(self) -> None:
        """Start the work that lags behind, on the background thread."""
        if self._nearest is not None and self._nearest.lagging():
            self.background.once("index", self._nearest.catch_up)
