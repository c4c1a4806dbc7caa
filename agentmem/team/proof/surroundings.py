"""What a test asks of the process that it runs in, where the code under test is not.

The judge runs it by itself, without the rest of agentmem. Apart from the code a thread that it leaves behind, a module
that it loads or an object that it keeps alive is not in the judge's process: a test that looks for one would pass.
"""

import ast
from collections.abc import Iterator
from functools import cache
from typing import Any

from agentmem.team.proof.arguments import tree_of
from agentmem.team.proof.syntax import nodes_of

ASKED: dict[str, frozenset[str]] = {
    "sys": frozenset(
        {"modules", "path", "meta_path", "path_hooks", "flags", "getsizeof", "getrefcount", "getrecursionlimit"}
        | {"setrecursionlimit", "getswitchinterval", "excepthook", "unraisablehook", "gettrace", "getprofile"}
        | {"settrace", "setprofile", "displayhook", "getallocatedblocks", "_current_frames", "_getframe"}
    ),
    "threading": frozenset({"active_count", "enumerate", "excepthook", "settrace", "setprofile"}),
    "random": frozenset({"getstate", "setstate"}),
    "decimal": frozenset({"getcontext", "setcontext", "localcontext"}),
    "signal": frozenset({"getsignal"}),
    "warnings": frozenset({"filters"}),
    "locale": frozenset({"getlocale", "localeconv", "setlocale"}),
    "socket": frozenset({"getdefaulttimeout"}),
    "asyncio": frozenset({"all_tasks"}),
    "os": frozenset({"umask", "getpid", "getppid", "times", "getloadavg"}),
    "multiprocessing": frozenset({"active_children"}),
    **dict.fromkeys(("gc", "weakref", "resource", "tracemalloc", "atexit", "faulthandler"), frozenset({"*"})),
}
"""By module, what tells of a process: of its memory, modules, threads, and settings that all share."""

DOUBTED: dict[str, frozenset[str]] = {
    "random": frozenset({"seed"}),
    "inspect": frozenset({"*"}),
    "ctypes": frozenset({"*"}),
    "numbers": frozenset({"*"}),
    "collections": frozenset({"abc"}),
    "asyncio": frozenset(
        {"wait_for", "timeout", "create_task", "ensure_future", "gather", "wait", "TaskGroup", "iscoroutinefunction"}
        | {"iscoroutine", "Event", "Queue", "Lock", "Semaphore", "Condition", "Future", "as_completed", "shield"}
    ),
}
"""What may be otherwise apart from the code, so that a test which fails may fail for that: the code has random numbers
of its own, what stands for its functions is none of Python's, and a coroutine of its own waits to its end."""

RUN: dict[str, frozenset[str]] = {
    "yaml": frozenset({"unsafe_load", "unsafe_load_all", "UnsafeLoader", "full_load", "FullLoader", "Loader"}),
    "logging": frozenset({"config"}),
    "site": frozenset({"*"}),
    "code": frozenset({"InteractiveInterpreter", "InteractiveConsole", "interact"}),
    **dict.fromkeys(("jsonpickle", "dill", "cloudpickle", "joblib"), frozenset({"*"})),
}
"""What makes objects of what it reads, in ways that Python has no event for."""

_ITS_OWN = frozenset({"__module__", "__package__", "__slots__", "__weakref__"})
"""Attributes that what stands for an object of the code has of its own."""
ENVIRONMENT = frozenset({"os.environ", "os.environb", "os.getenv", "os.getenvb"})
"""What reads the environment. The code has one of its own, in which it finds what a test has put there."""
_FIRST = frozenset({"setUp", "setUpClass", "setup_method", "setup_class", "setup_function", "setup", "asyncSetUp"})
_Function = tuple[frozenset[str], frozenset[str]]
"""Of one function of a file: the names that it uses, and those of modules' attributes, with their modules."""


