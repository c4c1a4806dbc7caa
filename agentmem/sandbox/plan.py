"""The plan of one command: everything that the program inside is told."""

from typing import TypedDict


class MountedTree(TypedDict):
    """The fork: a folder ``bind``, or an overlay of ``lower`` (topmost first), ``upper`` and ``work``."""

    at: str
    bind: str
    lower: list[str]
    upper: str
    work: str


class PlannedLimits(TypedDict):
    """What a command may use; ``room`` are the bytes that it may still write."""

    memory: int
    processes: int
    files: int
    disk: int
    room: int


class Holds(TypedDict):
    """What is known only when a command is started; see RunPlan."""

    held: int
    groups: list[int]
    watch: list[str]


class RunPlan(PlannedLimits, Holds):
    """Paths are absolute and the host's, but ``cwd`` and ``tree["at"]``, which are the command's.

    ``confine`` is "namespaces", "bubblewrap" (inside it already), "landlock" or "none". ``writable`` are folders and
    files of the tree; None means all of it. ``readable`` are pairs: on the host, and inside. ``links`` are pairs: a
    link and what it points to. ``root`` is an empty folder to mount on, ``scratch`` one for temporary files where
    there are no mounts. ``temporary`` is the host's folder that stands at /tmp, "" for an empty one in memory; unless
    ``follow``, links in it lead nowhere. Unless ``runs``, what lies there or in other temporary folders cannot be run,
    or loaded as a library. With ``own_user`` the command runs as OWN_USER where that user is known, and is not told
    which parts of files are in memory, as others have read them.
    ``over`` is laid over the tree last, in order: a path on the host and where it is shown read-only; with "" for the
    first, an empty folder that cannot be written. ``wrapper`` is bubblewrap's command, to which two descriptors are
    added.

    ``box`` is where a file system of ``room`` bytes in memory is mounted for all that the command writes; "" for none.
    ``keep`` is the folder to which the upper layer in it is copied at the end, "" where that stands on the disk.
    ``held`` is a descriptor that is to stay open until then, -1 for none. By writing to the descriptors ``groups`` the
    command enters its control groups. ``watch`` says which of "memory" and "disk" only looking can hold.
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
    follow: bool
    runs: bool
    own_user: bool
    over: list[tuple[str, str]]
    wrapper: list[str]
    box: str
    keep: str
