"""How many tokens a model's window holds, from genai-prices' tables; None where nobody says."""

from functools import lru_cache

from agentmem.types import ModelProfile

REPLY_SHARE = 4
"""A reply may be promised at most a quarter of the window: a model with a small one is to be used at all."""


def window(profile: ModelProfile) -> int | None:
    """Tokens of input and reply that the model takes at once: its own word, else the table's."""
    if profile.window is not None or profile.tier != "cloud":
        return profile.window
    return _listed(profile.provider, profile.name)


def room(profile: ModelProfile, max_tokens: int) -> int | None:
    """Tokens of context that fit beside a reply of ``max_tokens``; None where the window is not known."""
    whole = window(profile)
    return None if whole is None else whole - min(max_tokens, whole // REPLY_SHARE)


@lru_cache(maxsize=256)
def _listed(provider: str, name: str) -> int | None:
    from genai_prices import Usage as Counted
    from genai_prices import calc_price

    try:
        found = calc_price(Counted(), name, provider_id=provider).model.context_window
    except LookupError:
        return None
    return int(found) if found else None
