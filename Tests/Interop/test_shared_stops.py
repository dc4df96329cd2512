"""Stops of several gates on one Redis: each gate's stop, and its end, is everyone's."""

import json
import time
from pathlib import Path

import pytest
import redis

from conftest import RULES, Site
from support.client import Client
from support.gate import Gate
from support.orders import order
from support.waiting import wait_until

LONG = [{"symbol": "BTCUSDT", "side": "LONG", "quantity": 1, "entry_price": 50_000, "current_price": 50_000,
         "margin": 5000}]
STOP = "gate:stop:"


class Desk:
    """Some gates that share a Redis and an endpoint."""

    def __init__(self, site: Site, directory: Path):
        self.site, self._directory = site, directory
        self.gates = [site.gate]
        self._clients: dict[int, Client] = {}
        self.account = site.account(positions=LONG)
        self.keys = redis.Redis(host="127.0.0.1", port=site.redis.port, socket_timeout=2)

    def add(self, ready: bool = True) -> Gate:
        """One more gate, that has never been stopped."""
        number = len(self.gates)
        directory = self._directory / f"gate-{number}"
        directory.mkdir()
        gate = Gate(directory, self.site.endpoint.address, self.site.redis.port, RULES, instance=f"interop-{number}")
        self.gates.append(gate)
        return gate.start(ready)

    def client(self, gate: Gate) -> Client:
        if id(gate) not in self._clients:
            self._clients[id(gate)] = Client(gate.target)
        return self._clients[id(gate)]

    def is_stopped(self, gate: Gate, **more) -> bool:
        answer = self.client(gate).create(order(self.account, quantity=0.001, **more))
        return answer.reason == "EMERGENCY_STOP_ACTIVE"

    def wait_stopped(self, gates: list[Gate] | None = None, **more):
        for gate in gates or self.gates:
            wait_until(f"{gate.file} is stopped", lambda: self.is_stopped(gate, **more), 5)

    def wait_lifted(self, gates: list[Gate] | None = None, **more):
        for gate in gates or self.gates:
            wait_until(f"{gate.file} lets orders pass",
                       lambda: self.client(gate).create(order(self.account, quantity=0.001, **more)).ok, 5)

    def value(self, scope: str = "global") -> dict | None:
        text = self.keys.get(STOP + scope)
        return json.loads(text) if text else None

    def write(self, active: bool, epoch: int, scope: str = "global"):
        """As somebody else's gate would."""
        self.keys.set(STOP + scope, json.dumps({
            "active": active, "epoch": epoch, "reason": "elsewhere", "by": "other", "at": "2026-01-01T00:00:00.000Z"}))

    def stop(self):
        for client in self._clients.values():
            client.close()
        for gate in self.gates[1:]:
            gate.stop()
        self.keys.close()


@pytest.fixture(scope="module")
def shared_desk(tmp_path_factory):
    """Two gates for all tests that leave no stop behind."""
    directory = tmp_path_factory.mktemp("desk")
    site = Site(directory, instance="interop-0")
    desk = Desk(site, directory)
    desk.add()
    yield desk
    desk.stop()
    site.stop()


@pytest.fixture
def own_desk(own_site, tmp_path):
    """Two gates, and a Redis, that the test may break."""
    desk = Desk(own_site(instance="interop-0"), tmp_path)
    desk.add()
    yield desk
    desk.stop()


def stop(gate: Gate, scope: str = "global") -> dict:
    status, body = gate.post("/api/v1/stops", {"scope": scope, "reason": "drill", "by": "tests"})
    assert status == 200, body
    return body


def resume(gate: Gate, scope: str = "global") -> dict:
    status, body = gate.post(
        "/api/v1/stops/resume", {"scope": scope, "reason": "all clear", "authorized_by": "tests"})
    assert status == 200, body
    return body


def now() -> int:
    """As an epoch."""
    return time.time_ns() // 1_000_000


