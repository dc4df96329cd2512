"""Many orders by few and cheap steps: a client and an endpoint that take HTTP/2 apart only as far as they must."""

import dataclasses
import functools
import itertools
import socket
import threading
from collections.abc import Callable, Iterator

import hpack

from .acceptor import Acceptor
from .frames import (ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, PING,
                     PREFACE, RST_STREAM, SETTINGS, frame, head, message, setting, window_update)
from .orders import CancelOrderRequest, CancelOrderResponse, CreateOrderResponse, state
from .rawframes import CLOSE, OPEN

#: Windows that no test exhausts, so that none has to be opened again.
WIDE = setting((INITIAL_WINDOW_SIZE, 1 << 30), (MAX_CONCURRENT_STREAMS, 10_000)) + window_update(0, 1 << 30)


def take_frames(buffer: bytearray) -> Iterator[tuple[int, int, int, bytes]]:
    """Type, flags, stream and payload of every frame that is whole; what is left stays in the buffer."""
    at, end = 0, len(buffer)
    while end - at >= 9 and end - at >= 9 + (size := int.from_bytes(buffer[at:at + 3], "big")):
        yield buffer[at + 3], buffer[at + 4], int.from_bytes(buffer[at + 5:at + 9], "big"), bytes(
            buffer[at + 9:at + 9 + size])
        at += 9 + size
    del buffer[:at]


def answer_to(kind: int, flags: int, payload: bytes) -> bytes:
    """What a frame of the connection itself is owed."""
    if kind in (SETTINGS, PING) and not flags & ACK:
        return frame(kind, ACK, 0, payload if kind == PING else b"")
    return b""


class Template:
    """A message in which a number of twelve digits stands, so that each is another one and none is built anew."""

    DIGITS = "000000000000"

    def __init__(self, built):
        """`built`: holds the digits once."""
        self._before, self._after = message(built.SerializeToString()).split(self.DIGITS.encode())

    def __call__(self, number: int) -> bytes:
        return b"%b%012d%b" % (self._before, number, self._after)


_accepted = Template(CreateOrderResponse(order_id=f"x-{Template.DIGITS}", state=state("NEW"), timestamp=1_760_000_000_000))
_canceled = CancelOrderResponse(state=state("CANCELED"), timestamp=1_760_000_000_000).SerializeToString()


def cancel_of(symbol: str) -> Template:
    """The cancels of the orders that `Prompt` has accepted, by their numbers."""
    return Template(CancelOrderRequest(order_id=f"x-{Template.DIGITS}", symbol=symbol))


class Prompt:
    """An endpoint that accepts every order, which it numbers from 0, and carries every cancel out, both at once."""

    def __init__(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{listener.getsockname()[1]}"
        #: Orders.
        self.accepted = 0
        self._lock = threading.Lock()
        self._connections: list[socket.socket] = []
        self._acceptor = Acceptor(listener, self._take)

    def _answer(self, request: bytes) -> bytes:
        # Where a cancel has the order's id an order has its symbol: in the first field, behind its key and its length.
        if request[7:9] == b"x-":
            return message(request[5:21] + _canceled)
        with self._lock:
            number, self.accepted = self.accepted, self.accepted + 1
        return _accepted(number)

    def _take(self, accepted: socket.socket) -> Callable[[], None]:
        self._connections.append(accepted)
        return functools.partial(self._run, accepted)

    def _run(self, connection: socket.socket):
        encoder, buffer = hpack.Encoder(), bytearray()
        # The first answer brings the fields into the table; all others refer to them there.
        first, later = ((encoder.encode(OPEN), encoder.encode(CLOSE)) for _ in range(2))
        blocks = iter([first])
        try:
            connection.sendall(WIDE)
            while more := connection.recv(1 << 18):
                buffer += more
                if buffer.startswith(PREFACE):
                    del buffer[:len(PREFACE)]
                out = []
                for kind, flags, stream, payload in take_frames(buffer):
                    if kind not in (HEADERS, DATA):
                        out.append(answer_to(kind, flags, payload))
                    elif flags & END_STREAM:
                        opened, closed = next(blocks, later)
                        out.append(frame(HEADERS, END_HEADERS, stream, opened))
                        out.append(frame(DATA, 0, stream, self._answer(payload)))
                        out.append(frame(HEADERS, END_HEADERS | END_STREAM, stream, closed))
                connection.sendall(b"".join(out))
        except OSError:
            # The other side may go first.
            pass
        connection.close()

    def stop(self):
        self._acceptor.stop()
        for connection in self._connections:
            connection.close()


@dataclasses.dataclass
class Ended:
    """Calls that have come to their end, and messages that came in answer to them."""
    calls: int = 0
    messages: int = 0


class Caller:
    """A client on one connection that makes calls of one method. Of an answer it sees whether it holds a message, no more."""

    def __init__(self, target: str, path: str, *more: tuple[str, str]):
        """`more`: further fields of each call; `{}` in a value becomes a number that is another one each time."""
        host, port = target.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._encoder = hpack.Encoder()
        blocks = self._varying if any("{}" in value for _, value in more) else self._same
        # A deadline and a user agent, as every gRPC client gives them.
        self._heads = blocks(head(path, ("user-agent", "grpc-interop/1"), ("grpc-timeout", "60S"), *more))
        self._streams = itertools.count(1, 2)
        self._buffer = bytearray()
        self._socket.sendall(PREFACE + WIDE)

    def _same(self, fields: list[tuple[str, str]]) -> Iterator[bytes]:
        # The first brings the fields into the table; all others refer to them there.
        yield self._encoder.encode(fields)
        yield from itertools.repeat(self._encoder.encode(fields))

    def _varying(self, fields: list[tuple[str, str]]) -> Iterator[bytes]:
        for number in itertools.count():
            yield self._encoder.encode([(name, value.replace("{}", f"{number:032x}")) for name, value in fields])

    def run(self, messages: Callable[[int], bytes], numbers: range, in_flight: int = 1) -> Ended:
        """Calls with the messages of these numbers. So many are open at any time, until the last is sent."""
        ended, left = Ended(), iter(numbers)
        self._socket.sendall(self._calls(messages, itertools.islice(left, in_flight)))
        while ended.calls < len(numbers):
            more = self._socket.recv(1 << 18)
            assert more, f"closed after {ended}"
            self._buffer += more
            before, out = ended.calls, []
            for kind, flags, _, payload in take_frames(self._buffer):
                if kind in (HEADERS, DATA):
                    ended.calls += flags & END_STREAM
                    ended.messages += kind == DATA and len(payload) > 0
                else:
                    assert kind not in (RST_STREAM, GOAWAY), (kind, payload)
                    out.append(answer_to(kind, flags, payload))
            out.append(self._calls(messages, itertools.islice(left, ended.calls - before)))
            self._socket.sendall(b"".join(out))
        return ended

    def _calls(self, messages: Callable[[int], bytes], numbers: Iterator[int]) -> bytes:
        out = []
        for number in numbers:
            stream = next(self._streams)
            out.append(frame(HEADERS, END_HEADERS, stream, next(self._heads)))
            out.append(frame(DATA, END_STREAM, stream, messages(number)))
        return b"".join(out)

    def stop(self):
        self._socket.close()
