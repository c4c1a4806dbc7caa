"""Single flight between tasks; between threads see test_cache.py."""

import asyncio

from agentmem.answers.asking import Flights

MANY = 100


def shared(text: str) -> bool:
    return text != "mine alone"


def test_a_hundred_tasks_make_one_call() -> None:
    """In one event loop."""
    flights: Flights[str] = Flights(shared)
    calls = []

    async def work() -> str:
        calls.append(1)
        await asyncio.sleep(0)
        return "an answer"

    async def ask() -> list[tuple[str, bool]]:
        return await asyncio.gather(*(flights.arun("key", work) for _ in range(MANY)))

    results = asyncio.run(ask())
    assert calls == [1]
    assert [by_another for _, by_another in results].count(True) == MANY - 1


def test_an_error_is_everybodys() -> None:
    """Nobody asks again what just failed; the next call does."""
    flights: Flights[str] = Flights(shared)
    calls = []

    async def work() -> str:
        calls.append(1)
        await asyncio.sleep(0)
        raise ValueError("no answer")

    async def ask() -> list[object]:
        return list(await asyncio.gather(*(flights.arun("key", work) for _ in range(5)), return_exceptions=True))

    assert [str(one) for one in asyncio.run(ask())] == ["no answer"] * 5
    assert calls == [1]
    assert flights.run("key", lambda: "now") == ("now", False)


def test_a_cancelled_leader_does_not_cancel_the_others() -> None:
    """One of those who waited leads then."""
    flights: Flights[str] = Flights(shared)
    calls = []

    async def work() -> str:
        calls.append(1)
        await asyncio.sleep(0 if len(calls) > 1 else 3600)
        return "an answer"

    async def ask() -> list[object]:
        tasks = [asyncio.ensure_future(flights.arun("key", work)) for _ in range(4)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    first, *rest = asyncio.run(ask())
    assert isinstance(first, asyncio.CancelledError)
    assert [one[0] for one in rest if isinstance(one, tuple)] == ["an answer"] * 3
    assert len(calls) == 2


def test_what_is_not_to_be_shared_is_made_for_each() -> None:
    """An answer that may not be kept goes to nobody else."""
    flights: Flights[str] = Flights(shared)
    calls = []

    async def work() -> str:
        calls.append(1)
        await asyncio.sleep(0)
        return "mine alone"

    async def ask() -> list[tuple[str, bool]]:
        return await asyncio.gather(*(flights.arun("key", work) for _ in range(3)))

    assert [by_another for _, by_another in asyncio.run(ask())] == [False] * 3
    assert len(calls) == 3


def test_work_that_asks_itself_does_not_wait_for_itself() -> None:
    """In a thread, in a task, and from a loop's own thread."""
    flights: Flights[str] = Flights(shared)
    assert flights.run("key", lambda: flights.run("key", lambda: "inner")[0])[0] == "inner"

    async def outer() -> str:
        return (await flights.arun("key", inner))[0]

    async def inner() -> str:
        return flights.run("key", lambda: "innermost")[0]

    assert asyncio.run(flights.arun("key", outer)) == ("innermost", False)
