"""From the figures of all rounds to three tables."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Shape:
    """How the load is shaped, and whether load, proxy and endpoint share one core."""
    title: str
    connections: int
    streams: int
    one_core: bool

    @property
    def in_flight(self) -> int:
        return self.connections * self.streams


SHAPES = [
    Shape("One order in flight, everything on one core", 1, 1, True),
    Shape("One order in flight, cores as the scheduler likes", 1, 1, False),
    Shape("8 connections with 4 orders in flight each, cores as the scheduler likes", 8, 4, False),
]


@dataclass
class Sample:
    """One run of the load: times in microseconds, `cpu` per order of the proxy (None where there is none)."""
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
    cpu: float | None


class Report:
    def __init__(self, versions: dict[str, str], missing: list[str], method: dict):
        """`versions` names the measured routes, in the order in which they are shown."""
        self.versions, self.missing, self.method = versions, missing, method
        self.samples: list[Sample] = []

    def of(self, route: str, shape: Shape) -> list[Sample]:
        return [sample for sample in self.samples if sample.route == route and sample.shape == shape.title]

    def median(self, route: str, shape: Shape, field: str) -> float | None:
        values = [getattr(sample, field) for sample in self.of(route, shape)]
        return None if not values or None in values else median(values)

    def added(self, route: str, shape: Shape, field: str = "p50") -> float | None:
        """Median over the rounds of what the route took more than the direct way in the same round."""
        direct = {sample.round: getattr(sample, field) for sample in self.of("direct", shape)}
        values = [getattr(sample, field) - direct[sample.round] for sample in self.of(route, shape)]
        return None if route == "direct" or not values else median(values)

    def table(self, shape: Shape) -> list[list[str]]:
        head = ["", "p50", "p99", "added p50", "added p99", "Gate adds", "CPU per order", "orders/s", "p50 by round"]
        rows = [head]
        gate = self.added("Gate", shape)
        for title in self.versions:
            added = self.added(title, shape)
            ratio = "" if not gate or not added or title == "Gate" else f"{gate / added:.2f} x its p50"
            rows.append([
                title, _us(self.median(title, shape, "p50")), _us(self.median(title, shape, "p99")), _us(added),
                _us(self.added(title, shape, "p99")), ratio, _us(self.median(title, shape, "cpu")),
                f"{self.median(title, shape, 'throughput') or 0:,.0f}", _spread(self.of(title, shape)),
            ])
        return rows

    def text(self) -> str:
        lines = self.notes()
        for shape in SHAPES:
            rows = self.table(shape)
            widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
            lines += ["", shape.title]
            lines += ["  ".join(cell.ljust(width) if column == 0 else cell.rjust(width)
                                for column, (cell, width) in enumerate(zip(row, widths))) for row in rows]
        return "\n".join(lines)

    def markdown(self) -> str:
        lines = ["# What a proxy adds to an order's way", "", *(f"* {note}" for note in self.notes())]
        for shape in SHAPES:
            head, *rows = ["| " + " | ".join(row) + " |" for row in self.table(shape)]
            lines += ["", f"## {shape.title}", "", head, "|---|" + "---:|" * (head.count("|") - 2), *rows]
        return "\n".join(lines) + "\n"

    def notes(self) -> list[str]:
        method, machine = self.method, self.method["machine"]
        return [
            f"{method['date']} UTC, {machine['cores']} cores {machine['cpu']}, Linux {machine['kernel']}.",
            f"Microseconds, client side; medians of {method['rounds']} alternating rounds of {method['seconds']:g} s. "
            "Added: more than the direct way took in the same round.",
            "Versions: " + "; ".join(sorted({version for version in self.versions.values() if version})) + ".",
            *(f"Not measured: {missing}." for missing in self.missing),
        ]

    def save(self, directory: Path) -> Path:
        directory.mkdir(parents=True, exist_ok=True)
        stem = directory / self.method["date"].replace(":", "").replace(" ", "-")
        stem.with_suffix(".md").write_text(self.markdown())
        stem.with_suffix(".json").write_text(json.dumps({
            "method": self.method, "versions": self.versions, "missing": self.missing,
            "added_p50": {shape.title: {title: self.added(title, shape) for title in self.versions}
                          for shape in SHAPES},
            "samples": [asdict(sample) for sample in self.samples],
        }, indent=1) + "\n")
        return stem.with_suffix(".md")


def machine() -> dict:
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return {"cores": os.cpu_count(), "cpu": model, "kernel": platform.release()}


def _us(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _spread(samples: list[Sample]) -> str:
    values = [sample.p50 for sample in samples]
    return f"{min(values):.0f} to {max(values):.0f}" if values else ""
