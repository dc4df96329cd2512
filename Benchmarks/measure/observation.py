"""Somebody looks at Gate while orders pass."""

import threading
from contextlib import contextmanager

from . import gate
from .gate import Admin
from .goals import Goal, Section
from .interference import Interference
from .site import Site

RATE = 10


class Observation:
    def __init__(self, site: Site, rounds: int, seconds: float):
        self._site, self._rounds, self._seconds = site, rounds, seconds
        self._gate = site.route("gate", gate.gate)

    def run(self, progress) -> Section | None:
        if not self._gate:
            return None
        paths = ["/metrics", f"/api/v1/accounts/{self._gate.account}"]
        conditions = {f"GET {path} at {RATE} Hz": lambda seconds, path=path: self._ask(path) for path in paths}
        runs = Interference(self._site, [self._gate], conditions)
        runs.run(self._rounds, self._seconds, lambda number: progress(f"observation: round {number} of {self._rounds}"))
        goals = [Goal(f"{condition}: order p99, of the unobserved one", 1.1, runs.ratio(gate.NAME, condition, "p99"))
                 for condition in conditions]
        return Section(
            "Somebody looks", [
                f"Microseconds, one order in flight; medians of {self._rounds} alternating rounds of {self._seconds:g} s.",
                "The load, the endpoint and Gate's order thread have one core; Gate's other threads, which answer, and who asks, "
                "the other.",
            ], [runs.table("Observed and not")], goals, {"samples": runs.data()})

    @contextmanager
    def _ask(self, path: str):
        stop = threading.Event()
        failures: list[str] = []
        thread = threading.Thread(target=_ask_until, args=[Admin(self._gate.admin), path, stop, failures], daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(10)
        if failures:
            raise RuntimeError(f"GET {path}: {failures[0]}")


def _ask_until(admin: Admin, path: str, stop: threading.Event, failures: list[str]):
    while not stop.wait(1 / RATE):
        try:
            status, text = admin.get(path)
        except OSError as failure:
            status, text = 0, str(failure)
        if status != 200:
            failures.append(f"{status} {text[:200]}")
            return
