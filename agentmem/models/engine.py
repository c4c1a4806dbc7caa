"""Runs llama.cpp in process, through xllamacpp: a real engine with a real KV cache, on a free port of the loopback.

It serves the local model, and it meters: for any model, the engine's own counters tell how many tokens of a request
were in its cache and how many it had to process.

The engine reads a saved cache without a check, and a damaged file ends the process. So each saved file gets a seal:
length, sha256, and the weights and engine that made it. To restore, a private copy is checked and handed over.
"""

import hashlib
import http.client
import importlib.util
import json
import os
import secrets
import socket
import stat
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agentmem.checking import TEXT, shown
from agentmem.closing import Closing
from agentmem.distribution import install
from agentmem.errors import ConfigError, ModelNotAvailable, ModelRejected, ModelUnreachable
from agentmem.kvcache.frames import encode, frame
from agentmem.models.pictures import without_pictures
from agentmem.models.weights import SMOLLM2, find
from agentmem.types import Frame, Message, Request, Usage

SEAL = ".seal"
_CHUNK = 1 << 20
_MOST = 4096
"""The most bytes of a seal."""


@dataclass(frozen=True, slots=True)
class States:
    """The saved caches in a folder. ``maker`` identifies the engine and its weights."""

    folder: Path
    maker: str

    @contextmanager
    def saving(self, name: str) -> Iterator[str]:
        """Gives a temporary name to save under. After the block the file is sealed and has its own name, or is gone."""
        target, part = self._place(name), self.folder / f"part-{secrets.token_hex(8)}"
        seal = part.with_name(f"{part.name}{SEAL}")
        try:
            yield part.name
            part.chmod(0o600)
            size, sha256 = _measured(part)
            seal.touch(0o600)
            seal.write_text(json.dumps({"bytes": size, "sha256": sha256, "maker": self.maker}), encoding="utf-8")
            _seal_of(target).unlink(
                missing_ok=True
            )  # a file without a seal is refused, which is better than a file with an old seal
            part.replace(target)
            seal.replace(_seal_of(target))
        except OSError as error:
            raise ModelRejected(f"the cache could not be saved as {name} in {self.folder}: {error}") from error
        finally:
            part.unlink(missing_ok=True)
            seal.unlink(missing_ok=True)

    @contextmanager
    def restoring(self, name: str) -> Iterator[str]:
        """Gives the name of a checked copy of the file, which exists inside the block. Raises ModelRejected."""
        source, copy = self._place(name), self.folder / f"part-{secrets.token_hex(8)}"
        try:
            seal = _read_seal(source)
            if seal.get("maker") != self.maker:
                raise ModelRejected(f"the saved cache {name} was made with other weights or another engine: {_AGAIN}")
            found = _measured(source, copy)
            if found != (seal.get("bytes"), seal.get("sha256")):
                raise ModelRejected(f"the saved cache {name} is not as it was saved: {_AGAIN}")
            yield copy.name
        except FileNotFoundError as error:
            raise ModelRejected(f"there is no saved cache {name} in {self.folder}: {_AGAIN}") from error
        except OSError as error:
            raise ModelRejected(f"the saved cache {name} in {self.folder} cannot be read: {error}") from error
        finally:
            copy.unlink(missing_ok=True)

    def _place(self, name: str) -> Path:
        plain = TEXT.fits(name) and name == Path(name).name and name.isprintable() and not name.endswith(SEAL)
        if not plain or not name or name.startswith((".", " ", "part-")) or len(name.encode("utf-8", "replace")) > 200:
            raise ConfigError(f"{shown(name)} cannot name a saved cache: give a plain file name, such as team.bin")
        return self.folder / name


_AGAIN = "send the prompt again instead, and save it anew"


def states_in(folder: Path, weights: Path) -> States:
    """The saved caches in a folder; a missing folder is made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the folder for saved caches cannot be made: {error}") from error
    return States(folder, f"{_known(weights)} {_engine()}")


def _known(weights: Path) -> str:
    """A digest that identifies weights without reading all of a large file: their size and both ends."""
    digest, size = hashlib.sha256(), weights.stat().st_size
    with weights.open("rb") as file:
        digest.update(file.read(_CHUNK))
        file.seek(max(0, size - _CHUNK))
        digest.update(file.read(_CHUNK))
    return f"{size}-{digest.hexdigest()[:32]}"


def _engine() -> str:
    try:
        return version("xllamacpp")
    except PackageNotFoundError:
        return "unknown"


def _seal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}{SEAL}")


def _read_seal(path: Path) -> dict[str, object]:
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        with _seal_of(path).open("rb") as file:
            seal = json.loads(file.read(_MOST))
    except (FileNotFoundError, ValueError) as error:
        raise ModelRejected(f"the saved cache {path.name} has no seal that can be read: {_AGAIN}") from error
    if not isinstance(seal, dict):
        raise ModelRejected(f"the saved cache {path.name} has no seal that can be read: {_AGAIN}")
    return seal


def _measured(path: Path, copy: Path | None = None) -> tuple[int, str]:
    """The length and the sha256 of a file; ``copy`` is the path for a copy, made on the way."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, (copy or Path(os.devnull)).open("wb") as sink:
        if copy:
            copy.chmod(0o600)
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            size += sink.write(chunk)
    return size, digest.hexdigest()


