"""More orders than can be passed on: what becomes of them, and how soon it is over."""

import threading
import time
from dataclasses import asdict, dataclass
from statistics import median

from . import gate
from .gate import Admin
from .goals import Goal, Section, Table, microseconds
from .machine import split_cores
from .site import Site

CONNECTIONS = 4
#: What a connection may have under way; Gate keeps an eighth of it for cancels.
IN_FLIGHT = 128
#: Of those, orders: as many are in flight when more come than can be passed on.
STREAMS = IN_FLIGHT * 7 // 8
#: Shares of the capacity, one after the other without a break, and how long each lasts; the first is not looked at.
STEPS = [(0.5, 0.3), (0.5, 1.0), (0.8, 1.0), (0.95, 1.0), (1.2, 1.5), (0.5, 2.0)]
SHOWN = ["50 %", "80 %", "95 %", "120 %", "50 % again"]
OVERLOAD, AFTER = 4, 5
CANCELS, CALLS = 50, 10
#: The course is looked at in windows of so many milliseconds. It is over when so many in a row are as before.
WINDOW, IN_A_ROW = 10, 10
ACCEPTED, SHED = "accepted", "IN_FLIGHT_LIMIT"


@dataclass
class Run:
    """One passage through all steps. Times in microseconds, `recovery` in seconds: all that was looked at if it took longer."""
    capacity: float
    arrivals: dict
    #: When admin calls were made, in seconds from the schedule's start, and how long they took.
    calls: list[tuple[float, float]]
    recovery: float


