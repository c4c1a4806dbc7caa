from agentmem.kvcache.frames import frame
from agentmem.models.pictures import without_pictures
from agentmem.types import Image, Text, ToolResult

ONE, OTHER = Image("image/png", "AAAA" * 100), Image("image/png", "BBBB" * 100)


def test_pictures_give_way_to_their_digest() -> None:
    """A picture's bytes go and its digest tells it from others, at the top and inside a result."""
    for wrap in (Image.wire, lambda image: ToolResult("c1", (Text("Seen:"), image)).wire()):
        bare, same, other = (without_pictures(frame("message", wrap(one), "user")) for one in (ONE, ONE, OTHER))
        assert bare == same
        assert bare != other
        assert ONE.data.encode() not in bare.data


def test_other_frames_stay_as_they_are() -> None:
    """A frame without a picture is passed on untouched."""
    plain = frame("message", Text('not an {"type":"image"}').wire(), "user")
    assert without_pictures(plain) is plain
