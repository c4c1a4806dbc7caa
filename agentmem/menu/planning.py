"""Keeps the plan of a thread: a task list that the model writes and a person can read.

It is a page in the workspace under ``.agentmem/plans/``, one for each thread.
"""

import re
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from agentmem.errors import BadArguments, PageNotFound
from agentmem.menu.tool import ToolContext
from agentmem.pages.files import Files
from agentmem.pages.names import HOME

_STEP = re.compile(r"(?:[-*+]\s+|\d+[.)]\s+)?(?P<mark>\[[ xX>-]\])?\s*(?P<step>.*)", re.DOTALL)
_WAITING = "[ ]"
_LONGEST = 150  # characters of a file's name; file systems end at 255
NONE = "There is no plan yet."


def name(thread: str) -> str:
    """The path of a thread's plan in the workspace. A very long thread name is cut, and its hash added."""
    file = quote(thread, safe=" ")
    if len(file) > _LONGEST:
        file = f"{file[:_LONGEST]}-{sha256(thread.encode()).hexdigest()[:16]}"
    return f"{HOME}/plans/{file}.md"


def show(context: ToolContext) -> str:
    """The current plan, or a sentence that there is none."""
    try:
        data, _ = Files(context.workspace.root).read(name(context.thread))
    except PageNotFound:
        return NONE
    return data.decode()


def keep(context: ToolContext, steps: list[str]) -> str:
    """Replaces the plan by these steps, and shows it. Raises BadArguments."""
    text = rendered(steps)
    Files(context.workspace.root).write(name(context.thread), text.encode(), lambda temporary: None)
    return text


def forget(thread: str, root: Path) -> None:
    """Deletes a thread's plan, if there is one."""
    (root / name(thread)).unlink(missing_ok=True)


def rendered(steps: list[str]) -> str:
    """Steps as a page. Raises BadArguments for a step without words."""
    read = [_read(step, number) for number, step in enumerate(steps, 1)]
    done = sum(mark == "[x]" for mark, _ in read)
    lines = [f"- {mark} {step}" for mark, step in read]
    return "\n".join([f"# Plan ({done} of {len(read)} done)", "", *(lines or ["No steps."])]) + "\n"


def _read(step: str, number: int) -> tuple[str, str]:
    found = _STEP.fullmatch(step.strip())
    words = " ".join(found["step"].split()) if found else ""
    if not found or not words:
        raise BadArguments(f"Step {number} is empty. Write what is to be done, for example `[>] Read the policy`.")
    return (found["mark"] or _WAITING).lower(), words
