"""Defines every error that agentmem raises on purpose.

AgentmemError
├── ConfigError               a setting that cannot work: says which and what to write instead
│   ├── AssetMissing          prompts/ or tools/ did not come with the installation
│   ├── EmbedderNotAvailable  a package of the embedder is missing, or its files are not the expected ones
│   ├── RerankerNotAvailable  a package of the reranker is missing, or its files are not the expected ones
│   └── MenuError             a tool card and its function disagree, or the menu is too long
├── RecoverableError          the model is told ``sentence`` and may try again
│   ├── WorkspaceError        a page could not be read or changed; no byte was changed
│   │   ├── PageNotFound      no such page
│   │   ├── SectionNotFound   the page has no such heading
│   │   ├── PageExists        would overwrite a page
│   │   ├── StalePage         the page changed since the revision given
│   │   ├── TextNotUnique     the text to replace is missing, or stands in several places
│   │   ├── OutsideWorkspace  the path leaves the workspace
│   │   └── NotAPage          binary, too large, not UTF-8, a device ...
│   └── ToolError             a tool call that could not be served
│       ├── BadArguments      the arguments do not fit the card
│       ├── ToolRefused       the tool is not allowed now
│       ├── ToolTimeout       the tool took longer than its card allows
│       └── UnknownReference  nothing is stored under that reference
├── JournalError              the transcript's store
│   ├── ThreadBusy            another run holds the thread, or appended to it meanwhile
│   ├── KeyTaken              another task was submitted under the key
│   ├── DatabaseAway          the database cannot be reached or written now; runs wait for it
│   ├── ThreadNotFound        no such thread
│   ├── ThreadHasForks        other threads begin in this one
│   ├── SchemaTooNew          the database was written by a later agentmem
│   └── JournalCorrupt        an entry does not match its hash
├── ArchiveError              the archive or the long-term memory could not be read or written
├── AnswersError              the answer cache could not be read or written
├── WarehouseError            a block or a state of KV that cannot be believed: its tokens are computed again
│   └── BlockVersion          a block that another version of agentmem wrote
├── TranscriptError           an entry that cannot follow the ones before it
├── SummaryRejected           a summary that cannot replace its entries: another is asked for, or made
├── SandboxError              a fork could not be made, read or changed; the host is as it was
│   ├── IsolationUnavailable  nothing here keeps a command from the host: says what was tried, and what to install
│   └── MergeConflict         both sides changed the same files: names them; nothing was written
├── BudgetExceeded            the next request would not fit; names the largest entries
└── ModelError                the model could not answer; the transcript is intact
    ├── ModelNotAvailable     not installed, no key, no weights: says how to get it
    ├── ModelRejected         the provider refused the request as invalid
    │   └── PromptTooLong     the context does not fit into the model's window
    ├── ModelOverloaded       still overloaded or rate-limited after the retries
    ├── ModelUnreachable      no connection, a time-out or a broken stream after the retries
    ├── FleetHalted           the fleet's dollars are spent, or it is being stopped; the request was not sent
    ├── RouteRefused          no target may have the request, which was not sent
    └── ScriptEnded           a scripted model has no turn left
"""

from collections.abc import Sequence
from typing import NamedTuple


class BlockPlace(NamedTuple):
    """The place of a block in a request: the message, the block in it, and the block inside that one, from 0."""

    message: int
    block: int | None = None
    inner: int | None = None


class AgentmemError(Exception):
    """The root: catch it to catch every error that agentmem raises on purpose.

    try:
        result = agent.run("Summarise notes.md")
    except ModelError as error:  # the transcript is intact: run the thread again to go on
        print(error)
    except AgentmemError as error:
        print("failed:", error)
    """


class ConfigError(AgentmemError):
    """A setting cannot work. The text says which one and what to write instead."""


class AssetMissing(ConfigError):
    """The installation lacks its prompts or tool cards."""


class EmbedderNotAvailable(ConfigError):
    """A package of the embedder is missing, or its files are not the expected ones."""


class RerankerNotAvailable(ConfigError):
    """A package of the reranker is missing, or its files are not the expected ones."""


class MenuError(ConfigError):
    """A tool card and its function disagree, two tools share a name, or the menu is too long."""


class RecoverableError(AgentmemError):
    """A mistake that the model can correct. A tool raises it to tell the model ``sentence``; the run goes on.

    raise RecoverableError("There is no order 7: give one of 1 to 5.")
    """

    @property
    def sentence(self) -> str:
        """One or more plain sentences that say what is wrong and what to do instead."""
        return str(self)


class WorkspaceError(RecoverableError):
    """A page could not be read or changed. No byte was changed."""


class PageNotFound(WorkspaceError):
    """No such page. Names the nearest ones."""


class SectionNotFound(WorkspaceError):
    """The page has no such section. Names the ones it has."""


