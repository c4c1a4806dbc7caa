"""LangGraph's own store and ours behave the same."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.store.base import BaseStore, GetOp, IndexConfig, InvalidNamespaceError, ListNamespacesOp, PutOp, SearchOp
from langgraph.store.memory import InMemoryStore

from agentmem.memory.store import LanceStore
from tests.recall.threads import Hashed

Make = Callable[[], BaseStore]


def embed(texts: "list[str]") -> list[list[float]]:
    """LangGraph's form of an embedder."""
    rows: list[list[float]] = Hashed().embed(texts).tolist()
    return rows


INDEX = {"dims": 64, "embed": embed, "fields": ["text"]}


@pytest.fixture(params=["langgraph", "lance"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BaseStore:
    """A store without search by meaning."""
    return InMemoryStore() if request.param == "langgraph" else LanceStore(tmp_path / "store")


@pytest.fixture(params=["langgraph", "lance", "lance with an embedder"])
def indexed(request: pytest.FixtureRequest, tmp_path: Path) -> BaseStore:
    """A store that searches the field ``text`` by meaning."""
    if request.param == "langgraph":
        return InMemoryStore(index=INDEX)  # type: ignore[arg-type]  # a plain dict is what its own examples give
    if request.param == "lance":
        return LanceStore(tmp_path / "store", index=INDEX)  # type: ignore[arg-type]  # as above
    index = {"dims": 64, "fields": ["text"]}
    return LanceStore(tmp_path / "store", index=index, embedder=Hashed())  # type: ignore[arg-type]  # as above


def test_what_is_put_is_got(store: BaseStore) -> None:
    """An item comes back with its names, value and times. The last put counts."""
    store.put(("users", "anna"), "tea", {"text": "Earl Grey", "cups": 2, "with": ["milk", None], "at": {"hour": 16}})
    item = store.get(("users", "anna"), "tea")
    assert item is not None
    assert (item.namespace, item.key) == (("users", "anna"), "tea")
    assert item.value == {"text": "Earl Grey", "cups": 2, "with": ["milk", None], "at": {"hour": 16}}
    assert item.created_at.tzinfo is not None
    assert item.created_at <= item.updated_at
    store.put(("users", "anna"), "tea", {"text": "Darjeeling"})
    again = store.get(("users", "anna"), "tea")
    assert again is not None
    assert again.value == {"text": "Darjeeling"}
    assert again.updated_at >= item.updated_at


def test_what_is_not_there_is_none(store: BaseStore) -> None:
    """An unknown name or namespace and a deleted item are None. Deleting twice is not an error."""
    store.put(("a",), "x", {"n": 1})
    assert store.get(("a",), "y") is None
    assert store.get(("a", "b"), "x") is None
    store.delete(("a",), "x")
    store.delete(("a",), "x")
    assert store.get(("a",), "x") is None
    assert store.search(("a",)) == []


def test_names_with_odd_signs(store: BaseStore) -> None:
    """Quotes, percent signs, newlines and other scripts are names like any other."""
    names = ["it's", 'say "so"', "100%_", "a\nb", "東京", "x/y", "", " "]
    for at, name in enumerate(names):
        store.put(("odd 'one'", "%"), name, {"at": at})
    for at, name in enumerate(names):
        item = store.get(("odd 'one'", "%"), name)
        assert item is not None
        assert item.value == {"at": at}


def test_a_namespace_holds_its_own_and_those_below(store: BaseStore) -> None:
    """A namespace prefix matches whole labels, not letters."""
    for namespace in (("a",), ("a", "b"), ("a", "b", "c"), ("ab",), ("b", "a")):
        store.put(namespace, "x", {"in": list(namespace)})
    assert {item.namespace for item in store.search(("a",))} == {("a",), ("a", "b"), ("a", "b", "c")}
    assert {item.namespace for item in store.search(("a", "b"))} == {("a", "b"), ("a", "b", "c")}
    assert len(store.search(())) == 5


def test_pages_of_a_search_follow_each_other(store: BaseStore) -> None:
    """Without a query, results come page by page in the order of the items."""
    for at in range(12):
        store.put(("n",), f"k{at}", {"at": at})
    pages = [store.search(("n",), limit=5, offset=offset) for offset in (0, 5, 10)]
    assert [item.value["at"] for page in pages for item in page] == list(range(12))
    assert all(item.score is None for page in pages for item in page)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"kind": "tea"}, {"a", "b"}),
        ({"kind": "tea", "cups": 2}, {"b"}),
        ({"cups": {"$gt": 1}}, {"b", "c"}),
        ({"cups": {"$gte": 1, "$lt": 3}}, {"a", "b"}),
        ({"cups": {"$lte": 1}}, {"a"}),
        ({"kind": {"$ne": "tea"}}, {"c"}),
        ({"kind": {"$eq": "coffee"}}, {"c"}),
        ({"at": {"hour": 4}}, {"b"}),
        ({"tags": ["x", "y"]}, {"a"}),
        ({"none": None}, {"a", "b", "c"}),
        ({"kind": "soup"}, set()),
    ],
)
def test_filters(store: BaseStore, wanted: "dict[str, object]", found: set[str]) -> None:
    """Filters support equality, comparisons, nested values and lists, all at once."""
    store.put(("d",), "a", {"kind": "tea", "cups": 1, "tags": ["x", "y"], "at": {"hour": 3}})
    store.put(("d",), "b", {"kind": "tea", "cups": 2, "tags": ["y", "x"], "at": {"hour": 4, "minute": 1}})
    store.put(("d",), "c", {"kind": "coffee", "cups": 3, "tags": []})
    assert {item.key for item in store.search(("d",), filter=wanted)} == found


