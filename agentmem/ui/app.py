"""The routes of the served page: the page itself, and the JSON that a saved page has in it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentmem.report.data import Gathered
from agentmem.ui.changes import changes
from agentmem.ui.search import search, within
from agentmem.ui.shelf import Changed, SessionShelf
from agentmem.ui.titles import title
from agentmem.ui.watching import Watcher

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

ASKED = 400
"""Blocks, or titles, that one request may ask for."""
BEAT = 10.0
"""Seconds after which a silent stream of events says that it lives."""


class PageRoutes:
    """What is answered to each address. ``text`` is the page."""

    def __init__(self, shelf: SessionShelf, watcher: Watcher, text: str) -> None:
        self._shelf, self._watcher, self._text = shelf, watcher, text
        self._titles: dict[str, str] = {}
        self.ends = asyncio.Event()

    def page(self, request: "Request") -> "Response":
        """The page without any data: it asks for them with the token."""
        from starlette.responses import HTMLResponse

        return HTMLResponse(self._text)

    def sessions(self, request: "Request") -> "Response":
        """The list."""
        return _json({**self._shelf.listing(), "ready": self._watcher.ready.is_set()})

    def titles(self, request: "Request") -> "Response":
        """The first words of some sessions, by id."""
        ids = request.query_params.get("ids", "").split(",")[:ASKED]
        for id in ids:
            if id not in self._titles:
                self._titles[id] = title(Path(self._shelf.family(id).path))
        return _json({id: self._titles[id] for id in ids})

    def session(self, request: "Request") -> "Response":
        """One session. Unless the whole is asked for, its numbers alone where only those are at hand.

        ``since`` names a version that the page has: then what changed since, if that is still known.
        """
        id = request.path_params["id"]
        quick = not request.query_params.get("whole") and self._shelf.known(id) is None
        data = self._shelf.rows(id) if quick else None
        if data is not None:
            return _json(data)
        whole = self._shelf.whole(id).data
        before = self._shelf.version(id, request.query_params.get("since", ""))
        return _json(whole if before is None else {"changes": changes(before, whole)})

    def bodies(self, request: "Request") -> "Response":
        """The texts of some blocks."""
        asked = [int(one) for one in request.query_params.get("ids", "").split(",")[:ASKED] if one]
        return _json(self._whole(request).bodies(asked))

    def difference(self, request: "Request") -> "Response":
        """What changed at an event."""
        return _json(self._whole(request).difference(int(request.path_params["event"])))

    def search(self, request: "Request") -> "Response":
        """Words in all sessions."""
        start = int(request.query_params.get("start", "0"))
        return _json(search(self._shelf, request.query_params.get("q", ""), max(0, start)))

    def search_one(self, request: "Request") -> "Response":
        """Words in one session."""
        places = within(self._whole(request), request.query_params.get("q", ""))
        found = [one.value() for one, _ in zip(places, range(ASKED), strict=False)]
        return _json({"words": request.query_params.get("q", ""), "places": found})

    async def events(self, request: "Request") -> "Response":
        """Server-sent events: ``changed`` with the ids of sessions that grew, and how many files are not read yet."""
        from starlette.responses import StreamingResponse

        loop, waiting = asyncio.get_running_loop(), asyncio.Queue[Changed]()

        def heard(changed: Changed) -> None:
            with suppress(RuntimeError):  # the loop may have ended by now
                loop.call_soon_threadsafe(waiting.put_nowait, changed)

        stop = self._watcher.listen(heard)
        return StreamingResponse(self._stream(waiting, stop), media_type="text/event-stream")

    async def _stream(self, waiting: "asyncio.Queue[Changed]", stop: Callable[[], None]) -> AsyncIterator[str]:
        asked, ended = asyncio.ensure_future(waiting.get()), asyncio.ensure_future(self.ends.wait())
        try:
            yield "event: hello\ndata: {}\n\n"
            while not ended.done():
                await asyncio.wait((asked, ended), timeout=BEAT, return_when=asyncio.FIRST_COMPLETED)
                if asked.done():
                    changed = asked.result()
                    asked = asyncio.ensure_future(waiting.get())
                    told = json.dumps({"sessions": sorted(changed.sessions), "unread": changed.unread})
                    yield f"event: changed\ndata: {told}\n\n"
                elif not ended.done():
                    yield ": alive\n\n"
        finally:
            stop()
            asked.cancel()
            ended.cancel()

    def _whole(self, request: "Request") -> Gathered:
        return self._shelf.whole(request.path_params["id"])


def app(pages: PageRoutes) -> "Starlette":
    """The application. What is not there, or asked for wrongly, is 404 or 400 with a sentence."""
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    def missing(request: "Request", error: Exception) -> "Response":
        return PlainTextResponse("There is no such session here, or it is gone.", 404)

    def wrong(request: "Request", error: Exception) -> "Response":
        return PlainTextResponse(f"This cannot be asked: {error}", 400)

    routes = [
        Route("/", pages.page),
        Route("/api/sessions", pages.sessions),
        Route("/api/titles", pages.titles),
        Route("/api/search", pages.search),
        Route("/api/events", pages.events),
        Route("/api/sessions/{id}", pages.session),
        Route("/api/sessions/{id}/bodies", pages.bodies),
        Route("/api/sessions/{id}/diffs/{event:int}", pages.difference),
        Route("/api/sessions/{id}/search", pages.search_one),
    ]
    return Starlette(routes=routes, exception_handlers={KeyError: missing, IndexError: missing, ValueError: wrong})


def _json(value: Any) -> "Response":
    from starlette.responses import Response

    return Response(json.dumps(value, separators=(",", ":"), allow_nan=False), media_type="application/json")
