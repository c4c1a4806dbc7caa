"""Helps to test an agent offline: with models that play a script, and a server that checks requests as Anthropic does.

model = ScriptedModel([{"calls": [{"read": {"page": "notes.md"}}]}, "Done."])

with MessagesServer([ServerAnswer.text("Hello.")]) as server:
    model = AnthropicModel("claude-sonnet-5-5", api_key="none", base_url=server.url)
"""

from agentmem.kvcache.simulated.events import ServerAnswer as ServerAnswer
from agentmem.kvcache.simulated.faults import BrokenStream as BrokenStream
from agentmem.kvcache.simulated.faults import HttpError as HttpError
from agentmem.kvcache.simulated.faults import StalledStream as StalledStream
from agentmem.kvcache.simulated.faults import StreamError as StreamError
from agentmem.kvcache.simulated.server import MessagesServer as MessagesServer
from agentmem.models.meters import ReplyMeter as ReplyMeter
from agentmem.models.scripted import ScriptedModel as ScriptedModel
from agentmem.models.scripted import Turn as Turn
from agentmem.models.scripted import place as place
from agentmem.types import Request as Request

__all__ = [
    "BrokenStream",
    "HttpError",
    "MessagesServer",
    "ReplyMeter",
    "Request",
    "ScriptedModel",
    "ServerAnswer",
    "StalledStream",
    "StreamError",
    "Turn",
    "place",
]
