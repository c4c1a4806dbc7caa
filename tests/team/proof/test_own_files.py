"""Tests for the tests' own files: they lie at no name that the code can tell, whatever library opens it."""

import io
import sqlite3
import zipfile
from pathlib import Path

import numpy
import pytest
from PIL import Image

from agentmem.team.proof.apart import ApartBounds, ApartRun, run_apart
from tests.team.proof.works import ENVIRONMENT, project, verdicts

CODE = """
import os, re
from pathlib import Path


def path(name="want.csv"):
    return "tests/gx/" + name


def cwd(name="want.csv"):
    return "/proc/self/cwd/tests/gx/" + name


def thread(name="want.csv"):
    return f"/proc/thread-self/cwd/tests/gx/{name}"


def absolute(name="want.csv"):
    return os.path.abspath("tests/gx/" + name)


def mounted(name="want.csv"):
    found = re.search(r"/[^ ]*-proof-[^/ ]+", open("/proc/self/mountinfo").read())
    return f"{found[0] if found else ''}/tests/tests/gx/{name}"


def joined(name="want.csv"):
    return [str(Path(__file__).parent), "tests/gx/" + name]


def above(name="want.csv"):
    return f"../*/tests/gx/{name}"


def everywhere(name="want.csv"):
    return f"/var/tmp/*-proof-*/*/tests/gx/{name}"


def beside(given, name="want.csv"):
    return os.path.join(os.path.dirname(given), "gx", name)


def folder(given):
    return os.path.join(os.path.dirname(given), "gx")


def including(place, name):
    place.write_text(f'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{name}" parse="text"/></a>')


def entity(name):
    return f'<!DOCTYPE a [<!ENTITY e SYSTEM "{name}">]><a>&e;</a>'


def readme(given):
    return (Path(given) / "README.md").read_text()


def same(given):
    return given


def setting(given):
    return {"at": str(given), "name": os.path.basename(given)}


def current():
    return os.getcwd()


def place(name="data"):
    return Path(__file__).parent / name


def number():
    return 7


def parts(given):
    return b"".join(given)[:0]
"""
"""It holds no 7, 8 and no "seven" but in ``number``: what it gives are names."""

