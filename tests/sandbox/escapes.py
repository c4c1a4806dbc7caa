"""Ways out of a sandbox: Python programs that try one and print "tried", and "ESCAPED" if they see that it worked.

What each does when it works is harmless on the machine that runs these tests.
"""

from agentmem.sandbox.running import PACKAGE

NICENESS, BADNESS = 17, 997
"""What attempts give to processes of the host: values that nobody else gives them."""

PRELUDE = """
import ctypes, fcntl, os, shutil, signal, socket, stat, struct, subprocess, sys, time
OUTSIDE, SOURCE, WHERE = sys.argv[1:4]
VICTIM, PORT, ABSTRACT, KEY = int(sys.argv[4]), int(sys.argv[5]), sys.argv[6], int(sys.argv[7])
libc = ctypes.CDLL(None, use_errno=True)
SUPERVISOR = os.getppid()

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

X86 = os.uname().machine == "x86_64"

def forbid(function, *arguments, **named):
    # For what is harmless when it works, and must not.
    try:
        print("ESCAPED", function, function(*arguments, **named))
    except (OSError, ValueError) as error:
        print("refused:", error)

def call(x86, other, *arguments):
    system_call(x86 if X86 else other, *arguments)

def forbidden(path, flags=os.O_RDWR):
    forbid(os.open, path, flags)

def run(*command):
    # The exit code and output of a program; None where there is none.
    ran = attempt(subprocess.run, command, timeout=15, capture_output=True, text=True)
    return None if ran is None else (ran.returncode, ran.stdout + ran.stderr)
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
for process in ("1", "self", str(SUPERVISOR), str(VICTIM)):
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
if SUPERVISOR > 0:
    succeeded(libc.ptrace(16, SUPERVISOR, None, None))
""",
    "memory of a process": """
for process in (VICTIM, SUPERVISOR):
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
for process in (VICTIM, SUPERVISOR, 1):
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
    "descriptor of the fork and its parents": """
opened = os.open(".", os.O_RDONLY)
for depth in range(12):
    attempt(os.open, "../" * depth + OUTSIDE.lstrip("/") + "/victim.txt", os.O_WRONLY | os.O_TRUNC, dir_fd=opened)
""",
    "folder that is moved while it is open": """
os.makedirs("one/two/three")
opened = os.open("one/two/three", os.O_RDONLY)
os.rename("one/two/three", "three")
os.fchdir(opened)
attempt(put, "../../.." + OUTSIDE + "/victim.txt")
""",
    "root folder by its own process": """
for name in ("self", "thread-self", str(os.getpid())):
    attempt(put, "/proc/" + name + "/root" + OUTSIDE + "/victim.txt")
    attempt(show, "/proc/" + name + "/root" + OUTSIDE + "/secret.txt")
""",
    "open files of a process": """
for process in (VICTIM, SUPERVISOR, 1):
    for number in range(8):
        attempt(show, "/proc/%d/fd/%d" % (process, number)) if process == VICTIM and number > 2 else None
    for name in attempt(os.listdir, "/proc/%d/map_files" % process) or ():
        attempt(put, "/proc/%d/map_files/%s" % (process, name)) if process == VICTIM else None
""",
    "the program that runs is overwritten": """
for path in ("/proc/self/exe", "/proc/%d/exe" % SUPERVISOR, "/proc/1/exe", sys.executable, "/bin/sh"):
    forbidden(path, os.O_WRONLY)
""",
    "nameless file that is given a name": """
opened = attempt(os.open, ".", os.O_TMPFILE | os.O_RDWR)
if opened is not None:
    attempt(os.link, "/proc/self/fd/%d" % opened, OUTSIDE + "/new.txt", follow_symlinks=True)
forbid(os.open, OUTSIDE, os.O_TMPFILE | os.O_RDWR)
""",
    "truncating": """
attempt(os.truncate, OUTSIDE + "/victim.txt", 0)
attempt(os.open, OUTSIDE + "/victim.txt", os.O_RDONLY | os.O_TRUNC)
attempt(os.truncate, SOURCE + "/../outside/victim.txt", 0)
""",
    "copying into and out of a file": """
for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_PATH):
    opened = attempt(os.open, OUTSIDE + "/victim.txt", flags)
    if opened is not None:
        mine = os.open("a.txt", os.O_RDONLY)
        attempt(os.copy_file_range, mine, opened, 3)
        attempt(os.posix_fallocate, opened, 0, 100)
        attempt(os.sendfile, 1, opened, 0, 4096)
