"""`agentmem serve --mcp`: serve a workspace to any client of the Model Context Protocol."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentmem.cli.options import HERE, AsJson, Database, Model, Workspace, database
from agentmem.cli.output import notices, print_json_line, print_line
from agentmem.config import PLACE
from agentmem.errors import ConfigError

if TYPE_CHECKING:
    from agentmem.answers.values import AnswerScope
    from agentmem.mcp.offered import Offer, Scopes
    from agentmem.mcp.tenants import Tokens


Http = Annotated[bool, typer.Option("--http", help="Over HTTP, with bearer tokens. By default on stdio.")]
Host = Annotated[str, typer.Option(help="The address; others than loopback need --tokens.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port; 0: a free one.")]
TokensFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Tenants with their tokens (TOML). Default: one new token.")
]
Write = Annotated[bool, typer.Option("--write", help="Let clients write pages, too.")]
Hosts = Annotated[list[str] | None, typer.Option(metavar="NAME", help="Another name of this machine, behind a proxy.")]
Origins = Annotated[
    list[str] | None, typer.Option(metavar="URL", help="A web page's origin that may call. By default none.")
]


def serve(
    mcp: Annotated[bool, typer.Option("--mcp", help="Speak the Model Context Protocol.")] = False,
    http: Http = False,
    host: Host = "127.0.0.1",
    port: Port = 0,
    tokens: TokensFile = None,
    write: Write = False,
    allow_host: Hosts = None,
    allow_origin: Origins = None,
    model: Model = None,
    workspace: Workspace = HERE,
    database_url: Database = None,
    json: AsJson = False,
) -> None:
    """Serve pages, recall, kept answers, report and why to any MCP client, until Ctrl-C or the input ends.

    Pages are written only with --write. With --model the answers that an agent of that model has kept are served too.
    """
    if not mcp:
        raise ConfigError("say what to serve: `agentmem serve --mcp` serves the workspace to MCP clients")
    if not workspace.is_dir():
        raise ConfigError(f"there is no folder {workspace}: make it, or name another --workspace")
    from agentmem.cli.trust import settings
    from agentmem.mcp.offered import Offer

    place, url = settings(workspace.resolve()).answers.get(PLACE), database(workspace, database_url)
    with Offer(workspace, database=url, answers=place, write=write, scopes=_scopes(model)) as offer:
        if http:
            _serve_http(offer, host, port, tokens, allow_host or (), allow_origin or (), json)
        else:
            if tokens:
                raise ConfigError("--tokens is for --http: on stdio the client is the process that started this one")
            if sys.stdin.isatty():
                notices().print("Waiting for an MCP client on stdio; Ctrl-D ends it. `--http` serves over HTTP.")
            from agentmem.mcp.serving import serve_stdio

            serve_stdio(offer)


def _serve_http(
    offer: "Offer", host: str, port: int, file: Path | None, hosts: Sequence[str], origins: Sequence[str], json: bool
) -> None:
    from agentmem.mcp import tenants
    from agentmem.mcp.offered import check
    from agentmem.mcp.serving import McpServer, is_loopback

    if file is None and not is_loopback(host):
        raise ConfigError(f"{host} is reached from other machines: name who may ask, with --tokens FILE")
    token, known = ("", tenants.read(file)) if file else tenants.one_token()
    check(offer, [tenant for _, tenant in known.tenants])
    server = McpServer(offer, known, host, port, hosts, origins)
    _greet(server.url, token, known, json)
    try:
        server.run()
    finally:
        server.close()


def _greet(url: str, token: str, known: "Tokens", json: bool) -> None:
    """Print the address and, if it was made now, the token: this is the only place where it is shown."""
    if json:
        print_json_line({"schema": 1, "url": url, "token": token or None})
        return
    print_line(f"Serving MCP until Ctrl-C: {url}")
    if token:
        print_line(f"  Authorization: Bearer {token}")
        print_line(f'  claude mcp add --transport http agentmem {url} --header "Authorization: Bearer {token}"')
    else:
        print_line(f"  tenants: {', '.join(tenant.name for _, tenant in known.tenants)}")


def _scopes(model: str | None) -> "Scopes":
    """The scopes in which answers are looked up; with a model also those of `Agent.ask` at its defaults."""
    from agentmem.mcp.offered import whole_tenant

    if model is None:
        return whole_tenant
    from agentmem.answers.values import AnswerScope
    from agentmem.models import load
    from agentmem.runtime.questions import scope_at_defaults

    profile = load(model).profile

    def scopes(tenant: str) -> "tuple[AnswerScope, ...]":
        return (scope_at_defaults(profile, tenant), AnswerScope(tenant=tenant))

    return scopes
