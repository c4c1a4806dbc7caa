"""Tokens of a file: whose they are, and every mistake in the file."""

from pathlib import Path

import pytest

from agentmem.errors import ConfigError
from agentmem.mcp.tenants import OWNER, Tenant, one_token, read

TOKEN = "a-token-of-more-than-16"


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "tokens.toml"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_a_token_leads_to_its_tenant(tmp_path: Path) -> None:
    """Each section is a tenant with its folder, runs and right to write; another token leads to nobody."""
    other = TOKEN[::-1]
    acme = f'[acme]\ntoken = "{TOKEN}"\nfolder = "./acme/"\nthreads = ["acme-*"]\nwrite = true\n'
    tokens = read(written(tmp_path, f'{acme}[b]\ntoken = "{other}"\n'))
    assert tokens.find(TOKEN) == Tenant("acme", "acme", ("acme-*",), True)
    assert tokens.find(other) == Tenant("b")
    assert tokens.find("") is None and tokens.find(TOKEN[:-1]) is None and tokens.find("\ud800") is None


def test_runs_are_seen_by_glob() -> None:
    """A tenant sees the runs of its globs alone; the owner sees all."""
    assert Tenant("acme", threads=("acme-*",)).may_see("acme-1") and not Tenant("a", threads=("a-*",)).may_see("b-1")
    assert not Tenant("acme").may_see("acme") and OWNER.may_see("anything")


def test_a_new_token_is_the_owners() -> None:
    """A server without a file has one new token each time."""
    token, tokens = one_token()
    assert tokens.find(token) is OWNER and token != one_token()[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no tenant"),
        ("acme = 3", "must be a section"),
        ("[acme]\n", "at least 16 characters"),
        ('[acme]\ntoken = "short"', "at least 16 characters"),
        (f'[acme]\ntoken = "{TOKEN}"\nread = true', "has a setting 'read'"),
        (f'[acme]\ntoken = "{TOKEN}"\nwrite = "yes"', "write of"),
        (f'[acme]\ntoken = "{TOKEN}"\nthreads = "a"', "threads of"),
        (f'[acme]\ntoken = "{TOKEN}"\nfolder = "../b"', "must lie in the workspace"),
        (f'[acme]\ntoken = "{TOKEN}"\nfolder = ".agentmem"', "is hidden"),
        (f'[a]\ntoken = "{TOKEN}"\n[b]\ntoken = "{TOKEN}"', "the same token"),
        ("[acme", "cannot be read"),
    ],
)
def test_mistakes_are_named_without_the_token(tmp_path: Path, text: str, said: str) -> None:
    """Each mistake in the file is an error that says what to write, and shows no token."""
    with pytest.raises(ConfigError, match=said) as told:
        read(written(tmp_path, text))
    assert TOKEN not in str(told.value)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """Tokens that other users of the machine can read are not used."""
    with pytest.raises(ConfigError, match="chmod 600"):
        read(written(tmp_path, f'[acme]\ntoken = "{TOKEN}"', 0o644))
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / "none.toml")
