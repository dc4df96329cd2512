"""Unwinding: on a stop Gate cancels what is open and closes what is held, if it was told to, and nothing twice."""

import json
import os
import signal

import pytest

from conftest import Site
from support import desk
from support.client import Client
from support.exchange import Exchange
from support.gate import Gate, run_gate, write_rules
from support.market import Redis
from support.orders import CANCEL, CREATE, MAPPING, CancelOrderRequest, CreateOrderRequest, order, state
from support.waiting import wait_until

RULES = """\
rules:
  - id: order-value
    metric: order_notional
    max: 10000000
  - id: fat-finger
    severity: emergency
    metric: order_quantity
    max: 50
    stop: account
"""
UNWIND = "unwind: {{enabled: true, backoff: 20ms, timeout: 500ms{more}}}\n"
#: A long and a short, and an order on either side.
HELD = {
    "positions": [
        {"symbol": "BTCUSDT", "side": "LONG", "quantity": 2, "entry_price": 50_000, "current_price": 50_000},
        {"symbol": "ETHUSDT", "side": "SHORT", "quantity": 1.5, "entry_price": 2_500, "current_price": 2_500}],
    "pending_orders": [
        {"order_id": "o-1", "client_order_id": "c-1", "symbol": "BTCUSDT", "side": "BUY", "quantity": 1,
         "price": 45_000},
        {"order_id": "o-2", "client_order_id": "c-2", "symbol": "SOLUSDT", "side": "SELL", "quantity": 1,
         "price": 200}],
}
FLAT = {"positions": [], "pending_orders": []}
RESUME = ("--authorized-by", "tests", "--reason", "all clear")


def unwind(**more: str) -> str:
    return UNWIND.format(more="".join(f", {key}: {value}" for key, value in more.items()))


def progress(gate: Gate, scope: str) -> dict | None:
    """What the status says of the unwinding of a stop."""
    status, text = gate.get("/api/v1/stops")
    assert status == 200
    return next((stop.get("unwind") for stop in json.loads(text)["stops"] if stop["scope"] == scope), None)


def last_error(gate: Gate, scope: str) -> str:
    return (progress(gate, scope) or {}).get("last_error", "")


def completed(gate: Gate, scope: str, seconds: float = 15) -> dict:
    def done() -> dict | None:
        now = progress(gate, scope)
        return now if now and now["completed"] else None
    try:
        return wait_until(f"the unwinding of {scope} is completed", done, seconds)
    except AssertionError as late:
        raise AssertionError(f"{late}\n{progress(gate, scope)}\n{gate.process.log[-3000:]}") from None


def trip(client: Client, account: str):
    """Has the emergency rule stop the account."""
    answer = client.create(order(account, quantity=51, side="SELL", symbol="SOLUSDT"))
    assert answer.reason == "ORDER_QUANTITY_EXCEEDED", answer


@pytest.fixture
def place(tmp_path, own_site):
    """Starts a gate before an endpoint and a market that the test writes itself."""
    write_rules(tmp_path / "rules", RULES)

    def start(more: str = "", **gate) -> Site:
        return own_site(rules=tmp_path / "rules", more=more, GATE_CONFIG_REDIS_ACCOUNTS_SETTLE_AFTER="200ms",
                        GATE_CONFIG_REDIS_ACCOUNTS_UNKNOWN_AFTER="1s", **gate)
    return start


def own_calls(site: Site) -> tuple[list, list]:
    """The cancels and closing orders of Gate's own that have reached the endpoint."""
    def messages(method: str, kind) -> list:
        return [kind.FromString(bytes.fromhex(call["messages"][0]["hex"]))
                for call in site.endpoint.calls() if call["method"] == method]
    held = {order["order_id"] for order in HELD["pending_orders"]}
    cancels = [cancel for cancel in messages(CANCEL, CancelOrderRequest) if cancel.order_id in held]
    orders = messages(CREATE, CreateOrderRequest)
    return cancels, [order for order in orders if order.client_order_id.startswith("gate-unwind-")]


# Before DemoExchange.

class Desk:
    """DemoExchange, a gate and a strategy that holds something."""

    def __init__(self, directory, **unwound: str):
        self._open = []
        try:
            write_rules(directory / "rules", RULES)
            redis = self._keep(Redis(directory))
            self.account = "mm-1"
            self.exchange = self._keep(Exchange(directory, redis.port, [self.account]))
            self.gate = self._keep(Gate(
                directory, self.exchange.address, redis.port, directory / "rules", more=unwind(**unwound),
                GATE_CONFIG_REDIS_ACCOUNTS_SETTLE_AFTER="200ms", GATE_CONFIG_REDIS_ACCOUNTS_UNKNOWN_AFTER="1s"))
            self.gate.start()
            self.client = Client(self.gate.target)
        except BaseException:
            self.stop()
            raise

    def _keep(self, part):
        self._open.append(part)
        return part

    def trade(self, **terms):
        self.client.create(order(self.account, **terms)).created()

    def hold(self, **positions: float):
        """Trades until the keeper shows this."""
        for symbol, quantity in positions.items():
            self.trade(symbol=symbol, type="MARKET", side="BUY" if quantity > 0 else "SELL", quantity=abs(quantity))
        wait_until("the positions are there", lambda: self.exchange.positions(self.account) == positions)

    def stop(self):
        if hasattr(self, "client"):
            self.client.close()
        for part in reversed(self._open):
            part.stop()


