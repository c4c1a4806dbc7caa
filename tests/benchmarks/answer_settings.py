"""The settings of the answer cache that the benchmarks report on: cosines from careful to lenient.

The default is the product's. TRAPS is fixed on the odd lines of the fow-cache pairs, and on no line that is reported:
of the cosines .95 to .6 in steps of .05 the lowest that serves no odd trap. The two lenient ones are for a bench in
which every question asked has its answer in the cache, as in GPTCache's.
"""

from dataclasses import dataclass

from agentmem.answers.decision import Decision, decider
from agentmem.answers.guard import RULES, Rule
from agentmem.answers.query_types import BUILT_IN
from agentmem.answers.values import QueryPolicy
from agentmem.recall.embedder import MiniLM


@dataclass(frozen=True)
class Setting:
    """A threshold, a cosine, and the gates that hold."""

    name: str
    threshold: float
    gates: tuple[Rule, ...] = RULES

    def decider(self) -> Decision:
        """The decision at this setting."""
        return decider({"faq": QueryPolicy("faq", self.threshold)}, MiniLM().spells, gates=self.gates)


DEFAULT = Setting(f"default for faq: {BUILT_IN['faq'].threshold}", BUILT_IN["faq"].threshold)
TRAPS = Setting("traps: .80, all gates", 0.80)
LENIENT = Setting("lenient: .70, all gates", 0.70)
NEAREST = Setting("nearest: .60, numbers and ids", 0.60, tuple(rule for rule in RULES if rule[0] in ("numbers", "ids")))
SETTINGS = (DEFAULT, TRAPS, LENIENT, NEAREST)
