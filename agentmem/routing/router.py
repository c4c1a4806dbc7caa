"""The router's decision: a pure function of a request, its conversation, the rules and the history. Each has a why.

`POLICY` is the whole policy, in order: the first row with an answer decides. A conversation stays where its cache is
warm, unless the expected saving exceeds the rewrite of its prefix; at its start, after a cut and after an expiry a move
is free.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from agentmem.errors import ConfigError, RouteRefused
from agentmem.meter.routed import Routed
from agentmem.routing.conversations import RoutedConversation
from agentmem.routing.history import RouteHistory
from agentmem.routing.labels import Labels, RequestFacts, labels
from agentmem.routing.moving import Ahead, MovePrice, Side, price_of_move
from agentmem.routing.rules import RouteRule, RuleQuestion, check_rules, first_match, near
from agentmem.routing.targets import DEFAULT, RouteTarget

LIKELY = 0.75
"""The chance that a move pays in this conversation, without which a warm one does not move."""
NO_REASONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RouteTable:
    """Targets by name, rules in order, and the name of the target for what no rule names. Checked when it is made.

    ``fallbacks`` are the targets that are tried after the default, in order.
    """

    targets: Mapping[str, RouteTarget]
    rules: Sequence[RouteRule] = ()
    default: str = DEFAULT
    fallbacks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.default not in self.targets:
            raise ConfigError(f"the default target is {self.default!r}{near(self.default, self.targets)}")
        for name, target in self.targets.items():
            if name != target.name:
                raise ConfigError(f"the target {target.name!r} stands under the name {name!r}: use one name")
        check_rules(self.rules, self.targets)


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """Where a request goes. ``kind`` is the row of `POLICY` that decided, ``price`` the price of the move that was
    looked at, None if none was or a price is not known. ``moved``: the conversation was somewhere else before.
    """

    target: str
    kind: str
    why: str
    rule: str = ""
    moved: bool = False
    labels: Labels = field(default_factory=dict)
    price: MovePrice | None = None
    lost_tokens: int = 0

    def routed(self, tier: str) -> Routed:
        """The part of the ledger's row."""
        stay = self.price.stay_usd if self.price else None
        move = self.price.move_usd if self.price else None
        pairs = tuple((name, label.value) for name, label in self.labels.items())
        return Routed(self.target, tier, self.rule, self.why, pairs, stay, move, self.lost_tokens)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What is known while a decision is made."""

    table: RouteTable
    asked: RuleQuestion
    conversation: RoutedConversation
    closed: Mapping[str, str]
    rule: RouteRule | None
    wanted: str
    here: str
    free: str
    price: MovePrice | None
    remaining: float
    chance: float


def decide(
    table: RouteTable,
    facts: RequestFacts,
    conversation: RoutedConversation,
    history: RouteHistory,
    at: float,
    closed: Mapping[str, str] = NO_REASONS,
) -> RouteDecision:
    """Decides where a request goes.

    ``closed`` says of targets why they take no request now. Raises RouteRefused if no target may have the request: a
    private one is never sent to a target that does not take what is private.
    """
    asked = RuleQuestion(facts, labels(facts, history), history, at)
    rule, wanted = _wanted(table, asked, closed)
    here = conversation.target
    remaining = 1.0 if facts.purpose == "summary" else history.remaining(conversation.made)
    usual = conversation.output or history.shape(facts.work).output
    price = _price(table, replace(conversation, output=usual), facts, wanted, at, remaining)
    free = conversation.free(at, table.targets[here].lifetime) if here in table.targets else ""
    chance = history.chance(conversation.made, price.pays_after) if price and price.pays_after else 0.0
    choice = _Choice(table, asked, conversation, closed, rule, wanted, here, free, price, remaining, chance)
    kind, target, why = next((kind, *found) for kind, decides in POLICY if (found := decides(choice)) is not None)
    moved = bool(here) and target != here
    lost = conversation.warm_at(here, at, table.targets[here].lifetime) if moved and here in table.targets else 0
    named = rule.name if rule and target in rule.to else ""
    return RouteDecision(target, kind, why, named, moved, asked.labels, price, lost)


def _wanted(table: RouteTable, asked: RuleQuestion, closed: Mapping[str, str]) -> tuple[RouteRule | None, str]:
    """The rule that matches and the first of its targets that may have the request now, else the default, else any."""
    rule = first_match(table.rules, asked)
    reasons: dict[str, str] = {}
    for name in (*(rule.to if rule else ()), table.default, *_others(table, asked)):
        reasons[name] = _why_not(table.targets[name], asked, closed)
        if not reasons[name]:
            return rule, name
    told = "; ".join(dict.fromkeys(reasons.values()))
    raise RouteRefused(f"no target may have this request, so it was not sent: {told}")


def _others(table: RouteTable, asked: RuleQuestion) -> Sequence[str]:
    """The targets of last resort: the fallbacks, and for a private request each that takes it."""
    if asked.labels["privacy"].value != "private":
        return table.fallbacks
    return (*table.fallbacks, *(name for name, target in table.targets.items() if target.takes_private))


def _why_not(target: RouteTarget, asked: RuleQuestion, closed: Mapping[str, str]) -> str:
    """Why a target may not have a request; "" if it may."""
    if asked.labels["privacy"].value == "private" and not target.takes_private:
        return f"it is private ({asked.labels['privacy'].why}) and {target.name} is on the tier {target.tier}"
    if asked.labels["modality"].value == "image" and not target.images:
        return f"it has a picture and {target.name} takes none"
    room = target.window
    if room is not None and asked.facts.tokens > room:
        return f"it has {asked.facts.tokens:,} tokens and {target.name} takes {room:,}"
    if target.tier == "batch" and asked.labels["urgency"].value != "batch":
        return f"somebody waits for it and {target.name} is a batch"
    return closed.get(target.name, "")


def _price(
    table: RouteTable, conversation: RoutedConversation, facts: RequestFacts, wanted: str, at: float, remaining: float
) -> MovePrice | None:
    """The price of moving to the wanted target; of a new conversation, against the default, whose cache may know its
    tools and system.
    """
    here, there = table.targets.get(conversation.target or table.default), table.targets[wanted]
    if here is None or here.name == there.name:
        return None
    prices, others = here.rates, there.rates
    if prices is None or others is None:
        return None
    tokens = max(facts.tokens, 1)
    warm = conversation.warm_at(here.name, at, here.lifetime)
    as_warm = conversation.warm_at(there.name, at, there.lifetime)
    ahead = Ahead(remaining, tokens, conversation.output, conversation.growth)
    return price_of_move(Side(prices, warm), Side(others, as_warm), ahead)


Found = tuple[str, str] | None
"""A target and the why, or nothing."""


def _by(choice: _Choice) -> str:
    """The reason for the wanted target."""
    if choice.rule and choice.wanted in choice.rule.to:
        return f"the rule {choice.rule.name!r} names {choice.wanted}"
    passed = f"; the rule {choice.rule.name!r} has no target that may have it" if choice.rule else ""
    return f"{choice.wanted} is the default{passed}"


def _start(choice: _Choice) -> Found:
    if choice.here:
        return None
    price, default = choice.price, choice.table.default
    warm = choice.conversation.warm_at(default, choice.asked.at, choice.table.targets[default].lifetime)
    at_once = choice.rule is not None and choice.rule.now
    if (
        warm
        and price
        and not price.pays
        and not at_once
        and not _why_not(choice.table.targets[default], choice.asked, choice.closed)
    ):
        return (
            default,
            f"it begins at {default}, where its tools and system are warm: {_by(choice)}, and that costs more",
        )
    return choice.wanted, f"it begins here: {_by(choice)}"


def _leave(choice: _Choice) -> Found:
    target = choice.table.targets.get(choice.here)
    reason = f"{choice.here} is no target any more" if target is None else _why_not(target, choice.asked, choice.closed)
    return (choice.wanted, f"it leaves {choice.here}: {reason}; {_by(choice)}") if reason else None


def _lent(choice: _Choice) -> Found:
    """A place that only stands in for one that failed: until that is tried again, and then back."""
    lent, until = choice.conversation.lent, choice.conversation.lent_until
    if not lent or choice.wanted == choice.here:
        return None
    if choice.asked.at < until:
        return choice.here, f"it stays for a while: {lent}"
    return choice.wanted, f"it goes back: {_by(choice)}, which is tried again"


def _same(choice: _Choice) -> Found:
    return (choice.here, f"it stays: {_by(choice)}") if choice.wanted == choice.here else None


def _now(choice: _Choice) -> Found:
    if not (choice.rule and choice.rule.now and choice.wanted in choice.rule.to):
        return None
    return choice.wanted, f"it moves at once: {_by(choice)}"


def _free(choice: _Choice) -> Found:
    """A pause alone moves nothing to a dearer place: conversations would go up and down with each pause."""
    dearer = choice.price is not None and choice.price.move_usd > choice.price.stay_usd
    if not choice.free or (dearer and not choice.conversation.cut):
        return None
    return choice.wanted, f"it moves, since {choice.free} and the prefix is written anyway: {_by(choice)}"


def _pays(choice: _Choice) -> Found:
    """Not the mean alone: a few long conversations would move all those that end before the move has paid."""
    price = choice.price
    if price is None or not price.pays or choice.chance < LIKELY:
        return None
    said = f"a saving of ${price.saving_usd:.4f} over {choice.remaining - 1:.0f} more requests"
    return choice.wanted, f"it moves: {said} exceeds the rewrite of ${price.rewrite_usd:.4f}; {_by(choice)}"


def _stay(choice: _Choice) -> Found:
    price = choice.price
    if price is None:
        return choice.here, f"it stays where its cache is warm: a price is not known; {_by(choice)}"
    more = f"{choice.remaining - 1:.0f} more requests save ${price.saving_usd:.4f}"
    said = f"a move costs ${price.rewrite_usd:.4f}, and {more}" + (
        f", but only with a chance of {choice.chance:.0%}" if price.pays else ""
    )
    return choice.here, f"it stays where its cache is warm: {said}; {_by(choice)}"


POLICY: tuple[tuple[str, Callable[[_Choice], Found]], ...] = (
    ("start", _start),  # a conversation or sub-task begins: it goes where the rules want it
    ("leave", _leave),  # its place may not have it any more: private, too long, a picture, at rest
    ("lent", _lent),  # it is where it is only because another place had failed
    ("same", _same),  # it is where the rules want it
    ("now", _now),  # a rule that does not ask for the price
    ("free", _free),  # after a cut or an expiry the prefix is written anew anyway
    ("pays", _pays),  # the expected saving exceeds the rewrite, and that is likely
    ("stay", _stay),  # the warm cache is worth more
)
"""The policy. The first row with an answer decides; before it, `_why_not` says which targets may have the request."""


def without_price(table: RouteTable) -> RouteTable:
    """The same table for a router that does not know what a warm cache is worth: each request goes where the first
    matching rule says, or else to the default, at once.
    """
    rules = tuple(replace(rule, now=True) for rule in table.rules)
    return replace(table, rules=(*rules, RouteRule("the default", (table.default,), now=True)))
