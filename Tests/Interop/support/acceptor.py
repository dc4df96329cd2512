"""Taking connections, each on a thread of its own."""

import socket
import threading
from collections.abc import Callable


class Acceptor:
    """Gives each connection that comes to `take`, and runs what that returns, until it is stopped."""

    def __init__(self, listener: socket.socket, take: Callable[[socket.socket], Callable[[], None]]):
        self._listener, self._take = listener, take
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._take(accepted), daemon=True).start()

    def stop(self):
        """Takes no more: whatever was accepted has been given to `take`."""
        if self._listener.fileno() >= 0:
            # Closing alone would leave it open for as long as the thread waits in it.
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        self._thread.join(5)
