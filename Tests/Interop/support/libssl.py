"""TLS as libssl itself speaks it, for what Python's `ssl` has no call for: key updates, and a second handshake."""

import ctypes
import select
import socket

_ssl = ctypes.CDLL("libssl.so.3")
for _name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
    getattr(_ssl, _name).restype = ctypes.c_void_p
_WANT_READ, _WANT_WRITE = 2, 3
_SET_MAXIMUM_VERSION, _TLS_1_2 = 124, 0x0303


def _call(name: str, *arguments) -> int:
    return getattr(_ssl, name)(*(ctypes.c_void_p(each) if isinstance(each, int) and each > 1 << 31 else each
                                 for each in arguments))


class LibSSL:
    """Stands where an `ssl.SSLContext` does. It looks at no certificate."""

    def __init__(self, to_1_2: bool = False):
        self._context = _call("SSL_CTX_new", _call("TLS_client_method"))
        _call("SSL_CTX_set_alpn_protos", self._context, b"\x02h2", 3)
        if to_1_2:
            _call("SSL_CTX_ctrl", self._context, _SET_MAXIMUM_VERSION, ctypes.c_long(_TLS_1_2), None)

    def wrap_socket(self, plain: socket.socket, server_hostname: str) -> "Connection":
        return Connection(self._context, plain)


class Connection:
    """A socket, as far as tests use one."""

    def __init__(self, context: int, plain: socket.socket):
        self._plain, self._seconds = plain, plain.gettimeout()
        self._raw = _call("SSL_new", context)
        _call("SSL_set_fd", self._raw, plain.fileno())
        self._until_done("SSL_connect")

    def _until_done(self, name: str, *arguments) -> int:
        """Makes a call until it went well; raises where it cannot."""
        while True:
            result = _call(name, self._raw, *arguments)
            if result > 0:
                return result
            error = _call("SSL_get_error", self._raw, result)
            if error not in (_WANT_READ, _WANT_WRITE):
                raise ConnectionResetError(f"{name}: {error}")
            wanted = [self._plain]
            ready = select.select(wanted, [], [], self._seconds) if error == _WANT_READ else \
                select.select([], wanted, [], self._seconds)
            if not any(ready):
                raise TimeoutError(name)

    def settimeout(self, seconds: float):
        self._seconds = seconds

    def sendall(self, data: bytes):
        if data:
            self._until_done("SSL_write", data, len(data))

    def recv(self, size: int) -> bytes:
        buffer = ctypes.create_string_buffer(size)
        count = self._until_done("SSL_read", buffer, size)
        return buffer.raw[:count]

    def update_key(self):
        """Takes a new key, and asks the other side to."""
        _call("SSL_key_update", self._raw, 1)
        self._until_done("SSL_do_handshake")

    def shake_hands_again(self):
        """Only before TLS 1.3."""
        _call("SSL_renegotiate", self._raw)
        self._until_done("SSL_do_handshake")

    def close(self):
        self._plain.close()
