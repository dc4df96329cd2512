"""Returns in Redis, and the value that a refused order names: held against numpy."""

from decimal import Decimal
from statistics import NormalDist

import grpc
import numpy
import pytest

from support.client import refused
from support.gate import write_rules
from support.orders import order
from support.waiting import wait_until

Code = grpc.StatusCode
REASONS = {"value_at_risk": "VALUE_AT_RISK_EXCEEDED", "expected_shortfall": "EXPECTED_SHORTFALL_EXCEEDED"}
METHODS = ("historical", "parametric")
CONFIDENCES = ("0.9", "0.95", "0.975", "0.99")
CASES = [(metric, method, confidence) for metric in REASONS for method in METHODS for confidence in CONFIDENCES]
# A value is shown, and held against its bound, to the nearest 10^-10.
STEP = 1e-10


def account_of(metric: str, method: str, confidence: str) -> str:
    return f"{metric}-{method}-{confidence}"


@pytest.fixture(scope="module")
def distribution_site(tmp_path_factory, request):
    """One rule for each metric, method and confidence, each about an account of its own."""
    from conftest import Site
    directory = tmp_path_factory.mktemp("distribution")
    rules = "rules:\n  - {id: clip, metric: order_quantity, max: 1000}\n" + "".join(
        f"  - {{id: r-{place}, metric: {metric}, method: {method}, confidence: {confidence}, max: 0.0001, "
        f"applies_to: {{accounts: [\"{account_of(metric, method, confidence)}\"]}}}}\n"
        for place, (metric, method, confidence) in enumerate(CASES))
    write_rules(directory / "rules", rules)
    site = Site(directory, rules=directory / "rules")
    request.addfinalizer(site.stop)
    return site


def by_numpy(metric: str, method: str, confidence: str, returns: numpy.ndarray) -> float:
    tail = float(1 - Decimal(confidence))
    if method == "parametric":
        z = NormalDist().inv_cdf(tail)
        mean, deviation = numpy.mean(returns), numpy.std(returns, ddof=1)
        loss = -(mean + z * deviation) if metric == "value_at_risk" else deviation * NormalDist().pdf(z) / tail - mean
    else:
        quantile = numpy.quantile(returns, tail)
        loss = -quantile if metric == "value_at_risk" else -numpy.mean(returns[returns <= quantile])
    return max(0.0, float(loss))


@pytest.mark.parametrize("metric, method, confidence", CASES)
def test_the_value_is_that_of_numpy_as_returns_arrive(distribution_site, metric, method, confidence):
    site = distribution_site
    client, account = site.client(), account_of(metric, method, confidence)
    random = numpy.random.default_rng(7)
    # A number that no rank falls on exactly; then more than are kept, of which the latest count.
    returns = random.standard_t(4, 1302) * 0.01
    seen = None
    for count in (303, 304, 320, 998, 1302):
        shown = [float(value) for value in returns[:count]]
        site.market.account(account, returns=shown)
        expected = by_numpy(metric, method, confidence, returns[max(0, count - 1000):count])

        def decided() -> bool:
            nonlocal seen
            seen = client.create(order(account))
            # At first there may be none, or the ones before.
            return (seen.reason == REASONS[metric]
                    and abs(float(seen.violations[0].metadata["value"]) - expected) <= STEP)
        wait_until(f"{count} returns decide: {expected}", decided, 3)
        refused(seen, REASONS[metric], Code.FAILED_PRECONDITION)


def test_with_too_few_returns_the_input_is_missing(distribution_site):
    site = distribution_site
    client, account = site.client(), account_of("value_at_risk", "historical", "0.95")
    site.market.account(account, returns=[-0.01] * 29)
    wait_until("29 returns are too few", lambda: client.create(order(account)).reason == "INPUT_MISSING", 3)
    site.market.account(account, returns=[-0.01] * 30)
    wait_until("30 are enough", lambda: client.create(order(account)).reason == "VALUE_AT_RISK_EXCEEDED", 3)