""",
    "handle by which a file is opened": """
for number in (2, 11, 12, 128, 256):
    handle = ctypes.create_string_buffer(struct.pack("IiII", 8, 1, number, 0))
    call(304, 265, os.open(".", os.O_RDONLY), handle, os.O_RDONLY)
""",
    "flags of a file": """
for path in (OUTSIDE + "/victim.txt", "a.txt"):
    opened = attempt(os.open, path, os.O_RDONLY)
    if opened is not None and path != "a.txt":
        forbid(fcntl.ioctl, opened, 0x40086602, struct.pack("L", 0x20))
opened = os.open("a.txt", os.O_RDWR)
forbid(fcntl.ioctl, opened, 0x40086602, struct.pack("L", 0x10))
""",
    "rights of a program in the fork": """
shutil.copy(os.path.realpath(sys.executable), "python")
capability = struct.pack("<5I", 0x02000001, 0xFFFFFFFF, 0xFFFFFFFF, 0x1FF, 0x1FF)
attempt(os.setxattr, "python", "security.capability", capability)
print(run("./python", "-I", "-S", "-c", "print(open('/proc/self/status').read())") and "ran")
attempt(show, OUTSIDE + "/secret.txt")
""",
    "folder of a name that the sandbox uses itself": """
for name in (".agentmem-new-1", ".agentmem-merge-1", "arrived", "arrived.part", "layers", "box", "agentmem-fork.lock"):
    attempt(os.makedirs, name + "/inner")
    attempt(put, name + "/inner/file")
    attempt(os.symlink, OUTSIDE, name + "/door")
""",
    "device that says removed": """
for name in ("a.txt", "sub", "new"):
    attempt(os.mknod, name + "-gone", stat.S_IFCHR | 0o600, os.makedev(0, 0))
attempt(os.setxattr, ".", "user.overlay.opaque", b"y")
attempt(os.setxattr, ".", "user.overlay.metacopy", b"")
attempt(os.setxattr, ".", "trusted.overlay.opaque", b"y")
""",
    "longest names": """
for size in (255, 256):
    attempt(put, "n" * size)
path = "."
for _ in range(20):
    path += "/" + "m" * 200
    attempt(os.mkdir, path)
attempt(put, path + "/file")
""",
    "deepest tree": """
os.mkdir("deep")
os.chdir("deep")
for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")
put("bottom")
""",
    "loops of links": """
os.symlink("loop", "loop")
os.symlink("b1", "b2")
os.symlink("b2", "b1")
os.symlink(".", "here")
os.symlink("/proc/self/root", "root")
os.symlink("/proc/self/fd/0", "stdin")
os.symlink("/proc/self/cwd/../outside", "sub/up")
""",
    "link to where the host's process stands": """
for number in range(3, 30):
    os.symlink("/proc/self/fd/%d/secret.txt" % number, "fd%d" % number)
os.symlink("/proc/self/environ", "environ")
os.symlink("/proc/self/mem", "memory")
""",
    "file with many names": """
os.mkdir("names")
put("names/0", "x" * 1000)
for number in range(1, 300):
    if attempt(os.link, "names/0", "names/%d" % number) is None and not os.path.exists("names/%d" % number):
        break
""",
    "file that seems huge": """
with open("sparse", "wb") as file:
    attempt(file.truncate, 60 << 20)
""",
    "git folder that points elsewhere": """
shutil.rmtree(".git", ignore_errors=True)
put(".git", "gitdir: %s/evil\\n" % OUTSIDE)
os.makedirs("module")
put("module/.git", "gitdir: ../../outside/evil\\n")
put(".gitmodules", '[submodule "m"]\\n\\tpath = module\\n\\turl = ext::touch %s/ext\\n' % OUTSIDE)
""",
    "git folder of another spelling": """
for name in (".Git", ".GIT", "git~1", ".git ", ".git.", ".g\\u200cit", "sub/.gIt"):
    attempt(os.makedirs, name + "/hooks", exist_ok=True)
    attempt(put, name + "/hooks/post-checkout", "#!/bin/sh\\n")
""",
    "bare repository": """
