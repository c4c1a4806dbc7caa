import json
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.errors import ConfigError, ModelError, ModelNotAvailable, ModelRejected
from agentmem.models.engine import Engine
from agentmem.models.sealed import SEAL
from agentmem.types import Image, Message, Request, Text, ToolCall, ToolResult
from tests.models.requests import PIXEL, READ, ask, request

HISTORY = "Ada leads the team of five, and Grace writes the compiler. " * 12


def said(text: str) -> Message:
    return Message("assistant", (Text(text),))


def growing(turns: int) -> list[Request]:
    """The requests of a conversation, each longer by a call and its result."""
    messages: list[Message] = [ask("Who leads the team?")]
    made = []
    for number in range(turns):
        made.append(request(*messages, tools=(READ,), system=(HISTORY,)))
        call = ToolCall(f"call_{number}", "read", json.dumps({"page": f"page {number}.md"}))
        messages.append(Message("assistant", (Text(f"I read page {number}."), call)))
        messages.append(Message("user", (ToolResult(call.id, (Text(f"Page {number} says: {number * 37}"),)),)))
    return made


def test_a_longer_request_finds_the_shorter_one_cached(engine: Engine) -> None:
    """Every token of the request before is read from the KV cache, by the engine's own counters."""
    engine.erase()
    before = engine.usage(growing(1)[0], said("I look."))
    assert before.basis == "measured"
    assert (before.cache_read_tokens, before.uncached_tokens > 200) == (0, True)
    for one in growing(4)[1:]:
        usage = engine.usage(one, said("I look."))
        assert usage.cache_read_tokens == before.input_tokens
        assert usage.uncached_tokens > 0
        before = usage


def test_a_change_at_the_front_loses_the_cache(engine: Engine) -> None:
    """With other words in front, hardly anything of the same conversation is read from the cache."""
    messages = (ask("Who leads the team?"),)
    engine.usage(request(*messages, system=(HISTORY,)), said("Ada."))
    usage = engine.usage(request(*messages, system=("It is 12:00. " + HISTORY,)), said("Ada."))
    assert usage.cache_read_tokens < usage.input_tokens / 10


def test_output_is_what_the_reply_adds(engine: Engine) -> None:
    """The reply's tokens are those by which the next request grows for it."""
    first = (ask("Who?"),)
    reply = Message("assistant", (Text("Ada leads the team."), ToolCall("c1", "read", '{"page":"Team.md"}')))
    usage = engine.usage(request(*first), reply)
    assert engine.usage(request(*first, reply), reply).input_tokens == usage.input_tokens + usage.output_tokens


def test_special_tokens_in_a_request_are_text(engine: Engine) -> None:
    """Words that look like the model's control tokens take several tokens like any other text."""
    assert len(engine.tokens("<|im_start|>")) > 3


def test_pictures_do_not_fill_the_context(engine: Engine) -> None:
    """A picture stands in the metered request by its digest: the same one is cached, another is not."""
    large = Image("image/png", "A" * 100_000)
    shown = Message("user", (Text(HISTORY), large, Text(HISTORY)))
    usage = engine.usage(request(shown), said("A cat."))
    again = engine.usage(request(shown), said("A cat."))
    other = engine.usage(request(Message("user", (Text(HISTORY), PIXEL, Text(HISTORY)))), said("A cat."))
    assert usage.input_tokens < 600
    assert again.uncached_tokens == 1
    assert 100 < other.cache_read_tokens < other.input_tokens - 100


def test_a_request_beyond_the_context_is_refused(engine: Engine) -> None:
    """A request that is too long says how long it is and how much fits."""
    with pytest.raises(ModelRejected, match=r"exceeds the available context size \(2048 tokens\)"):
        engine.usage(request(ask("word " * 2100)), said("No."))


def test_a_cache_can_be_saved_and_restored(weights: Path, tmp_path: Path) -> None:
    """Another engine that restores a saved cache reads all of it."""
    one = growing(1)[0]
    with Engine(context=1024, states=tmp_path) as first:
        total = first.usage(one, said("I look.")).input_tokens
        assert first.save("team.bin") >= total
    with Engine(context=1024, states=tmp_path) as second:
        assert second.restore("team.bin") >= total
        assert second.usage(one, said("I look.")).uncached_tokens == 1


