"""A process of a test: its output in a file, ended by its own id."""

import os
import signal
import socket
import subprocess
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Process:
    def __init__(self, name: str, command: list[str], directory: Path, environment: dict[str, str] | None = None,
                 group: int | None = None, descriptors: tuple[int, int] | None = None):
        """`descriptors`: soft and hard limit of how many it may have open."""
        self.name = name
        self.log_file = directory / f"{name}.log"
        # Programs that change themselves and go on as the command: gRPC's threads do not survive code of ours behind a fork.
        if descriptors:
            command = ["prlimit", "--nofile={}:{}".format(*descriptors), *command]
        if group is not None:
            command = ["setpriv", f"--regid={group}", "--keep-groups", *command]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment)

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def fail_if_ended(self):
        assert self.exit_code is None, f"{self.name} ended with {self.exit_code}:\n{self.log[-3000:]}"

    def signal(self, number: int):
        os.kill(self.pid, number)

    def wait(self, seconds: float = 10) -> int:
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} has not ended within {seconds:g} s:\n{self.log[-3000:]}") from None

    def kill(self):
        if self.exit_code is None:
            self.signal(signal.SIGKILL)
            self.wait()

    def stop(self):
        """Asks it to end, and ends it if it does not."""
        if self.exit_code is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self._process.wait(3)
            except subprocess.TimeoutExpired:
                self.kill()


def resident(pid: int) -> int:
    """Bytes of memory that the process has in use."""
    return _status(pid, "VmRSS")


def resident_of_its_own(pid: int) -> int:
    """Without what is mapped from files."""
    return _status(pid, "RssAnon")


def _status(pid: int, name: str) -> int:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
