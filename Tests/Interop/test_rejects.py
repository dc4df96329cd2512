"""What Gate refuses: the reason, its numbers, and that nothing reached the endpoint; beside each, what passes."""

import time
from dataclasses import dataclass, field

import grpc
import pytest

from support import orders
from support.client import refused
from support.orders import order
from support.waiting import wait_until

Code = grpc.StatusCode


def position(symbol: str, side: str, quantity: float) -> dict:
    price = orders.PRICES[symbol]
    return {"symbol": symbol, "side": side, "quantity": quantity, "entry_price": price, "current_price": price,
            "margin": quantity * price / 10}


def working(count: int) -> list[dict]:
    return [{"client_order_id": f"w-{n}", "order_id": f"o-{n}", "symbol": "BTCUSDT", "side": "BUY", "quantity": 0.001,
             "price": 49_000} for n in range(count)]


@dataclass
class Bound:
    """An order that meets its bound exactly, and the smallest change that breaks it."""
    rule: str
    reason: str
    metric: str
    within: dict
    beyond: dict
    value: str
    bound: str
    kind: str = "mm"
    state: dict = field(default_factory=dict)


BOUNDS = [
    Bound("order-value", "ORDER_NOTIONAL_EXCEEDED", "order_notional", {"symbol": "SOLUSDT", "quantity": 2500},
          {"quantity": 2500.01}, "250001", "250000"),
    Bound("bnb-size", "ORDER_QUANTITY_EXCEEDED", "order_quantity", {"symbol": "BNBUSDT", "quantity": 100},
          {"quantity": 100.001}, "100.001", "100"),
    Bound("price-collar", "PRICE_COLLAR_BREACHED", "price_deviation", {"price": 52_500}, {"price": 52_500.1},
          "0.050002", "0.05"),
    Bound("price-collar", "PRICE_COLLAR_BREACHED", "price_deviation", {"price": 47_500, "side": "SELL"},
          {"price": 47_499.9}, "0.050002", "0.05"),
    Bound("btc-position", "POSITION_LIMIT_EXCEEDED", "position_quantity", {"quantity": 4}, {"quantity": 4.001},
          "4.001", "4"),
    Bound("btc-position", "POSITION_LIMIT_EXCEEDED", "position_quantity", {"quantity": 1, "side": "SELL"},
          {"quantity": 1.001}, "4.001", "4", state={"positions": [position("BTCUSDT", "SHORT", 3)]}),
    Bound("eth-position", "POSITION_LIMIT_EXCEEDED", "position_notional", {"symbol": "ETHUSDT", "quantity": 80},
          {"quantity": 80.01}, "200025", "200000"),
    Bound("gross", "GROSS_EXPOSURE_EXCEEDED", "gross_exposure", {"quantity": 2.4}, {"quantity": 2.401}, "220050",
          "220000", "gross", {"positions": [position("ETHUSDT", "LONG", 40)]}),
    Bound("max-leverage", "LEVERAGE_EXCEEDED", "leverage", {"quantity": 0.2}, {"quantity": 0.201}, "10.05", "10",
          state={"equity": 1000}),
    Bound("single-name", "CONCENTRATION_EXCEEDED", "concentration", {"quantity": 0.4}, {"quantity": 0.401}, "2.005",
          "2", "conc", {"equity": 10_000}),
    Bound("min-margin-ratio", "MARGIN_RATIO_BELOW_MINIMUM", "margin_ratio", {"quantity": 0.1}, {"quantity": 0.101},
          "0.9950248756", "1", "ratio", {"equity": 1000, "margin_used": 500}),
    Bound("spare-margin", "INSUFFICIENT_MARGIN", "available_margin", {"quantity": 0.1}, {"quantity": 0.101}, "-5", "0",
          "margin", {"equity": 1000, "available_margin": 500}),
]


@pytest.mark.parametrize("case", BOUNDS, ids=lambda case: f"{case.reason}-{case.beyond}")
def test_a_bound_is_kept_to_the_last_digit(site, client, endpoint, case: Bound):
    account = site.account(case.kind, **case.state)
    first = refused(client.create(order(account, **{**case.within, **case.beyond})), case.reason,
                    Code.FAILED_PRECONDITION, endpoint)
    shown = {name: first.metadata[name] for name in ("rule", "metric", "value", "bound")}
    assert shown == {"rule": case.rule, "metric": case.metric, "value": case.value, "bound": case.bound}
    assert client.create(order(account, **case.within)).ok, "the order that meets the bound was refused"


MEMBERSHIPS = [
    ("SYMBOL_NOT_PERMITTED", "mm", {"symbol": "DOGEUSDT", "price": 0.1}, {}, []),
    ("ACCOUNT_NOT_PERMITTED", "blocked", {}, None, []),
    ("STRATEGY_NOT_PERMITTED", "mm", {}, {}, [("x-strategy-id", "retired")]),
    ("SIDE_NOT_PERMITTED", "longonly", {"side": "SELL"}, {"side": "BUY"}, []),
    ("ORDER_TYPE_NOT_PERMITTED", "mm", {"type": "STOP_MARKET", "stop_price": 51_000}, {"type": "MARKET"}, []),
    ("TIME_IN_FORCE_NOT_PERMITTED", "mm", {"time_in_force": "FOK"}, {"time_in_force": "IOC"}, []),
]


