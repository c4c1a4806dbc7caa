"""agentmem.sandbox.filters: what the filter answers, for every machine that it is written for, as data."""

import errno
import re
import struct
from pathlib import Path

import pytest

from agentmem.sandbox import filters, syscalls

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
"""The kernel's own tables, on machines that have its headers; the second holds for riscv64 and loongarch64 as well."""
CALLS: dict[str, tuple[int, int]] = {
    **filters.DENIED,
    **filters.SHARED,
    **filters.ATTRIBUTES,
    **{name: numbers for name, (numbers, _) in filters.ON_SELF.items()},
    **filters.SOCKETS,
    **filters.PAGES,
    "preadv2": filters.PREADV2,
    "clone": filters.CLONE,
    "ioctl": filters.IOCTL,
    "clone3": filters.CLONE3,
    "memfd_create": filters.MEMFD,
}
ALLOWED = "allowed"


def answer(code: bytes, machine: str, number: int, *arguments: int, architecture: int | None = None) -> str:
    """What the kernel does with a call: "allowed" or the error's name. An interpreter of the few steps that we use."""
    known = filters.ARCHITECTURES[machine][1] if architecture is None else architecture
    data = struct.pack("<IIQ6Q", number, known, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    steps = list(struct.iter_unpack("HBBI", code))
    at = value = 0
    while True:
        kind, if_true, if_false, operand = steps[at]
        at += 1
        if kind == 0x20:
            (value,) = struct.unpack_from("<I", data, operand)
        elif kind == 0x06:
            return ALLOWED if operand == 0x7FFF0000 else errno.errorcode[operand & 0xFFFF]
        else:
            met = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}[kind]
            at += if_true if met else if_false


@pytest.mark.parametrize("machine", filters.ARCHITECTURES)
def test_what_is_denied_is_denied_on_every_machine(machine: str) -> None:
    """By name; and a call that is in no table is allowed, as are the most usual ones."""
    column = filters.ARCHITECTURES[machine][0]
    apart, alone = filters.program(machine), filters.program(machine, alone=True, sockets=False)
    for numbers in filters.DENIED.values():
        assert answer(apart, machine, numbers[column]) == answer(alone, machine, numbers[column]) == "EPERM"
    for numbers in filters.SHARED.values():
        assert answer(apart, machine, numbers[column]) == ALLOWED
        assert answer(alone, machine, numbers[column]) == "EPERM"
    for numbers in filters.ATTRIBUTES.values():
        assert answer(apart, machine, numbers[column]) == ALLOWED
        assert answer(alone, machine, numbers[column]) == "ENOTSUP"
    uncounted = filters.program(machine, memfd=False)
    assert answer(apart, machine, filters.MEMFD[column]) == ALLOWED
    assert answer(uncounted, machine, filters.MEMFD[column]) == "ENOSYS"
    known = {numbers[column] for numbers in CALLS.values()}
    assert all(answer(apart, machine, number) == ALLOWED for number in range(500) if number not in known)


@pytest.mark.parametrize("machine", filters.ARCHITECTURES)
def test_what_of_files_is_in_memory_is_told_only_where_that_may_be(machine: str) -> None:
    """Two calls ask for it; one reads only what is there, by a flag of its last argument, and else reads as ever."""
    column = filters.ARCHITECTURES[machine][0]
    open_to, closed = filters.program(machine), filters.program(machine, pages=False)
    for numbers in filters.PAGES.values():
        assert answer(open_to, machine, numbers[column]) == ALLOWED
        assert answer(closed, machine, numbers[column]) == "EPERM"
    reading = filters.PREADV2[column]
    for flags, said in ((0, ALLOWED), (1, ALLOWED), (8, "ENOTSUP"), (9, "ENOTSUP")):
        assert answer(closed, machine, reading, 3, 0, 1, 0, 0, flags) == said
        assert answer(open_to, machine, reading, 3, 0, 1, 0, 0, flags) == ALLOWED


@pytest.mark.parametrize("machine", filters.ARCHITECTURES)
def test_sockets_are_of_four_kinds(machine: str) -> None:
    """By the first argument, whatever stands in its upper half; and of none where there is to be no network."""
    column = filters.ARCHITECTURES[machine][0]
    apart, alone = filters.program(machine), filters.program(machine, alone=True, sockets=False)
    for domain in range(64):
        for upper in (0, 1 << 32):
            for name, numbers in filters.SOCKETS.items():
                said = answer(apart, machine, numbers[column], domain | upper)
                assert said == (ALLOWED if domain in (1, 2, 10, 16) else "EAFNOSUPPORT")
                said = answer(alone, machine, numbers[column], domain | upper)
                assert (said == ALLOWED) == (name == "socketpair" and domain == 1)


@pytest.mark.parametrize("machine", filters.ARCHITECTURES)
def test_alone_a_process_sets_only_its_own_limits(machine: str) -> None:
    """Limits, priorities and processors of any other process are refused, and so are whole groups and users."""
    column = filters.ARCHITECTURES[machine][0]
    alone = filters.program(machine, alone=True)
    for name, (numbers, own) in filters.ON_SELF.items():
        assert answer(alone, machine, numbers[column], *own) == ALLOWED, name
        for place in range(len(own)):
            other = [*own[:place], own[place] + 1, *own[place + 1 :]]
            assert answer(alone, machine, numbers[column], *other) == "EPERM", name
        assert answer(filters.program(machine), machine, numbers[column], 1234) == ALLOWED


@pytest.mark.parametrize("machine", filters.ARCHITECTURES)
def test_namespaces_terminals_and_other_machines(machine: str) -> None:
    """No user namespace by clone or clone3, no typing into a terminal, and no call of another machine's table."""
    column = filters.ARCHITECTURES[machine][0]
    code = filters.program(machine)
    assert answer(code, machine, filters.CLONE[column], 17) == ALLOWED
    assert answer(code, machine, filters.CLONE[column], syscalls.CLONE_NEWUSER | 17) == "EPERM"
    assert answer(code, machine, filters.CLONE3[column]) == "ENOSYS"
    assert answer(code, machine, filters.IOCTL[column], 0, 0x5401) == ALLOWED
    assert answer(code, machine, filters.IOCTL[column], 0, 0x5412) == "EPERM"
    assert answer(code, machine, 0x40000000 | 39) == "EPERM"
    assert answer(code, machine, 20, architecture=0x40000003) == "EPERM"


@pytest.mark.parametrize("machine", HEADERS)
def test_the_numbers_are_the_kernels(machine: str) -> None:
    """Each number in our tables is the one of that name in the kernel's headers, as far as these know the call."""
    if not HEADERS[machine].is_file():
        pytest.skip("the kernel's headers are not installed")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text())
    table = {name: int(number) for name, number in found}
    column = filters.ARCHITECTURES[machine][0]
    known = [name for name in CALLS if name in table]
    assert len(known) > 55
    assert {name: CALLS[name][column] for name in known} == {name: table[name] for name in known}
    assert {syscalls.PIVOT_ROOT[machine], syscalls.KEYCTL[machine]} == {table["pivot_root"], table["keyctl"]}