os.makedirs("bare/hooks")
put("bare/HEAD", "ref: refs/heads/main\\n")
put("bare/config", '[core]\\n\\tbare = false\\n\\tworktree = /\\n\\tfsmonitor = touch %s/ran\\n' % OUTSIDE)
os.makedirs("bare/objects")
os.makedirs("bare/refs")
""",
    "programs of usual names": """
for name in ("git", "sh", "python3", "env", "bwrap", "fusermount3", "mount"):
    put(name, "#!/bin/sh\\necho ran >>%s/victim.txt\\n" % OUTSIDE)
    os.chmod(name, 0o755)
""",
    "startup files of the home folder": """
home = os.environ["HOME"]
for name in (".profile", ".bashrc", ".gitconfig", ".netrc", ".config/git/config", ".pdbrc", ".ssh/authorized_keys"):
    attempt(os.makedirs, os.path.dirname(os.path.join(home, name)), exist_ok=True)
    attempt(put, os.path.join(home, name))
for name in ("/root/.agentmem-escape", "/home/.agentmem-escape", "/var/.agentmem-escape"):
    forbid(put, name)
""",
    "scheduled work": """
for folder in ("/etc/cron.d", "/var/spool/cron", "/etc/systemd/system", "/etc/init.d", "/etc/udev/rules.d",
               "/lib/udev", "/etc/profile.d"):
    path = folder + "/agentmem-escape"
    forbid(put, path)
""",
    "packages of this Python": """
# Some folders may be the command's own, as those below /tmp are: the host looks whether it got what was planted.
for folder in dict.fromkeys(sys.path[1:]):
    attempt(put, folder + "/planted-" + ABSTRACT + ".pth", "import os\\n")
    attempt(os.mkdir, folder + "/planted-" + ABSTRACT)
""",
    "descriptor taken from a process": """
opened = libc.syscall(434, VICTIM, 0)
if opened >= 0:
    for number in range(4):
        succeeded(libc.syscall(438, opened, number, 0))
""",
    "signal by a descriptor": """
for process in (VICTIM, SUPERVISOR):
    opened = libc.syscall(434, process, 0)
    if opened >= 0 and process == VICTIM:
        succeeded(libc.syscall(424, opened, 9, None, 0))
""",
    "queued signals": """
information = ctypes.create_string_buffer(struct.pack("iii", 9, 0, -1).ljust(128, b"\\0"))
call(129, 138, VICTIM, 9, information)
call(297, 240, VICTIM, VICTIM, 9, information)
call(234, 131, VICTIM, VICTIM, 9)
call(200, 130, VICTIM, 9)
""",
    "signal by input and output": """
reading, writing = os.pipe()
for number, owner in ((reading, VICTIM), (1, VICTIM), (0, VICTIM)):
    attempt(fcntl.fcntl, number, 10, 9)
    attempt(fcntl.fcntl, number, fcntl.F_SETOWN, owner)
    attempt(fcntl.fcntl, number, fcntl.F_SETFL, os.O_ASYNC)
os.write(writing, b"x")
print("moved")
time.sleep(0.1)
""",
    "signals to groups": """
for group in (VICTIM, SUPERVISOR, 1):
    if group != os.getpgrp() and group == VICTIM:
        attempt(os.killpg, group, 9)
attempt(os.kill, -VICTIM, 9)
""",
    "writing the memory of a process": """
part = (ctypes.c_void_p * 2)(ctypes.addressof(ctypes.create_string_buffer(64)), 64)
call(311, 271, VICTIM, part, 1, part, 1, 0)
opened = libc.syscall(434, VICTIM, 0)
if opened >= 0:
    succeeded(libc.syscall(440, opened, part, 1, 4, 0))
attempt(put, "/proc/%d/mem" % VICTIM)
""",
    "comparing processes": """
call(312, 272, VICTIM, os.getpid(), 0, 0, 0)
attempt(show, "/proc/%d/syscall" % VICTIM)
attempt(show, "/proc/%d/stack" % VICTIM)
attempt(show, "/proc/%d/auxv" % VICTIM)
""",
    "following a process by its trace": """
for request in (16, 0x4206):
    succeeded(libc.ptrace(request, VICTIM, None, None))
attempt(libc.prctl, 0x59616D61, -1, 0, 0, 0)
""",
    "limits of a process": """
