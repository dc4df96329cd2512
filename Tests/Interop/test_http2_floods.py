"""Clients that attack: each is told why it is sent away, is gone in time, is counted, and nobody else notices."""

import resource
import socket
import threading
import time
from pathlib import Path

import pytest

from conftest import Site
from support import floods, orders
from support.certificates import Authority, listening, trusting
from support.client import Client
from support.floods import ECHO, ORDER, told
from support.frames import (ACK, DATA, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, NO_ERROR, PREFACE,
                            PROTOCOL_ERROR, RST_STREAM, SETTINGS, SETTINGS_TIMEOUT, Raw, data, frame, head, message, ping,
                            setting, window_update)
from support.orders import order
from support.steady import Steady
from support.waiting import wait_until

#: What is awaited of a client, shorter than is usual; the rest is the defaults.
SHORT = {f"GATE_CONFIG_LIMITS_{name}": value for name, value in {
    "PREFACE_TIMEOUT": "300ms", "SETTINGS_TIMEOUT": "400ms", "SETTINGS_ACKNOWLEDGEMENT_TIMEOUT": "500ms",
    "HEADER_TIMEOUT": "300ms", "BODY_TIMEOUT": "300ms", "STALL_TIMEOUT": "400ms", "IDLE_TIMEOUT": "1s",
    "MAX_CONNECTIONS": "40", "MAX_CONNECTIONS_PER_HOST": "30", "MAX_BUFFERED_BYTES": "4194304"}.items()}
#: Within which an offender must be gone, once its time is up.
SOON = 2


class Hostile(Site):
    """A gate with little patience, in plain text or over TLS."""

    def __init__(self, directory: Path, over_tls: bool):
        self._authority = Authority(directory) if over_tls else None
        server = listening(self._authority.issue("DNS:gate.test")) if over_tls else ""
        super().__init__(directory, more=server, **SHORT)

    def client(self) -> Client:
        return Client.secure(self.gate.target, self._authority) if self._authority else super().client()

    def raw(self, **how) -> Raw:
        return Raw(self.gate.target, tls=trusting(self._authority) if self._authority else None, **how)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "TLS"])
def hostile(request, tmp_path_factory):
    site = Hostile(tmp_path_factory.mktemp("hostile"), request.param)
    yield site
    site.stop()


class Innocent:
    """Another client's orders, one after the other, for as long as the attack goes on."""

    def __init__(self, site: Site):
        self._client, self._account = site.client(), site.account()
        self._ended = threading.Event()
        self.answers: list = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._ended.is_set():
            self.answers.append(self._client.create(order(self._account, quantity=0.0001), timeout=5))
            self._ended.wait(0.005)

    def __enter__(self):
        self._thread.start()
        wait_until("an order is answered", lambda: self.answers)
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join(10)
        self._client.close()
        assert [answer for answer in self.answers if not answer.ok] == []


class Attack:
    """Sees to it that what is done within is counted as `kind`, while an innocent client is served."""

    def __init__(self, site: Site, kind: str):
        self._site, self._kind = site, kind
        self._innocent = Innocent(site)

    def _counted(self) -> float:
        return self._site.gate.metric("gate_http2_errors_total", side="client", kind=self._kind)

    def __enter__(self):
        self._innocent.__enter__()
        self._before = self._counted()
        return self

    def __exit__(self, *error):
        served = len(self._innocent.answers)
        wait_until("the innocent client is served once more", lambda: len(self._innocent.answers) > served)
        self._innocent.__exit__()
        self._site.gate.process.fail_if_ended()
        if not any(error):
            wait_until(f"{self._kind} is counted", lambda: self._counted() > self._before, 2)


@pytest.mark.parametrize("flood, kind", [
    ("rapid_reset", "rapid_reset"), ("rapid_reset_of_calls", "rapid_reset"), ("resets_of_one_stream", "rapid_reset"),
    ("provoked_resets", "provoked_reset"), ("malformed_heads", "provoked_reset"),
    ("continuations", "continuation_flood"),
    ("header_expansion", "header_list_too_large"), ("large_heads", "header_list_too_large"),
    ("many_fields", "header_list_too_large"),
    ("pings", "control_flood"), ("settings", "control_flood"), ("priorities", "control_flood"),
    ("unknown_frames", "control_flood"), ("window_updates", "control_flood"), ("empty_frames", "empty_frames"),
])
def test_a_flood_ends_its_connection(hostile, flood, kind):
    with Attack(hostile, kind), hostile.raw() as attacker:
        attacker.send(floods.FLOODS[flood](attacker))
        last = attacker.goes_away(SOON)
        assert last is not None, "closed without a GOAWAY"
        assert last.code == ENHANCE_YOUR_CALM, last
        assert last.payload[8:], "no reason given"


def test_a_flood_of_pings_is_named_as_grpc_names_it(hostile):
    with hostile.raw() as attacker:
        attacker.send(floods.pings(attacker))
        assert attacker.goes_away(SOON).payload[8:] == b"too_many_pings"


