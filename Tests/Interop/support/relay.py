"""A TCP relay between Gate and Redis that a test can make slow, cut and close."""

import socket
import threading
import time

from .process import free_port


class Relay:
    def __init__(self, port: int):
        self._to = port
        self.port = free_port()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        #: Pairs that stand, the oldest first: Gate's subscriber, its data connection to the accounts, that to the prices.
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        #: False: whoever connects is closed at once.
        self.accepts = True
        #: What Redis says goes on in pieces of so many bytes, each after so many seconds.
        self.piece, self.pause = 65536, 0.0
        self._lock = threading.Lock()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                if not self.accepts:
                    raise OSError
                server = socket.create_connection(("127.0.0.1", self._to), timeout=1)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.pairs.append((client, server))
            for pair in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, slow: bool):
        try:
            while data := source.recv(65536):
                while slow and self.pause and data:
                    time.sleep(self.pause)
                    target.sendall(data[:self.piece])
                    data = data[self.piece:]
                target.sendall(data)
        except OSError:
            pass
        self._end(source)

    def _end(self, side: socket.socket):
        with self._lock:
            pair = next((pair for pair in self.pairs if side in pair), None)
            if pair:
                self.pairs.remove(pair)
        for end in pair or ():
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def cut(self, index: int):
        """Ends one connection: 0 the subscriber, 1 the accounts', 2 the prices'."""
        with self._lock:
            client = self.pairs[index][0]
        self._end(client)

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for client, _ in list(self.pairs):
            self._end(client)
