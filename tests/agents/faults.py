"""Faults that lose a prompt cache, as careless programs make them: fifteen causes, each in several ways."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.agents import support
from tests.agents.coding import START, Body, CodingAgent, Fault, Turn, mark, picture, unmarked

Traffic = Iterator[tuple[float, Body]]
Faulty = Callable[[int], Traffic]
"""Makes the traffic of an agent with a fault, from a seed."""

AT = 14
"""The turn at which faults of a moment come in."""


def agent(fault: Fault | None = None, **settings: Any) -> Faulty:
    return lambda seed: CodingAgent(seed, fault=fault, **settings).requests()


def _clock(turn: Turn) -> str:
    return datetime.fromtimestamp(turn.at, UTC).isoformat(timespec="seconds")


# volatile_text


def time_in_system(turn: Turn, body: Body) -> Body:
    body["system"][0]["text"] += f"\nThe current time is {_clock(turn)}."
    return body


def date_in_words(turn: Turn, body: Body) -> Body:
    now = datetime.fromtimestamp(turn.at + 40_000 * turn.number, UTC)
    body["system"].insert(1, {"type": "text", "text": f"Today is {now:%A, %d %B %Y}."})
    return body


def id_in_tool(turn: Turn, body: Body) -> Body:
    body["tools"][4]["description"] += f" Request {turn.dice.getrandbits(128):032x}."
    return body


def counter_in_first_message(turn: Turn, body: Body) -> Body:
    body["messages"][0]["content"][0]["text"] += f"\n(You have {100 - turn.number} steps left.)"
    return body


def status_in_system(turn: Turn, body: Body) -> Body:
    state = ("idle", "busy with a build", "waiting for a review")[turn.number % 3]
    body["system"][0]["text"] += f"\nThe repository is {state}."
    return body


# key_order


def schema_keys(turn: Turn, body: Body) -> Body:
    for tool in body["tools"]:
        items = list(tool["input_schema"]["properties"].items())
        turn.dice.shuffle(items)
        tool["input_schema"]["properties"] = dict(items)
    return body


def set_in_system(turn: Turn, body: Body) -> Body:
    names = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]
    turn.dice.shuffle(names)
    body["system"][0]["text"] += f"\nProjects: {', '.join(names)}."
    return body


def arguments_keys(turn: Turn, body: Body) -> Body:
    calls = [one for message in body["messages"] for one in message["content"] if one["type"] == "tool_use"]
    for call in calls[: turn.number // 2]:
        call["input"] = dict(sorted(call["input"].items()))
    return body


def json_in_message(turn: Turn, body: Body) -> Body:
    facts = {"branch": "main", "os": "linux", "shell": "zsh", "python": "three"}
    keys = sorted(facts, key=lambda _: turn.dice.random())
    body["messages"][0]["content"][0]["text"] += "\n" + json.dumps({key: facts[key] for key in keys})
    return body


# tools_changed, tool_order


def tool_added(turn: Turn, body: Body) -> Body:
    if turn.number >= AT:
        extra = {"name": "deploy", "description": "Puts a build on a server.", "input_schema": {"type": "object"}}
        body["tools"].append(extra)
    return body


def tool_removed(turn: Turn, body: Body) -> Body:
    if turn.number >= AT:
        del body["tools"][3]
    return body


def tool_rewritten(turn: Turn, body: Body) -> Body:
    if turn.number >= AT:
        body["tools"][2]["description"] = "Changes a file in place. The old text must occur exactly once in it."
    return body


def tools_shuffled(turn: Turn, body: Body) -> Body:
    turn.dice.shuffle(body["tools"])
    return body


def tools_sorted_once(turn: Turn, body: Body) -> Body:
    if turn.number >= AT:
        body["tools"].sort(key=lambda tool: str(tool["name"]))
    return body


# model_changed, effort_changed, tool_choice_changed


def cheaper_model_once(turn: Turn, body: Body) -> Body:
    return {**body, "model": "claude-haiku-5-5"} if turn.number == AT else body


def other_model_from(turn: Turn, body: Body) -> Body:
    return {**body, "model": "claude-opus-5"} if turn.number >= AT else body


def effort(turn: Turn, body: Body) -> Body:
    return {**body, "output_config": {"effort": "low" if turn.number % 7 == 3 else "high"}}


def thinking(turn: Turn, body: Body) -> Body:
    return {**body, "thinking": {"type": "adaptive"}} if turn.number >= AT else body


def forced_tool(turn: Turn, body: Body) -> Body:
    return {**body, "tool_choice": {"type": "tool", "name": "plan"}} if turn.number % 10 == 5 else body


def no_tool(turn: Turn, body: Body) -> Body:
    return {**body, "tool_choice": {"type": "none"}} if turn.number == AT else body


# history_edited


def _results(body: Body) -> list[Body]:
    return [one for message in body["messages"] for one in message["content"] if one["type"] == "tool_result"]


def old_results_cleared(turn: Turn, body: Body) -> Body:
    for result in _results(body)[:-3]:
        result["content"] = [{"type": "text", "text": "[old result cleared]"}]
    return body


def oldest_dropped(turn: Turn, body: Body) -> Body:
    """A sliding window: whole exchanges leave at the front, the task stays or not."""
    messages = body["messages"]
    while len(messages) > 16:
        del messages[0:2]
    if messages[0]["content"][0]["type"] == "tool_result":
        messages[0]["content"] = [{"type": "text", "text": "Please go on."}]
    return mark(unmarked(body))


def result_shortened(turn: Turn, body: Body) -> Body:
    results = _results(body)
    if turn.number >= AT and len(results) > 8:
        for result in results[4:8]:
            result["content"][0]["text"] = result["content"][0]["text"][:80] + " [...]"
    return body


def reply_rewritten(turn: Turn, body: Body) -> Body:
    if turn.number >= AT:
        body["messages"][3]["content"][0]["text"] = "I looked, and found nothing that matters."
    return body


# compaction

_SUMMARY = "This session continues an earlier conversation. Summary: the failing module was found, two files were " + (
    "changed and the tests of the parser pass; the router still fails under load. "
)


def _compacted(body: Body, keep: int, first: str) -> Body:
    tail = body["messages"][-keep:] if keep else []
    while tail and tail[0]["role"] != "assistant":
        tail = tail[1:]
    body["messages"] = [{"role": "user", "content": [{"type": "text", "text": first}]}, *tail]
    return mark(unmarked(body))


def compacted_for_good(turn: Turn, body: Body) -> Body:
    """From one turn on a summary stands for what was there at that turn."""
    if turn.number < 20:
        return body
    body["messages"] = body["messages"][: 2 * turn.number + 1]
    return _compacted(body, 2 * (turn.number - 20) + 7, _SUMMARY * 4)


def compacted_to_nothing(turn: Turn, body: Body) -> Body:
    if turn.number < 20:
        return body
    return _compacted(body, 2 * (turn.number - 20), _SUMMARY * 6)


def compacted_behind_the_task(turn: Turn, body: Body) -> Body:
    """The task stays where it is; a text that does not call itself a summary follows it."""
    if turn.number < 20:
        return body
    task = body["messages"][0]["content"][0]
    body = _compacted(body, 2 * (turn.number - 20) + 7, "Facts: " + "the router fails under load; " * 30)
    body["messages"][0]["content"].insert(0, task)
    return mark(unmarked(body))


# expiry, parallel_cold_start


def paused(minutes: float, **settings: Any) -> Faulty:
    """The whole agent waits, once, for so long."""

    def traffic(seed: int) -> Traffic:
        for number, (at, body) in enumerate(CodingAgent(seed, **settings).requests()):
            yield at + (60 * minutes if number >= AT else 0), body

    return traffic


def workers_at_once(seed: int) -> Traffic:
    """Five workers with the same tools and system prompt begin within a tenth of a second, then go their own ways."""
    parts = [CodingAgent(seed, turns=1).requests()]
    head = next(parts[0])[1]
    for worker in range(5):
        alone = CodingAgent(1000 * seed + worker, turns=10, started=START + 0.02 * worker)
        for at, body in alone.requests():
            shared = {"tools": head["tools"], "system": head["system"], "messages": body["messages"]}
            yield at, {**body, **shared}


def fan_out_cold(seed: int) -> Traffic:
    """One document and eight questions about it, all asked at the same moment."""
    [(at, body)] = CodingAgent(seed, turns=1).requests()
    document = {"type": "text", "text": "\n".join(block["text"] for block in body["system"]) * 3}
    document["cache_control"] = {"type": "ephemeral"}  # type: ignore[assignment]
    for number in range(8):
        question = {"type": "text", "text": f"What does section {number} say about retries?"}
        yield at + 0.01 * number, {**body, "messages": [{"role": "user", "content": [document, question]}]}


# below_minimum, breakpoint_missing, lookback_exceeded


def marked_head_only(turn: Turn, body: Body) -> Body:
    return mark(unmarked(body), tail=False)


def never_marked(turn: Turn, body: Body) -> Body:
    return unmarked(body)


def unmarked_for_a_while(turn: Turn, body: Body) -> Body:
    return mark(unmarked(body), tail=False) if AT <= turn.number < AT + 4 else body


def small_head_marked(turn: Turn, body: Body) -> Body:
    return mark(unmarked(body), tail=False)


# image_changed


def old_pictures_removed(turn: Turn, body: Body) -> Body:
    for result in _results(body)[:-6]:
        result["content"] = [
            {"type": "text", "text": "[picture removed]"} if one["type"] == "image" else one
            for one in result["content"]
        ]
    return body


def picture_encoded_anew(turn: Turn, body: Body) -> Body:
    body["messages"][0]["content"].insert(0, picture(turn.number))
    return body


SMALL: dict[str, Any] = {"words": 60, "tools": 3, "turns": 12, "calls": 1, "result_words": (8, 30)}

_CODING: dict[str, dict[str, Faulty]] = {
    "volatile_text": {
        one.__name__: agent(one)
        for one in (time_in_system, date_in_words, id_in_tool, counter_in_first_message, status_in_system)
    },
    "key_order": {one.__name__: agent(one) for one in (schema_keys, set_in_system, arguments_keys, json_in_message)},
    "tools_changed": {one.__name__: agent(one) for one in (tool_added, tool_removed, tool_rewritten)},
    "tool_order": {one.__name__: agent(one) for one in (tools_shuffled, tools_sorted_once)},
    "model_changed": {one.__name__: agent(one) for one in (cheaper_model_once, other_model_from)},
    "effort_changed": {one.__name__: agent(one) for one in (effort, thinking)},
    "history_edited": {
        one.__name__: agent(one) for one in (old_results_cleared, oldest_dropped, result_shortened, reply_rewritten)
    },
    "compaction": {
        one.__name__: agent(one) for one in (compacted_for_good, compacted_to_nothing, compacted_behind_the_task)
    },
    "expiry": {"six_minutes": paused(6), "twenty_minutes": paused(20), "two_hours": paused(120)},
    "below_minimum": {
        "short_prompts": agent(**SMALL, model="claude-haiku-4-5"),
        "small_head_marked": agent(small_head_marked, **{**SMALL, "turns": 30}, model="claude-opus-4-6"),
    },
    "breakpoint_missing": {one.__name__: agent(one) for one in (marked_head_only, never_marked, unmarked_for_a_while)},
    "lookback_exceeded": {"burst_of_12": agent(burst=12), "burst_of_30": agent(burst=30)},
    "parallel_cold_start": {"workers_at_once": workers_at_once, "fan_out_cold": fan_out_cold},
    "image_changed": {
        "first_picture_late": agent(pictures=(AT,)),
        "old_pictures_removed": agent(old_pictures_removed, pictures=(2, 5, 9, 16)),
        "picture_encoded_anew": agent(picture_encoded_anew),
    },
    "tool_choice_changed": {one.__name__: agent(one) for one in (forced_tool, no_tool)},
}


def chat(fault: Fault | None = None, **settings: Any) -> Faulty:
    return lambda seed: support.support(seed, fault=fault, **settings)


def _chats(*faults: Fault) -> dict[str, Faulty]:
    return {getattr(one, "__name__", "fault"): chat(one) for one in faults}


_SUPPORT: dict[str, dict[str, Faulty]] = {
    "volatile_text": _chats(
        support.time_in_front,
        support.session_at_the_end,
        support.greeting,
        support.memory_in_system,
        support.environment_in_first_words,
        support.fresh_as_of,
    ),
    "key_order": _chats(support.card_keys, support.result_keys, support.tags_in_lines),
    "tools_changed": _chats(
        support.tool_on_some_turns, support.tool_in_front, support.parameter_added, support.no_tools_once
    ),
    "tool_order": _chats(support.tools_rotated),
    "model_changed": _chats(support.models_in_turn),
    "effort_changed": _chats(support.thinking_budget),
    "history_edited": _chats(
        support.a_word_added, support.old_words_cut, support.last_twenty, support.last_twenty_of_a_form
    ),
    "compaction": _chats(support.summary_and_three_turns, support.summary_alone, support.summary_in_system),
    "expiry": {"slow_customer": support.slow_customer},
    "below_minimum": {"short_chat": chat(turns=6, words=50, asked=10, tools=False)},
    "breakpoint_missing": {
        **_chats(support.not_marked_twice, support.only_system_marked),
        "never_automatic": chat(automatic=False),
    },
    "parallel_cold_start": {"same_question_four_times": support.same_question_four_times},
    "image_changed": _chats(support.picture_removed, support.picture_swapped, support.picture_later),
    "tool_choice_changed": _chats(support.any_tool, support.no_parallel_calls),
}

FAULTS = {cause: {**ways, **_SUPPORT.get(cause, {})} for cause, ways in _CODING.items()}
"""Every cause, and the ways it is put in: into the coding agent, then into the support agent."""

CLEAN: dict[str, Faulty] = {
    "chat": chat(),
    "chat with thinking, which its model strips": chat(thinking=True, model="claude-sonnet-4-5"),
    "chat with thinking": chat(thinking=True, model="claude-opus-5"),
    "classifier": support.classifier,
}
"""Agents with nothing wrong, beside the long run of `clean`."""


def both(*faults: Fault) -> Fault:
    def fault(turn: Turn, body: Body) -> Body:
        for one in faults:
            body = one(turn, body)
        return body

    return fault


def _later(fault: Fault) -> Fault:
    return lambda turn, body: fault(replace(turn, number=turn.number - 6), body)


COMBINED: dict[str, tuple[set[str], Faulty]] = {
    "time in the system, tools in another order": (
        {"volatile_text", "tool_order"},
        agent(both(tools_sorted_once, time_in_system)),
    ),
    "another model, later another effort": (
        {"model_changed", "effort_changed"},
        agent(both(other_model_from, _later(thinking))),
    ),
    "a pause, and a tool added later": ({"expiry", "tools_changed"}, paused(15, fault=_later(tool_added))),
    "results shortened, and a burst of calls": (
        {"history_edited", "lookback_exceeded"},
        agent(result_shortened, burst=25),
    ),
    "compaction, and a first picture": ({"compaction", "image_changed"}, agent(compacted_for_good, pictures=(6,))),
}
"""Two faults in one agent each."""


def clean(seed: int, turns: int = 500) -> Traffic:
    """A long run without a fault, beside it a helper of its own that is asked now and then, and a cheap title-maker."""
    main = CodingAgent(seed, turns=turns, calls=2, result_words=(10, 60), pictures=())
    for number, (at, body) in enumerate(main.requests()):
        yield at, body
        if number % 50 == 20:
            helper = CodingAgent(seed + number, turns=6, started=at + 1.5, model="claude-opus-5")
            yield from helper.requests()
        if number % 100 == 0:
            title = {"role": "user", "content": [{"type": "text", "text": "Give this conversation a title."}]}
            yield at + 0.3, {"model": "claude-haiku-5-5", "max_tokens": 20, "messages": [title]}