READERS = """
import glob
import os
import linecache
import pathlib
import sqlite3
import xml.etree.ElementInclude as include
import xml.etree.ElementTree as ET
import zipfile

import numpy as np
import pyarrow.csv
import pyarrow.dataset
import pytest
from PIL import Image

import shop

try:
    import lxml.etree
except ImportError:  # then its tests fail, and are not proven either
    lxml = None

HERE = pathlib.Path(__file__).parent
NAMES = [shop.path, shop.cwd, shop.thread, shop.absolute, shop.mounted]


@pytest.mark.parametrize("name", NAMES)
class TestNames:
    def test_linecache(self, name):
        assert linecache.getline(name(), 2) == "7,8\\n"

    def test_loadtxt(self, name):
        assert np.loadtxt(name(), skiprows=1, delimiter=",").tolist() == [7, 8]

    def test_load(self, name):
        assert np.load(name("want.npy")).tolist() == [7, 8]

    def test_memmap(self, name):
        assert bytes(np.memmap(name(), mode="r"))[4:] == b"7,8\\n"

    def test_arrow(self, name):
        assert pyarrow.csv.read_csv(name()).to_pydict() == {"a": [7], "b": [8]}

    def test_mapped(self, name):
        assert pyarrow.memory_map(name()).read() == b"a,b\\n7,8\\n"

    def test_dataset(self, name):
        found = pyarrow.dataset.dataset(name(), format="csv").to_table()
        assert found.to_pydict() == {"a": [7], "b": [8]}

    def test_lxml(self, name):
        assert lxml.etree.parse(name("want.xml")).getroot().text == "seven"

    def test_parsed(self, name):
        assert ET.parse(name("want.xml")).getroot().text == "seven"

    def test_entity(self, name):
        parser = lxml.etree.XMLParser(resolve_entities=True, load_dtd=True)
        assert lxml.etree.fromstring(shop.entity(name("want.xml")), parser)[0].text == "seven"

    def test_included(self, name, tmp_path):
        shop.including(tmp_path / "a.xml", name("want.csv"))
        root = ET.parse(tmp_path / "a.xml").getroot()
        include.include(root)
        assert root.text == (HERE / "gx" / "want.csv").read_text()

    def test_included_by_lxml(self, name, tmp_path):
        shop.including(tmp_path / "a.xml", name("want.csv"))
        tree = lxml.etree.parse(tmp_path / "a.xml")
        tree.xinclude()
        assert tree.getroot().text == "a,b\\n7,8\\n"

    def test_database(self, name):
        with sqlite3.connect(f"file:{name('want.db')}?mode=ro&immutable=1", uri=True) as db:
            assert db.execute("select n from t").fetchall() == [(7,)]

    def test_archive(self, name):
        assert zipfile.ZipFile(name("want.zip")).read("a") == b"7"

    def test_image(self, name):
        with Image.open(name("want.png")) as image:
            assert image.getpixel((0, 0)) == 7


@pytest.mark.parametrize("name", [shop.above, shop.everywhere])
def test_pattern(name):
    assert [pathlib.Path(one).read_text() for one in glob.glob(name())] == ["a,b\\n7,8\\n"]


def test_beside():
    assert pyarrow.csv.read_csv(shop.beside(__file__)).to_pydict() == {"a": [7], "b": [8]}


def test_beside_in_lxml():
    assert lxml.etree.parse(shop.beside(__file__, "want.xml")).getroot().text == "seven"


def test_joined():
    assert pyarrow.csv.read_csv("/".join(shop.joined())).to_pydict() == {"a": [7], "b": [8]}


def test_split():
    assert pyarrow.csv.read_csv((shop.absolute() + " is it").split()[0]).to_pydict() == {"a": [7], "b": [8]}


def test_made_absolute():
    assert lxml.etree.parse(os.path.abspath(shop.path("want.xml"))).getroot().text == "seven"


def test_all_of_a_folder():
    found = pyarrow.dataset.dataset(str(shop.place()).removesuffix("/data"), format="csv", exclude_invalid_files=True)
    assert found.to_table().num_rows >= 0


def test_folder():
    found = pyarrow.dataset.dataset(shop.folder(__file__), format="csv", exclude_invalid_files=True).to_table()
    assert found.num_rows >= 1


def test_in_its_folder(monkeypatch, tmp_path):
    shop.including(tmp_path / "a.xml", "gx/want.csv")
    monkeypatch.chdir(HERE)
    tree = lxml.etree.parse(tmp_path / "a.xml", base_url=str(HERE / "a.xml"))
    tree.xinclude()
    assert tree.getroot().text == "a,b\\n7,8\\n"


def test_told_in_a_file(tmp_path):
    (tmp_path / "a.ini").write_text(f"at = {HERE}")
    assert shop.number() == 7


def test_told_by_a_link(tmp_path):
    (tmp_path / "a").symlink_to(HERE)
    assert shop.number() == 7


def test_bytes():
    assert shop.parts([str(HERE).encode()]) == b""


def test_halves():
    text = str(HERE) + "\\ud83d\\ude00"
    assert shop.same(text) == text


def test_array():
    assert shop.same(np.array([str(HERE)])).tolist() == [str(HERE)]
"""

