"""The block that a provider's error names, in any of the ways that they write it."""

import pytest

from agentmem.errors import BlockPlace
from agentmem.models.error_messages import place_of


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("messages.7: could not process image", BlockPlace(7)),
        ("messages.7.content.2: could not process image", BlockPlace(7, 2)),
        (
            "messages.161.content.1.image.source.base64: image exceeds 5 MB maximum: 5272940 bytes > 5242880",
            BlockPlace(161, 1),
        ),
        ("messages.2.content.0.tool_result.content.3.image.source.base64.data: At least one", BlockPlace(2, 0, 3)),
        ("messages.2.content.0.content.3.text: must be non-empty", BlockPlace(2, 0, 3)),
        ("messages.3: text content blocks must be non-empty", BlockPlace(3)),
        ("messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'", BlockPlace(1, 0)),
        (
            "Error code: 400 - {'error': {'message': \"Invalid 'messages[3].content[1].image_url.url'\"}}",
            BlockPlace(3, 1),
        ),
        ("Invalid type for 'messages.[3].content[1]': expected an object", BlockPlace(3, 1)),
        ("Invalid value for 'content': expected a string, got null. param: messages.[12].content", BlockPlace(12)),
        ("Invalid 'messages[2].tool_calls[0].id': string too long", BlockPlace(2)),
        ('{"loc": ["body", "messages", 1, "user", "content", 0, "text"], "msg": "Field required"}', BlockPlace(1, 0)),
        ("body -> messages -> 4 -> content", BlockPlace(4)),
        ("messages: text content blocks must be non-empty", None),
        ("messages: too many images: 101 > 100", None),
        ("the last 20 messages 30 of them", None),
        ("prompt is too long: 205123 tokens > 200000 maximum", None),
        ("", None),
    ],
)
def test_places(said: str, place: BlockPlace | None) -> None:
    """Anthropic's dots, OpenAI's brackets, pydantic's lists; None where no message is named."""
    assert place_of(said) == place
