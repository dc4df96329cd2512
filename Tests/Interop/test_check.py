"""`gate check`: rule files judged before they are put in force, and what they make of one order."""

import json

import pytest

from support.gate import run_gate, write_rules
from support.orders import REPOSITORY

RULES = """\
rules:
  - id: size
    metric: position_notional
    max: 1000
examples:
  - name: fits
    account: {equity: 1000}
    prices: {BTCUSDT: 100}
    order: {symbol: BTCUSDT, side: buy, quantity: 1}
    expect: approved
"""
STATE = {"equity": 1000, "margin_used": 0, "positions": [], "pending_orders": []}
ORDER = {"account": "mm-1", "symbol": "BTCUSDT", "side": "buy", "quantity": "11"}


@pytest.fixture
def rules(tmp_path):
    write_rules(tmp_path / "rules", RULES)
    return tmp_path / "rules"


@pytest.fixture
def explain(tmp_path, rules):
    def run(order: dict, *arguments: str):
        file = tmp_path / "order.json"
        file.write_text(json.dumps(order))
        return run_gate("check", "--explain", str(file), *arguments, str(rules))
    return run


@pytest.mark.parametrize("directory", ["rules", "rules/b25"])
def test_the_shipped_rules_are_clean_even_when_warnings_count(directory):
    ended = run_gate("check", "--strict", str(REPOSITORY / directory))
    assert ended.returncode == 0, ended.stdout
    assert "no problems, no warnings" in ended.stdout


def test_json_has_counts_findings_and_coverage(rules):
    ended = run_gate("check", "--format", "json", str(rules))
    assert ended.returncode == 0
    found = json.loads(ended.stdout)
    assert found["counts"] == {"files": 1, "rules": 1, "instruments": 0, "examples": 1, "errors": 0, "warnings": 0}
    assert found["findings"] == []
    assert [(rule["id"], rule["symbols"]) for rule in found["coverage"]["rules"]] == [("size", [])]
    assert run_gate("check", "--format", "json", str(rules)).stdout == ended.stdout


def test_a_problem_has_its_place_and_ends_with_1(rules):
    write_rules(rules, RULES.replace("position_notional", "position_notionel"))
    ended = run_gate("check", "--format", "json", str(rules))
    assert ended.returncode == 1
    [finding] = json.loads(ended.stdout)["findings"]
    assert (finding["line"], finding["column"], finding["severity"]) == (3, 13, "error")
    assert finding["file"].endswith("rules/rules.yaml") and "position_notional" in finding["message"]
    text = run_gate("check", str(rules))
    assert text.returncode == 1
    assert text.stdout.startswith(f'{finding["file"]}:3:13: {finding["message"]}\n')


def test_a_warning_ends_with_1_only_where_it_is_asked_to(rules):
    write_rules(rules, RULES.split("examples:")[0])
    assert run_gate("check", str(rules)).returncode == 0
    assert run_gate("check", "--strict", str(rules)).returncode == 1


def test_what_cannot_be_read_ends_with_2(tmp_path, rules):
    assert run_gate("check", str(tmp_path / "nowhere")).returncode == 2
    assert run_gate("check", "--orders", str(tmp_path / "nowhere.yaml"), str(rules)).returncode == 2
    assert run_gate("check", "--explain", str(tmp_path / "nowhere.json"), str(rules)).returncode == 2


def test_an_order_is_explained(explain):
    ended = explain(ORDER | {"account_state": STATE, "prices": {"BTCUSDT": 100}}, "--format", "json")
    assert ended.returncode == 0
    said = json.loads(ended.stdout)
    assert (said["decision"], said["reason"], said["max_quantity"]) == ("rejected", "POSITION_LIMIT_EXCEEDED", 10)
    [rule] = said["rules"]
    assert (rule["id"], rule["value"], rule["bound"], rule["utilization"], rule["passed"]) == (
        "size", 1100, {"max": 1000}, 1.1, False)


def test_the_largest_quantity_passes_and_a_larger_one_does_not(explain):
    world = {"account_state": STATE, "prices": {"BTCUSDT": {"bid_price": 299, "ask_price": 301}}}
    largest = json.loads(explain(ORDER | world, "--format", "json").stdout, parse_float=str)["max_quantity"]
    assert largest == "3.3333333333"
    assert "approved" in explain(ORDER | world | {"quantity": largest}).stdout
    assert "rejected: POSITION_LIMIT_EXCEEDED" in explain(ORDER | world | {"quantity": "3.3333333334"}).stdout


def test_state_and_prices_may_be_files_of_their_own(explain, tmp_path):
    (tmp_path / "account.json").write_text(json.dumps(STATE))
    (tmp_path / "prices.json").write_text('{"BTCUSDT": 100}')
    ended = explain(ORDER, "--account", str(tmp_path / "account.json"), "--prices", str(tmp_path / "prices.json"))
    assert ended.returncode == 0
    assert "largest quantity of this order that would pass: 10" in ended.stdout
    assert "rejected: ACCOUNT_UNKNOWN" in explain(ORDER).stdout


def test_an_order_that_cannot_be_understood_ends_with_1_and_its_line(explain):
    ended = explain(ORDER | {"sid": "buy"})
    assert ended.returncode == 1
    assert "order.json:1:" in ended.stdout and "did you mean side?" in ended.stdout


def test_state_without_an_order_is_bad_usage(rules):
    assert run_gate("check", "--account", "x.json", str(rules)).returncode == 64
