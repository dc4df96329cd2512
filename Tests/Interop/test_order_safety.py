"""What becomes of an order when the endpoint, or the connection to it, fails at any point: it is sent at most twice, the second time
only where the first provably was not processed, and the ledger keeps what may have been."""

import threading
import time

import grpc
import pytest

from support import orders, rawframes
from support.client import refused
from support.frames import Raw
from support.rawframes import RawClient
from support.orders import order
from support.scripted import Scripted, accept, accepted, ignore, reset_with
from support.waiting import wait_until

Code = grpc.StatusCode
REFUSE = reset_with(rawframes.REFUSED_STREAM)


class Ledger:
    """How much the gate's counts have changed since this was made."""

    def __init__(self, gate):
        self._gate = gate
        self._before = self._read()

    def _read(self) -> dict[str, float]:
        gate = self._gate
        return {"unknown": gate.metric("gate_unknown_outcomes_total"), "resent": gate.metric("gate_resent_calls_total"),
                "approved": gate.metric("gate_orders_total", decision="approved", action="create"),
                "rejected": gate.metric("gate_orders_total", decision="rejected")}

    def changed(self) -> dict[str, float]:
        return {name: value - self._before[name] for name, value in self._read().items() if value != self._before[name]}

    def in_flight(self) -> float:
        return self._gate.metric("gate_reservations", state="in_flight")


@pytest.fixture
def ledger(scripted):
    return Ledger(scripted.gate)


@pytest.fixture
def client(scripted):
    client = scripted.client()
    yield client
    client.close()


def reserved(gate) -> float:
    return gate.metric("gate_reservations")


def test_a_refused_order_is_sent_once_more_with_the_same_bytes(scripted, client, ledger):
    scripted.endpoint.first = [REFUSE]
    sent = order(scripted.account())
    assert client.create(sent).created().order_id
    assert len(scripted.endpoint.seen(sent.SerializeToString())) == 2
    assert ledger.changed() == {"resent": 1, "approved": 1}
    assert ledger.in_flight() == 0


def test_a_second_refusal_is_the_last_and_releases(scripted, client, ledger):
    scripted.endpoint.script = REFUSE
    before = reserved(scripted.gate)
    sent = order(scripted.account())
    refused(client.create(sent), "UPSTREAM_UNAVAILABLE", Code.UNAVAILABLE)
    assert len(scripted.endpoint.seen(sent.SerializeToString())) == 2
    assert ledger.changed() == {"resent": 1, "approved": 1}
    wait_until("it is released", lambda: reserved(scripted.gate) <= before)
    # Its id may come again.
    scripted.endpoint.script = accept
    assert client.create(sent).ok


def test_a_refused_cancel_is_sent_once_more(scripted, client, ledger):
    scripted.endpoint.first = [REFUSE]
    cancel = orders.CancelOrderRequest(order_id=orders.unique("x"), symbol="BTCUSDT")
    assert client.cancel(cancel.order_id).ok
    assert len(scripted.endpoint.seen(cancel.SerializeToString())) == 2
    assert ledger.changed() == {"resent": 1}


@pytest.mark.parametrize("code", [*(code for code in range(14) if code != rawframes.REFUSED_STREAM), 0xDEAD])
def test_any_other_reset_leaves_the_outcome_unknown(scripted, client, ledger, code):
    scripted.endpoint.script = reset_with(code)
    sent = order(scripted.account())
    refused(client.create(sent), "OUTCOME_UNKNOWN", Code.UNKNOWN)
    assert len(scripted.endpoint.seen(sent.SerializeToString())) == 1
    assert ledger.changed() == {"approved": 1, "unknown": 1}
    assert ledger.in_flight() == 0
    scripted.endpoint.script = accept
    # The reservation stays: the same order again would be its duplicate.
    refused(client.create(sent), "DUPLICATE_CLIENT_ORDER_ID", Code.ALREADY_EXISTS)


