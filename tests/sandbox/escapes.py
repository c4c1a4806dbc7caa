"""Ways out of a sandbox: Python programs that try one and print "tried", and "ESCAPED" if they see that it worked.

What each does when it works is harmless on the machine that runs these tests.
"""

PRELUDE = """
import ctypes, fcntl, os, shutil, signal, socket, stat, subprocess, sys, time
OUTSIDE, SOURCE, WHERE, VICTIM, PORT, ABSTRACT = sys.argv[1:4] + [int(sys.argv[4]), int(sys.argv[5]), sys.argv[6]]
libc = ctypes.CDLL(None, use_errno=True)

def attempt(function, *arguments, **named):
    try:
        return function(*arguments, **named)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        print("refused:", error)

def put(path, text="broken in\\n"):
    with open(path, "w") as file:
        file.write(text)
    return True

def show(path):
    with open(path, "rb") as file:
        print(file.read(4096))

def succeeded(result):
    if result is not None and result >= 0:
        print("ESCAPED")
    else:
        print("refused:", os.strerror(ctypes.get_errno()))

def system_call(number, *arguments):
    succeeded(libc.syscall(ctypes.c_long(number), *arguments))
"""

ESCAPES: dict[str, str] = {
    "parent folders": """
for depth in range(12):
    attempt(put, "../" * depth + OUTSIDE.lstrip("/") + "/victim.txt")
attempt(put, "../outside/victim.txt")
""",
    "absolute path": """
attempt(put, OUTSIDE + "/victim.txt")
attempt(put, OUTSIDE + "/new.txt")
attempt(os.unlink, OUTSIDE + "/victim.txt")
attempt(show, OUTSIDE + "/secret.txt")
""",
    "link made inside": """
attempt(os.symlink, OUTSIDE, "door")
attempt(put, "door/victim.txt")
attempt(show, "door/secret.txt")
""",
    "link left for the host to read": """
os.symlink(OUTSIDE + "/secret.txt", "leak.txt")
os.symlink(OUTSIDE, "doorway")
""",
    "link in place of a folder of the fork": """
shutil.rmtree("sub")
os.symlink(OUTSIDE, "sub")
""",
    "hard link": """
attempt(os.link, OUTSIDE + "/victim.txt", "hard")
attempt(put, "hard")
attempt(os.link, OUTSIDE + "/secret.txt", "hard secret")
attempt(show, "hard secret")
""",
    "hard link to the source": """
attempt(os.link, "a.txt", "again.txt")
attempt(put, "again.txt")
attempt(os.chmod, "again.txt", 0o777)
""",
    "git hooks": """
os.makedirs(".git/hooks", exist_ok=True)
for hook in ("post-checkout", "pre-commit", "post-index-change", "post-merge", "reference-transaction"):
    put(".git/hooks/" + hook, "#!/bin/sh\\necho hook >>" + OUTSIDE + "/victim.txt\\n")
    os.chmod(".git/hooks/" + hook, 0o755)
os.makedirs("sub/.GIT/hooks", exist_ok=True)
put("sub/.GIT/hooks/pre-commit", "#!/bin/sh\\n")
""",
    "git configuration": """
os.makedirs(".git", exist_ok=True)
with open(".git/config", "a") as file:
    file.write('[core]\\n\\tfsmonitor = "echo ran >>%s/victim.txt"\\n\\thooksPath = hooks\\n' % OUTSIDE)
    file.write('\\tpager = touch %s/pager\\n\\tsshCommand = touch %s/ssh\\n' % (OUTSIDE, OUTSIDE))
    file.write('[filter "x"]\\n\\tclean = "touch %s/clean"\\n\\tsmudge = "touch %s/smudge"\\n' % (OUTSIDE, OUTSIDE))
put(".gitattributes", "* filter=x diff=x\\n")
""",
    "root folder of another process": """
for process in ("1", "self", str(os.getppid()), str(VICTIM)):
    attempt(put, "/proc/" + process + "/root" + OUTSIDE + "/victim.txt")
    attempt(show, "/proc/" + process + "/root" + OUTSIDE + "/secret.txt")
    attempt(put, "/proc/" + process + "/cwd/../outside/victim.txt")
""",
    "environment of other processes": """
print(dict(os.environ))
for process in os.listdir("/proc"):
    if process.isdigit():
        attempt(show, "/proc/" + process + "/environ")
""",
    "tracing a process": """
succeeded(libc.ptrace(16, VICTIM, None, None))
if os.getppid() > 0:
    succeeded(libc.ptrace(16, os.getppid(), None, None))
""",
    "memory of a process": """
for process in (VICTIM, os.getppid()):
    attempt(show, "/proc/%d/mem" % process)
    attempt(show, "/proc/%d/maps" % process)
    buffer = ctypes.create_string_buffer(64)
    part = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 64)
    system_call(310 if os.uname().machine == "x86_64" else 270, process, part, 1, part, 1, 0)
""",
    "mounting": """
os.makedirs("point", exist_ok=True)
succeeded(libc.mount(OUTSIDE.encode(), b"point", None, 4096, None))
succeeded(libc.mount(b"none", b"point", b"tmpfs", 0, None))
succeeded(libc.mount(b"none", b"/usr", None, 4096 | 32, None))
succeeded(libc.umount2(b"/usr", 2))
succeeded(libc.umount2(b"/tmp", 2))
""",
    "changing the root": """
opened = os.open(".", os.O_RDONLY)
attempt(os.mkdir, "jail")
attempt(os.chroot, "jail")
attempt(os.fchdir, opened)
for _ in range(30):
    os.chdir("..")
attempt(put, "." + OUTSIDE + "/victim.txt")
attempt(show, "." + OUTSIDE + "/secret.txt")
""",
    "new user namespace": """
succeeded(libc.unshare(0x10000000 | 0x00020000))
attempt(subprocess.run, ["unshare", "-Urm", "sh", "-c", "mount -t tmpfs none /usr && echo ESCAPED"], timeout=10)
process = libc.syscall(ctypes.c_long(56 if os.uname().machine == "x86_64" else 220), 0x10000000 | 17, 0, 0, 0, 0)
if process == 0:
    os.write(1, b"ESCAPED")
    os._exit(0)
""",
    "joining a namespace": """
for kind in ("mnt", "user", "net", "pid"):
    opened = attempt(os.open, "/proc/%d/ns/%s" % (VICTIM, kind), os.O_RDONLY)
    if opened is not None:
        succeeded(libc.setns(opened, 0))
opened = os.open("/proc/self/ns/net", os.O_RDONLY)
succeeded(libc.setns(opened, 0x10000000))
""",
    "signals": """
for process in (VICTIM, os.getppid(), 1):
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP):
        attempt(os.kill, process, number)
""",
    "network": """
for address in ("127.0.0.1", "0.0.0.0", "localhost"):
    if attempt(socket.create_connection, (address, PORT), timeout=2):
        print("ESCAPED")
udp = attempt(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
if udp and attempt(udp.sendto, b"x", ("192.0.2.1", 9)):
    print("ESCAPED")
""",
    "sockets of the host": """
for address in (OUTSIDE + "/socket", "\\0" + ABSTRACT, "/run/docker.sock", "/run/dbus/system_bus_socket"):
    unix = attempt(socket.socket, socket.AF_UNIX)
    if unix:
        attempt(unix.connect, address)
""",
    "inherited descriptors": """
for number in range(3, 1024):
    try:
        os.fstat(number)
    except OSError:
        continue
    print("ESCAPED", os.readlink("/proc/self/fd/%d" % number))
for number in range(3):
    attempt(os.open, "../../.." + OUTSIDE + "/victim.txt", os.O_WRONLY, dir_fd=number)
""",
    "device files": """
for kind in (stat.S_IFBLK, stat.S_IFCHR):
    for major, minor in ((254, 0), (8, 0), (1, 1), (1, 11)):
        if attempt(os.mknod, "node%d-%d" % (major, minor), kind | 0o600, os.makedev(major, minor)) is None:
            attempt(show, "node%d-%d" % (major, minor))
for name in ("vda", "sda", "mem", "kmsg", "kvm", "fuse", "loop-control"):
    if attempt(os.open, "/dev/" + name, os.O_RDWR) is not None:
        print("ESCAPED", name)
""",
    "set-user-id program": """
shutil.copy("/bin/sh", "shell")
os.chmod("shell", 0o6755)
attempt(os.chown, "shell", 0, 0)
attempt(os.setuid, 0)
""",
    "preloaded library": """
attempt(put, "/etc/ld.so.preload", "/tmp/evil.so")
attempt(put, "/etc/profile")
attempt(put, os.path.join(sys.prefix, "lib", "sitecustomize.py"))
attempt(put, sys.executable)
""",
    "modules in place of the sandbox's own": """
for name in ("os", "marshal", "json", "subprocess", "sitecustomize", "usercustomize", "agentmem"):
    put(name + ".py", "open(%r, 'a').write('ran')" % (OUTSIDE + "/victim.txt"))
""",
    "settings of the kernel": """
for name in ("kernel/core_pattern", "kernel/modprobe", "vm/overcommit_memory"):
    try:
        with open("/proc/sys/" + name) as file:
            same = file.read()
        put("/proc/sys/" + name, same)
        print("ESCAPED", name)
    except OSError as error:
        print("refused:", error)
attempt(os.open, "/proc/sysrq-trigger", os.O_WRONLY) is not None and print("ESCAPED")
attempt(os.open, "/proc/kcore", os.O_RDONLY) is not None and print("ESCAPED")
attempt(socket.sethostname, socket.gethostname() + "-taken")
""",
    "control groups": """
for folder in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"):
    attempt(os.mkdir, folder + "/agentmem-escape")
    if os.path.isdir(folder + "/agentmem-escape"):
        print("ESCAPED")
        os.rmdir(folder + "/agentmem-escape")
    attempt(os.open, folder + "/release_agent", os.O_WRONLY) is not None and print("ESCAPED")
""",
    "the fork's own state": """
for name in ("fork.json", "stamps", "layers/0/planted", "states/0/a.txt", "agentmem-fork.lock", "planted"):
    if attempt(put, WHERE + "/" + name):
        print("ESCAPED", name)
attempt(shutil.rmtree, WHERE)
""",
    "writing to what is below": """
for line in open("/proc/self/mountinfo"):
    for option in line.replace(" ", ",").split(","):
        if option.startswith(("lowerdir=", "upperdir=")):
            for folder in option.partition("=")[2].split(":"):
                attempt(put, folder + "/a.txt")
attempt(os.setxattr, "sub", "user.overlay.opaque", b"y")
attempt(os.setxattr, "sub", "user.overlay.redirect", b"/../../outside")
attempt(os.setxattr, "a.txt", "trusted.overlay.redirect", b"/outside")
attempt(show, "sub/secret.txt")
""",
    "renaming": """
attempt(os.rename, "sub", "../moved")
attempt(os.rename, "sub", OUTSIDE + "/moved")
attempt(os.rename, OUTSIDE + "/victim.txt", "taken")
attempt(os.rename, os.getcwd(), os.getcwd() + "-gone")
system_call(316 if os.uname().machine == "x86_64" else 276, -100, b"a.txt", -100, OUTSIDE.encode() + b"/victim.txt", 2)
""",
    "typing into the terminal": """
for number in (0, 1, 2):
    attempt(fcntl.ioctl, number, 0x5412, b"x")
terminal = attempt(os.open, "/dev/tty", os.O_RDWR)
if terminal is not None:
    attempt(fcntl.ioctl, terminal, 0x5412, b"x")
leader, follower = attempt(os.openpty) or (None, None)
if follower is not None:
    try:
        fcntl.ioctl(follower, 0x5412, b"x")
        print("ESCAPED")
    except OSError as error:
        print("refused:", error)
""",
    "daemon that outlives the run": """
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            for number in range(3):
                os.close(number)
            sleep = [sys.executable, "-c", "import time; time.sleep(600)", "agentmem-daemon-" + ABSTRACT]
            os.execv(sys.executable, sleep)
        os._exit(0)
""",
    "file handles": """
handle = ctypes.create_string_buffer(136)
system_call(304 if os.uname().machine == "x86_64" else 265, -100, handle, 0)
""",
    "io_uring, bpf and keys": """
parameters = ctypes.create_string_buffer(256)
system_call(425, 4, parameters)
system_call(321 if os.uname().machine == "x86_64" else 280, 0, parameters, 72)
system_call(250 if os.uname().machine == "x86_64" else 219, 0, -4, 0)
""",
    "pipe for the host to hang on": """
os.mkfifo("pipe")
os.mkfifo("sub/config")
unix = attempt(socket.socket, socket.AF_UNIX)
unix and attempt(unix.bind, "listening")
""",
    "names that lead out": """
for name in ("..\\\\..\\\\victim.txt", "-rf", "a\\nb", "\\udcff", "~", "$HOME", "C:"):
    attempt(put, name)
""",
    "unreadable folders that cannot be removed": """
os.makedirs("deep/er")
put("deep/er/file")
os.chmod("deep/er/file", 0)
os.chmod("deep/er", 0)
os.chmod("deep", 0)
""",
    "modes and times of the host's files": """
attempt(os.chmod, OUTSIDE + "/victim.txt", 0o777)
attempt(os.utime, OUTSIDE + "/victim.txt", (1, 1))
attempt(os.chown, OUTSIDE + "/victim.txt", 1, 1)
attempt(os.setxattr, OUTSIDE + "/victim.txt", "user.taken", b"1")
""",
}
"""What is tried, by name."""

CANNOT: dict[tuple[str, str], str] = {
    ("landlock", "modes and times of the host's files"): (
        "Landlock does not govern chmod, chown, utime and setxattr: landlock(7), 'Current limitations'"
    ),
}
"""What an isolation cannot hold, and why. Every other pair of isolation and escape is tested."""