@pytest.mark.parametrize("scope", ["global", "account", "strategy", "symbol"])
def test_a_stop_and_its_end_spread_in_both_directions(shared_desk, scope):
    desk = shared_desk
    name = {"global": "global", "account": f"account:{desk.account}", "symbol": "symbol:BTCUSDT",
            "strategy": "strategy:grid-1"}[scope]
    extra = {"extra": [("x-strategy-id", "grid-1")]}

    def refuses(gate: Gate) -> bool:
        return desk.client(gate).create(order(desk.account, quantity=0.001), **extra).reason == "EMERGENCY_STOP_ACTIVE"
    for one, other in (desk.gates, desk.gates[::-1]):
        made = stop(one, name)
        assert made["shared"], made
        wait_until("the other is stopped", lambda: refuses(other), 5)
        # What reduces risk passes at both, and so does a cancel.
        for gate in desk.gates:
            assert desk.client(gate).cancel().ok
            assert desk.client(gate).create(order(desk.account, side="SELL", quantity=0.01), **extra).ok
        assert desk.value(name)["epoch"] == made["epoch"]
        ended = resume(other, name)
        assert ended["shared"] and ended["epoch"] > made["epoch"]
        wait_until("the first is lifted", lambda: not refuses(one), 5)
        stops = {stop["scope"]: stop for stop in json.loads(one.get("/api/v1/stops")[1])["stops"]}
        assert stops[name] == ended, "it keeps who resumed, and why"


def test_a_stop_of_another_gate_is_told_apart(shared_desk):
    one, other = shared_desk.gates
    before = other.metric("gate_stops_total", trigger="peer"), one.metric("gate_stops_total", trigger="person")
    stop(one)
    shared_desk.wait_stopped()
    after = other.metric("gate_stops_total", trigger="peer"), one.metric("gate_stops_total", trigger="person")
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)
    assert other.metric("gate_stop_active", scope="global") == 1
    status = other.command("status")
    assert "redis: followed" in status.stdout and "by tests: drill (epoch " in status.stdout
    resume(one)
    shared_desk.wait_lifted()
    lines = [json.loads(line) for line in other.process.log.splitlines() if '"trigger":"peer"' in line]
    assert {"trading is stopped", "trading is resumed"} <= {line["message"] for line in lines}


def test_how_soon_another_gate_obeys(shared_desk, measured):
    one, other = shared_desk.gates
    client, took = shared_desk.client(other), []
    for _ in range(50):
        start = time.monotonic()
        stop(one, "symbol:BTCUSDT")
        acknowledged = time.monotonic()
        wait_until("the other is stopped", lambda: shared_desk.is_stopped(other), 5, 0)
        took.append((time.monotonic() - acknowledged, time.monotonic() - start))
        resume(one, "symbol:BTCUSDT")
        wait_until("orders pass", lambda: client.create(order(shared_desk.account, quantity=0.001)).ok, 5, 0)
    acked, asked = ([1000 * pair[index] for pair in sorted(took, key=lambda pair: pair[index])] for index in (0, 1))
    measured(f"a refusal at another gate came {acked[25]:.1f} ms (p50), {acked[-1]:.1f} ms (max) after the stop was "
             f"acknowledged; {asked[25]:.1f} and {asked[-1]:.1f} ms after it was asked for, of 50, an order's way included")
    assert acked[25] < 50


def test_a_late_record_changes_nothing(own_desk):
    made = stop(own_desk.gates[0])
    own_desk.wait_stopped()
    own_desk.write(False, made["epoch"] - 1)
    wait_until("the newer record is back", lambda: own_desk.value()["epoch"] == made["epoch"], 5)
    assert all(own_desk.is_stopped(gate) for gate in own_desk.gates)
    # At the same epoch the stop counts.
    own_desk.write(False, made["epoch"])
    wait_until("the stop is back", lambda: own_desk.value()["active"], 5)
    assert all(own_desk.is_stopped(gate) for gate in own_desk.gates)
    ended = resume(own_desk.gates[0])
    own_desk.wait_lifted()
    own_desk.write(True, made["epoch"])
    wait_until("the end is back", lambda: own_desk.value()["epoch"] == ended["epoch"], 5)
    assert not any(own_desk.is_stopped(gate) for gate in own_desk.gates)
    own_desk.write(True, ended["epoch"] + 1)
    own_desk.wait_stopped()


@pytest.mark.parametrize("way", ["flushed", "restarted"])
def test_an_empty_redis_lifts_nothing_and_learns_every_stop_again(own_desk, way):
    desk = own_desk
    stop(desk.gates[0])
    stop(desk.gates[1], "account:other")
    desk.wait_stopped()
    if way == "flushed":
        desk.keys.flushall()
    else:
        desk.site.redis.process.kill()
        desk.site.redis.start()
    for scope in ("global", "account:other"):
        wait_until(f"the stop of {scope} is written again", lambda: desk.value(scope), 5)
    assert all(desk.is_stopped(gate) for gate in desk.gates)
    # A gate that was never told obeys from its first order on.
    assert desk.is_stopped(desk.add())