def test_a_refusal_after_an_answer_has_begun_leaves_the_outcome_unknown(scripted, client, ledger):
    def begin_and_refuse(request):
        answer = rawframes.response(request.stream, accepted())
        head = 9 + int.from_bytes(answer[:3], "big")
        request.connection.send(answer[:head] + rawframes.reset(request.stream, rawframes.REFUSED_STREAM))
    scripted.endpoint.script = begin_and_refuse
    sent = order(scripted.account())
    answer = client.create(sent)
    assert answer.code in (Code.INTERNAL, Code.UNKNOWN, Code.UNAVAILABLE) and answer.reason is None
    assert len(scripted.endpoint.seen(sent.SerializeToString())) == 1
    assert ledger.changed() == {"approved": 1, "unknown": 1}


def test_only_what_is_above_the_last_stream_of_a_goaway_is_sent_again(scripted, client, ledger):
    held = []
    scripted.endpoint.script = held.append
    account = scripted.account()
    sent = [order(account) for _ in range(5)]
    pending = []
    for each in sent:
        pending.append(client.begin_create(each))
        scripted.endpoint.wait_for(each.SerializeToString())
    scripted.endpoint.script = accept
    connection, middle = held[0].connection, held[2].stream
    connection.send(rawframes.goaway(middle))
    assert all(pending[place]().ok for place in (3, 4)), "those above it go to another connection"
    for request in held[:3]:
        accept(request)
    assert all(call().ok for call in pending[:3])
    counts = [len(scripted.endpoint.seen(each.SerializeToString())) for each in sent]
    assert counts == [1, 1, 1, 2, 2]
    again = [scripted.endpoint.seen(each.SerializeToString())[1] for each in sent[3:]]
    assert again[0].connection is not connection and again[0].stream < again[1].stream, "in the order of the first time"
    assert ledger.changed() == {"resent": 2, "approved": 5}
    # New orders leave the old connection alone.
    assert client.create(order(account)).ok
    assert connection.calls == 5


def test_a_refused_order_is_decided_again(scripted, client, ledger):
    held = []
    scripted.endpoint.script = held.append
    account = scripted.account()
    sent = order(account)
    pending = client.begin_create(sent)
    scripted.endpoint.wait_for(sent.SerializeToString())
    assert scripted.gate.command("stop", "--reason", "between", "--scope", f"account:{account}").returncode == 0
    REFUSE(held[0])
    refused(pending(), "EMERGENCY_STOP_ACTIVE", Code.FAILED_PRECONDITION)
    assert len(scripted.endpoint.seen(sent.SerializeToString())) == 1
    assert ledger.changed() == {"approved": 1}
    assert ledger.in_flight() == 0


def test_an_order_is_not_sent_again_behind_its_own_cancel(scripted, client, ledger):
    held = []
    scripted.endpoint.first = [held.append, accept]
    sent = order(scripted.account())
    pending = client.begin_create(sent)
    scripted.endpoint.wait_for(sent.SerializeToString())
    # This endpoint takes the client's id for the order's.
    assert client.cancel(sent.client_order_id).ok
    REFUSE(held[0])
    refused(pending(), "UPSTREAM_UNAVAILABLE", Code.UNAVAILABLE)
    assert len(scripted.endpoint.seen(sent.SerializeToString())) == 1
    assert ledger.changed() == {"approved": 1}


def test_another_orders_cancel_does_not_keep_an_order_from_being_sent_again(scripted, client):
    held = []
    scripted.endpoint.first = [held.append, accept]
    sent = order(scripted.account())
    pending = client.begin_create(sent)
    scripted.endpoint.wait_for(sent.SerializeToString())
    assert client.cancel("x-other").ok
    REFUSE(held[0])
    assert pending().ok
    assert len(scripted.endpoint.seen(sent.SerializeToString())) == 2


