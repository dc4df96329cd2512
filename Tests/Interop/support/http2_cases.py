"""What RFC 9113 and RFC 7541 ask of a server, one row a requirement: the default cases of h2spec's groups `generic`, `http2` and
`hpack`, section by section (of RFC 7540, as h2spec numbers them), and a few more, marked `+`.

A row says what is sent on a connection that has exchanged SETTINGS, and what has to come of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .frames import (ACK, COMPRESSION_ERROR, CONTINUATION, DATA, ENABLE_PUSH, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR,
                     FRAME_SIZE_ERROR, GOAWAY, HEADER_TABLE_SIZE, HEADERS, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS,
                     MAX_FRAME_SIZE, NO_ERROR, PADDED, PING, PREFACE, PRIORITIZED, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE,
                     REFUSED_STREAM, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, Raw, data, frame, head, message,
                     ping, priority, reset, setting, window_update)

#: The endpoint answers it with a message of 8 bytes and trailers, once the request has ended.
PATH = "/interop.Echo/Both"
LARGEST_FRAME = 16_384


@dataclass
class Case:
    group: str
    section: str
    title: str
    send: Callable[[Raw], bytes]
    expect: Callable[[Raw], None]
    #: Without the exchange of SETTINGS before.
    bare: bool = False
    #: Not a default case of h2spec.
    more: bool = False

    @property
    def name(self) -> str:
        return f"{self.group}/{self.section} {self.title}"


# What has to come of it.

def answered(c: Raw):
    c.until(lambda got: got.type == HEADERS and got.stream == 1)


def alive(c: Raw):
    c.pong(b"survived")


def ponged(c: Raw):
    c.until(lambda got: got.type == PING and got.flags & ACK)


def acknowledged(c: Raw):
    c.until(lambda got: got.type == SETTINGS and got.flags & ACK)


def data_of(size: int):
    return lambda c: _equal(len(c.until(lambda got: got.type == DATA).payload), size)


def closed(c: Raw):
    c.rest()


def connection_error(*codes: int):
    """GOAWAY with the code, and the end of the connection."""
    def check(c: Raw):
        got = c.goes_away()
        assert got is not None, "closed without GOAWAY"
        assert got.code in codes, f"GOAWAY {got.code}, not {codes}"
    return check


def stream_error(*codes: int):
    """A reset with the code; an endpoint may take a stream error for one of the connection."""
    def check(c: Raw):
        got = c.until(lambda got: got.type in (RST_STREAM, GOAWAY) and got.code != NO_ERROR)
        assert got.code in codes, f"{got}: {got.code}, not {codes}"
    return check


def reset_with(code: int):
    return lambda c: _equal(c.until(lambda got: got.type == RST_STREAM).code, code)


def _equal(value, expected):
    assert value == expected, f"{value}, not {expected}"


# What is sent.

def fields(*more: tuple[str, str], without: str = "", method: str = "POST") -> list[tuple[str, str]]:
    return [field for field in head(PATH, *more, method=method) if field[0] != without]


def get(c: Raw, *more: tuple[str, str], stream: int = 1) -> bytes:
    """A call that ends with its head."""
    return c.headers(stream, fields(*more), end=True)


def post(c: Raw, *more: tuple[str, str], stream: int = 1) -> bytes:
    """The head of a call whose message follows."""
    return c.headers(stream, fields(*more))


def dummy(c: Raw, size: int = 200) -> bytes:
    return c.block([("x-dummy", "d" * size)])


def more(c: Raw, stream: int = 1, whole: bool = True) -> bytes:
    return frame(CONTINUATION, END_HEADERS * whole, stream, dummy(c))


def answered_then(c: Raw, make: Callable[[Raw], bytes]) -> bytes:
    """What `make` makes, after stream 1 was answered and is closed on both sides."""
    c.send(get(c))
    c.until(lambda got: got.ends and got.stream == 1)
    return make(c)


def unfinished(c: Raw) -> bytes:
    """A head without its end."""
    return c.headers(1, fields(), end=True, whole=False)


def split(c: Raw, *at: int) -> bytes:
    """A head cut at these places."""
    block = c.block(fields())
    cuts = [0, *at, len(block)]
    parts = [block[a:b] for a, b in zip(cuts, cuts[1:])]
    out = c.headers(1, parts[0], end=True, whole=len(parts) == 1)
    for number, part in enumerate(parts[1:], 2):
        out += frame(CONTINUATION, END_HEADERS * (number == len(parts)), 1, part)
    return out


def coded(c: Raw, representation: bytes) -> bytes:
    """A head with these bytes of HPACK behind it."""
    return c.headers(1, c.block(fields()) + representation, end=True)


def window(c: Raw, size: int):
    c.send(setting((INITIAL_WINDOW_SIZE, size)))
    acknowledged(c)


def narrowed(c: Raw, size: int) -> bytes:
    window(c, size)
    return get(c)


def widened_later(c: Raw) -> bytes:
    window(c, 0)
    c.send(get(c))
    return setting((INITIAL_WINDOW_SIZE, 1))


def made_negative(c: Raw) -> bytes:
    window(c, 3)
    c.send(get(c))
    c.until(lambda got: got.type == DATA)
    window(c, 2)
    return window_update(1, 2)


def too_many(c: Raw) -> bytes:
    """Orders whose messages do not come: Gate keeps them all open."""
    order = head("/order.OrderService/CreateOrder")
    return b"".join(c.headers(2 * number + 1, order) for number in range(c.settings[MAX_CONCURRENT_STREAMS] + 1))


def indexed_again(c: Raw) -> bytes:
    """A field that the dynamic table already has, by its index: 62, the newest."""
    return c.headers(1, c.block(fields()) + b"\x40\x06x-test\x02ok" + b"\xbe", end=True)


PADDING = b"padded"
FIELD_TESTS = [
    # Section 6.2 and 6.1 of RFC 7541: each representation, plain and in Huffman's code.
    ("an indexed field", indexed_again),
    ("a literal with incremental indexing, indexed name", lambda c: coded(c, b"\x7a\x06h2spec")),
    ("a literal with incremental indexing, indexed name, Huffman", lambda c: coded(c, b"\x7a\x84\x9c\x48\xac\xa4")),
    ("a literal with incremental indexing, new name", lambda c: coded(c, b"\x40\x06x-test\x06h2spec")),
    ("a literal with incremental indexing, new name, Huffman",
     lambda c: coded(c, b"\x40\x85\xf2\xb2\x4a\x84\xff\x84\x9c\x48\xac\xa4")),
    ("a literal without indexing, indexed name", lambda c: coded(c, b"\x0f\x2b\x06h2spec")),
    ("a literal without indexing, indexed name, Huffman", lambda c: coded(c, b"\x0f\x2b\x84\x9c\x48\xac\xa4")),
    ("a literal without indexing, new name", lambda c: coded(c, b"\x00\x06x-test\x06h2spec")),
    ("a literal without indexing, new name, Huffman",
     lambda c: coded(c, b"\x00\x85\xf2\xb2\x4a\x84\xff\x84\x9c\x48\xac\xa4")),
    ("a literal never indexed, indexed name", lambda c: coded(c, b"\x1f\x2b\x06h2spec")),
    ("a literal never indexed, indexed name, Huffman", lambda c: coded(c, b"\x1f\x2b\x84\x9c\x48\xac\xa4")),
    ("a literal never indexed, new name", lambda c: coded(c, b"\x10\x06x-test\x06h2spec")),
    ("a literal never indexed, new name, Huffman",
     lambda c: coded(c, b"\x10\x85\xf2\xb2\x4a\x84\xff\x84\x9c\x48\xac\xa4")),
    ("an update of the table's size", lambda c: c.headers(1, b"\x20" + c.block(fields()), end=True)),
    ("two updates of the table's size",
     lambda c: c.headers(1, b"\x20\x3f\xe1\x1f" + c.block(fields()), end=True)),
]

GENERIC = [
    ("1", "a client's preface is answered with SETTINGS", lambda c: PREFACE + setting(),
     lambda c: c.until(lambda got: got.type == SETTINGS and not got.flags & ACK)),
    ("2", "PRIORITY on an idle stream", lambda c: priority(1), alive),
    ("2", "WINDOW_UPDATE on a half-closed stream",
     lambda c: setting((INITIAL_WINDOW_SIZE, 0)) + get(c) + window_update(1, 1), data_of(1)),
    ("2", "PRIORITY on a half-closed stream",
     lambda c: setting((INITIAL_WINDOW_SIZE, 0)) + get(c) + priority(1) + window_update(1, 1), data_of(1)),
    ("2", "RST_STREAM on a half-closed stream", lambda c: get(c) + reset(1), alive),
    ("2", "PRIORITY on a closed stream", lambda c: answered_then(c, lambda c: priority(1)), alive),
    ("3.1", "a DATA frame", lambda c: post(c) + data(1, message(b"test"), end=True), answered),
    ("3.1", "several DATA frames",
     lambda c: post(c) + data(1, message(b"test")[:3]) + data(1, message(b"test")[3:], end=True), answered),
    ("3.1", "a DATA frame with padding",
     lambda c: post(c) + frame(DATA, END_STREAM | PADDED, 1, b"\x06" + message(b"test") + PADDING), answered),
    ("3.2", "a HEADERS frame", get, answered),
    ("3.2", "a HEADERS frame with padding",
     lambda c: c.headers(1, b"\x06" + c.block(fields()) + PADDING, end=True, flags=PADDED), answered),
    ("3.2", "a HEADERS frame with priority",
     lambda c: c.headers(1, bytes(4) + b"\xff" + c.block(fields()), end=True, flags=PRIORITIZED), answered),
    ("3.3", "PRIORITY of weight 1", lambda c: priority(1, weight=0) + get(c), answered),
    ("3.3", "PRIORITY of weight 256", lambda c: priority(1, weight=255) + get(c), answered),
    ("3.3", "PRIORITY with a dependency", lambda c: priority(3, on=1) + get(c), answered),
    ("3.3", "exclusive PRIORITY", lambda c: priority(1, exclusive=True) + get(c), answered),
    ("3.3", "PRIORITY of an idle stream, then a lower one", lambda c: priority(3) + get(c), answered),
    ("3.4", "RST_STREAM", lambda c: get(c) + reset(1), alive),
    ("3.5", "SETTINGS", lambda c: setting(), acknowledged),
    ("3.7", "PING", lambda c: ping(), ponged),
    ("3.8", "GOAWAY", lambda c: frame(GOAWAY, 0, 0, bytes(8)) + ping(), lambda c: _ponged_or_closed(c)),
    ("3.9", "WINDOW_UPDATE on stream 0", lambda c: window_update(0, 1), alive),
    ("3.9", "WINDOW_UPDATE on stream 1", lambda c: get(c) + window_update(1, 1), answered),
    ("3.10", "a CONTINUATION frame", lambda c: split(c, 5), answered),
    ("3.10", "several CONTINUATION frames", lambda c: split(c, 5, 10), answered),
    # The endpoint, being one for gRPC, resets what is a GET; on this path Gate answers.
    ("4", "a GET request", lambda c: c.headers(1, head("/order.OrderService/CreateOrder", method="GET"), end=True), answered),
    ("4", "a HEAD request", lambda c: c.headers(1, fields(method="HEAD"), end=True), answered),
    ("4", "a POST request", lambda c: post(c) + data(1, message(b"test"), end=True), answered),
    ("4", "a POST request with trailers",
     lambda c: post(c, ("trailer", "x-test")) + data(1, message(b"test")) + c.headers(1, [("x-test", "ok")], end=True),
     answered),
    *[("5", title, send, answered) for title, send in FIELD_TESTS],
]

HTTP2 = [
    ("3.5", "the server's preface is SETTINGS", lambda c: PREFACE + setting((INITIAL_WINDOW_SIZE, 65_535)),
     lambda c: _equal(c.next().type, SETTINGS)),
    ("3.5", "another preface", lambda c: b"INVALID CONNECTION PREFACE\r\n\r\n", closed),
    ("4.1", "a frame of an unknown type", lambda c: frame(0x16, 0, 0, bytes(8)), alive),
    ("4.1", "a frame with undefined flags", lambda c: ping(flags=0x16), ponged),
    ("4.1", "a frame with the reserved bit", lambda c: ping(flags=0x16, stream=1 << 31), ponged),
    ("4.2", "DATA of the largest size", lambda c: post(c) + data(1, message(bytes(LARGEST_FRAME - 5)), end=True), answered),
    ("4.2", "DATA over the largest size", lambda c: post(c) + data(1, bytes(LARGEST_FRAME + 1), end=True),
     stream_error(FRAME_SIZE_ERROR)),
    ("4.2", "HEADERS over the largest size",
     lambda c: c.headers(1, c.block(fields(*[(f"x-{n}", "~" * 4000) for n in range(5)]), huffman=False), end=True),
     connection_error(FRAME_SIZE_ERROR)),
    ("4.3", "a header block that is none", lambda c: c.headers(1, b"\x40", end=True), connection_error(COMPRESSION_ERROR)),
    ("4.3", "PRIORITY within a header block",
     lambda c: c.headers(1, fields(), whole=False) + priority(1) + more(c), connection_error(PROTOCOL_ERROR)),
    ("4.3", "HEADERS of another stream within a header block",
     lambda c: c.headers(1, fields(), whole=False) + get(c, stream=3) + more(c), connection_error(PROTOCOL_ERROR)),
    ("5.1", "idle: DATA", lambda c: data(1, b"test", end=True), connection_error(PROTOCOL_ERROR)),
    ("5.1", "idle: RST_STREAM", lambda c: reset(1), connection_error(PROTOCOL_ERROR)),
    ("5.1", "idle: WINDOW_UPDATE", lambda c: window_update(1, 100), connection_error(PROTOCOL_ERROR)),
    ("5.1", "idle: CONTINUATION", lambda c: more(c), connection_error(PROTOCOL_ERROR)),
    ("5.1", "half-closed: DATA", lambda c: get(c) + data(1, b"test", end=True), stream_error(STREAM_CLOSED)),
    ("5.1", "half-closed: HEADERS", lambda c: get(c) + get(c), stream_error(STREAM_CLOSED)),
    ("5.1", "half-closed: CONTINUATION", lambda c: get(c) + more(c), stream_error(STREAM_CLOSED, PROTOCOL_ERROR)),
    ("5.1", "reset: DATA", lambda c: post(c) + reset(1) + data(1, b"test", end=True), stream_error(STREAM_CLOSED)),
    ("5.1", "reset: HEADERS", lambda c: post(c) + reset(1) + get(c), stream_error(STREAM_CLOSED)),
    ("5.1", "reset: CONTINUATION", lambda c: post(c) + reset(1) + more(c), stream_error(STREAM_CLOSED, PROTOCOL_ERROR)),
    ("5.1", "closed: DATA", lambda c: answered_then(c, lambda c: data(1, b"test", end=True)), connection_error(STREAM_CLOSED)),
    ("5.1", "closed: HEADERS", lambda c: answered_then(c, get), connection_error(STREAM_CLOSED)),
    ("5.1", "closed: CONTINUATION", lambda c: answered_then(c, more), connection_error(STREAM_CLOSED, PROTOCOL_ERROR)),
    ("5.1.1", "an even stream", lambda c: get(c, stream=2), connection_error(PROTOCOL_ERROR)),
    ("5.1.1", "a stream below the last", lambda c: get(c, stream=5) + get(c, stream=3), connection_error(PROTOCOL_ERROR)),
    ("5.1.2", "more streams than announced", too_many, stream_error(PROTOCOL_ERROR, REFUSED_STREAM)),
    ("5.3.1", "HEADERS that depend on themselves",
     lambda c: c.headers(1, b"\x00\x00\x00\x01\xff" + c.block(fields()), end=True, flags=PRIORITIZED),
     stream_error(PROTOCOL_ERROR)),
    ("5.3.1", "PRIORITY that depends on itself", lambda c: priority(2, on=2), stream_error(PROTOCOL_ERROR)),
    ("5.4.1", "an error closes the connection", lambda c: ping(stream=3), closed),
    ("5.5", "an unknown extension frame", lambda c: frame(0x16, 0, 0, bytes(8)), alive),
    ("5.5", "an unknown frame within a header block", lambda c: unfinished(c) + frame(0x16, 0, 0, bytes(8)),
     connection_error(PROTOCOL_ERROR)),
    ("6.1", "DATA on stream 0", lambda c: data(0, b"test", end=True), connection_error(PROTOCOL_ERROR)),
    ("6.1", "DATA on a stream that is not open", lambda c: get(c) + data(1, b"test", end=True), stream_error(STREAM_CLOSED)),
    ("6.1", "DATA with more padding than bytes",
     lambda c: post(c, ("content-length", "4")) + frame(DATA, END_STREAM | PADDED, 1, b"\x06test"),
     connection_error(PROTOCOL_ERROR)),
    ("6.2", "HEADERS without its end, then PRIORITY", lambda c: unfinished(c) + priority(1), connection_error(PROTOCOL_ERROR)),
    ("6.2", "HEADERS of another stream before the end of the first", lambda c: unfinished(c) + get(c, stream=3),
     connection_error(PROTOCOL_ERROR)),
    ("6.2", "HEADERS on stream 0", lambda c: get(c, stream=0), connection_error(PROTOCOL_ERROR)),
    ("6.2", "HEADERS with more padding than bytes",
     lambda c: c.headers(1, b"\xff" + c.block(fields()), end=True, flags=PADDED), connection_error(PROTOCOL_ERROR)),
    ("6.3", "PRIORITY on stream 0", lambda c: priority(0), connection_error(PROTOCOL_ERROR)),
    ("6.3", "PRIORITY of another length", lambda c: frame(PRIORITY, 0, 1, b"\x80\x00\x00\x01"),
     stream_error(FRAME_SIZE_ERROR)),
    ("6.4", "RST_STREAM on stream 0", lambda c: reset(0), connection_error(PROTOCOL_ERROR)),
    ("6.4", "RST_STREAM on an idle stream", lambda c: reset(1), connection_error(PROTOCOL_ERROR)),
    ("6.4", "RST_STREAM of another length", lambda c: post(c) + frame(RST_STREAM, 0, 1, bytes(3)),
     connection_error(FRAME_SIZE_ERROR)),
    ("6.5", "an acknowledgement of SETTINGS with a payload", lambda c: frame(SETTINGS, ACK, 0, bytes(1)),
     connection_error(FRAME_SIZE_ERROR)),
    ("6.5", "SETTINGS on a stream", lambda c: frame(SETTINGS, 0, 1, b"\x00\x03\x00\x00\x00\x64"),
     connection_error(PROTOCOL_ERROR)),
    ("6.5", "SETTINGS of another length", lambda c: frame(SETTINGS, 0, 0, bytes(3)), connection_error(FRAME_SIZE_ERROR)),
    ("6.5.2", "ENABLE_PUSH of 2", lambda c: setting((ENABLE_PUSH, 2)), connection_error(PROTOCOL_ERROR)),
    ("6.5.2", "INITIAL_WINDOW_SIZE above its bound", lambda c: setting((INITIAL_WINDOW_SIZE, 1 << 31)),
     connection_error(FLOW_CONTROL_ERROR)),
    ("6.5.2", "MAX_FRAME_SIZE below its bound", lambda c: setting((MAX_FRAME_SIZE, LARGEST_FRAME - 1)),
     connection_error(PROTOCOL_ERROR)),
    ("6.5.2", "MAX_FRAME_SIZE above its bound", lambda c: setting((MAX_FRAME_SIZE, 1 << 24)),
     connection_error(PROTOCOL_ERROR)),
    ("6.5.2", "an unknown setting", lambda c: setting((0xFF, 1)), alive),
    ("6.5.3", "a setting given twice", lambda c: c.send(setting((INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)))
     and get(c), data_of(1)),
    ("6.5.3", "SETTINGS are acknowledged", lambda c: setting((ENABLE_PUSH, 0)), acknowledged),
    ("6.7", "PING", lambda c: ping(), ponged),
    ("6.7", "an acknowledgement of no PING", lambda c: ping(b"unasked!", flags=ACK), lambda c: _unanswered(c)),
    ("6.7", "PING on a stream", lambda c: ping(stream=1), connection_error(PROTOCOL_ERROR)),
    ("6.7", "PING of another length", lambda c: ping(bytes(6)), connection_error(FRAME_SIZE_ERROR)),
    ("6.8", "GOAWAY on a stream", lambda c: frame(GOAWAY, 0, 1, bytes(8)), connection_error(PROTOCOL_ERROR)),
    ("6.9", "WINDOW_UPDATE of 0", lambda c: window_update(0, 0), connection_error(PROTOCOL_ERROR)),
    ("6.9", "WINDOW_UPDATE of 0 on a stream", lambda c: post(c) + window_update(1, 0), stream_error(PROTOCOL_ERROR)),
    ("6.9", "WINDOW_UPDATE of another length", lambda c: frame(WINDOW_UPDATE, 0, 0, bytes(3)),
     connection_error(FRAME_SIZE_ERROR)),
    ("6.9.1", "a window of 1", lambda c: narrowed(c, 1), data_of(1)),
    ("6.9.1", "the connection's window above its bound", lambda c: window_update(0, (1 << 31) - 1) * 2,
     connection_error(FLOW_CONTROL_ERROR)),
    ("6.9.1", "a stream's window above its bound", lambda c: post(c) + window_update(1, (1 << 31) - 1) * 2,
     reset_with(FLOW_CONTROL_ERROR)),
    ("6.9.2", "a window changed after the head", widened_later, data_of(1)),
    ("6.9.2", "a window made negative", made_negative, data_of(1)),
    ("6.9.2", "a window above its bound by SETTINGS", lambda c: setting((INITIAL_WINDOW_SIZE, 1 << 31)),
     connection_error(FLOW_CONTROL_ERROR)),
    ("6.10", "several CONTINUATION frames", lambda c: unfinished(c) + more(c, whole=False) + more(c), answered),
    ("6.10", "CONTINUATION, then another frame",
     lambda c: c.headers(1, fields(), whole=False) + more(c, whole=False) + data(1, b"test", end=True),
     connection_error(PROTOCOL_ERROR)),
    ("6.10", "CONTINUATION on stream 0", lambda c: unfinished(c) + more(c, stream=0), connection_error(PROTOCOL_ERROR)),
    ("6.10", "CONTINUATION behind a whole head", lambda c: get(c) + more(c), connection_error(PROTOCOL_ERROR)),
    ("6.10", "CONTINUATION behind the last", lambda c: unfinished(c) + more(c) + more(c), connection_error(PROTOCOL_ERROR)),
    ("6.10", "CONTINUATION behind DATA",
     lambda c: c.headers(1, fields(), whole=False) + data(1, b"test", end=True) + more(c, whole=False) + more(c, stream=0),
     connection_error(PROTOCOL_ERROR)),
    ("7", "GOAWAY with an unknown code", lambda c: frame(GOAWAY, 0, 0, bytes(4) + b"\x00\x00\x00\xff") + ping(),
     lambda c: _ponged_or_closed(c)),
    ("7", "RST_STREAM with an unknown code", lambda c: get(c) + reset(1, 0xFF), alive),
    ("8.1", "a second head that does not end the stream", lambda c: post(c) + post(c), stream_error(PROTOCOL_ERROR)),
    ("8.1.2", "a field name in upper case", lambda c: coded(c, b"\x00\x06X-TEST\x02ok"), stream_error(PROTOCOL_ERROR)),
    ("8.1.2.1", "an unknown pseudo-header", lambda c: c.headers(1, [(":test", "ok"), *fields()], end=True),
     stream_error(PROTOCOL_ERROR)),
    ("8.1.2.1", "a response's pseudo-header", lambda c: c.headers(1, [(":status", "200"), *fields()], end=True),
     stream_error(PROTOCOL_ERROR)),
    ("8.1.2.1", "a pseudo-header in trailers",
     lambda c: post(c) + data(1, message(b"test")) + c.headers(1, [(":method", "200")], end=True),
     stream_error(PROTOCOL_ERROR)),
    ("8.1.2.1", "a pseudo-header behind a field",
     lambda c: c.headers(1, [*fields(without=":path"), (":path", PATH)], end=True), stream_error(PROTOCOL_ERROR)),
    ("8.1.2.2", "a field of the connection", lambda c: get(c, ("connection", "keep-alive")), stream_error(PROTOCOL_ERROR)),
    ("8.1.2.2", "te other than trailers", lambda c: c.headers(1, [*fields(without="te"), ("te", "trailers, deflate")], end=True),
     stream_error(PROTOCOL_ERROR)),
    ("8.1.2.3", "an empty :path",
     lambda c: c.headers(1, [(":path", ""), *fields(without=":path")], end=True), stream_error(PROTOCOL_ERROR)),
    *[("8.1.2.3", f"no {name}", lambda c, name=name: c.headers(1, fields(without=name), end=True),
       stream_error(PROTOCOL_ERROR)) for name in (":method", ":scheme", ":path")],
    *[("8.1.2.3", f"{name} twice", lambda c, name=name, value=value: c.headers(1, [(name, value), *fields()], end=True),
       stream_error(PROTOCOL_ERROR)) for name, value in ((":method", "POST"), (":scheme", "http"), (":path", PATH))],
    ("8.1.2.6", "a content-length that is not the DATA frame's",
     lambda c: post(c, ("content-length", "1")) + data(1, b"test", end=True), stream_error(PROTOCOL_ERROR)),
    ("8.1.2.6", "a content-length that is not that of several DATA frames",
     lambda c: post(c, ("content-length", "1")) + data(1, b"test") + data(1, b"test", end=True),
     stream_error(PROTOCOL_ERROR)),
    ("8.2", "PUSH_PROMISE",
     lambda c: frame(PUSH_PROMISE, END_HEADERS, 1, b"\x00\x00\x00\x03" + c.block(fields())),
     connection_error(PROTOCOL_ERROR)),
]

HPACK = [
    ("2.3.3", "an index beyond the table", lambda c: coded(c, b"\xff\x80\x01"), connection_error(COMPRESSION_ERROR)),
    ("2.3.3", "a name's index beyond the table", lambda c: coded(c, b"\x7f\x80\x01\x06h2spec"),
     connection_error(COMPRESSION_ERROR)),
    ("4.2", "an update of the table's size at the end", lambda c: coded(c, b"\x21"), connection_error(COMPRESSION_ERROR)),
    ("5.2", "Huffman padding of more than 7 bits",
     lambda c: coded(c, b"\x00\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff"), connection_error(COMPRESSION_ERROR)),
    ("5.2", "Huffman padding of zeros", lambda c: coded(c, b"\x00\x85\xf2\xb2\x4a\x84\xff\x83\x49\x50\x90"),
     connection_error(COMPRESSION_ERROR)),
    ("5.2", "Huffman's end of string in a string",
     lambda c: coded(c, b"\x00\x85\xf2\xb2\x4a\x87\xff\xff\xff\xfd\x25\x42\x7f"), connection_error(COMPRESSION_ERROR)),
    ("6.1", "index 0", lambda c: coded(c, b"\x80"), connection_error(COMPRESSION_ERROR)),
    ("6.3", "an update of the table's size above the bound",
     lambda c: c.headers(1, b"\x3f\xe1\x1f\x3f\xe2\x1f" + c.block(fields()), end=True),
     connection_error(COMPRESSION_ERROR)),
]

MORE = [
    ("http2", "5.1.1", "HEADERS twice on stream 5", lambda c: get(c, stream=5) + get(c, stream=5),
     stream_error(STREAM_CLOSED)),
    ("http2", "5.4.1", "an error is told before the connection closes", lambda c: ping(stream=3),
     connection_error(PROTOCOL_ERROR)),
    ("http2", "6.5.2", "a smaller header table", lambda c: setting((HEADER_TABLE_SIZE, 0)) + get(c), answered),
]


def _ponged_or_closed(c: Raw):
    got = c.next()
    while got is not None and got.type != PING:
        got = c.next()


def _unanswered(c: Raw):
    """The next answer to a PING is that to ours."""
    c.send(ping(b"measured"))
    got = c.until(lambda got: got.type == PING)
    assert got.flags & ACK and got.payload == b"measured", got


BARE = {("generic", "1"), ("http2", "3.5")}
CASES = [Case(group, section, title, send, expect, bare=(group, section) in BARE)
         for group, rows in (("generic", GENERIC), ("http2", HTTP2), ("hpack", HPACK))
         for section, title, send, expect in rows]
CASES += [Case(group, section, "+ " + title, send, expect, more=True) for group, section, title, send, expect in MORE]
