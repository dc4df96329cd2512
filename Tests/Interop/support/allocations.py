"""What the threads of a process take from the allocator: counted by `allocations.c`, which is loaded into it."""

import collections
import ctypes
import dataclasses
import mmap
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

from .orders import REPOSITORY

#: A call stack, by addresses, innermost first.
Place = tuple[int, ...]

# As in allocations.c.
_THREADS, _PLACES, _DEPTH = 256, 512, 30


class _Thread(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint32), ("allocations", ctypes.c_uint64), ("frees", ctypes.c_uint64)]


class _Place(ctypes.Structure):
    _fields_ = [("count", ctypes.c_uint64), ("frames", ctypes.c_uint64 * _DEPTH)]


class _Counts(ctypes.Structure):
    _fields_ = [("threads", ctypes.c_uint32), ("watched", ctypes.c_uint32), ("places_lost", ctypes.c_uint64),
                ("thread", _Thread * _THREADS), ("place", _Place * _PLACES)]


Places = collections.Counter[Place]


@dataclasses.dataclass
class Taken:
    """What a thread has asked of the allocator, by where it did, and how often it has given something back."""
    by_nghttp2: Places = dataclasses.field(default_factory=collections.Counter)
    by_others: Places = dataclasses.field(default_factory=collections.Counter)
    frees: int = 0


class Allocations:
    """Counts in the one process that is started with `variables` in its environment."""

    def __init__(self, directory: Path):
        library, file = directory / "allocations.so", directory / "allocations"
        subprocess.run([
            shutil.which("clang") or "cc", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-fPIC", "-shared",
            "-ftls-model=initial-exec", f"-I{REPOSITORY / 'Benchmarks/CAllocations'}",
            str(Path(__file__).with_suffix(".c")), "-o", str(library), "-lgcc_s"], check=True, timeout=60)
        file.write_bytes(bytes(ctypes.sizeof(_Counts)))
        with file.open("r+b") as opened:
            self._counts = _Counts.from_buffer(mmap.mmap(opened.fileno(), 0))
        self._library = library.name
        self.variables = {"LD_PRELOAD": str(library), "ALLOCATIONS_FILE": str(file)}

    def attach(self, pid: int, thread: str):
        """Says which process it is, and by its name which of its threads counts."""
        threads = {(task / "comm").read_text().strip(): int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()}
        self._thread = next(each for each in self._counts.thread if each.id == threads[thread])
        self._files = _mapped_files(pid)

    @property
    def so_far(self) -> tuple[int, int]:
        """How often the thread has taken memory since it began, and how often it has given memory back."""
        return self._thread.allocations, self._thread.frees

    @contextmanager
    def watched(self):
        """What the thread takes meanwhile; it is all there afterwards."""
        taken, known, (_, frees) = Taken(), self._places(), self.so_far
        self._counts.watched = self._thread.id
        try:
            yield taken
        finally:
            self._counts.watched = 0
        taken.frees = self.so_far[1] - frees
        for place, count in (self._places() - known).items():
            # By whom it was called at once: what Gate takes within a callback is no call of libnghttp2's.
            of = taken.by_nghttp2 if self.is_of_nghttp2(place[0]) else taken.by_others
            of[place] = count

    def _places(self) -> Places:
        assert self._counts.places_lost == 0, "more call stacks than there is room for"
        found: Places = collections.Counter()
        for place in self._counts.place:
            if not place.count:
                break
            # The first are the counting library's own.
            frames = tuple(frame for frame in place.frames if frame and self._file(frame)[0].name != self._library)
            found[frames] += place.count
        return found

    def is_of_nghttp2(self, address: int) -> bool:
        return self._file(address)[0].name.startswith("libnghttp2.so")

    def _file(self, address: int) -> tuple[Path, int]:
        """The file that is mapped there, and the address as the file counts."""
        for begin, end, start, file in self._files:
            if begin <= address < end:
                return file, address - start
        return Path("?"), address

    def named(self, places: Places) -> str:
        """The most frequent of them with their functions' names, for a person."""
        shown = places.most_common(8)
        names = self._names({frame for place, _ in shown for frame in place})
        return "\n".join(f"{count} times from\n" + "\n".join(f"    {names[frame]}" for frame in place[:12])
                         for place, count in shown)

    def _names(self, frames: set[int]) -> dict[int, str]:
        found, of_file = {}, collections.defaultdict(list)
        for frame in frames:
            file, address = self._file(frame)
            of_file[file].append((frame, address - 1))
        for file, pairs in of_file.items():
            lines = [f"+{address:#x}" for _, address in pairs]
            if shutil.which("llvm-symbolizer") and file.exists():
                told = "\n".join(hex(address) for _, address in pairs)
                lines = _said("llvm-symbolizer", "--basenames", "--pretty-print", "--no-inlines", "-e", str(file), told=told).split("\n\n")
            found |= {frame: f"{line.strip()} in {file.name}" for (frame, _), line in zip(pairs, lines)}
        if shutil.which("swift-demangle"):
            found = dict(zip(found, _said("swift-demangle", "-simplified", told="\n".join(found.values())).splitlines()))
        return found


def _said(*command: str, told: str) -> str:
    return subprocess.run(command, input=told, capture_output=True, text=True, timeout=60).stdout


def _mapped_files(pid: int) -> list[tuple[int, int, int, Path]]:
    """Begin, end, where the file's beginning stands, and the file; of all that can be executed."""
    starts: dict[str, int] = {}
    found = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        words = line.split(maxsplit=5)
        if len(words) < 6 or not words[5].startswith("/"):
            continue
        begin, end = (int(word, 16) for word in words[0].split("-"))
        starts.setdefault(words[5], begin - int(words[2], 16))
        if "x" in words[1]:
            found.append((begin, end, starts[words[5]], Path(words[5])))
    return found
