"""TLS on either side, and whom a connection's peer may trade for."""

import os
import shutil
import socket
import ssl

import grpc
import pytest

from support import orders
from support.certificates import Authority, listening, trusting
from support.client import Client, refused
from support.orders import order
from support.process import free_port
from support.waiting import wait_until

DENIED = grpc.StatusCode.PERMISSION_DENIED
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """An authority that nobody trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="module")
def server(authority):
    return authority.issue("DNS:gate.test", "IP:127.0.0.1")


def handshake(target: str, authority: Authority, shown=None, protocols=("h2",), **versions) -> ssl.SSLSocket:
    """Only TLS, seen from outside."""
    context = trusting(authority, protocols)
    if shown:
        context.load_cert_chain(shown.certificate, shown.key)
    for bound, version in versions.items():
        setattr(context, bound, version)
    host, port = target.split(":")
    plain = socket.create_connection((host, int(port)), timeout=5)
    return context.wrap_socket(plain, server_hostname="gate.test")


def serial(target: str, authority: Authority) -> str:
    with handshake(target, authority) as connection:
        return connection.getpeercert()["serialNumber"]


# Clients


@pytest.fixture(scope="module")
def tls_site(tmp_path_factory, authority, server):
    from conftest import Site
    site = Site(tmp_path_factory.mktemp("tls"), more=listening(server))
    yield site
    site.stop()


def test_an_order_over_tls_is_approved_and_one_beyond_a_rule_refused(tls_site, authority):
    client = Client.secure(tls_site.gate.target, authority)
    account = tls_site.account()
    assert client.create(order(account)).ok
    refused(client.create(order(account, quantity=5.1)), "ORDER_NOTIONAL_EXCEEDED",
            grpc.StatusCode.FAILED_PRECONDITION, tls_site.endpoint)
    client.close()


def test_eight_mebibytes_pass_over_tls_as_they_are(tls_site, authority):
    client = Client.secure(tls_site.gate.target, authority)
    message = os.urandom(8 << 20)
    assert client.unary("/interop.Echo/Unary", message, timeout=30).message == message
    client.close()


def test_a_hundred_calls_at_once_over_tls_are_all_answered(tls_site, authority):
    client = Client.secure(tls_site.gate.target, authority)
    account = tls_site.account()
    pending = [client.begin_create(order(account, quantity=0.001)) for _ in range(100)]
    assert all(answer().ok for answer in pending)
    client.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(tls_site, authority, version):
    with handshake(tls_site.gate.target, authority, minimum_version=version, maximum_version=version) as connection:
        assert connection.selected_alpn_protocol() == "h2"


def test_tls_1_1_is_refused(tls_site, authority):
    old = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, OSError)), pytest.warns(DeprecationWarning):
        handshake(tls_site.gate.target, authority, minimum_version=old, maximum_version=old)


@pytest.mark.parametrize("protocols", [("http/1.1",), ()])
def test_a_client_that_does_not_offer_h2_is_refused(tls_site, authority, protocols):
    before = tls_site.gate.metric("gate_http2_errors_total", side="client", kind="tls")
    with pytest.raises((ssl.SSLError, OSError)):
        connection = handshake(tls_site.gate.target, authority, protocols=protocols)
        # Without any offer the handshake itself goes well.
        if connection.recv(1) == b"":
            raise OSError("closed")
    wait_until("it is counted", lambda: tls_site.gate.metric(
        "gate_http2_errors_total", side="client", kind="tls") > before)


def test_a_client_without_tls_is_refused(tls_site):
    client = Client(tls_site.gate.target)
    assert client.create(order(tls_site.account()), timeout=3).code is UNAVAILABLE
    client.close()


# Client certificates


@pytest.fixture(scope="module")
def mutual_site(tmp_path_factory, authority, server):
    from conftest import Site
    identities = """\
identity:
  - certificate: mm.desk.test
    accounts: ["mm-*"]
    strategies: ["", "grid-*"]
  - certificate: spiffe://desk.test/rates
    accounts: ["rate-*"]
