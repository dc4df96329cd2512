"""How many instructions the threads of a process execute: the process runs in valgrind, which counts them."""

import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

from .process import Process


def missing() -> list[str]:
    """Programs that it takes and that are not there."""
    return [name for name in ("valgrind", "vgdb", "strip") if not shutil.which(name)]


class Callgrind:
    def __init__(self, program: Path, directory: Path):
        self._out, self._fifos = directory / "callgrind", f"--vgdb-prefix={directory / 'vgdb'}"
        self._dumps = 0
        stripped = directory / program.name
        # Valgrind reads all debug information at the start, and of what the Swift compiler writes it understands too little.
        subprocess.run(["strip", "--strip-debug", "-o", str(stripped), str(program)], check=True, timeout=60)
        #: What runs the program.
        self.command = ("valgrind", "--tool=callgrind", "--instr-atstart=no", "--separate-threads=yes", self._fifos,
                        f"--callgrind-out-file={self._out}", str(stripped))

    def _tell(self, process: Process, *words: str):
        said = subprocess.run(["vgdb", self._fifos, f"--pid={process.pid}", *words], capture_output=True, text=True, timeout=60)
        assert said.returncode == 0, said.stdout + said.stderr

    @contextmanager
    def counting(self, process: Process, type_: str):
        """A list that holds afterwards how many instructions the one thread executed meanwhile that runs the functions of this
        type (as it is spelt in their mangled names)."""
        counted: list[int] = []
        self._tell(process, "instrumentation", "on")
        yield counted
        self._tell(process, "instrumentation", "off")
        self._tell(process, "dump")
        self._dumps += 1
        threads = [file.read_text() for file in self._out.parent.glob(f"{self._out.name}.{self._dumps}-*")]
        thread = max(threads, key=lambda text: text.count(type_))
        assert type_ in thread, f"no thread runs functions of {type_}"
        counted.append(int(re.search(r"^totals: (\d+)", thread, re.MULTILINE)[1]))
