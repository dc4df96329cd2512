"""Many calls at once, and large messages."""

import collections
import hashlib
import os
import time

import pytest

from support import orders, rawframes
from support.frames import DATA, HEADERS, INITIAL_WINDOW_SIZE, Answer, Frame, Raw, data, head, message, window_update
from support.orders import order
from support.process import resident
from support.scripted import Scripted
from support.waiting import settled, wait_until

CALLS = 1000
LARGE = 64 << 20
#: Of memory, for a message of `LARGE` bytes.
BOUND = 16 << 20
UNARY, DOWN, BOTH = (f"/interop.Echo/{name}" for name in ("Unary", "Down", "Both"))


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
    pending = [clients[number % 10].begin(UNARY, str(number).encode(), timeout=60)
               for number in range(CALLS)]
    assert [call().message for call in pending] == [str(number).encode() for number in range(CALLS)]


@pytest.mark.parametrize("count", [100, 1000])
def test_streams_that_are_idle_for_a_second_go_on(site, count):
    streams = range(1, 2 * count, 2)
    with Raw(site.gate.target, settings=((INITIAL_WINDOW_SIZE, 1 << 20),)) as raw:
        raw.send(window_update(0, 1 << 20))
        raw.send(*(raw.headers(stream, head(BOTH)) + data(stream, message(str(stream).encode())) for stream in streams))
        heard = collections.defaultdict(bytes)
        ended = {}

        def take(got: Frame):
            fields = dict(raw.decoder.decode(got.payload)) if got.type == HEADERS else {}
            if got.type == DATA:
                heard[got.stream] += got.payload
            elif got.ends:
                ended[got.stream] = fields["grpc-status"]
        while len(heard) < count:
            take(raw.until(lambda got: got.type in (DATA, HEADERS)))
        assert heard == {stream: message(str(stream).encode()) for stream in streams} and not ended
        assert raw.is_quiet(1)
        raw.send(*(data(stream, end=True) for stream in streams))
        while len(ended) < count:
            take(raw.until(lambda got: got.type in (DATA, HEADERS)))
        assert heard == {stream: message(str(stream).encode()) + message(b"end") for stream in streams}
        assert set(ended.values()) == {"0"}


def test_a_message_of_64_mebibytes_waits_at_the_endpoint_for_a_slow_client(site):
    before = resident(site.gate.process.pid)
    most, seen, whole, ahead = before, 0, hashlib.sha256(), 65_535
    with Raw(site.gate.target) as raw:
        raw.send(raw.call(1, DOWN, b"", ("x-do", '{"count": 1, "size": %d}' % LARGE)))
        while seen < LARGE + 5:
            got = raw.until(lambda got: got.type == DATA)
            whole.update(got.payload)
            seen += len(got.payload)
            if seen == ahead:
                # All that was asked for has come: no more does.
                assert ahead > 65_535 or raw.is_quiet(0.3)
                most = max(most, resident(site.gate.process.pid))
                raw.send(window_update(0, 4 << 20) + window_update(1, 4 << 20))
                ahead += 4 << 20
        assert Answer(raw).status == "0"
    assert whole.digest() == hashlib.sha256(message(bytes(LARGE))).digest()
    assert most - before < BOUND


def test_a_message_of_64_mebibytes_waits_at_the_client_for_a_slow_endpoint(own_site):
    endpoint = Scripted()
    site = own_site(endpoint=endpoint)
    sent = os.urandom(LARGE)
    endpoint.script = lambda request: request.connection.send(rawframes.response(request.stream, b"taken"))
    before = resident(site.gate.process.pid)
    pending = site.client().begin(UNARY, sent, timeout=20)

    def arrived() -> int:
        return sum(len(body) for connection in endpoint.connections for body in list(connection.bodies.values()))
    wait_until("it begins", arrived)
    # One window, and not more, until the endpoint opens another.
    assert settled(arrived) <= 65_535
    assert resident(site.gate.process.pid) - before < BOUND
    connection, = (connection for connection in endpoint.connections if connection.bodies)
    stream, = connection.bodies
    connection.send(window_update(0, LARGE) + window_update(stream, LARGE))
    answer = pending()
    assert answer.ok and answer.message == b"taken"
    assert resident(site.gate.process.pid) - before < BOUND
    assert len(endpoint.seen(sent)) == 1
