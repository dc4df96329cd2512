"""Attacks that only TLS makes possible: handshakes that do not end, that are many, or that begin anew."""

import socket
import time

import pytest

from conftest import Site
from support import floods, orders
from support.certificates import Authority, listening, trusting
from support.frames import ENHANCE_YOUR_CALM, Raw
from support.libssl import LibSSL
from support.orders import order
from support.process import resident
from support.steady import Steady
from test_http2_floods import SOON, Attack, Hostile


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    site = Hostile(tmp_path_factory.mktemp("secured"), over_tls=True)
    yield site
    site.stop()


def dialled(site: Hostile) -> socket.socket:
    host, port = site.gate.target.split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def ends(connection: socket.socket, seconds: float) -> bool:
    """Whether the other end closes within so long."""
    deadline = time.monotonic() + seconds
    try:
        while True:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            if not connection.recv(1 << 16):
                return True
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


@pytest.mark.parametrize("sent", [0, 1, 5, 100, None], ids=["nothing", "a byte", "a record's head", "a part", "a whole hello"])
def test_handshakes_that_do_not_end_are_closed(secured, sent):
    hello = floods.client_hello()[:sent]
    with Attack(secured, "preface_timeout"):
        attackers = [dialled(secured) for _ in range(20)]
        for each in attackers:
            each.sendall(hello)
        assert all(ends(each, SOON) for each in attackers)
        for each in attackers:
            each.close()


def test_a_handshake_of_single_bytes_is_closed(secured):
    with Attack(secured, "preface_timeout"), dialled(secured) as attacker:
        started = time.monotonic()
        try:
            for byte in floods.client_hello():
                attacker.sendall(bytes([byte]))
                time.sleep(0.01)
                assert time.monotonic() - started < SOON, "still open"
        except (ConnectionResetError, BrokenPipeError):
            pass


def test_a_handshake_that_is_no_handshake_is_closed_and_few_are_logged(secured):
    lines = secured.gate.process.log.count("TLS with a client failed")
    with Attack(secured, "tls"):
        for _ in range(100):
            with dialled(secured) as attacker:
                attacker.sendall(b"\x16\x03\x01\x00\x05hello")
                assert ends(attacker, SOON)
    assert secured.gate.process.log.count("TLS with a client failed") - lines <= 30


def test_others_do_not_notice_a_flood_of_handshakes(tmp_path, measured):
    authority = Authority(tmp_path)
    with Steady(Site(tmp_path, more=listening(authority.issue("DNS:gate.test"))), trusting(authority)) as steady:
        measured(steady.attacked_by("hellos"))


# After the handshake.


def test_key_updates_without_end_end_the_connection(secured):
    memory = resident(secured.gate.process.pid)
    with Attack(secured, "control_flood"), Raw(secured.gate.target, tls=LibSSL()) as attacker:
        started, updates = time.monotonic(), 0
        with pytest.raises(ConnectionResetError):
            # Not one answer is read.
            while updates < 100_000:
                attacker.socket.update_key()
                updates += 1
        assert time.monotonic() - started < SOON
    assert resident(secured.gate.process.pid) - memory < 20 << 20


def test_a_flood_of_key_updates_is_named(secured):
    with Raw(secured.gate.target, tls=LibSSL()) as attacker:
        for _ in range(100):
            attacker.socket.update_key()
        last = attacker.goes_away(SOON)
        assert last.code == ENHANCE_YOUR_CALM and b"TLS" in last.payload[8:], last


def test_key_updates_now_and_then_are_no_flood(secured):
    with Raw(secured.gate.target, tls=LibSSL()) as client:
        for _ in range(20):
            client.socket.update_key()
        client.pong()
        client.send(client.call(1, orders.CREATE, order(secured.account(), quantity=0.001).SerializeToString()))
        client.until(lambda got: got.ends and got.stream == 1)


def test_a_second_handshake_is_refused(secured):
    with Raw(secured.gate.target, tls=LibSSL(to_1_2=True)) as attacker:
        with pytest.raises(ConnectionResetError):
            attacker.socket.shake_hands_again()
    with Raw(secured.gate.target, tls=LibSSL(to_1_2=True)) as client:
        client.pong()
