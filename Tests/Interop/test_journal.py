"""The journal: what is decided outlives the process, whenever it dies."""

import json
import os
import random
import subprocess
import threading
import time
from pathlib import Path

import grpc
import pytest

from support.client import Client, refused
from support.gate import Gate, run_gate, write_rules
from support.orders import CreateOrderRequest, order
from support.rawframes import message
from support.scripted import Scripted, ignore
from support.waiting import wait_until

RULES = """\
rules:
  - id: order-value
    metric: order_notional
    max: 1000000
  - id: position
    metric: position_quantity
    max: 100000
  - id: rate
    metric: order_count
    window: 1h
    max: 1000000
  - id: ten-an-hour
    metric: order_count
    window: 1h
    max: 10
    applies_to: {accounts: ["slow-*"]}
"""
ROUNDS = int(os.environ.get("GATE_KILL_ROUNDS", "100"))


def records(directory: Path, *arguments: str) -> list[dict]:
    done = run_gate("journal", "print", *arguments, "--format", "json", str(directory / "state/journal"))
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def verified(directory: Path) -> str:
    done = run_gate("journal", "verify", str(directory / "state/journal"))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def journaled(own_site, tmp_path):
    rules = tmp_path / "rules"
    write_rules(rules, RULES)
    return own_site(rules=rules, endpoint=Scripted(), account_age="60s")


@pytest.fixture
def unsettled(own_site, tmp_path):
    """No snapshot settles anything: every order that was let through stays counted."""
    rules = tmp_path / "rules"
    write_rules(rules, RULES)
    return own_site(rules=rules, endpoint=Scripted(), GATE_CONFIG_REDIS_ACCOUNTS_SETTLE_AFTER="1h",
                    GATE_CONFIG_REDIS_ACCOUNTS_UNKNOWN_AFTER="10h")


def counted(gate: Gate) -> dict[str, float]:
    return {state: gate.metric("gate_reservations", state=state) for state in ("in_flight", "open", "closing", "unknown")}


def live(lines: list[dict]) -> dict[str, dict]:
    """The reservations that the journal knows of and that are not gone, by number: the latest image of each."""
    images: dict[str, dict] = {}
    for line in lines:
        if line["kind"] == "reservation":
            images[line["reservation"]] = line
        elif line["kind"] == "gone":
            images.pop(line["reservation"], None)
    return images


def cut_off(lines: list[dict]) -> set[str]:
    """The reservations of decisions that were the last thing a run wrote: it was killed before it could write what it reserved,
    and so before the order left."""
    said = [line for line in lines if line["kind"] != "name"]
    return {line["reservation"] for line, after in zip(said, [*said[1:], {"kind": "start"}])
            if line["kind"] == "decision" and after["kind"] == "start"}


def test_a_gate_that_is_killed_at_any_moment_loses_nothing(unsettled, tmp_path, measured):
    """Load, kill -9, restart, again and again: what the endpoint saw, what the journal says and what the ledger counts agree."""
    site, endpoint, gate = unsettled, unsettled.endpoint, unsettled.gate
    account = site.account(equity=10**12)
    assert site.client().create(order(account, quantity=0.001)).ok
    choose = random.Random(20261121)
    seconds = []
    seen: dict[str, int] = {}
    for round in range(ROUNDS):
        stopping = threading.Event()
        clients = [Client(gate.target) for _ in range(2)]

        def fire(client):
            pending = []
            while not stopping.is_set():
                try:
                    pending.append(client.begin_create(order(account, quantity=0.001), timeout=5))
                except ValueError:
                    # The connection was closed under it: the round is over.
                    return
                if len(pending) >= 16:
                    pending.pop(0)()

        threads = [threading.Thread(target=fire, args=(client,), daemon=True) for client in clients]
        before = len(endpoint.requests)
        for thread in threads:
            thread.start()
        wait_until("orders flow", lambda: len(endpoint.requests) >= before + 3, 5)
        until = time.monotonic() + choose.uniform(0, 0.03)
        while time.monotonic() < until:
            pass
        gate.process.kill()
        stopping.set()
        for client in clients:
            client.close()
        for thread in threads:
            thread.join(10)
        began = time.monotonic()
        gate.start(ready=False)
        wait_until("it serves orders", lambda: gate.get("/readyz")[0] == 200, 10)
        seconds.append(time.monotonic() - began)
        for request in endpoint.requests[before:]:
            identifier = CreateOrderRequest.FromString(bytes(request.body[5:])).client_order_id
            seen[identifier] = seen.get(identifier, 0) + 1
        if round % 10 != 9 and round != ROUNDS - 1:
            continue
        lines = records(tmp_path)
        approved = {line["client_order_id"]: line for line in lines
                    if line["kind"] == "decision" and line["decision"] == "approved" and line["account"] == account}
        assert set(seen) <= set(approved), "the endpoint saw an order that the journal does not know"
        assert all(times == 1 for times in seen.values()), "an order was sent twice"
        images = live(lines)
        ledger = counted(gate)
        assert ledger["in_flight"] == 0
        assert sum(ledger.values()) == len(images), (ledger, len(images))
        numbers = {line["reservation"] for line in approved.values()}
        missing = numbers - set(images) - {line["reservation"] for line in lines if line["kind"] == "gone"}
        assert missing <= cut_off(lines), "an order was decided, and not reserved"
        # What the endpoint took is counted, to the last order.
        assert {approved[identifier]["reservation"] for identifier in seen} <= set(images)
        verified(tmp_path)
    measured(f"journal: {ROUNDS} kills, {len(seen)} orders at the endpoint, ready again after "
             f"{sorted(seconds)[len(seconds) // 2]:.2f} s (median), {max(seconds):.2f} s (most)")


