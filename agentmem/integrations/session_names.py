"""The name that a client gives its conversation, in a header or in the body, so that agents side by side stay apart."""

import json
from collections.abc import Mapping
from typing import Any

HEADERS: tuple[str, ...] = (
    "x-claude-code-session-id",
    "x-session-id",
    "session_id",
    "session-id",
    "x-session-affinity",
    "conversation_id",
    "x-conversation-id",
    "thread-id",
)
"""Headers that name a conversation, in the order in which they are asked."""

_SESSION = "_session_"


def session_name(headers: Mapping[str, str], body: Mapping[str, Any]) -> str:
    """The name of a request's conversation; "" if its client names none.

    ``headers`` have names in lower case. Of the body, ``metadata.user_id`` (Claude Code: words, or JSON, with a session
    in them), ``conversation`` and ``prompt_cache_key`` are asked.
    """
    named = next((headers[name] for name in HEADERS if headers.get(name)), "")
    return named or _of_body(body)


def _of_body(body: Mapping[str, Any]) -> str:
    metadata = body.get("metadata")
    user = metadata.get("user_id") if isinstance(metadata, Mapping) else None
    if isinstance(user, str) and (named := _of_user(user)):
        return named
    conversation = body.get("conversation")
    if isinstance(conversation, Mapping):
        conversation = conversation.get("id")
    found = conversation or body.get("prompt_cache_key")
    return found if isinstance(found, str) else ""


def _of_user(user: str) -> str:
    if _SESSION in user:
        return user.rpartition(_SESSION)[2]
    try:
        value = json.loads(user)
    except ValueError:
        return ""
    return str(value.get("session_id") or "") if isinstance(value, dict) else ""