HONEST = """
import os
from pathlib import Path

import numpy as np
import pytest

import shop

HERE = Path(__file__).parent
ROOT = HERE.parent


def test_its_own_file():
    assert shop.number() == int((HERE / "gx" / "want.csv").read_text().split()[1][0])


def test_its_own_file_before():
    want = np.loadtxt(HERE / "gx" / "want.csv", skiprows=1, delimiter=",").tolist()
    assert shop.number() == want[0]


@pytest.mark.parametrize("one", sorted(one.name for one in (HERE / "gx").iterdir()))
def test_each_of_its_own(one):
    assert (HERE / "gx" / one).exists() and shop.number() == 7


def test_readme():
    assert shop.readme(ROOT) == "Hello"
    assert shop.readme(str(ROOT)) == "Hello"
    assert shop.readme(".") == "Hello"
    assert shop.readme(Path.cwd()) == "Hello"
    assert shop.readme(os.path.abspath(".")) == "Hello"


def test_comes_back():
    assert shop.same(HERE / "x") == HERE / "x"
    assert shop.setting(HERE / "x.ini") == {"at": str(HERE / "x.ini"), "name": "x.ini"}


def test_current_folder():
    assert shop.current() == os.getcwd()
    assert shop.absolute("x") == os.path.abspath("tests/gx/x")


def test_by_the_current_folder():
    assert shop.number() == 7 and os.path.isfile(Path.cwd() / "tests" / "gx" / "want.csv")
    assert Path(__file__).relative_to(os.getcwd()).name == "test_honest.py"
    assert (Path.cwd() / "tests" / "gx" / "want.xml").read_text() == "<w>seven</w>"


def test_place_of_the_code():
    assert shop.place() == Path(__file__).resolve().parent.parent / "data"
    assert shop.place().parent == Path(__file__).resolve().parent.parent
    assert shop.place("tests").name == "tests"


def test_changed_folder(monkeypatch, tmp_path):
    (tmp_path / "tests").mkdir()
    monkeypatch.chdir(tmp_path)
    assert shop.current() == str(tmp_path)
    assert os.listdir("tests") == [] and Path("tests").exists()


def test_a_folder_of_the_same_name(tmp_path):
    import shutil

    (tmp_path / "a" / "tests" / "gx").mkdir(parents=True)
    shutil.rmtree(tmp_path / "a")
    assert shop.number() == 7 and os.listdir(tmp_path) == []
"""

RELATIVE = """
import os
from pathlib import Path

import pyarrow.csv
import shop


def test_opened():
    with open("tests/gx/want.csv") as file:
        assert shop.number() == int(file.read()[4])


def test_listed():
    assert "want.csv" in os.listdir("tests/gx") and shop.number() == 7


def test_there():
    assert Path("tests").exists() and shop.number() == 7


def test_by_a_library():
    assert pyarrow.csv.read_csv("tests/gx/want.csv").to_pydict() == {"a": [7], "b": [8]} and shop.number() == 7


def test_not_there():
    assert shop.number() == 7 and not os.path.isfile("tests/test_relative.py")
"""


def database(folder: Path) -> bytes:
    with sqlite3.connect(folder / "want.db") as db:
        db.execute("create table t(n)")
        db.execute("insert into t values (7)")
    return (folder / "want.db").read_bytes()


def made(folder: Path) -> dict[str, bytes]:
    """The golden files, of many kinds."""
    array, image, archive = io.BytesIO(), io.BytesIO(), io.BytesIO()
    numpy.save(array, numpy.array([7, 8]))
    Image.new("L", (1, 1), 7).save(image, "png")
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a", "7")
    kinds = {"npy": array.getvalue(), "png": image.getvalue(), "zip": archive.getvalue(), "db": database(folder)}
    kinds |= {"csv": b"a,b\n7,8\n", "xml": b"<w>seven</w>"}
    return {f"tests/gx/want.{kind}": data for kind, data in kinds.items()}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> ApartRun:
    folder = tmp_path_factory.mktemp("own")
    texts = {"tests/test_readers.py": READERS, "tests/test_honest.py": HONEST, "tests/test_relative.py": RELATIVE}
    tests = {**made(folder), **{path: text.encode("utf-8") for path, text in texts.items()}}
    with project(folder, {"shop.py": CODE, "README.md": "Hello"}) as (fork, layout):
        return run_apart(fork, layout, tests, list(texts), ENVIRONMENT, bounds=ApartBounds(120.0, 20.0, 9))


def of(run: ApartRun, file: str) -> dict[str, str]:
    return verdicts(ApartRun({name: one for name, one in run.tests.items() if file in name}, True))


def test_no_library_reads_the_tests_own_files_for_the_code(run: ApartRun) -> None:
    """Whatever opens a name that the code returned or wrote: no such test is proven."""
    found = of(run, "test_readers")
    assert len(found) == 15 * 5 + 15
    assert [name for name, one in found.items() if one == "proven"] == []


def test_honest_uses_of_files_are_proven(run: ApartRun) -> None:
    """A test's own files by its own place, the project's by theirs, and the folder in which both run."""
    assert {name: one for name, one in of(run, "test_honest").items() if one != "proven"} == {}


def test_a_name_relative_to_where_tests_run_is_said(run: ApartRun) -> None:
    """A test that reads its own file by such a name fails apart, and is unproven for that, whatever reads it."""
    assert set(of(run, "test_relative").values()) == {"unproven relative"}
