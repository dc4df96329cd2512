"""What an order costs: calls of the allocator, memory, instructions. Counts and not durations: a busy machine changes none."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Site
from support import callgrind, orders
from support.allocations import Allocations, Place, Taken
from support.callgrind import Callgrind
from support.gate import PROGRAM, Gate, write_rules
from support.load import Caller, Ended, Prompt, Template, cancel_of
from support.orders import REPOSITORY, order
from support.process import resident_of_its_own
from support.waiting import settled, wait_until

#: Instructions in user space for one order, of the thread that judges and forwards, with one in flight; at most.
INSTRUCTIONS = {"approved": 60_000, "rejected": 75_000}

pytestmark = pytest.mark.skipif("debug" in PROGRAM.parts, reason="what an order costs is known of a release build")

THREAD = "gate-order"
#: Twenty that bind every order of the account.
RULES = REPOSITORY / "Benchmarks/rules"
ACCOUNT, EQUITY, SYMBOL = "bench", 1_000_000_000, "BTCUSDT"
#: Of the one quantity all rules let orders pass, of the other all but one.
SMALL, TOO_LARGE = 0.001, 6
#: How old prices and accounts may be: who writes them is this process, which has other things to do.
AGED = {"price_age": "1h", "account_age": "1h"}
#: Every refused order is logged: a line takes nothing either.
LOGGED = {"GATE_CONFIG_LIMITS_LOGGED_REJECTS_BURST": "1000000"}
#: Orders that are measured, and how many come first so that all tables and pools have grown.
ORDERS, BEFORE = 5000, 3000
#: So many of the innermost callers make a place: the turns of the loop further out come from elsewhere with orders than without.
INNER = 4
#: Of memory, in bytes, for so many orders: 100 for each.
MANY, BOUND = 100_000, 10_000_000


class Traffic:
    """Calls of one kind on a connection of their own."""

    def __init__(self, gate: Gate, path: str, messages: Callable[[int], bytes], answered: bool = True,
                 fields: tuple[tuple[str, str], ...] = ()):
        """`answered`: by the endpoint, and not refused by Gate."""
        self._gate, self._caller = gate, Caller(gate.target, path, *fields)
        self._messages, self._answered = messages, answered
        #: Number of the next call.
        self.next = 0

    def send(self, count: int, in_flight: int):
        ended = self._caller.run(self._messages, range(self.next, self.next + count), in_flight)
        self.next += count
        assert ended == Ended(count, count if self._answered else 0), self._decisions()

    def _decisions(self) -> dict[frozenset, float]:
        return {labels: value for (name, labels), value in self._gate.metrics().items() if name == "gate_orders_total"}

    def stop(self):
        self._caller.stop()


def traffic(site: Site, kind: str, *fields: tuple[str, str]) -> Traffic:
    """Orders have ids that no other traffic's have."""
    if kind == "cancels":
        return Traffic(site.gate, orders.CANCEL, cancel_of(SYMBOL), fields=fields)
    placed = order(ACCOUNT, SYMBOL, quantity=SMALL if kind == "approved" else TOO_LARGE, time_in_force="GTC",
                   client_order_id=f"{orders.unique('c')}-{Template.DIGITS}")
    return Traffic(site.gate, orders.CREATE, Template(placed), kind == "approved", fields)


# Heap.

def rules_of_one_size(directory: Path) -> Path:
    """The room for the orders of a window doubles up to a bound whenever there are more in it than ever before, and how many there
    are in a second is up to the machine. These are the same rules, but for a sum that is kept of the latest 4,096 orders."""
    rules, text = directory / "rules", (RULES / "bench.yaml").read_text()
    rate = "    metric: order_count\n    window: 1s\n    max: 1000000\n"
    assert text.count(rate) == 1
    write_rules(rules, text.replace(rate, "    metric: notional_sum\n    window: 1h\n    max: 1000000000000\n"))
    return rules


class Counted(Site):
    """A gate whose calls of the allocator are counted."""

    def __init__(self, directory: Path):
        self.allocations = Allocations(directory)
        super().__init__(directory, rules=rules_of_one_size(directory), endpoint=Prompt(), **AGED, **LOGGED, **self.allocations.variables)
        self.allocations.attach(self.gate.process.pid, THREAD)
        self.market.account(ACCOUNT, equity=EQUITY)
        self._approved = self._keep(traffic(self, "approved"))
        self._approved.send(ORDERS, 1)
        self._each_second = self._taken_each_second()

    def _taken_each_second(self) -> set[Place]:
        """Where the thread takes memory while no order comes: each second the monitor reports on the account in a message of
        which the thread that keeps state disposes. Prices and accounts come the other way, and take nothing here."""
        def reports() -> float:
            return self.gate.metric("gate_monitor_messages_total", subject="risk.metrics")
        # The first report on an account takes more than the others.
        for _ in range(2):
            before = reports()
            with self.allocations.watched() as taken:
                wait_until("the account is reported on", lambda: reports() >= before + 2, every=0.2)
        return {place[:INNER] for place in taken.by_others}

    def taken_by(self, kind: str, in_flight: int, *fields: tuple[str, str]) -> Taken:
        """What `ORDERS` calls take, without what is taken each second."""
        sent = self._keep(traffic(self, kind, *fields))
        if kind == "cancels":
            # Of the latest orders.
            self._approved.send(BEFORE + ORDERS, 64)
            sent.next = self.endpoint.accepted - BEFORE - ORDERS
        # More at once than later, so that whatever is kept for the next one is enough.
        sent.send(BEFORE, 4 * in_flight)
        # The log's lines on refused orders queue up for another thread to write; there is room for those that follow now.
        settled(lambda: self.gate.process.log_file.stat().st_size)
        with self.allocations.watched() as taken:
            sent.send(ORDERS, in_flight)
        for place in [place for place in taken.by_others if place[:INNER] in self._each_second]:
            del taken.by_others[place]
        return taken


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    site = Counted(tmp_path_factory.mktemp("counted"))
    yield site
    site.stop()


