"""Many calls at once."""

import time

from support import orders
from support.orders import order
from support.waiting import wait_until

CALLS = 1000


def test_a_thousand_orders_in_flight_on_one_connection(site, endpoint, measured):
    client = site.client()
    account = site.account()
    hold = orders.unique("hold")
    start = time.monotonic()
    pending = [client.begin_create(order(account, quantity=0.001), {"hold": hold}, timeout=60) for _ in range(CALLS)]
    wait_until(f"{CALLS} orders are at the endpoint", lambda: endpoint.waiting(hold) == CALLS, 40, every=0.05)
    endpoint.release(hold)
    answers = [call() for call in pending]
    assert [answer for answer in answers if not answer.ok] == []
    sent = {call["tag"]: call for call in endpoint.calls()}
    # Each caller has its own answer, not a neighbour's.
    assert all(answer.message.hex() == sent[answer.tag]["answer"] for answer in answers)
    assert len({answer.created().order_id for answer in answers}) == CALLS
    measured(f"{CALLS} orders in flight at once, all answered after {time.monotonic() - start:.2f} s")


def test_a_thousand_calls_that_pass_over_ten_connections(site):
    clients = [site.client() for _ in range(10)]
    pending = [clients[number % 10].begin("/interop.Echo/Unary", str(number).encode(), timeout=60)
               for number in range(CALLS)]
    assert [call().message for call in pending] == [str(number).encode() for number in range(CALLS)]
