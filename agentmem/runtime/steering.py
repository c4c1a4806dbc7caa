"""Protects files that steer other programs: a change to one waits for a person, or is refused.

A model that writes a Makefile or another assistant's instructions decides what is run, or said, the next time a person
works there. Tools never write agentmem's own settings (pages/names.py). In a sandbox, a person checks the changes at
the merge, so a team's tools ask nobody.
"""

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from agentmem.errors import RecoverableError
from agentmem.menu import arguments, builtin
from agentmem.menu.tool import Tool
from agentmem.pages.address import split
from agentmem.pages.files import Files
from agentmem.pages.names import folded
from agentmem.types import ToolCall

STEERING: Mapping[str, tuple[str, ...]] = {
    "coding assistants": (
        *("agents.md", "agents.*.md", "claude.md", "claude.*.md", "gemini.md", "qwen.md", "copilot-instructions.md"),
        *("skill.md", "*.instructions.md", "*.prompt.md", "*.mdc", "mcp.json", "llms.txt"),
        *(".cursorrules", ".windsurfrules", ".clinerules*", ".goosehints", ".mcp.json", ".aider*", ".rules"),
        *(".claude/*", ".cursor/*", ".codex/*", ".gemini/*", ".continue/*", ".roo/*", ".windsurf/*", ".agents/*"),
    ),
    "builds": (
        *("makefile", "makefile.*", "gnumakefile", "bsdmakefile", "*.mk", "justfile", "*.just", "rakefile", "*.rake"),
        *("taskfile.y*ml", "cmakelists.txt", "*.cmake", "meson.build", "sconstruct", "sconscript", "build.ninja"),
        *("build.xml", "pom.xml", "build.gradle*", "settings.gradle*", "gradlew*", "mvnw*", "build.sbt", "build.rs"),
        *("configure", "configure.ac", "dune-project", "workspace", "workspace.bazel", "module.bazel", "build.bazel"),
        *("flake.nix", "shell.nix", "default.nix", "wscript", "tiltfile", "earthfile", "magefile.go"),
    ),
    "packages": (
        *("pyproject.toml", "setup.py", "setup.cfg", "manifest.in", "requirements*.txt", "constraints*.txt"),
        *("pipfile", "environment.y*ml", "package.json", "pnpm-workspace.yaml", "deno.json*", "bunfig.toml"),
        *("cargo.toml", "gemfile", "*.gemspec", "composer.json", "go.mod", "go.work", "mix.exs", "*.csproj"),
        *("directory.build.*", "nuget.config", "pip.conf", "pip.ini", ".npmrc", ".yarnrc*", ".pypirc"),
    ),
    "tests and checks": (
        *("conftest.py", "pytest.ini", "tox.ini", "noxfile.py", "sitecustomize.py", "usercustomize.py", "*.pth"),
        *("*.config.js", "*.config.ts", "*.config.mjs", "*.config.cjs", "*.config.mts", "gulpfile.*", "gruntfile.*"),
        *("karma.conf.*", "tasks.py", "fabfile.py", "dodo.py", "manage.py", "mypy.ini", "lefthook.y*ml"),
        *(".pre-commit-config.y*ml", ".husky/*", ".eslintrc*", ".prettierrc*", ".babelrc*", ".pylintrc", ".flake8"),
    ),
    "machines": (
        *("dockerfile*", "*.dockerfile", "containerfile*", "docker-compose*.y*ml", "compose*.y*ml", "vagrantfile"),
        *("jenkinsfile*", "procfile*", "*pipelines.y*ml", "cloudbuild.y*ml", "appveyor.y*ml", "netlify.toml"),
        *("vercel.json", "fly.toml", "render.yaml", "app.yaml", "*.tf", "ansible.cfg", "playbook.y*ml", "crontab"),
        *(".github/*", ".gitlab-ci*.y*ml", ".gitlab/*", ".circleci/*", ".travis.y*ml", ".drone.y*ml", ".buildkite/*"),
    ),
    "editors, shells and repositories": (
        *("*.code-workspace", "mise.toml", "*.desktop", "*.service", "autorun.inf", "desktop.ini"),
        *(".git", ".git/*", ".gitmodules", ".gitattributes", ".gitconfig", ".hg/*", ".svn/*", ".vscode/*", ".idea/*"),
        *(".devcontainer*", ".editorconfig", ".envrc", ".env*", ".tool-versions", ".mise.toml", ".exrc", ".vimrc"),
        *(".bashrc", ".bash_*", ".profile", ".zshrc", ".zprofile", ".zshenv", ".ssh/*", ".netrc", ".config/*"),
    ),
}
"""Files that steer other programs, with their folder or by name alone. Case and Unicode forms make no difference."""

WRITERS: Mapping[Callable[..., object], tuple[str, ...]] = {builtin.write: ("page",), builtin.edit: ("page", "to")}
"""The tools that change pages, and their arguments that name a page."""


def steered(call: ToolCall, tool: Tool, root: Path) -> tuple[str, ...]:
    """The files among those that steer other programs that a call of one of the WRITERS would change."""
    try:
        given = arguments.parse(call.arguments)
    except RecoverableError:
        return ()
    pages = (page for name in WRITERS[tool.function] if isinstance(page := given.get(name), str))
    return tuple(page for page in pages if any(map(steers, _meant(page, root))))


def steers(name: str) -> bool:
    """True if a file of this name, anywhere in a workspace, steers other programs."""
    parts = [part for part in folded(name).split("/") if part not in ("", ".")]
    tails = ["/".join(parts[at:]) for at in range(len(parts))]
    return any(_fits(glob, tail) for globs in STEERING.values() for glob in globs for tail in tails)


def _fits(glob: str, tail: str) -> bool:
    """True if the glob fits. A name without a folder means a file; one with a folder covers all files in it."""
    return ("/" in glob or "/" not in tail) and fnmatchcase(tail, glob)


def _meant(page: str, root: Path) -> Iterator[str]:
    """The names that an address may mean: as given, and behind links."""
    for name in {page, split(page)[0], page.partition("#")[0]}:
        yield name
        try:
            yield Files(root).locate(name)
        except RecoverableError:  # the tool gives a better message
            continue
