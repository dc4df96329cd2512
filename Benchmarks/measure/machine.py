"""What a run was measured on."""

import os
import platform
from contextlib import contextmanager
from pathlib import Path

#: The cores that a run may use, whatever it is pinned to meanwhile.
CORES = sorted(os.sched_getaffinity(0))


def machine() -> dict:
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return {"cores": os.cpu_count(), "cpu": model, "kernel": platform.release()}


def file_system(directory: Path) -> str:
    """The type of the file system that a directory is on: of the mounts above it the nearest, the last of several there."""
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    above = [(len(Path(where).parts), kind) for where, kind in mounts if directory.is_relative_to(where)]
    return max(above, key=lambda each: each[0], default=(0, "unknown"))[1] if above else "unknown"


def split_cores() -> tuple[set[int], set[int]]:
    """Two cores of those that may be used, for what is to be kept apart; the same one twice where there is but one."""
    return {CORES[-1]}, {CORES[-2] if len(CORES) > 1 else CORES[-1]}


@contextmanager
def pinned(cores: set[int]):
    """Keeps this thread, and the threads and processes that it starts meanwhile, on these cores."""
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, CORES)
