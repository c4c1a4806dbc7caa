"""Ways of taking more memory or disk than a command may have, each a Python program. None takes more than 320 MiB."""

import re
from typing import NamedTuple

from agentmem.sandbox import Ran, SandboxLimits

MEBIBYTE = 1 << 20
LIMITS = SandboxLimits(
    seconds=20,
    memory=128 * MEBIBYTE,
    disk=64 * MEBIBYTE,
    processes=64,
    files=512,
    output=4 * MEBIBYTE,
    printed=8 * MEBIBYTE,
)
"""Those under which they are tried."""


class Taker(NamedTuple):
    """``what`` it takes of: "memory", "disk" or "printed". What it has so far it says by lines ``took PID BYTES``."""

    name: str
    what: str
    program: str


_BEGIN = """
import ctypes, mmap, os, socket, sys, time
MB, kept, total = 1 << 20, [], [0]
block = b"x" * MB

def fill(file, count):
    for _ in range(count):
        os.write(file, block)
        taken(MB)

def taken(size):
    total[0] += size
    os.write(2, b"took %d %d\\n" % (os.getpid(), total[0]))

def each(function, times):
    for number in range(times):
        try:
            function(number)
        except (OSError, MemoryError) as error:
            print("refused:", error)
            break
    time.sleep(0.7)
"""

_WAYS: dict[str, tuple[str, str]] = {
    "heap, in many processes": (
        "memory",
        """
def take(number):
    if os.fork() == 0:
        kept.append(b"x" * (40 * MB))
        taken(40 * MB)
        time.sleep(3)
        os._exit(0)
each(take, 8)
""",
    ),
    "heap": ("memory", "each(lambda number: taken(len(kept.append(block[:-1] + b'y') or block)), 320)"),
    "private mappings": (
        "memory",
        """
def take(number):
    made = mmap.mmap(-1, 10 * MB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    made.write(block * 10)
    kept.append(made)
    taken(10 * MB)
each(take, 32)
""",
    ),
    "shared mappings": (
        "memory",
        """
def take(number):
    made = mmap.mmap(-1, 10 * MB)
    made.write(block * 10)
    kept.append(made)
    taken(10 * MB)
each(take, 32)
""",
    ),
    "memfd": (
        "memory",
        """
def take(number):
    kept.append(os.memfd_create("m"))
    fill(kept[-1], 20)
each(take, 16)
""",
    ),
    "memfd on its way by a socket": (
        "memory",
        """
one, other = socket.socketpair()
def take(number):
    made = os.memfd_create("m")
    fill(made, 20)
    socket.send_fds(one, [b"x"], [made])
    os.close(made)
each(take, 16)
""",
    ),
    "System V segments": (
        "memory",
        """
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
libc.shmdt.argtypes = [ctypes.c_void_p]
def take(number):
    segment = libc.shmget(0, ctypes.c_size_t(20 * MB), 0o1600)
    at = libc.shmat(segment, None, 0)
    if segment < 0 or at in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "refused")
    ctypes.memset(at, 1, 20 * MB)
    libc.shmdt(at)
    taken(20 * MB)
each(take, 16)
""",
    ),
    "sockets": (
        "memory",
        """
def take(number):
    one, other = socket.socketpair()
    one.setblocking(False)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 * MB)
    kept.extend((one, other))
    size = 0
    try:
        while True:
            size += one.send(block[:65536])
    except BlockingIOError:
        taken(size)
for _ in range(3):
    os.fork()
each(take, 230)
""",
    ),
    "pipes": (
        "memory",
        """
import fcntl
def take(number):
    reading, writing = os.pipe()
    kept.extend((reading, writing))
    os.set_blocking(writing, False)
    try:
        fcntl.fcntl(writing, 1031, MB)
    except OSError:
        pass
    size = 0
    try:
        while True:
            size += os.write(writing, block[:65536])
    except BlockingIOError:
        taken(size)
each(take, 230)
""",
    ),
    "files in memory": (
        "disk",
        """
def take(number):
    for folder in dict.fromkeys(("/tmp", "/dev/shm", "/run", os.environ["TMPDIR"])):
        try:
            kept.append(os.open("%s/f%d" % (folder, number), os.O_CREAT | os.O_RDWR))
        except PermissionError:
            continue
        fill(kept[-1], 10)
each(take, 8)
""",
    ),
    "files": ("disk", "each(lambda number: fill(os.open('f%d' % number, os.O_CREAT | os.O_RDWR), 10), 32)"),
    "unlinked files": (
        "disk",
        """
def take(number):
    kept.append(os.open("f", os.O_CREAT | os.O_RDWR))
    os.unlink("f")
    fill(kept[-1], 10)
each(take, 32)
""",
    ),
    "sparse files with many names": (
        "disk",
        """
def take(number):
    made = os.open("s%d" % number, os.O_CREAT | os.O_RDWR)
    os.truncate(made, 60 * MB)
    os.pwrite(made, block, 30 * MB)
    taken(MB)
    for name in range(20):
        os.link("s%d" % number, "s%d-%d" % (number, name))
each(take, 200)
""",
    ),
    "many small files": (
        "disk",
        """
def take(number):
    os.mkdir("d%d" % number)
    for name in range(500):
        with open("d%d/%d" % (number, name), "w") as file:
            file.write("x")
    taken(500 * 4096)
each(take, 80)
""",
    ),
    "standard input": (
        "disk",
        """
def take(number):
    fill(os.open("/proc/self/fd/0", os.O_RDWR), 10)
each(take, 30)
""",
    ),
    "what is printed": ("printed", "each(lambda number: taken(os.write(1, block)), 255)"),
}

TAKERS = tuple(Taker(name, what, _BEGIN + program) for name, (what, program) in _WAYS.items())


def taken(ran: Ran) -> int:
    """The bytes that a taker had at most, by what its processes said last."""
    last = {process: int(size) for process, size in re.findall(r"took (\d+) (\d+)", ran.output)}
    return sum(last.values())
