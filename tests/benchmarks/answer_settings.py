"""The settings of the answer cache that the benchmarks report on, from careful to lenient.

All but the default are fixed on the odd lines of the fow-cache pairs, and on no line that is reported. TRAPS is that of
the trap set. The two lenient ones are for a bench in which every question asked has its answer in the cache, as in
GPTCache's: of the thresholds .9 to .1 in tenths with all rules, with numbers and ids alone, and with none, the one that
serves most of the 150 odd rewordings rightly (all first questions in one cache) with no more wrong hits than GPTCache's
own rule has there, at the threshold of the published row: at .9 none wrong, at .8 two. Of equals the strictest.
"""

from dataclasses import dataclass

from agentmem.answers.decision import Decision, decider
from agentmem.answers.guard import RULES, Rule
from agentmem.answers.query_types import BUILT_IN
from agentmem.answers.values import QueryPolicy
from agentmem.recall.embedder import MiniLM


@dataclass(frozen=True)
class Setting:
    """A threshold of the score, and the guard's rules that hold."""

    name: str
    threshold: float
    rules: tuple[Rule, ...] = RULES

    def decider(self) -> Decision:
        """The decision at this setting."""
        return decider({"faq": QueryPolicy("faq", self.threshold)}, MiniLM(), rules=self.rules)


DEFAULT = Setting(f"default for faq: {BUILT_IN['faq'].threshold}", BUILT_IN["faq"].threshold)
TRAPS = Setting("traps: .90, all rules", 0.90)
LENIENT = Setting("lenient: .30, all rules", 0.30)
NEAREST = Setting("nearest: .30, numbers and ids", 0.30, tuple(rule for rule in RULES if rule[0] in ("numbers", "ids")))
SETTINGS = (DEFAULT, TRAPS, LENIENT, NEAREST)