BATCH = 128
"""Tokens that the engine processes before it checks if the caller has gone: under a second of work."""
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
    default is 8 GiB). ``states`` is the folder for `save`, `restore` and `erase`. The engine is closed with the program
    at the latest. Raises ModelNotAvailable.
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
    ) -> None:
        self.weights = weights or _installed()
        self.name = SMOLLM2.name if weights is None else weights.stem
        self.key = secrets.token_urlsafe(24)
        self.context = context
        self._states = states_in(Path(states), self.weights) if states else None
        settings = {
            "api_keys": [self.key],
            "n_ctx": context,
            "n_parallel": slots,
            "kv_unified": True,  # each slot may use the whole context
            "cache_ram_mib": cache_ram_mib,
            "n_batch": BATCH,
            "n_ubatch": BATCH,
            "warmup": False,
            "fit_params": False,
            "offline": True,
            "ui": False,
            "verbosity": -1,
            "slot_save_path": f"{states}/" if states else "",  # the engine appends the name of a state to it
        }
        server = _start(self.weights, threads, settings)
        self.address: str = server.listening_address
        self._place = (str(urlsplit(self.address).hostname), int(urlsplit(self.address).port or 0))
        self._tokens: dict[bytes, list[int]] = {}
        self._stop = weakref.finalize(self, _stop, [server], self._place)
        self.busy()  # it can only be stopped after its loop has answered once; before, it would wait without end

    def close(self) -> None:
        """Stop the server and free its memory; requests under way end with an error. May be called twice."""
        self._stop()

    def usage(self, request: Request, reply: Message) -> Usage:
        """Put the request's own bytes through the KV cache; returns the engine's counts of cached and processed tokens.

        Each frame is encoded by itself, so that a longer prefix is a longer sequence of tokens. A picture is replaced
        by its digest. Output tokens are those that the reply will add to the next request. Raises ModelRejected if the
        request is longer than ``context``.
        """
        prompt = [token for one in _frames(request) for token in self._encoded(one)]
        timings = self.post("/completion", {"prompt": prompt, "n_predict": 1, "cache_prompt": True})["timings"]
        output = sum(len(self._encoded(frame("message", block.wire(), "assistant"))) for block in reply.blocks)
        return Usage(
            "measured",
            uncached_tokens=timings["prompt_n"],
            cache_read_tokens=timings["cache_n"],
            output_tokens=output,
        )

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
        with self._saved().restoring(name) as copy:
            return int(self.post(f"/slots/{slot}?action=restore", {"filename": copy})["n_restored"])

    def _saved(self) -> States:
        if self._states is None:
            raise ConfigError("the engine has no folder for saved caches: give Engine(states=FOLDER)")
        return self._states

    def erase(self, slot: int = 0) -> int:
        """Empty the cache of a slot; returns the number of erased tokens."""
        return int(self.post(f"/slots/{slot}?action=erase", {})["n_erased"])

    def busy(self) -> bool:
        """True while the engine works on a request."""
        return any(slot["is_processing"] for slot in self._call("GET", "/slots"))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """One call of the engine's HTTP interface, without a proxy. Raises errors below ModelError."""
        answer: dict[str, Any] = self._call("POST", path, json.dumps(body))
        return answer

    def _call(self, method: str, path: str, body: str | None = None) -> Any:
        if not self._stop.alive:
            raise ModelNotAvailable("the local engine is closed; make a new one")
        connection = http.client.HTTPConnection(*self._place, timeout=TIMEOUT)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ModelUnreachable(f"the local engine did not answer: {error}") from error
        finally:
            connection.close()
        if response.status != 200:
            raise ModelRejected(
                f"the local engine refused the request: {answer.get('error', {}).get('message', answer)}"
            )
        return answer

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


def _start(weights: Path, threads: int, settings: dict[str, Any]) -> Any:
    try:
        import xllamacpp
    except ImportError as error:
        raise ModelNotAvailable(
            f"the local engine is not installed: {install('local')}, then run `agentmem local install`"
        ) from error
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    for name, value in settings.items():
        setattr(params, name, value)
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise ModelNotAvailable(
            f"the local engine could not load {weights}: {error} Run `agentmem local install` to repair the weights."
        ) from error


def _stop(holder: list[Any], place: tuple[str, int]) -> None:
    """Cut all connections to the server, then drop it: it waits without limit for open requests to end."""
    _sever(place)
    holder.clear()


def _sever(place: tuple[str, int]) -> None:
    """Shut down every connection of this process to ``place``, of any client or thread."""
    for descriptor in map(int, os.listdir("/dev/fd")):  # noqa: PTH208 - the numbers are wanted, not paths
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                with socket.socket(fileno=os.dup(descriptor)) as connection:
                    if connection.getpeername() == place:
                        connection.shutdown(socket.SHUT_RDWR)
        except OSError:  # not connected, or closed meanwhile
            continue
