"""What is aimed at, and whether it was reached."""

from dataclasses import dataclass, field
from statistics import median


@dataclass
class Goal:
    """`measured` is None where it could not be measured; `detail` says how it came about."""
    what: str
    bound: float
    measured: float | None
    unit: str = ""
    detail: str = ""

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return "not measured"
        return "met" if self.measured <= self.bound else "missed"

    def row(self) -> list[str]:
        return [self.what, f"{self.bound:g}{self.unit}", "" if self.measured is None else f"{self.measured:.4g}{self.unit}",
                self.verdict, self.detail]


@dataclass
class Table:
    title: str
    head: list[str]
    rows: list[list[str]]
    #: Columns of words; all others are figures.
    texts: frozenset = frozenset({0})


@dataclass
class Section:
    """What one part of a run brings to the report."""
    title: str
    notes: list[str]
    tables: list[Table]
    goals: list[Goal]
    data: dict = field(default_factory=dict)


def median_ratio(pairs: list[tuple[float, float]]) -> float | None:
    """The median of the rounds' ratios. Rounds whose divisor the machine's noise has made nothing or less are left out,
    and if they are more than half, there is no ratio."""
    ratios = [above / below for above, below in pairs if below > 0]
    return median(ratios) if ratios and len(ratios) * 2 > len(pairs) else None


def microseconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"
