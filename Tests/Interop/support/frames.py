"""HTTP/2 spoken by hand: every frame as the test wants it, right or wrong, and what comes back, frame by frame."""

import dataclasses
import socket
import ssl
import struct
import time

import hpack

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
ACK = END_STREAM = 0x1
END_HEADERS, PADDED, PRIORITIZED = 0x4, 0x8, 0x20

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR, \
    REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = range(12)

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = \
    range(1, 7)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@dataclasses.dataclass
class Frame:
    type: int
    flags: int
    stream: int
    payload: bytes

    @property
    def code(self) -> int:
        """Error code of a reset or a GOAWAY."""
        return struct.unpack(">I", self.payload[:4] if self.type == RST_STREAM else self.payload[4:8])[0]

    @property
    def ends(self) -> bool:
        return self.type in (DATA, HEADERS) and bool(self.flags & END_STREAM)


def frame(type: int, flags: int, stream: int, payload: bytes = b"", length: int | None = None) -> bytes:
    """`length`: another one than the payload has."""
    size = len(payload) if length is None else length
    return struct.pack(">IBI", size << 8 | type, flags, stream) + payload


def setting(*pairs: tuple[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def ping(payload: bytes = bytes(8), flags: int = 0, stream: int = 0) -> bytes:
    return frame(PING, flags, stream, payload)


def reset(stream: int, code: int = CANCEL) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def window_update(stream: int, size: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", size))


def priority(stream: int, on: int = 0, weight: int = 255, exclusive: bool = False) -> bytes:
    return frame(PRIORITY, 0, stream, struct.pack(">IB", exclusive << 31 | on, weight))


def data(stream: int, payload: bytes = b"", end: bool = False) -> bytes:
    return frame(DATA, END_STREAM * end, stream, payload)


def head(path: str, *more: tuple[str, str], method: str = "POST") -> list[tuple[str, str]]:
    """The fields of a gRPC call."""
    return [(":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost"),
            ("content-type", "application/grpc"), ("te", "trailers"), *more]


def message(payload: bytes = b"") -> bytes:
    return struct.pack(">BI", 0, len(payload)) + payload


class Encoder:
    """Heads as one connection says them: later ones refer to those before."""

    def __init__(self):
        self.encoder = hpack.Encoder()

    def block(self, fields: list[tuple[str, str]], **how) -> bytes:
        return self.encoder.encode(fields, **how)

    def headers(self, stream: int, fields: list[tuple[str, str]] | bytes, end: bool = False, whole: bool = True,
                flags: int = 0) -> bytes:
        block = fields if isinstance(fields, bytes) else self.block(fields)
        return frame(HEADERS, END_STREAM * end | END_HEADERS * whole | flags, stream, block)

    def call(self, stream: int, path: str, payload: bytes = b"", *more: tuple[str, str]) -> bytes:
        """A whole unary call."""
        return self.headers(stream, head(path, *more)) + data(stream, message(payload), end=True)


class Raw(Encoder):
    """One connection. Nothing is sent that the test does not ask for, but for the acknowledgement of SETTINGS."""

    def __init__(self, target: str, greet: bool = True, settings: tuple = (), timeout: float = 5,
                 tls: ssl.SSLContext | None = None):
        host, port = target.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="gate.test")
        self.timeout = timeout
        super().__init__()
        self.decoder = hpack.Decoder()
        self.settings: dict[int, int] = {}
        self.closed = False
        self._bytes = b""
        if greet:
            self.send(PREFACE + setting(*settings))
            self.settings = self._settings(self.until(lambda got: got.type == SETTINGS and not got.flags & ACK))
            self.send(frame(SETTINGS, ACK, 0))
            self.until(lambda got: got.type == SETTINGS and got.flags & ACK)

    @staticmethod
    def _settings(got: Frame) -> dict[int, int]:
        return dict(struct.unpack(">HI", got.payload[at:at + 6]) for at in range(0, len(got.payload), 6))

    def close(self):
        self.socket.close()

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_):
        self.close()

    # Sending. A peer that has closed already is no error here: what it said is read afterwards.

    def send(self, *parts: bytes) -> bool:
        try:
            self.socket.sendall(b"".join(parts))
            return True
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            return False

    # Reading.

    def next(self, seconds: float | None = None) -> Frame | None:
        """The next frame; None where the peer has closed. Fails where nothing comes in time."""
        self.socket.settimeout(self.timeout if seconds is None else seconds)
        while len(self._bytes) < 9 or len(self._bytes) < 9 + int.from_bytes(self._bytes[:3], "big"):
            try:
                more = self.socket.recv(1 << 16)
            except (ConnectionResetError, ssl.SSLError):
                more = b""
            if not more:
                self.closed = True
                return None
            self._bytes += more
        size = int.from_bytes(self._bytes[:3], "big")
        got = Frame(self._bytes[3], self._bytes[4], int.from_bytes(self._bytes[5:9], "big") & 0x7FFFFFFF,
                    self._bytes[9:9 + size])
        self._bytes = self._bytes[9 + size:]
        if got.type == SETTINGS and not got.flags & ACK and self.settings:
            self.settings |= self._settings(got)
            self.send(frame(SETTINGS, ACK, 0))
        return got

    def until(self, check, seconds: float | None = None) -> Frame:
        """The first frame that passes `check`; fails where the peer closes first, or time is up."""
        seen = []
        deadline = time.monotonic() + (self.timeout if seconds is None else seconds)
        while True:
            try:
                got = self.next(max(0.001, deadline - time.monotonic()))
            except TimeoutError:
                raise AssertionError(f"not in time; came: {seen[-5:]}") from None
            assert got is not None, f"closed; came: {seen[-5:]}"
            if check(got):
                return got
            seen.append(got)

    def rest(self, seconds: float = 4) -> list[Frame]:
        """All frames up to the end of the connection; fails where it does not end in time."""
        frames = []
        deadline = time.monotonic() + seconds
        while True:
            try:
                got = self.next(max(0.001, deadline - time.monotonic()))
            except TimeoutError:
                raise AssertionError(f"not closed; came: {frames[-5:]}") from None
            if got is None:
                return frames
            frames.append(got)

    def goes_away(self, seconds: float = 4) -> Frame | None:
        """The last GOAWAY before the connection ended; None where it ended without."""
        return next((got for got in reversed(self.rest(seconds)) if got.type == GOAWAY), None)

    def pong(self, payload: bytes = b"measured"):
        """Fails unless the connection still answers."""
        self.send(ping(payload))
        self.until(lambda got: got.type == PING and got.flags & ACK and got.payload == payload)

    def fields(self, got: Frame) -> dict[str, str]:
        return {name: value for name, value in self.decoder.decode(got.payload)}

    def is_quiet(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        try:
            self.next(seconds)
            return False
        except TimeoutError:
            return True


class Answer:
    """What came of one stream, up to its end: heads as lists of fields, the bytes of all DATA together."""

    def __init__(self, raw: Raw, stream: int = 1):
        self.heads: list[list[tuple[str, str]]] = []
        self.data, self.kinds = b"", []
        while not self.kinds or not self.ended:
            got = raw.until(lambda got: got.type in (HEADERS, DATA, RST_STREAM))
            # Heads are decoded whichever stream they are of: each depends on those before.
            fields = list(raw.decoder.decode(got.payload)) if got.type == HEADERS else None
            if got.stream != stream:
                continue
            assert got.type != RST_STREAM, f"reset with {got.code}"
            self.ended = got.ends
            self.kinds.append(got.type)
            if fields is not None:
                self.heads.append(fields)
            else:
                self.data += got.payload

    @property
    def status(self) -> str:
        return dict(self.heads[-1])["grpc-status"]
