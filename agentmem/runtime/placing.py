"""Places the requests of an agent's threads: routes, on what a thread's transcript and the ledger tell.

A thread moves by an entry (`reconfigure`), so it says by itself where it is: after a kill and in a fork, too. What a
target takes now is one question for all: its rest after failures, its requests a minute, and what this request has
tried already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Protocol, runtime_checkable

from agentmem.context.view import View, key_of
from agentmem.context.window import extend
from agentmem.errors import RouteRefused
from agentmem.meter.ledger import RequestMeter, Row
from agentmem.models.hints import EngineHints, fields
from agentmem.routing import labels
from agentmem.routing.conversations import RoutedConversation
from agentmem.routing.health import Health
from agentmem.routing.history import SMALL as SUB_TASKS
from agentmem.routing.history import RouteHistory
from agentmem.routing.labels import RequestFacts
from agentmem.routing.live import LiveLedger, found_in, has_picture
from agentmem.routing.router import NO_REASONS, RouteDecision, RouteTable, decide
from agentmem.routing.routes import Routes
from agentmem.routing.targets import DEFAULT, RouteTarget, Tier
from agentmem.runtime.fallbacks import BY_WHY, FallbackRule, Lineup, title
from agentmem.runtime.session import Session, Sessions
from agentmem.transcript import transcript
from agentmem.transcript.delegates import owner
from agentmem.transcript.transcript import Opening
from agentmem.types import Block, Clock, Entry, Image, Model, ModelProfile, Request, Text

SUMMARY = "summary"
NO_HISTORY = RouteHistory()


@runtime_checkable
class KeepsRequests(Protocol):
    """A model that keeps requests for hours: it says if the one of a key waits there."""

    def pending(self, key: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Placing:
    """Where the requests of an agent run. Its methods may be called from several threads."""

    routes: Routes
    table: RouteTable
    lineup: Lineup
    sessions: Sessions
    clock: Clock
    ledger: LiveLedger
    health: Health = field(default_factory=Health)
    shadows: dict[str, RoutedConversation] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        """True if requests go where they are routed; else that is only written down."""
        return self.routes.mode == "live"

    def model(self, target: str) -> Model:
        """The model of a target."""
        named = {title(one.profile): one for one in self.lineup.models[1:]}
        return self.lineup.targets.get(target) or named.get(target) or self.lineup.models[0]

    def name(self, settings: Opening | None) -> str:
        """The target that a thread with these settings is at."""
        if settings is None:
            return DEFAULT
        if settings.target in self.lineup.targets:
            return settings.target
        place = self.lineup.place(settings)
        return title(self.lineup.models[place].profile) if place else DEFAULT

    def settled(self, fresh: Opening, target: str) -> Opening:
        """The settings of a thread at a target; ``fresh`` are those of a new one at the default."""
        profile, own = self.model(target).profile, self.table.targets[target]
        return replace(
            fresh,
            model=profile.name,
            provider=profile.provider,
            notes_in_results=profile.plain_turn_strips_thinking,
            options=own.options or fresh.options,
            target=target if target in self.lineup.targets else "",
        )

    def turn(
        self,
        session: Session,
        agent: str,
        tried: Mapping[str, str] = NO_REASONS,
        *,
        said: Sequence[Block] = (),
        begins: bool = False,
    ) -> RouteDecision:
        """Where the thread's next request goes. ``said`` is a first message that is not written yet; at the moment when
        a run ``begins``, a place that failed may be tried again. Raises RouteRefused.
        """
        facts = self._facts(session, agent, said)
        if self.waits(session) and not said:
            here = self.name(session.view.opening)
            return RouteDecision(here, "waits", "its batch was sent already", labels=labels.labels(facts, NO_HISTORY))
        if not self.live:
            return self._shadow(session, facts)
        conversation = self._lent(session, self._conversation(session, agent), begins=begins)
        return self._decided(facts, conversation, tried)

    def waits(self, session: Session) -> bool:
        """True if the thread's next request already waits in a batch: it stays as it is."""
        if self.table.targets[target := self.name(session.view.opening)].tier != "batch":
            return False
        model = self.model(target)
        return isinstance(model, KeepsRequests) and model.pending(key_of(session.thread, session.view))

    def summary(self, session: Session, view: View, agent: str) -> tuple[Model, View, RouteDecision]:
        """Where the request for a summary goes: by default through the conversation's warm prefix.

        The view is as the model of that place takes it. Raises RouteRefused.
        """
        here = self.name(session.view.opening)
        facts = replace(self._facts(session, agent, ()), purpose=SUMMARY)
        if not self.live:
            return self.model(here), view, RouteDecision(here, "shadow", "nothing is routed in shadow mode")
        conversation = replace(self._conversation(session, agent), target=here)
        decision = self._decided(facts, conversation, NO_REASONS)
        if decision.target == here:
            return self.model(here), view, decision
        moved = transcript.reconfigure(self.settled(view.settings, decision.target))
        entry = Entry(session.thread, view.seq + 1, "", moved.kind, moved.data, "", moved.known)
        return self.model(decision.target), extend(view, entry), decision

    def hinted(self, request: Request, decision: RouteDecision | None) -> Request:
        """The request with what its server wants to be told of it, if the target says which kind of server it is."""
        engine = self.table.targets[decision.target].hints if decision else None
        if engine is None or decision is None:
            return request
        known = {name: label.value for name, label in decision.labels.items()}
        background = known.get("urgency") == "batch" or known.get("purpose") in SUB_TASKS
        output = round(self.ledger.history().shape(known.get("purpose", "")).output)
        return replace(request, extra=fields(engine, EngineHints(output, background)))

    def meter(self, meter: RequestMeter, target: str) -> RequestMeter:
        """The meter of the requests at a target."""
        own = self.table.targets[target]
        lent = own.price_as if target in self.lineup.targets else meter.price_as
        return replace(meter.on(self.model(target).profile), price_as=lent)

    def metered(self, row: Row, decision: RouteDecision | None) -> Row:
        """The row with where it ran and why, at the target's own prices if it has some."""
        if decision is None:
            return row
        own = self.table.targets[decision.target]
        row = replace(row, route=decision.routed(own.tier))
        if row.error is not None or own.rates is None or (own.price is None and own.share == 1):
            return row
        return replace(row, cost_usd=own.rates.cost(row.usage))

    def sent(self, target: str) -> None:
        """Notes that a request begins."""
        self.health.sent(target, self.clock())

    def answered(self, row: Row, view: View) -> None:
        """Notes an answer and its row."""
        self.health.answered(row.route.target if row.route else DEFAULT)
        self.ledger.add(row, sum(one.tokens for one in view.prefix))

    def failed(self, target: str, *, helps: bool) -> None:
        """Notes an error; ``helps``: another target may answer, so it is this one's. Else it has answered."""
        if helps:
            self.health.failed(target, self.clock())
        else:
            self.health.answered(target)

    def stands_in(self, decision: RouteDecision, here: str) -> bool:
        """True if a thread leaves ``here`` only for a while, because it takes nothing now."""
        return decision.kind == "leave" and here in self._closed(self.clock(), NO_REASONS)

    def _decided(
        self, facts: RequestFacts, conversation: RoutedConversation, tried: Mapping[str, str]
    ) -> RouteDecision:
        at = self.clock()
        return decide(self.table, facts, conversation, self.ledger.history(), at, self._closed(at, tried))

    def _closed(self, at: float, tried: Mapping[str, str]) -> Mapping[str, str]:
        named = self.table.targets.items()
        found = {name: why for name, one in named if (why := self.health.why_not(name, at, one.per_minute))}
        return {**found, **tried}

    def _conversation(self, session: Session, agent: str) -> RoutedConversation:
        """The thread as the router sees it. It is nowhere yet before its first request."""
        known, view = session.tally.routed, session.view
        if session.tally.last is None and view.cut is None and _stood_in(session) is None:
            return RoutedConversation(places=self.ledger.heads(agent), private=known.private)
        if known.cut:
            known = known.capped(session.tally.calibration.estimate(sum(one.tokens for one in view.prefix)))
        return replace(known, target=self.name(view.opening))

    def _lent(self, session: Session, known: RoutedConversation, *, begins: bool) -> RoutedConversation:
        switched, rule = session.tally.switched, _stood_in(session)
        if switched is None or rule is None:
            return known
        until = switched["at"] + rule.back_after if begins else inf
        return replace(known, lent=str(switched["says"]), lent_until=until)

    def _facts(self, session: Session, agent: str, said: Sequence[Block]) -> RequestFacts:
        self._look(session)
        view, known = session.view, session.tally
        given = {**self.routes.labels, **labels.said()}
        return RequestFacts(
            size=self._size(session, said),
            tokens=known.calibration.estimate(view.tokens),
            image=session.pictured or any(isinstance(one, Image) for one in said),
            private=self._private(session, agent, said),
            agent=agent,
            thread=session.thread,
            given=given,
        )

    def _size(self, session: Session, said: Sequence[Block]) -> str:
        """The class of model that the first question of a thread needs. It stays so: no turn changes it."""
        if self.routes.difficulty is None or session.tally.routed.size:
            return session.tally.routed.size if self.routes.difficulty else ""
        if not session.size:
            text = "\n\n".join(one.text for one in said if isinstance(one, Text)) or _first_words(session)
            session.size = "large" if not text or self.routes.difficulty.needs_large(text) else "small"
        return session.size

    def _private(self, session: Session, agent: str, said: Sequence[Block] = ()) -> str:
        """Why a thread is private: by its names, by an earlier request, by the thread it works for, or by a text."""
        privacy, above = self.routes.privacy, owner(session.thread)
        session.private = (
            session.private
            or session.tally.routed.private
            or privacy.of_names(session.thread, agent)
            or privacy.of_texts(one.text for one in said if isinstance(one, Text))
            or (self._above(above, agent) if above else "")
        )
        return session.private

    def _above(self, thread: str, agent: str) -> str:
        """Why the thread that a delegate works for is private."""
        session = self.sessions[thread].refresh()
        self._look(session)
        return self._private(session, agent)

    def _look(self, session: Session) -> None:
        """Looks through the frames that came since the last look. Every frame is looked through before it is sent."""
        view, (cuts, turns), privacy = session.view, session.looked, self.routes.privacy
        again = cuts != view.cuts
        fresh = view.turns if again else view.turns[max(0, turns - 1) :]
        frames = [one for turn in fresh for one in turn.frames]
        session.private = session.private or found_in((*(view.prefix if again else ()), *frames), privacy)
        session.pictured = any(has_picture(one.value) for one in frames) or (session.pictured and not again)
        session.looked = (view.cuts, len(view.turns))

    def _shadow(self, session: Session, facts: RequestFacts) -> RouteDecision:
        """What would have been decided; the request stays at the thread's place."""
        here, at = self.name(session.view.opening), self.clock()
        known, last = self.shadows.get(session.thread, RoutedConversation()), session.tally.last
        if known.target and session.tally.routed.cut and not known.cut:
            known = known.after_cut(session.tally.calibration.estimate(sum(one.tokens for one in session.view.prefix)))
        try:
            found = decide(self.table, facts, known, self.ledger.history(), at)
        except RouteRefused as error:
            return RouteDecision(here, "shadow", f"in shadow mode; it would have been refused: {error}")
        output = last.usage.output_tokens if last else 0
        self.shadows[session.thread] = known.after(found.target, facts.tokens, output, at)
        why = f"in shadow mode; it would have been at {found.target}: {found.why}"
        return replace(found, target=here, kind="shadow", why=why, moved=False, lost_tokens=0)


