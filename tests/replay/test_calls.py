"""Which calls could be made with what a request shows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.kvcache.frames import frame
from agentmem.kvcache.rules import rules
from agentmem.replay.calls import Calls, CallSight, calls
from agentmem.replay.layout import Layout, Strip
from agentmem.replay.needed import FAR
from agentmem.replay.policies import AppendOnly, Arrival, Sliding
from agentmem.replay.run import chain, replay
from agentmem.types import Frame
from tests.replay import reference
from tests.replay.logs import Log, call, text

Entries = list[tuple[list[Frame], list[Frame]]]
QUIET: Entries = [([], [])] * FAR


def result(words: str, identity: str = "c") -> Frame:
    return frame("message", {"type": "tool_result", "tool_use_id": identity, "content": words}, "user")


def person(words: str) -> Frame:
    return frame("message", {"type": "text", "text": words}, "user")


def asked(identity: str = "c", **arguments: Any) -> Frame:
    return frame("message", call(identity, **arguments), "assistant")


def lacking(entries: Entries, *wire: Frame) -> list[str]:
    """The parts of the last call that a request with these frames does not show."""
    known = calls(entries)
    (needed,) = known.by_request[len(entries) - 1]
    return [one.part.text for one in CallSight(known).missing(needed, laid(wire))]


def laid(frames: Sequence[Frame]) -> Layout:
    return Layout("m", 0, "", (Strip(frames).run(),))


def kinds(known: Calls) -> list[tuple[bool, bool]]:
    return [(one.far, one.far_lines) for found in known.by_request.values() for one in found]


def test_a_part_counts_where_it_stood_before() -> None:
    """In a result, a person's words, an own call; what is new in a call is not needed, nor what was only said."""
    seen: Entries = [([person("alpha_one"), result("beta_two")], [asked(old="gamma_three"), said("delta_four")])]
    known = calls([*seen, ([], [asked(what="alpha_one beta_two gamma_three delta_four epsilon_five")])])
    assert [one.part.text for one in known.by_request[1][0].parts] == ["alpha_one", "beta_two", "gamma_three"]


def said(words: str) -> Frame:
    return frame("message", text(words), "assistant")


def test_a_call_is_far_by_any_of_its_parts() -> None:
    """More than ten requests since one last stood; standing again makes it near, in a result or an own call."""
    first: Entries = [([result("alpha_one beta_two\nthe old line")], [])]
    assert kinds(calls([*first, *QUIET, ([], [asked(what="alpha_one")])])) == [(True, False)]
    assert kinds(calls([*first, *QUIET[1:], ([], [asked(what="alpha_one")])])) == [(False, False)]
    assert kinds(calls([*first, *QUIET, ([result("alpha_one")], [asked(what="alpha_one")])])) == [(False, False)]
    both = ([result("alpha_one")], [asked(what="alpha_one beta_two", old_string="the old line")])
    assert kinds(calls([*first, *QUIET, both])) == [(True, True)]


def test_a_path_needs_its_folder_and_its_name_beside_it() -> None:
    """Whole or in parts that belong together; the names of folders and files apart from each other are not enough."""
    entries: Entries = [([result("/home/me/src/alpha.py")], []), ([], [asked(file_path="/home/me/src/alpha.py")])]
    shown = ("see /home/me/src/alpha.py.", "/home/me/src/beta.py src/alpha.py", "/home/me/src: beta.py alpha.py")
    assert all(not lacking(entries, person(one)) for one in shown)
    apart = ("/home/me/src\nalpha.py", "alpha.py /home/me/src", "/home/me/src/ /home/me/lib/ alpha.py")
    assert all(lacking(entries, person(one)) == ["src/alpha.py"] for one in apart)
    assert lacking(entries, person("src/alpha.py")) == ["home/me/src"]
    assert lacking(entries, person("/home/me/src/alpha.pyc")) == ["src/alpha.py"]


def test_a_folder_lists_what_a_call_for_it_found() -> None:
    """A result's names are files of the folder that its call was given."""
    listing = [asked("ls", path="/home/me/src")], [result("alpha.py\nbeta.py", "ls")]
    entries: Entries = [([], listing[0]), (listing[1], []), ([], [asked("r", file_path="/home/me/src/alpha.py")])]
    assert not lacking(entries, *listing[0], *listing[1])
    assert lacking(entries, *listing[0]) == ["src/alpha.py"]


