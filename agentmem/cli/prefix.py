"""`agentmem menu`, `agentmem prefix`: show what a model sees before the first message. Needs no key and no model."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentmem.cli.options import HERE, AsJson, Database, Model, Pins, Shell, Workspace, journal
from agentmem.cli.output import console, notices, print_bytes, print_json
from agentmem.errors import ThreadNotFound

if TYPE_CHECKING:
    from agentmem.context.window import View
    from agentmem.menu.tool import Tool
    from agentmem.types import Frame

EXAMPLE_MODEL = "anthropic:claude-sonnet-5-5"
"""The model if none is named. Only its name is part of the prefix."""


def menu(shell: Shell = False, json: AsJson = False) -> None:
    """Show the tools as the model reads them, with their tokens."""
    from rich.text import Text

    from agentmem.menu.menu import default_menu

    tools = [_tool(one) for one in default_menu(shell=shell).tools]
    total = sum(one["tokens"] for one in tools)
    if json:
        print_json({"schema": 1, "basis": "estimated", "tools": tools, "tokens": total})
        return
    out = console()
    for one in tools:
        title = Text.assemble((one["name"], "bold"), f" · {one['effect']} · {one['tokens']} tokens")
        out.rule(title, align="left")
        out.print(one["description"], highlight=False)
        for name, schema in one["parameters"].get("properties", {}).items():
            out.print(f"  {name}: {schema.get('description', '')}", highlight=False)
    out.print(f"\n{len(tools)} tools, {total:,} tokens (estimated).", highlight=False)


def prefix(
    workspace: Workspace = HERE,
    model: Model = None,
    shell: Shell = False,
    pin: Pins = None,
    thread: Annotated[str | None, typer.Option("--thread", "-t", help="Show the frozen prefix of this thread.")] = None,
    database_url: Database = None,
    json: AsJson = False,
) -> None:
    """Print the exact bytes that every request of a new thread begins with, up to the first message.

    The digest is their sha256: `agentmem prefix | sha256sum` prints the same.
    """
    view = _frozen(workspace, database_url, thread) if thread else _new(workspace, model, shell, tuple(pin or ()))
    segments, data = _segments(view)
    digest, tokens = hashlib.sha256(data).hexdigest(), sum(one["tokens"] for one in segments)
    if json:
        print_json(
            {
                "schema": 1,
                "basis": "estimated",
                "digest": digest,
                "bytes": len(data),
                "tokens": tokens,
                "segments": segments,
            }
        )
        return
    print_bytes(data)
    notices().print(f"sha256 {digest}, {len(data):,} bytes, {tokens:,} tokens (estimated)", highlight=False)


def _tool(tool: "Tool") -> dict[str, Any]:
    from agentmem.kvcache.frames import frame

    return {
        "name": tool.name,
        "description": tool.description,
        "effect": tool.effect,
        "parameters": tool.schema,
        "tokens": frame("tool", tool.definition()).tokens,
    }


def _new(workspace: Path, model: str | None, shell: bool, pinned: tuple[str, ...]) -> "View":
    """The view of a thread that starts now."""
    from agentmem.config import Config
    from agentmem.context.window import window
    from agentmem.menu.menu import default_menu
    from agentmem.pages.workspace import Workspace as Pages
    from agentmem.runtime.opening import instructions, new_opening
    from agentmem.runtime.opening import pinned as frozen
    from agentmem.transcript.transcript import opening
    from agentmem.types import Entry, ModelProfile

    provider, _, name = (model or Config.load().model or EXAMPLE_MODEL).partition(":")
    shown = []
    if pinned:
        with Pages(workspace) as pages:
            shown = [frozen(pages, page) for page in pinned]
    profile = ModelProfile(provider, name or provider, "cloud")
    draft = opening(new_opening(profile, default_menu(shell=shell), instructions(None), shown))
    return window([Entry("", 0, "", draft.kind, draft.data, "")])


def _frozen(workspace: Path, database_url: str | None, thread: str) -> "View":
    """The view of an existing thread. Raises ThreadNotFound."""
    from agentmem.context.window import window

    with journal(workspace, database_url) as opened:
        view = window(opened.entries(thread)) if opened else None
    if view is None or view.opening is None:
        raise ThreadNotFound(f"there is no thread {thread!r} here: `agentmem runs` lists the runs")
    return view


def _segments(view: "View") -> tuple[list[dict[str, Any]], bytes]:
    """The frames of the prefix, each with its place in the bytes, and the bytes."""
    from agentmem.kvcache.frames import encode

    segments: list[dict[str, Any]] = []
    data = b""
    for name, one in zip(_names(view), view.prefix, strict=True):
        part = encode(one)
        place = {"kind": one.segment, "name": name, "start": len(data), "end": len(data) + len(part)}
        segments.append(place | {"tokens": one.tokens, "digest": hashlib.sha256(part).hexdigest()})
        data += part
    return segments, data


def _names(view: "View") -> list[str]:
    pages = [page.page for page in view.settings.pinned]
    system = iter(["instructions"] * len(view.settings.system) + pages)
    return [_name(one, next(system) if one.segment == "system" else "") for one in view.prefix]


def _name(one: "Frame", system: str) -> str:
    return system or str(one.value.get("name") or one.value.get("model") or one.segment)
