"""What gRPC's own list of interoperability cases asks for and the other files do not show; README.md has the whole list."""

import gzip
import os
import queue

import grpc
import pytest

from support import orders, rawframes
from support.client import metadata
from support.frames import data, message
from support.rawframes import OPEN, answer_head, closes, opens
from support.waiting import wait_until

UNARY, UP, DOWN, BOTH = (f"/interop.Echo/{name}" for name in ("Unary", "Up", "Down", "Both"))


def test_a_call_of_an_empty_message_is_answered_with_one(client):
    answer = client.unary(UNARY, b"")
    assert answer.ok and answer.message == b""


def test_a_stream_without_messages_ends_in_order(client, endpoint):
    tag = orders.unique("t")
    call = client.channel.stream_unary(UP)(iter(()), metadata=metadata(None, tag), timeout=10)
    assert call == b""
    seen = endpoint.call(tag)
    assert (seen["messages"], seen["half_closed"], seen["outcome"]) == ([], True, "answered")


def test_a_bidirectional_stream_without_messages_ends_in_order(scripted):
    scripted.endpoint.script = lambda request: request.connection.send(opens(request.stream) + closes(request.stream))
    call = scripted.client().channel.stream_stream(BOTH)(iter(()), timeout=10)
    assert list(call) == []
    assert call.code() is grpc.StatusCode.OK
    assert scripted.endpoint.requests[-1].body == b""


def test_the_sizes_of_streamed_answers_stay(scripted):
    parts = [os.urandom(size) for size in (31_415, 9, 2_653, 0, 58_979)]
    scripted.endpoint.script = lambda request: request.connection.send(opens(request.stream) + b"".join(
        data(request.stream, message(part)[at:at + 10_000]) for part in parts for at in range(0, len(part) + 5, 10_000)) + closes(request.stream))
    assert list(scripted.client().channel.unary_stream(DOWN)(b"", timeout=10)) == parts


def test_metadata_of_a_bidirectional_stream_passes_both_ways(client, endpoint):
    tag, twice = orders.unique("t"), [("x-a", "1"), ("x-b-bin", b"\xab\x00"), ("x-a", "1"), ("x-b-bin", b"\xff")]
    do = {"trailing": [[name, value.hex() if isinstance(value, bytes) else value] for name, value in twice]}
    call = client.channel.stream_stream(BOTH)(iter([b"one"]), metadata=metadata(do, tag, twice), timeout=10)
    assert list(call) == [b"one", b"end"]
    for names in ("x-a", "x-b-bin"):
        wanted = [value for name, value in twice if name == names]
        assert [value for name, value in call.trailing_metadata() if name == names] == wanted
        assert [value for name, value in endpoint.call(tag)["metadata"] if name == names] == [
            value.hex() if isinstance(value, bytes) else value for value in wanted]


def test_cancelling_an_upload_before_its_first_message_reaches_the_endpoint(scripted):
    outgoing, endpoint = queue.SimpleQueue(), scripted.endpoint

    def streams() -> set:
        return {(connection, stream) for connection in list(endpoint.connections) for stream in list(connection.bodies)}
    before = streams()
    call = scripted.client().channel.stream_unary(UP).future(iter(outgoing.get, None), timeout=10)
    (connection, stream), = wait_until("the endpoint has it", lambda: streams() - before)
    call.cancel()
    wait_until("the endpoint hears of it", lambda: connection.resets.get(stream) == rawframes.CANCEL)
    outgoing.put(None)
    assert connection.bodies[stream] == b""
    assert call.code() is grpc.StatusCode.CANCELLED


def test_the_deadline_of_a_stream_ends_it_on_both_sides(client, endpoint):
    tag = orders.unique("t")
    call = client.channel.stream_stream(BOTH)(
        iter([b"one"]), metadata=metadata({"hold": "never"}, tag), timeout=0.3)
    with pytest.raises(grpc.RpcError) as ended:
        list(call)
    assert ended.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_until("the endpoint hears of it", lambda: endpoint.call(tag)["outcome"] == "cancelled")


@pytest.mark.parametrize("path", ["/interop.Nobody/Unary", "/order.Nobody/CreateOrder"])
def test_a_service_that_the_endpoint_does_not_have_is_refused_by_the_endpoint(client, path):
    answer = client.unary(path, b"x")
    assert answer.code is grpc.StatusCode.UNIMPLEMENTED
    assert answer.reason is None


def test_messages_that_the_client_compresses_reach_the_endpoint(client, endpoint):
    tag, parts = orders.unique("t"), [bytes(27_182), b"", bytes(range(256)) * 8]
    whole = client.channel.stream_unary(UP)(
        iter(parts), metadata=metadata(None, tag), timeout=10, compression=grpc.Compression.Gzip)
    assert whole == b"".join(parts)
    seen = endpoint.call(tag)
    assert [got["length"] for got in seen["messages"]] == [len(part) for part in parts]


@pytest.mark.parametrize("path", [UNARY, orders.GET])
def test_messages_that_the_endpoint_compresses_reach_the_client(scripted, path):
    squeezed = gzip.compress(bytes(50_000))
    scripted.endpoint.script = lambda request: request.connection.send(
        answer_head(request.stream, *OPEN, ("grpc-encoding", "gzip"))
        + data(request.stream, b"\x01" + message(squeezed)[1:] + message(b"plain")) + closes(request.stream))
    heard = list(scripted.client().channel.unary_stream(path)(b"", timeout=10))
    assert heard == [bytes(50_000), b"plain"]
