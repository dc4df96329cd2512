"""Everything that is not an order: streams in both directions, their ends, their cancellation, their pace."""

import hashlib
import os
import queue

import grpc
import pytest

from support import orders
from support.client import metadata
from support.process import resident
from support.waiting import settled, wait_until

MESSAGE_LIMIT = 4 << 20


class Talk:
    """The client's side of a bidirectional stream, message by message."""

    def __init__(self, client, method: str = "/interop.Echo/Both", do: dict | None = None):
        self.tag = orders.unique("t")
        self._outgoing: queue.SimpleQueue = queue.SimpleQueue()
        self.call = client.channel.stream_stream(method)(
            iter(self._outgoing.get, None), metadata=metadata(do, self.tag), timeout=20)

    def say(self, message: bytes):
        self._outgoing.put(message)

    def hear(self) -> bytes:
        return next(self.call)

    def end(self):
        """Ends the client's direction only."""
        self._outgoing.put(None)


def test_order_updates_are_streamed(client, endpoint):
    tag = orders.unique("t")
    request = orders.StreamOrderUpdatesRequest(user_id="mm", symbols=["BTCUSDT"])
    updates = [orders.OrderUpdate.FromString(update) for update in client.channel.unary_stream(orders.STREAM)(
        request.SerializeToString(), metadata=metadata({"count": 100}, tag), timeout=10)]
    assert [update.order.order_id for update in updates] == [f"x-{number}" for number in range(100)]
    assert endpoint.call(tag)["outcome"] == "answered"


def test_each_message_is_answered_before_the_next_is_sent(client, endpoint):
    talk = Talk(client)
    for number in range(200):
        message = f"message {number}".encode()
        talk.say(message)
        assert talk.hear() == message
    talk.end()
    assert list(talk.call) == [b"end"]
    assert talk.call.code() is grpc.StatusCode.OK


def test_the_endpoint_goes_on_after_the_client_has_ended_its_side(client, endpoint):
    hold = orders.unique("hold")
    talk = Talk(client, do={"hold": hold})
    talk.say(b"one")
    assert talk.hear() == b"one"
    talk.end()
    assert talk.hear() == b"end"
    call = endpoint.call(talk.tag)
    assert call["half_closed"] and call["outcome"] == "running"
    endpoint.release(hold)
    assert list(talk.call) == []
    assert talk.call.code() is grpc.StatusCode.OK


def test_the_endpoint_may_end_a_stream_that_the_client_has_not(client):
    talk = Talk(client, "/interop.Echo/Nothing")
    talk.say(b"one")
    assert list_or_error(talk.call) is grpc.StatusCode.UNIMPLEMENTED
    talk.end()


def list_or_error(call) -> grpc.StatusCode:
    try:
        list(call)
    except grpc.RpcError:
        pass
    return call.code()


def test_messages_of_all_sizes_go_up(client):
    sizes = [27_182, 8, 1_828, 45_904, 0, 1]
    parts = [os.urandom(size) for size in sizes]
    whole = client.channel.stream_unary("/interop.Echo/Up")(
        iter(parts), metadata=metadata(None, orders.unique("t")), timeout=10)
    assert whole == b"".join(parts)


def test_a_status_after_the_stream_reaches_the_client(client):
    call = client.channel.unary_stream("/interop.Echo/Down")(
        b"", metadata=metadata({"count": 3, "size": 8, "status": 8, "message": "no more ☺",
                                "trailing": [["x-left", "0"]]}, orders.unique("t")), timeout=10)
    heard = []
    with pytest.raises(grpc.RpcError):
        for message in call:
            heard.append(message)
    assert len(heard) == 3
    assert (call.code(), call.details()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "no more ☺")
    assert ("x-left", "0") in list(call.trailing_metadata())


def test_cancelling_before_an_answer_reaches_the_endpoint(client, endpoint):
    pending = client.begin("/interop.Echo/Unary", b"x", {"hold": "never"})
    endpoint.call(pending.tag)
    pending.call.cancel()
    wait_until("the endpoint hears of it", lambda: endpoint.call(pending.tag)["outcome"] == "cancelled")
    assert pending().code is grpc.StatusCode.CANCELLED


def test_cancelling_after_the_first_answer_reaches_the_endpoint(client, endpoint):
    talk = Talk(client)
    talk.say(b"one")
    assert talk.hear() == b"one"
    talk.call.cancel()
    wait_until("the endpoint hears of it", lambda: endpoint.call(talk.tag)["outcome"] == "cancelled")
    assert list_or_error(talk.call) is grpc.StatusCode.CANCELLED
    talk.end()
    assert client.unary("/interop.Echo/Unary", b"after").message == b"after", "the connection goes on"


@pytest.mark.parametrize("method", ["/interop.Echo/Unary", "/interop.Echo/Both"])
def test_four_mebibytes_both_ways(client, method):
    message = os.urandom(MESSAGE_LIMIT)
    if method.endswith("Unary"):
        heard = client.unary(method, message).message
    else:
        talk = Talk(client)
        talk.say(message)
        heard = talk.hear()
        talk.end()
        assert list(talk.call) == [b"end"]
    assert len(heard) == len(message)
    assert hashlib.sha256(heard).digest() == hashlib.sha256(message).digest()


def test_what_a_client_does_not_take_stays_with_the_endpoint(site, client, endpoint):
    size, count = 64 << 10, 1024  # 64 MiB
    before = resident(site.gate.process.pid)
    tag = orders.unique("t")
    call = client.channel.unary_stream("/interop.Echo/Down")(
        b"", metadata=metadata({"count": count, "size": size}, tag), timeout=30)
    assert len(next(call)) == size
    sent = settled(lambda: endpoint.call(tag)["answers"])
    assert sent < count // 2, "the endpoint was let to send what nobody had taken"
    assert resident(site.gate.process.pid) - before < 16 << 20
    # Another stream of the same connection is not held up by it.
    assert client.unary("/interop.Echo/Unary", b"meanwhile").message == b"meanwhile"
    assert sum(len(message) for message in call) == size * (count - 1)