@pytest.mark.parametrize("reason,kind,outside,inside,metadata", MEMBERSHIPS, ids=[case[0] for case in MEMBERSHIPS])
def test_what_is_not_permitted_is_refused_by_name(site, client, endpoint, reason, kind, outside, inside, metadata):
    account = site.account(kind)
    refused(client.create(order(account, **outside), extra=metadata), reason, Code.PERMISSION_DENIED, endpoint)
    if inside is not None:
        assert client.create(order(account, **inside)).ok


def test_every_violation_is_listed_the_reason_first(site, client, endpoint):
    account = site.account(equity=1000)
    answer = client.create(order(account, quantity=6, price=55_000))
    refused(answer, "ORDER_NOTIONAL_EXCEEDED", Code.FAILED_PRECONDITION, endpoint)
    assert [violation.reason for violation in answer.violations] == [
        "ORDER_NOTIONAL_EXCEEDED", "PRICE_COLLAR_BREACHED", "LEVERAGE_EXCEEDED", "POSITION_LIMIT_EXCEEDED"]
    assert len({violation.metadata["decision_id"] for violation in answer.violations}) == 1


def test_the_text_says_what_exceeds_which_bound(site, client):
    answer = client.create(order(site.account(equity=1000), quantity=0.22))
    assert answer.details == "LEVERAGE_EXCEEDED: leverage 11 exceeds max 10 (rule max-leverage)"


def test_a_sell_is_valued_at_what_it_would_fetch(site, client, endpoint):
    answer = client.create(order(site.account(), "SOLUSDT", "SELL", quantity=2501, price=0.01))
    first = refused(answer, "ORDER_NOTIONAL_EXCEEDED", Code.FAILED_PRECONDITION, endpoint)
    assert first.metadata["value"] == "250100"


def test_a_market_order_is_valued_at_the_ask(site, client, endpoint):
    site.market.price("ADAUSDT", 100, bid_price=99, ask_price=101)
    account = site.account()
    beyond = order(account, "ADAUSDT", type="MARKET", quantity=2500)
    first = refused(client.create(beyond), "ORDER_NOTIONAL_EXCEEDED", Code.FAILED_PRECONDITION, endpoint)
    assert first.metadata["value"] == "252500"
    assert client.create(order(account, "ADAUSDT", type="MARKET", quantity=2475)).ok


def test_the_sixth_order_in_ten_seconds_is_refused(site, client, endpoint):
    account = site.account("rate")
    answers = [client.create(order(account)) for _ in range(6)]
    assert [answer.ok for answer in answers] == [True] * 5 + [False]
    first = refused(answers[-1], "ORDER_RATE_EXCEEDED", Code.RESOURCE_EXHAUSTED, endpoint)
    assert (first.metadata["value"], first.metadata["bound"]) == ("6", "5")
    assert client.cancel().ok, "a cancel is never throttled"


def test_a_client_order_id_is_good_once_per_account(site, client, endpoint):
    one, other = site.account(), site.account()
    client_order_id = orders.unique("same")
    too_large = order(one, quantity=6, client_order_id=client_order_id)
    refused(client.create(too_large), "ORDER_NOTIONAL_EXCEEDED", Code.FAILED_PRECONDITION, endpoint)
    assert client.create(order(one, client_order_id=client_order_id)).ok, "a refused order's id may come again"
    again = client.create(order(one, client_order_id=client_order_id))
    refused(again, "DUPLICATE_CLIENT_ORDER_ID", Code.ALREADY_EXISTS, endpoint)
    assert client.create(order(other, client_order_id=client_order_id)).ok
    assert client.create(order(one, client_order_id="")).ok
    assert client.create(order(one, client_order_id="")).ok, "no id is no duplicate"


def test_open_orders_count_those_in_the_snapshot_and_those_just_sent(site, client, endpoint):
    account = site.account("open", pending_orders=working(2))
    assert client.create(order(account)).ok
    first = refused(client.create(order(account)), "OPEN_ORDERS_EXCEEDED", Code.FAILED_PRECONDITION, endpoint)
    assert (first.metadata["value"], first.metadata["bound"]) == ("4", "3")


def test_daily_drawdown_at_and_beyond_its_bound(site, client, endpoint):
    kept = site.account("daily", equity=800, daily_start_equity=1000)
    broken = site.account("daily", equity=799.9, daily_start_equity=1000)
    assert client.create(order(kept, quantity=0.001)).ok
    first = refused(client.create(order(broken, quantity=0.001)), "DRAWDOWN_EXCEEDED", Code.FAILED_PRECONDITION,
                    endpoint)
    assert (first.metadata["value"], first.metadata["bound"]) == ("0.2001", "0.2")


