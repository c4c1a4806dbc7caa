"""agentmem.integrations.session_names."""

from typing import Any

import pytest

from agentmem.integrations.session_names import session_name


@pytest.mark.parametrize(
    ("headers", "body", "name"),
    [
        ({"x-claude-code-session-id": "s1"}, {}, "s1"),
        ({"session_id": "0199"}, {"prompt_cache_key": "other"}, "0199"),
        ({}, {"metadata": {"user_id": "user_ab_account_cd_session_5f"}}, "5f"),
        ({}, {"metadata": {"user_id": '{"device_id": "d", "session_id": "5f"}'}}, "5f"),
        ({}, {"metadata": {"user_id": "somebody"}, "prompt_cache_key": "k"}, "k"),
        ({}, {"conversation": {"id": "conv_1"}}, "conv_1"),
        ({}, {"metadata": None, "conversation": 7}, ""),
        ({}, {}, ""),
    ],
)
def test_the_name_is_the_clients_own(headers: dict[str, str], body: dict[str, Any], name: str) -> None:
    """A header before the body; what is no name is none."""
    assert session_name(headers, body) == name
