"""Connections on both sides: how they are taken, kept alive, replaced and ended."""

import os
import re
import resource
import signal
import socket
import stat
import struct
import time

import grpc
import pytest

from support import orders, rawframes
from support.client import Client, refused
from support.rawframes import ACK, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, RawClient
from support.orders import order
from support.process import free_port
from support.scripted import Scripted, ignore
from support.waiting import wait_until

Code = grpc.StatusCode


# Keepalive.


def test_an_endpoint_that_answers_no_ping_is_given_up_while_it_owes_an_answer(own_site):
    endpoint = Scripted()
    endpoint.answers_pings, endpoint.script = False, ignore
    site = own_site(endpoint=endpoint, GATE_CONFIG_KEEPALIVE_UPSTREAM_ACTIVE="200ms",
                    GATE_CONFIG_KEEPALIVE_UPSTREAM_TIMEOUT="100ms")
    started = time.monotonic()
    refused(site.client().create(order(site.account())), "OUTCOME_UNKNOWN", Code.UNKNOWN)
    assert 0.3 <= time.monotonic() - started < 2
    assert endpoint.requests[0].connection.pings == 1


def test_an_endpoint_that_answers_pings_is_sent_two_and_waited_for(own_site):
    endpoint = Scripted()
    held = []
    endpoint.script = held.append
    site = own_site(endpoint=endpoint, GATE_CONFIG_KEEPALIVE_UPSTREAM_ACTIVE="100ms",
                    GATE_CONFIG_KEEPALIVE_UPSTREAM_TIMEOUT="100ms", GATE_CONFIG_LIMITS_REQUEST_TIMEOUT="1s")
    refused(site.client().create(order(site.account())), "OUTCOME_UNKNOWN", Code.UNKNOWN)
    assert held[0].connection.pings == 2


def test_a_silent_client_is_asked_and_closed(own_site):
    site = own_site(GATE_CONFIG_KEEPALIVE_CLIENT_IDLE="200ms", GATE_CONFIG_KEEPALIVE_CLIENT_TIMEOUT="100ms")
    raw = RawClient(site.gate.target)
    started = time.monotonic()
    seen = raw.until_closed()
    assert 0.3 <= time.monotonic() - started < 3
    assert [frame.kind for frame in seen].count(PING) == 1
    # One that answers stays; grpc's does by itself.
    client = site.client()
    assert client.create(order(site.account())).ok
    other = RawClient(site.gate.target)
    for _ in range(3):
        ping = other.until(PING)
        other.send(rawframes.frame(PING, ACK, 0, ping.payload))
    other.close()


def test_a_frozen_endpoint_takes_readiness_away_and_gives_it_back(own_site):
    site = own_site(GATE_CONFIG_KEEPALIVE_UPSTREAM_ACTIVE="300ms", GATE_CONFIG_KEEPALIVE_UPSTREAM_TIMEOUT="200ms")
    client, account = site.client(), site.account()
    assert client.create(order(account)).ok
    endpoint = site.endpoint.process
    endpoint.signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        refused(client.create(order(account)), "OUTCOME_UNKNOWN", Code.UNKNOWN)
        # The connection that went unanswered casts doubt on the one that readiness goes by: it is asked too.
        wait_until("Gate says so", lambda: site.gate.get("/readyz")[0] == 503, 3)
        assert 0.5 <= time.monotonic() - started < 3
        assert "upstream" in site.gate.get("/readyz")[1]
        wait_until("orders are refused", lambda: client.create(order(account)).reason == "UPSTREAM_UNAVAILABLE", 5)
    finally:
        endpoint.signal(signal.SIGCONT)
    site.gate.wait_until_ready()
    wait_until("orders pass again", lambda: client.create(order(account)).ok, 5)


def test_an_endpoint_that_answers_is_believed_whatever_else_is_silent(own_site):
    endpoint = Scripted()
    site = own_site(endpoint=endpoint, GATE_CONFIG_KEEPALIVE_UPSTREAM_ACTIVE="300ms",
                    GATE_CONFIG_KEEPALIVE_UPSTREAM_TIMEOUT="200ms")
    client, account = site.client(), site.account()
    assert client.create(order(account)).ok
    endpoint.requests[0].connection.answers_pings = False
    endpoint.first = [ignore]
    refused(client.create(order(account)), "OUTCOME_UNKNOWN", Code.UNKNOWN)
    spare = endpoint.connections[1]
    wait_until("the other one is asked", lambda: spare.pings == 1)
    assert client.create(order(account)).ok
    assert endpoint.requests[-1].connection is spare and site.gate.get("/readyz")[0] == 200


# Descriptors.


