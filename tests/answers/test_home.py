"""A cache in a folder, and one at an address that hosts share: Postgres and an object store, both real."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from agentmem.answers import records
from agentmem.answers.cache import AnswerCache
from agentmem.answers.database import LATER_TABLES
from agentmem.answers.home import AnswersBucket, AnswersFolder, AnswersHome, home_of
from agentmem.answers.nearest import AnswerIndex
from agentmem.answers.store import AnswerStore, KeptEntry
from agentmem.answers.values import Labelled, Source
from agentmem.errors import AnswersError, ConfigError
from agentmem.objects import located
from agentmem.transcript.journal import open_journal
from agentmem.types import Vectors
from tests.answers.caches import Time
from tests.forwarder import Forwarder
from tests.objects import ObjectServer
from tests.recall.threads import Hashed

HASHED = Hashed()
Homes = Callable[[], AnswersHome]


@pytest.fixture(params=["folder", "bucket"])
def homes(request: pytest.FixtureRequest, tmp_path: Path) -> Homes:
    """Makes the same home again and again, as several hosts do."""
    if request.param == "folder":
        return lambda: AnswersFolder(tmp_path)
    server, url = request.getfixturevalue("objects"), request.getfixturevalue("postgres_url")
    return bucket_of(server, url, request.node.name)


def bucket_of(server: ObjectServer, url: str, name: str, user: str = "owner") -> Homes:
    prefix = "".join(char for char in name if char.isalnum())
    return lambda: AnswersBucket(located(server.url(prefix), server.environ(user)), open_journal(url))


@pytest.fixture
def hosts(homes: Homes) -> Iterator[list[AnswerStore]]:
    """Two stores of one home."""
    with ExitStack() as stack:
        made = [AnswerStore(homes(), Time(100.0)) for _ in range(2)]
        for one in made:
            stack.callback(one.close)
        yield made


def entry(key: str, scope: str = "s", *sources: Source) -> KeptEntry:
    return KeptEntry(
        scope, "t", key, "faq", "text", f"What is {key}?", f"It is {key}.", 1.0, 200.0, 50.0, sources=sources
    )


def vector(text: str) -> Vectors:
    made: Vectors = HASHED.embed([text])[0]
    return made


def test_hits_and_what_an_answer_took_are_shared_too(hosts: list[AnswerStore]) -> None:
    """One host serves what another kept; only the latest hits stay; they go with the answer."""
    one, other = hosts
    for tokens in (40, 70):
        n = one.put(replace(entry("a", "s"), tokens=tokens), HASHED.name, vector("a"))
    other.serve([(n, f"asked {at}", "semantic", 0.9, 100.0 + at) for at in range(3)], most=2)
    found = one.served(10)
    assert [(row[2], row[3], row[5], row[6], row[7]) for row in found] == [
        (f"asked {at}", "What is a?", 0.9, 99.0 + at, 70) for at in (2, 1)
    ]
    assert len(other.served(1)) == 1
    other.remove_tenant("t")
    assert not one.served(10)


@pytest.mark.parametrize("missing", sorted(LATER_TABLES))
def test_a_cache_of_an_earlier_program_gets_the_tables_it_lacks(homes: Homes, missing: str) -> None:
    """Whichever it is: the program before knew some of them already."""
    with closing(AnswerStore(homes(), Time(100.0))) as made:
        made.database.storage.run(f"DROP TABLE {missing}")
    with closing(AnswerStore(homes(), Time(100.0))) as opened:
        assert (missing,) in opened.database.storage.run("{tables}")


def test_what_one_host_keeps_another_finds_and_removes(hosts: list[AnswerStore]) -> None:
    """By key, by number and by scope; with its sources; and no more once it is invalidated."""
    one, other = hosts
    page = Source("prices.md", "r1", True)
    n = one.put(entry("a", "s", page), HASHED.name, vector("a"))
    assert one.put(entry("b", "later"), HASHED.name, vector("b")) > n
    found = other.by_key("a")
    assert found is not None
    assert (found.n, found.answer, found.sources) == (n, "It is a.", (page,))
    assert set(other.by_numbers("s", [n, n + 1])) == {n}
    assert (other.scopes(), other.scopes("t"), other.scopes("nobody")) == (["later", "s"], ["later", "s"], [])
    assert (other.count(), other.pages()) == (2, {"prices.md": {"r1"}})
    before = other.epoch
    assert other.invalidate("prices.md") == 1
    assert one.by_key("a") is None
    assert one.put(entry("a", "s", page), since=before) == 0
    assert one.put(entry("a", "s", page), since=one.epoch) > n + 1


def test_counters_marks_and_labels_are_shared(hosts: list[AnswerStore]) -> None:
    """Sums add up, a mark has one value, and of two claims one succeeds."""
    one, other = hosts
    for store in hosts:
        store.count_up({("hit", "faq"): 2.0})
    assert one.counts() == {("hit", "faq"): 4.0}
    one.set_mark("place", 3)
    other.set_mark("place", 5)
    assert one.mark("place") == 5.0
    assert (one.claim("work", 10.0), other.claim("work", 10.0)) == (True, False)
    one.label(Labelled("a", "b", False, "faq", 0.9, "x", "y", "audit"))
    assert other.labels() == [Labelled("a", "b", False, "faq", 0.9, "x", "y", "audit")]


def test_parts_of_a_user_and_wrong_answers_are_known_everywhere(hosts: list[AnswerStore]) -> None:
    """What is one user's alone goes with them; a dropped pair is kept once."""
    one, other = hosts
    one.put(entry("a", "mine"))
    for store in hosts:
        store.own("mine", "anna")
        store.drop("mine", "What is a?", "What is b?", HASHED.name, vector("b"))
    ((kept, _),) = other.dropped("mine", HASHED.name)
    assert "what is a" in kept.lower()
    assert other.remove_owner("anna") == 1
    assert one.count() == 0


