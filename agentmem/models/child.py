"""The engine's own process: it loads the weights, serves on loopback, and ends when its parent does, however that ends.

    python -P child.py

Standard input and output carry frames: four bytes of length, little-endian, and JSON. The parent's first frame is
{"weights", "threads", "settings"}, the answer {"address", "settings"} or {"error"}. When standard input ends, so does
this process, at once: a request under way is of no use to anybody. This file is a program of its own and imports
nothing of agentmem.
"""

import json
import os
import signal
import struct
from typing import Any

_LENGTH = struct.Struct("<I")
MOST = 1 << 20
"""The most bytes of a frame."""


def framed(value: dict[str, Any]) -> bytes:
    """A value as a frame."""
    data = json.dumps(value).encode()
    return _LENGTH.pack(len(data)) + data


def read_frame(descriptor: int) -> dict[str, Any] | None:
    """The next frame; None at the end, or if what comes is no frame."""
    head = _exactly(descriptor, _LENGTH.size)
    size = _LENGTH.unpack(head)[0] if head else 0
    data = _exactly(descriptor, size) if 0 < size <= MOST else b""
    try:
        value = json.loads(data) if data else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _exactly(descriptor: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = os.read(descriptor, size - len(data))
        if not more:
            return b""
        data += more
    return data


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends this process
    answers = os.dup(1)
    os.dup2(2, 1)  # what the engine prints is not an answer
    asked = read_frame(0)
    if asked is None:
        return
    try:
        server, settings = _serve(asked)
        os.write(answers, framed({"address": server.listening_address, "settings": settings}))
    except (ImportError, RuntimeError) as error:
        os.write(answers, framed({"error": str(error), "missing": isinstance(error, ImportError)}))
        return
    while read_frame(0) is not None:
        pass
    os._exit(0)


STATE_SETTINGS = (
    *("cache_type_k", "cache_type_v", "flash_attn_type", "attention_type", "swa_full", "ctx_shift"),
    *("grp_attn_n", "grp_attn_w", "lora_adapters", "control_vector_layer_start", "control_vector_layer_end"),
    *("rope_freq_base", "rope_freq_scale", "rope_scaling_type", "yarn_attn_factor", "yarn_beta_fast"),
    *("yarn_beta_slow", "yarn_ext_factor", "yarn_orig_ctx"),
)
"""What the KV state of given tokens depends on, besides weights and build."""


def _serve(asked: dict[str, Any]) -> tuple[Any, str]:
    """The server, and the settings that its KV state depends on."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = asked["weights"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = asked["threads"]
    for name, value in asked["settings"].items():
        setattr(params, name, value)
    settings = {name: str(getattr(params, name, None)) for name in STATE_SETTINGS}
    build = f"{xllamacpp.__version__} {xllamacpp.BUILD_INFO}"
    return xllamacpp.Server(params), json.dumps({"build": build, **settings})


if __name__ == "__main__":
    main()
