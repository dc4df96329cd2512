"""What a running gate says of itself."""

import grpc

from support.client import refused
from support.orders import order
from support.waiting import wait_until


def test_health_and_readiness(site):
    assert site.gate.get("/healthz")[0] == 200
    assert site.gate.get("/readyz")[0] == 200
    assert site.gate.get("/nothing-here")[0] == 404


DECLARED = [
    "gate_decision_duration_seconds", "gate_added_latency_seconds", "gate_upstream_duration_seconds",
    "gate_orders_total", "gate_rule_violations_total", "gate_rule_set_info", "gate_rule_reloads_total",
    "gate_price_age_seconds", "gate_account_age_seconds", "gate_connections", "gate_stop_active", "gate_redis_up",
    "gate_upstream_up", "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds",
]


def test_every_metric_is_declared_with_help_and_type(site, client):
    assert client.create(order(site.account())).ok
    status, text = site.gate.get("/metrics")
    assert status == 200
    lines = text.splitlines()
    for name in DECLARED:
        assert any(line.startswith(f"# HELP {name} ") for line in lines), name
        assert any(line.startswith(f"# TYPE {name} ") for line in lines), name
    assert site.gate.metrics(), "a sample is given twice or cannot be read"


def test_orders_are_counted_by_decision_reason_and_action(site, client):
    def counts() -> dict[str, float]:
        metric = site.gate.metric
        return {
            "approved": metric("gate_orders_total", decision="approved", reason="none", action="create"),
            "rejected": metric("gate_orders_total", decision="rejected", reason="ORDER_NOTIONAL_EXCEEDED",
                               action="create"),
            "malformed": metric("gate_orders_total", decision="rejected", reason="ORDER_MALFORMED", action="create"),
            "cancels": metric("gate_orders_total", decision="approved", action="cancel"),
            "decided": metric("gate_decision_duration_seconds_count"),
            "violations": metric("gate_rule_violations_total", rule="order-value", severity="hard", mode="enforce"),
        }
    account, before = site.account(), counts()
    for _ in range(3):
        assert client.create(order(account)).ok
    for _ in range(2):
        refused(client.create(order(account, "SOLUSDT", quantity=3000)), "ORDER_NOTIONAL_EXCEEDED",
                grpc.StatusCode.FAILED_PRECONDITION)
    refused(client.create(order(account, quantity=-1)), "ORDER_MALFORMED", grpc.StatusCode.INVALID_ARGUMENT)
    assert client.cancel().ok
    expected = {"approved": 3, "rejected": 2, "malformed": 1, "cancels": 1, "decided": 5, "violations": 2}

    def counted() -> bool:
        now = counts()
        return {name: now[name] - before[name] for name in now} == expected
    wait_until(f"the counters have grown by {expected}", counted, 5)


def test_histograms_hold_together(site, client):
    assert client.create(order(site.account())).ok
    samples = site.gate.metrics()
    buckets = sorted((float(dict(labels)["le"]), value) for (name, labels), value in samples.items()
                     if name == "gate_decision_duration_seconds_bucket")
    assert len(buckets) == 19 and buckets[0][0] == 0.25e-6 and buckets[-1][0] == float("inf")
    assert all(lower[1] <= higher[1] for lower, higher in zip(buckets, buckets[1:]))
    assert buckets[-1][1] == samples["gate_decision_duration_seconds_count", frozenset()]
