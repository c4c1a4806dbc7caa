"""The settings of the answer cache that the benchmarks report on, from careful to lenient.

Fixed on the odd lines of the fow-cache pairs (where a benchmark prints them) and on no line that is reported.
"""

from dataclasses import dataclass

from agentmem.memory.answers.decision import Decision, decider
from agentmem.memory.answers.guard import RULES, Rule
from agentmem.memory.answers.kinds import BUILT_IN
from agentmem.memory.answers.values import Policy
from agentmem.memory.embedder import MiniLM


@dataclass(frozen=True)
class Setting:
    """A threshold of the score, and the guard's rules that hold."""

    name: str
    threshold: float
    rules: tuple[Rule, ...] = RULES

    def decider(self) -> Decision:
        """The decision at this setting."""
        return decider({"faq": Policy("faq", self.threshold)}, MiniLM(), rules=self.rules)


FAQ = Setting("default for faq", BUILT_IN["faq"].threshold)
LENIENT = Setting("lenient: .60, numbers and ids", 0.60, tuple(rule for rule in RULES if rule[0] in ("numbers", "ids")))
NEAREST = Setting("nearest: .40, no guard", 0.40, ())
SETTINGS = (FAQ, LENIENT, NEAREST)
