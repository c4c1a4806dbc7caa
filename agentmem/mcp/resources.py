"""A server's resources as pages: each says where it came from and when, and is written again only when it changed."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from time import time
from typing import Protocol

import yaml

from agentmem.errors import ConfigError, PageNotFound, RecoverableError
from agentmem.pages import front
from agentmem.pages.importing.keeping import ImportResult, keep
from agentmem.pages.importing.sources import Names, Read, SourcePage, safe_part
from agentmem.pages.workspace import Workspace
from agentmem.types import Clock, Image, Text

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:/*", re.IGNORECASE)


class ListedResource(Protocol):
    """A resource as a server lists it."""

    uri: str
    name: str


class ResourceSource(Protocol):
    """A connection whose resources can be read, such as `agentmem.mcp.MCP`."""

    name: str

    def resources(self) -> "Sequence[ListedResource]": ...

    def resource(self, uri: str) -> list[Text | Image]: ...


def as_pages(
    source: ResourceSource, workspace: Workspace, only: Iterable[str] | None = None, *, clock: Clock = time
) -> ImportResult:
    """Keep a server's resources as pages below ``mcp/NAME/``; ``only`` those with these URIs, or all.

        as_pages(github, workspace, only=["repo://docs/contributing"])

    The front matter of each names the server, the URI and the day. A page that was edited here is left alone. Returns
    what was written, and what could not be kept, with the reason. Raises ConfigError for a URI that the server does not
    list, ServerFault if it cannot be asked.
    """
    listed = {str(one.uri): one for one in source.resources()}
    wanted = list(listed) if only is None else list(only)
    if unknown := [uri for uri in wanted if uri not in listed]:
        raise ConfigError(f"{source.name} lists no resource {unknown[0]!r}; it has {', '.join(listed) or 'none'}")
    read, names, day = Read(), Names(), f"{datetime.fromtimestamp(clock(), UTC):%Y-%m-%d}"
    for uri in wanted:
        stem = safe_part(_SCHEME.sub("", uri).replace("/", "-")).removesuffix(".md")
        name = f"mcp/{source.name}/{names.take(f'{stem}.md')}"
        try:
            body = _text(source.resource(uri))
        except RecoverableError as error:
            read.refused[uri] = error.sentence
            continue
        about = {"source": source.name, "uri": uri, "title": listed[uri].name, "fetched": day}
        read.pages.append(SourcePage(uri, name, _page(workspace, name, body, about)))
    return keep(workspace, f"mcp-{source.name}", read, clock=clock)


def _text(contents: Sequence[Text | Image]) -> str:
    """The text of a resource, with an end of line. Raises RecoverableError for one that has a picture."""
    if any(isinstance(one, Image) for one in contents):
        raise RecoverableError("It is a picture, and pages are text.")
    text = "\n\n".join(one.text for one in contents if isinstance(one, Text))
    return text if text.endswith("\n") else f"{text}\n"


def _page(workspace: Workspace, name: str, body: str, about: dict[str, str]) -> str:
    """The page's text; as it is, with the day of its last change, if the body is the same."""
    try:
        known = workspace.page(name)
    except (PageNotFound, RecoverableError):
        known = None
    if known and known.data[front.end(known.data) :].decode() == body:
        return known.text
    return f"---\n{yaml.safe_dump(about, allow_unicode=True, sort_keys=False)}---\n{body}"
