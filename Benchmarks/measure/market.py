"""What Gate mirrors from Redis, kept fresh: the price of one symbol and the state of one account."""

import json
import socket
import threading
import time

SYMBOL, ACCOUNT, PRICE, EQUITY = "BTCUSDT", "bench", 50_000.0, 1_000_000_000
INTERVAL = 0.1


class Market:
    """Rewrites both values ten times a second from a thread of its own, until it is stopped."""

    def __init__(self, port: int):
        self._port = port
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._failure: Exception | None = None
        self._sequence = 0
        self._sockets = {database: self._dial(database) for database in (0, 1)}
        self._write()

    def start(self):
        self._thread.start()

    def stop(self):
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)
        for connection in self._sockets.values():
            connection.close()

    def fail_if_broken(self):
        if self._failure:
            raise RuntimeError(f"the price and account writer failed: {self._failure}")

    def _run(self):
        try:
            while not self._stop.wait(INTERVAL):
                self._write()
        except Exception as failure:
            self._failure = failure

    def _write(self):
        self._sequence += 1
        now = time.time()
        price = {"price": PRICE, "bid_price": PRICE - 0.5, "ask_price": PRICE + 0.5, "as_of": now}
        account = {
            "seq": self._sequence, "as_of": now, "equity": EQUITY, "balance": EQUITY, "unrealized_pnl": 0,
            "margin_used": 0, "available_margin": EQUITY, "peak_equity": EQUITY, "daily_start_equity": EQUITY,
            "positions": [], "pending_orders": [],
        }
        self._command(1, "SET", f"market:prices:{SYMBOL}", json.dumps(price))
        self._command(0, "SET", f"account:state:{ACCOUNT}", json.dumps(account))

    def _dial(self, database: int) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=5)
        self._send(connection, "SELECT", str(database))
        return connection

    def _command(self, database: int, *words: str):
        self._send(self._sockets[database], *words)

    @staticmethod
    def _send(connection: socket.socket, *words: str):
        """One command in Redis' own protocol; the answer to each of the few used here is +OK."""
        parts = [f"*{len(words)}\r\n".encode()]
        for word in words:
            data = word.encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        connection.sendall(b"".join(parts))
        answer = connection.recv(512)
        if answer != b"+OK\r\n":
            raise RuntimeError(f"{words[0]}: Redis answered {answer!r}")
