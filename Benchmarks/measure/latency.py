"""Latency and processor time of every route in every shape of load."""

from dataclasses import asdict, dataclass
from statistics import median

from . import gate, routes
from .gate import Admin
from .goals import Goal, Section, Table, median_ratio, microseconds
from .machine import CORES, split_cores
from .site import Site

WARMUP = 0.15
#: HTTP/2 proxies that check nothing.
PROXIES = {"nginx": routes.nginx, "nghttpx": routes.nghttpx, "haproxy": routes.haproxy}
ROUTES = {"direct": routes.direct, "tcp": routes.tcp, **PROXIES, "gate": gate.gate,
          "direct-unix": routes.direct_unix, "gate-unix": gate.gate_unix}
UNIX = {"direct-unix", "gate-unix"}
#: Microseconds per order under which a thread is not named.
SMALL_SHARE = 0.1
DECISIONS = "gate_decision_duration_seconds_bucket"


@dataclass(frozen=True)
class Shape:
    """How the load is shaped, and whether load, proxy and endpoint share one core."""
    name: str
    title: str
    connections: int
    streams: int
    one_core: bool

    @property
    def is_single(self) -> bool:
        return self.connections * self.streams == 1


ONE_CORE = Shape("one core", "One order in flight, everything on one core", 1, 1, True)
FREE = Shape("cores free", "One order in flight, cores as the scheduler likes", 1, 1, False)
STREAMS = Shape("8 x 4", "8 connections with 4 orders in flight each, cores as the scheduler likes", 8, 4, False)
CONNECTIONS = Shape("64 x 1", "64 connections with one order in flight each, cores as the scheduler likes", 64, 1, False)
SHAPES = [ONE_CORE, FREE, STREAMS, CONNECTIONS]


@dataclass
class Sample:
    """One run of the load: times in microseconds; processor time per order of the proxy by its threads' names."""
    route: str
    shape: str
    round: int
    p50: float
    p90: float
    p99: float
    p999: float
    max: float
    throughput: float
    orders: int
    threads: dict[str, float]
    distribution: list[float]

    @property
    def cpu(self) -> float | None:
        """None where there is no proxy."""
        return sum(self.threads.values()) if self.threads else None


