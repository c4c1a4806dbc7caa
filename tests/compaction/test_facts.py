"""Facts of the environment are what results show by themselves."""

from agentmem.compaction.facts import Environment


def texts(environment: Environment) -> list[str]:
    return [one.text for one in environment.facts.values()]


def test_a_version_and_its_successor() -> None:
    """The newest answer of a command stands, once."""
    found = Environment()
    for at, version in enumerate(("Python 3.11.4", "Python 3.12.1")):
        found.follow("Bash", {"command": "python --version"}, version, at)
    assert texts(found) == ["`python --version` prints Python 3.12.1"]


def test_the_command_that_works_in_place_of_another() -> None:
    """A command that could not run is known with a similar one that did, soon after."""
    found = Environment()
    found.follow("Bash", {"command": "npm run test:unit"}, "sh: npm: command not found", 1, failed=True)
    found.follow("Bash", {"command": "ls"}, "src", 2)
    found.follow("Bash", {"command": "pnpm run test:unit"}, "12 passed", 3)
    assert texts(found) == ["`npm run test:unit` could not run; `pnpm run test:unit` works"]


def test_a_test_that_fails_is_no_wrong_command() -> None:
    """What a command found wrong says nothing of the command."""
    found = Environment()
    found.follow("Bash", {"command": "pytest tests/a"}, "1 failed", 1, failed=True)
    found.follow("Bash", {"command": "pytest tests/b"}, "1 passed", 2)
    assert texts(found) == []


def test_loaded_skills() -> None:
    """By a tool, or by a message that a client wrote."""
    found = Environment()
    found.follow("Skill", {"skill": "release-notes"}, "Launching", 3)
    found.said("Base directory for this skill: /home/me/skills/style\n\n# Style", 5)
    assert found.loaded == {"release-notes": 3, "style": 5}
