"""Blocks that a provider refuses, over HTTP: decided on arrival, else withheld so that the run goes on."""

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk
from PIL import Image as Pillow

from agentmem import images
from agentmem.context import offload, withheld
from agentmem.context.offload import Offload, page_name
from agentmem.context.view import request
from agentmem.context.window import window
from agentmem.errors import BlockPlace, ModelRejected
from agentmem.images import scaled
from agentmem.kvcache.simulated.checks import problem
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.faults import HttpError
from agentmem.kvcache.simulated.faults import Reply as Answered
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.menu.menu import tool
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.anthropic_request import check_body
from agentmem.models.langchain import LangChainModel
from agentmem.runtime.agent import Agent
from agentmem.transcript import transcript
from agentmem.transcript.journal import Journal, open_journal
from agentmem.transcript.transcript import Opening, read_blocks
from agentmem.types import Image, Json, Model, Reply, Text, ToolCall, ToolResult
from tests import pictures
from tests.menu.test_builtin import png
from tests.models.chat import Provider
from tests.runtime.agents import clock
from tests.transcript.transcripts import PNG, reply

GOOD = Image("image/png", PNG)
ODD = Image("image/png", pictures.encoded(pictures.png(7, 7)))
OPENING = transcript.opening(Opening("claude-sonnet-5", provider="anthropic"))


def asked(journal: Journal, model: Model, limit: int = 9) -> list[BlockPlace | None]:
    """Asks until there is a reply, withholding what is refused; gives the places that were refused."""
    places = list[BlockPlace | None]()
    for _ in range(limit):
        view = window(journal.entries("t"))
        try:
            *_, last = model.stream(request(view, estimate=0, limit=1, thread="t"))
        except ModelRejected as error:
            found = withheld.draft(view, "t", error)
            if found is None:
                raise
            places.append(error.place)
            journal.append("t", [found], head=view.seq)
        else:
            assert isinstance(last, Reply)
            journal.append("t", [transcript.assistant(last)], head=view.seq)
            return places
    raise AssertionError("refused again and again")


def particular(body: Json) -> Answered:
    """A provider that does not like pictures of seven pixels, and says where they are."""
    for at, message in enumerate(body["messages"]):
        for number, block in enumerate(message["content"]):
            for inner, one in enumerate([block] if block["type"] == "image" else block.get("content", ())):
                if one["type"] == "image" and one["source"]["data"] == ODD.data:
                    deeper = "" if block["type"] == "image" else f".tool_result.content.{inner}"
                    where = f"messages.{at}.content.{number}{deeper}"
                    return HttpError(
                        400, "invalid_request_error", f"{where}.image.source.base64: Could not process image"
                    )
    return ServerAnswer.text("I see.")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal with a thread that holds pictures, from a person and from a tool."""
    with open_journal(tmp_path / "j.db") as journal:
        made = [OPENING, transcript.user([Text("Look."), GOOD, ODD]), reply(ToolCall("a", "see", "{}"))]
        journal.append("t", [*made, transcript.tool_result(ToolResult("a", (Text("Here:"), ODD, GOOD, ODD)))], head=-1)
        yield journal


def claude(server: MessagesServer) -> AnthropicModel:
    """A model of that server's."""
    return AnthropicModel("claude-sonnet-5", api_key="k", base_url=server.url, max_retries=0)


def test_refused_pictures_are_withheld_one_by_one(journal: Journal) -> None:
    """Each where the provider says it is; the others stay, the originals read back, and no more is withheld later."""
    before = read_blocks(journal.entry("t/3"))
    with MessagesServer(particular, check_body) as server:
        model = claude(server)
        assert asked(journal, model) == [BlockPlace(0, 2), BlockPlace(2, 0, 1), BlockPlace(2, 0, 3)]
        journal.append("t", [transcript.user("And now?")], head=journal.head("t"))
        assert asked(journal, model) == []
        model.close()
        assert str(server.bodies[-1]).count("'image'") == 2
    assert read_blocks(journal.entry("t/3")) == before
    assert [one.kind for one in journal.entries("t")].count("withheld") == 3