def asked(file: str, function: str, changed: frozenset[str]) -> str:
    """What a test, or what it uses of its file, asks of its process; "" for nothing.

    ``changed`` are the surroundings that the code has changed: "folder" or "environment".
    """
    if "folder" in changed:
        return "the current folder, which the code has changed"
    every = _dotted(file, function)
    return next((one for one in every if _is_asked(one, changed)), "")


def of_fixtures(item: Any, inside: str) -> list[tuple[str, str]]:
    """The functions of a test's fixtures, whoever named them, that lie ``inside`` the tests: each a file and a name."""
    known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    codes = (getattr(one.func, "__code__", None) for every in known.values() for one in every)
    return [(code.co_filename, code.co_name) for code in codes if code and code.co_filename.startswith(inside)]


def ran(file: str, function: str) -> str:
    """What a test uses that makes objects of texts and bytes, which may be the code's; "" for nothing."""
    return next((one for one in _dotted(file, function) if _is_in(one, RUN)), "")


def uses(file: str, function: str, module: str) -> bool:
    """True if a test uses anything of a module."""
    return any(one.startswith(f"{module}.") for one in _dotted(file, function))


def doubted(file: str, function: str) -> str:
    """What a test uses that may be otherwise apart from the code; "" for nothing."""
    return next((one for one in _dotted(file, function) if one[0] == "." or _is_in(one, DOUBTED)), "")


def _dotted(file: str, function: str) -> list[str]:
    """The attributes of modules that a test uses, by itself or by functions of its file."""
    functions, seen, every = _functions(file), set[str](), set[str]()
    left = [function, *(_FIRST & functions.keys())]
    while left:
        name = left.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        used, dotted = functions[name]
        every |= dotted
        left += used & functions.keys()
    return sorted(every)


def _is_asked(dotted: str, changed: frozenset[str]) -> bool:
    if dotted in ENVIRONMENT:
        return "environment" in changed
    return dotted.startswith("/proc") or _is_in(dotted, ASKED)


def _is_in(dotted: str, table: dict[str, frozenset[str]]) -> bool:
    module, _, name = dotted.partition(".")
    return bool({name.partition(".")[0], "*"} & table.get(module, frozenset()))


@cache
def _functions(file: str) -> dict[str, _Function]:
    tree = tree_of(file)
    if tree is None:
        return {}
    known = dict(imported(tree))
    found: dict[str, _Function] = {}
    for one in outer(tree):
        names, dotted = _used(one, known)
        before = found.get(one.name, (frozenset[str](), frozenset[str]()))
        found[one.name] = before[0] | names, before[1] | dotted
    return found


def outer(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of a file and of its classes, but none inside another: that is a part of what it does."""
    for one in ast.iter_child_nodes(tree):
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
            yield one
        elif not isinstance(one, ast.expr):
            yield from outer(one)


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The names that a file imports, each with what it stands for."""
    for one in nodes_of(tree):
        if isinstance(one, ast.Import):
            yield from ((alias.asname or alias.name.partition(".")[0], alias.name) for alias in one.names)
        elif isinstance(one, ast.ImportFrom) and one.module:
            yield from ((alias.asname or alias.name, f"{one.module}.{alias.name}") for alias in one.names)


def _used(function: ast.AST, known: dict[str, str]) -> _Function:
    names, dotted = set[str](), set[str]()
    for one in nodes_of(function):
        if isinstance(one, ast.Name):
            names.add(one.id)
            dotted.add(known.get(one.id, ""))
        elif isinstance(one, ast.arg):
            names.add(one.arg)  # as a fixture of the same file
        elif isinstance(one, ast.Attribute):
            names.add(one.attr)
            dotted |= {f".{one.attr}"} & {f".{own}" for own in _ITS_OWN}
            if isinstance(one.value, ast.Name) and one.value.id in known:
                dotted.add(f"{known[one.value.id]}.{one.attr}")
        elif isinstance(one, ast.Constant) and _is_of_process(one.value):
            dotted.add(str(one.value))
    return frozenset(names), frozenset(one for one in dotted if "." in one or one.startswith("/"))


def _is_of_process(value: Any) -> bool:
    return type(value) is str and value.startswith(("/proc/self", "/proc/thread-self"))
