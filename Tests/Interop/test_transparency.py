"""What passes, frame by frame: every shape that HTTP/2 allows a call and its answer to have comes out whole on the other side."""

import os

import pytest

from support import orders, rawframes
from support.frames import (CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PADDED, Answer, Raw, data, frame, head,
                            message, window_update)
from support.orders import order
from support.rawframes import CLOSE, OPEN, answer_head, closes, opens

UNARY, BOTH = "/interop.Echo/Unary", "/interop.Echo/Both"
BODY = bytes(range(256))
#: As much as a frame can have.
PADDING = 255
#: What Gate opens for each stream.
STREAM_WINDOW = 256 << 10


def padded(stream: int, payload: bytes, end: bool = False) -> bytes:
    return frame(DATA, PADDED | END_STREAM * end, stream, bytes([PADDING]) + payload + bytes(PADDING))


def in_pieces(make, stream: int, payload: bytes, size: int = 1, end: bool = False) -> bytes:
    """DATA frames that `make` makes, of `size` bytes of the payload each."""
    pieces = [payload[at:at + size] for at in range(0, len(payload), size)]
    return b"".join(make(stream, piece, end and at == len(pieces) - 1) for at, piece in enumerate(pieces))


def answers(scripted, *parts, path: str = UNARY) -> Answer:
    """What the client sees where the endpoint answers with these bytes, each made for a stream."""
    scripted.endpoint.script = lambda request: request.connection.send(b"".join(part(request.stream) for part in parts))
    with Raw(scripted.gate.target) as raw:
        raw.send(raw.call(1, path, b"asked"))
        return Answer(raw)


# Shapes of an answer.


@pytest.mark.parametrize("path", [UNARY, orders.CANCEL, orders.GET])
def test_an_answer_of_trailers_alone_is_one_frame(scripted, path):
    fields = [*OPEN, ("grpc-status", "9"), ("grpc-message", "not now"), ("x-why", "a"), ("x-why", "b")]
    answer = answers(scripted, lambda stream: answer_head(stream, *fields, end=True), path=path)
    assert answer.kinds == [HEADERS]
    assert answer.heads == [fields]


def test_informational_heads_pass_before_the_answer(scripted):
    hints = [[(":status", "103"), ("link", "</a>; rel=preload")], [(":status", "103"), ("link", "</b>; rel=preload")]]
    answer = answers(scripted, *(lambda stream, fields=fields: answer_head(stream, *fields) for fields in hints),
                     opens, lambda stream: data(stream, message(BODY)), closes)
    assert answer.heads == [*hints, list(OPEN), list(CLOSE)]
    assert answer.data == message(BODY)


def test_trailers_keep_their_order_their_duplicates_and_their_binary_values(scripted):
    trailers = [("grpc-status", "0"), ("x-b-bin", "AP8Q"), ("x-a", "1"), ("x-b-bin", "q6ur"), ("x-a", "1"), ("x-empty", "")]
    answer = answers(scripted, opens, lambda stream: data(stream, message(BODY)),
                     lambda stream: answer_head(stream, *trailers, end=True))
    assert answer.heads == [list(OPEN), trailers]


def test_a_head_of_an_answer_in_several_frames_is_whole(scripted):
    def split(stream: int) -> bytes:
        block = rawframes.fields(*OPEN, ("x-long", "v" * 100))
        return (frame(HEADERS, 0, stream, block[:3]) + frame(CONTINUATION, 0, stream) +
                frame(CONTINUATION, END_HEADERS, stream, block[3:]))
    answer = answers(scripted, split, lambda stream: data(stream, message(BODY)), closes)
    assert answer.heads == [[*OPEN, ("x-long", "v" * 100)], list(CLOSE)]


@pytest.mark.parametrize("make", [data, padded], ids=["plain", "padded"])
def test_an_answer_in_frames_of_one_byte_is_whole(scripted, make):
    answer = answers(scripted, opens, lambda stream: in_pieces(make, stream, message(BODY)), closes)
    assert answer.data == message(BODY)
    assert answer.heads == [list(OPEN), list(CLOSE)]


@pytest.mark.parametrize("path", [UNARY, orders.CREATE])
def test_several_answers_keep_their_order_and_empty_ones_stay(scripted, path):
    sent = b"".join(message(part) for part in (b"first", b"", b"", BODY, b"", b"last"))
    answer = answers(scripted, opens, lambda stream: data(stream, sent), closes)
    assert answer.data == sent


