"""A support agent's traffic: a chat with a customer, in the short forms of the API, with an automatic breakpoint.

System prompt and texts are strings, results are JSON, and there are several requests between a customer's words.
"""

import copy
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tests.agents.coding import Body, Fault, Turn, picture

START = 1_800_000_000.0
WORDS = """
    Customers may return goods within a month if unused. Refunds go to the original card. Shipping is free above a
    limit and costs little below it. Escalate angry customers to a person. Never promise what logistics denies.
""".split()  # noqa: SIM905 (a list of forty strings reads worse)
TOOLS = ("order_lookup", "refund", "ship_status", "escalate")
AT = 9


def support(
    seed: int,
    turns: int = 20,
    model: str = "claude-opus-4-8",
    words: int = 1500,
    asked: int = 60,
    automatic: bool = True,
    thinking: bool = False,
    tools: bool = True,
    fault: Fault | None = None,
) -> Iterator[tuple[float, Body]]:
    """(When, body) of each request; ``Turn.number`` counts the customer's turns. ``asked``: words of a question."""
    dice = random.Random(seed)
    at = START

    def words_(count: int) -> str:
        return " ".join(dice.choices(WORDS, k=count))

    cards = [_card(name, words_(30), words_(5)) for name in TOOLS] if tools else []
    body: Body = {"model": model, "max_tokens": 9000, "system": f"You support a shop.\n{words_(words)}", "messages": []}
    body |= {"tools": cards} if tools else {}
    body |= {"cache_control": {"type": "ephemeral"}} if automatic else {}
    for number in range(turns):
        body["messages"].append({"role": "user", "content": f"{words_(asked)}?"})
        for _ in range(dice.randint(0, 2) if tools else 0):
            sent = copy.deepcopy(body)
            yield at, fault(Turn(number, at, dice), sent) if fault else sent
            at += dice.uniform(3, 20)
            thought = [{"type": "thinking", "thinking": words_(20), "signature": f"s{dice.getrandbits(50):x}"}]
            body["messages"] += _looked_up(dice, words_(5), words_(3), thought * thinking)
        sent = copy.deepcopy(body)
        yield at, fault(Turn(number, at, dice), sent) if fault else sent
        at += dice.uniform(5, 60)
        body["messages"].append({"role": "assistant", "content": words_(40)})


def _card(name: str, about: str, question: str) -> Body:
    properties = {"id": {"type": "string"}, "q": {"type": "string", "description": question}}
    return {"name": name, "description": about, "input_schema": {"type": "object", "properties": properties}}


