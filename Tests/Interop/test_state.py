"""Prices and accounts that are missing, old, or out of reach."""

import signal
import time

import grpc
import pytest

from support.client import refused
from support.orders import order
from support.waiting import wait_until

Code = grpc.StatusCode
LONG = [{"symbol": "BTCUSDT", "side": "LONG", "quantity": 1, "entry_price": 50_000, "current_price": 50_000,
         "margin": 5000}]


def test_without_a_price_an_order_is_refused_until_there_is_one(site, client, endpoint):
    account = site.account()
    missing = order(account, "XRPUSDT", quantity=10, price=2)
    refused(client.create(missing), "PRICE_UNAVAILABLE", Code.FAILED_PRECONDITION, endpoint)
    site.market.price("XRPUSDT", 2)
    wait_until("the price has arrived", lambda: client.create(order(account, "XRPUSDT", quantity=10, price=2)).ok, 2)
    site.market.forget("XRPUSDT")
    wait_until("the price has gone", lambda: client.create(
        order(account, "XRPUSDT", quantity=10, price=2)).reason == "PRICE_UNAVAILABLE", 2)


def test_without_an_account_an_order_is_refused_until_there_is_one(site, client, endpoint):
    name = site.account()
    site.market.forget(name)
    refused(client.create(order(name)), "ACCOUNT_UNKNOWN", Code.FAILED_PRECONDITION, endpoint)
    site.market.account(name)
    wait_until("the account has arrived", lambda: client.create(order(name)).ok, 2)


def test_a_price_that_is_no_longer_written_grows_stale(site, client, endpoint):
    account = site.account()
    site.market.price("ADAUSDT", 100)
    wait_until("the price is there", lambda: client.create(order(account, "ADAUSDT", price=100)).ok, 2)
    site.market.freeze("ADAUSDT")
    try:
        wait_until("the price is stale", lambda: not client.create(order(account, "ADAUSDT", price=100)).ok, 1.5)
        refused(client.create(order(account, "ADAUSDT", price=100)), "PRICE_STALE", Code.FAILED_PRECONDITION, endpoint)
    finally:
        site.market.thaw("ADAUSDT")
    wait_until("the price is fresh", lambda: client.create(order(account, "ADAUSDT", price=100)).ok, 2)


def test_a_stale_account_lets_only_reducing_orders_pass(site, client, endpoint):
    account = site.account(positions=LONG)
    assert client.create(order(account)).ok
    site.market.freeze(account)
    wait_until("the account is stale", lambda: not client.create(order(account, quantity=0.001)).ok, 3)
    refused(client.create(order(account)), "ACCOUNT_STALE", Code.FAILED_PRECONDITION, endpoint)
    assert client.create(order(account, side="SELL", quantity=0.5)).ok
    site.market.thaw(account)
    wait_until("the account is fresh", lambda: client.create(order(account)).ok, 2)


@pytest.mark.parametrize("value", [{"equity": "many"}, {"positions": [*LONG, {**LONG[0], "side": "SHORT"}]},
                                   {"equity": 1e30}], ids=["text", "both sides", "out of range"])
def test_a_refused_account_counts_as_stale(site, client, endpoint, value):
    account = site.account()
    assert client.create(order(account)).ok
    site.market.account(account, **value)
    wait_until("the value is refused", lambda: client.create(order(account)).reason == "ACCOUNT_STALE", 2)


def test_a_change_of_account_decides_the_next_orders(site, client, endpoint, measured):
    account = site.account(equity=1000)
    took = []
    for equity in (5000, 1000, 5000, 1000, 5000):
        refusing = equity == 1000
        start = time.monotonic()
        site.market.account(account, equity=equity)
        wait_until("the new equity decides", lambda: (client.create(
            order(account, quantity=0.9, symbol="BTCUSDT", price=50_000), {"state": "REJECTED"}).ok) != refusing, 1, 0)
        took.append(time.monotonic() - start)
    measured(f"a changed account decided after {', '.join(f'{seconds * 1000:.1f}' for seconds in took)} ms")


@pytest.mark.parametrize("way", ["killed", "frozen"])
def test_without_redis_risk_is_refused_within_max_age_and_cancels_pass(own_site, way, measured):
    site = own_site(price_age="500ms", account_age="500ms")
    client, account, long = site.client(), site.account(), site.account(positions=LONG)
    assert client.create(order(account)).ok and client.create(order(long)).ok
    redis = site.redis.process
    start = time.monotonic()
    redis.kill() if way == "killed" else redis.signal(signal.SIGSTOP)
    wait_until("orders are refused", lambda: not client.create(order(account)).ok, 1)
    took = time.monotonic() - start
    measured(f"with redis-server {way}, orders were refused after {took * 1000:.0f} ms (max_age 500)")
    reasons = {"STATE_UNAVAILABLE"} if way == "killed" else {"STATE_UNAVAILABLE", "PRICE_STALE", "ACCOUNT_STALE"}
    answer = client.create(order(account))
    assert answer.reason in reasons
    refused(answer, answer.reason, Code.FAILED_PRECONDITION, site.endpoint)
    assert client.cancel().ok
    assert client.create(order(long, side="SELL", quantity=0.5)).ok, "a reducing order passes"
    assert client.unary("/interop.Echo/Unary", b"x").ok
    wait_until("the gate is not ready", lambda: site.gate.get("/readyz")[0] == 503, 3)
    site.redis.start() if way == "killed" else redis.signal(signal.SIGCONT)
    wait_until("orders pass again", lambda: client.create(order(account)).ok, 5)
    site.gate.wait_until_ready()


def test_redis_down_at_start_is_no_error(own_site):
    site = own_site()
    site.gate.stop()
    site.redis.process.kill()
    site.gate.start(ready=False)
    assert site.gate.get("/readyz")[0] == 503
    client, account = site.client(), "mm-later"
    wait_until("an order is refused for that", lambda: client.create(order(account)).reason == "STATE_UNAVAILABLE", 5)
    assert client.cancel().ok
    site.redis.start()
    site.market.account(account)
    wait_until("orders pass", lambda: client.create(order(account)).ok, 5)


def test_an_account_that_takes_many_reads_is_known_whole(site, client):
    account = site.account(note="n" * 300_000, equity=1000)
    assert client.create(order(account, quantity=0.001)).ok
    refused(client.create(order(account, quantity=1)), "LEVERAGE_EXCEEDED", Code.FAILED_PRECONDITION)