def test_a_restart_remembers_ids_windows_and_recovers_by_a_fresh_snapshot(journaled, tmp_path):
    site, gate, client = journaled, journaled.gate, journaled.client()
    account = site.account("slow", positions=[
        {"symbol": "BTCUSDT", "side": "LONG", "quantity": 1, "entry_price": 50_000, "current_price": 50_000,
         "margin": 0}])
    identifier = "only-once"
    assert client.create(order(account, quantity=0.1, client_order_id=identifier)).ok
    for _ in range(8):
        assert client.create(order(account, quantity=0.1)).ok
    site.market.freeze(account)
    gate.process.kill()
    gate.start()
    client = site.client()
    answer = client.create(order(account, quantity=0.1))
    refused(answer, "RECOVERING", grpc.StatusCode.FAILED_PRECONDITION)
    again = client.create(order(account, quantity=0.1, client_order_id=identifier))
    assert again.reason == "DUPLICATE_CLIENT_ORDER_ID"
    # The tenth and eleventh order of this hour were these two: what reduces risk passes all the same.
    assert client.create(order(account, side="SELL", quantity=0.1)).reason in (None, "ORDER_RATE_EXCEEDED")
    site.market.thaw(account)
    wait_until("the account has recovered",
               lambda: client.create(order(account, quantity=0.1)).reason == "ORDER_RATE_EXCEEDED", 5)


def test_an_account_recovers_with_its_first_fresh_snapshot(journaled):
    site, gate, client = journaled, journaled.gate, journaled.client()
    account = site.account(positions=[
        {"symbol": "BTCUSDT", "side": "LONG", "quantity": 1, "entry_price": 50_000, "current_price": 50_000,
         "margin": 0}])
    assert client.create(order(account, quantity=0.1)).ok
    site.market.freeze(account)
    gate.process.kill()
    gate.start()
    client = site.client()
    assert client.create(order(account, quantity=0.1)).reason == "RECOVERING"
    assert client.create(order(account, side="SELL", quantity=0.1)).ok, "an exit is never blocked"
    assert client.cancel().ok
    site.market.thaw(account)
    wait_until("the account has recovered", lambda: client.create(order(account, quantity=0.1)).ok, 5)


def test_an_order_in_flight_at_the_kill_is_unknown_until_somebody_tells(journaled):
    site, gate, endpoint = journaled, journaled.gate, journaled.endpoint
    account, client = site.account(), journaled.client()
    assert client.create(order(account, quantity=0.1)).ok
    site.market.freeze(account)
    endpoint.script = ignore
    lost = order(account, quantity=0.1)
    client.begin_create(lost, timeout=30)
    endpoint.wait_for(lost.SerializeToString())
    gate.process.kill()
    gate.start()
    assert counted(gate)["unknown"] == 1
    assert gate.metric("gate_unknown_outcomes_total") >= 0
    assert client is not None