def test_writers_on_two_hosts_leave_no_number_out(hosts: list[AnswerStore]) -> None:
    """Whoever reads the vectors up to now, again and again, has seen every one of them once in the end."""
    one, other = hosts
    seen, last, done = list[int](), 0, threading.Event()

    def write(store: AnswerStore, name: str) -> None:
        for at in range(20):
            store.put(entry(f"{name}{at}"), HASHED.name, vector(name))

    writers = [threading.Thread(target=write, args=(store, name)) for store, name in ((one, "x"), (other, "y"))]

    def watch() -> None:
        for each in writers:
            each.join()
        done.set()

    ended = threading.Thread(target=watch)
    for each in (*writers, ended):
        each.start()
    while True:
        over = done.is_set()
        found = one.vectors(HASHED.name, "s", last)
        seen += found.v.tolist()
        last = max(seen, default=0)
        if over:
            break
    ended.join()
    assert len(seen) == len(set(seen)) == 40


def test_one_host_fills_the_index_and_both_search_it(hosts: list[AnswerStore]) -> None:
    """What has gone leaves it at the next filling; nobody fills it twice at once."""
    one, other = hosts
    numbers = [one.put(entry(text), HASHED.name, vector(text)) for text in ("red boat", "blue bird", "old tree")]
    here, there = AnswerIndex(one, HASHED), AnswerIndex(other, HASHED)
    with one.home.tables.owned() as mine:
        assert (mine, there.fill()) == (True, 0)
    assert (here.fill(), there.fill()) == (3, 0)
    assert there.nearest("s", vector("blue bird"), 1)[0].n == numbers[1]
    other.evict([numbers[1]])
    assert other.database.run("SELECT count(*) FROM gone") == [(1,)]
    there.fill()
    assert other.database.run("SELECT count(*) FROM gone") == [(0,)]
    assert numbers[1] not in {near.n for near in here.nearest("s", vector("blue bird"), 3)}
    here.reset()


