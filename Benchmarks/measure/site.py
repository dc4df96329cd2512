"""Everything that runs on this machine during a run, started when it is first needed."""

import json
import os
import shutil
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from .market import Market
from .processes import Missing, Process, free_port

BENCHMARKS = Path(__file__).resolve().parents[1]
REPOSITORY = BENCHMARKS.parent


@dataclass
class Route:
    """A way from the load to an endpoint. `process` is None for the direct one, `admin` is a Gate's."""
    name: str
    target: str
    process: Process | None
    endpoint: Process
    account: str = "bench"
    admin: str = ""

    def place(self, cores: set[int]):
        for process in (self.process, self.endpoint):
            if process:
                process.place(cores)


class Site:
    def __init__(self, gate: Path, gate_bench: Path, directory: Path, state: Path, stack: ExitStack):
        """`directory` holds files of a moment, `state` the Gates' journals."""
        self._gate, self._gate_bench = gate, gate_bench
        self.directory, self.state = directory, state
        self._stack = stack
        self._endpoints: dict[str, tuple[Process, str]] = {}
        self._market: tuple[int, Market, Process] | None = None
        self._routes: dict[str, Route] = {}
        #: What is measured, by name, as each says of itself.
        self.versions: dict[str, str] = {}
        #: What could not be measured, and what to do about it.
        self.missing: dict[str, str] = {}
        program(self._gate_bench, "gate-bench")

    @property
    def gate(self) -> Path:
        return program(self._gate, "gate")

    def start(self, name: str, command: list[str], cwd: Path | None = None) -> Process:
        process = Process(name, command, self.directory, cwd)
        self._stack.callback(process.stop)
        return process

    def endpoint(self, kind: str = "tcp") -> tuple[Process, str]:
        """The endpoint on a TCP port or, of the kind `unix`, on a socket in the file system, and its address."""
        if kind not in self._endpoints:
            listen = f"unix:{self.directory}/endpoint.sock" if kind == "unix" else "127.0.0.1:0"
            process = self.start(f"endpoint-{kind}", [str(self._gate_bench), "endpoint", "--listen", listen])
            self._endpoints[kind] = process, process.wait_for_line().split()[-1]
        return self._endpoints[kind]

    def redis(self) -> int:
        """The port of a redis-server in which prices and accounts are kept fresh."""
        return self._redis()[0]

    @property
    def redis_process(self) -> Process:
        return self._redis()[2]

    @property
    def market(self) -> Market:
        return self._redis()[1]

    def _redis(self) -> tuple[int, Market, Process]:
        if not self._market:
            server = installed("redis-server", "redis-server")
            port = free_port()
            process = self.start("redis", [
                server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--dir", str(self.directory)])
            process.wait_for_port(port)
            self.versions["redis-server"] = first_line([server, "--version"])
            market = Market(port)
            self._stack.callback(market.stop)
            self._market = port, market, process
        return self._market

    def route(self, name: str, make: "Callable[[Site], Route]") -> Route | None:
        """The route of that name, made and tried out once; None if something that it needs is missing."""
        if name not in self._routes and name not in self.missing:
            try:
                route = make(self)
                self.prime(route)
                self._routes[name] = route
            except Missing as missing:
                self.missing[name] = str(missing)
        return self._routes.get(name)

    def prime(self, route: Route, *options: str, seconds: float = 10):
        """Sends single orders until one is answered with success: the route is up, and Gate knows account and symbol."""
        deadline = time.monotonic() + seconds
        while True:
            ended = self._run(route, "load", ["--count", "1", *options], 10, None)
            if ended.returncode == 0:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"{route.name} does not pass an order: {ended.stdout}{ended.stderr}")
            time.sleep(0.05)

    def load(self, route: Route, options: list[str], seconds: float, cores: set[int] | None = None) -> dict:
        """What one run of the closed loop measured. An order that is not answered with success is an error."""
        return self._measure(route, "load", options, seconds, cores)

    def arrivals(self, route: Route, options: list[str], seconds: float, cores: set[int] | None = None) -> dict:
        """What one run of the open loop measured."""
        return self._measure(route, "arrivals", options, seconds, cores)

    def _measure(self, route: Route, mode: str, options: list[str], seconds: float, cores: set[int] | None) -> dict:
        ended = self._run(route, mode, options, seconds + 20, cores)
        if self._market:
            self._market[1].fail_if_broken()
        if ended.returncode != 0:
            raise RuntimeError(f"{route.name}, {mode} {' '.join(options)}: {ended.stdout[-2000:]}{ended.stderr}")
        return json.loads(ended.stdout)

    def _run(self, route: Route, mode: str, options: list[str], patience: float,
             cores: set[int] | None) -> subprocess.CompletedProcess:
        return subprocess.run(
            [str(self._gate_bench), mode, "--target", route.target, "--account", route.account, *options],
            capture_output=True, text=True, timeout=patience,
            preexec_fn=(lambda: os.sched_setaffinity(0, cores)) if cores else None)


def program(path: Path, name: str) -> Path:
    if not path.exists():
        raise Missing(f"{path} is missing; build it: swift build -c release --product {name}")
    return path


def installed(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if not found:
        raise Missing(f"{name} is missing; install it: apt-get install {package}")
    return found


def first_line(command: list[str]) -> str:
    shown = subprocess.run(command, capture_output=True, text=True, timeout=10)
    return (shown.stdout + shown.stderr).strip().splitlines()[0]