@pytest.mark.parametrize("hard, connections, suffices", [(4096, 1024, True), (1000, 1024, False), (1000, 64, True)])
def test_as_many_descriptors_are_taken_as_there_may_be_and_too_few_are_said(own_site, hard, connections, suffices):
    site = own_site(descriptors=(256, hard), GATE_CONFIG_LIMITS_MAX_CONNECTIONS=str(connections))
    assert resource.prlimit(site.gate.process.pid, resource.RLIMIT_NOFILE) == (hard, hard)
    assert ("limit of descriptors raised" in site.gate.process.log) == suffices
    assert ("descriptors do not suffice for limits.max_connections" in site.gate.process.log) != suffices


# Ends.


def test_a_drain_waits_for_the_client_to_have_heard_of_it(own_site):
    site = own_site()
    raw = RawClient(site.gate.target)
    raw.send(rawframes.request(1, orders.CREATE, order(site.account()).SerializeToString()))
    raw.until(HEADERS, 1)
    site.gate.process.signal(signal.SIGTERM)
    first = raw.until(GOAWAY)
    assert (first.last_stream, first.code) == (0x7FFFFFFF, 0)
    ping = raw.until(PING)
    # A call that was on its way is still served; the second step waits longer than its least time for the answer.
    raw.send(rawframes.request(3, orders.CREATE, order(site.account()).SerializeToString()))
    assert raw.until(HEADERS, 3)
    while not raw.is_quiet(0.3):
        assert raw.frame().kind != GOAWAY, "the second step did not wait"
    raw.send(rawframes.frame(PING, ACK, 0, ping.payload))
    second = raw.until(GOAWAY)
    assert (second.last_stream, second.code) == (3, 0)
    raw.until_closed()
    assert site.gate.process.wait(5) == 0


def test_connections_are_replaced_before_their_stream_ids_run_out(own_site):
    endpoint = Scripted()
    site = own_site(endpoint=endpoint, GATE_CONFIG_LIMITS_CALLS_PER_CONNECTION="3")
    client, account = site.client(), site.account()
    assert all(client.create(order(account)).ok for _ in range(20))
    carried = [connection.calls for connection in endpoint.connections if connection.calls]
    assert sum(carried) == 20 and max(carried) <= 3, carried
    raw = RawClient(site.gate.target)
    for stream in range(1, 14, 2):
        raw.send(rawframes.request(stream, orders.GET, b""))
    assert raw.until(GOAWAY).last_stream == 0x7FFFFFFF
    raw.send(rawframes.frame(PING, ACK, 0, raw.until(PING).payload))
    assert raw.until(GOAWAY).last_stream == 13
    raw.close()


def test_a_call_for_which_there_is_no_room_is_refused_as_one_that_may_be_sent_again(own_site):
    """4,096 calls find room, of which 16 are kept for each of 16 connections: 3,840 for all, and 16 more for the ninth."""
    endpoint = Scripted()
    endpoint.settings = {rawframes.MAX_CONCURRENT_STREAMS: 1000}
    site = own_site(endpoint=endpoint, GATE_CONFIG_LIMITS_MAX_CONNECTIONS="16", GATE_CONFIG_LIMITS_MAX_IN_FLIGHT_ORDERS="480",
                    GATE_CONFIG_LIMITS_BODY_TIMEOUT="30s")
    account = site.account()
    def opened(calls: int) -> RawClient:
        client = RawClient(site.gate.target)
        # Fewer are offered until the endpoint connection of this client is ready.
        while struct.pack(">HI", rawframes.MAX_CONCURRENT_STREAMS, 480) not in client.until(SETTINGS).payload:
            pass
        for call in range(calls):
            client.send(rawframes.head(2 * call + 1, orders.CREATE))
        client.send(rawframes.frame(PING, 0, 0, bytes(8)))
        return client

    clients = [opened(480) for _ in range(8)]
    for client in clients:
        while (seen := client.frame()).kind != PING:
            assert seen.kind != RST_STREAM, "a call that there was room for"
    last = opened(18)
    refusals = [last.until(RST_STREAM) for _ in range(2)]
    assert [(refusal.stream, refusal.code) for refusal in refusals] == [(33, 7), (35, 7)]
    assert site.gate.metric("gate_http2_errors_total", side="client", kind="too_many_streams") == 2
    assert site.client().create(order(account)).ok
    for client in [*clients, last]:
        client.close()


def test_orders_fail_at_once_while_the_endpoint_is_down(own_site, measured):
    endpoint = Scripted()
    site = own_site(endpoint=endpoint)
    client, account = site.client(), site.account()
    assert client.create(order(account)).ok
    endpoint.stop()
    wait_until("Gate says so", lambda: client.create(order(account)).reason == "UPSTREAM_UNAVAILABLE", 5)
    times = []
    for _ in range(20):
        started = time.monotonic()
        refused(client.create(order(account)), "UPSTREAM_UNAVAILABLE", Code.UNAVAILABLE)
        times.append(time.monotonic() - started)
    fastest = min(times) * 1000
    measured(f"with the endpoint down an order was refused in {fastest:.2f} ms")
    assert fastest < 20, "an order waited for an endpoint that is not there"


# Addresses.