@pytest.mark.parametrize("word", ["digit", "a_git", "git-lfs", "gitx", "legit"])
def test_a_name_is_a_whole_word(word: str) -> None:
    """What only contains it does not show it."""
    entries: Entries = [([result("run git now")], []), ([], [asked(command="git")])]
    assert lacking(entries, person(f"run {word} now")) == ["git"]
    assert not lacking(entries, person("run git.exe now"))


def test_bare_names_are_not_in_view() -> None:
    """What a policy writes shows a name only beside a word that it stood beside; a list of names says nothing."""
    entries: Entries = [([result("def alpha_one(count)\nuse beta_two here\nlonely\n")], [])]
    entries += [([], [asked(what="alpha_one beta_two lonely")])]
    assert lacking(entries, person("alpha_one\nbeta_two")) == ["alpha_one", "beta_two", "lonely"]
    assert lacking(entries, person("alpha_one, beta_two")) == ["alpha_one", "beta_two", "lonely"]
    assert lacking(entries, person("the def alpha_one\nbeta_two: " + "x" * 60 + " here")) == ["beta_two", "lonely"]
    assert lacking(entries, person("alpha_one count\nuse of beta_two\nlonely")) == []


def test_an_old_string_needs_each_line_as_it_was() -> None:
    """Numbered, found by a search or in a diff, but with its own indent; its first and last line may be cut."""
    old = "return alpha(\n\tbeta,\n}\n\tgamma"
    entries: Entries = [([result("1→\treturn alpha(\n2→\tbeta,\n3→}\n4→\tgamma, delta\n")], [])]
    entries += [([], [asked(old_string=old)])]
    assert lacking(entries, person("x = 2; return alpha(\na/b.go:12:\tbeta,\n+\tgamma, epsilon")) == []
    assert lacking(entries, person("return alpha(\n\t\tbeta,\n\tgamma")) == ["\tbeta,"]
    assert lacking(entries, person("noreturn alpha(\n\tbeta, then\n\tgammas")) == [
        "return alpha(",
        "\tbeta,",
        "\tgamma",
    ]


NAMES = ("alpha", "beta.two", "gamma-ray", "git", "x9", "delta_4")
PATHS = ("/home/me/src/a.py", "src/a.py", "src/lib/b.py", "/home/me/src", "lib/", "b.py", "a.py", "./src/lib")
LINES = ("\treturn alpha", "return alpha", "\t\treturn alpha", "beta.two(git)", "}", "  gamma-ray = 1", "return alphas")
MARKS = ("", "12→", "src/a.py:3:", "src/a.py:", "+", "  7\t", "a-4-", "x: ")

pieces = st.sampled_from((*NAMES, *PATHS, *LINES, "digit", "and", "the word", "a.pyc", ",", ":", "-"))
texts = st.lists(
    st.tuples(st.sampled_from(MARKS), st.lists(pieces, max_size=4), st.sampled_from((" ", "", ", ", "/", "x" * 58)))
    .map(lambda one: one[0] + one[2].join(one[1])), max_size=4
).map("\n".join)  # fmt: skip
arguments = st.one_of(
    st.fixed_dictionaries({"file_path": st.sampled_from(PATHS)}),
    st.fixed_dictionaries({"pattern": st.sampled_from((*NAMES, r"\balpha\s*git")), "path": st.sampled_from(PATHS)}),
    st.fixed_dictionaries({"command": st.lists(st.sampled_from((*NAMES, *PATHS, "-v")), min_size=1).map(" ".join)}),
    st.fixed_dictionaries(
        {
            "file_path": st.sampled_from(PATHS),
            "old_string": st.lists(st.sampled_from(LINES), min_size=1, max_size=3).map("\n".join),
            "new_string": st.sampled_from(LINES),
        }
    ),
)