@pytest.mark.parametrize("window", [65_535, 10], ids=["at once", "through a small window"])
def test_a_cancel_does_not_overtake_the_order_before_it(own_site, window):
    endpoint = Scripted()
    endpoint.settings = {rawframes.MAX_CONCURRENT_STREAMS: 100, rawframes.INITIAL_WINDOW_SIZE: window}
    site = own_site(endpoint=endpoint)
    raw = RawClient(site.gate.target)
    # Of an account that Gate has to ask for first, so that the order waits.
    sent = order(site.account(), client_order_id="c" * 60).SerializeToString()
    cancel = orders.CancelOrderRequest(order_id="x").SerializeToString()
    raw.send(rawframes.request(1, orders.CREATE, sent) + rawframes.request(3, orders.CANCEL, cancel))
    connection = wait_until("the order is on its way", lambda: endpoint.connections and next(
        (each for each in endpoint.connections if each.bodies), None))
    if window < len(sent):
        wait_until("a window of it is there", lambda: len(connection.bodies[1]) == window)
        assert list(connection.bodies) == [1], "the cancel has not waited"
        connection.send(rawframes.frame(rawframes.WINDOW_UPDATE, 0, 1, (10_000).to_bytes(4, "big")))
    endpoint.wait_for(cancel)
    assert [request.body for request in endpoint.requests] == [rawframes.message(sent), rawframes.message(cancel)]
    raw.close()


def test_a_call_that_passes_unread_hears_that_it_was_refused(scripted):
    scripted.endpoint.script = REFUSE
    raw = RawClient(scripted.gate.target)
    raw.send(rawframes.request(1, orders.GET, b""))
    assert raw.until(rawframes.RST_STREAM, 1).code == rawframes.REFUSED_STREAM
    raw.close()


# The connection cut at each byte.


def cut_at_each_byte(scripted, client, ledger, total: int, cut):
    """Calls `cut(k)` before order k, for k in 0 to total; nothing may be told of any but that it is lost."""
    account = scripted.account()
    for place in range(total):
        cut(place)
        sent = order(account, quantity=0.001)
        answer = client.create(sent)
        yield place, sent, answer
        assert len(scripted.endpoint.seen(sent.SerializeToString())) <= 1, f"sent again after a cut at byte {place}"
    assert ledger.in_flight() == 0
    assert ledger.changed() == {"approved": total, "unknown": total}


def test_a_connection_cut_while_the_order_is_read_leaves_its_outcome_unknown(scripted, client):
    endpoint = scripted.endpoint
    # How many bytes the first call of a connection is.
    endpoint.bytes_to_read = plenty = 1_000_000
    assert client.create(order(scripted.account(), quantity=0.001)).ok
    size = plenty - endpoint.bytes_to_read
    assert 150 < size < 1000
    # Ids grow by a digit now and then.
    slack = 8
    endpoint.bytes_to_read = None
    endpoint.requests[-1].connection.close()

    def cut(place: int):
        endpoint.bytes_to_read = None
        scripted.gate.wait_until_ready()
        endpoint.bytes_to_read = place
    for place, sent, answer in cut_at_each_byte(scripted, client, Ledger(scripted.gate), size - slack, cut):
        refused(answer, "OUTCOME_UNKNOWN", Code.UNKNOWN)
        assert endpoint.seen(sent.SerializeToString()) == [], place
    endpoint.bytes_to_read = None


@pytest.mark.parametrize("abruptly", [False, True], ids=["closed", "reset"])
def test_a_connection_cut_while_the_answer_is_written_leaves_the_outcome_unknown(scripted, client, ledger, abruptly):
    whole = rawframes.response(1, accepted())
    head = 9 + int.from_bytes(whole[:3], "big")

    def cut(place: int):
        def answer_a_part(request):
            request.connection.send(rawframes.response(request.stream, accepted())[:place])
            # What was written must be read before the reset, which would take it away.
            request.connection.close(abruptly and place < head)
        scripted.endpoint.script = answer_a_part
    step = 5 if abruptly else 1
    places = list(range(0, len(whole) - 12, step))
    for index, _, answer in cut_at_each_byte(scripted, client, ledger, len(places), lambda index: cut(places[index])):
        if places[index] < head:
            refused(answer, "OUTCOME_UNKNOWN", Code.UNKNOWN)
        else:
            assert answer.reason is None and not answer.ok, (places[index], answer)


