"""agentmem: agent context that stays small, byte-stable and recoverable, on LangGraph, with every token metered.

Names are imported when they are first used, so that ``import agentmem`` is fast and does nothing else.
"""

from typing import TYPE_CHECKING

from agentmem.lazy import on_first_use

if TYPE_CHECKING:
    from agentmem.answers.cache import AnswerCache as AnswerCache
    from agentmem.answers.values import Answer as Answer
    from agentmem.answers.values import AnswerScope as AnswerScope
    from agentmem.compaction.when import Compaction as Compaction
    from agentmem.errors import AgentmemError as AgentmemError
    from agentmem.errors import BudgetExceeded as BudgetExceeded
    from agentmem.errors import ConfigError as ConfigError
    from agentmem.errors import ModelError as ModelError
    from agentmem.errors import RecoverableError as RecoverableError
    from agentmem.errors import ThreadBusy as ThreadBusy
    from agentmem.errors import ToolError as ToolError
    from agentmem.integrations.wirelog import record as record
    from agentmem.kvcache.warehouse.far import FarTier as FarTier
    from agentmem.kvcache.warehouse.far import S3Tier as S3Tier
    from agentmem.kvcache.warehouse.warehouse import Warehouse as Warehouse
    from agentmem.menu.menu import default_menu as default_menu
    from agentmem.menu.menu import make_menu as make_menu
    from agentmem.menu.menu import tool as tool
    from agentmem.menu.permissions import Reach as Reach
    from agentmem.menu.toolbox import ToolContext as ToolContext
    from agentmem.models.anthropic import AnthropicModel as AnthropicModel
    from agentmem.models.engine import Engine as Engine
    from agentmem.models.langchain import LangChainModel as LangChainModel
    from agentmem.models.local import LocalModel as LocalModel
    from agentmem.models.scripted import ScriptedModel as ScriptedModel
    from agentmem.pages.workspace import Workspace as Workspace
    from agentmem.routing.labels import labelled as labelled
    from agentmem.routing.routes import Privacy as Privacy
    from agentmem.routing.routes import Routes as Routes
    from agentmem.routing.rules import RouteRule as RouteRule
    from agentmem.routing.targets import RouteTarget as RouteTarget
    from agentmem.runtime.agent import Agent as Agent
    from agentmem.runtime.delegates import Delegated as Delegated
    from agentmem.runtime.delegates import Delegation as Delegation
    from agentmem.runtime.events import Approval as Approval
    from agentmem.runtime.events import Compacted as Compacted
    from agentmem.runtime.events import Done as Done
    from agentmem.runtime.events import Metered as Metered
    from agentmem.runtime.events import Result as Result
    from agentmem.runtime.events import Retrying as Retrying
    from agentmem.runtime.events import Stopped as Stopped
    from agentmem.runtime.events import Switched as Switched
    from agentmem.runtime.events import ToolCalled as ToolCalled
    from agentmem.runtime.events import ToolReturned as ToolReturned
    from agentmem.runtime.stops import Limits as Limits
    from agentmem.sandbox import Sandbox as Sandbox
    from agentmem.sandbox import SandboxLimits as SandboxLimits
    from agentmem.team import Budget as Budget
    from agentmem.team import Role as Role
    from agentmem.team import Team as Team
    from agentmem.team import TeamResult as TeamResult
    from agentmem.transcript.checkpoint import Checkpoint as Checkpoint
    from agentmem.transcript.journal import Journal as Journal
    from agentmem.transcript.journal import open_journal as open_journal
    from agentmem.types import Image as Image
    from agentmem.types import KvSources as KvSources
    from agentmem.types import Message as Message
    from agentmem.types import Model as Model
    from agentmem.types import ModelProfile as ModelProfile
    from agentmem.types import Options as Options
    from agentmem.types import Text as Text
    from agentmem.types import TextDelta as TextDelta
    from agentmem.types import ToolCall as ToolCall
    from agentmem.types import Usage as Usage
    from agentmem.types import Waiting as Waiting

__version__ = "0.1.0"

_HOMES = {
    "agentmem.transcript.checkpoint": ("Checkpoint",),
    "agentmem.compaction.when": ("Compaction",),
    "agentmem.transcript.journal": ("Journal", "open_journal"),
    "agentmem.errors": (
        "AgentmemError",
        "BudgetExceeded",
        "ConfigError",
        "ModelError",
        "RecoverableError",
        "ThreadBusy",
        "ToolError",
    ),
    "agentmem.answers.cache": ("AnswerCache",),
    "agentmem.answers.values": ("Answer", "AnswerScope"),
    "agentmem.integrations.wirelog": ("record",),
    "agentmem.models.engine": ("Engine",),
    "agentmem.models.anthropic": ("AnthropicModel",),
    "agentmem.models.langchain": ("LangChainModel",),
    "agentmem.models.local": ("LocalModel",),
    "agentmem.models.scripted": ("ScriptedModel",),
    "agentmem.pages.workspace": ("Workspace",),
    "agentmem.routing.labels": ("labelled",),
    "agentmem.routing.routes": ("Privacy", "Routes"),
    "agentmem.routing.rules": ("RouteRule",),
    "agentmem.routing.targets": ("RouteTarget",),
    "agentmem.runtime.agent": ("Agent",),
    "agentmem.runtime.delegates": ("Delegated", "Delegation"),
    "agentmem.runtime.events": (
        "Approval",
        "Compacted",
        "Done",
        "Metered",
        "Result",
        "Retrying",
        "Stopped",
        "Switched",
        "ToolCalled",
        "ToolReturned",
    ),
    "agentmem.runtime.stops": ("Limits",),
    "agentmem.kvcache.warehouse.far": ("FarTier", "S3Tier"),
    "agentmem.kvcache.warehouse.warehouse": ("Warehouse",),
    "agentmem.menu.menu": ("default_menu", "make_menu", "tool"),
    "agentmem.sandbox": ("Sandbox", "SandboxLimits"),
    "agentmem.team": ("Budget", "Role", "Team", "TeamResult"),
    "agentmem.menu.toolbox": ("ToolContext",),
    "agentmem.menu.permissions": ("Reach",),
    "agentmem.types": (
        "Image",
        "KvSources",
        "Message",
        "Model",
        "ModelProfile",
        "Options",
        "Text",
        "TextDelta",
        "ToolCall",
        "Usage",
        "Waiting",
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME]


__getattr__ = on_first_use(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted(__all__)
