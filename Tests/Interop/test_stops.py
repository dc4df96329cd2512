"""The stop: whoever pulls it, it holds until a person lifts it."""

import shutil
import signal

import grpc
import pytest

from conftest import RULES
from support.client import refused
from support.gate import run_gate
from support.orders import order
from support.waiting import wait_until

Code = grpc.StatusCode
LONG = [{"symbol": "BTCUSDT", "side": "LONG", "quantity": 1, "entry_price": 50_000, "current_price": 50_000,
         "margin": 5000}]
RESUME = ("resume", "--authorized-by", "tests", "--reason", "all clear")


@pytest.fixture
def stoppable(own_site):
    return own_site()


def stopped(client, account: str) -> bool:
    return client.create(order(account, quantity=0.001)).reason == "EMERGENCY_STOP_ACTIVE"


def test_a_stop_refuses_orders_and_lets_cancels_and_exits_pass(stoppable):
    client, account = stoppable.client(), stoppable.account(positions=LONG)
    assert client.create(order(account)).ok
    done = stoppable.gate.command("stop", "--reason", "drill")
    assert done.returncode == 0, done.stderr
    # Acknowledged is in force: the very next order.
    refused(client.create(order(account)), "EMERGENCY_STOP_ACTIVE", Code.FAILED_PRECONDITION, stoppable.endpoint)
    assert client.cancel().ok
    assert client.create(order(account, side="SELL", quantity=0.5)).ok
    assert client.unary("/interop.Echo/Unary", b"x").ok
    status = stoppable.gate.command("status")
    assert status.returncode == 0 and "global" in status.stdout and "drill" in status.stdout
    assert stoppable.gate.metric("gate_stop_active", scope="global") == 1
    lifted = stoppable.gate.command(*RESUME)
    assert lifted.returncode == 0, lifted.stderr
    assert client.create(order(account)).ok
    assert stoppable.gate.metric("gate_stop_active", scope="global") == 0


def test_only_who_holds_the_token_resumes(stoppable):
    client, account = stoppable.client(), stoppable.account()
    stoppable.gate.command("stop", "--reason", "drill")
    for token in ("", "guessed"):
        tried = run_gate(*RESUME, "--admin", f"127.0.0.1:{stoppable.gate.admin}", GATE_ADMIN_TOKEN=token)
        assert tried.returncode != 0
        assert stopped(client, account)
    assert stoppable.gate.command(*RESUME).returncode == 0
    assert not stopped(client, account)


def test_a_stop_of_one_account_leaves_the_others(stoppable):
    client, one, other = stoppable.client(), stoppable.account(), stoppable.account()
    done = stoppable.gate.command("stop", "--scope", f"account:{one}", "--reason", "drill")
    assert done.returncode == 0, done.stderr
    assert stopped(client, one) and not stopped(client, other)
    stoppable.gate.command("stop", "--reason", "all of them")
    assert stopped(client, other)
    stoppable.gate.command(*RESUME)
    assert stopped(client, one), "its own stop still holds"
    assert not stopped(client, other)
    assert stoppable.gate.command(*RESUME, "--scope", f"account:{one}").returncode == 0
    assert not stopped(client, one)


def test_a_signal_stops(stoppable):
    client, account = stoppable.client(), stoppable.account()
    assert not stopped(client, account)
    stoppable.gate.process.signal(signal.SIGUSR1)
    wait_until("the stop is in force", lambda: stopped(client, account), 2)
    assert stoppable.gate.command(*RESUME).returncode == 0
    assert not stopped(client, account)


def test_a_stop_works_with_everything_else_down(own_site, tmp_path):
    rules = shutil.copytree(RULES, tmp_path / "rules")
    site = own_site(rules=rules)
    client, account = site.client(), site.account()
    assert client.create(order(account)).ok
    site.redis.process.kill()
    site.endpoint.kill()
    shutil.rmtree(rules)
    done = site.gate.command("stop", "--reason", "drill")
    assert done.returncode == 0 and "not yet shared" in done.stdout, done
    wait_until("the stop is in force", lambda: stopped(site.client(), account), 2)
    status = site.gate.command("status")
    assert "redis: not followed" in status.stdout and "other Gates do not know of it yet" in status.stdout
    assert site.gate.metric("gate_stops_unshared") == 1


def test_a_stop_survives_the_process(stoppable):
    account = stoppable.account()
    assert stoppable.gate.command("stop", "--reason", "drill").returncode == 0
    stoppable.gate.process.kill()
    stoppable.gate.start()
    client = stoppable.client()
    refused(client.create(order(account)), "EMERGENCY_STOP_ACTIVE", Code.FAILED_PRECONDITION, stoppable.endpoint)
    assert stoppable.gate.command(*RESUME).returncode == 0
    stoppable.gate.process.kill()
    stoppable.gate.start()
    wait_until("orders pass", lambda: stoppable.client().create(order(account)).ok, 5)
