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
    def __init__(self, name: str, command: list[str], directory: Path):
        self.name = name
        self.log = directory / f"{name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)

    def fail_if_ended(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self._process.returncode}: {self.log.read_text()[-2000:]}")

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

    def cpu_seconds(self) -> float:
        """Processor time of the process and its children so far, of all their threads."""
        return sum(_cpu_seconds(pid) for pid in _family(self._process.pid))

    def place(self, cores: set[int]):
        """Lets all threads, of the children too, run on these cores only."""
        for pid in _family(self._process.pid):
            for task in Path(f"/proc/{pid}/task").iterdir():
                try:
                    os.sched_setaffinity(int(task.name), cores)
                except ProcessLookupError:
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


def _cpu_seconds(pid: int) -> float:
    """In nanoseconds by the scheduler where the kernel keeps that, else in ticks of utime and stime."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").glob("*/schedstat"))
        if tasks:
            return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
    except OSError:
        pass
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