@pytest.fixture
def trading(tmp_path):
    started = []

    def start(**unwound: str) -> Desk:
        started.append(Desk(tmp_path, **unwound))
        return started[-1]
    yield start
    for running in started:
        running.stop()


def test_an_emergency_cancels_what_is_open_and_closes_what_is_held(trading):
    desk = trading()
    desk.hold(BTCUSDT=7.5, ETHUSDT=-3.25)
    # Far from the market, on either side of the position.
    desk.trade(symbol="BTCUSDT", side="BUY", quantity=1, price=30_000)
    desk.trade(symbol="BTCUSDT", side="SELL", quantity=2, price=90_000)
    desk.trade(symbol="SOLUSDT", side="BUY", quantity=1, price=50)
    wait_until("the keeper shows them", lambda: len(desk.exchange.state(desk.account)["pending_orders"]) == 3)
    trip(desk.client, desk.account)
    done = completed(desk.gate, "account:mm-1")
    assert done["orders_canceled"] == 3 and done["positions_closed"] == 2, done
    assert done["completed_at"] and "last_error" not in done
    assert desk.exchange.positions(desk.account) == {}
    assert desk.exchange.state(desk.account)["pending_orders"] == []
    closes = desk.exchange.orders("gate-unwind-")
    assert all(close.reduce_only and close.state == state("FILLED") for close in closes)
    assert sorted((close.symbol, close.filled_quantity) for close in closes) == [("BTCUSDT", 7.5), ("ETHUSDT", 3.25)]
    status = desk.gate.command("status").stdout
    assert "orders canceled 3, positions closed 2" in status, status
    assert desk.gate.metric("gate_unwind_orders_canceled_total") == 3
    assert desk.gate.metric("gate_unwind_positions_closed_total") == 2
    assert desk.gate.metric("gate_unwind_failures_total") == 0
    assert desk.gate.metric("gate_unwind_active") == 0
    # Decided like any other: as reducing orders and cancels, which a stop lets pass.
    assert desk.gate.metric("gate_orders_total", decision="approved", action="cancel") == 3


def test_an_endpoint_that_falls_silent_is_not_sent_a_second_close_before_the_first_is_known(trading):
    desk = trading()
    desk.hold(BTCUSDT=5)
    desk.exchange.freeze()
    trip(desk.client, desk.account)
    wait_until("the outcome is unknown", lambda: desk.gate.metric("gate_unwind_failures_total", outcome="unknown"))
    assert not progress(desk.gate, "account:mm-1")["completed"]
    desk.exchange.thaw()
    done = completed(desk.gate, "account:mm-1")
    assert done["positions_closed"] == 1, done
    assert desk.exchange.positions(desk.account) == {}
    # Whether the first arrived or had to be repeated: as much was sold as was held.
    closes = desk.exchange.orders("gate-unwind-")
    assert sum(close.filled_quantity for close in closes) == 5, closes


# Before an endpoint and a market that the test writes itself.

def test_an_endpoint_that_is_down_is_waited_for(place):
    site = place(unwind())
    account, client = site.account(**HELD), site.client()
    site.endpoint.kill()
    trip(client, account)
    scope = f"account:{account}"
    wait_until("the status says why it does not go on", lambda: "UPSTREAM_UNAVAILABLE" in last_error(site.gate, scope))
    site.endpoint.start()
    wait_until("all of it has reached the endpoint", lambda: tuple(map(len, own_calls(site))) == (2, 2))
    site.market.account(account, **FLAT)
    done = completed(site.gate, scope)
    assert done["orders_canceled"] == 2 and done["positions_closed"] == 2 and "last_error" not in done
    cancels, closes = own_calls(site)
    assert sorted((cancel.order_id, cancel.symbol) for cancel in cancels) == [("o-1", "BTCUSDT"), ("o-2", "SOLUSDT")]
    assert len(closes) == 2 and all(close.reduce_only and close.user_id == account for close in closes)
    assert sorted((close.symbol, close.quantity) for close in closes) == [("BTCUSDT", 2), ("ETHUSDT", 1.5)]


