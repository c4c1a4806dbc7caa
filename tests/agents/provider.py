"""The provider's side of made-up traffic: usage by its cache rules, and the lines of a wire log."""

import random
from collections.abc import Iterable, Iterator
from typing import Any

from agentmem.kvcache.frames import Frames
from agentmem.kvcache.prompts import body_prompt
from agentmem.kvcache.rules import rules
from agentmem.kvcache.simulated.events import ServerAnswer, message
from agentmem.kvcache.simulated.simulator import Simulator

Line = dict[str, Any]


def answered(requests: Iterable[tuple[float, dict[str, Any]]], seed: int = 0) -> Iterator[Line]:
    """The wire log of Anthropic's requests, given as (when, body), with the usage that its rules make."""
    cache, dice = Simulator(rules), random.Random(seed)
    make = Frames()

    for at, body in sorted(requests, key=lambda one: one[0]):
        first, seconds = dice.uniform(0.6, 2.0), dice.uniform(2.0, 3.5)
        outcome = cache.send(body_prompt(body, make), at, first)
        reply = message(body["model"], ServerAnswer.text("ok"), outcome, False)
        yield {
            "at": at,
            "path": "/v1/messages",
            "request": body,
            "response": reply,
            "status": 200,
            "seconds": seconds,
            "first_byte_after": first,
            "complete": True,
            "basis": "simulated",
        }
