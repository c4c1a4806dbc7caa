"""The tools of a team, on one role's fork. Both roles have the same menu; tools that are not a role's refuse."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from agentmem.errors import SandboxError, ToolError, ToolRefused
from agentmem.menu import cards
from agentmem.menu.builtin import recall
from agentmem.menu.making import from_function
from agentmem.menu.menu import make_menu
from agentmem.menu.tool import Menu
from agentmem.sandbox import Diff, Sandbox
from agentmem.team import rights
from agentmem.team.outcomes import ObservedTests, observe
from agentmem.team.report import EvidenceGiven, FailingGiven

Line = Annotated[int, Field(ge=1)]
Seconds = Annotated[int, Field(ge=1, le=600)]

_LISTED = 400  # files that a listing names


@dataclass(frozen=True, slots=True)
class Rights:
    """A role's rights. ``may(path, there)`` is true if it may change the file; ``there`` says if the file existed.

    ``words`` says so to the role. ``writable`` are globs of what its commands may change, beside litter; None for no
    limit. A tester's change nothing: they run the code under test, which would else rewrite the tests that judge it.
    """

    may: Callable[[str, bool], bool]
    words: str
    writable: tuple[str, ...] | None = None


class RoleTools:
    """One role's tools. ``sandbox`` is its current fork.

    ``ran`` is called with every command, and a command ends when ``ended`` is true.
    """

    def __init__(
        self,
        rights: Rights,
        environment: Mapping[str, str],
        ran: Callable[[str], object],
        ended: Callable[[], bool] = lambda: False,
    ) -> None:
        self.rights, self.environment, self.ran, self.ended = rights, environment, ran, ended
        self.sandbox: Sandbox | None = None
        self.began: frozenset[str] = frozenset()

    def sit(self, sandbox: Sandbox, began: frozenset[str]) -> None:
        """Work in ``sandbox`` from now on. The files ``began`` existed before the role came."""
        self.sandbox, self.began = sandbox, began

    @property
    def fork(self) -> Sandbox:
        if self.sandbox is None:
            raise ToolError("There is no copy of the repository to work in now.")
        return self.sandbox

    def read(self, path: str = "", first: Line = 1, last: Line | None = None) -> str:
        """A file with numbered lines, or the files of a folder."""
        path = path.strip().strip("/").removeprefix("./").removesuffix("/.")
        if path in ("", "."):
            return _listed("", self._files())
        try:
            lines = _text(self._bytes(path), path).splitlines()
        except ToolError:
            if inside := self._files(f"{path}/**/*"):
                return _listed(path, inside)
            raise
        shown = lines[first - 1 : last]
        if not shown:
            return f"{path} has {len(lines)} lines." if lines else f"{path} is empty."
        numbered = "\n".join(f"{number:>5}  {line}" for number, line in enumerate(shown, first))
        return f"{path}, lines {first} to {first + len(shown) - 1} of {len(lines)}:\n{numbered}"

    def edit(self, path: str, new: str, old: str | None = None) -> str:
        """Make one exact replacement, or write a whole file."""
        path = path.strip().removeprefix("./")
        if not self.rights.may(path, path in self.began):
            raise ToolRefused(f"You may not change {path}. {self.rights.words}")
        if old is None:
            return self._written(path, new)
        text = _text(self._bytes(path), path)
        if not old or text.count(old) != 1:
            found = "is not in" if old not in text or not old else f"occurs {text.count(old)} times in"
            raise ToolError(f"`old` {found} {path}. Read the file, and copy a text that is in it exactly once.")
        return self._written(path, text.replace(old, new))

    def run(self, command: str, seconds: Seconds = 120) -> str:
        """Run a command in the fork."""
        self.ran(command)
        writable = self.rights.writable
        seen = observe(self.fork, command, self.environment, timeout=seconds, writable=writable, ended=self.ended)
        return described(seen, seconds, self.rights.words)

    def report(
        self,
        verdict: Literal["pass", "fail"],
        summary: str,
        evidence: list[EvidenceGiven],
        failing: list[FailingGiven] = [],  # noqa: B006  # only read, and the schema shows it as the default
        untested: list[str] = [],  # noqa: B006
    ) -> str:
        """Do nothing: the report is the call itself, which is in the transcript."""
        return "Filed. The evidence will be run again in a fresh copy. You are done, unless you hear otherwise."

    def menu(self) -> Menu:
        """The tools, in the order that both roles share."""
        functions = {name: getattr(self, name, recall) for name in TOOLS}
        return make_menu(
            [from_function(function, card=cards.load(f"team/{name}")) for name, function in functions.items()]
        )

    def _files(self, glob: str = "**/*") -> Sequence[str]:
        return [name for name in self.fork.files(glob) if not rights.matches(name, rights.LITTER)]

    def _bytes(self, path: str) -> bytes:
        try:
            return self.fork.read(path)
        except (SandboxError, OSError) as error:
            raise ToolError(f"{path} cannot be read: {error}. Read '' to see what is there.") from error

    def _written(self, path: str, text: str) -> str:
        try:
            self.fork.write(path, text.encode("utf-8", "surrogatepass"))
        except (SandboxError, OSError) as error:
            raise ToolError(f"{path} cannot be written: {error}.") from error
        return f"Written: {path}, {len(text.splitlines())} lines."


TOOLS = ("read", "edit", "run", "report", "recall")
"""The menu of both roles."""


def described(seen: ObservedTests, seconds: float, words: str = "") -> str:
    """The end of a command for the model: the exit code, changes that were undone, and the output."""
    ending = f"Exit code {seen.exit_code}."
    if seen.timed_out:
        ending = f"Ended after {seconds:g} seconds because its time was up, with everything it had started."
    elif seen.killed:
        ending = f"Ended because it passed the limit of {seen.killed}. Exit code {seen.exit_code}."
    if seen.restored:
        ending += f" It changed {', '.join(seen.restored)}, which you may not change; that was undone. {words}"
    return f"{ending}\n\n{seen.output.rstrip() or '(It printed nothing.)'}"


def changed(diff: Diff) -> Diff:
    """A diff without the files that runs leave behind."""
    kept = tuple(change for change in diff.changes if not rights.matches(change.path, rights.LITTER))
    return Diff(kept, diff.left_out)


def _listed(path: str, names: Sequence[str]) -> str:
    shown = "\n".join(f"- {name}" for name in names[:_LISTED])
    more = f"\n- and {len(names) - _LISTED} more: list a folder" if len(names) > _LISTED else ""
    return f"{path or 'The repository'} holds {len(names)} files:\n{shown}{more}"


def _text(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ToolError(f"{path} is not UTF-8 text: look at it with run.") from error
