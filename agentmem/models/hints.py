"""What an agent knows of a request and its server cannot: sent by the names that inference servers document.

vLLM takes ``priority`` (a lower one is served first, with ``--scheduling-policy priority``), SGLang ``priority`` (a
higher one first, with ``--enable-priority-scheduling``), Dynamo ``nvext.agent_hints`` with ``priority`` (a higher one
first) and ``osl``, the expected tokens of output (NVIDIA, "Agent Hints").
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

EngineName = Literal["vllm", "sglang", "dynamo"]
WAITED_FOR = 10
"""The step of priority by which a request that somebody waits for goes before one that nobody waits for."""


@dataclass(frozen=True, slots=True)
class EngineHints:
    """``output`` are the expected tokens of output (0: not known). ``background``: nobody waits for it."""

    output: int = 0
    background: bool = False


def _vllm(hints: EngineHints) -> dict[str, Any]:
    return {"priority": WAITED_FOR if hints.background else 0}


def _sglang(hints: EngineHints) -> dict[str, Any]:
    return {"priority": 0 if hints.background else WAITED_FOR}


def _dynamo(hints: EngineHints) -> dict[str, Any]:
    told = {"priority": 0 if hints.background else WAITED_FOR}
    return {"nvext": {"agent_hints": {**told, **({"osl": hints.output} if hints.output else {})}}}


ENGINES: Mapping[EngineName, Callable[[EngineHints], dict[str, Any]]] = MappingProxyType(
    {"vllm": _vllm, "sglang": _sglang, "dynamo": _dynamo}
)
"""The fields of each kind of server. A new one is a row."""


def fields(engine: EngineName, hints: EngineHints) -> dict[str, Any]:
    """The fields of a request's body that carry the hints to a server of this kind."""
    return ENGINES[engine](hints)
