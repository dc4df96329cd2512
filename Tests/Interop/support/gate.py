"""A gate process with a configuration of its own, and the ways to talk to it."""

import json
import os
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from .orders import MAPPING, REPOSITORY
from .process import Process, free_port
from .waiting import wait_until

PROGRAM = Path(os.environ.get("GATE", REPOSITORY / ".build/release/gate")).resolve()
TOKEN = "interop-secret"

CONFIGURATION = """\
instance: {instance}
mode: {mode}
listen: "{listen}"
upstream: "{upstream}"
admin: 127.0.0.1:{admin}
orders: {mapping}
rules: {rules}
state_dir: {state}
redis:
  address: 127.0.0.1:{redis}
  prices: {{db: 1, key: "market:prices:{{symbol}}", field: price, max_age: {price_age}}}
  accounts: {{db: 0, key: "account:state:{{account}}", max_age: {account_age}}}
  wait: 200ms
limits:
  max_in_flight_orders: 2000
  drain_timeout: 10s
"""


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATE")}
    return kept | {"GATE_ADMIN_TOKEN": TOKEN} | more


def run_gate(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run([str(PROGRAM), *arguments], capture_output=True, text=True, timeout=20,
                          env=environment(**variables), stdin=subprocess.DEVNULL)


class Gate:
    def __init__(self, directory: Path, upstream: str, redis: int, rules: Path, *, mode: str = "enforce",
                 listen: str | None = None, mapping: Path = MAPPING, price_age: str = "1s",
                 account_age: str = "2s", more: str = "", group: int | None = None, instance: str = "interop",
                 descriptors: tuple[int, int] | None = None, program: tuple[str, ...] = (str(PROGRAM),), patience: float = 15,
                 **variables: str):
        """`more`: lines added to the configuration; `group`: the group id that the process runs under; `instance`: its
        name, of its own where several share a Redis; `descriptors`: soft and hard limit of how many it may have open;
        `program`: another than the one that is tested, and what it is run by; `patience`: seconds until it must be ready."""
        self._program, self._patience = program, patience
        self._directory, self._variables, self._group, self._descriptors = directory, variables, group, descriptors
        self.rules = rules
        self.admin = free_port()
        self.target = listen or f"127.0.0.1:{free_port()}"
        state = directory / "state"
        state.mkdir(exist_ok=True)
        self.file = directory / "gate.yaml"
        self.file.write_text(CONFIGURATION.format(
            instance=instance, mode=mode, listen=self.target, upstream=upstream, admin=self.admin, mapping=mapping, rules=rules,
            state=state, redis=redis, price_age=price_age, account_age=account_age) + more)
        self.process: Process | None = None

    def start(self, ready: bool = True) -> "Gate":
        self.process = Process("gate", [*self._program, "run", "--config", str(self.file)], self._directory,
                               environment(**self._variables), self._group, self._descriptors)
        if ready:
            self.wait_until_ready()
        else:
            wait_until("gate answers /healthz", self._alive)
        return self

    def wait_until_ready(self):
        def ready() -> bool:
            self.process.fail_if_ended()
            try:
                return self.get("/readyz")[0] == 200
            except OSError:
                return False
        try:
            wait_until("gate is ready", ready, self._patience)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.get('/readyz')}\n{self.process.log[-3000:]}") from None

    def _alive(self) -> bool:
        self.process.fail_if_ended()
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.stop()

    # The admin address.

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()

    def post(self, path: str, body: dict, token: str | None = TOKEN) -> tuple[int, dict]:
        """As the holder of the token, unless another is given."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.admin}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as answer:
            assert answer.headers["Content-Type"] == "application/problem+json"
            return answer.code, json.load(answer)

    def reservations(self, account: str) -> list[dict]:
        """What the ledger counts of an account, the latest first, but what is unknown before all."""
        status, text = self.get(f"/api/v1/accounts/{account}")
        assert status in (200, 404), text
        return json.loads(text)["reservations"] if status == 200 else []

    def metrics(self) -> dict[tuple[str, frozenset], float]:
        """Every sample, by its name and its labels."""
        status, text = self.get("/metrics")
        assert status == 200
        samples = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                match = re.fullmatch(r'([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)', line)
                assert match, f"not a sample: {line}"
                labels = frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
                assert (match[1], labels) not in samples, f"given twice: {line}"
                samples[match[1], labels] = float(match[3])
        return samples

    def metric(self, name: str, **labels: str) -> float:
        """The sum of all samples of this name that have these labels."""
        return sum(value for (known, has), value in self.metrics().items()
                   if known == name and frozenset(labels.items()) <= has)

    def command(self, *arguments: str) -> subprocess.CompletedProcess:
        """`gate stop`, `gate resume`, `gate status` on this gate."""
        return run_gate(*arguments, "--admin", f"127.0.0.1:{self.admin}")


def write_rules(directory: Path, text: str, name: str = "rules.yaml"):
    """As a careful editor does: written beside, then renamed into place."""
    directory.mkdir(exist_ok=True)
    fresh = directory.parent / f"{name}.new"
    fresh.write_text(text)
    fresh.rename(directory / name)