def test_a_resumed_stop_is_unwound_no_further(place):
    site = place(unwind())
    account, client = site.account(**HELD), site.client()
    site.endpoint.kill()
    trip(client, account)
    scope = f"account:{account}"
    wait_until("it has tried", lambda: last_error(site.gate, scope))
    assert site.gate.command("resume", "--scope", scope, *RESUME).returncode == 0
    site.endpoint.start()
    site.gate.wait_until_ready()
    wait_until("orders pass", lambda: client.create(order(account)).ok)
    assert own_calls(site) == ([], [])
    assert not progress(site.gate, scope)["completed"]
    assert site.gate.metric("gate_unwind_active") == 0


def test_nothing_is_unwound_unless_the_configuration_says_so(place):
    site = place()
    account, client = site.account(**HELD), site.client()
    trip(client, account)
    wait_until("it is stopped", lambda: site.gate.metric("gate_stop_active", scope="account"))
    assert client.cancel().ok
    assert client.create(order(account, side="SELL", quantity=0.5, type="MARKET")).ok
    assert progress(site.gate, f"account:{account}") is None
    assert own_calls(site) == ([], [])


def test_a_person_s_stop_is_unwound_where_it_is_among_the_triggers(place):
    site = place(unwind(triggers="[person]"))
    by_rule, by_hand, client = site.account(**HELD), site.account(**HELD), site.client()
    trip(client, by_rule)
    wait_until("the rule's stop holds", lambda: site.gate.metric("gate_stop_active", scope="account"))
    assert client.create(order(by_hand, quantity=0.001)).ok
    assert site.gate.command("stop", "--scope", f"account:{by_hand}", "--reason", "drill").returncode == 0
    wait_until("it has reached the endpoint", lambda: len(own_calls(site)[1]) == 2)
    assert all(close.user_id == by_hand for close in own_calls(site)[1])
    site.market.account(by_hand, **FLAT)
    completed(site.gate, f"account:{by_hand}")
    assert progress(site.gate, f"account:{by_rule}") is None


def test_a_strategy_s_stop_says_that_it_cannot_be_unwound(place):
    site = place(unwind(triggers="[person]"))
    account, client = site.account(**HELD), site.client()
    assert client.create(order(account, quantity=0.001)).ok
    assert site.gate.command("stop", "--scope", "strategy:grid", "--reason", "drill").returncode == 0
    assert "not per strategy" in last_error(site.gate, "strategy:grid")
    assert own_calls(site) == ([], [])


def test_a_restart_goes_on(place):
    site = place(unwind())
    account, client = site.account(**HELD), site.client()
    site.endpoint.kill()
    trip(client, account)
    scope = f"account:{account}"
    wait_until("it has tried", lambda: last_error(site.gate, scope))
    site.gate.process.kill()
    site.endpoint.start()
    site.gate.start()
    wait_until("all of it has reached the endpoint", lambda: tuple(map(len, own_calls(site))) == (2, 2))
    site.market.account(account, **FLAT)
    done = completed(site.gate, scope)
    assert done["orders_canceled"] == 2 and done["positions_closed"] == 2
    site.gate.process.kill()
    site.gate.start()
    assert progress(site.gate, scope) == done
    assert tuple(map(len, own_calls(site))) == (2, 2)


def test_neither_identities_nor_the_number_of_connections_hold_it_up(tmp_path, place):
    bound = f"identity: [{{uid: {os.getuid()}, accounts: [\"mm-*\"]}}]\n"
    site = place(unwind() + bound, listen=f"unix:{tmp_path}/gate.sock", GATE_CONFIG_LIMITS_MAX_CONNECTIONS="1")
    account, client = site.account(**HELD), site.client()
    trip(client, account)
    wait_until("all of it has reached the endpoint", lambda: tuple(map(len, own_calls(site))) == (2, 2))
    site.market.account(account, **FLAT)
    completed(site.gate, f"account:{account}")


def test_a_drain_does_not_wait_for_it(place):
    site = place(unwind())
    account, client = site.account(**HELD), site.client()
    trip(client, account)
    wait_until("all of it has reached the endpoint", lambda: tuple(map(len, own_calls(site))) == (2, 2))
    client.close()
    site.gate.process.signal(signal.SIGTERM)
    assert site.gate.process.wait(8) == 0


def test_a_mapping_that_cannot_say_it_is_a_problem_at_start(place):
    file = place(unwind()).gate.file
    file.write_text(file.read_text().replace(f"orders: {MAPPING}", f"orders: {desk.MAPPING}"))
    ended = run_gate("run", "--config", str(file))
    assert ended.returncode == 64, ended
    said = ended.stdout + ended.stderr
    assert "desk.yaml:" in said and "reduce_only" in said and "no method of action cancel" in said, said