import resource
attempt(resource.prlimit, VICTIM, resource.RLIMIT_NOFILE, (3, 3))
attempt(resource.prlimit, VICTIM, resource.RLIMIT_CPU, (1, 1))
forbid(resource.setrlimit, resource.RLIMIT_NOFILE, (1 << 19, 1 << 19))
""",
    "priority of a process": f"""
for which in (0, 1):
    call(141, 140, which, VICTIM, {NICENESS})
""",
    "processors of a process": """
attempt(os.sched_setaffinity, VICTIM, {0})
""",
    "scheduling of a process": """
attempt(os.sched_setscheduler, VICTIM, os.SCHED_IDLE, os.sched_param(0))
attempt(os.sched_setscheduler, VICTIM, os.SCHED_BATCH, os.sched_param(0))
attributes = ctypes.create_string_buffer(struct.pack("IIQiIQQQ", 48, 5, 0, 0, 0, 0, 0, 0))
call(314, 274, VICTIM, attributes, 0)
forbid(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(1))
""",
    "input and output priority of a process": """
for which in (1, 2):
    call(251, 30, which, VICTIM, 3 << 13)
""",
    "pages of a process": """
call(256, 238, VICTIM, 64, ctypes.byref(ctypes.c_ulong(1)), ctypes.byref(ctypes.c_ulong(1)))
call(279, 239, VICTIM, 1, None, None, None, 2)
""",
    "who is ended when memory is short": f"""
for process in (VICTIM,):
    forbid(put, "/proc/%d/oom_score_adj" % process, "{BADNESS}")
forbid(put, "/proc/self/oom_score_adj", "-1000")
""",
    "child that belongs to another": """
process = libc.syscall(ctypes.c_long(56 if X86 else 220), 0x00008000 | 17, 0, 0, 0, 0)
if process == 0:
    os.setsid()
    os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", "agentmem-daemon-" + ABSTRACT])
""",
    "stopped process that is left": """
if os.fork() == 0:
    os.setsid()
    sleep = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), 19)", "agentmem-daemon-" + ABSTRACT]
    os.execv(sys.executable, sleep)
time.sleep(0.2)
""",
    "every kind of new namespace": """
succeeded(libc.unshare(0x80))
for kind in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
    succeeded(libc.unshare(kind))
    process = libc.syscall(ctypes.c_long(56 if X86 else 220), kind | 17, 0, 0, 0, 0)
    if process == 0:
        os._exit(os.write(1, b"ESCAPED") * 0)
""",
    "clone3": """
arguments = ctypes.create_string_buffer(struct.pack("11Q", 0x10000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0))
process = libc.syscall(435, arguments, 88)
if process == 0:
    os._exit(os.write(1, b"ESCAPED") * 0)
""",
    "joining by a process's descriptor": """
for process in (VICTIM, 1, SUPERVISOR):
    opened = libc.syscall(434, process, 0)
    if opened >= 0:
        succeeded(libc.setns(opened, 0x20000))
print(run("nsenter", "-t", "1", "-a", "cat", OUTSIDE + "/secret.txt"))
print(run("nsenter", "-t", str(VICTIM), "-m", "cat", OUTSIDE + "/secret.txt"))
""",
    "calls of 32 bits": """
if X86 and os.fork() == 0:
    import mmap
    memory = mmap.mmap(-1, 4096, prot=7)
    memory.write(bytes.fromhex("b814000000cd80c3"))
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    if ctypes.CFUNCTYPE(ctypes.c_int)(address)() > 0:
        os.write(1, b"ESCAPED")
    os._exit(0)
os.wait() if X86 else None
""",
    "calls of another table": """
if X86:
    system_call(0x40000000 | 39)
    system_call(0x40000000 | 165, b"none", b"/tmp", b"tmpfs", 0, None)
""",
    "programs that raise rights": """
for command in (["su", "-c", "id"], ["sudo", "-n", "id"], ["newgrp", "root"], ["pkexec", "id"],
                ["mount", "-t", "tmpfs", "none", "/mnt"]):
    ran = run(*command)
    if ran and ran[0] == 0 and os.getuid():
        print("ESCAPED", command)
succeeded(libc.prctl(38, 0, 0, 0, 0))
""",
    "rights that were given up": """
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
held = (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)
succeeded(libc.capset(header, held))
for number in (1, 2, 12, 16, 19, 21, 25):
    succeeded(libc.prctl(47, 2, number, 0, 0))
""",
    "becoming somebody else": """
