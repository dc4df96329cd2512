"""An endpoint that breaks HTTP/2 while an order is under way: Gate says so with the right code, tells its client that nobody knows what
became of the order, never sends it again, and the next order is served."""

import grpc
import pytest

from support import rawframes
from support.client import refused
from support.endpoint_cases import CASES
from support.orders import order
from support.scripted import accept
from support.waiting import wait_until


@pytest.fixture
def client(scripted):
    client = scripted.client()
    yield client
    client.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_endpoint_that_speaks_otherwise(scripted, client, case):
    endpoint, account = scripted.endpoint, scripted.account()
    assert client.create(order(account)).ok
    connection = endpoint.requests[-1].connection
    requests = []

    def speak(request):
        requests.append(request)
        request.connection.send(case.send(request.stream))
    endpoint.first = [speak]
    sent = order(account)
    answer = client.create(sent)
    assert requests[0].connection is connection
    if case.answered:
        assert answer.ok, answer
    elif answer.reason is None:
        # The answer had begun: its end is the client's to judge.
        assert not answer.ok
    else:
        refused(answer, "OUTCOME_UNKNOWN", grpc.StatusCode.UNKNOWN)
    if case.stream:
        wait_until("its stream is reset", lambda: connection.resets.get(requests[0].stream) is not None)
        assert connection.resets[requests[0].stream] in case.stream
    if case.connection:
        wait_until("Gate goes away", lambda: not connection.is_open)
        assert connection.gone_away in case.connection
    assert client.create(order(account)).ok
    assert (endpoint.requests[-1].connection is connection) == (not case.connection)
    assert len(endpoint.seen(sent.SerializeToString())) == 1
    scripted.gate.process.fail_if_ended()


def test_every_case_has_a_name_of_its_own():
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("greeting", [
    rawframes.frame(rawframes.PING, 0, 0, bytes(8)), rawframes.goaway(0), b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(100)],
    ids=["PING", "GOAWAY", "HTTP/1.1"])
def test_an_endpoint_that_does_not_begin_with_settings_is_not_ready(scripted, greeting):
    endpoint = scripted.endpoint
    endpoint.greeting = greeting
    try:
        for connection in endpoint.connections:
            connection.close()
        wait_until("it is not ready", lambda: scripted.gate.get("/readyz")[0] == 503)
    finally:
        endpoint.greeting = None
    scripted.gate.wait_until_ready()
    client = scripted.client()
    assert client.create(order(scripted.account())).ok
    client.close()