def test_an_unknown_operator_is_refused(store: BaseStore) -> None:
    """An unknown operator is refused, and not taken for a value."""
    store.put(("d",), "a", {"n": 1})
    with pytest.raises(ValueError, match="Unsupported operator"):
        store.search(("d",), filter={"n": {"$near": 1}})


def test_namespaces_are_listed(store: BaseStore) -> None:
    """Namespaces are listed in order and page by page, by prefix, suffix, wildcard and depth."""
    for namespace in (("a", "b", "c"), ("a", "b", "d"), ("a", "x", "c"), ("z",)):
        store.put(namespace, "k", {})
    assert store.list_namespaces() == [("a", "b", "c"), ("a", "b", "d"), ("a", "x", "c"), ("z",)]
    assert store.list_namespaces(prefix=("a", "b")) == [("a", "b", "c"), ("a", "b", "d")]
    assert store.list_namespaces(suffix=("c",)) == [("a", "b", "c"), ("a", "x", "c")]
    assert store.list_namespaces(prefix=("a", "*", "c")) == [("a", "b", "c"), ("a", "x", "c")]
    assert store.list_namespaces(max_depth=2) == [("a", "b"), ("a", "x"), ("z",)]
    assert store.list_namespaces(limit=1, offset=1) == [("a", "b", "d")]


@pytest.mark.parametrize("namespace", [(), ("a.b",), ("",), ("langgraph", "x")])
def test_namespaces_that_cannot_be(store: BaseStore, namespace: tuple[str, ...]) -> None:
    """Putting to an invalid namespace is refused."""
    with pytest.raises(InvalidNamespaceError):
        store.put(namespace, "k", {})


def test_a_batch_reads_before_it_writes(store: BaseStore) -> None:
    """Results are in the order of the operations. Of two puts to one item the last counts."""
    store.put(("a",), "x", {"n": 1})
    results = store.batch(
        [
            PutOp(("a",), "x", {"n": 2}),
            GetOp(("a",), "x"),
            PutOp(("a",), "x", {"n": 3}),
            SearchOp(("a",)),
            PutOp(("b",), "y", {"n": 4}),
            ListNamespacesOp(None, None, 10, 0),
        ]
    )
    got, listed = results[1], results[3]
    assert results[0] is results[2] is results[4] is None
    assert getattr(got, "value", None) == {"n": 1}
    assert isinstance(listed, list)
    assert len(listed) == 1
    assert results[5] == [("a",)]
    item = store.get(("a",), "x")
    assert item is not None
    assert item.value == {"n": 3}