if os.getuid():
    forbid(os.setresuid, 0, 0, 0)
    forbid(os.setresgid, 0, 0, 0)
    forbid(os.setgroups, [0])
attempt(show, OUTSIDE + "/secret.txt")
""",
    "keys of the session": """
for keyring in (-1, -2, -3, -4, -5):
    number = libc.syscall(250 if X86 else 219, 0, keyring, 0)
    if number >= 0:
        print("ESCAPED", number)
call(249, 218, b"user", b"agentmem", None, 0)
""",
    "counters of the processor": """
attributes = ctypes.create_string_buffer(struct.pack("IIQ", 1, 112, 0).ljust(112, b"\\0"))
call(298, 241, attributes, 0, -1, -1, 0)
call(298, 241, attributes, VICTIM, -1, -1, 0)
""",
    "faults taken by a user": """
call(323, 282, 0)
forbidden("/dev/userfaultfd")
""",
    "terminals of the host": """
for path in ("/dev/console", "/dev/tty0", "/dev/tty1", "/dev/ttyS0", "/dev/hvc0", "/dev/vcs1"):
    forbidden(path)
call(153, 58)
""",
    "sockets of every family": """
for family in range(46):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        if family not in (1, 2, 10, 16):
            try:
                socket.socket(family, kind)
                print("ESCAPED", family, kind)
            except OSError:
                pass
            try:
                socket.socketpair(family, kind)
                print("ESCAPED", family, kind)
            except (OSError, ValueError):
                pass
""",
    "sockets between virtual machines": """
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    forbid(socket.socket, 40, kind)
""",
    "raw packets": """
for family, kind, protocol in ((17, socket.SOCK_RAW, 0x0300), (2, socket.SOCK_RAW, 1), (10, socket.SOCK_RAW, 58)):
    forbid(socket.socket, family, kind, protocol)
""",
    "settings of the network": """
link = attempt(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW, 0)
if link is not None:
    attempt(link.bind, (0, 0))
    name = b"agentmem0\\0".ljust(12, b"\\0")
    body = struct.pack("BxHiII", 0, 0, 0, 0, 0) + struct.pack("HH", 4 + 10, 3) + name
    attempt(link.send, struct.pack("IHHII", 16 + len(body), 16, 0x605, 1, 0) + body)
    answer = attempt(link.recv, 4096)
    if answer and struct.unpack_from("i", answer, 16)[0] == 0:
        print("ESCAPED")
""",
    "messages of the kernel by netlink": """
