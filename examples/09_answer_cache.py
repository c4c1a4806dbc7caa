"""The same question is not paid for twice, and a changed page removes the answers that were made from it.

No key is needed: the agent's model is a script that reads a page. The cache is real.
"""

import tempfile
from pathlib import Path

from agentmem import Agent, Answer, AnswerCache, ScriptedModel, Workspace

RETURNS = "# Returns\n\nShoes go back within 30 days, unworn, in their box.\n"
SHIPPING = "# Shipping\n\nA parcel takes two days. Above 40 euros it is free.\n"
SCRIPT: list[str | dict[str, object]] = [
    {"calls": [{"read": {"page": "returns.md"}}]},
    "Within 30 days, unworn, in their box.",
]


def from_shipping(question: str) -> Answer:
    """An answering function of your own. It names the sources of its answer."""
    print("    (the model is asked)")
    return Answer("A parcel takes two days.", sources=(cache.page("shipping.md"),), usd=0.004)


with tempfile.TemporaryDirectory() as name, Workspace(name) as pages:
    pages.write("returns.md", RETURNS)
    pages.write("shipping.md", SHIPPING)

    with Agent(ScriptedModel(SCRIPT), pages) as agent:
        cache: AnswerCache = agent.answers
        print("An agent's answers")
        for question in ("How do I return shoes?", "how do I  return shoes", "What is my balance?"):
            answered = agent.ask(question)
            why = answered.kept.reason if answered.kept is not None else ""
            print(f"  {question!r}: {answered.how}" + (f", not kept: {why}" if why else ""))

        print("Any function's answers")
        for question in ("How long does a parcel take?", "How long does a parcel take?"):
            print(f"  {question!r}: {cache.ask(question, from_shipping).how}")

        print("A decision, explained")
        for line in cache.explain("How long does a parcel not take?").lines():
            print(f"  {line}")

        print("An edit of shipping.md")
        pages.replace("shipping.md", "two days", "three days")
        print(f"  about shipping: {cache.get('How long does a parcel take?')}")
        print(f"  about returns: {agent.ask('How do I return shoes?').how}")

        cache.settle()
        stats = cache.stats()
        print(f"{stats['lookups']} lookups, {stats['hits']['exact']} exact hits, {stats['excluded']} excluded,")
        print(f"{stats['invalidated']['page']} answer went with its page, {stats['saved_usd']:.3f} dollars were saved.")

    print(f"Kept in {Path('.agentmem/answers')}: `agentmem answers stats`, `explain`, `tune`, `audit` look after it.")
