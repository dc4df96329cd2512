"""What others notice of an attack on their gate: memory, and how long their answers take."""

import os
import subprocess
import sys
import time
from pathlib import Path

from . import floods, orders
from .frames import Raw
from .orders import order
from .process import resident

CORES = sorted(os.sched_getaffinity(0))
#: Gate has a core of its own, and on the others its client goes before attackers and endpoint: what those take of the processor
#: is no work of Gate's, and on two cores it would be all that is measured.
GATES, OTHERS = (CORES[:1], CORES[1:]) if len(CORES) > 1 else (CORES, CORES)


def _pin(process: int, cores: list[int], last: bool = False):
    for thread in Path(f"/proc/{process}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)
        if last:
            os.setpriority(os.PRIO_PROCESS, int(thread.name), 19)


class Attackers:
    """A process that attacks, again and again."""

    def __init__(self, target: str, flood: str):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.floods", target, flood], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            cwd=Path(__file__).resolve().parents[1])
        _pin(self._process.pid, OTHERS, last=True)
        assert self._process.stdout.readline() == b"ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._process.stdout.close()


class Steady:
    """A site whose gate has a core of its own, and what is usual there. Ends the site with itself."""

    def __init__(self, site, tls=None):
        self.site, self._tls = site, tls

    def __enter__(self) -> "Steady":
        _pin(self.site.gate.process.pid, GATES)
        _pin(self.site.endpoint.process.pid, OTHERS, last=True)
        os.sched_setaffinity(0, OTHERS)
        self._p99()
        self._resident = self._megabytes()
        return self

    def __exit__(self, *_):
        os.sched_setaffinity(0, CORES)
        self.site.stop()

    def _megabytes(self) -> float:
        return resident(self.site.gate.process.pid) / (1 << 20)

    def _p99(self, calls: int = 300) -> float:
        """Of refused orders, which Gate answers by itself; milliseconds."""
        request = order("nobody-knows-it").SerializeToString()
        times = []
        with Raw(self.site.gate.target, tls=self._tls) as client:
            for stream in floods.streams(calls):
                start = time.monotonic()
                client.send(client.call(stream, orders.CREATE, request))
                client.until(lambda got: got.ends and got.stream == stream)
                times.append(time.monotonic() - start)
                time.sleep(0.0005)
        return sorted(times)[calls * 99 // 100] * 1000

    def attacked_by(self, flood: str) -> str:
        """Fails where others notice; what they did notice, in figures."""
        for _ in range(6):
            quiet = self._p99()
            with Attackers(self.site.gate.target, flood):
                attacked = self._p99()
                highest = self._megabytes()
            assert highest - self._resident < 50, f"{highest:.0f} MB resident, {self._resident:.0f} when quiet"
            # A machine that is busy with other things slows either, now and then; what a flood does it does each time. Under a
            # millisecond the scheduler decides.
            if attacked <= max(2 * quiet, 1):
                break
        figures = f"p99 {quiet:.2f} ms quiet, {attacked:.2f} ms attacked"
        assert attacked <= max(2 * quiet, 1), figures
        return f"{flood}: {figures}; memory {highest - self._resident:+.1f} MB"
