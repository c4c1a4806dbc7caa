"""Runs llama.cpp, through xllamacpp: a real engine with a real KV cache, on a free port of the loopback.

It serves the local model, and it meters: for any model, the engine's own counters tell how many tokens of a request
were in its cache and how many it had to process.

It runs in a process of its own. If that ends, the request under way fails, and the next one starts it again; what a
warehouse holds comes back from there.
"""

import http.client
import importlib.util
import json
import secrets
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agentmem.closing import Closing
from agentmem.errors import ConfigError, ModelNotAvailable, ModelRejected, ModelUnreachable
from agentmem.kvcache.frames import encode, frame
from agentmem.kvcache.warehouse.warehouse import Warehouse
from agentmem.models.pictures import without_pictures
from agentmem.models.process import EngineProcess
from agentmem.models.sealed import States, states_in
from agentmem.models.warm import Visit, WarmSlots
from agentmem.models.weights import SMOLLM2, find
from agentmem.types import Frame, KvSources, Message, Request, Usage

BATCH = 128
"""Tokens that the engine processes before it checks if the caller has gone: under a second of work."""
_GRACE = 1.0
"""The most seconds between a broken connection and the end of the process that broke it."""
TIMEOUT = 600
"""The most seconds that a request may stay without an answer."""
REMEMBERED = 4096
"""The number of frames whose tokens are kept, so that a request costs only the work for what is new in it."""


def available() -> bool:
    """True if the engine can be started here: its package and the weights are installed."""
    return importlib.util.find_spec("xllamacpp") is not None and find() is not None