def test_what_is_withheld_stays_so_in_forks_and_other_processes(journal: Journal, tmp_path: Path) -> None:
    """A fork after the refusal, and a journal opened anew, ask at once."""
    with MessagesServer(particular, check_body) as server:
        model = claude(server)
        asked(journal, model)
        journal.fork("t", journal.head("t"), "f")
        with open_journal(tmp_path / "j.db") as other:
            assert window(other.entries("f")).turns == window(journal.entries("t")).turns
        model.close()


def test_an_error_that_names_no_block_is_raised(journal: Journal) -> None:
    """Nothing is withheld for it."""
    refusing = HttpError(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")
    with MessagesServer([refusing]) as server:
        model = claude(server)
        with pytest.raises(ModelRejected, match="prompt is too long"):
            asked(journal, model)
        model.close()
    assert "withheld" not in [one.kind for one in journal.entries("t")]


class Strict(Provider):
    """Refuses every picture, in OpenAI's words and with its place in the chat's messages."""

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        for at, message in enumerate(messages):
            for number, block in enumerate(message.content if isinstance(message.content, list) else ()):
                if block["type"] == "image":
                    raise _BadRequest(f"Error code: 400 - Invalid image: messages.[{at}].content[{number}].image_url")
        yield from super()._stream(messages, stop, run_manager, **kwargs)


class _BadRequest(Exception):
    status_code = 400


def test_places_in_a_chats_messages_are_places_in_the_request(tmp_path: Path) -> None:
    """A system message comes first there, and each result and its pictures are messages of their own."""
    with open_journal(tmp_path / "j.db") as journal:
        opening = transcript.opening(Opening("gpt-5.5", system=("Be brief.",), provider="openai"))
        made = [opening, transcript.user([Text("Look."), GOOD]), reply(Text("I look."), ToolCall("a", "see", "{}"))]
        made += [transcript.tool_result(ToolResult("a", (Text("Here:"), GOOD))), transcript.user([Text("Well?"), GOOD])]
        journal.append("t", made, head=-1)
        model = LangChainModel(Strict(chunks=[AIMessageChunk(content="No pictures.")]))
        assert asked(journal, model) == [BlockPlace(0, 1), BlockPlace(2, 0, 1), BlockPlace(2, 2)]


# On arrival.


def unscaled(picture: Image) -> Image | None:
    """What `scaled` is without Pillow."""
    return None


LARGE = Image("image/png", pictures.encoded(png(8_100, 3)))


@pytest.mark.parametrize("content", [(GOOD,), (Text("a"), GOOD), (Text("a"),)])
def test_what_is_small_enough_is_shown_as_it_is(content: tuple[Text | Image, ...], tmp_path: Path) -> None:
    """And no page is written."""
    assert offload.seen_content(content, "t", 3, Offload(), tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_a_large_picture_is_scaled_down(tmp_path: Path) -> None:
    """The model sees a smaller one; text beside it stays, however long."""
    shown = offload.seen_content((Text("Here:"), LARGE), "t", 3, Offload(), tmp_path)
    assert shown is not None and isinstance(shown[1], Image)
    assert shown[0] == Text("Here:")
    assert images.size(images.decoded(shown[1].data) or b"") == (2_000, 1)
    long = offload.seen_content((Text("word " * 9_000), LARGE), "t", 3, Offload(), tmp_path)
    assert long is not None and isinstance(long[0], Text)
    assert long[0].text.startswith("[This result is long") and long[1] == shown[1]


def test_a_large_picture_becomes_a_page_where_it_cannot_be_scaled(tmp_path: Path) -> None:
    """What it is, why it is not shown, and where it is; the page is written again from the journal."""
    shown = offload.seen_content((Text("Here:"), LARGE), "t", 3, Offload(), tmp_path, scale=unscaled)
    page = page_name("t", 3).replace("3.txt", "3-1.png")
    says = (
        "[A picture (image/png, 8,100 × 3 pixels) is not shown because it has 8,100 × 3 pixels and at most 8,000 a "
        f"side are taken. It is kept as t/3 and as the file {page}.]"
    )
    assert shown == (Text("Here:"), Text(says))
    assert (tmp_path / page).read_bytes() == images.decoded(LARGE.data)
    with open_journal(tmp_path / "j.db") as journal:
        result = transcript.tool_result(ToolResult("a", (Text("Here:"), LARGE)), shown)
        journal.append("t", [OPENING, transcript.user("go"), reply(ToolCall("a", "see", "{}")), result], head=-1)
        (tmp_path / page).unlink()
        assert offload.rebuild_pages(journal, "t", tmp_path) == 1
    assert (tmp_path / page).read_bytes() == images.decoded(LARGE.data)


@pytest.mark.parametrize(
    "picture", [Image("image/png", pictures.encoded(pictures.png(9_000, 9_000))), Image("image/png", "@")]
)
def test_a_picture_that_cannot_be_read_is_not_scaled(picture: Image) -> None:
    """Broken, or so large that decoding it would fill the memory."""
    assert scaled(picture) is None


def heavy() -> Image:
    """A picture of noise: more than 5 MB, and lighter only as a JPEG or smaller."""
    file = io.BytesIO()
    Pillow.effect_noise((2_600, 2_600), 90).save(file, "PNG", compress_level=0)
    return Image("image/png", pictures.encoded(file.getvalue()))


def test_a_heavy_picture_is_made_light(tmp_path: Path) -> None:
    """Over 5 MB in base64: it is scaled until it is below."""
    picture = heavy()
    assert len(picture.data) > images.MOST_ENCODED
    small = scaled(picture)
    assert small is not None
    assert images.fault(small.media_type, small.data) is None


def test_without_pillow_nothing_is_scaled_and_nothing_breaks() -> None:
    """The package is looked for only when a picture is too large."""
    code = (
        "import sys; sys.modules['PIL'] = None\n"
        "from agentmem.images import scaled\nfrom agentmem.types import Image\n"
        "from tests import pictures\n"
        "print(scaled(Image('image/png', pictures.encoded(pictures.png(9000, 3)))))"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout == "None\n"


def blank() -> object:
    """Gives back nothing but white space."""
    return " \n"


def nothing() -> object:
    """Gives back no block at all."""
    return ()


def mixed() -> object:
    """Gives back a text, an empty one and a picture that is too large and mislabelled."""
    return [Text("seen"), Text(""), Image("image/jpeg", LARGE.data)]


def test_what_tools_and_people_bring_is_never_refused(tmp_path: Path) -> None:
    """Blank results, results of no block, pictures of any size: the strict server takes each request."""
    calls: tuple[dict[str, Any], ...] = tuple(
        {"type": "tool_use", "id": f"toolu_{n}", "name": n, "input": {}} for n in ("blank", "nothing", "mixed")
    )
    tools: list[Callable[[], object]] = [blank, nothing, mixed]
    with MessagesServer([ServerAnswer(calls), ServerAnswer.text("Done.")], check_body) as server:
        model = claude(server)
        with Agent(model, tmp_path, tools=[tool(one, effect="read") for one in tools], clock=clock) as agent:
            assert agent.run([Text("Look."), Text(" "), LARGE, Image("image/jpg", PNG)], thread="t").text == "Done."
            entry = next(one for one in agent.journal.entries("t") if one.kind == "user")
            assert read_blocks(entry)[2] == LARGE
        model.close()
        results = server.bodies[-1]["messages"][-1]["content"]
    assert [[one["type"] for one in result["content"]] for result in results[:2]] == [["text"], ["text"]]
    assert [one["type"] for one in results[2]["content"]] == ["text", "image"]
    assert problem(server.bodies[-1]) is None
