"""The plan of one command: everything that the program inside is told."""

from typing import TypedDict


class MountedTree(TypedDict):
    """The fork: a folder ``bind``, or an overlay of ``lower`` (topmost first), ``upper`` and ``work``."""

    at: str
    bind: str
    lower: list[str]
    upper: str
    work: str


class RunPlan(TypedDict):
    """Paths are absolute and on the host, except ``cwd`` and ``tree["at"]``, which are inside.

    ``confine``: "namespaces", "bubblewrap" (inside it already), "landlock" or "none".
    ``writable``: folders and files of the tree that may be written; None means all.
    ``readable``: pairs of a path on the host and its path inside.
    ``links``: pairs of a link and its target.
    ``root``: an empty folder to mount on.
    ``scratch``: a folder for temporary files if nothing is mounted.
    ``temporary``: the host's folder that is mounted at /tmp; "" for an empty one in memory.
    ``over``: pairs of a path on the host and the place where it is mounted read-only, over the tree and in this order.
    With "" as the first, it is an empty folder that cannot be written.
    ``wrapper``: bubblewrap's command, to which two descriptors are added.
    ``memory`` and ``disk`` are in bytes.
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
