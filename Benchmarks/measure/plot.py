"""Draws the latency distributions of a run beside one another.

    python -m measure.plot RESULTS.json

Writes RESULTS.png. Needs matplotlib: Benchmarks/plot brings it.
"""

import json
import sys
from pathlib import Path
from statistics import median

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

SECTION = "What a proxy adds to an order's way"
TITLES = {"one core": "one in flight, one core", "cores free": "one in flight, cores free",
          "8 x 4": "8 connections of 4", "64 x 1": "64 connections of 1"}
#: Names, colours and strokes, so that a route looks the same in every plot.
ROUTES = {
    "direct": ("direct", "#555555", ":"), "tcp": ("raw TCP hop", "#000000", "--"), "nginx": ("nginx", "#2f9e44", "-"),
    "nghttpx": ("nghttpx", "#1971c2", "-"), "haproxy": ("HAProxy h2", "#9c36b5", "-"), "gate": ("Gate", "#e03131", "-"),
    "direct-unix": ("direct, unix", "#adb5bd", ":"), "gate-unix": ("Gate, unix", "#ff922b", "-"),
}
TICKS = [0, 0.5, 0.9, 0.99, 0.999, 0.9999]


def nines(share: float) -> float:
    """Each further nine is as far as the one before."""
    from math import log10
    return -log10(max(1e-5, 1 - share))


def draw(results: Path):
    data = json.loads(results.read_text())[SECTION]
    samples, shares = data["samples"], data["shares"]
    shapes = [shape for shape in TITLES if any(sample["shape"] == shape for sample in samples)]
    figure, axes = pyplot.subplots(1, len(shapes), figsize=(4.6 * len(shapes), 5), squeeze=False)
    for axis, shape in zip(axes[0], shapes):
        for name, (label, colour, stroke) in ROUTES.items():
            rounds = [sample["distribution"] for sample in samples if (sample["shape"], sample["route"]) == (shape, name)]
            if rounds:
                # The last is the largest of all, which says more of the machine than of the route.
                points = [(nines(share), median(latencies)) for share, *latencies in zip(shares, *rounds) if share < 1]
                axis.plot(*zip(*points), color=colour, linestyle=stroke, label=label, linewidth=1.6)
        axis.set_title(TITLES[shape])
        axis.set_yscale("log")
        axis.set_xlabel("share of the orders, %")
        axis.xaxis.set_major_locator(FixedLocator([nines(tick) for tick in TICKS]))
        axis.xaxis.set_major_formatter(FixedFormatter([f"{100 * tick:g}" for tick in TICKS]))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.yaxis.set_major_formatter("{x:g}")
        axis.grid(True, which="both", alpha=0.25)
    axes[0][0].set_ylabel("answered within, µs")
    handles = {label: handle for axis in axes[0] for handle, label in zip(*axis.get_legend_handles_labels())}
    figure.legend(handles.values(), handles.keys(), loc="lower center", ncols=len(handles), frameon=False)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    figure.savefig(results.with_suffix(".png"), dpi=110)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