def test_what_happens_while_redis_is_down_spreads_when_it_is_back(own_desk):
    desk = own_desk
    one, other = desk.gates
    stop(one, "symbol:BTCUSDT")
    desk.wait_stopped()
    desk.site.redis.process.kill()
    wait_until("the link is lost", lambda: all(gate.metric("gate_redis_up") == 0 for gate in desk.gates), 5)
    told = one.command("stop", "--reason", "drill", "--scope", f"account:{desk.account}")
    assert told.returncode == 0 and "not yet shared" in told.stdout
    assert desk.is_stopped(one)
    told = other.command("resume", "--authorized-by", "tests", "--reason", "clear", "--scope", "symbol:BTCUSDT")
    assert told.returncode == 0 and "not yet shared" in told.stdout
    assert one.metric("gate_stops_unshared") == 1 and other.metric("gate_stops_unshared") == 1
    desk.site.redis.start()
    for gate in desk.gates:
        gate.wait_until_ready()
    desk.wait_stopped()
    wait_until("the end has spread", lambda: one.metric("gate_stop_active", scope="symbol") == 0, 5)
    assert desk.value(f"account:{desk.account}")["active"] and not desk.value("symbol:BTCUSDT")["active"]
    for gate in desk.gates:
        wait_until("all is shared", lambda: gate.metric("gate_stops_unshared") == 0, 5)
    resume(other, f"account:{desk.account}")
    desk.wait_lifted()


def test_an_epoch_of_the_future_is_refused_and_counted(own_desk):
    desk = own_desk

    def refused() -> list[float]:
        return [gate.metric("gate_stops_refused_total", cause="future") for gate in desk.gates]
    desk.write(True, now() + 120_000)
    wait_until("it is counted", lambda: refused() == [1, 1], 5)
    assert not any(desk.is_stopped(gate) for gate in desk.gates)
    assert desk.value()["epoch"] > now() + 100_000, "nobody who holds no stop overwrites it"
    # One that other clocks may well have come to is taken.
    desk.write(True, now() + 50_000)
    desk.wait_stopped()
    ended = resume(desk.gates[0])
    assert ended["epoch"] > now() + 40_000
    desk.wait_lifted()


def test_garbage_is_refused_and_overwritten_by_who_holds_the_stop(own_desk):
    desk = own_desk

    def refused() -> float:
        return sum(gate.metric("gate_stops_refused_total", cause="garbage") for gate in desk.gates)

    def holds(epoch: int) -> bool:
        try:
            return f'"epoch":{epoch}'.encode() in desk.keys.get(STOP + "global")
        except redis.ResponseError:
            return False
    desk.keys.set(STOP + "global", "garbage")
    wait_until("both have counted it", lambda: refused() == 2, 5)
    assert not any(desk.is_stopped(gate) for gate in desk.gates)
    assert desk.keys.get(STOP + "global") == b"garbage"
    made = stop(desk.gates[0])
    desk.wait_stopped()
    assert desk.value()["epoch"] == made["epoch"]
    for spoil in (lambda: desk.keys.set(STOP + "global", "[" * 100_000),
                  lambda: desk.keys.pipeline().delete(STOP + "global").rpush(STOP + "global", "x").execute(),
                  lambda: desk.keys.set(STOP + "global", b"\xff\xfe")):
        before = refused()
        spoil()
        wait_until("it is counted", lambda: refused() > before, 5)
        wait_until("the stop is back", lambda: holds(made["epoch"]), 5)
        assert all(desk.is_stopped(gate) for gate in desk.gates)
    assert "gate:stop:global in redis is refused" in desk.gates[0].process.log
    desk.keys.set(STOP + "planet:earth", "{}")
    wait_until("a scope that there is not is counted", lambda: desk.gates[0].metric(
        "gate_stops_refused_total", cause="scope") == 1, 5)


def test_a_killed_gate_comes_back_stopped(own_desk):
    desk = own_desk
    one, other = desk.gates
    stop(one)
    desk.wait_stopped()
    for gate in desk.gates:
        gate.process.kill()
    desk.site.redis.process.kill()
    # Both have it from their own disk, whoever was stopped by a person.
    for gate in desk.gates:
        gate.start(ready=False)
        wait_until("it is stopped", lambda: desk.is_stopped(gate), 10)
    desk.site.redis.start()
    one.wait_until_ready()
    # The end that comes while a gate is away reaches it before its first order.
    other.process.kill()
    resume(one)
    other.start()
    desk.wait_lifted([other])
    assert other.metric("gate_stop_active", scope="global") == 0
