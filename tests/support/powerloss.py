"""What a disk holds after a power cut, worked out from the system calls of a process.

`trace` runs a command under strace. `Disk` replays the calls: what was written is in memory until
the file is synced, what was made, renamed and removed is until its folder is. At any moment
`Disk.after_a_cut` gives the folder as it would be found: with all that waits lost, with all of it
kept, or with any of it kept in any order, and torn at a sector's end.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

CALLS = (
    "openat,creat,lseek,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,"
    "unlink,unlinkat,rmdir,mkdir,mkdirat,symlink,symlinkat,link,linkat"
    ",writev,pwritev,truncate,fallocate,copy_file_range,sendfile"
)
UNKNOWN = ("link", "linkat", "writev", "pwritev", "truncate", "fallocate", "copy_file_range",
           "sendfile")  # fmt: skip
"""What nothing of ours does to a file; a trace with one of these cannot be replayed."""
SECTOR = 512
_LINE = re.compile(rb"^(\d+) +(.*)$")
_CALL = re.compile(rb"^(\w+)\((.*)\) += (-?\d+)(?:<(.*)>)?")
_TEXT = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"(?:\.\.\.)?')
_FD = re.compile(rb"^(\d+|AT_FDCWD)<(.*?)>(?:, |$)")


def trace(command: Sequence[object], output: Path, environ: Mapping[str, str]) -> int:
    """Run a command and all it starts under strace; returns its exit code."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: no power cut can be worked out")
    words = ["strace", "-f", "-y", "-xx", "-s", "16777216", "-e", f"trace={CALLS}"]
    words += ["--seccomp-bpf", "-o", str(output), *map(str, command)]
    done = subprocess.run(words, env=environ, capture_output=True, timeout=900, check=False)
    if b"ptrace" in done.stderr or b"PTRACE" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr.decode(errors='replace')[:200]}")
    return done.returncode


@dataclass(eq=False)
class File:
    """`content`: as a reader sees it. `safe`: what a cut leaves. `waiting`: writes in between."""

    content: bytearray = field(default_factory=bytearray)
    safe: bytes = b""
    waiting: list[tuple[int, bytes | None]] = field(default_factory=list)
    at: dict[int, int] = field(default_factory=dict)

    def change(self, offset: int, data: bytes | None) -> None:
        """Write at an offset; None: cut off there."""
        _change(self.content, offset, data)
        self.waiting.append((offset, data))

    def sync(self) -> None:
        self.safe, self.waiting = bytes(self.content), []


def _change(content: bytearray, offset: int, data: bytes | None) -> None:
    end = offset if data is None else offset + len(data)
    if len(content) < (end if data is None else offset):
        content.extend(bytes(offset - len(content)))
    if data is None:
        del content[offset:]
    else:
        content[offset:end] = data


@dataclass(eq=False)
class Link:
    target: bytes


@dataclass(eq=False)
class Folder:
    entries: dict[bytes, Node] = field(default_factory=dict)
    safe: dict[bytes, Node] = field(default_factory=dict)


Node = File | Link | Folder
Change = list[tuple[Folder, bytes, Node | None]]
"""Names that come (a node) and go (None) at once or not at all."""
Keeps = Callable[[], bool]