def test_results_of_tuning_are_beside_the_cache(homes: Homes) -> None:
    """A later one replaces an earlier, and what was never written is the default."""
    home = homes()
    assert records.read(home.records, "some.json", dict, None) is None
    for value in ({"a": 1}, {"b": 2}):
        records.write(home.records, "some.json", value)
    assert records.read(homes().records, "some.json", dict, None) == {"b": 2}
    home.close()


def test_an_address_needs_a_database_and_a_folder_has_its_own(tmp_path: Path) -> None:
    """Each error says what to give."""
    with pytest.raises(ConfigError, match=r"answers at s3://agents/a need a database that every host reaches"):
        AnswerCache("s3://agents/a?endpoint=http://127.0.0.1:1")
    with pytest.raises(ConfigError, match="need a database that every host reaches"):
        home_of("s3://agents/a", str(tmp_path / "run.db"))
    with pytest.raises(ConfigError, match="one in a folder has its own"):
        AnswerCache(tmp_path, database="postgresql://localhost/db")


def test_a_missing_right_is_a_sentence(objects: ObjectServer, postgres_url: str) -> None:
    """It names the place."""
    home = bucket_of(objects, postgres_url, "unwritable", "reader")()
    with pytest.raises(ConfigError, match=r"s3://agents/unwritable cannot be written: .*lack a right"):
        records.write(home.records, "some.json", {})
    home.close()


def test_a_database_that_is_away_is_not_waited_for(objects: ObjectServer, postgres_url: str) -> None:
    """The caller asks its model instead; the same store goes on when the database is back."""
    link = Forwarder(postgres_url)
    store = AnswerStore(bucket_of(objects, link.url, "away")(), Time(100.0))
    store.put(entry("a"))
    link.cut()
    with pytest.raises(AnswersError, match="the answer cache: "):
        store.by_key("a")
    with pytest.raises(AnswersError, match="the answer cache: "):
        store.put(entry("b"))
    link.mend()
    assert store.by_key("a") is not None
    store.close()
    link.close()


def test_two_addresses_in_one_database_are_two_caches(objects: ObjectServer, postgres_url: str) -> None:
    """Neither sees the other's answers, and the journal's own tables stay as they are."""
    stores = [AnswerStore(bucket_of(objects, postgres_url, name)(), Time(100.0)) for name in ("one", "two")]
    stores[0].put(entry("a"))
    assert [store.count() for store in stores] == [1, 0]
    for store in stores:
        store.close()
    with open_journal(postgres_url) as journal:
        assert journal.storage.run("SELECT count(*) FROM entries") == [(0,)]


def test_a_later_version_is_refused(homes: Homes) -> None:
    """Rather than read wrongly."""
    store = AnswerStore(homes())
    set_version = {"sqlite": "PRAGMA user_version = 9", "postgres": "UPDATE marks SET value = 9 WHERE name = 'version'"}
    store.database.run(set_version[store.database.storage.address.kind])
    store.close()
    with pytest.raises(AnswersError, match="later agentmem"):
        AnswerStore(homes())


HOSTS = """
import sys
from agentmem import AnswerCache

def answering(question):
    asked.append(question)
    return "At six."

for _ in range(2):
    asked = []
    with AnswerCache(sys.argv[1], database=sys.argv[2], exact_only=True) as cache:
        answered = cache.ask("When does the shop in Mill Lane open?", answering)
        print(answered.text, len(asked))
"""


def test_a_cache_at_an_address_serves_what_another_process_kept(objects: ObjectServer, postgres_url: str) -> None:
    """The second one asks nobody."""
    command = [sys.executable, "-c", HOSTS, objects.url("served"), postgres_url]
    ran = subprocess.run(command, env=objects.environ(), capture_output=True, text=True, check=False)
    assert ran.stdout == "At six. 1\nAt six. 0\n", ran.stderr
    refused = subprocess.run(command, env=objects.environ("reader"), capture_output=True, text=True, check=False)
    assert "lack a right at s3://agents/served" in refused.stderr
