"""Several gates on one account: each counts what the others let through and no snapshot shows yet."""

import threading
import time

import pytest

from support.client import Client
from support.gate import Gate
from support.orders import order
from support.waiting import wait_until


@pytest.fixture
def pair(own_site, tmp_path):
    """Two gates on one Redis and one endpoint, and a client of each."""
    site = own_site(account_age="60s")
    directory = tmp_path / "second"
    directory.mkdir()
    second = Gate(directory, site.endpoint.address, site.redis.port, site.gate.rules, account_age="60s")
    second.file.write_text(second.file.read_text().replace("instance: interop", "instance: second"))
    second.start()
    clients = Client(site.gate.target), Client(second.target)
    yield site, second, *clients
    for client in clients:
        client.close()
    second.stop()


def room(client, account: str, quantity: float) -> bool:
    """Whether a buy of this size is still let through, and counts from then on."""
    answer = client.create(order(account, quantity=quantity))
    assert answer.ok or answer.reason == "POSITION_LIMIT_EXCEEDED", answer
    return answer.ok


def counted(client, account: str) -> float:
    """What counts of buys: asked with one that is above the bound whatever else there is."""
    asked = 4.5
    answer = client.create(order(account, quantity=asked))
    assert answer.reason == "POSITION_LIMIT_EXCEEDED", answer
    return float(answer.violations[0].metadata["value"]) - asked


def test_an_order_through_one_gate_counts_at_the_other(pair, measured):
    site, second, first_client, second_client = pair
    account = site.account()
    assert first_client.create(order(account, quantity=0.001)).ok
    assert second_client.create(order(account, quantity=0.001)).ok
    site.market.freeze(account)
    began = time.monotonic()
    assert first_client.create(order(account, quantity=3)).ok
    wait_until("the second gate counts it", lambda: counted(second_client, account) >= 3, 2)
    measured(f"shared reservations: counted at the other gate after {(time.monotonic() - began) * 1000:.0f} ms at most")
    # The bound is 4.
    assert not room(second_client, account, 3)
    assert room(second_client, account, 0.5)
    wait_until("and the first what went through the second", lambda: counted(first_client, account) >= 3.5, 2)
    assert not room(first_client, account, 0.9)


def test_what_a_dead_gate_told_ends_by_itself(pair):
    site, second, first_client, second_client = pair
    account = site.account()
    assert second_client.create(order(account, quantity=0.001)).ok
    site.market.freeze(account)
    assert first_client.create(order(account, quantity=3)).ok
    wait_until("the second gate counts it", lambda: counted(second_client, account) >= 3, 2)
    site.gate.process.kill()
    assert counted(second_client, account) >= 3, "still counted: the orders may be filled"
    wait_until("it ends", lambda: counted(second_client, account) < 1, 8)
    assert room(second_client, account, 3)


def test_two_gates_overshoot_by_no_more_than_one_update(pair, measured):
    """Both fire as fast as they can at one bound."""
    site, second, *clients = pair
    account = site.account()
    for client in clients:
        assert client.create(order(account, quantity=0.001)).ok
    site.market.freeze(account)
    approved: list[float] = []

    def fire(client):
        for _ in range(150):
            answer = client.create(order(account, quantity=0.05))
            if answer.ok:
                approved.append(0.05)
            else:
                assert answer.reason == "POSITION_LIMIT_EXCEEDED", answer

    threads = [threading.Thread(target=fire, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    total = sum(approved) + 0.002
    measured(f"shared reservations: two gates let {total:.3f} through at a bound of 4")
    assert 3.9 < total < 4.5


def test_garbage_at_a_shared_key_is_refused_and_counted(pair):
    site, second, first_client, _ = pair
    redis = site.redis.client()
    redis.set("gate:reserved:mm-x:elsewhere", "{")
    wait_until("it is counted",
               lambda: second.metric("gate_shared_reservations_total", result="refused") >= 1, 2)
    assert "gate:reserved:mm-x:elsewhere is refused" in second.process.log
    assert first_client.create(order(site.account(), quantity=0.001)).ok


def test_a_gate_tells_seldom_while_it_is_alone_and_often_while_another_listens(own_site, tmp_path, measured):
    site = own_site(account_age="60s")
    account, client = site.account(), site.client()

    def tellings() -> float:
        """A second, while orders flow."""
        def told() -> float:
            return site.gate.metric("gate_shared_reservations_total", result="told")
        began, before = time.monotonic(), told()
        while time.monotonic() < began + 1:
            assert client.create(order(account, quantity=0.0001)).ok
        return (told() - before) / (time.monotonic() - began)
    alone = [wait_until("it tells seldom", lambda: (rate := tellings()) <= 15 and rate, 10)]
    directory = tmp_path / "second"
    directory.mkdir()
    second = Gate(directory, site.endpoint.address, site.redis.port, site.gate.rules, account_age="60s")
    second.file.write_text(second.file.read_text().replace("instance: interop", "instance: second"))
    second.start()
    both = wait_until("it tells often", lambda: (rate := tellings()) >= 40 and rate, 10)
    second.stop()
    alone.append(wait_until("it tells seldom again", lambda: (rate := tellings()) <= 15 and rate, 10))
    measured(f"shared reservations: told {alone[0]:.0f} and {alone[1]:.0f} times a second alone, {both:.0f} times with another gate")
