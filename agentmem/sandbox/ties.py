"""What ties a command to others outside its walls: descriptors, a temporary folder in common, and when it ends."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ties:
    """Ties of one run. Without any, a command has nothing in common with another.

    ``descriptors`` are open in the command under the same numbers. ``temporary`` is a folder of the host that is shown
    at /tmp, with ``follow`` False without following links in it. ``hidden`` are folders of the fork that are shown
    empty. Unless ``runs``, no file that was written inside can be run, or loaded as a library; not inside bubblewrap,
    which has no such mounts. ``ended`` is asked about every 50 ms, and ends the command when it is true. With
    ``own_user`` the command runs as a user that nothing else runs as, where that user is known in the command's
    namespace: for root, and not inside bubblewrap; elsewhere its user namespace is its own, as every command's.
    Nor is it told which parts of files are in memory. All but the descriptors and ``ended`` need isolation that mounts.
    """

    descriptors: tuple[int, ...] = ()
    temporary: Path | None = None
    follow: bool = True
    hidden: tuple[str, ...] = ()
    runs: bool = True
    ended: Callable[[], bool] = lambda: False
    own_user: bool = False


UNTIED = Ties()