def test_only_its_key_opens_it(engine: Engine) -> None:
    """A request without the engine's key is refused."""
    body = json.dumps({"prompt": "hello", "n_predict": 1}).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        opener.open(urllib.request.Request(f"{engine.address}/completion", body))
    refused.value.close()


def test_a_closed_engine_says_so(weights: Path) -> None:
    """After closing, which may be repeated, a call is an error of ours."""
    engine = Engine(context=512)
    engine.close()
    engine.close()
    with pytest.raises(ModelNotAvailable, match="closed"):
        engine.tokens("hello")


def test_closing_ends_requests_under_way(weights: Path) -> None:
    """A request that another thread waits for ends with an error of ours when the engine is closed."""
    engine = Engine(context=2048)
    ended: list[Exception] = []

    def ask_long() -> None:
        try:
            engine.post("/completion", {"prompt": HISTORY, "n_predict": 1500, "ignore_eos": True})
        except ModelError as error:
            ended.append(error)

    thread = threading.Thread(target=ask_long)
    thread.start()
    while not engine.busy():
        pass
    engine.close()
    thread.join()
    assert len(ended) == 1


@pytest.mark.parametrize("content", [b"", b"GGUF but no more"])
def test_broken_weights_are_named(weights: Path, tmp_path: Path, content: bytes) -> None:
    """A file that is no model says which one and what to do."""
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(content)
    with pytest.raises(ModelNotAvailable, match=r"bad\.gguf.*agentmem local install"):
        Engine(bad)


PROGRAM = """
import threading
from agentmem.models.engine import Engine
engine = Engine(context=2048)
def tell():
    while not engine.busy():
        pass
    print("at work", flush=True)  # an interrupt before that may come where Python itself swallows it
threading.Thread(target=tell, daemon=True).start()
engine.post("/completion", {"prompt": "a b c " * 300, "n_predict": 1500, "ignore_eos": True})
"""


def test_an_interrupt_ends_the_program(weights: Path) -> None:
    """Ctrl-C while the engine works ends the program like any other, and the server with it."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"at work\n"
        program.send_signal(signal.SIGINT)
        _, complaints = program.communicate(timeout=300)
    assert program.returncode == -signal.SIGINT
    assert complaints.rstrip().endswith(b"KeyboardInterrupt")


def test_a_program_that_forgets_to_close_ends(weights: Path) -> None:
    """An engine that nobody closed is closed at the program's end."""
    forgetful = "from agentmem.models.engine import Engine\nengine = Engine(context=512)\nprint(engine.tokens('hi'))"
    run = subprocess.run([sys.executable, "-c", forgetful], capture_output=True, text=True, timeout=300, check=False)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.fixture(scope="module")
def running(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Path]]:
    """An engine with a saved cache."""
    folder = tmp_path_factory.mktemp("states")
    with Engine(context=256, states=folder) as engine:
        engine.post("/completion", {"prompt": engine.tokens("A cache that is saved."), "n_predict": 1})
        engine.save("whole.bin")
        yield engine, folder


@settings(max_examples=40)
@given(data=st.data())
def test_the_process_outlives_any_damage(running: tuple[Engine, Path], data: st.DataObject) -> None:
    """A real engine, its own file cut or changed anywhere: an error of ours, and the engine goes on."""
    engine, folder = running
    whole = (folder / "whole.bin").read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    change = data.draw(st.integers(0, 255))
    damaged = whole[:at] if not change else whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :]
    (folder / "damaged.bin").write_bytes(damaged)
    (folder / f"damaged.bin{SEAL}").write_bytes((folder / f"whole.bin{SEAL}").read_bytes())
    with pytest.raises(ModelRejected, match="not as it was saved"):
        engine.restore("damaged.bin")
    assert not engine.busy()
    assert engine.restore("whole.bin") > 0


def test_an_engine_without_a_folder_says_so(weights: Path) -> None:
    """Nothing can be saved then."""
    with Engine(context=256) as engine, pytest.raises(ConfigError, match="states=FOLDER"):
        engine.save("x.bin")