#: A field that is another one each time, as tracing has it: the tables of fields on both sides turn over.
TRACED = ("traceparent", "{}")


@pytest.fixture(
    scope="module", ids=lambda case: f"{case[0]}, {case[1]} in flight" + ", traced" * (TRACED in case),
    params=[("approved", 1), ("approved", 64), ("approved", 8, TRACED), ("rejected", 1), ("rejected", 64), ("rejected", 8, TRACED),
            ("cancels", 1), ("cancels", 64)])
def taken(counted, request) -> Taken:
    return counted.taken_by(*request.param)


def test_an_order_takes_nothing_from_the_allocator(counted, taken):
    assert taken.by_others.total() == 0, counted.allocations.named(taken.by_others)


def test_libnghttp2_takes_nothing_from_the_allocator_for_an_order(counted, taken):
    assert taken.by_nghttp2.total() == 0, counted.allocations.named(taken.by_nghttp2)


def test_an_order_gives_nothing_back_to_the_allocator(taken):
    # Prices and accounts come in memory that is given back, some fifty times a second.
    assert taken.frees < ORDERS / 10


def test_the_counter_sees_what_a_new_connection_takes(counted):
    assert min(counted.allocations.so_far) > 0
    with counted.allocations.watched() as taken:
        sent = traffic(counted, "approved")
        sent.send(1, 1)
        sent.stop()
    assert taken.by_others and taken.frees
    # Whether libnghttp2 asks by itself or by way of Gate, it is known where it stands.
    assert any(map(counted.allocations.is_of_nghttp2, itertools.chain(*taken.by_others, *taken.by_nghttp2)))
    # Of the functions that a failure would show, those of Gate have names.
    assert re.search(r"OrderPath.* in gate", counted.allocations.named(taken.by_others))


# Memory.

def test_memory_stays_the_same_over_many_orders(own_site, measured):
    site = own_site(rules=RULES, endpoint=Prompt(), **AGED, GATE_CONFIG_REDIS_ACCOUNTS_SETTLE_AFTER="50ms")
    site.market.account(ACCOUNT, equity=EQUITY)
    sent = traffic(site, "approved")

    def send(at_once: int):
        """Gate has room for some 65,000 orders that no state of their account has settled yet."""
        for _ in range(MANY // at_once):
            sent.send(at_once, 64)
            wait_until("all orders are settled", lambda: site.gate.metric("gate_reservations") == 0, every=0.05)
    # All tables of a fixed size are filled by these.
    send(MANY // 2)
    before = resident_of_its_own(site.gate.process.pid)
    send(MANY // 4)
    more = resident_of_its_own(site.gate.process.pid) - before
    sent.stop()
    measured(f"memory after {MANY} orders: {before / (1 << 20):.0f} MB, after as many again {more / (1 << 20):+.1f} MB")
    assert more < BOUND


# Instructions.

@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """A gate whose instructions are counted. Nothing happens in it but what is sent: prices and accounts stand still."""
    if missing := callgrind.missing():
        pytest.skip(f"instructions are not counted without {', '.join(missing)}; scripts/setup installs what it takes")
    directory = tmp_path_factory.mktemp("traced")
    counter = Callgrind(PROGRAM, directory)
    site = Site(directory, rules=RULES, endpoint=Prompt(), program=counter.command, patience=90, **AGED)
    site.market.account(ACCOUNT, equity=EQUITY)
    site.market.freeze()
    yield site, counter
    site.stop()


@pytest.mark.parametrize("kind", INSTRUCTIONS)
def test_instructions_for_an_order(traced, kind, measured):
    site, counter = traced
    sent = traffic(site, kind)
    sent.send(200, 1)
    each = []
    for _ in range(3):
        with counter.counting(site.gate.process, "9OrderPathC") as counted:
            sent.send(200, 1)
        each.append(counted[0] / 200)
    sent.stop()
    # What else happens meanwhile, on a machine that is busy, only adds.
    each = min(each)
    measured(f"instructions for an order that is {kind}: {each:.0f}, at most {INSTRUCTIONS[kind]}")
    assert each <= INSTRUCTIONS[kind]
