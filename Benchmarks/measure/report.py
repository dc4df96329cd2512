"""From what the parts of a run bring to text, Markdown and JSON."""

import json
from pathlib import Path

from .goals import Section, Table
from .site import Site

GOALS = ["goal", "at most", "measured", "", "of which"]


class Report:
    def __init__(self, method: dict, site: Site, sections: list[Section]):
        self._method, self._sections = method, sections
        self._versions, self._missing = site.versions, site.missing

    def text(self) -> str:
        lines = self._notes() + _plain(self._goals())
        for section in self._sections:
            lines += ["", section.title, *section.notes]
            for table in section.tables:
                lines += _plain(table)
        return "\n".join(lines)

    def save(self, directory: Path) -> Path:
        """Writes the Markdown page and the JSON beside it; the JSON file's path."""
        directory.mkdir(parents=True, exist_ok=True)
        stem = directory / self._method["date"].replace(":", "").replace(" ", "-")
        stem.with_suffix(".md").write_text(self._markdown(stem.name))
        stem.with_suffix(".json").write_text(_json({
            "method": self._method, "versions": self._versions, "missing": self._missing,
            "goals": [{"part": section.title, "goal": goal.what, "bound": goal.bound, "measured": goal.measured,
                       "verdict": goal.verdict} for section in self._sections for goal in section.goals],
            **{section.title: section.data for section in self._sections}}) + "\n")
        return stem.with_suffix(".json")

    def _markdown(self, name: str) -> str:
        lines = [f"# {self._method['date']} UTC", "", *_marked(self._goals()), "", *(f"* {note}" for note in self._notes()), "",
                 f"![Latency distributions]({name}.png)"]
        for section in self._sections:
            lines += ["", f"## {section.title}", "", *(f"* {note}" for note in section.notes)]
            for table in section.tables:
                lines += ["", f"### {table.title}", "", *_marked(table)]
        return "\n".join(lines) + "\n"

    def _goals(self) -> Table:
        return Table("Goals", GOALS, [goal.row() for section in self._sections for goal in section.goals],
                     frozenset({0, len(GOALS) - 1}))

    def _notes(self) -> list[str]:
        machine = self._method["machine"]
        return [
            f"{self._method['date']} UTC, {machine['cores']} cores {machine['cpu']}, Linux {machine['kernel']}; journal on "
            f"{self._method['state']}.",
            "Versions: " + "; ".join(f"{name}: {version}" for name, version in self._versions.items()) + ".",
            *(f"Not measured: {name}: {why}." for name, why in self._missing.items()),
        ]


def _plain(table: Table) -> list[str]:
    rows = [table.head, *table.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.head))]
    return ["", table.title, *("  ".join(
        cell.ljust(width) if column in table.texts else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows)]


def _marked(table: Table) -> list[str]:
    head, *rows = ["| " + " | ".join(row) + " |" for row in [table.head, *table.rows]]
    aligned = ["---" if column in table.texts else "---:" for column in range(len(table.head))]
    return [head, "|" + "|".join(aligned) + "|", *rows]


def _json(value, depth: int = 0) -> str:
    """One line for each innermost list or object, so that a change of results can be read."""
    nested = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    if depth == 3 or not any(isinstance(each, (dict, list)) for each in nested):
        return json.dumps(value)
    indent, end = "\n" + " " * (depth + 1), "\n" + " " * depth
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {_json(each, depth + 1)}" for key, each in value.items()]
        return "{" + indent + ("," + indent).join(items) + end + "}"
    return "[" + indent + ("," + indent).join(_json(each, depth + 1) for each in value) + end + "]"
