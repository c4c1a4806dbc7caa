"""What the program inside is told: everything about one command."""

from typing import TypedDict


class MountedTree(TypedDict):
    """The fork: folder ``bind``, or an overlay of ``lower`` (the topmost first), ``upper`` and ``work``."""

    at: str
    bind: str
    lower: list[str]
    upper: str
    work: str


class RunPlan(TypedDict):
    """Paths are absolute and the host's, but ``cwd`` and ``tree["at"]``, which are the command's.

    ``confine`` is "namespaces", "bubblewrap" (inside it already), "landlock" or "none". ``writable`` are folders and
    files of the tree; None means all of it. ``readable`` are pairs: on the host, and inside. ``links`` are pairs: a
    link and what it points to. ``root`` is an empty folder to mount on, ``scratch`` one for temporary files where
    there are no mounts. ``temporary`` is the host's folder that stands at /tmp, "" for an empty one in memory.
    ``over`` is laid over the tree last, in order: a path on the host and where it is shown read-only; with "" for the
    first, an empty folder that cannot be written. ``wrapper`` is bubblewrap's command, to which two descriptors are
    added.
    """

    parent: int
    confine: str
    argv: list[str]
    env: dict[str, str]
    cwd: str
    network: bool
    tree: MountedTree
    writable: list[str] | None
    readable: list[tuple[str, str]]
    links: list[tuple[str, str]]
    root: str
    scratch: str
    temporary: str
    over: list[tuple[str, str]]
    memory: int
    processes: int
    files: int
    disk: int
    wrapper: list[str]