class Latency:
    def __init__(self, site: Site, names: list[str], rounds: int, seconds: float):
        self._site, self._rounds, self._seconds = site, rounds, seconds
        self._routes = {name: route for name in names if (route := site.route(name, ROUTES[name]))}
        self._samples: list[Sample] = []
        self._shares: list[float] = []
        self._decisions: dict[str, float] = {}

    def run(self, progress) -> Section:
        for number in range(self._rounds):
            # The other way round every other time, so that no route always follows the same one.
            names = list(self._routes) if number % 2 == 0 else list(reversed(self._routes))
            for shape in SHAPES:
                for name in names:
                    if shape.is_single or name not in UNIX:
                        self._samples.append(self._measure(name, shape, number))
            progress(f"latency: round {number + 1} of {self._rounds}")
        return Section(
            "What a proxy adds to an order's way", self._notes(),
            [*(self._table(shape) for shape in SHAPES), self._threads()], self._goals(),
            {"shares": self._shares, "samples": [asdict(sample) for sample in self._samples]})

    def _measure(self, name: str, shape: Shape, number: int) -> Sample:
        route = self._routes[name]
        cores = split_cores()[0] if shape.one_core else set(CORES)
        route.place(cores)
        scrape = Admin(route.admin).metrics if name == "gate" and shape is STREAMS else None
        decided = scrape and scrape()
        before = route.process.cpu_seconds() if route.process else {}
        figures = self._site.load(route, [
            "--connections", str(shape.connections), "--streams", str(shape.streams),
            "--duration", str(self._seconds), "--warmup", str(WARMUP)], self._seconds + WARMUP, cores)
        after = route.process.cpu_seconds() if route.process else {}
        if scrape:
            for key, value in scrape().items():
                if key.startswith(DECISIONS):
                    self._decisions[key] = self._decisions.get(key, 0) + value - decided.get(key, 0)
        self._shares = figures["distribution"]["shares"]
        return Sample(
            name, shape.name, number, *(figures[field] / 1000 for field in ("p50", "p90", "p99", "p999", "max")),
            throughput=round(figures["throughput"], 1), orders=figures["orders"],
            threads={thread: round((seconds - before.get(thread, 0)) * 1e6 / figures["orders"], 2)
                     for thread, seconds in after.items()},
            distribution=[round(latency / 1000, 1) for latency in figures["distribution"]["latencies"]])

    # What follows from the samples.

    def _of(self, name: str, shape: Shape) -> list[Sample]:
        return [sample for sample in self._samples if sample.route == name and sample.shape == shape.name]

    def _median(self, name: str, shape: Shape, field: str) -> float | None:
        values = [getattr(sample, field) for sample in self._of(name, shape)]
        return None if not values or None in values else median(values)

    def _added(self, name: str, shape: Shape, field: str) -> dict[int, float]:
        """By round, what a route took more than the direct way of its kind of socket."""
        base = "direct-unix" if name in UNIX else "direct"
        direct = {sample.round: getattr(sample, field) for sample in self._of(base, shape)}
        return {sample.round: getattr(sample, field) - direct[sample.round]
                for sample in self._of(name, shape) if sample.round in direct and name != base}

    def _cpu(self, name: str, shape: Shape) -> dict[int, float]:
        return {sample.round: sample.cpu for sample in self._of(name, shape) if sample.cpu is not None}

    def _table(self, shape: Shape) -> Table:
        head = ["", "p50", "p99", "added p50", "added p99", "CPU per order", "orders/s", "p50 by round"]
        rows = []
        for name, route in self._routes.items():
            if samples := self._of(name, shape):
                added = {field: self._added(name, shape, field).values() for field in ("p50", "p99")}
                p50s = [sample.p50 for sample in samples]
                rows.append([
                    route.name, *(microseconds(self._median(name, shape, field)) for field in ("p50", "p99")),
                    *(microseconds(median(added[field]) if added[field] else None) for field in ("p50", "p99")),
                    microseconds(self._median(name, shape, "cpu")),
                    f"{self._median(name, shape, 'throughput'):,.0f}", f"{min(p50s):.0f} to {max(p50s):.0f}"])
        return Table(shape.title, head, rows)

    def _threads(self) -> Table:
        """Gate's processor time per order by its threads; those that took next to nothing together."""
        medians = {}
        for shape in SHAPES:
            samples = self._of("gate", shape)
            for thread in {name for sample in samples for name in sample.threads}:
                share = median(sample.threads.get(thread, 0) for sample in samples)
                name = thread if share >= SMALL_SHARE else "others"
                row = medians.setdefault(name, {})
                row[shape] = row.get(shape, 0) + share
        rows = [[name, *(microseconds(row.get(shape)) for shape in SHAPES)] for name, row in sorted(medians.items())]
        return Table("Gate's CPU per order, by thread", ["", *(shape.name for shape in SHAPES)], rows)

    def _notes(self) -> list[str]:
        return [
            f"Microseconds, at the client; medians of {self._rounds} alternating rounds of {self._seconds:g} s. Added: more "
            "than the direct way, over the same kind of socket, took in the same round.",
            "Gate enforces twenty rules that bind every order, on a live Redis, with its journal and its metrics on, "
            "and does not spin.",
            "A goal's ratio is taken in each round; what is given is the median over the rounds. The best and the cheapest "
            "proxy are those of the lowest median.",
        ]

    def _goals(self) -> list[Goal]:
        if not {"direct", "gate"} <= self._routes.keys():
            return []
        goals = []
        for shape in (ONE_CORE, FREE):
            for field, proxy_bound, hop_bounds in (("p50", 0.65, (1.4, 1.2)), ("p99", 0.65, (1.5,))):
                def added(name):
                    return self._added(name, shape, field)
                where = f"one in flight, {shape.name}: added {field}"
                goals.append(self._ratio(f"{where}, of the best proxy's", proxy_bound, added, "gate", PROXIES))
                for bound in hop_bounds:
                    stretch = " (stretch)" if bound == 1.2 else ""
                    goals.append(self._ratio(f"{where}, of a raw TCP hop's{stretch}", bound, added, "gate", ["tcp"]))
                goals.append(self._ratio(
                    f"{where} over unix sockets, of a raw TCP hop's", 1, added, "gate-unix", ["tcp"]))
        for shape in SHAPES:
            where = f"one in flight, {shape.name}" if shape.is_single else shape.name
            goals.append(self._ratio(
                f"{where}: CPU per order, of the cheapest proxy's", 0.6 if shape.is_single else 0.8,
                lambda name: self._cpu(name, shape), "gate", PROXIES))
        return goals + self._decision_goals()

    def _ratio(self, what: str, bound: float, values, name: str, others) -> Goal:
        """Of `values` by round, those of a route in proportion to those of the other with the lowest median."""
        mine = values(name)
        theirs = {other: by_round for other in others if (by_round := values(other))}
        if not mine or not theirs:
            return Goal(what, bound, None)
        best = min(theirs, key=lambda other: median(theirs[other].values()))
        pairs = [(mine[number], theirs[best][number]) for number in mine if number in theirs[best]]
        detail = (f"{microseconds(median(mine.values()))} us to {microseconds(median(theirs[best].values()))} us of "
                  f"{self._routes[best].name}")
        return Goal(what, bound, median_ratio(pairs), "", detail)

    def _decision_goals(self) -> list[Goal]:
        """Decode to verdict, by Gate's own histogram: the upper bound of the bucket that a share of decisions lies in."""
        buckets = sorted((float(key.split('le="')[1].split('"')[0]), count) for key, count in self._decisions.items())
        goals = []
        for share, bound in ((0.5, 1.0), (0.99, 5.0)):
            total = buckets[-1][1] if buckets else 0
            upper = next((limit * 1e6 for limit, count in buckets if total and count >= share * total), None)
            goals.append(Goal(
                f"8 x 4: decision, decode to verdict, p{share * 100:g}", bound, upper, " us",
                f"upper bound of its bucket in gate_decision_duration_seconds, {total:,.0f} decisions"))
        return goals