def test_without_the_event_loop_being_held(indexed: BaseStore) -> None:
    """The async methods do the same without blocking the event loop."""

    async def work() -> list[str]:
        await asyncio.gather(*(indexed.aput(("n",), f"k{at}", {"text": f"word{at}"}) for at in range(5)))
        await indexed.adelete(("n",), "k3")
        assert await indexed.aget(("n",), "k3") is None
        assert await indexed.alist_namespaces() == [("n",)]
        return [item.key for item in await indexed.asearch(("n",), query="word2", limit=1)]

    assert asyncio.run(work()) == ["k2"]


def test_a_search_by_meaning(indexed: BaseStore) -> None:
    """The most similar item is first, with the highest score. Items without text are last, without a score."""
    indexed.put(("n",), "cat", {"text": "a cat sleeps on the mat"})
    indexed.put(("n",), "dog", {"text": "a dog barks at the moon"})
    indexed.put(("n",), "mute", {"other": "nothing to search"})
    indexed.put(("m",), "cat", {"text": "a cat sleeps elsewhere"})
    found = indexed.search(("n",), query="cat sleeps on mat")
    assert [item.key for item in found] == ["cat", "dog", "mute"]
    assert found[0].score is not None
    assert found[1].score is not None
    assert found[0].score > found[1].score
    assert found[2].score is None
    assert [item.key for item in indexed.search(("n",), query="dog moon", limit=1)] == ["dog"]
    assert [item.key for item in indexed.search(("n",), query="dog moon", filter={"text": found[0].value["text"]})] == [
        "cat"
    ]


def test_what_is_searched_can_be_chosen_for_each_item(indexed: BaseStore) -> None:
    """An item can name other fields to search, or none. A new value replaces the searched text."""
    indexed.put(("n",), "title", {"text": "green", "title": "violet"}, index=["title"])
    indexed.put(("n",), "hidden", {"text": "violet"}, index=False)
    indexed.put(("n",), "plain", {"text": "amber"})
    assert indexed.search(("n",), query="violet")[0].key == "title"
    assert {item.key for item in indexed.search(("n",), query="violet") if item.score is not None} >= {"title"}
    assert all(item.score is None for item in indexed.search(("n",), query="violet") if item.key == "hidden")
    indexed.put(("n",), "plain", {"text": "violet violet"})
    indexed.delete(("n",), "title")
    assert [item.key for item in indexed.search(("n",), query="violet") if item.score is not None] == ["plain"]


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([("a",), ("a", "b"), ("c",)]),
            st.sampled_from("xyz"),
            st.none() | st.dictionaries(st.sampled_from("mn"), st.integers(-9, 9) | st.text(max_size=5)),
        ),
        max_size=12,
    )
)
def test_any_row_of_writes_leaves_the_same(
    tmp_path_factory: pytest.TempPathFactory, writes: "list[tuple[tuple[str, ...], str, dict[str, object] | None]]"
) -> None:
    """After any puts and deletes both stores hold the same items."""
    ours, theirs = LanceStore(tmp_path_factory.mktemp("store")), InMemoryStore()
    for namespace, key, value in writes:
        for store in (ours, theirs):
            store.batch([PutOp(namespace, key, value)])
    held = [{(one.namespace, one.key): one.value for one in store.search((), limit=50)} for store in (ours, theirs)]
    assert held[0] == held[1]


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Iterator[Hand]:
    yield Hand()


