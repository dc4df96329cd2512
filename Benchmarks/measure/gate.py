"""Gate as users run it: twenty rules that bind every order, a live Redis, its journal, its metrics."""

import http.client
import shutil
import subprocess
import time
from pathlib import Path

from .processes import Process, free_port
from .site import BENCHMARKS, REPOSITORY, Route, Site

NAME = "Gate"
UNIX_NAME = "Gate, unix"
#: The thread that decides and forwards.
ORDER_THREAD = "gate-order"


def gate(site: Site) -> Route:
    endpoint, address = site.endpoint()
    return _gate(site, NAME, "bench", f"127.0.0.1:{free_port()}", endpoint, address)


def gate_unix(site: Site) -> Route:
    endpoint, address = site.endpoint("unix")
    return _gate(site, UNIX_NAME, "bench-unix", f"unix:{site.directory}/gate.sock", endpoint, address)


def gate_bounded(site: Site, orders_in_flight: int) -> Route:
    """Gate with a bound on the orders that one connection may have under way."""
    endpoint, address = site.endpoint()
    return _gate(
        site, f"Gate, {orders_in_flight} in flight", "bench-bounded", f"127.0.0.1:{free_port()}", endpoint, address,
        f"limits: {{max_in_flight_orders: {orders_in_flight}}}\n")


def rules_directory(site: Site, account: str) -> Path:
    """The rules of the Gate for that account, its own copy."""
    return site.directory / account / "rules"


def _gate(site: Site, name: str, account: str, listen: str, endpoint: Process, upstream: str, more: str = "") -> Route:
    program = str(site.gate)
    redis = site.redis()
    # An account of its own, so that Gates need not tell each other what they let through.
    site.market.accounts = [*site.market.accounts, account]
    admin = f"127.0.0.1:{free_port()}"
    state = site.state / account
    state.mkdir()
    shutil.copytree(BENCHMARKS / "rules", rules_directory(site, account))
    file = site.directory / account / "gate.yaml"
    file.write_text(f"""\
instance: {account}
listen: {listen}
upstream: {upstream}
admin: {admin}
orders: {REPOSITORY / 'deploy/orders/b25.yaml'}
rules: {rules_directory(site, account)}
state_dir: {state}
journal: {{retained_segments: 8}}
redis:
  address: 127.0.0.1:{redis}
  prices: {{db: 1, key: "market:prices:{{symbol}}", field: price, max_age: 1s}}
  accounts: {{db: 0, key: "account:state:{{account}}", max_age: 2s, settle_after: 50ms}}
{more}""")
    process = site.start(account, [program, "run", "--config", str(file)])
    _wait_until_ready(process, admin)
    if not list((state / "journal").glob("*.gatej")):
        raise RuntimeError(f"{name} keeps no journal in {state}")
    site.versions[NAME] = ", ".join(_lines([program, "version"]))
    return Route(name, listen, process, endpoint, account, admin)


def _lines(command: list[str]) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.split("\n")[:-1]


def _wait_until_ready(process: Process, admin: str, seconds: float = 15):
    deadline = time.monotonic() + seconds
    while True:
        process.fail_if_ended()
        try:
            status, why = Admin(admin).get("/readyz")
            if status == 200:
                return
        except OSError as failure:
            why = str(failure)
        if time.monotonic() > deadline:
            raise RuntimeError(f"Gate is not ready: {why}\n{process.log.read_text()[-2000:]}")
        time.sleep(0.02)


class Admin:
    """One connection to a Gate's admin address."""

    def __init__(self, address: str):
        self._connection = http.client.HTTPConnection(address, timeout=10)

    def get(self, path: str) -> tuple[int, str]:
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode()

    def metrics(self) -> dict[str, float]:
        """All values by name and labels, as they stand in the exposition."""
        status, text = self.get("/metrics")
        if status != 200:
            raise RuntimeError(f"GET /metrics: {status}")
        lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}


def added_to(before: dict[str, float], after: dict[str, float], name: str) -> float:
    """How much the sum of a metric's values, over all its labels, has grown."""
    total = [sum(value for key, value in values.items() if key.partition("{")[0] == name) for values in (before, after)]
    return total[1] - total[0]