class Disk:
    """A folder, as its processes see it and as the disk has it."""

    def __init__(self, root: Path) -> None:
        """What is there now is safe."""
        self.root = str(root).encode()
        self.tree = _read(root)
        self.waiting: list[Change] = []
        self.told: list[bytes] = []
        """What was written to stdout and stderr so far."""

    # -- the calls ---------------------------------------------------------------------------------

    def replay(self, output: Path) -> Iterator[str]:
        """Do what a trace did; stops before and after each sync, and at the end."""
        unfinished: dict[bytes, bytes] = {}
        with output.open("rb") as lines:
            for line in lines:
                found = _LINE.match(line.rstrip())
                assert found, line[:200]
                thread, text = found.groups()
                if text.endswith(b"<unfinished ...>"):
                    unfinished[thread] = text.removesuffix(b"<unfinished ...>").rstrip()
                    continue
                if text.startswith(b"<... "):
                    text = unfinished.pop(thread) + text.partition(b"resumed>")[2]
                call = _CALL.match(text)
                if call is None or int(call[3]) < 0:
                    continue  # a signal, an exit, or a call that failed
                yield from self._do(call[1].decode(), call[2], int(call[3]), call[4])
        yield "end"

    def _do(self, name: str, words: bytes, result: int, opened: bytes | None) -> Iterator[str]:
        texts = [_decode(text) for text in _TEXT.findall(words)]
        where = _FD.match(words)
        path = _decode(where[2]) if where else b""
        fd = int(where[1]) if where and where[1] != b"AT_FDCWD" else -1
        if name in ("write", "pwrite64") and fd in (1, 2) and not self._is_ours(path):
            self.told.append(texts[0])
        elif name in UNKNOWN:
            assert not any(map(self._is_ours, [path, *texts])), (name, words[:200])
        elif name in ("openat", "creat"):
            target = _decode(opened or b"")
            if self._is_ours(target) and (b"O_CREAT" in words or name == "creat"):
                folder, last = self._parent(target)
                if last not in folder.entries:
                    self._change((folder, last, File()))
            file = self._at(target) if self._is_ours(target) else None
            if isinstance(file, File):
                if b"O_TRUNC" in words:
                    file.change(0, None)
                file.at[result] = -1 if b"O_APPEND" in words else 0
        elif name in ("rename", "renameat", "renameat2"):
            self._rename(*texts)
        elif name in ("unlink", "unlinkat", "rmdir"):
            full = self._full(path, texts[0])
            if self._is_ours(full):
                self._change((*self._parent(full), None))
        elif name in ("mkdir", "mkdirat"):
            full = self._full(path, texts[0])
            if self._is_ours(full):
                self._change((*self._parent(full), Folder()))
        elif name in ("symlink", "symlinkat"):
            full = self._full(path, texts[1])
            if self._is_ours(full):
                self._change((*self._parent(full), Link(texts[0])))
        elif self._is_ours(path):
            node = self._at(path)
            if name in ("fsync", "fdatasync"):
                yield "before a sync"
                self._sync(node)
                yield "after a sync"
            elif isinstance(node, File):
                self._write(node, name, fd, texts, words, result)

    def _write(
        self, file: File, name: str, fd: int, texts: list[bytes], words: bytes, result: int
    ) -> None:
        if name == "lseek":
            file.at[fd] = result
        elif name == "ftruncate":
            file.change(int(words.rpartition(b", ")[2]), None)
        elif name == "pwrite64":
            file.change(int(words.rpartition(b", ")[2]), texts[0][:result])
        elif name == "write":
            at = file.at.get(fd, 0)
            file.change(len(file.content) if at < 0 else at, texts[0][:result])
            file.at[fd] = at if at < 0 else at + result

    def _rename(self, old: bytes, new: bytes) -> None:
        if not self._is_ours(new):
            return
        (source, before), (target, after) = self._parent(old), self._parent(new)
        self._change((source, before, None), (target, after, source.entries[before]))

    def _sync(self, node: Node | None) -> None:
        if isinstance(node, File):
            node.sync()
        elif isinstance(node, Folder):
            synced = [c for c in self.waiting if any(folder is node for folder, _, _ in c)]
            self.waiting = [c for c in self.waiting if all(c is not other for other in synced)]
            for folder, name, value in (step for change in synced for step in change):
                _put(folder.safe, name, value)

    def _change(self, *steps: tuple[Folder, bytes, Node | None]) -> None:
        for folder, name, node in steps:
            _put(folder.entries, name, node)
        self.waiting.append(list(steps))

    # -- names -------------------------------------------------------------------------------------

    def _is_ours(self, path: bytes) -> bool:
        return path.startswith(self.root + b"/") or path == self.root

    @staticmethod
    def _full(folder: bytes, path: bytes) -> bytes:
        return path if path.startswith(b"/") else folder + b"/" + path

    def _at(self, path: bytes) -> Node | None:
        node: Node | None = self.tree
        for name in path.removeprefix(self.root).split(b"/"):
            if name and isinstance(node, Folder):
                node = node.entries.get(name)
        return node

    def _parent(self, path: bytes) -> tuple[Folder, bytes]:
        above, _, name = path.rpartition(b"/")
        folder = self._at(above)
        assert isinstance(folder, Folder), path
        return folder, name

    # -- a cut -------------------------------------------------------------------------------------

    def after_a_cut(self, keeps: Keeps, cut: random.Random | None = None) -> None:
        """Put what is found after it in the folder's place. `keeps`: whether a change that waits
        had come to the disk by itself; `cut` tears some of them."""
        names: dict[int, dict[bytes, Node]] = {}
        for change in self.waiting:
            if keeps():
                for folder, name, node in change:
                    _put(names.setdefault(id(folder), dict(folder.safe)), name, node)
        root = Path(self.root.decode())
        shutil.rmtree(root)
        self._restore(self.tree, root, names, keeps, cut)

    def _restore(
        self,
        folder: Folder,
        path: Path,
        names: Mapping[int, dict[bytes, Node]],
        keeps: Keeps,
        cut: random.Random | None,
    ) -> None:
        path.mkdir()
        for name, node in names.get(id(folder), folder.safe).items():
            target = path / name.decode()
            match node:
                case Folder():
                    self._restore(node, target, names, keeps, cut)
                case Link(to):
                    target.symlink_to(to.decode())
                case File():
                    content = bytearray(node.safe)
                    for offset, data in filter(lambda _: keeps(), node.waiting):
                        if cut is not None and data is not None and cut.random() < 0.2:
                            data = data[: cut.randrange(len(data) // SECTOR + 1) * SECTOR]
                        _change(content, offset, data)
                    target.write_bytes(content)


def _put(entries: dict[bytes, Node], name: bytes, node: Node | None) -> None:
    if node is None:
        entries.pop(name, None)
    else:
        entries[name] = node


def _read(path: Path) -> Folder:
    folder = Folder()
    for item in path.iterdir():
        node: Node
        if item.is_symlink():
            node = Link(str(item.readlink()).encode())
        elif item.is_dir():
            node = _read(item)
        else:
            node = File(bytearray(item.read_bytes()), item.read_bytes())
        folder.entries[item.name.encode()] = node
    folder.safe = dict(folder.entries)
    return folder


def _decode(text: bytes) -> bytes:
    r"""What strace wrote as \x2f, as it was."""
    return re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), text)