class Overload:
    def __init__(self, site: Site, rounds: int, scale: float):
        """`scale` shortens all steps but the last, in which recovery takes the time that it takes."""
        self._site, self._rounds = site, rounds
        self._steps = [*((share, seconds * scale) for share, seconds in STEPS[:AFTER]), STEPS[AFTER]]
        self._gate = site.route("gate-bounded", lambda site: gate.gate_bounded(site, IN_FLIGHT))

    def run(self, progress) -> Section | None:
        if not self._gate:
            return None
        load_core, gate_core = split_cores()
        self._gate.place(gate_core)
        runs = []
        for number in range(self._rounds):
            figures = self._site.load(self._gate, [
                "--connections", str(CONNECTIONS), "--streams", str(STREAMS), "--duration", "1", "--warmup", "0.2"], 1.2, load_core)
            runs.append(self._overload(figures["throughput"], load_core, number))
            progress(f"overload: round {number + 1} of {self._rounds}")
        return Section(
            "More than can be passed on", [
                f"Microseconds from when an order was due; orders by the clock, a Poisson process over {CONNECTIONS} "
                f"connections, {CANCELS} cancels a second on another, {CALLS} admin calls a second; medians of "
                f"{self._rounds} rounds.",
                f"Capacity is the throughput of a closed loop of {CONNECTIONS} connections with {STREAMS} orders in flight "
                f"each, as many as Gate lets through, just before: {median(run.capacity for run in runs):,.0f} orders/s. The load has one core; Gate and "
                f"the endpoint share the other; the rest is where the scheduler likes. max_in_flight_orders is {IN_FLIGHT}.",
                f"Recovered: {IN_A_ROW} windows of {WINDOW} ms in a row have a p50 of at most twice that of 50 %, and "
                "refuse nothing.",
            ], [self._table(runs)], self._goals(runs), {"runs": [asdict(run) for run in runs]})

    def _overload(self, capacity: float, core: set[int], seed: int) -> Run:
        options = ["--connections", str(CONNECTIONS), "--cancels", str(CANCELS), "--window", str(WINDOW), "--seed", str(seed + 1)]
        for share, seconds in self._steps:
            options += ["--step", f"{capacity * share:.0f}x{seconds:g}"]
        stop, asked = threading.Event(), []
        caller = threading.Thread(target=_call_until, args=[Admin(self._gate.admin), stop, asked], daemon=True)
        caller.start()
        try:
            arrivals = self._site.arrivals(self._gate, options, sum(seconds for _, seconds in self._steps), core)
        finally:
            stop.set()
            caller.join(10)
        calls = [(at - arrivals["startedAt"] / 1e9, took * 1e6) for at, took in asked]
        return Run(capacity, arrivals, calls, self._recovery(arrivals))

    def _span(self, step: int) -> tuple[float, float]:
        begin = sum(seconds for _, seconds in self._steps[:step])
        return begin, begin + self._steps[step][1]

    def _recovery(self, arrivals: dict) -> float:
        """Seconds from the end of the overload until latencies are again as they were before it."""
        usual = 2 * arrivals["steps"][1]["orders"][ACCEPTED]["p50"]
        first = round(self._span(AFTER)[0] * 1000 / WINDOW)
        in_a_row = 0
        for number, window in enumerate(arrivals["windows"][first:]):
            good = window["refused"] == 0 and window.get("p50") is not None and window["p50"] <= usual
            in_a_row = in_a_row + 1 if good else 0
            if in_a_row == IN_A_ROW:
                return (number + 1 - IN_A_ROW) * WINDOW / 1000
        return self._steps[AFTER][1]

    def _table(self, runs: list[Run]) -> Table:
        rows = []
        for step, shown in enumerate(SHOWN, start=1):
            steps = [run.arrivals["steps"][step] for run in runs]
            accepted = [each["orders"].get(ACCEPTED, {"count": 0, "p50": 0, "p99": 0}) for each in steps]
            cancels = [each["cancels"].get(ACCEPTED, {"p99": 0}) for each in steps]
            calls = [took for run in runs for took in self._calls(run, step)]
            rows.append([
                shown, f"{median(each['rate'] for each in steps):,.0f}",
                *(microseconds(median(each[field] for each in accepted) / 1000) for field in ("p50", "p99")),
                f"{100 * self._share(runs, step, ACCEPTED):.1f} %", f"{100 * self._share(runs, step, SHED):.1f} %",
                microseconds(median(each["p99"] for each in cancels) / 1000),
                microseconds(max(calls, default=0)), microseconds(median(each["sentLate"] for each in steps) / 1000)])
        return Table("By share of the capacity", [
            "", "orders/s", "p50", "p99", "accepted", SHED, "cancel p99", "slowest admin call", "sent late, p99"], rows)

    def _calls(self, run: Run, step: int) -> list[float]:
        begin, end = self._span(step)
        return [took for at, took in run.calls if begin <= at < end]

    @staticmethod
    def _share(runs: list[Run], step: int, reason: str) -> float:
        counts = [{name: times["count"] for name, times in run.arrivals["steps"][step]["orders"].items()} for run in runs]
        return sum(each.get(reason, 0) for each in counts) / sum(sum(each.values()) for each in counts)

    def _goals(self, runs: list[Run]) -> list[Goal]:
        steps = range(1, len(self._steps))
        reasons = {reason for run in runs for step in steps for reason in run.arrivals["steps"][step]["orders"]}
        others = {reason: max(self._share(runs, step, reason) for step in steps) for reason in reasons - {ACCEPTED, SHED}}
        shed = self._share(runs, OVERLOAD, SHED)
        cancels = [run.arrivals["steps"][OVERLOAD]["cancels"] for run in runs]
        refused = sum(times["count"] for each in cancels for reason, times in each.items() if reason != ACCEPTED)
        slowest = max((each[ACCEPTED]["max"] for each in cancels if ACCEPTED in each), default=0) / 1e9
        calls = [took for run in runs for took in self._calls(run, OVERLOAD)]
        recovery = max(run.recovery for run in runs)
        accepted = median(run.arrivals["steps"][OVERLOAD]["orders"][ACCEPTED]["p99"] for run in runs) / 1e9
        return [
            Goal(f"orders answered neither with success nor with {SHED}", 0, sum(others.values()), "", ", ".join(sorted(others))),
            Goal("120 %: p99 of what is accepted", 0.1, accepted, " s", f"{100 * shed:.1f} % are answered with {SHED}"),
            Goal("120 %: slowest cancel", 0.1, slowest, " s", f"{refused} refused"),
            Goal("120 %: slowest admin call", 0.1, max(calls, default=0) / 1e6, " s", f"{len(calls)} calls"),
            Goal("recovery after 120 %", 1, recovery, " s",
                 "the slowest round's" if recovery < self._steps[AFTER][1] else "not within the time looked at"),
        ]


def _call_until(admin: Admin, stop: threading.Event, asked: list[tuple[float, float]]):
    while not stop.wait(1 / CALLS):
        at, begin = time.time(), time.monotonic()
        status, text = admin.get("/readyz")
        if status != 200:
            raise RuntimeError(f"GET /readyz: {status} {text}")
        asked.append((at, time.monotonic() - begin))
