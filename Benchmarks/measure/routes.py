"""The ways from the load to the endpoint: each a proxy process and the address it listens on."""

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from .market import Market
from .processes import Missing, Process, free_port

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Route:
    """`process` is None for the direct way."""
    name: str
    target: str
    process: Process | None
    version: str


class Site:
    """Everything that runs on this machine during a run."""

    def __init__(self, binaries: Path, directory: Path, stack: ExitStack):
        self.binaries = binaries
        self.directory = directory
        self._stack = stack
        self.market: Market | None = None
        self.endpoint_process = self._start(
            "endpoint", [str(self.binary("gate-bench")), "endpoint", "--listen", "127.0.0.1:0"])
        deadline = time.monotonic() + 10
        while "\n" not in (line := self.endpoint_process.log.read_text()):
            self.endpoint_process.fail_if_ended()
            if time.monotonic() > deadline:
                raise RuntimeError("the endpoint does not say where it listens")
            time.sleep(0.02)
        self.endpoint = line.split()[-1]

    def binary(self, name: str) -> Path:
        found = self.binaries / name
        if not found.exists():
            raise Missing(f"{found} is missing; build it: swift build -c release --product {name}")
        return found

    def route(self, name: str) -> Route:
        return {
            "direct": lambda: Route("direct", self.endpoint, None, ""), "tcp": self._tcp,
            "haproxy": self._haproxy, "nghttpx": self._nghttpx, "gate": self._gate,
        }[name]()

    def _start(self, name: str, command: list[str]) -> Process:
        process = Process(name, command, self.directory)
        self._stack.callback(process.stop)
        return process

    def _tcp(self) -> Route:
        return self._haproxy_in("tcp", "raw TCP hop (HAProxy mode tcp)", "mode tcp", "", "")

    def _haproxy(self) -> Route:
        return self._haproxy_in("haproxy", "HAProxy h2", "mode http", "proto h2", "proto h2")

    def _haproxy_in(self, name: str, title: str, mode: str, bind: str, server: str) -> Route:
        program = _installed("haproxy", "haproxy")
        port = free_port()
        file = self.directory / f"{name}.cfg"
        file.write_text(
            f"global\n  nbthread 1\n  maxconn 1000\ndefaults\n  {mode}\n  timeout connect 1s\n  timeout client 1m\n"
            f"  timeout server 1m\nlisten bench\n  bind 127.0.0.1:{port} {bind}\n"
            f"  server endpoint {self.endpoint} {server}\n")
        process = self._start(name, [program, "-db", "-f", str(file)])
        process.wait_for_port(port)
        return Route(title, f"127.0.0.1:{port}", process, _first_line([program, "-v"]))

    def _nghttpx(self) -> Route:
        program = _installed("nghttpx", "nghttp2-proxy")
        port = free_port()
        file = self.directory / "nghttpx.conf"
        file.write_text("")
        host, _, endpoint_port = self.endpoint.rpartition(":")
        process = self._start("nghttpx", [
            program, f"--conf={file}", f"--frontend=127.0.0.1,{port};no-tls",
            f"--backend={host},{endpoint_port};;proto=h2", "--workers=1", "--single-process"])
        process.wait_for_port(port)
        return Route("nghttpx", f"127.0.0.1:{port}", process, _first_line([program, "--version"]))

    def _gate(self) -> Route:
        program = str(self.binary("gate"))
        redis = self._redis()
        port, admin = free_port(), free_port()
        state = self.directory / "gate-state"
        state.mkdir()
        file = self.directory / "gate.yaml"
        file.write_text(f"""\
instance: bench
listen: 127.0.0.1:{port}
upstream: {self.endpoint}
admin: 127.0.0.1:{admin}
orders: {REPOSITORY / 'deploy/orders/b25.yaml'}
rules: {REPOSITORY / 'Benchmarks/rules'}
state_dir: {state}
redis:
  address: 127.0.0.1:{redis}
  prices: {{db: 1, key: "market:prices:{{symbol}}", field: price, max_age: 1s}}
  accounts: {{db: 0, key: "account:state:{{account}}", max_age: 2s, settle_after: 50ms}}
""")
        process = self._start("gate", [program, "run", "--config", str(file)])
        _wait_until_ready(process, f"http://127.0.0.1:{admin}/readyz")
        return Route("Gate", f"127.0.0.1:{port}", process, _first_line([program, "version"]))

    def _redis(self) -> int:
        program = _installed("redis-server", "redis-server")
        port = free_port()
        process = self._start("redis", [
            program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--dir", str(self.directory)])
        process.wait_for_port(port)
        self.market = Market(port)
        self._stack.callback(self.market.stop)
        self.market.start()
        return port


def _installed(program: str, package: str) -> str:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if not found:
        raise Missing(f"{program} is missing; install it: apt-get install {package}")
    return found


def _first_line(command: list[str]) -> str:
    shown = subprocess.run(command, capture_output=True, text=True, timeout=10)
    return (shown.stdout + shown.stderr).strip().splitlines()[0]


def _wait_until_ready(process: Process, url: str, seconds: float = 15):
    deadline = time.monotonic() + seconds
    while True:
        process.fail_if_ended()
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except urllib.error.HTTPError as answer:
            why = answer.read().decode(errors="replace").strip()
        except OSError as failure:
            why = str(failure)
        if time.monotonic() > deadline:
            raise RuntimeError(f"Gate is not ready: {why}\n{process.log.read_text()[-2000:]}")
        time.sleep(0.02)