def test_pings_with_calls_between_are_no_flood(hostile):
    with hostile.raw() as client:
        for stream in floods.streams(60):
            client.send(ping(), client.headers(stream, ORDER), data(stream, message(), end=True))
            client.until(lambda got: got.ends and got.stream == stream)
        client.pong()


def test_resets_below_the_bound_are_no_flood(hostile):
    with hostile.raw() as client:
        for stream in floods.streams(300):
            client.send(client.headers(stream, ORDER), floods.reset(stream))
        client.pong()


def test_how_many_resets_are_a_flood_is_configured(own_site):
    site = own_site(GATE_CONFIG_LIMITS_RESETS_BURST="2000", GATE_CONFIG_LIMITS_PREMATURE_RESETS_BURST="2000")
    with Raw(site.gate.target) as client:
        client.send(floods.rapid_reset(client))
        client.pong()


def test_nothing_of_a_reset_order_reaches_the_endpoint(hostile):
    before = len(hostile.endpoint.calls())
    with hostile.raw() as attacker:
        attacker.send(floods.rapid_reset(attacker))
        attacker.rest(SOON)
    assert len(hostile.endpoint.calls()) == before


def test_one_head_too_large_is_refused_and_the_next_passes(hostile):
    with hostile.raw() as client:
        client.send(client.headers(1, client.block(ECHO) + b"\x00\x01x\x01y" * 123, end=True))
        assert client.until(lambda got: got.stream == 1).type == RST_STREAM, "one field more than 128"
        client.send(client.headers(3, client.block(ECHO) + b"\x00\x01x\x01y" * 122, end=True))
        assert client.until(lambda got: got.stream == 3).type == HEADERS, "128 fields"


@pytest.mark.parametrize("name, value, passes", [
    (b"x-test", b" space around ", True), (b"x-test", b"a\tb", True), (b"x-test", b"", True), (b"x-test", b"\xc3\xa4", True),
    (b"x-test", b"a\nb", False), (b"x-test", b"a\0b", False), (b"x-test", b"a\rb", False), (b"x-test", b"\x7f", False),
    (b"x test", b"v", False), (b"x:test", b"v", False), (b"X-Test", b"v", False), (b"", b"v", False),
    (b"transfer-encoding", b"chunked", False), (b"keep-alive", b"1", False),
])
def test_a_field_is_never_dropped(hostile, name, value, passes):
    tag = orders.unique("t")
    block = b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value
    with hostile.raw() as client:
        head_ = client.block([*ECHO, ("x-tag", tag)])
        client.send(client.headers(1, head_ + block, end=True))
        got = client.until(lambda got: got.stream == 1)
        if passes:
            assert got.type == HEADERS
            assert hostile.endpoint.call(tag)["metadata"]
        else:
            assert got.type == RST_STREAM and got.code == PROTOCOL_ERROR, got
            client.pong()
            assert hostile.endpoint.calls(tag) == []


# Slowness.

def greeted(site: Hostile, *parts: bytes) -> Raw:
    client = site.raw(greet=False)
    client.send(*parts)
    return client


@pytest.mark.parametrize("parts, code, kind", [
    ([], PROTOCOL_ERROR, "preface_timeout"),
    ([PREFACE[:23]], PROTOCOL_ERROR, "preface_timeout"),
    ([PREFACE], SETTINGS_TIMEOUT, "settings_timeout"),
    ([PREFACE, setting()], SETTINGS_TIMEOUT, "settings_timeout"),
    ([PREFACE, setting(), frame(SETTINGS, ACK, 0), frame(HEADERS, 0, 1, b"\x82")], ENHANCE_YOUR_CALM, "header_timeout"),
    ([PREFACE, setting(), frame(SETTINGS, ACK, 0), frame(HEADERS, 4, 1, b"\x82", length=100)], ENHANCE_YOUR_CALM,
     "header_timeout"),
    ([PREFACE, setting(), frame(SETTINGS, ACK, 0)], NO_ERROR, "idle"),
], ids=["nothing", "part of the preface", "no SETTINGS", "no acknowledgement", "a header block without end",
        "a HEADERS frame without end", "nothing more"])
def test_a_client_that_does_not_go_on_is_sent_away(hostile, parts, code, kind):
    with Attack(hostile, kind), greeted(hostile, *parts) as attacker:
        last = attacker.goes_away(1 + SOON)
        assert last is not None, "closed without a GOAWAY"
        assert last.code == code, last


