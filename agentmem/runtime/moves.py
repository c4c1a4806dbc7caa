"""Moves of a thread between an agent's models: to the place of its routes, to a fallback, and back.

Without routes the models are a chain, and the next one answers when one does not. With routes the router says which.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentmem.errors import RouteRefused
from agentmem.meter.ledger import RequestMeter
from agentmem.routing.router import NO_REASONS, RouteDecision
from agentmem.runtime.events import Switched
from agentmem.runtime.fallbacks import Lineup, Switch, Why, is_over
from agentmem.runtime.placing import Placing
from agentmem.runtime.session import Session
from agentmem.transcript.transcript import Opening
from agentmem.types import Block, Clock


@dataclass(frozen=True, slots=True)
class Moves:
    """The moves of an agent's threads. ``opening`` makes the settings of a new thread at the agent's own model."""

    opening: Callable[[], Opening]
    lineup: Lineup
    meter: RequestMeter
    clock: Clock
    placing: Placing | None

    def first(self, session: Session, task: Sequence[Block]) -> Opening:
        """The settings of a new thread. One that no target may have begins at the default, and is not sent there."""
        fresh, router = self.opening(), self._router
        found = router and self._decided(router, session, said=task)
        return router.settled(fresh, found.target) if router and found else fresh

    def next(self, session: Session, tried: Mapping[str, str] = NO_REASONS) -> Switch | None:
        """To the next model that may answer instead of those that were ``tried``; None if there is none."""
        if router := self._router:
            found = self._decided(router, session, tried=tried)
            return self._to(session, router, found.target) if found and found.target not in tried else None
        model = self.lineup.next(session.view.settings)
        return None if model is None else Switch(session, model, self.opening(), self.meter, self.clock())

    def back(self, session: Session) -> Switch | None:
        """The way back from a place that stood in for another one, if that is tried again now."""
        if router := self._router:
            found = self._decided(router, session, begins=True)
            return self._to(session, router, found.target) if found and found.kind == "lent" and found.moved else None
        if not (self.lineup.place(session.view.settings) and is_over(session, self.clock())):
            return None
        return Switch(session, self.lineup.models[0], self.opening(), self.meter, self.clock())

    def made(self, session: Session, placing: Placing, decision: RouteDecision) -> Iterator[Switched]:
        """Moves a thread to where it was routed. If its place only takes nothing now, that is for a while."""
        here = placing.name(session.view.opening)
        if decision.target == here:
            return
        why: Why = "outage" if placing.stands_in(decision, here) else "route"
        drafts, event = self._to(session, placing, decision.target).entries(why, decision.why, decision.why)
        session.append(*drafts)
        yield event

    @property
    def _router(self) -> Placing | None:
        return self.placing if self.placing and self.placing.live else None

    def _decided(
        self,
        router: Placing,
        session: Session,
        *,
        tried: Mapping[str, str] = NO_REASONS,
        said: Sequence[Block] = (),
        begins: bool = False,
    ) -> RouteDecision | None:
        """The decision; None if no target may have the request, which is said when it is to be sent."""
        try:
            return router.turn(session, self.meter.agent, tried, said=said, begins=begins)
        except RouteRefused:
            return None

    def _to(self, session: Session, router: Placing, target: str) -> Switch:
        fresh = router.settled(self.opening(), target)
        return Switch(session, router.model(target), fresh, router.meter(self.meter, target), self.clock())