def _looked_up(dice: random.Random, said: str, question: str, thought: list[Body]) -> list[Body]:
    identity = f"toolu_{dice.getrandbits(40):010x}"
    call = {"type": "tool_use", "id": identity, "name": "order_lookup", "input": {"id": "A", "q": question}}
    items = [" ".join(dice.choices(WORDS, k=3)) for _ in range(dice.randint(2, 20))]
    content = json.dumps({"status": question, "items": items, "total": dice.randint(3, 300)})
    return [
        {"role": "assistant", "content": [*thought, {"type": "text", "text": said}, call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": identity, "content": content}]},
    ]


def _said(body: Body) -> list[Body]:
    """What the customer said."""
    return [one for one in body["messages"] if one["role"] == "user" and isinstance(one["content"], str)]


# volatile_text


def time_in_front(turn: Turn, body: Body) -> Body:
    return {**body, "system": f"[{datetime.fromtimestamp(turn.at, UTC)}] {body['system']}"}


def session_at_the_end(turn: Turn, body: Body) -> Body:
    return {**body, "system": f"{body['system']}\nsession={UUID(int=turn.dice.getrandbits(128))}"}


def greeting(turn: Turn, body: Body) -> Body:
    return {**body, "system": f"{turn.dice.choice(('Hello!', 'Good day.', 'Welcome back.'))} {body['system']}"}


def memory_in_system(turn: Turn, body: Body) -> Body:
    lately = "\n".join(str(one["content"])[:30] for one in body["messages"][-3:])
    return {**body, "system": f"{body['system']}\n# Memory\n{lately}"}


def environment_in_first_words(turn: Turn, body: Body) -> Body:
    now = datetime.fromtimestamp(turn.at, UTC)
    body["messages"][0]["content"] = f"<env>now: {now:%c}</env>\n{body['messages'][0]['content']}"
    return body


def fresh_as_of(turn: Turn, body: Body) -> Body:
    body["tools"][0]["description"] += f" (data as of {datetime.fromtimestamp(turn.at, UTC):%H:%M:%S})"
    return body


# key_order


def card_keys(turn: Turn, body: Body) -> Body:
    body["tools"] = [dict(turn.dice.sample(list(card.items()), k=len(card))) for card in body["tools"]]
    return body


def result_keys(turn: Turn, body: Body) -> Body:
    for message in body["messages"]:
        for block in message["content"] if isinstance(message["content"], list) else ():
            if block["type"] == "tool_result":
                items = list(json.loads(block["content"]).items())
                block["content"] = json.dumps(dict(turn.dice.sample(items, k=len(items))))
    return body


def tags_in_lines(turn: Turn, body: Body) -> Body:
    tags = ["- vip", "- new", "- business", "- abroad"]
    return {**body, "system": "\n".join([body["system"], *turn.dice.sample(tags, k=4)])}


# tools_changed, tool_order


def tool_on_some_turns(turn: Turn, body: Body) -> Body:
    return {**body, "tools": body["tools"][:-1]} if turn.number % 4 == 3 else body


def tool_in_front(turn: Turn, body: Body) -> Body:
    coupon = {"name": "coupon", "description": "Gives a coupon.", "input_schema": {"type": "object"}}
    return {**body, "tools": [coupon, *body["tools"]]} if turn.number >= AT else body


def parameter_added(turn: Turn, body: Body) -> Body:
    if turn.number >= AT:
        body["tools"][1]["input_schema"]["properties"]["reason"] = {"type": "string"}
    return body


def no_tools_once(turn: Turn, body: Body) -> Body:
    return {**body, "tools": []} if turn.number == AT else body


def tools_rotated(turn: Turn, body: Body) -> Body:
    first = turn.number % 4
    return {**body, "tools": body["tools"][first:] + body["tools"][:first]}


# model_changed, effort_changed, tool_choice_changed


def models_in_turn(turn: Turn, body: Body) -> Body:
    return {**body, "model": "claude-sonnet-5"} if turn.number % 5 == 4 else body


def thinking_budget(turn: Turn, body: Body) -> Body:
    return {**body, "thinking": {"type": "enabled", "budget_tokens": 2000 if turn.number % 6 else 4000}}


def any_tool(turn: Turn, body: Body) -> Body:
    return {**body, "tool_choice": {"type": "any"}} if turn.number in (7, 15) else body


def no_parallel_calls(turn: Turn, body: Body) -> Body:
    return {**body, "tool_choice": {"type": "auto", "disable_parallel_tool_use": turn.number > 10}}


# history_edited


def a_word_added(turn: Turn, body: Body) -> Body:
    if turn.number >= AT:
        body["messages"][0]["content"] += " (edited)"
    return body


def old_words_cut(turn: Turn, body: Body) -> Body:
    for message in body["messages"][:-4]:
        if isinstance(message["content"], str):
            message["content"] = message["content"][:60]
    return body


def last_twenty(turn: Turn, body: Body) -> Body:
    messages = body["messages"][-20:]
    while messages[0] not in _said(body):
        messages = messages[1:]
    return {**body, "messages": messages}


def last_twenty_of_a_form(turn: Turn, body: Body) -> Body:
    """What the customer says differs in a number only."""
    for number, said in enumerate(_said(body)):
        said["content"] = f"Form {number}: " + "where is the parcel of my last order? " * 20
    return last_twenty(turn, body)


# compaction


def _summary(turn: Turn, body: Body, keep: int) -> tuple[str, list[Body]]:
    """A summary of what was said before turn 12 but for the last ``keep`` turns, and what is left."""
    first = body["messages"].index(_said(body)[12 - keep])
    text = f"Here is a summary of the conversation to date:\n\n{' '.join(WORDS * 3)}"
    return text, body["messages"][first:]


def summary_and_three_turns(turn: Turn, body: Body) -> Body:
    if turn.number < 12:
        return body
    summary, kept = _summary(turn, body, 3)
    opening = [{"role": "user", "content": summary}, {"role": "assistant", "content": "Understood."}]
    return {**body, "messages": [*opening, *kept]}


def summary_alone(turn: Turn, body: Body) -> Body:
    if turn.number < 12:
        return body
    summary, kept = _summary(turn, body, 0)
    return {**body, "messages": [{"role": "user", "content": f"{summary}\n\n{kept[0]['content']}"}, *kept[1:]]}


def summary_in_system(turn: Turn, body: Body) -> Body:
    if turn.number < 12:
        return body
    summary, kept = _summary(turn, body, 2)
    return {**body, "system": f"{body['system']}\n\n{summary}", "messages": kept}


# breakpoint_missing, image_changed


def not_marked_twice(turn: Turn, body: Body) -> Body:
    return {key: value for key, value in body.items() if key != "cache_control" or turn.number not in (9, 15)}


def only_system_marked(turn: Turn, body: Body) -> Body:
    block = {"type": "text", "text": body["system"], "cache_control": {"type": "ephemeral"}}
    return {**{key: value for key, value in body.items() if key != "cache_control"}, "system": [block]}


def _first_words(body: Body, *pictures: Body) -> Body:
    first = body["messages"][0]
    first["content"] = [{"type": "text", "text": first["content"]}, *pictures]
    return body


def picture_removed(turn: Turn, body: Body) -> Body:
    return _first_words(body, *[picture(1)] * (turn.number < AT))


def picture_swapped(turn: Turn, body: Body) -> Body:
    return _first_words(body, picture(1 if turn.number < AT else 2))


def picture_later(turn: Turn, body: Body) -> Body:
    if turn.number >= AT:
        said = _said(body)[AT]
        said["content"] = [picture(3), {"type": "text", "text": said["content"]}]
    return body


def same_question_four_times(seed: int) -> Iterator[tuple[float, Body]]:
    """One request, sent four times at once."""
    at, body = next(support(seed))
    for number in range(4):
        yield at + 0.2 * number, copy.deepcopy(body)


def slow_customer(seed: int) -> Iterator[tuple[float, Body]]:
    """Seven minutes between any two requests."""
    for number, (_, body) in enumerate(support(seed, turns=6)):
        yield START + 420 * number, body


def classifier(seed: int) -> Iterator[tuple[float, Body]]:
    """No conversation at all: twenty questions with one system prompt, each by itself. Nothing is wrong with it."""
    dice = random.Random(seed)
    [(at, body), *_] = support(seed, turns=1)
    for number in range(20):
        text = "Classify this document into one of the five classes: " + " ".join(dice.choices(WORDS, k=120))
        only: Any = {**only_system_marked(Turn(number, at, dice), copy.deepcopy(body))}
        yield at + 10 * number, {**only, "messages": [{"role": "user", "content": text}]}
