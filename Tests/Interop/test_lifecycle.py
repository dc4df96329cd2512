"""Start, drain, and an endpoint that comes and goes."""

import signal
import time

import grpc
import pytest

from support.client import refused
from support.orders import order
from support.process import accepts
from support.waiting import wait_until

Code = grpc.StatusCode


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_in_flight_is_finished_before_the_end(own_site, number):
    site = own_site()
    client, account = site.client(), site.account()
    held = [client.begin_create(order(account), {"hold": "drain"}),
            client.begin("/interop.Echo/Unary", b"x", {"hold": "drain"})]
    wait_until("both are at the endpoint", lambda: site.endpoint.waiting("drain") == 2)
    site.gate.process.signal(number)
    port = int(site.gate.target.rsplit(":", 1)[1])
    wait_until("nobody new is let in", lambda: not accepts(port), 5)
    assert site.gate.process.exit_code is None, "it left with calls in flight"
    site.endpoint.release("drain")
    order_answer, echo_answer = (pending() for pending in held)
    assert order_answer.ok and echo_answer.message == b"x"
    assert site.gate.process.wait(10) == 0


def test_an_idle_gate_ends_at_once(own_site, measured):
    site = own_site()
    assert site.client().create(order(site.account())).ok
    start = time.monotonic()
    site.gate.process.signal(signal.SIGTERM)
    assert site.gate.process.wait(5) == 0
    measured(f"an idle gate ended {time.monotonic() - start:.2f} s after SIGTERM")


def test_an_endpoint_that_is_down_is_said_to_be_and_found_again(own_site):
    site = own_site()
    client, account = site.client(), site.account()
    assert client.create(order(account)).ok
    site.endpoint.kill()

    def unavailable():
        answer = client.create(order(account))
        return answer if answer.reason else None
    answer = wait_until("Gate says so", unavailable, 5)
    refused(answer, "UPSTREAM_UNAVAILABLE", Code.UNAVAILABLE)
    start = time.monotonic()
    refused(client.create(order(account)), "UPSTREAM_UNAVAILABLE", Code.UNAVAILABLE)
    assert time.monotonic() - start < 0.5, "an order waited for an endpoint that is not there"
    assert client.cancel().code is Code.UNAVAILABLE
    wait_until("the gate is not ready", lambda: site.gate.get("/readyz")[0] == 503, 5)
    site.endpoint.start()
    wait_until("orders pass again", lambda: client.create(order(account)).ok, 10)
    assert client.cancel().ok
    site.gate.wait_until_ready()


def test_a_lost_order_is_said_to_be_lost(own_site):
    site = own_site()
    client, account = site.client(), site.account()
    pending = client.begin_create(order(account), {"hold": "never"})
    site.endpoint.call(pending.tag)
    site.endpoint.kill()
    refused(pending(), "OUTCOME_UNKNOWN", Code.UNKNOWN)
    wait_until("it is counted", lambda: site.gate.metric("gate_unknown_outcomes_total") == 1, 5)


def test_a_client_that_goes_leaves_nothing_behind(site, endpoint):
    def open_connections() -> float:
        return site.gate.metric("gate_connections", side="client")
    before = open_connections()
    client = site.client()
    pending = client.begin("/interop.Echo/Unary", b"x", {"hold": "never"})
    endpoint.call(pending.tag)
    wait_until("the connection is counted", lambda: open_connections() == before + 1, 5)
    client.close()
    wait_until("the endpoint hears of it", lambda: endpoint.call(pending.tag)["outcome"] == "cancelled", 5)
    wait_until("the connection is gone", lambda: open_connections() == before, 5)