class PageExists(WorkspaceError):
    """The operation would overwrite a page."""


class StalePage(WorkspaceError):
    """The page changed since the revision that the edit was made against. Shows what changed."""


class TextNotUnique(WorkspaceError):
    """The text to replace is missing, or stands in more than one place. Says where."""


class OutsideWorkspace(WorkspaceError):
    """The path leads out of the workspace: through ``..``, a link, or an absolute path."""


class NotAPage(WorkspaceError):
    """The file is not a text page: binary, too large, not UTF-8, a device, a fifo, a folder."""


class ToolError(RecoverableError):
    """A tool call could not be served. The model is told ``sentence``, and the run goes on."""


class BadArguments(ToolError):
    """The arguments do not fit the tool's card."""


class ToolRefused(ToolError):
    """The tool is not allowed now."""


class ToolTimeout(ToolError):
    """The tool took longer than its card allows."""


class UnknownReference(ToolError):
    """Nothing is stored under that reference."""


class JournalError(AgentmemError):
    """The store of transcripts failed or refused."""


class ThreadBusy(JournalError):
    """Another run holds the thread's lease, or has appended to the thread meanwhile. Try again when it has ended."""


class KeyTaken(JournalError):
    """Another task, or another thread, was submitted under the same key. Nothing was started."""


class DatabaseAway(JournalError):
    """The database cannot be reached or written now: it restarts, a link is cut, its disk is full. Run again to go on.

    Work waits for it by itself, for as long as ``outage_timeout`` in the database's URL says.
    """


class ThreadNotFound(JournalError):
    """There is no thread of that name."""


class ThreadHasForks(JournalError):
    """Other threads begin in this one; forgetting it would break them."""


class SchemaTooNew(JournalError):
    """The database was written by a later version of agentmem."""


class JournalCorrupt(JournalError):
    """An entry's bytes do not match its hash: the database was changed from outside."""


class ArchiveError(AgentmemError):
    """The archive or the long-term memory could not be read or written. The journal is intact."""


class AnswersError(AgentmemError):
    """The answer cache could not be read or written. Deleting its folder loses nothing but saved answers."""


class WarehouseError(AgentmemError):
    """A block or a state of KV cannot be believed, and says why. Its tokens are computed again."""


class BlockVersion(WarehouseError):
    """A block was written by another version of agentmem."""


class TranscriptError(AgentmemError):
    """An entry cannot follow the ones before it, for example a result without its call."""


class SummaryRejected(AgentmemError):
    """A summary cannot replace its entries: it is empty, too long, false, or lacks a name that was used."""


class SandboxError(AgentmemError):
    """A fork could not be made, read or changed, or a path leads out of it. The host is as it was."""


class IsolationUnavailable(SandboxError):
    """Nothing on this machine keeps a command from the host. Says what was tried and what to do."""


class MergeConflict(SandboxError):
    """Both sides changed the same files, named in ``paths``. Nothing was written."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = tuple(paths)
        named = ", ".join(self.paths[:20]) + (f" and {len(self.paths) - 20} more" if len(self.paths) > 20 else "")
        super().__init__(f"these files changed on both sides: {named}. Nothing was written. Merge them by hand.")


class BudgetExceeded(AgentmemError):
    """The next request would not fit the budget, so it was not sent.

    ``estimate`` and ``limit`` are tokens; ``largest`` names entries as (reference, tokens), the largest first.
    """

    def __init__(self, estimate: int, limit: int, largest: Sequence[tuple[str, int]]) -> None:
        self.estimate, self.limit, self.largest = estimate, limit, tuple(largest)
        named = ", ".join(f"{reference} ({tokens:,} tokens)" for reference, tokens in largest) or "nothing"
        super().__init__(
            f"the next request would take about {estimate:,} tokens and the budget is {limit:,}. "
            f"Largest entries: {named}. Raise the budget, or start a new thread."
        )


class ModelError(AgentmemError):
    """The model could not answer. The transcript is intact: run the same thread again to go on."""


class ModelNotAvailable(ModelError):
    """The model is not installed, has no key or no weights. Says how to get it."""


class ModelRejected(ModelError):
    """The provider refused the request as invalid. ``place`` is the block that it named, or None."""

    place: BlockPlace | None = None


class PromptTooLong(ModelRejected):
    """The context does not fit into the model's window: compact it, or start a new thread."""


class ModelOverloaded(ModelError):
    """The provider was still overloaded, or limited the rate, after the retries."""


class ModelUnreachable(ModelError):
    """No connection, a time-out or a broken stream, still after the retries."""


class RouteRefused(ModelError):
    """No target may have the request, for example because it is private. It was not sent. Says why for each target."""


class FleetHalted(ModelError):
    """The fleet's dollars are spent, or it is being stopped. The request was not sent; start the fleet again."""


class ScriptEnded(ModelError):
    """A scripted model was asked for a turn that its script does not have."""
