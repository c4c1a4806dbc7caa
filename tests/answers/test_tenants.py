"""Tenants, and all else that an answer depends on, never share answers. Tested by properties."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from agentmem.answers.settings import AnswerSettings
from agentmem.answers.values import Answer, AnswerScope, Source
from tests.answers.caches import QUIET, Calls, opened

WORDS = ("shoes", "hats", "go", "back", "how", "Anna", "pay")
questions = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
contexts = st.builds(
    AnswerScope,
    tenant=st.sampled_from(["", "a", "b", "a'; --"]),
    model=st.sampled_from(["", "m"]),
    system=st.sampled_from(["", "be brief"]),
    conversation=st.sampled_from([(), ("hello",), ("hel", "lo")]),
    kind=st.sampled_from([None, "faq", "support"]),
)


class Tenants(RuleBasedStateMachine):
    """Every answer names the context that it was made in; none is ever served in another.

    Two caches over one folder stand for two processes; the second holds one vector in RAM at most, so that it asks
    the index in LanceDB.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        small = AnswerSettings(audit=0.0, checks=QUIET.checks, hot=1)
        self.caches = [opened(Path(self.folder.name)), opened(Path(self.folder.name), settings=small)]
        self.kept: dict[tuple[AnswerScope, str], str] = {}

    def text(self, context: AnswerScope, question: str) -> str:
        return f"{context!r}|{question}"

    @rule(question=questions, context=contexts, which=st.integers(0, 1))
    def put(self, question: str, context: AnswerScope, which: int) -> None:
        answer = Answer(self.text(context, question), sources=(Source(context.tenant or "none"),))
        assert self.caches[which].put(question, answer, context=context)
        self.kept[context, question.lower()] = answer.text

    @rule(question=questions, context=contexts, which=st.integers(0, 1))
    def get(self, question: str, context: AnswerScope, which: int) -> None:
        found = self.caches[which].get(question, context=context)
        if found is not None:
            assert found.text.startswith(f"{context!r}|")
        if (context, question.lower()) in self.kept:
            assert found is not None

    @rule(question=questions, context=contexts, which=st.integers(0, 1))
    def ask(self, question: str, context: AnswerScope, which: int) -> None:
        made = Calls(self.text(context, question))
        found = self.caches[which].ask(question, made, context=context)
        assert found.text.startswith(f"{context!r}|")

    @rule(which=st.integers(0, 1))
    def fill_the_index(self, which: int) -> None:
        self.caches[which].maintain()

    @rule(context=contexts, which=st.integers(0, 1))
    def leave(self, context: AnswerScope, which: int) -> None:
        self.caches[which].invalidate(tenant=context.tenant)
        self.kept = {key: text for key, text in self.kept.items() if key[0].tenant != context.tenant}

    def teardown(self) -> None:
        for cache in self.caches:
            cache.close()
        self.folder.cleanup()


TestTenants = Tenants.TestCase
TestTenants.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)