# Limits and time.


@pytest.mark.parametrize("limit", [0, 1])
def test_a_stream_over_the_endpoints_limit_is_refused_at_once(own_site, limit):
    endpoint = Scripted()
    endpoint.settings = {rawframes.MAX_CONCURRENT_STREAMS: limit}
    endpoint.script = ignore
    site = own_site(endpoint=endpoint)
    account = site.account()
    bodies = [order(account).SerializeToString() for _ in range(limit + 1)]
    # Not acknowledging the gate's settings, this client opens more streams than it is offered.
    raw = RawClient(site.gate.target)
    for place, body in enumerate(bodies):
        raw.send(rawframes.request(2 * place + 1, orders.CREATE, body))
    if limit == 0:
        assert raw.until(rawframes.RST_STREAM, 1).code == rawframes.REFUSED_STREAM
    else:
        # An eighth of the streams, at least one, is for cancels; of a single one nothing is left for that.
        assert raw.until(rawframes.RST_STREAM, 3).code == rawframes.REFUSED_STREAM
        endpoint.wait_for(bodies[0])
    assert endpoint.seen(bodies[-1]) == []
    raw.close()


def orders_in_flight(raw: RawClient, endpoint: Scripted, account: str, count: int):
    for place in range(count):
        body = order(account).SerializeToString()
        raw.send(rawframes.request(2 * place + 1, orders.CREATE, body))
        endpoint.wait_for(body)


@pytest.mark.parametrize("lowered", [False, True], ids=["from the beginning", "lowered under way"])
def test_an_order_that_finds_the_orders_streams_taken_is_refused_at_once_and_never_sent(own_site, lowered):
    endpoint = Scripted()
    endpoint.script = ignore
    if not lowered:
        endpoint.settings = {rawframes.MAX_CONCURRENT_STREAMS: 8}
    site = own_site(endpoint=endpoint)
    account = site.account()
    raw = RawClient(site.gate.target)
    orders_in_flight(raw, endpoint, account, 7)
    if lowered:
        endpoint.requests[0].connection.send(rawframes.settings({rawframes.MAX_CONCURRENT_STREAMS: 8}))
        while limits(raw.until(rawframes.SETTINGS)).get(rawframes.MAX_CONCURRENT_STREAMS) != 8:
            pass
    last = order(account).SerializeToString()
    raw.send(rawframes.request(15, orders.CREATE, last))
    assert raw.until(rawframes.HEADERS, 15).flags & rawframes.END_STREAM
    assert site.gate.metric("gate_orders_total", reason="IN_FLIGHT_LIMIT") == 1
    # The eighth is a cancel's.
    cancel = orders.CancelOrderRequest(order_id="x-1", symbol="BTCUSDT").SerializeToString()
    raw.send(rawframes.request(17, orders.CANCEL, cancel))
    endpoint.wait_for(cancel)
    assert endpoint.seen(last) == []
    raw.close()


def limits(frame: rawframes.Frame) -> dict[int, int]:
    return {int.from_bytes(frame.payload[place:place + 2], "big"): int.from_bytes(frame.payload[place + 2:place + 6], "big")
            for place in range(0, len(frame.payload), 6)}


