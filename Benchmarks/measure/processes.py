"""Processes of a run: started with their output in a file, ended by their own process group."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path


class Missing(Exception):
    """Something that a run needs is not on this machine."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    def __init__(self, name: str, command: list[str], directory: Path, cwd: Path | None = None):
        self.name = name
        self.log = directory / f"{name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=cwd,
                start_new_session=True)

    def fail_if_ended(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self._process.returncode}: {self.log.read_text()[-2000:]}")

    def wait_for_line(self, seconds: float = 10) -> str:
        """The first line that it prints."""
        deadline = time.monotonic() + seconds
        while "\n" not in (text := self.log.read_text()):
            self.fail_if_ended()
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} has printed nothing for {seconds:g} s")
            time.sleep(0.02)
        return text.splitlines()[0]

    def wait(self, seconds: float):
        """Until it has ended by itself, successfully."""
        if code := self._process.wait(seconds):
            raise RuntimeError(f"{self.name} ended with {code}: {self.log.read_text()[-2000:]}")

    def wait_for_port(self, port: int, seconds: float = 10):
        deadline = time.monotonic() + seconds
        while True:
            self.fail_if_ended()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{self.name} does not listen on {port}: {self.log.read_text()[-2000:]}")
                time.sleep(0.02)

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time so far of all threads of the process and its children, by the threads' names."""
        used: dict[str, float] = {}
        for pid in _family(self._process.pid):
            for name, seconds in _cpu_seconds(pid).items():
                used[name] = used.get(name, 0) + seconds
        return used

    def place(self, cores: set[int], thread: str | None = None):
        """Lets all threads, of the children too, run on these cores only; or those of one name."""
        for pid in _family(self._process.pid):
            for task in Path(f"/proc/{pid}/task").iterdir():
                try:
                    if thread in (None, (task / "comm").read_text().strip()):
                        os.sched_setaffinity(int(task.name), cores)
                except (ProcessLookupError, FileNotFoundError):
                    continue

    def stop(self):
        for sign, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            if self._process.poll() is not None:
                break
            self._signal(sign)
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                pass
        # A master that is gone may have left workers in its group.
        self._signal(signal.SIGKILL)

    def _signal(self, sign: int):
        try:
            os.killpg(self._process.pid, sign)
        except ProcessLookupError:
            pass


def _family(pid: int) -> list[int]:
    children = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        children += [int(child) for child in task.read_text().split()]
    return [pid] + [member for child in children for member in _family(child)]


def _cpu_seconds(pid: int) -> dict[str, float]:
    """By the threads' names; in nanoseconds by the scheduler where the kernel keeps that, else in ticks of utime and stime."""
    used: dict[str, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
            if (exact := task / "schedstat").exists():
                seconds = int(exact.read_text().split()[0]) / 1e9
            else:
                fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
                seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (ProcessLookupError, FileNotFoundError):
            continue
        used[name] = used.get(name, 0) + seconds
    return used
