"""Entry 0 of a new thread: what an agent freezes when it opens one."""

from collections.abc import Sequence
from dataclasses import replace

from agentmem import assets
from agentmem.menu.menu import Menu
from agentmem.transcript.transcript import Opening, PinnedPage
from agentmem.types import ModelProfile, Options


def instructions(given: str | None) -> str:
    """The system prompt: the default one where none is given, and none where that is empty."""
    return assets.read("prompts/agent.md").strip() if given is None else given


def new_opening(
    profile: ModelProfile, menu: Menu, system: str, pinned: Sequence[PinnedPage], options: Options = Options()
) -> Opening:
    """What a thread is opened with."""
    return Opening(
        model=profile.name,
        tools=menu.definitions(),
        system=(system,) if system else (),
        pinned=tuple(pinned),
        options=options,
        notes_in_results=profile.plain_turn_strips_thinking,
        provider=profile.provider,
    )


def is_another(known: Opening, profile: ModelProfile) -> bool:
    """Whether a thread that was opened so goes on with another model, or with another provider's."""
    return known.model != profile.name or known.provider not in ("", profile.provider)


def continued(known: Opening, fresh: Opening) -> Opening:
    """The settings with which a thread goes on under the model that ``fresh`` is for.

    Tools, system and pages stay; options go with their model, for another takes others.
    """
    return replace(
        known,
        model=fresh.model,
        options=fresh.options,
        notes_in_results=fresh.notes_in_results,
        provider=fresh.provider,
    )
