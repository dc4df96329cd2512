"""Prices and rules that change all the time, and what that does to the orders."""

import sys
import threading
import time
from contextlib import contextmanager
from statistics import median

from . import gate, routes
from .gate import Admin, added_to, rules_directory
from .goals import Goal, Section
from .interference import Interference
from .market import SYMBOL
from .site import BENCHMARKS, Site

UPDATES, RELOADS = 10_000, 5
#: The symbols whose prices change, the load's own among them.
SYMBOLS = [SYMBOL, *(f"S{number}USDT" for number in range(49))]
BOUND = "metric: order_quantity\n    max: 100\n"
CONDITION = f"{UPDATES:,} price updates and {RELOADS} rule reloads a second"


class Churn:
    def __init__(self, site: Site, rounds: int, seconds: float):
        self._site, self._rounds, self._seconds = site, rounds, seconds
        self._gate = site.route("gate", gate.gate)
        self._direct = site.route("direct", routes.direct)
        self._reached: list[dict[str, float]] = []

    def run(self, progress) -> Section | None:
        if not self._gate or not self._direct:
            return None
        self._follow_symbols()
        runs = Interference(self._site, [self._direct, self._gate], {CONDITION: self._churn})
        runs.run(self._rounds, self._seconds, lambda number: progress(f"churn: round {number} of {self._rounds}"))
        reached = {name: median(each[name] for each in self._reached) for name in self._reached[0]}
        detail = ", ".join(f"{value:,.0f} {name}" for name, value in reached.items())
        goals = [
            Goal(f"{CONDITION}: order {field}, of the quiet one", bound, runs.ratio(gate.NAME, CONDITION, field), "", detail)
            for field, bound in (("p50", 1.3), ("p99", 2))]
        return Section(
            "Prices and rules that change", [
                f"Microseconds, one order in flight; medians of {self._rounds} alternating rounds of {self._seconds:g} s.",
                f"The load, the endpoint and Gate's order thread have one core; redis-server, the writer of the {len(SYMBOLS)} "
                "followed symbols' prices and Gate's other threads, which read prices and compile rules, the other. The "
                "direct way, which knows nothing of prices, shows what sharing the machine costs by itself.",
                f"Each second, as counted: {detail}.",
            ], [runs.table(CONDITION)], goals, {"samples": runs.data(), "reached": self._reached})

    def _follow_symbols(self):
        """Has Gate follow all of the symbols' prices: it does once an order has named one."""
        self._site.market.symbols = SYMBOLS
        for symbol in SYMBOLS[1:]:
            self._site.prime(self._gate, "--symbol", symbol)
        self._site.market.symbols = [SYMBOL]

    @contextmanager
    def _churn(self, seconds: float):
        admin = Admin(self._gate.admin)
        feed = self._site.start("feed", [
            sys.executable, "-m", "measure.feed", str(self._site.redis()), str(UPDATES), str(seconds + 0.5), *SYMBOLS],
            BENCHMARKS)
        stop = threading.Event()
        reloader = threading.Thread(target=self._rewrite_rules, args=[stop], daemon=True)
        before, began = admin.metrics(), time.monotonic()
        reloader.start()
        try:
            yield
        finally:
            after, lasted = admin.metrics(), time.monotonic() - began
            stop.set()
            reloader.join(5)
        feed.wait(10)
        self._reached.append({
            "updates written": float(feed.wait_for_line()),
            "announced to Gate": added_to(before, after, "gate_mirror_invalidations_total") / lasted,
            "values read by Gate": added_to(before, after, "gate_mirror_reads_total") / lasted,
            "rule sets loaded": added_to(before, after, "gate_rule_reloads_total") / lasted,
        })

    def _rewrite_rules(self, stop: threading.Event):
        """Puts another file in the place of the rules' so many times a second, each with another bound."""
        file = rules_directory(self._site, self._gate.account) / "bench.yaml"
        original = file.read_text()
        began = time.monotonic()
        if BOUND not in original:
            raise RuntimeError(f"{file} has no bound to change")
        number = 0
        while not stop.wait(max(0.0, began + number / RELOADS - time.monotonic())):
            number += 1
            _replace(file, original.replace(BOUND, BOUND.replace("100", str(100 + number % 50))))
        _replace(file, original)


def _replace(file, text: str):
    beside = file.parent.parent / "next.yaml"
    beside.write_text(text)
    beside.rename(file)