def test_an_endpoint_that_is_silent_is_given_up_and_heard_no_more(own_site):
    endpoint = Scripted()
    held = []
    endpoint.first = [held.append]
    site = own_site(endpoint=endpoint, GATE_CONFIG_LIMITS_REQUEST_TIMEOUT="300ms")
    client, account = site.client(), site.account()
    sent = order(account)
    started = time.monotonic()
    refused(client.create(sent), "OUTCOME_UNKNOWN", Code.UNKNOWN)
    assert 0.3 <= time.monotonic() - started < 2
    connection = held[0].connection
    wait_until("the endpoint hears of it", lambda: connection.resets.get(held[0].stream) == rawframes.CANCEL)
    # The answer that comes after all changes nothing, and the connection goes on.
    accept(held[0])
    assert client.create(order(account)).ok
    assert connection.calls == 2
    assert site.gate.metric("gate_reservations", state="unknown") == 1
    assert site.gate.metric("gate_unknown_outcomes_total") == 1
    assert len(endpoint.seen(sent.SerializeToString())) == 1


def test_a_callers_deadline_passes_on_to_the_endpoint_and_leaves_the_outcome_unknown(scripted, client, ledger):
    held = []
    scripted.endpoint.script = held.append
    sent = order(scripted.account())
    answer = client.create(sent, timeout=0.2)
    assert answer.code in (Code.DEADLINE_EXCEEDED, Code.UNKNOWN)
    wait_until("the endpoint hears of it", lambda: held and held[0].stream in held[0].connection.resets)
    wait_until("it is unknown", lambda: ledger.changed() == {"approved": 1, "unknown": 1})
    # Refused only now: nobody waits for it, so it is not sent again.
    REFUSE(held[0])
    scripted.endpoint.script = accept
    assert client.create(order(scripted.account())).ok
    assert len(scripted.endpoint.seen(sent.SerializeToString())) == 1


def test_an_endpoint_that_takes_no_bytes_gets_no_order_late(own_site):
    endpoint = Scripted()
    endpoint.settings = {rawframes.INITIAL_WINDOW_SIZE: 0x7FFFFFFF}
    site = own_site(endpoint=endpoint)
    client, account = site.client(), site.account()
    assert client.create(order(account)).ok
    connection = endpoint.requests[0].connection
    connection.send(rawframes.frame(rawframes.WINDOW_UPDATE, 0, 0, (0x7FFF0000).to_bytes(4, "big")))
    endpoint.bytes_to_read = None

    def stop_reading(request):
        released.wait(20)
    released = threading.Event()
    endpoint.first = [stop_reading]
    blocker = client.begin("/interop.Echo/Unary", b"x")
    endpoint.wait_for(b"x")
    upload = client.channel.unary_unary("/interop.Echo/Unary").future(bytes(32 << 20), timeout=20)
    sent = None

    def unavailable():
        nonlocal sent
        sent = order(account)
        answer = client.create(sent, timeout=0.6)
        return answer if answer.reason == "UPSTREAM_UNAVAILABLE" else None
    # While the socket still takes bytes an order is sent, and not answered; once it does not, orders are refused.
    answer = wait_until("an order is refused", unavailable, 10)
    refused(answer, "UPSTREAM_UNAVAILABLE", Code.UNAVAILABLE)
    released.set()
    upload.cancel()
    blocker.call.cancel()
    assert endpoint.seen(sent.SerializeToString()) == []


def test_an_order_whose_deadline_has_passed_is_refused_unsent_and_in_time_it_passes(scripted, ledger):
    sent = order(scripted.account()).SerializeToString()
    with Raw(scripted.gate.target) as raw:
        raw.send(raw.call(1, orders.CREATE, sent, ("grpc-timeout", "1n")))
        answer = raw.until(lambda got: got.type == rawframes.HEADERS and got.stream == 1)
        assert answer.ends
        told = raw.fields(answer)
        assert told["x-gate-reason"] == "DEADLINE_EXCEEDED"
        assert told["grpc-status"] == str(Code.DEADLINE_EXCEEDED.value[0])
        assert scripted.endpoint.seen(sent) == []
        # A refused order may come again under its id.
        raw.send(raw.call(3, orders.CREATE, sent, ("grpc-timeout", "10S")))
        scripted.endpoint.wait_for(sent)
    wait_until("both are counted", lambda: ledger.changed().get("rejected") == 1 and ledger.changed()["approved"] == 1)