def test_both_sides_speak_ipv6(own_site):
    endpoint = Scripted("::1")
    site = own_site(endpoint=endpoint, listen=f"[::1]:{free_port()}")
    sent = order(site.account())
    assert site.client().create(sent).ok
    assert len(endpoint.seen(sent.SerializeToString())) == 1


@pytest.mark.parametrize("mode", ["0600", "0666"])
def test_a_unix_sockets_file_has_the_mode_that_is_configured_and_goes_with_its_gate(own_site, tmp_path, mode):
    path = tmp_path / "gate.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    site = own_site(listen=f"unix:{path}", GATE_CONFIG_LISTENER_SOCKET_MODE=mode)
    assert stat.S_IMODE(path.stat().st_mode) == int(mode, 8)
    assert site.client().create(order(site.account())).ok
    site.gate.process.signal(signal.SIGTERM)
    assert site.gate.process.wait(15) == 0
    assert not path.exists()


def test_a_file_that_is_no_socket_is_not_replaced(own_site, tmp_path):
    path = tmp_path / "gate.sock"
    path.write_text("precious")
    with pytest.raises(AssertionError, match="cannot listen on unix:"):
        own_site(listen=f"unix:{path}", ready=False)
    assert path.read_text() == "precious"


@pytest.mark.parametrize("uids, allowed", [(lambda: [os.getuid()], True), (lambda: [os.getuid() + 1], False)],
                         ids=["listed", "not listed"])
def test_a_unix_peer_is_known_by_its_user_id(own_site, tmp_path, uids, allowed):
    path = tmp_path / "gate.sock"
    site = own_site(listen=f"unix:{path}", more=f"listener: {{peer_uids: {uids()}}}\n")
    if allowed:
        answer = site.client().create(order(site.account(), quantity=1000))
        assert answer.reason
        wait_until("it is in the log", lambda: f'"client":"uid {os.getuid()}"' in site.gate.process.log)
    else:
        assert is_closed_at_once(f"unix:{path}")
        assert site.gate.metric("gate_refused_connections_total", reason="peer") == 1


def is_closed_at_once(target: str, first: bytes = b"") -> bool:
    try:
        return RawClient(target, first).until_closed() == []
    except (ConnectionResetError, BrokenPipeError):
        return True


# The PROXY protocol.

V1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 4444 50051\r\n"
V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c" + bytes([192, 0, 2, 7, 192, 0, 2, 2, 0x11, 0x5C, 0xC3, 0x83])


@pytest.fixture
def behind_proxy(own_site):
    def start(peers: str = '["127.0.0.1"]') -> "Site":
        return own_site(more=f"listener: {{proxy_protocol: required, proxy_peers: {peers}, proxy_timeout: 300ms}}\n")
    return start


def test_the_proxys_word_on_who_connected_is_in_the_log(behind_proxy):
    site = behind_proxy()
    for number, (header, name) in enumerate([(V1, "192.0.2.1:4444"), (V2, "192.0.2.7:4444")]):
        for raw in (RawClient(site.gate.target, header), dribbled(site.gate.target, header)):
            body = order(site.account(), quantity=1000).SerializeToString()
            raw.send(rawframes.request(1, orders.CREATE, body))
            assert raw.until(HEADERS, 1)
            raw.close()
        wait_until("both rejects are in the log", lambda: site.gate.process.log.count(f'"client":"{name}"') == 2)


def dribbled(target: str, header: bytes) -> RawClient:
    """A client whose proxy sends the header byte by byte, and the preface with its last one."""
    connection = RawClient.__new__(RawClient)
    host, port = target.rsplit(":", 1)
    rawframes.Framed.__init__(connection, socket.create_connection((host, int(port)), timeout=10))
    connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for place in range(len(header) - 1):
        connection.send(header[place:place + 1])
    connection.send(header[-1:] + rawframes.PREFACE + rawframes.settings({}))
    return connection


@pytest.mark.parametrize("header", [b"", b"PROXY TCP4 1 2 3 4\r\n", V1[:-2], V2[:-1] + b""],
                         ids=["none", "malformed", "v1 without an end", "v2 cut short"])
def test_a_connection_without_a_whole_header_is_closed(behind_proxy, header):
    site = behind_proxy()
    # Nothing behind the header: what is there is all that comes within the time.
    with socket.create_connection(("127.0.0.1", int(site.gate.target.rsplit(":", 1)[1])), timeout=5) as connection:
        connection.sendall(header)
        try:
            assert connection.recv(1) == b""
        except ConnectionResetError:
            pass
    wait_until("it is counted", lambda: (
        site.gate.metric("gate_refused_connections_total", reason="proxy_header") == 1))


def test_a_proxy_that_is_not_listed_is_closed(behind_proxy):
    site = behind_proxy('["192.0.2.9"]')
    assert is_closed_at_once(site.gate.target, V1)
    assert site.gate.metric("gate_refused_connections_total", reason="peer") == 1