def test_what_has_lived_its_time_is_gone(tmp_path: Path, clock: Hand) -> None:
    """Expired items are not read, and a sweep deletes them. Reading renews an item's time."""
    store = LanceStore(tmp_path, clock=clock)
    store.put(("a",), "short", {"n": 1}, ttl=1)
    store.put(("a",), "read", {"n": 2}, ttl=1)
    store.put(("a",), "long", {"n": 3})
    clock.now += 50
    assert store.get(("a",), "read") is not None
    assert store.get(("a",), "short", refresh_ttl=False) is not None
    clock.now += 30
    assert {item.key for item in store.search(("a",), refresh_ttl=False)} == {"read", "long"}
    assert store.get(("a",), "short") is None
    assert store.sweep_ttl() == 1
    clock.now += 100
    store.put(("b",), "k", {}, ttl=1)
    clock.now += 100
    assert store.list_namespaces() == [("a",)]


def test_a_default_time_to_live(tmp_path: Path, clock: Hand) -> None:
    """The default time to live applies to puts without one. Writes sweep now and then."""
    store = LanceStore(tmp_path, clock=clock, ttl={"default_ttl": 5, "sweep_interval_minutes": 1})
    store.put(("a",), "x", {"n": 1})
    store.put(("a",), "kept", {"n": 1}, ttl=None)
    clock.now += 301
    assert store.get(("a",), "x") is None
    store.put(("a",), "y", {"n": 2})
    assert store.sweep_ttl() == 0
    assert {item.key for item in store.search(("a",))} == {"kept", "y"}


def test_words_are_searched_where_there_is_no_embedder(tmp_path: Path) -> None:
    """Without an embedder search is by word stems. Items without those words come last, without a score."""
    store = LanceStore(tmp_path)
    store.put(("n",), "dog", {"text": "a dog barks"})
    store.put(("n",), "cat", {"text": "cats sleep"})
    found = store.search(("n",), query="sleeping cat?")
    assert [(item.key, item.score is None) for item in found] == [("cat", False), ("dog", True)]


def test_it_is_all_there_for_another_process(tmp_path: Path) -> None:
    """A second store on the folder sees every write at once. Another embedder has its own vectors."""
    first, second = LanceStore(tmp_path, embedder=Hashed()), LanceStore(tmp_path, embedder=Hashed("other", 32))
    first.put(("n",), "x", {"text": "one"})
    second.put(("n",), "y", {"text": "two"})
    assert {item.key for item in first.search(("n",), query="two")} == {"x", "y"}
    assert second.get(("n",), "x") is not None


def test_a_search_reads_what_it_gives(tmp_path: Path) -> None:
    """Of many items only those returned are read. A filter reads on until there are enough."""
    embedder, read = Hashed(dimensions=1024), list[int]()
    index: IndexConfig = {"dims": 1024, "fields": ["text"]}
    store = LanceStore(tmp_path, embedder=embedder, index=index)
    store.batch([PutOp(("n",), f"k{at}", {"text": f"word{at} of all", "even": at % 2 == 0}) for at in range(300)])

    class Counting(LanceStore):
        """Counts the rows that are read."""

        def _rows(self, where: str, *, live: bool = True) -> "list[dict[str, object]]":
            rows = super()._rows(where, live=live)
            read.append(len(rows))
            return rows

    counting = Counting(tmp_path, embedder=embedder, index=index)
    found = counting.search(("n",), query="word77", limit=3)
    assert [item.key for item in found][:1] == ["k77"]
    assert [item.key for item in counting.search(("n",), query="word77", limit=3)] == [item.key for item in found]
    assert max(read) <= 64
    odd = counting.search(("n",), query="word8 of all", filter={"even": False}, limit=150)
    assert len(odd) == 150
    assert {item.value["even"] for item in odd} == {False}
    pages = [counting.search(("n",), query="word77", limit=100, offset=offset) for offset in (0, 100, 200)]
    assert {item.key for page in pages for item in page} == {f"k{at}" for at in range(300)}
