"""The modules that the judge and the subject are made of, compiled once, and sent to each with what else it reads.

They start in a Python that writes no compiled files, often beside a checkout that has none; to compile them takes such
a process longer than all else that it does before its first test.
"""

import marshal
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_OURS = frozenset({"__init__", "apart", "equivalents", "examples", "layout", "proving", "ready", "verdict"})
"""Modules of this side."""

BOOT = """
import gc
gc.disable()
import sys
import marshal
from types import ModuleType
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER
for name, folder in (("agentmem", ""), ("agentmem.team", "/team"), ("agentmem.team.proof", "/team/proof")):
    sys.modules[name] = ModuleType(name)
    sys.modules[name].__path__ = [{package!r} + folder]
magic, size = sys.stdin.buffer.readline().split()
sent = sys.stdin.buffer.read(int(size))
codes = marshal.loads(sent) if magic.decode() == MAGIC_NUMBER.hex() else {{}}
class Ready:
    def find_spec(name, path=None, target=None):
        if name in codes:
            spec = ModuleSpec(name, Ready, origin=codes[name][0])
            spec.has_location = True
            return spec
    def create_module(spec):
        return None
    def exec_module(module):
        exec(marshal.loads(codes[module.__name__][1]), module.__dict__)
sys.meta_path.insert(0, Ready)
from agentmem.team.proof.{module} import main
sys.meta_path.remove(Ready)
for name in [one for one in sys.modules if one.partition(".")[0] == "agentmem"]:
    del sys.modules[name]
del codes, sent, Ready
main()
"""
"""Starts a part of this package by itself: the name agentmem is free again, as the project under test may have it. On
another version of Python than this one's it compiles the modules itself. Garbage is collected from where the tests of
a file, or the code, begin: nothing that is loaded before is any."""


@cache
def compiled() -> bytes:
    """What `BOOT` reads first: a line, and the compiled modules."""
    files = {f"agentmem.team.proof.{one.stem}": str(one) for one in sorted(_HERE.glob("*.py")) if one.stem not in _OURS}
    codes = {name: (file, marshal.dumps(SourceFileLoader(name, file).get_code(name))) for name, file in files.items()}
    data = marshal.dumps(codes)
    return b"%s %d\n%s" % (MAGIC_NUMBER.hex().encode("ascii"), len(data), data)
