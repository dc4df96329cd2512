"""Every fault, what becomes of orders and cancels while it lasts, and how long Gate needs once it is over.

    Tests/Interop/run test_fault_matrix.py                    # each row as expected, and as deploy/README.md has it
    Tests/Interop/run test_fault_matrix.py --write-matrix     # writes the rows that are run into deploy/README.md
"""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from conftest import RULES, Site
from support.faults import CREDENTIALS, FAULTS, README, USER, Fault, Scene, outcome
from support.scripted import Scripted
from support.waiting import wait_until

BEGIN, END = "<!-- fault matrix: measured by Tests/Interop/test_fault_matrix.py -->", "<!-- end of the fault matrix -->"
HEAD = ["| fault | raising order | reducing order | cancel | readiness | recovery |", "|---|---|---|---|---|---|"]
#: How old values may be at most here, and how long the endpoint may be silent.
AGES = {"price_age": "500ms", "account_age": "500ms"}
SILENCE = {"GATE_CONFIG_LIMITS_REQUEST_TIMEOUT": "400ms", "GATE_CONFIG_KEEPALIVE_UPSTREAM_ACTIVE": "200ms",
           "GATE_CONFIG_KEEPALIVE_UPSTREAM_IDLE": "200ms", "GATE_CONFIG_KEEPALIVE_UPSTREAM_TIMEOUT": "200ms"}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Each made when a fault asks for it, and used by all that leave it as they found it."""
    made: dict[str, Scene] = {}
    mounted: list[Path] = []

    def scene(name: str) -> Scene:
        if name not in made:
            directory = tmp_path_factory.mktemp(name)
            if name == "whole":
                rules = shutil.copytree(RULES, directory / "rules")
                site = Site(directory, rules, redis=USER, relayed=True, **AGES, **SILENCE, **CREDENTIALS)
            elif name == "full":
                mount(directory / "state")
                mounted.append(directory / "state")
                site = Site(directory, account_age="1m", more="journal: {segment_bytes: 1048576}\n")
            elif name == "scripted":
                site = Site(directory, endpoint=Scripted())
            else:
                # What the account was a while ago still counts.
                site = Site(directory, account_age="1m")
            made[name] = Scene(site)
        return made[name]
    yield scene
    for each in made.values():
        each.site.stop()
    for directory in mounted:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def mount(directory: Path):
    """A small file system of its own, to be filled."""
    directory.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(directory)], capture_output=True)
    if done.returncode != 0:
        pytest.skip("a file system cannot be mounted here")


def rows() -> dict[str, str]:
    """The matrix of the README, by the names of the faults."""
    lines = README.read_text().splitlines()
    table = lines[lines.index(BEGIN) + 1:lines.index(END)]
    return {line.split("|")[1].strip(): line for line in table if line.startswith("|") and line not in HEAD}


def write(row: str, fault: Fault):
    known = rows() | {fault.name: row}
    text = README.read_text()
    table = "\n".join([BEGIN, *HEAD, *(known[each.name] for each in FAULTS if each.name in known), END])
    README.write_text(text[:text.index(BEGIN)] + table + text[text.index(END) + len(END):])


def show(first: str | None, then: str) -> str:
    """Names of codes as code."""
    names = [name for name in (first, then) if name is not None]
    return ", then ".join(f"`{name}`" if name.isupper() else name for name in names)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault(scenes, fault, request, measured):
    scene = scenes(fault.scene)
    # What a machine that stands still for a moment does to one fault's end is not to be the next one's.
    wait_until("orders pass and Gate is ready", scene.recovered, 5)
    calls = (scene.raising, scene.reducing, scene.cancel)
    try:
        fault.inject(scene)
        started = time.monotonic()
        first = {outcome(pending()) for pending in [call() for call in calls]} if fault.first else set()
        if fault.in_force:
            wait_until("it is in force", lambda: fault.in_force(scene), 5)
        wait_until(f"a raising order is told {fault.raising}", lambda: outcome(scene.raising()()) == fault.raising, 5)
        wait_until(f"Gate is {fault.readiness}", lambda: scene.readiness() == fault.readiness, 5)
        noticed = time.monotonic() - started
        raising, reducing, cancel = (outcome(call()()) for call in calls)
        readiness = scene.readiness()
    finally:
        healed = time.monotonic()
        fault.heal(scene)
    if not fault.counts_mending:
        healed = time.monotonic()
    wait_until("orders pass again", lambda: fault.is_over(scene) and scene.recovered(), 10)
    recovery = time.monotonic() - healed
    measured(f"{fault.name}: in force after {noticed:.2f} s, over after {recovery:.2f} s")

    assert first <= {fault.first}
    cells = [fault.name, *(show(fault.first, each) for each in (raising, reducing, cancel)), readiness,
             f"< {fault.recovery:g} s"]
    row = f"| {' | '.join(cells)} |"
    assert (raising, reducing, cancel, readiness) == (fault.raising, fault.reducing, fault.cancel, fault.readiness)
    assert recovery < fault.recovery
    if request.config.getoption("--write-matrix"):
        write(row, fault)
    assert rows().get(fault.name) == row, "deploy/README.md says otherwise; --write-matrix writes it"


def test_the_readme_has_no_other_faults():
    assert list(rows()) == [fault.name for fault in FAULTS]