def test_a_clean_end_is_written_down_and_everything_can_be_read_back(journaled, tmp_path):
    site, gate, client = journaled, journaled.gate, journaled.client()
    account = site.account()
    # Nobody waits for a price for an order that has one of its own: this one has the market's fetched.
    assert client.create(order(account, quantity=0.1, type="MARKET")).ok
    good, bad = order(account, quantity=0.1), order(account, quantity=100)
    assert client.create(good).ok
    assert client.create(bad).reason == "ORDER_NOTIONAL_EXCEEDED"
    assert client.cancel("x-17").ok
    assert gate.command("stop", "--reason", "drill").returncode == 0
    assert gate.command("resume", "--authorized-by", "ann", "--reason", "done").returncode == 0
    gate.stop()
    assert gate.process.exit_code == 0
    lines = records(tmp_path)
    kinds = [line["kind"] for line in lines]
    assert kinds[0] == "start" and kinds[-1] == "close"
    decisions = {line["client_order_id"]: line for line in lines if line["kind"] == "decision"}
    assert decisions[good.client_order_id]["decision"] == "approved"
    refusal = decisions[bad.client_order_id]
    assert refusal["decision"] == "rejected" and refusal["reason"] == "ORDER_NOTIONAL_EXCEEDED"
    assert refusal["violations"][0]["rule"] == "order-value" and refusal["violations"][0]["bound"] == "1000000"
    assert refusal["mark"] == "50000" and refusal["equity"] == "1000000" and refusal["quantity"] == "100"
    assert any(line["kind"] == "cancel" and line["order_id"] == "x-17" for line in lines)
    stops = [line for line in lines if line["kind"] == "stop"]
    assert [(line["active"], line["by"], line["reason"]) for line in stops][-1] == (False, "ann", "done")
    assert stops[0]["active"] and stops[0]["reason"] == "drill"
    assert "whole" in verified(tmp_path)


def test_a_changed_byte_is_found(journaled, tmp_path):
    site, gate, client = journaled, journaled.gate, journaled.client()
    account = site.account()
    for _ in range(5):
        assert client.create(order(account, quantity=0.1)).ok
    gate.stop()
    segment = next((tmp_path / "state/journal").glob("*.gatej"))
    content = bytearray(segment.read_bytes())
    place = len(content) // 2
    content[place] ^= 1
    segment.write_bytes(content)
    done = run_gate("journal", "verify", str(tmp_path / "state/journal"))
    assert done.returncode == 1 and segment.name in done.stdout + done.stderr


def test_a_second_gate_on_the_same_state_is_refused(journaled, tmp_path):
    second = tmp_path / "second.yaml"
    second.write_text(journaled.gate.file.read_text().replace(journaled.gate.target, "127.0.0.1:0"))
    done = run_gate("run", "--config", str(second))
    assert done.returncode == 69
    assert "another Gate holds" in done.stderr + done.stdout


def test_a_full_disk_refuses_orders_and_lets_cancels_pass_until_there_is_room(own_site, tmp_path):
    """The journal on a small file system of its own."""
    state = tmp_path / "state"
    state.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(state)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    try:
        rules = tmp_path / "rules"
        write_rules(rules, RULES)
        site = own_site(rules=rules, account_age="60s",
                        more="journal: {segment_bytes: 1048576, retained_segments: 1000}\n")
        gate, client, account = site.gate, site.client(), site.account(equity=10**12)

        def send(count: int) -> set:
            pending = [client.begin_create(order(account, quantity=0.001)) for _ in range(count)]
            return {each().reason for each in pending}

        for _ in range(400):
            reasons = send(50)
            if reasons != {None}:
                break
        assert reasons <= {None, "JOURNAL_UNAVAILABLE"}
        wait_until("nothing more can be written", lambda: send(1) == {"JOURNAL_UNAVAILABLE"}, 5)
        refused(client.create(order(account)), "JOURNAL_UNAVAILABLE", grpc.StatusCode.FAILED_PRECONDITION,
                site.endpoint)
        assert client.cancel().ok
        assert gate.metric("gate_journal_unrecorded_total") > 0
        assert gate.metric("gate_journal_failures_total", operation="segment") > 0
        subprocess.run(["mount", "-o", "remount,size=32m", str(state)], check=True)
        wait_until("there is room again", lambda: send(1) == {None}, 5)
        gate.stop()
        assert any(line["kind"] == "gap" for line in records(tmp_path))
        verified(tmp_path)
    finally:
        for part in ("gate",):
            try:
                site.gate.stop()
            except UnboundLocalError:
                pass
        subprocess.run(["umount", "-l", str(state)], capture_output=True)
