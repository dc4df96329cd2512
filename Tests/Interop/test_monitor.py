"""The monitor: accounts are watched without orders, and people hear of what it finds."""

import json
import threading
import time

import pytest

from support.client import Client
from support.gate import Gate, write_rules
from support.orders import order
from support.waiting import wait_until

RULES = """\
rules:
  - id: daily-warning
    severity: soft
    metric: drawdown_daily
    max: 0.05
  - id: daily-limit
    metric: drawdown_daily
    max: 0.1
  - id: peak-stop
    severity: emergency
    metric: drawdown_max
    max: 0.5
    stop: account
  - id: order-value
    metric: order_notional
    max: 1000000
"""
BREAKER = "breaker: {violations: 3, rejects: 4, window: 1m}\n"


class Listener:
    """What Redis' channels said, with when it came."""

    def __init__(self, redis):
        self._subscription = redis.client().pubsub(ignore_subscribe_messages=True)
        self._subscription.psubscribe("risk.*")
        self.heard: list[tuple[float, str, dict]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while not self._ended.is_set():
            message = self._subscription.get_message(timeout=0.1)
            if message:
                self.heard.append((time.monotonic(), message["channel"].decode(), json.loads(message["data"])))

    def stop(self):
        self._ended.set()
        self._thread.join(5)
        self._subscription.close()

    def alerts(self, severity: str, account: str) -> list[dict]:
        return [what for _, channel, what in self.heard
                if channel == f"risk.alerts.{severity}" and what.get("account") == account]

    def metrics(self, account: str) -> list[tuple[float, dict]]:
        return [(when, what) for when, channel, what in self.heard
                if channel == "risk.metrics" and what["account_id"] == account]


@pytest.fixture
def watched(own_site, tmp_path):
    """A site whose rules bind accounts, and what its Redis says."""
    rules = tmp_path / "rules"
    write_rules(rules, RULES)
    site = own_site(rules=rules, more=BREAKER)
    listener = Listener(site.redis)
    yield site, listener
    listener.stop()


def known(site, **state) -> str:
    """An account that Gate has seen an order of, and so watches."""
    account = site.account("watched", equity=100_000, **state)
    assert site.client().create(order(account, quantity=0.001)).ok
    return account


def test_a_loss_is_alerted_once_by_its_severity_and_stops_by_an_emergency_rule(watched):
    site, listener = watched
    account = known(site)
    wait_until("the account's metrics are published", lambda: listener.metrics(account), 4)
    assert not listener.alerts("warning", account)
    site.market.account(account, equity=95_000)  # exactly at the bound of the warning
    count = len(listener.metrics(account))
    wait_until("two more looks", lambda: len(listener.metrics(account)) >= count + 2, 5)
    assert not listener.alerts("warning", account)
    site.market.account(account, equity=94_999)
    warning = wait_until("the warning", lambda: listener.alerts("warning", account), 4)[0]
    assert warning["rule"] == "daily-warning" and warning["metric"] == "drawdown_daily" and warning["bound"] == "0.05"
    assert not listener.alerts("critical", account)
    site.market.account(account, equity=80_000)
    critical = wait_until("the alert of the hard rule", lambda: listener.alerts("critical", account), 4)[0]
    assert critical["rule"] == "daily-limit" and critical["value"] == "0.2"
    site.market.account(account, equity=49_999)
    wait_until("the alert of the emergency rule", lambda: listener.alerts("emergency", account), 4)
    wait_until("the stop", lambda: site.gate.metric("gate_stop_active", scope="account") == 1, 4)
    assert site.client().create(order(account, quantity=0.001)).reason == "EMERGENCY_STOP_ACTIVE"
    count = len(listener.metrics(account))
    wait_until("two more looks", lambda: len(listener.metrics(account)) >= count + 2, 5)
    # Still broken, and within five minutes said once.
    assert [len(listener.alerts(severity, account)) for severity in ("warning", "critical")] == [1, 1]
    assert len([alert for alert in listener.alerts("emergency", account) if alert.get("rule") == "peak-stop"]) == 1


def test_metrics_of_an_account_are_published_each_second_and_shown(watched):
    site, listener = watched
    account = known(site, positions=[{"symbol": "BTCUSDT", "side": "LONG", "quantity": 2, "entry_price": 50_000,
                                      "current_price": 50_000, "margin": 0}])
    wait_until("four looks", lambda: len(listener.metrics(account)) >= 4, 8)
    times = [when for when, _ in listener.metrics(account)[:4]]
    assert 2 <= times[3] - times[0] <= 5
    wait_until("the order's part of the leverage",
               lambda: listener.metrics(account)[-1][1].get("leverage") is not None, 4)
    _, metrics = listener.metrics(account)[-1]
    assert metrics["total_equity"] == 100_000 and metrics["open_positions"] == 1
    assert 1 <= metrics["leverage"] < 1.01
    assert metrics["position_concentration"] == {"BTCUSDT": 1}
    assert site.gate.metric("gate_account_equity", account=account) == 100_000
    assert 1 <= site.gate.metric("gate_account_leverage", account=account) < 1.01
    assert ("gate_limit_utilization_ratio", frozenset({("rule", "daily-limit")})) in site.gate.metrics()


def test_the_breaker_stops_an_account_that_breaks_rules_again_and_again(watched):
    site, _ = watched
    account = known(site)

    def utilization() -> float:
        return site.gate.metric("gate_limit_utilization_ratio", rule="daily-limit")

    shown = ("gate_limit_utilization_ratio", frozenset({("rule", "daily-limit")}))
    wait_until("the account was seen to keep the rule", lambda: shown in site.gate.metrics(), 5)
    for round in range(3):
        assert site.gate.metric("gate_stop_active", scope="account") == 0
        site.market.account(account, equity=80_000)
        wait_until("the breach is seen", lambda: utilization() > 1, 5)
        if round < 2:
            site.market.account(account, equity=100_000)
            wait_until("the account keeps the rule again", lambda: utilization() == 0, 5)
    wait_until("the breaker's stop", lambda: site.gate.metric("gate_stop_active", scope="account") == 1, 4)
    assert site.gate.metric("gate_stops_total", trigger="breaker") == 1
    assert site.client().create(order(account, quantity=0.001)).reason == "EMERGENCY_STOP_ACTIVE"


def test_the_breaker_stops_a_strategy_whose_orders_rules_refuse(watched):
    site, _ = watched
    account, client = known(site), site.client()
    strategy = [("x-strategy-id", "runaway")]
    for _ in range(3):
        assert client.create(order(account, quantity=100), extra=strategy).reason == "ORDER_NOTIONAL_EXCEEDED"
    assert client.create(order(account, quantity=0.001), extra=strategy).ok
    assert client.create(order(account, quantity=100), extra=strategy).reason == "ORDER_NOTIONAL_EXCEEDED"
    refused = client.create(order(account, quantity=0.001), extra=strategy)
    assert refused.reason == "EMERGENCY_STOP_ACTIVE"
    assert client.create(order(account, quantity=0.001)).ok, "orders of no strategy go on"
    wait_until("the stop is kept", lambda: site.gate.metric("gate_stop_active", scope="strategy") == 1, 2)


def test_of_two_gates_one_speaks_for_an_account_and_the_other_when_it_dies(watched, tmp_path, measured):
    site, listener = watched
    (tmp_path / "second").mkdir()
    second = Gate(tmp_path / "second", site.endpoint.address, site.redis.port, site.gate.rules, more=BREAKER)
    second.file.write_text(second.file.read_text().replace("instance: interop", "instance: second"))
    second.start()
    try:
        account = known(site)
        other = Client(second.target)
        assert other.create(order(account, quantity=0.001)).ok
        wait_until("the account's metrics are published", lambda: len(listener.metrics(account)) >= 4, 10)
        speakers = {what["instance"] for _, what in listener.metrics(account)[1:]}
        assert len(speakers) == 1
        speaker = speakers.pop()
        (site.gate if speaker == "interop" else second).process.kill()
        killed = time.monotonic()
        heir = "second" if speaker == "interop" else "interop"
        taken = wait_until("the other speaks", lambda: [
            when for when, what in listener.metrics(account) if what["instance"] == heir and when > killed], 5)[0]
        measured(f"monitor: the other gate speaks {taken - killed:.1f} s after the first was killed")
        # Two seconds without a lease, and the next second's metrics.
        assert taken - killed < 3.5
        other.close()
    finally:
        second.stop()