def test_what_reduces_risk_passes_and_a_flip_does_not(site, client, endpoint):
    account = site.account(equity=1000, positions=[position("BTCUSDT", "LONG", 1)])
    refused(client.create(order(account, quantity=0.001)), "LEVERAGE_EXCEEDED", Code.FAILED_PRECONDITION, endpoint)
    refused(client.create(order(account, side="SELL", quantity=1.001)), "LEVERAGE_EXCEEDED", Code.FAILED_PRECONDITION,
            endpoint)
    assert client.create(order(account, side="SELL", quantity=1)).ok


def test_reduce_only_is_not_taken_on_trust(site, client, endpoint):
    flat, long = site.account(), site.account(positions=[position("BTCUSDT", "LONG", 1)])
    for account, quantity in ((flat, 0.001), (long, 1.001)):
        answer = client.create(order(account, side="SELL", quantity=quantity, reduce_only=True))
        refused(answer, "REDUCE_ONLY_WOULD_INCREASE", Code.FAILED_PRECONDITION, endpoint)
    assert client.create(order(long, side="SELL", quantity=1, reduce_only=True)).ok


def test_an_order_in_flight_counts_until_the_endpoint_refuses_it(site, client, endpoint):
    account = site.account(equity=1000)
    hold = orders.unique("hold")
    for end in ({"state": "REJECTED"}, {"status": Code.INVALID_ARGUMENT.value[0]}):
        pending = client.begin_create(order(account, quantity=0.2), {"hold": hold, **end})
        endpoint.call(pending.tag)
        refused(client.create(order(account, quantity=0.001)), "LEVERAGE_EXCEEDED", Code.FAILED_PRECONDITION, endpoint)
        endpoint.release(hold)
        pending()
        # Released: the whole bound is free again.
        hold = orders.unique("hold")
    assert client.create(order(account, quantity=0.2)).ok


def test_a_soft_rule_and_a_shadow_rule_count_and_let_pass(site, client):
    def counted(**labels) -> float:
        return site.gate.metric("gate_rule_violations_total", **labels)
    soft, shadow = {"rule": "large-orders", "severity": "soft"}, {"rule": "small-orders-one-day", "mode": "shadow"}
    before = counted(**soft), counted(**shadow)
    account = site.account("soft")
    assert client.create(order(account, quantity=1)).ok, "at the bound"
    assert client.create(order(account, quantity=1.001)).ok, "beyond it"
    wait_until("both violations are counted",
               lambda: (counted(**soft), counted(**shadow)) == (before[0] + 1, before[1] + 1))


def test_an_emergency_rule_stops_its_account_alone(site, client, endpoint):
    kept = site.account("deep", equity=750, peak_equity=1000)
    broken = site.account("deep", equity=749, peak_equity=1000)
    assert client.create(order(kept, quantity=0.001)).ok
    refused(client.create(order(broken, quantity=0.001)), "DRAWDOWN_EXCEEDED", Code.FAILED_PRECONDITION, endpoint)
    site.market.account(broken, equity=1000)
    # The stop holds although the account has recovered.
    wait_until("the account is stopped",
               lambda: client.create(order(broken, quantity=0.001)).reason == "EMERGENCY_STOP_ACTIVE")
    assert client.create(order(kept, quantity=0.001)).ok
    assert client.cancel().ok
    resumed = site.gate.command(
        "resume", "--scope", f"account:{broken}", "--authorized-by", "tests", "--reason", "done")
    assert resumed.returncode == 0, resumed.stderr
    wait_until("the account trades again", lambda: client.create(order(broken, quantity=0.001)).ok)


def test_of_a_flood_of_rejects_a_part_is_logged_and_the_rest_counted(own_site):
    site = own_site(GATE_CONFIG_LIMITS_LOGGED_REJECTS_BURST="3", GATE_CONFIG_LIMITS_LOGGED_REJECTS_PER_SECOND="1")
    client, account = site.client(), site.account()
    began = time.monotonic()

    def lines() -> int:
        return site.gate.process.log.count('"message":"order refused"')

    def left_out() -> float:
        return site.gate.metric("gate_log_lines_dropped_total")

    def refuse(count: int):
        for _ in range(count):
            assert client.create(order(account, quantity=1000)).reason == "ORDER_NOTIONAL_EXCEEDED"
    refuse(3)
    wait_until("as many as may be at once are logged", lambda: lines() == 3)
    assert left_out() == 0
    refuse(30)
    wait_until("each is logged or counted", lambda: lines() + left_out() == 33)
    assert lines() <= 3 + (time.monotonic() - began), "one a second more"
    assert left_out() > 0
    before = lines()
    wait_until("a later one is logged again", lambda: refuse(1) or lines() > before, every=0.2)