def test_padding_of_an_answer_costs_no_window(scripted):
    # 5 MiB, of which next to nothing is data, and never more at once than Gate has asked for.
    rounds, pieces = 100, 200
    sent = message(bytes(rounds * pieces - 5))

    def pad(request):
        connection, stream, window = request.connection, request.stream, STREAM_WINDOW
        block = bytes([PADDING]) + rawframes.fields(*OPEN) + bytes(PADDING)
        connection.send(frame(HEADERS, END_HEADERS | PADDED, stream, block))
        for at in range(0, len(sent), pieces):
            while window < pieces * (PADDING + 2):
                got = connection.frame()
                if (got.kind, got.stream) == (rawframes.WINDOW_UPDATE, stream):
                    window += int.from_bytes(got.payload, "big")
            connection.send(in_pieces(padded, stream, sent[at:at + pieces]))
            window -= pieces * (PADDING + 2)
        connection.send(closes(stream))
    scripted.endpoint.script = pad
    with Raw(scripted.gate.target) as raw:
        raw.send(raw.call(1, UNARY))
        answer = Answer(raw)
    assert answer.data == sent
    assert answer.heads == [list(OPEN), list(CLOSE)]


# Shapes of a request.


def test_padding_of_requests_costs_no_window(site):
    calls, sent = 20, message(os.urandom(800))
    with Raw(site.gate.target) as raw:
        for stream in range(1, 2 * calls, 2):
            block = bytes([PADDING]) + raw.block(head(UNARY)) + bytes(PADDING)
            raw.send(raw.headers(stream, block, flags=PADDED) + in_pieces(padded, stream, sent, end=True))
            answer = Answer(raw, stream)
            assert (answer.data, answer.status) == (sent, "0")
            raw.send(window_update(0, len(sent)))


@pytest.mark.parametrize("make", [data, padded], ids=["plain", "padded"])
@pytest.mark.parametrize("path", [orders.CREATE, orders.CANCEL, UNARY])
def test_a_request_in_frames_of_one_byte_is_whole(site, endpoint, path, make):
    tag, sent = orders.unique("t"), order(site.account()).SerializeToString()
    if path == orders.CANCEL:
        sent = orders.CancelOrderRequest(order_id="x-1", symbol="BTCUSDT").SerializeToString()
    with Raw(site.gate.target) as raw:
        raw.send(raw.headers(1, head(path, ("x-tag", tag))) + in_pieces(make, 1, message(sent), end=True))
        assert Answer(raw).status == "0"
    assert [got["hex"] for got in endpoint.call(tag)["messages"]] == [sent.hex()]


@pytest.mark.parametrize("path", [orders.CREATE, UNARY])
def test_a_head_of_a_request_in_several_frames_is_whole(site, endpoint, path):
    tag, sent = orders.unique("t"), order(site.account()).SerializeToString()
    with Raw(site.gate.target) as raw:
        block = raw.block(head(path, ("x-tag", tag), ("x-twice", "1"), ("x-twice", "2")))
        raw.send(frame(HEADERS, 0, 1, block[:1]), frame(CONTINUATION, 0, 1, block[1:7]), frame(CONTINUATION, 0, 1),
                 frame(CONTINUATION, END_HEADERS, 1, block[7:]), data(1, message(sent), end=True))
        assert Answer(raw).status == "0"
    assert [value for name, value in endpoint.call(tag)["metadata"] if name == "x-twice"] == ["1", "2"]


def test_an_order_that_an_empty_frame_ends_is_sent_only_then(site, endpoint):
    tag, sent = orders.unique("t"), order(site.account()).SerializeToString()
    with Raw(site.gate.target) as raw:
        raw.send(raw.headers(1, head(orders.CREATE, ("x-tag", tag))) + data(1, message(sent)))
        raw.pong()
        assert endpoint.calls(tag) == []
        raw.send(data(1, end=True))
        assert Answer(raw).status == "0"
    assert [got["hex"] for got in endpoint.call(tag)["messages"]] == [sent.hex()]


def test_an_answer_begins_before_the_request_ends(site):
    with Raw(site.gate.target) as raw:
        raw.send(raw.headers(1, head(BOTH)) + data(1, message(BODY)))
        assert raw.fields(raw.until(lambda got: got.type == HEADERS))[":status"] == "200"
        assert raw.until(lambda got: got.type == DATA).payload == message(BODY)
        raw.send(data(1, end=True))
        answer = Answer(raw)
        assert (answer.data, answer.status) == (message(b"end"), "0")
