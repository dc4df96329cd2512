"""Orders that are not orders: each is refused for what it is and never reaches the endpoint."""

import struct

import grpc
import pytest

from support import orders
from support.client import answer_of, metadata, refused
from support.frames import HEADERS, NO_ERROR, RST_STREAM, Raw, data, head
from support.orders import order

Code = grpc.StatusCode


def field(number: int, wire: int, data: bytes) -> bytes:
    return varint(number << 3 | wire) + data


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def text(number: int, data: bytes) -> bytes:
    return field(number, 2, varint(len(data)) + data)


NAN, INFINITE = (struct.pack("<d", float(name)) for name in ("nan", "inf"))

# What is wrong, and either other fields of the order or bytes appended to it.
MALFORMED = {
    "no account": {"account": ""},
    "no symbol": {"symbol": ""},
    "no side": {"side": 0},
    "a side the API does not have": {"side": 9},
    "no type": {"type": 0},
    "a type the API does not have": {"type": 77},
    "no quantity": {"quantity": 0},
    "negative quantity": {"quantity": -1},
    "quantity NaN": field(4, 1, NAN),
    "infinite quantity": field(4, 1, INFINITE),
    "negative price": {"price": -1},
    "price NaN": field(5, 1, NAN),
    "a limit order without price": {"type": "LIMIT", "price": 0},
    "a post-only order without price": {"type": "POST_ONLY"},
    "a stop without stop price": {"type": "STOP_LIMIT", "price": 50_000},
    "a symbol with a space": {"symbol": "BTC USDT"},
    "a symbol of 65 characters": {"symbol": "B" * 65},
    "a known symbol in other letters": {"symbol": "btcusdt", "price": 50_000},
    "a symbol that is not UTF-8": text(1, b"BTC\xff\xfe"),
    "a quantity as text": text(4, b"1"),
    "a symbol as a number": field(1, 0, varint(1)),
    "a group": field(20, 3, b"") + field(20, 4, b""),
    "an enum that overflows 64 bits": field(2, 0, b"\xff" * 10 + b"\x01"),
    "a field that ends too early": b"\x0a\x05BTC",
    "field number 0": b"\x00\x01",
    "noise": b"\xff\xff\xff\xff",
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_order_is_refused(site, client, endpoint, what):
    wrong, account = MALFORMED[what], site.account()
    if isinstance(wrong, dict):
        data = order(**{"account": account, **wrong}).SerializeToString()
    else:
        data = order(account).SerializeToString() + wrong
    refused(client.unary(orders.CREATE, data), "ORDER_MALFORMED", Code.INVALID_ARGUMENT, endpoint)


def test_an_empty_message_is_malformed(client, endpoint):
    refused(client.unary(orders.CREATE, b""), "ORDER_MALFORMED", Code.INVALID_ARGUMENT, endpoint)


def test_a_field_given_twice_counts_as_every_parser_reads_it(site, client, endpoint):
    request = order(site.account(), quantity=100).SerializeToString() + field(4, 1, struct.pack("<d", 0.01))
    answer = client.unary(orders.CREATE, request)
    assert answer.ok, answer
    assert endpoint.call(answer.tag)["messages"][0]["hex"] == request.hex()


@pytest.mark.parametrize("number", [{"quantity": 1.1e18}, {"quantity": 1e300}, {"price": 1.1e18}, {"quantity": 1e-11},
                                    {"quantity": 1e9, "price": 1e15}], ids=str)
def test_a_number_outside_the_exact_range_is_refused(site, client, endpoint, number):
    refused(client.create(order(site.account(), **number)), "ORDER_OUT_OF_RANGE", Code.INVALID_ARGUMENT, endpoint)


def test_binary_noise_in_a_decimal_does_not_count(site, client, endpoint):
    account = site.account(equity=1000)
    assert client.create(order(account, quantity=0.1 + 0.1 + 0.1 - 0.1)).ok, "0.2 within the bound of 0.2"


def test_the_largest_order_passes_and_one_byte_more_does_not(site, client, endpoint):
    limit = 65_536
    for size, passes in ((limit, True), (limit + 1, False)):
        plain = order(site.account()).SerializeToString()
        padding = text(98, b"p" * (size - len(plain) - 5))
        assert len(plain + padding) == size
        answer = client.unary(orders.CREATE, plain + padding)
        if passes:
            assert answer.ok, answer
        else:
            refused(answer, "ORDER_TOO_LARGE", Code.RESOURCE_EXHAUSTED, endpoint)


def test_a_compressed_order_is_refused_and_a_compressed_query_passes(site, client, endpoint):
    request = order(site.account(), client_order_id="c" * 60).SerializeToString() + text(98, b"p" * 500)
    answer = client.unary(orders.CREATE, request, compression=grpc.Compression.Gzip)
    refused(answer, "ORDER_COMPRESSED", Code.UNIMPLEMENTED, endpoint)
    query = orders.GetOrderRequest(order_id="x" * 500).SerializeToString()
    answer = client.unary(orders.GET, query, compression=grpc.Compression.Gzip)
    assert answer.ok
    assert endpoint.call(answer.tag)["messages"][0]["hex"] == query.hex()


@pytest.mark.parametrize("count", [0, 2])
def test_an_order_call_has_exactly_one_message(site, client, endpoint, count):
    account = site.account()
    tag = orders.unique("t")
    call = client.channel.stream_unary(orders.CREATE).future(
        iter([order(account).SerializeToString() for _ in range(count)]), metadata=metadata(None, tag), timeout=10)
    try:
        message = call.result()
    except grpc.RpcError:
        message = None
    refused(answer_of(call, message, tag), "ORDER_CARDINALITY", Code.UNIMPLEMENTED, endpoint)


def test_a_mapped_header_given_twice_is_malformed(site, client, endpoint):
    twice = [("x-strategy-id", "one"), ("x-strategy-id", "two")]
    refused(client.create(order(site.account()), extra=twice), "ORDER_MALFORMED", Code.INVALID_ARGUMENT, endpoint)


@pytest.mark.parametrize("path", [
    "/order.OrderService/AmendOrder", "/order.OrderService/createorder", "/order.OrderService/CreateOrder/",
    "//order.OrderService/CreateOrder", "/order.OrderService/./CreateOrder", "/order.OrderService/CreateOrder?a=b",
    "/order.OrderService/CreateOrder#a", "/order.OrderService/Create%4frder", "/ORDER.ORDERSERVICE/CREATEORDER",
    "/x/../order.OrderService/CreateOrder",
])
def test_no_other_path_leads_to_the_order_service(site, client, endpoint, path):
    answer = client.unary(path, order(site.account()).SerializeToString())
    refused(answer, "METHOD_NOT_PERMITTED", Code.UNIMPLEMENTED, endpoint)


def test_a_reject_before_the_request_has_ended_is_whole_before_the_reset(site):
    with Raw(site.gate.target) as raw:
        raw.send(raw.headers(1, head(orders.CREATE)), data(1, b"\0" + (1 << 20).to_bytes(4, "big") + bytes(1000)))
        answer = raw.until(lambda got: got.stream == 1)
        assert answer.type == HEADERS and answer.ends
        assert raw.fields(answer)["grpc-status"] == str(Code.RESOURCE_EXHAUSTED.value[0])
        behind = raw.until(lambda got: got.stream == 1)
        assert behind.type == RST_STREAM and behind.code == NO_ERROR
        raw.pong()