for protocol in (2, 7, 9, 11, 15):
    link = attempt(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    if link is not None and attempt(link.bind, (0, 1)) is None and protocol in (9,):
        print("bound", protocol)
""",
    "other protocols to the host": """
for protocol in (262, 132, 33, 136):
    stream = attempt(socket.socket, socket.AF_INET, socket.SOCK_STREAM, protocol)
    if stream is not None:
        stream.settimeout(2)
        attempt(stream.connect, ("127.0.0.1", PORT))
""",
    "data sent before a connection": """
stream = attempt(socket.socket, socket.AF_INET, socket.SOCK_STREAM)
if stream is not None:
    stream.settimeout(2)
    attempt(stream.sendto, b"x", 0x20000000, ("127.0.0.1", PORT))
""",
    "the host by the other version of the protocol": """
for address in ("::1", "::ffff:127.0.0.1", "fe80::1%lo"):
    stream = attempt(socket.socket, socket.AF_INET6, socket.SOCK_STREAM)
    if stream is not None:
        stream.settimeout(2)
        if attempt(stream.connect, (address, PORT)) is None and stream.getpeername():
            print("connected")
""",
    "addresses beside the host": """
for address in ("169.254.169.254", "10.0.0.1", "192.168.0.1", "172.17.0.1", "100.100.100.200"):
    stream = attempt(socket.socket, socket.AF_INET, socket.SOCK_STREAM)
    if stream is not None:
        stream.settimeout(0.5)
        try:
            stream.connect((address, 80))
            print("ESCAPED", address)
        except OSError as error:
            print("refused:", error)
""",
    "names looked up": """
try:
    print("ESCAPED", socket.getaddrinfo("example.org", 80))
except OSError as error:
    print("refused:", error)
""",
    "everybody on the network": """
for address in ("255.255.255.255", "224.0.0.1"):
    datagram = attempt(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
    if datagram is not None:
        attempt(datagram.setsockopt, socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        forbid(datagram.sendto, b"x", (address, 9))
""",
    "descriptors sent by a socket of the host": """
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    for address in (OUTSIDE + "/socket", "/proc/%d/root%s/socket" % (VICTIM, OUTSIDE), "\\0" + ABSTRACT):
        unix = attempt(socket.socket, socket.AF_UNIX, kind)
        if unix is not None and attempt(unix.connect, address) is not None:
            print("connected")
""",
    "the new calls for mounting": """
call(430, 430, b"tmpfs", 0)
call(428, 428, -100, b"/", 1)
call(429, 429, -100, b"/tmp", -100, b"/usr", 0)
call(442, 442, -100, b"/usr", 0, ctypes.create_string_buffer(struct.pack("4Q", 0, 1, 0, 0)), 32)
call(433, 433, -100, b"/", 0)
call(467, 467, -100, b"/", 1, None, 0)
""",
    "what is mounted, by the new calls": """
request = ctypes.create_string_buffer(struct.pack("IIQQQ", 32, 0, 0xFFFFFFFFFFFFFFFF, 0, 0))
call(458, 458, request, ctypes.create_string_buffer(8192), 1024, 0)
call(457, 457, request, ctypes.create_string_buffer(8192), 8192, 0)
""",
    "writable again": """
for target in (b"/", b"/usr", b"/proc/sys", b"/dev"):
    succeeded(libc.mount(None, target, None, 32 | 4096, None))
    succeeded(libc.mount(None, target, None, 32, None))
print(run("mount", "-o", "remount,rw", "/"))
forbid(put, "/usr/planted")
forbid(put, "/planted")
""",
    "the root folder moved": """
attempt(os.makedirs, "new/old")
call(155, 41, b"new", b"new/old")
succeeded(libc.mount(b"/", b"new", None, 4096 | 16384, None))
""",
    "covers of /proc taken away": """
for path in ("/proc/sys", "/proc/kcore", "/proc/keys", "/proc/sysrq-trigger", "/proc", "/dev/shm"):
    succeeded(libc.umount2(path.encode(), 2))
    succeeded(libc.mount(b"none", path.encode(), b"proc", 0, None))
""",
    "where the fork stands on the host": """
for name in ("mountinfo", "mounts", "mountstats", "cgroup"):
    if WHERE in open("/proc/self/" + name).read():
        print("ESCAPED", name)
""",
    "settings of the kernel, one by one": """
for folder, _, names in os.walk("/proc/sys"):
    for name in names:
        path = os.path.join(folder, name)
        if not path.startswith(("/proc/sys/net", "/proc/sys/fs/binfmt_misc")) and not os.path.islink(path):
            try:
                os.close(os.open(path, os.O_WRONLY))
                print("ESCAPED", path)
            except OSError:
                pass
""",
    "files of the kernel in /sys": """
for path in ("/sys/kernel/uevent_helper", "/sys/power/state", "/sys/kernel/mm/transparent_hugepage/enabled",
             "/sys/kernel/debug/x", "/sys/kernel/tracing/trace", "/sys/fs/bpf/x", "/sys/module/kernel/parameters/x"):
    forbidden(path, os.O_WRONLY)
for folder in ("/sys/kernel/debug", "/sys/kernel/tracing", "/sys/fs/bpf", "/sys/firmware/efi/efivars"):
    forbid(os.mkdir, folder + "/agentmem")
""",
    "programs for kinds of files": """
forbidden("/proc/sys/fs/binfmt_misc/register", os.O_WRONLY)
forbidden("/proc/sys/fs/binfmt_misc/status", os.O_WRONLY)
""",
    "loop devices": """
for path in ("/dev/loop-control", "/dev/loop0", "/dev/mapper/control", "/dev/nbd0", "/dev/ram0", "/dev/fuse",
             "/dev/net/tun", "/dev/vhost-vsock", "/dev/vsock", "/dev/kvm", "/dev/uinput", "/dev/input/event0"):
    forbidden(path)
""",
    "modules of the kernel": """
call(175, 105, b"", 0, b"")
call(313, 273, os.open("a.txt", os.O_RDONLY), b"", 0)
call(176, 106, b"none", 0)
print(run("modprobe", "dummy"))
""",
    "another kernel": """
call(246, 104, 0, 0, None, 0)
call(320, 294, -1, -1, 0, None, 0)
call(169, 142, 0xFEE1DEAD, 672274793, 0, None)
""",
    "the clock": """
now = struct.pack("qq", int(time.time()), 0)
call(164, 170, ctypes.create_string_buffer(now), None)
call(227, 112, 0, ctypes.create_string_buffer(now))
forbid(time.clock_settime, time.CLOCK_REALTIME, time.time())
""",
    "accounting, swap and quotas": """
call(163, 89, b"a.txt")
call(167, 224, b"a.txt", 0)
call(168, 225, b"a.txt")
call(179, 60, 0x800001, b"/dev/vda", 0, None)
call(443, 443, os.open(".", os.O_RDONLY), 0x800001, 0, None)
""",
    "log of the kernel": """
call(103, 116, 3, ctypes.create_string_buffer(4096), 4096)
call(103, 116, 10, None, 0)
""",
    "ports of the processor": """
if X86:
    system_call(172, 3)
    system_call(173, 0x80, 1, 1)
for path in ("/dev/mem", "/dev/port", "/dev/cpu/0/msr", "/dev/kmem"):
    forbidden(path)
""",
    "programs for the kernel": """
for command in (0, 5, 12):
    call(321, 280, command, ctypes.create_string_buffer(128), 128)
""",
    "queues of input and output": """
parameters = ctypes.create_string_buffer(256)
call(425, 425, 8, parameters)
call(427, 427, -1, 0, None, 0)
""",
    "shared memory of the host": """
libc.shmat.restype = ctypes.c_void_p
number = libc.shmget(KEY, 0, 0o600)
if number >= 0:
    address = libc.shmat(number, None, 0)
    print(ctypes.string_at(address, 32))
    libc.shmctl(number, 0, None)
for number in range(64):
    address = libc.shmat(number, None, 0o10000)
    if address is not None and address != ctypes.c_void_p(-1).value:
        print(ctypes.string_at(address, 32))
""",
    "queues of the host": """
number = libc.msgget(KEY, 0)
if number >= 0:
    buffer = ctypes.create_string_buffer(256)
    libc.msgrcv(number, buffer, 200, 0, 0o4000)
    print(buffer.raw)
    libc.msgctl(number, 0, None)
""",
    "semaphores of the host": """
number = libc.semget(KEY, 0, 0)
if number >= 0:
    print("ESCAPED")
    libc.semctl(number, 0, 0)
""",
    "named queues of the host": """
libc.mq_open.restype = ctypes.c_int
opened = libc.mq_open(b"/" + ABSTRACT.encode(), os.O_RDWR)
if opened >= 0:
    print("ESCAPED")
libc.mq_unlink(b"/" + ABSTRACT.encode())
""",
    "files in memory of the host": """
for folder in ("/dev/shm", "/run", "/run/shm", "/var/tmp", "/tmp"):
    attempt(show, folder + "/" + ABSTRACT)
    attempt(os.unlink, folder + "/" + ABSTRACT)
    attempt(put, folder + "/" + ABSTRACT + "-planted")
""",
    "secrets of the system": """
for path in ("/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/ssl/private", "/root/.ssh/id_rsa", "/etc/machine-id",
             "/var/run/secrets", "/var/log/syslog", "/var/lib/dpkg/lock", "/boot/grub/grub.cfg", "/etc/fstab"):
    forbidden(path, os.O_RDONLY)
""",
    "homes of people": f"""
for folder in ("/root", "/home", "/var/lib", "/srv", "/opt", "/mnt", "/media"):
    for name in attempt(os.listdir, folder) or ():
        own = (sys.prefix, sys.base_prefix, os.getcwd(), {str(PACKAGE)!r})
        if not any(path.startswith(os.path.join(folder, name)) for path in own):
            print("ESCAPED", folder, name)
""",
    "standard input written": """
for path in ("/proc/self/fd/0", "/dev/stdin"):
    opened = attempt(os.open, path, os.O_RDWR)
    if opened is not None:
        forbid(os.write, opened, b"x" * 4096)
forbid(os.write, 0, b"x")
""",
    "what the sandbox says to the host": """
import marshal
for number in range(3, 64):
    forbid(os.write, number, marshal.dumps({"exit": 0, "killed": None}))
for process in (1, SUPERVISOR):
    for number in range(16):
        opened = attempt(os.open, "/proc/%d/fd/%d" % (process, number), os.O_WRONLY)
        if opened is not None and number > 2:
            print("ESCAPED", process, number)
""",
    "other groups of control": """
for folder, folders, names in os.walk("/sys/fs/cgroup"):
    for name in names:
        if name in ("cgroup.procs", "tasks", "memory.limit_in_bytes", "memory.max", "pids.max", "release_agent"):
            forbidden(os.path.join(folder, name), os.O_WRONLY)
    del folders[3:]
""",
    "watching the host's files": """
watch = libc.inotify_init()
if watch >= 0:
    for path in (OUTSIDE, OUTSIDE + "/victim.txt", WHERE):
        if path not in os.getcwd():
            succeeded(libc.inotify_add_watch(watch, path.encode(), 0xFFF))
call(300, 262, 0, 0)
""",
    "locks of the host": """
for path in (OUTSIDE + "/victim.txt", WHERE + "/agentmem-fork.lock", WHERE + "/agentmem-keeping.lock"):
    opened = attempt(os.open, path, os.O_RDONLY)
    if opened is not None:
        forbid(fcntl.flock, opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
""",
    "processes of the host by name": """
mine = 0
for name in os.listdir("/proc"):
    if name.isdigit():
        try:
            line = open("/proc/%s/cmdline" % name, "rb").read()
        except OSError:
            continue
        mine += b"HOST_KEY" in line
print(mine)
attempt(show, "/proc/%d/environ" % VICTIM)
attempt(show, "/proc/%d/cwd/victim.txt" % VICTIM)
""",
    "the fork's lock let go of": """
for number in range(3, 256):
    try:
        fcntl.flock(number, fcntl.LOCK_UN)
        print("ESCAPED", number)
    except OSError:
        pass
""",
    "attributes of files out of reach": """
for path in (OUTSIDE + "/secret.txt", SOURCE + "/a.txt" if SOURCE != os.getcwd() else OUTSIDE):
    for name in ("user.a", "security.selinux", "system.posix_acl_access"):
        forbid(os.getxattr, path, name)
""",
    "text that steers a terminal": """
print("\\x1b]0;owned\\x07\\x1b[2J\\x1bP+q\\x1b\\\\ \\x9b31m")
put("\\x1b[2J.txt")
os.makedirs("a\\rb")
put("a\\rb/c\\u202egnp.txt")
""",
    "every process that there is": """
if b"agentmem" in open("/proc/1/cmdline", "rb").read():
    os.kill(-1, 9)
""",
    "more processes than can be counted": """
signal.alarm(3)
for _ in range(60):
    try:
        if os.fork() == 0:
            os.setsid()
            sleep = [sys.executable, "-c", "import time; time.sleep(600)", "agentmem-daemon-" + ABSTRACT]
            os.execv(sys.executable, sleep)
    except OSError:
        break
""",
}
"""What is tried, by name."""

BY_ITSELF = frozenset({"every process that there is", "more processes than can be counted", "the fork's own state"})
"""Those that end what stands beside them."""

CANNOT: dict[tuple[str, str], str] = {
    ("landlock", "modes and times of the host's files"): (
        "Landlock does not govern chmod, chown and utime: landlock(7), 'Current limitations'"
    ),
    ("landlock", "watching the host's files"): "Landlock does not govern inotify: that a file is used can be seen",
}
"""What an isolation cannot hold, and why. Every other pair of isolation and escape is tested."""

RUNNER = """
import json
TOP = os.getcwd()

def tried(code):
    os.chdir(TOP)
    try:
        exec(code, dict(globals()))
    except OSError as error:
        print("ended:", error)
    except Exception as error:
        print("BROKEN", repr(error))
    print("tried")

def within(seconds, process):
    end = time.monotonic() + seconds
    while os.waitpid(process, os.WNOHANG)[0] == 0:
        if time.monotonic() > end:
            os.kill(process, signal.SIGKILL)
        time.sleep(0.01)

for name, code in json.loads(sys.argv[8]):
    print("==", name)
    keeper = os.fork()
    if keeper == 0:
        process = os.fork()
        if process == 0:
            tried(code)
            os._exit(0)
        within(20, process)
        os._exit(0)
    os.waitpid(keeper, 0)
"""
"""Tries escapes, each in a process of its own below another of its own."""
