"""What happens beside the orders, and what it does to them: the same load with and without it, in alternating rounds."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from statistics import median
from typing import Callable

from .gate import ORDER_THREAD
from .goals import Table, median_ratio, microseconds
from .machine import pinned, split_cores
from .site import Route, Site

WARMUP = 0.2
QUIET = "quiet"


@dataclass
class Disturbed:
    """One run of the load, times in microseconds."""
    route: str
    condition: str
    round: int
    p50: float
    p99: float
    orders: int


class Interference:
    def __init__(self, site: Site, routes: list[Route], conditions: dict[str, Callable[[float], AbstractContextManager]]):
        """Each condition makes what holds it up for so many seconds."""
        self._site, self._routes = site, routes
        self._conditions = {QUIET: lambda seconds: nullcontext(), **conditions}
        self.samples: list[Disturbed] = []

    def run(self, rounds: int, seconds: float, progress: Callable[[int], None]):
        order_core, other = split_cores()
        for route in self._routes:
            route.place(order_core)
            if route.admin:
                route.process.place(other)
                route.process.place(order_core, ORDER_THREAD)
        self._site.redis_process.place(other)
        with pinned(other):
            for number in range(rounds):
                conditions = list(self._conditions.items())
                for condition, hold in conditions if number % 2 == 0 else reversed(conditions):
                    for route in self._routes:
                        with hold(seconds + WARMUP):
                            figures = self._site.load(
                                route, ["--duration", str(seconds), "--warmup", str(WARMUP)], seconds + WARMUP, order_core)
                        self.samples.append(Disturbed(
                            route.name, condition, number, figures["p50"] / 1000, figures["p99"] / 1000, figures["orders"]))
                progress(number + 1)

    def data(self) -> list[dict]:
        return [asdict(sample) for sample in self.samples]

    def ratio(self, route: str, condition: str, field: str) -> float | None:
        """Of the figure with the condition to that of the same round's without: the median over the rounds."""
        quiet, with_it = self._by_round(route, QUIET, field), self._by_round(route, condition, field)
        return median_ratio([(with_it[number], quiet[number]) for number in quiet])

    def table(self, title: str) -> Table:
        rows = []
        for route in self._routes:
            for condition in self._conditions:
                figures = {field: self._by_round(route.name, condition, field).values() for field in ("p50", "p99")}
                ratios = ["", ""] if condition == QUIET else [
                    f"{self.ratio(route.name, condition, field) or 0:.2f}" for field in figures]
                rows.append([f"{route.name}, {condition}", *(microseconds(median(each)) for each in figures.values()), *ratios])
        return Table(title, ["", "p50", "p99", "p50 to quiet", "p99 to quiet"], rows)

    def _by_round(self, route: str, condition: str, field: str) -> dict[int, float]:
        return {sample.round: getattr(sample, field) for sample in self.samples
                if (sample.route, sample.condition) == (route, condition)}
