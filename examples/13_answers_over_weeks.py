"""Six weeks of a support desk's answer cache, played in a second: no stale answer is served.

The published design end to end: a threshold for each query type, lifetimes by content, pages that change, prices that
expire, an event that withdraws a source, checks on a schedule, and a wrong hit that is dropped. The clock is set by
hand and the desk is a function, so no model is needed; the cache, its embedder and its files are real.
"""

import tempfile
from random import Random

from agentmem import Answer, AnswerCache, Workspace
from agentmem.answers import AnswerSettings, Checks, Source

HOUR, DAY = 3600.0, 86_400.0

THRESHOLDS = {"faq": 0.94, "search": 0.88, "support": 0.92, "transactional": 0.97}
"""The published thresholds, as they stand."""
WEEKS, EACH_HOUR = 6, 3

ASKED = {
    "returns": ("How do I return shoes?", "How can I return shoes?", "how do i return  shoes"),
    "hours": ("What are the opening hours of the shop?", "What are the shop's opening hours?"),
    "price": ("How much does the basic plan cost?", "What does the basic plan cost?"),
    "stock": ("Which colours does the tent come in?", "What colours does the tent come in?"),
    "recall": ("Which stove does the shop recommend?", "Which stove is recommended by the shop?"),
    "warranty": ("What does the warranty cover?", "What is covered by the warranty?"),
}
CONTENT = {
    "returns": "policy",
    "hours": "faq",
    "price": "price",
    "stock": "product",
    "recall": "faq",
    "warranty": "faq",
}
PAGES = {"returns": "returns.md", "hours": "hours.md"}
"""Questions that are answered from pages of the workspace."""


class Desk:
    """What is true now, and who asks what."""

    def __init__(self, pages: Workspace) -> None:
        self.now, self.random, self.pages = 0.0, Random(7), pages
        self.truth = {name: f"{name}: as of day 0" for name in ASKED}
        self.asked = self.hits = self.stale = self.made = 0
        for name, page in PAGES.items():
            pages.write(page, f"# {name}\n\n{self.truth[name]}\n")

    def answer(self, question: str) -> Answer:
        """The answer that is true now, with its sources."""
        self.made += 1
        name = next(one for one, wordings in ASKED.items() if question in wordings)
        sources = (cache.page(PAGES[name]),) if name in PAGES else (Source(f"supplier:{name}"),)
        lasts = 4 * HOUR - self.now % (4 * HOUR) if name == "price" else None  # the price list says until when
        return Answer(self.truth[name], content=CONTENT[name], sources=sources, usd=0.004, lasts=lasts)

    def change(self, name: str, *, silently: bool = False) -> None:
        """Something becomes another truth. A page is edited, a supplier sends an event; a silent one tells nobody."""
        old, self.truth[name] = self.truth[name], f"{name}: as of day {self.now / DAY:.0f}"
        if name in PAGES:
            self.pages.replace(PAGES[name], old, self.truth[name])
        elif not silently:
            cache.invalidate(f"supplier:{name}")

    def ask(self) -> None:
        """One question of a customer."""
        name = self.random.choice(list(ASKED))
        given = cache.ask(self.random.choice(ASKED[name]), self.answer)
        self.asked += 1
        self.hits += given.how != "fresh"
        self.stale += given.text != self.truth[name]


LIKE = "what does a stove weigh usually"
CALENDAR = {5: "returns", 9: "stock", 13: "hours", 17: "recall", 24: "returns", 31: "warranty", 36: "hours"}
"""The day on which something changes. On day 17 the supplier withdraws the stove: an event."""

with tempfile.TemporaryDirectory() as folder, Workspace(folder) as pages:
    desk = Desk(pages)
    settings = AnswerSettings(audit=0.02, thresholds=THRESHOLDS, checks=Checks(every=6 * HOUR, most=5))
    with AnswerCache(f"{folder}/.cache", workspace=pages, settings=settings, clock=lambda: desk.now) as cache:
        for hour in range(WEEKS * 7 * 24):
            desk.now = hour * HOUR
            if hour % 24 == 9 and (name := CALENDAR.get(hour // 24)):
                desk.change(name)
            if hour % 4 == 0:  # nobody tells of a new price: the answer has its date
                desk.change("price", silently=True)
            for _ in range(EACH_HOUR):
                desk.ask()
            cache.settle()
        stats = cache.stats()
        gone = ", ".join(f"{count} by {name}" for name, count in stats["invalidated"].items())
        print(f"{WEEKS} weeks, {desk.asked:,} questions: {desk.hits / desk.asked:.1%} hits, {desk.stale} stale answers")
        print(
            f"answers removed: {gone}; {stats['freshness']['checked']} checked on schedule, "
            f"{stats['freshness']['stale']} of them stale"
        )
        print(
            f"the desk answered {desk.made:,} times, audits and checks included; {stats['saved_usd']:.2f} dollars saved"
        )

        cache.put("What does the stove weigh?", "One kilogram.")
        near = "What does a stove weigh?"
        print(f"a wrong hit: {near!r} is served {cache.get(near)}")
        print(f"dropped: {cache.drop(near)!r}; now it is served {cache.get(near)}, and its like {cache.get(LIKE)}")
        print(f"the stove itself: {cache.get('What does the stove weigh?')}")
        if desk.stale:
            raise SystemExit("a stale answer was served")
