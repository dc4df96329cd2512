"""The endpoint process as a test sees it: asked and told directly, not through Gate."""

import json
import os
import sys
from pathlib import Path

import grpc

from .process import Process
from .waiting import wait_until

HERE = Path(__file__).resolve().parents[1]


class Endpoint:
    def __init__(self, directory: Path, address: str = "127.0.0.1:0", tls: dict | None = None):
        """`tls`: paths of `certificate` and `key`, and of the `client_ca` that vouches for callers."""
        self._tls = tls
        self._directory = directory
        self.address = address
        self.process: Process | None = None
        self._channel: grpc.Channel | None = None
        self.start()

    def start(self):
        """Again after `kill`: at the same address."""
        lines = self.process.log.count("\n") if self.process else 0
        self.process = Process(
            "endpoint", [sys.executable, "-m", "support.endpoint_program", self.address, json.dumps(self._tls)],
            self._directory,
            {**os.environ, "PYTHONPATH": str(HERE)})

        def line() -> str:
            self.process.fail_if_ended()
            fresh = self.process.log.splitlines()[lines:]
            return next((line for line in fresh if line.startswith("listening on ")), "")
        where = wait_until("the endpoint listens", line).split()[-1]
        if not self.address.startswith("unix:"):
            self.address = f"127.0.0.1:{where}"
        self._channel = self._dial([("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)])

    def _dial(self, options: list) -> grpc.Channel:
        """Directly, as whoever the endpoint trusts: it shows itself its own certificate."""
        if not self._tls:
            return grpc.insecure_channel(self.address, options)
        certificate = Path(self._tls["certificate"]).read_bytes()
        key = Path(self._tls["key"]).read_bytes()
        # An issued certificate is a trust anchor of its own here: whether the endpoint is genuine is not the question.
        return grpc.secure_channel(self.address, grpc.ssl_channel_credentials(certificate, key, certificate), options)

    def kill(self):
        self._channel.close()
        self.process.kill()

    def stop(self):
        if self._channel:
            self._channel.close()
        self.process.stop()

    def calls(self, tag: str = "") -> list[dict]:
        """All calls with this tag that reached the endpoint, oldest first."""
        return json.loads(self._control("Calls", tag))

    def call(self, tag: str) -> dict:
        """The one call with this tag, waiting for it to arrive."""
        found = wait_until(f"call {tag} reaches the endpoint", lambda: self.calls(tag))
        assert len(found) == 1, found
        return found[0]

    def waiting(self, name: str) -> int:
        """How many calls there are held under `name` now."""
        return int(self._control("Waiting", name))

    def release(self, name: str):
        """Lets everything go on that was told to hold `name`."""
        self._control("Release", name)

    def _control(self, method: str, text: str) -> bytes:
        return self._channel.unary_unary(f"/interop.Control/{method}")(text.encode(), timeout=10, wait_for_ready=True)