def _first_words(session: Session) -> str:
    """The texts of the first message of a person that the view still has."""
    for turn, origins in zip(session.view.turns, session.view.origins, strict=True):
        said = [one.value.get("text") for one, of in zip(turn.frames, origins, strict=True) if of.kind == "user"]
        if texts := [one for one in said if isinstance(one, str)]:
            return "\n\n".join(texts)
    return ""


def _stood_in(session: Session) -> FallbackRule | None:
    """The rule by which the thread is at a place that stands in for another; None if it does not."""
    switched = session.tally.switched
    return BY_WHY.get(switched["why"]) if switched else None


def own_target(name: str, model: Model, tier: Tier | None = None, price_as: str | None = None) -> RouteTarget:
    """The target of an agent's own model, or of a fallback."""
    return RouteTarget(name, model, tier or tier_of(model.profile), price_as=price_as)


def tier_of(profile: ModelProfile) -> Tier:
    """The tier of a model by its profile. A script runs on this machine."""
    return "cloud" if profile.tier == "cloud" else "local"


def placing_of(
    routes: Routes | None, lineup: Lineup, sessions: Sessions, clock: Clock, price_as: str | None = None
) -> Placing | None:
    """The placing of an agent whose models are in ``lineup``; None without routes. Raises ConfigError for rules that do
    not fit it.
    """
    if routes is None:
        return None
    first, *others = lineup.models
    default = own_target(DEFAULT, first, routes.tier, price_as)
    table = routes.table(default, [own_target(title(one.profile), one) for one in others])
    return Placing(routes, table, lineup, sessions, clock, LiveLedger(sessions.journal))
