"""What of the host a command may read: the system's programs and this Python, and of /etc what programs need."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
"""Programs and libraries; a link among them stays a link."""

ETC = (
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "fonts",
    "group",
    "host.conf",
    "hosts",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "locale.alias",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "pki/ca-trust",
    "pki/tls/certs",
    "protocols",
    "services",
    "shells",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
)
"""Without these programs fail or speak no language; none of them holds a secret. All else in /etc stays out."""

RESOLVER = "resolv.conf"


def links() -> list[tuple[str, str]]:
    """The system folders that are links on this host, such as /bin, and what they point to."""
    return [(name, str(Path(name).readlink())) for name in SYSTEM if Path(name).is_symlink()]


def readable(given: Iterable[Path], tree: Path, network: bool) -> list[tuple[str, str]]:
    """What is shown read-only, as pairs of what it is on the host and where it stands inside; outer folders first.

    What lies in ``tree`` is left out: the fork has it.
    """
    names = [*SYSTEM, *(f"/etc/{name}" for name in (*ETC, *((RESOLVER,) if network else ())))]
    shown = {name: str(Path(name).resolve()) for name in names if Path(name).exists() and not _is_link(name)}
    for path in (*pythons(), *(Path(one).absolute() for one in given)):
        if not path.is_relative_to(tree) and not _covered(path, shown) and path != Path("/"):
            shown[str(path)] = str(path.resolve())
    return sorted(((source, at) for at, source in shown.items()), key=lambda pair: pair[1].count("/"))


def _is_link(name: str) -> bool:
    return name in SYSTEM and Path(name).is_symlink()


def _covered(path: Path, shown: Iterable[str]) -> bool:
    return any(path.is_relative_to(one) for one in shown)


def pythons() -> Iterator[Path]:
    """Where this Python and its packages are."""
    for prefix in dict.fromkeys((sys.base_prefix, sys.prefix, sys.base_exec_prefix, sys.exec_prefix)):
        yield Path(prefix)


def search_path(extra: Sequence[str] = ()) -> str:
    """Where commands are found: beside this Python, then the system's folders."""
    own = [str(Path(prefix) / "bin") for prefix in dict.fromkeys((sys.prefix, sys.base_prefix))]
    system = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    return ":".join(dict.fromkeys([*extra, *own, *system]))


def environment(home: str, temporary: str) -> dict[str, str]:
    """The clean environment of a command. Python writes no bytecode: an edit within a second would not be seen."""
    return {
        "PATH": search_path(),
        "HOME": home,
        "TMPDIR": temporary,
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "USER": "sandbox",
        "LOGNAME": "sandbox",
        "SHELL": "/bin/sh",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONHASHSEED": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }
