"""Shut a process off from others' memory and from files that hold keys, with the kernel's Landlock.

What runs as the same user may read `/proc/<pid>/environ` and the memory of every process of that
user, and every file of theirs. A process in a Landlock domain may not look into processes outside
of it, whoever they belong to; and of files it reads what its rules allow. It needs no rights, lasts
for good, and what the process starts is shut off with it. Root's capabilities that go round this
(recent kernels let CAP_PERFMON read any environment) are given up.

A rule can only allow, so to hide a file everything beside its way from the root is allowed: what is
made later, right in a folder on that way, cannot be read either.

Source: Documentation/userspace-api/landlock.rst of Linux, from 5.13 on (first ABI).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Collection, Iterator
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""System calls; the same numbers on every machine."""
PATH_BENEATH = 1
READ_FILE = 1 << 2
MAKE_CHAR = 1 << 6
PR_SET_NO_NEW_PRIVS = 38
CAPABILITIES_V3 = 0x20080522
SIGHT = 1 << 19 | 1 << 21 | 1 << 38
"""CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON."""


def shut_off(hidden: Collection[str]) -> bool:
    """Have this process, and all it will start, look into no other and read nothing at `hidden`.

    Paths that do not exist are nothing to hide. False where the kernel has no Landlock, or does not
    let us: nothing is shut off then. Needs no rights; setuid programs gain none from here on.
    """
    there = [path for path in (os.path.realpath(name) for name in hidden) if os.path.exists(path)]
    # Some right has to be asked for. Without files to hide, one that nobody here has a use for.
    rights = READ_FILE if there else MAKE_CHAR
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = struct.pack("=Q", rights)
    ruleset = libc.syscall(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return False
    try:
        for path in _beside(there):
            _allow(libc, ruleset, path)
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or not _give_up(libc, SIGHT):
            return False
        return bool(libc.syscall(RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _beside(hidden: Collection[str]) -> Iterator[str]:
    """Everything that lies in a folder on the way to a hidden path, and not on any such way."""
    on_the_way = {str(parent) for path in hidden for parent in Path(path).parents}
    for folder in sorted(on_the_way):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            path = os.path.join(folder, name)
            if path not in on_the_way and path not in hidden:
                yield path


def _allow(libc: ctypes.CDLL, ruleset: int, path: str) -> None:
    """Let everything at and below a path be read. What a link leads to has a way of its own."""
    with contextlib.suppress(OSError):  # it is gone by now
        beneath = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            rule = struct.pack("=Qi", READ_FILE, beneath)
            libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, rule, 0)
        finally:
            os.close(beneath)


def _give_up(libc: ctypes.CDLL, unwanted: int) -> bool:
    """Give capabilities up, for good. Whether they are gone."""
    header = struct.pack("=Ii", CAPABILITIES_V3, 0)
    # effective, permitted, inheritable: the low words of each, then the high ones
    held = ctypes.create_string_buffer(24)
    if libc.capget(header, held) != 0:
        return False
    masks = [~(unwanted >> shift) & 0xFFFFFFFF for shift in (0, 0, 0, 32, 32, 32)]
    kept = [word & mask for word, mask in zip(struct.unpack("=6I", held.raw), masks, strict=True)]
    return bool(libc.capset(header, struct.pack("=6I", *kept)) == 0)
