"""What Gate approves, or has no opinion of, goes through as if Gate were not there."""

import grpc
import pytest

from support import orders
from support.client import Client
from support.orders import order

# A field that the API does not have: whoever re-encodes a message loses or moves it.
UNKNOWN_FIELD = bytes.fromhex("980607")


@pytest.fixture
def direct(endpoint):
    client = Client(endpoint.address)
    yield client
    client.close()


def test_an_approved_order_is_answered_by_the_endpoint(site, client):
    wanted = order(site.account())
    created = client.create(wanted).created()
    assert created.client_order_id == wanted.client_order_id
    assert created.state == orders.state("NEW")


def test_request_and_answer_are_the_same_bytes_on_both_sides(site, client, endpoint):
    request = order(site.account()).SerializeToString() + UNKNOWN_FIELD
    answer = client.unary(orders.CREATE, request, {"extra": UNKNOWN_FIELD.hex()})
    call = endpoint.call(answer.tag)
    assert [message["hex"] for message in call["messages"]] == [request.hex()]
    assert answer.ok and answer.message.hex() == call["answer"]
    assert answer.message.endswith(UNKNOWN_FIELD)


SENT = [("x-plain", "one"), ("x-plain", "two"), ("x-bytes-bin", bytes(range(256))), ("x-empty", ""),
        ("x-strategy-id", "scalper"), ("x-plain", "three"), ("x-long", "v" * 3000)]


@pytest.mark.parametrize("method", [orders.CREATE, orders.CANCEL, orders.GET, "/interop.Echo/Unary"])
def test_the_endpoint_sees_the_same_metadata_as_without_gate(site, client, direct, endpoint, method):
    if method == orders.CREATE:
        request = order(site.account()).SerializeToString()
    else:
        request = orders.CancelOrderRequest(order_id="x-1", symbol="BTCUSDT").SerializeToString()
    through, past = (endpoint.call(sender.unary(method, request, extra=SENT).tag)["metadata"]
                     for sender in (client, direct))
    assert [pair for pair in through if pair[0] != "x-tag"] == [pair for pair in past if pair[0] != "x-tag"]
    assert ["x-bytes-bin", bytes(range(256)).hex()] in through
    assert [value for name, value in through if name == "x-plain"] == ["one", "two", "three"]


@pytest.mark.parametrize("method", [orders.CREATE, orders.CANCEL, orders.GET])
def test_the_client_sees_the_same_metadata_as_without_gate(site, client, direct, method):
    sent = {"initial": [["x-first", "1"], ["x-first", "2"], ["x-head-bin", "00ff10"]],
            "trailing": [["x-last", "3"], ["x-last", "4"], ["x-tail-bin", "ababab"]]}
    answers = []
    for sender in (client, direct):
        request = order(site.account()).SerializeToString() if method == orders.CREATE else b"\x0a\x03x-1"
        answers.append(sender.unary(method, request, sent))
    through, past = answers
    assert through.ok
    assert through.initial == past.initial
    assert through.trailing == past.trailing
    assert ("x-tail-bin", b"\xab\xab\xab") in through.trailing
    assert [value for name, value in through.initial if name == "x-first"] == ["1", "2"]


SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK],
                         ids=lambda code: code.name)
def test_an_error_of_the_endpoint_reaches_the_client_unchanged(site, client, code):
    answer = client.create(order(site.account()), {
        "status": code.value[0], "message": SPECIAL, "trailing": [["x-why-bin", "c0ffee"]]})
    assert (answer.code, answer.details) == (code, SPECIAL)
    assert ("x-why-bin", b"\xc0\xff\xee") in answer.trailing
    assert answer.reason is None and not answer.violations


def test_an_order_that_the_endpoint_rejects_is_answered_in_its_words(site, client):
    answer = client.create(order(site.account()), {"state": "REJECTED", "error_message": "no such margin mode"})
    created = answer.created()
    assert created.state == orders.state("REJECTED")
    assert created.error_message == "no such margin mode"


def test_a_cancel_goes_through(client, endpoint):
    answer = client.cancel("x-77")
    assert answer.ok
    cancelled = orders.CancelOrderResponse.FromString(answer.message)
    assert (cancelled.order_id, cancelled.state) == ("x-77", orders.state("CANCELED"))
    assert endpoint.call(answer.tag)["method"] == orders.CANCEL


def test_a_query_goes_through(client):
    answer = client.unary(orders.GET, orders.GetOrderRequest(order_id="x-5").SerializeToString())
    assert answer.ok
    assert orders.GetOrderResponse.FromString(answer.message).order.order_id == "x-5"


def test_a_method_that_the_endpoint_does_not_have_is_refused_by_the_endpoint(client, direct):
    through, past = (sender.unary("/interop.Echo/Nothing", b"") for sender in (client, direct))
    assert through.code is grpc.StatusCode.UNIMPLEMENTED
    assert (through.code, through.details) == (past.code, past.details)
    assert through.reason is None


def test_the_callers_deadline_reaches_the_endpoint_and_ends_the_call(site, client, endpoint):
    for begin in (lambda: client.begin_create(order(site.account()), {"hold": "never"}, timeout=0.4),
                  lambda: client.begin("/interop.Echo/Unary", b"x", {"hold": "never"}, timeout=0.4)):
        pending = begin()
        call = endpoint.call(pending.tag)
        assert 0 < call["deadline"] < 0.5
        # The caller's library ends the call by itself; where Gate is first, it says what it knows.
        answer = pending()
        assert answer.code is grpc.StatusCode.DEADLINE_EXCEEDED or answer.reason == "OUTCOME_UNKNOWN"


def test_unix_sockets_on_both_sides(own_site, tmp_path):
    site = own_site(endpoint=f"unix:{tmp_path}/e", listen=f"unix:{tmp_path}/g")
    assert site.client().create(order(site.account())).ok