class Engine(Closing):
    """One loaded model and its server. It starts in about a second; close it, or use it in a ``with``.

        with Engine() as engine, Agent(ScriptedModel(script, meter=engine), "notes") as agent:
            print(agent.run("Summarise notes.md").usage)  # measured by the engine's counters

    ``weights`` is a GGUF file, by default the installed one. ``context`` is the most tokens of one request with its
    reply; each of ``slots`` keeps the cache of one conversation within it. The default is one thread, because two
    collapse on two busy cores. ``cache_ram_mib`` limits the MiB for conversations without a slot (the engine's own
    default is 8 GiB). ``states`` is the folder for `save`, `restore` and `erase`. With a ``warehouse``, what was
    computed once is found again, by this engine and by others, now and later; it is closed with the engine, and takes
    the place of the engine's own cache in memory. The engine is closed with the program at the latest. Raises
    ModelNotAvailable.
    """

    def __init__(
        self,
        weights: Path | None = None,
        *,
        context: int = 8192,
        slots: int = 1,
        threads: int = 1,
        cache_ram_mib: int = 64,
        states: Path | None = None,
        warehouse: Warehouse | None = None,
    ) -> None:
        self.weights = weights or _installed()
        self.name = SMOLLM2.name if weights is None else weights.stem
        self.key = secrets.token_urlsafe(24)
        self.context = context
        self.warehouse = warehouse
        self._states = states_in(Path(states), self.weights) if states else None
        folder, self._landing = _folder(states, warehouse)
        self._threads = threads
        self._settings = {
            "api_keys": [self.key],
            "n_ctx": context,
            "n_parallel": slots,
            "kv_unified": True,  # each slot may use the whole context
            "cache_ram_mib": 0 if warehouse is not None else cache_ram_mib,
            "n_batch": BATCH,
            "n_ubatch": BATCH,
            "warmup": False,
            "fit_params": False,
            "offline": True,
            "ui": False,
            "verbosity": -1,
            "slot_save_path": f"{folder}/" if folder else "",  # the engine appends the name of a state to it
        }
        self._tokens: dict[bytes, list[int]] = {}
        self._starting = threading.Lock()
        self._holder = [EngineProcess(self.weights, threads, self._settings)]
        self._stop = weakref.finalize(self, _end, self._holder, self._landing)
        self._warm = WarmSlots(self, warehouse, slots, Path(folder)) if warehouse is not None and folder else None

    @property
    def address(self) -> str:
        """Where it serves. Another one after it was started again."""
        return self._running().address

    @property
    def process(self) -> EngineProcess:
        """The engine's process, which is started again if it has ended."""
        return self._running()

    def ready(self) -> None:
        """Start the engine again if its process has ended. Otherwise the next request would."""
        self._running()

    @property
    def state_settings(self) -> str:
        """The engine's build, and all settings that the KV state of given tokens depends on, as text."""
        return self._running().settings

    def close(self) -> None:
        """End the server; requests under way end with an error. The warehouse is closed. May be called twice."""
        self._stop()
        if self.warehouse is not None:
            self.warehouse.close()

    def usage(self, request: Request, reply: Message) -> Usage:
        """Put the request's own bytes through the KV cache; returns the engine's counts of cached and processed tokens.

        Each frame is encoded by itself, so that a longer prefix is a longer sequence of tokens. A picture is replaced
        by its digest. Output tokens are those that the reply will add to the next request. Raises ModelRejected if the
        request is longer than ``context``.
        """
        return self.measured(request, reply)[0]

    def measured(self, request: Request, reply: Message) -> tuple[Usage, KvSources | None]:
        """`usage`, and where the KV state of the prompt came from; None without a warehouse."""
        prompt = [token for one in _frames(request) for token in self._encoded(one)]
        timings, sources = self.complete(prompt, n_predict=1)
        output = sum(len(self._encoded(frame("message", block.wire(), "assistant"))) for block in reply.blocks)
        usage = Usage(
            "measured",
            uncached_tokens=timings["timings"]["prompt_n"],
            cache_read_tokens=timings["timings"]["cache_n"],
            output_tokens=output,
        )
        return usage, sources

    def complete(self, prompt: Sequence[int], **body: Any) -> tuple[dict[str, Any], KvSources | None]:
        """The engine's answer to a prompt in tokens, and where the KV state of the prompt came from.

        ``body`` are more fields of llama.cpp's ``/completion``, such as n_predict.
        """
        with self.visiting(prompt) as visit:
            slot = {} if visit.slot is None else {"id_slot": visit.slot}
            answer = self.post("/completion", {"prompt": list(prompt), "cache_prompt": True, **slot, **body})
            timings = answer["timings"]
            visit.answered(timings["cache_n"], timings["prompt_n"], timings["prompt_ms"] / 1000)
        return answer, visit.sources

    @contextmanager
    def visiting(self, prompt: Sequence[int]) -> Iterator[Visit]:
        """Have what is known of a prompt in a slot, and keep what the slot holds afterwards.

        Inside the block one request may be sent. Without a warehouse this does nothing.
        """
        if self._warm is None:
            yield Visit()
            return
        with self._warm.visit(prompt) as visit:
            yield visit

    def warehouse_stats(self) -> dict[str, Any]:
        """`Warehouse.stats`, with the seconds of work beside the engine; {} without a warehouse."""
        return {} if self.warehouse is None or self._warm is None else self.warehouse.stats() | self._warm.stats()

    def tokens(self, text: str) -> list[int]:
        """The engine's own tokens of a text. Text that looks like a special token stays text."""
        tokens: list[int] = self.post("/tokenize", {"content": text, "parse_special": False})["tokens"]
        return tokens

    def save(self, name: str, slot: int = 0) -> int:
        """Write the cache of a slot to the folder ``states``, under a plain name; returns the number of saved tokens.

        An older cache of that name is replaced when the new one is whole.
        """
        with self._saved().saving(name) as part:
            return int(self.post(f"/slots/{slot}?action=save", {"filename": part})["n_saved"])

    def restore(self, name: str, slot: int = 0) -> int:
        """Read a saved cache into a slot; returns the number of restored tokens.

        Raises ModelRejected if the file has changed, or was saved with other weights or another engine.
        """
        self._forget(slot)
        with self._saved().restoring(name) as copy:
            return int(self.post(f"/slots/{slot}?action=restore", {"filename": copy})["n_restored"])

    def _saved(self) -> States:
        if self._states is None:
            raise ConfigError("the engine has no folder for saved caches: give Engine(states=FOLDER)")
        return self._states

    def erase(self, slot: int = 0) -> int:
        """Empty the cache of a slot; returns the number of erased tokens."""
        self._forget(slot)
        return int(self.post(f"/slots/{slot}?action=erase", {})["n_erased"])

    def busy(self) -> bool:
        """True while the engine works on a request."""
        return any(slot["is_processing"] for slot in self._call("GET", "/slots"))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """One call of the engine's HTTP interface, without a proxy. Raises errors below ModelError."""
        answer: dict[str, Any] = self._call("POST", path, json.dumps(body))
        return answer

    def lost(self, error: Exception) -> ModelUnreachable:
        """The error for a request without an answer: it says so if the engine's process has ended."""
        process = self._holder[-1] if self._stop.alive else None
        if process is None or not process.ended_within(_GRACE):
            return ModelUnreachable(f"the local engine did not answer: {error}")
        return ModelUnreachable(
            f"the local engine's process is gone, {process.ending}; the next request starts it again"
        )

    def _call(self, method: str, path: str, body: str | None = None) -> Any:
        place = urlsplit(self._running().address)
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=TIMEOUT)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self.lost(error) from error
        finally:
            connection.close()
        if response.status != 200:
            raise ModelRejected(
                f"the local engine refused the request: {answer.get('error', {}).get('message', answer)}"
            )
        return answer

    def _running(self) -> EngineProcess:
        """The engine's process. It is started again if it has ended."""
        with self._starting:
            if not self._stop.alive:
                raise ModelNotAvailable("the local engine is closed; make a new one")
            if not self._holder[-1].running:
                self._holder[-1].end()
                self._holder[:] = [EngineProcess(self.weights, self._threads, self._settings)]
                self._forget()
            return self._holder[-1]

    def _forget(self, slot: int | None = None) -> None:
        if self._warm is not None:
            self._warm.forget(slot)

    def _encoded(self, one: Frame) -> list[int]:
        if len(self._tokens) >= REMEMBERED:
            self._tokens.clear()
        known = self._tokens.get(data := encode(without_pictures(one)))
        if known is None:
            known = self._tokens[data] = self.tokens(data.decode("utf-8", "replace"))
        return known


def _frames(request: Request) -> Iterable[Frame]:
    """The frames of a request that a model reads, in the order in which they are cached."""
    return (*request.tools, *request.system, *(one for turn in request.turns for one in turn.frames))


def _installed() -> Path:
    found = find()
    if found is None:
        raise ModelNotAvailable("the local engine has no weights yet: run `agentmem local install`")
    return found


def _folder(
    states: Path | None, warehouse: Warehouse | None
) -> tuple[Path | None, "tempfile.TemporaryDirectory[str] | None"]:
    """The folder for states, also for those on their way to and from a warehouse; and that folder again, if it is made
    here and goes with the engine: for a warehouse without a disk.
    """
    if states or warehouse is None:
        return states, None
    if warehouse.landing:
        return warehouse.landing.absolute(), None
    made = tempfile.TemporaryDirectory(prefix="agentmem-")
    return Path(made.name), made


def _end(holder: list[EngineProcess], folder: "tempfile.TemporaryDirectory[str] | None") -> None:
    for process in holder:
        process.end()
    if folder is not None:
        folder.cleanup()
