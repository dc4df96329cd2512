"""`upstream: original-destination`, in a network of this test's own in which the packet filter redirects."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

INSIDE = "GATE_TEST_REDIRECTED"


def why_not() -> str | None:
    """What this machine lacks for it."""
    if missing := [name for name in ("unshare", "ip", "nft") if not shutil.which(name)]:
        return f"needs {', '.join(missing)}"
    probe = subprocess.run(
        ["unshare", "--net", "sh", "-c",
         "ip link set lo up && nft add table ip probe && "
         "nft 'add chain ip probe out { type nat hook output priority -100; }' && "
         "nft 'add rule ip probe out tcp dport 9 redirect to :10'"], capture_output=True, text=True, timeout=10)
    return f"no packet filter in a network namespace: {probe.stderr.strip()}" if probe.returncode else None


@pytest.mark.skipif(INSIDE in os.environ, reason="runs the ones below")
def test_redirected_connections():
    if reason := why_not():
        pytest.skip(f"ORIGINAL-DESTINATION IS NOT TESTED: {reason}")
    run = subprocess.run(
        ["unshare", "--net", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh", sys.executable, "-m", "pytest",
         "-p", "no:cacheprovider", "-q", str(Path(__file__))],
        env={**os.environ, INSIDE: "1"}, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr


if INSIDE in os.environ:
    from support import orders, rawframes
    from support.client import Client
    from support.rawframes import RawClient
    from support.orders import order
    from support.process import free_port
    from support.scripted import Scripted

    def redirect(family: str, port: int, to: int, but_for_group: int | None):
        but = f"meta skgid != {but_for_group} " if but_for_group is not None else ""
        for line in (f"add table {family} t", f"add chain {family} t out {{ type nat hook output priority -100; }}",
                     f"add rule {family} t out {but}tcp dport {port} redirect to :{to}"):
            subprocess.run(["nft", line], check=True, timeout=10)

    GATES = 65534

    @pytest.mark.parametrize("family, host", [("ip", "127.0.0.1"), ("ip6", "::1")])
    def test_calls_go_where_the_client_meant_them_to(own_site, family, host):
        endpoint = Scripted(host)
        port = free_port()
        listen = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        site = own_site(endpoint=endpoint, upstream="original-destination", listen=listen, group=GATES)
        redirect(family, endpoint.port, port, but_for_group=GATES)
        client = Client(endpoint.address)
        sent = order(site.account())
        assert client.create(sent).ok
        assert len(endpoint.seen(sent.SerializeToString())) == 1
        assert site.gate.metric("gate_orders_total", decision="approved") == 1, "it went past Gate"
        client.close()

    def test_a_connection_to_gate_itself_is_closed(own_site):
        site = own_site(endpoint=Scripted(), upstream="original-destination", group=GATES)
        assert RawClient(site.gate.target).until_closed() == []
        assert site.gate.metric("gate_refused_connections_total", reason="loop") == 1

    def test_a_redirect_of_gates_own_connections_ends_at_once(own_site):
        endpoint = Scripted()
        port = free_port()
        site = own_site(endpoint=endpoint, upstream="original-destination", listen=f"127.0.0.1:{port}")
        redirect("ip", endpoint.port, port, but_for_group=None)
        raw = RawClient(endpoint.address)
        raw.send(rawframes.request(1, orders.CREATE, order(site.account()).SerializeToString()))
        raw.until(rawframes.HEADERS, 1)
        assert site.gate.metric("gate_refused_connections_total", reason="loop") >= 1
        assert endpoint.requests == []
        raw.close()