@st.composite
def recordings(draw: st.DrawFn) -> Entries:
    """A conversation of results, people's words, replies and calls."""
    entries: Entries = []
    open_calls: list[str] = []
    for number in range(draw(st.integers(2, 16))):
        arrived = [result(draw(texts), identity) for identity in open_calls]
        arrived += [person(draw(texts))] if draw(st.booleans()) else []
        made = draw(st.lists(arguments, max_size=2))
        open_calls = [f"c{number}.{at}" for at in range(len(made))]
        reply = [said(draw(texts))] if draw(st.booleans()) else []
        reply += [asked(identity, **one) for identity, one in zip(open_calls, made, strict=True)]
        entries.append((arrived, reply))
    return entries


@given(recordings(), st.data())
def test_the_fast_way_and_the_plain_way_agree(entries: Entries, data: st.DataObject) -> None:
    """On which calls are far, and on what a request does not show of them, whatever of the recording it holds, and
    whatever a policy wrote into it; a request after the other, in the same strip or in a new one.
    """
    known, plain = calls(entries), reference.calls(entries)
    assert kinds(known) == [(one.far, one.far_lines) for one in plain]
    found = [one for each in known.by_request.values() for one in each]
    assert [[(part.part.text, part.last) for part in one.parts] for one in found] == [
        [(part.text, at) for part, at, _ in one.parts] for one in plain
    ]
    sight, strip = CallSight(known), Strip()
    for needed, slow in zip(found, plain, strict=True):
        before = [one for arrived, reply in entries[: needed.used] for one in (*arrived, *reply)]
        before += entries[needed.used][0]
        wrote = [person(data.draw(texts))] if data.draw(st.booleans()) else []
        kept = [one for one in before if data.draw(st.booleans())]
        if data.draw(st.booleans()):
            strip = Strip()
        strip.extend((*kept, *wrote))
        start = data.draw(st.integers(0, len(strip)))
        layout = Layout("m", 0, "", (strip.run(start),))
        lacks = [one.part.text for one in sight.missing(needed, layout)]
        assert lacks == [one.text for one in reference.missing(slow, list(layout), entries)]


@pytest.mark.parametrize("policy", [AppendOnly, Sliding])
def test_dollars_to_act_are_those_of_the_plain_way(tmp_path: Path, policy: Any) -> None:
    """Each call that cannot be made costs one more request; nothing of it can be recalled here."""
    log = Log()
    for turn in range(30):
        log.prompt(f"Please look at part_{turn % 7} of the work. " * 20)
        log.reply(f"msg_{turn}", call(f"call_{turn}", path=f"src/part_{(turn + 1) % 14}.py", what="part_3"))
        log.result(f"call_{turn}", f"line of part_{turn % 11} in src/part_{turn % 14}.py\n" * 40)
    log.reply("end", text("Done."))
    session, budget = log.session(tmp_path), 22_500
    one = chain([session], "anthropic")
    tally = replay(one, policy, budget, rules)
    entries = [(each.arrived, each.reply) for each in one.exchanges]
    follows, dollars, made, far = policy(terms(one, budget)), 0.0, 0, 0
    wires = list(sent(follows, one))
    for slow in reference.calls(entries):
        wire, each = wires[slow.request], one.exchanges[slow.request]
        gone = reference.missing(slow, wire, entries)
        rates = one.rates(each, 0)
        assert rates is not None
        context = sum(frame.tokens for frame in (*one.opening.head, *wire))
        dollars += reference.acting(slow, gone, context, rates, reached=False) if gone else 0.0
        made, far = made + (not gone and slow.far), far + slow.far
    numbers = tally.numbers()
    assert numbers["dollars_to_act_usd"] == pytest.approx(numbers["cost_usd"] + dollars)
    assert (tally.callable_far, tally.calls_far) == (made, far) and far > 5
    assert (made == far) is (policy is AppendOnly)


def terms(one: Any, budget: int) -> Any:
    from agentmem.replay.policies import Terms

    return Terms(one.opening, budget, one.provider, one.ttl)


def sent(policy: Any, one: Any) -> Any:
    """The message frames of each request."""
    for each in one.exchanges:
        (*_, request) = policy.send(Arrival(each.at, each.model, each.arrived, each.cut, each.settings))
        yield [frame for run in request.runs for frame in run]
        policy.reply(each.reply)
