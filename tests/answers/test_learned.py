"""What a log teaches of its answers: when it is sure, and where it is used."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agentmem.answers.decision import Decision, decider, default_decider, write_policies
from agentmem.answers.learned import SURE, LearnedAnswers, learn, read_learned, write_learned
from agentmem.answers.log_replay import ReplayedQuestion
from agentmem.answers.logs import tune_log
from agentmem.answers.query_types import BUILT_IN
from agentmem.answers.values import Candidate, QueryPolicy
from agentmem.errors import ConfigError
from agentmem.recall.embedder import MiniLM, available
from agentmem.types import Vectors
from tests.answers.caches import Calls, opened
from tests.recall.threads import Hashed

TOPICS = ("bike rack", "bike lock", "cargo bike", "bike pump", "bike light", "bike seat")
WORDINGS = tuple(f"{one} {two}" for one in ("where is", "show me", "find", "how about") for two in ("a", "the", "our"))


def asked_in_words() -> list[ReplayedQuestion]:
    """Each topic in every wording; its answer is the topic."""
    return [ReplayedQuestion(f"{wording} {topic}", topic) for topic in TOPICS for wording in WORDINGS]


def of(log: list[ReplayedQuestion], rows: Vectors, name: str = "hashed") -> LearnedAnswers | None:
    return learn([one.question for one in log], [one.answer for one in log], rows, name)


def learned_words() -> LearnedAnswers:
    log = asked_in_words()
    found = of(log, Hashed().embed([one.question for one in log]))
    assert found is not None
    return found


def beside(count: int) -> tuple[list[ReplayedQuestion], Vectors]:
    """Questions of six answers that lie beside each other: near in all that varies, apart in what varies little."""
    random = np.random.default_rng(3)
    topics = random.integers(0, 6, count)
    rows = np.concatenate([random.normal(0, 0.12, (count, 8)), np.eye(6)[topics] * 0.24], axis=1)
    rows[:, 0] += 1
    rows[:, 8:] += random.normal(0, 0.004, (count, 6))
    log = [ReplayedQuestion(f"question {'i' * at} of {topic}", f"answer {topic}") for at, topic in enumerate(topics)]
    return log, (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def never(kept: str, asked: str) -> bool:
    """No gate objects."""
    return False


def test_it_is_sure_of_other_wordings_and_of_no_other_answer() -> None:
    """Questions of one answer surely share it. Those of two do not, and a question between them is unsure of both."""
    learned, embed = learned_words(), Hashed().embed
    rack, again, lock, between = embed(
        ["please show the bike rack", "where is your bike rack", "where is the bike lock", "the bike rack bike lock"]
    )
    assert learned.same(rack, again) >= SURE
    assert learned.same(rack, lock) < 0.5
    assert max(learned.same(between, rack), learned.same(between, lock)) < SURE


def test_a_question_that_comes_again_counts_once() -> None:
    """A popular question is one question: what is learned is the same without its repeats."""
    log = asked_in_words()
    rows = Hashed().embed([one.question for one in log])
    one, other = of(log, rows), of([*log, *log[:1] * 50], np.concatenate([rows, rows[:1].repeat(50, axis=0)]))
    assert one is not None
    assert other is not None
    assert one.name == other.name


def test_nothing_is_learned_where_every_answer_has_its_own_words() -> None:
    """Answers with a question or two teach nothing."""
    log = [replace(one, answer=one.question) for one in asked_in_words()]
    assert of(log, Hashed().embed([one.question for one in log])) is None


def test_it_is_kept_beside_the_cache(tmp_path: Path) -> None:
    """What is written is read again; a damaged file is an error that names it."""
    assert read_learned(tmp_path) is None
    learned = learned_words()
    write_learned(tmp_path, learned)
    found = read_learned(tmp_path)
    assert found is not None
    assert (found.name, found.embedder, found.answers) == (learned.name, "hashed", len(TOPICS))
    (tmp_path / "learned.json").write_text('{"embedder": "hashed"}')
    with pytest.raises(ConfigError, match=r"learned\.json"):
        read_learned(tmp_path)


def test_a_log_whose_answers_lie_beside_each_other_is_served_with_what_it_teaches() -> None:
    """Cosines cannot tell such answers apart. What was learned can: a lower threshold is certified, and errs less."""
    log, rows = beside(400)
    plain = tune_log(log, rows, never, limit=0.08)["faq"]
    tuned = tune_log(log, rows, never, limit=0.08, embedder="made")["faq"]
    assert tuned.learned is not None
    assert tuned.policy.model == tuned.learned.name
    assert tuned.policy.threshold < plain.policy.threshold
    assert tuned.without == plain.held
    assert tuned.held.served > plain.held.served
    assert tuned.held.wrong < plain.held.wrong


def test_where_it_serves_no_more_it_is_left_out() -> None:
    """If cosines alone tell all answers apart, nothing else decides."""
    log, rows = beside(300)
    centres = np.eye(6, 14, dtype=np.float32)[[int(one.answer.split()[-1]) for one in log]]
    far = centres + rows / 50
    tuned = tune_log(log, far / np.linalg.norm(far, axis=1, keepdims=True), never, limit=0.08, embedder="made")["faq"]
    assert tuned.learned is None
    assert tuned.policy.model == ""


def decides(learned: LearnedAnswers | None) -> Decision:
    policy = QueryPolicy("faq", 0.3, model=learned_words().name)
    return decider({"faq": policy}, gates=(), learned=learned)


def test_a_decision_asks_it_after_the_gates() -> None:
    """It refuses another answer by name, and what it cannot be asked about; what it is sure of is served."""
    rack, again, lock = Hashed().embed(["show me the bike rack", "where is our bike rack", "show me the bike lock"])

    def rule(vector: "Vectors | None", learned: LearnedAnswers | None) -> str:
        kept = Candidate("0", "show me the bike rack", "Left.", 0.8, vector=vector)
        return decides(learned)("a question", again, [kept], "faq").rule

    assert rule(rack, learned_words()) == "cosine"
    assert rule(lock, learned_words()) == "learned"
    assert rule(None, learned_words()) == "learned"
    assert rule(rack, None) == "learned"


def test_with_another_embedder_it_and_its_threshold_are_not_used(tmp_path: Path) -> None:
    """A policy that was certified with it falls back to the type's own, as it does when it was learned anew."""
    learned = learned_words()
    write_learned(tmp_path, learned)
    write_policies(tmp_path, [QueryPolicy("faq", 0.3, model=learned.name)])
    used = default_decider(tmp_path, BUILT_IN, embedder=Hashed())
    assert used.learned is not None
    assert used.policies["faq"].threshold == 0.3
    other = default_decider(tmp_path, BUILT_IN, embedder=Hashed("another"))
    assert other.learned is None
    assert other.policies["faq"].threshold > 0.9
    write_policies(tmp_path, [QueryPolicy("faq", 0.3, model="learned before")])
    assert default_decider(tmp_path, BUILT_IN, embedder=Hashed()).policies["faq"].threshold > 0.9


@pytest.mark.skipif(bool(available()), reason="needs the embedder")
def test_lookups_use_it(tmp_path: Path) -> None:
    """A kept answer is served to what surely has it, and refused by its name to what has not, at any cosine."""
    rows = MiniLM().embed([one.question for one in asked_in_words()])
    learned = of(asked_in_words(), rows, MiniLM.name)
    assert learned is not None
    with opened(tmp_path, embedder=MiniLM(), decide=None) as cache:
        cache.ask("where is the bike rack", Calls("Left of the door."))
        write_learned(cache.folder, learned)
        write_policies(cache.folder, [QueryPolicy("faq", 0.5, model=learned.name)])
    with opened(tmp_path, embedder=MiniLM(), decide=None) as cache:
        assert cache.explain("where's a rack for bikes").hit
        assert cache.explain("where would i find a rack or a lock for a bike").rule == "learned"