"""
    site = Site(tmp_path_factory.mktemp("mutual"), more=listening(server, authority) + identities)
    yield site
    site.stop()


@pytest.fixture
def dial(mutual_site, authority):
    """Opens connections that show a certificate."""
    opened = []

    def dial(shown) -> Client:
        opened.append(Client.secure(mutual_site.gate.target, authority, shown))
        return opened[-1]
    yield dial
    for client in opened:
        client.close()


def test_a_client_without_a_certificate_is_refused(mutual_site, dial):
    answer = dial(None).create(order(mutual_site.account()), timeout=3)
    assert answer.code is UNAVAILABLE and answer.reason is None


def test_a_client_whose_certificate_a_stranger_vouches_for_is_refused(mutual_site, dial, stranger):
    answer = dial(stranger.issue("DNS:mm.desk.test")).create(order(mutual_site.account()), timeout=3)
    assert answer.code is UNAVAILABLE and answer.reason is None
    wait_until("the log says why", lambda: "TLS with a client failed" in mutual_site.gate.process.log)


def test_a_client_trades_for_the_accounts_of_its_certificate(mutual_site, dial, authority):
    client = dial(authority.issue("DNS:mm.desk.test"))
    assert client.create(order(mutual_site.account("mm"))).ok
    answer = client.create(order(mutual_site.account("rate")))
    refused(answer, "ACCOUNT_NOT_PERMITTED", DENIED, mutual_site.endpoint)


def test_a_client_trades_for_the_account_of_its_certificates_uri(mutual_site, dial, authority):
    client = dial(authority.issue("URI:spiffe://desk.test/rates"))
    assert client.create(order(mutual_site.account("rate"))).ok
    refused(client.create(order(mutual_site.account("mm"))), "ACCOUNT_NOT_PERMITTED", DENIED, mutual_site.endpoint)


def test_a_verified_client_that_no_binding_names_trades_for_nobody(mutual_site, dial, authority):
    client = dial(authority.issue("DNS:other.desk.test"))
    refused(client.create(order(mutual_site.account())), "ACCOUNT_NOT_PERMITTED", DENIED, mutual_site.endpoint)
    refused(client.cancel(), "ACCOUNT_NOT_PERMITTED", DENIED, mutual_site.endpoint)


def test_a_wildcard_certificate_is_not_the_name_that_it_could_stand_for(mutual_site, dial, authority):
    client = dial(authority.issue("DNS:*.desk.test"))
    refused(client.create(order(mutual_site.account())), "ACCOUNT_NOT_PERMITTED", DENIED, mutual_site.endpoint)


def test_a_client_trades_for_the_strategies_of_its_certificate(mutual_site, dial, authority):
    client = dial(authority.issue("DNS:mm.desk.test"))
    account = mutual_site.account("mm")
    assert client.create(order(account), extra=[("x-strategy-id", "grid-1")]).ok
    answer = client.create(order(account), extra=[("x-strategy-id", "trend-1")])
    refused(answer, "STRATEGY_NOT_PERMITTED", DENIED, mutual_site.endpoint)


def test_a_cancel_of_a_bound_client_passes(mutual_site, dial, authority):
    assert dial(authority.issue("DNS:mm.desk.test")).cancel().ok


def test_what_a_stranger_sends_for_an_account_does_not_count_against_its_rate(mutual_site, dial, authority):
    account = mutual_site.account("rate")
    other = dial(authority.issue("DNS:mm.desk.test"))
    for _ in range(10):
        refused(other.create(order(account)), "ACCOUNT_NOT_PERMITTED", DENIED, mutual_site.endpoint)
    owner = dial(authority.issue("URI:spiffe://desk.test/rates"))
    assert all(owner.create(order(account)).ok for _ in range(5))


def test_a_call_that_is_no_order_passes_whoever_sends_it(mutual_site, dial, authority):
    assert dial(authority.issue("DNS:other.desk.test")).unary("/interop.Echo/Unary", b"hello").ok


def test_a_unix_peer_trades_for_the_accounts_of_its_user(own_site, tmp_path):
    site = own_site(listen=f"unix:{tmp_path}/gate.sock",
                    more=f"identity:\n  - uid: {os.getuid()}\n    accounts: ['mm-*']\n")
    client = site.client()
    assert client.create(order(site.account("mm"))).ok
    refused(client.create(order(site.account("rate"))), "ACCOUNT_NOT_PERMITTED", DENIED, site.endpoint)


def test_a_unix_peer_of_another_user_trades_for_nobody(own_site, tmp_path):
    site = own_site(listen=f"unix:{tmp_path}/gate.sock",
                    more=f"identity:\n  - uid: {os.getuid() + 1}\n")
    refused(site.client().create(order(site.account("mm"))), "ACCOUNT_NOT_PERMITTED", DENIED, site.endpoint)


# Certificates that change


def test_a_new_certificate_is_shown_without_a_restart_and_a_bad_one_is_not(own_site, tmp_path, authority):
    files = tmp_path / "shown"
    files.mkdir()

    def put(certificate):
        for file, name in (certificate.certificate, "tls.crt"), (certificate.key, "tls.key"):
            shutil.copy(file, files / f"{name}.new")
            (files / f"{name}.new").rename(files / name)

    first, second = authority.issue("DNS:gate.test"), authority.issue("DNS:gate.test")
    put(first)
    site = own_site(more=f"tls:\n  listen: {{certificate: {files}/tls.crt, key: {files}/tls.key}}\n")
    before = serial(site.gate.target, authority)
    client = Client.secure(site.gate.target, authority)
    assert client.create(order(site.account())).ok

    put(second)
    wait_until("the new certificate is shown", lambda: serial(site.gate.target, authority) != before)
    now = serial(site.gate.target, authority)
    assert client.create(order(site.account())).ok, "the connection that was there goes on"

    (files / "tls.crt").write_text("no certificate")
    wait_until("the log says so", lambda: "certificates refused" in site.gate.process.log)
    assert serial(site.gate.target, authority) == now
    client.close()


# The endpoint


def endpoint_tls(certificate, authority=None) -> dict:
    return {"certificate": str(certificate.certificate), "key": str(certificate.key),
            **({"client_ca": str(authority.certificate)} if authority else {})}


def test_an_endpoint_with_the_right_certificate_is_traded_with(own_site, authority, server):
    site = own_site(endpoint_tls=endpoint_tls(server),
                    more=f"tls:\n  upstream: {{ca: {authority.certificate}, name: gate.test}}\n")
    client = site.client()
    assert client.create(order(site.account())).ok
    message = os.urandom(4 << 20)
    assert client.unary("/interop.Echo/Unary", message, timeout=30).message == message


def test_an_endpoint_is_verified_by_the_address_it_is_dialled_at(own_site, authority, server):
    site = own_site(endpoint_tls=endpoint_tls(server), more=f"tls:\n  upstream: {{ca: {authority.certificate}}}\n")
    assert site.client().create(order(site.account())).ok


def test_an_endpoint_that_asks_for_a_certificate_is_shown_gates(own_site, authority, server):
    own = authority.issue("DNS:gate-1.test")
    site = own_site(endpoint_tls=endpoint_tls(server, authority),
                    more=f"tls:\n  upstream: {{ca: {authority.certificate}, name: gate.test, "
                         f"certificate: {own.certificate}, key: {own.key}}}\n")
    assert site.client().create(order(site.account())).ok


@pytest.mark.parametrize("wrong", ["name", "authority", "no TLS"])
def test_an_endpoint_that_cannot_be_verified_gets_no_order(own_site, authority, stranger, server, wrong):
    trusted = stranger if wrong == "authority" else authority
    name = "exchange.test" if wrong == "name" else "gate.test"
    site = own_site(ready=False, endpoint_tls=None if wrong == "no TLS" else endpoint_tls(server),
                    more=f"tls:\n  upstream: {{ca: {trusted.certificate}, name: {name}}}\n")
    wait_until("the failure is counted", lambda: site.gate.metric(
        "gate_http2_errors_total", side="upstream", kind="tls") >= 1)
    status, why = site.gate.get("/readyz")
    assert status == 503 and "upstream" in why
    answer = site.client().create(order(site.account()))
    refused(answer, "UPSTREAM_UNAVAILABLE", UNAVAILABLE)
    wait_until("the log says why", lambda: "TLS with the endpoint failed" in site.gate.process.log)
    if wrong != "no TLS":
        assert site.endpoint.calls(answer.tag) == []


# Both, and at once


def test_an_order_from_tls_to_tls_is_approved(own_site, authority, server):
    own = f"  upstream: {{ca: {authority.certificate}, name: gate.test}}\n"
    site = own_site(endpoint_tls=endpoint_tls(server), more=listening(server) + own)
    client = Client.secure(site.gate.target, authority)
    assert client.create(order(site.account())).ok
    client.close()


def test_a_slow_handshake_holds_up_nobody_else(tls_site, authority):
    host, port = tls_site.gate.target.split(":")
    idle = [socket.create_connection((host, int(port))) for _ in range(20)]
    for connection in idle:
        connection.sendall(b"\x16\x03\x01")
    client = Client.secure(tls_site.gate.target, authority)
    assert client.create(order(tls_site.account())).ok
    client.close()
    for connection in idle:
        connection.close()