def test_what_is_not_http2_is_sent_away(hostile):
    with Attack(hostile, "bad_preface"), greeted(hostile, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") as attacker:
        attacker.rest(SOON)


def test_an_order_whose_message_does_not_come_is_refused(hostile):
    with Attack(hostile, "body_timeout"), hostile.raw() as attacker:
        attacker.send(attacker.headers(1, ORDER), data(1, message(b"x" * 50)[:20]))
        got = attacker.until(lambda got: got.stream == 1 and got.type == HEADERS, SOON)
        assert got.ends and attacker.fields(got)["grpc-status"] == "4"
        attacker.pong()


def test_a_call_that_passes_may_be_open_for_ever(hostile):
    with hostile.raw() as client:
        client.send(client.headers(1, ECHO))
        for number in range(12):
            time.sleep(0.1)
            client.pong()
        client.send(data(1, message(b"late"), end=True))
        client.until(lambda got: got.ends and got.stream == 1)


def test_an_answer_that_is_not_taken_is_called_off(hostile):
    with Attack(hostile, "slow_read"), hostile.raw(settings=((INITIAL_WINDOW_SIZE, 0),)) as attacker:
        attacker.send(attacker.headers(1, told("/interop.Echo/Down", count=4, size=100_000)),
                      data(1, message(), end=True))
        got = attacker.until(lambda got: got.type == RST_STREAM, SOON)
        assert got.code == ENHANCE_YOUR_CALM
        attacker.pong()


def test_a_slow_reader_is_not_called_off(hostile):
    with hostile.raw(settings=((INITIAL_WINDOW_SIZE, 1000),)) as client:
        client.send(client.headers(1, told("/interop.Echo/Down", count=1, size=12_000)), data(1, message(), end=True))
        taken = 0
        while True:
            got = client.until(lambda got: got.stream == 1 and got.type != HEADERS or got.ends)
            assert got.type in (DATA, HEADERS), got
            taken += len(got.payload) if got.type == DATA else 0
            if got.ends:
                break
            time.sleep(0.1)
            client.send(window_update(1, len(got.payload)))
        assert taken == 12_005


def test_a_window_opened_byte_by_byte_ends_the_connection(hostile):
    with Attack(hostile, "dribble"), hostile.raw(settings=((INITIAL_WINDOW_SIZE, 1),)) as attacker:
        attacker.send(attacker.headers(1, told("/interop.Echo/Down", count=4, size=100_000)), data(1, message(), end=True))
        for _ in range(2000):
            got = attacker.next(SOON)
            if got is None or got.type == GOAWAY:
                break
            if got.type == DATA:
                attacker.send(window_update(1, 1))
        assert got is not None and got.code == ENHANCE_YOUR_CALM
        attacker.rest(SOON)


def test_a_client_that_reads_nothing_is_closed(hostile):
    wide = ((INITIAL_WINDOW_SIZE, (1 << 31) - 1),)
    with Attack(hostile, "slow_read"), hostile.raw(settings=wide) as attacker:
        attacker.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        attacker.send(window_update(0, (1 << 31) - 70_000),
                      attacker.headers(1, told("/interop.Echo/Down", count=200, size=100_000)), data(1, message(), end=True))
        count = hostile.gate.metric("gate_connections", side="client")
        wait_until("it is closed", lambda: hostile.gate.metric("gate_connections", side="client") < count, 1 + SOON)


def test_whoever_makes_gate_keep_the_most_is_closed(hostile):
    with Attack(hostile, "buffer_full"), hostile.raw(settings=((INITIAL_WINDOW_SIZE, 0),)) as attacker:
        for stream in floods.streams(24):
            attacker.send(attacker.headers(stream, told("/interop.Echo/Down", count=3, size=100_000)),
                          data(stream, message(), end=True))
        assert attacker.goes_away(1 + SOON).code == ENHANCE_YOUR_CALM


# Connections.

def test_connections_beyond_the_bound_are_closed(hostile):
    with Attack(hostile, "too_many_connections"):
        flood = [socket.create_connection(tuple(hostile.gate.target.split(":")), timeout=SOON) for _ in range(60)]
        try:
            ended = sum(1 for one in flood if _ends(one))
            assert ended == 60
        finally:
            for one in flood:
                one.close()


def _ends(one: socket.socket) -> bool:
    try:
        while one.recv(1 << 16):
            pass
        return True
    except ConnectionResetError:
        return True


def test_no_descriptor_left(own_site):
    site = own_site()
    pid = site.gate.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with Attack(site, "out_of_descriptors"):
        used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 8, limits[1]))
        host, port = site.gate.target.split(":")
        flood = [socket.create_connection((host, int(port)), timeout=SOON) for _ in range(40)]
        try:
            before, start = _processor_seconds(pid), time.monotonic()
            time.sleep(0.5)
            share = (_processor_seconds(pid) - before) / (time.monotonic() - start)
            assert share < 0.5, f"Gate is busy {share:.0%} of the time"
        finally:
            for one in flood:
                one.close()
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)

    def served() -> bool:
        client = site.client()
        return client.create(order(site.account())).ok
    wait_until("a new client is served", served)


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


# Memory and latency of everybody else.


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    with Steady(Site(tmp_path_factory.mktemp("steady"))) as steady:
        yield steady


@pytest.mark.parametrize("flood", ["rapid_reset", "rapid_reset_of_calls", "header_expansion", "large_heads", "pings",
                                   "provoked_resets"])
def test_others_do_not_notice(steady, flood, measured):
    measured(steady.attacked_by(flood))
