"""What the tests run against: real redis-server, a real grpcio endpoint, real gate processes, all on free ports."""

import itertools
from pathlib import Path

import pytest

from support.client import Client
from support.endpoint import Endpoint
from support.exchange import Exchange
from support.gate import PROGRAM, Gate
from support.market import Market, Redis
from support.relay import Relay
from support.scripted import Scripted, accept

RULES = Path(__file__).parent / "rules"
_measured: list[str] = []
_numbers = itertools.count(1)


def pytest_addoption(parser):
    parser.addoption("--write-matrix", action="store_true",
                     help="write what test_fault_matrix.py measures into deploy/README.md")


def pytest_sessionstart(session):
    if not PROGRAM.exists():
        pytest.exit(f"{PROGRAM} is missing; build it: swift build -c release --product gate", returncode=69)


def pytest_terminal_summary(terminalreporter):
    for line in _measured:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def measured():
    """Says a figure at the end of the run."""
    return _measured.append


class Site:
    """Redis, market, endpoint and one gate, with what is started later; all of it ends with `stop`."""

    def __init__(self, directory: Path, rules: Path = RULES, endpoint: str | Scripted | Exchange = "127.0.0.1:0",
                 ready: bool = True, upstream: str | None = None, endpoint_tls: dict | None = None,
                 redis: tuple[str, ...] = (), relayed: bool = False, **gate):
        """`redis`: options of redis-server; `relayed`: Gate reaches it through a relay."""
        self.directory = directory
        self._open: list = []
        try:
            self.redis = self._keep(Redis(directory, *redis))
            self.relay = self._keep(Relay(self.redis.port)) if relayed else None
            self.market = self._keep(Market(self.redis.port))
            self.endpoint = self._keep(
                Endpoint(directory, endpoint, endpoint_tls) if isinstance(endpoint, str) else endpoint)
            port = self.relay.port if self.relay else self.redis.port
            self.gate = self._keep(Gate(directory, upstream or self.endpoint.address, port, rules, **gate))
            self.gate.start(ready)
        except BaseException:
            self.stop()
            raise

    def _keep(self, part):
        self._open.append(part)
        return part

    def client(self) -> Client:
        """A new connection to the gate."""
        client = Client(self.gate.target)
        self._open.append(client)
        return client

    def account(self, kind: str = "mm", **state) -> str:
        """A new account, that no other test uses; what `kind` it is decides which rules bind it."""
        return self.market.account(f"{kind}-{next(_numbers)}", **state)

    def stop(self):
        for part in reversed(self._open):
            part.close() if isinstance(part, Client) else part.stop()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """One for all tests that leave it as they found it."""
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.stop()


@pytest.fixture(scope="session")
def client(site):
    return site.client()


@pytest.fixture
def endpoint(site):
    return site.endpoint


@pytest.fixture(scope="session")
def _scripted_site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("scripted"), endpoint=Scripted())
    yield site
    site.stop()


@pytest.fixture
def scripted(_scripted_site):
    """One gate before an endpoint that a test tells what to do to each call."""
    endpoint = _scripted_site.endpoint
    endpoint.script, endpoint.first, endpoint.bytes_to_read = accept, [], None
    _scripted_site.gate.wait_until_ready()
    return _scripted_site


@pytest.fixture
def own_site(tmp_path):
    """Starts a site that the test may break: `own_site(price_age="500ms")`."""
    started = []

    def start(**more) -> Site:
        started.append(Site(tmp_path, **more))
        return started[-1]
    yield start
    for site in started:
        site.stop()
