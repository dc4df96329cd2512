"""A configuration that is not right is said to be wrong, with file and line, before anything runs."""

import re

import pytest

from support.gate import run_gate, write_rules
from support.orders import MAPPING
from support.process import free_port

GOOD = """\
listen: 127.0.0.1:{listen}
upstream: 127.0.0.1:{upstream}
admin: 127.0.0.1:{admin}
orders: {mapping}
rules: rules
state_dir: state
redis:
  address: 127.0.0.1:{redis}
  prices: {{db: 1, key: "market:prices:{{symbol}}", max_age: 1s}}
  accounts: {{db: 0, key: "account:state:{{account}}", max_age: 2s}}
"""


@pytest.fixture
def configuration(tmp_path):
    """Writes the good one with one line replaced, and returns the file."""
    write_rules(tmp_path / "rules", "rules:\n  - id: value\n    metric: order_notional\n    max: 1000\n")
    (tmp_path / "state").mkdir()

    def write(number: int = 0, line: str = ""):
        text = GOOD.format(listen=free_port(), upstream=free_port(), admin=free_port(), redis=free_port(),
                           mapping=MAPPING).splitlines()
        if number:
            text[number - 1] = line
        file = tmp_path / "gate.yaml"
        file.write_text("\n".join(text) + "\n")
        return file
    return write


WRONG = {
    "an unknown key": (2, "upstrem: 127.0.0.1:1", "upstrem"),
    "a port that is none": (1, "listen: 127.0.0.1:99999", "listen"),
    "a file that is not there": (4, "orders: nowhere.yaml", "orders"),
    "a duration without unit": (9, '  prices: {db: 1, key: "market:prices:{symbol}", max_age: 1}', "max_age"),
    "a key template without its name": (10, '  accounts: {db: 0, key: "account:state", max_age: 2s}', "key"),
    "not YAML": (3, "admin: }", ""),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_configuration_ends_with_64_and_its_line(configuration, what):
    number, line, key = WRONG[what]
    ended = run_gate("run", "--config", str(configuration(number, line)))
    assert ended.returncode == 64, ended
    said = ended.stdout + ended.stderr
    # What is not YAML may be noticed only where the next line begins.
    lines = {int(match) for match in re.findall(r"gate\.yaml:(\d+)", said)}
    assert lines & ({number} if key else {number, number + 1}), said
    assert key in said


def test_all_problems_are_said_at_once(configuration):
    file = configuration(1, "listen: nowhere")
    file.write_text(file.read_text() + "breaker: {violations: many}\nungoverned: perhaps\n")
    said = run_gate("run", "--config", str(file)).stderr
    assert {int(match) for match in re.findall(r"gate\.yaml:(\d+)", said)} >= {1, 11, 12}, said


def test_no_good_rule_set_at_start_is_an_error(configuration, tmp_path):
    write_rules(tmp_path / "rules", "rules:\n  - id: value\n    metric: order_notionel\n    max: 1000\n")
    ended = run_gate("run", "--config", str(configuration()))
    assert ended.returncode == 64
    assert "rules.yaml:3" in ended.stdout + ended.stderr


def test_an_override_that_names_nothing_is_an_error(configuration):
    ended = run_gate("run", "--config", str(configuration()), GATE_CONFIG_REDIS_ADRESS="127.0.0.1:1")
    assert ended.returncode == 64
    assert "GATE_CONFIG_REDIS_ADRESS" in ended.stdout + ended.stderr


def test_an_address_that_is_taken_ends_with_69(configuration):
    import socket
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = run_gate("run", "--config", str(configuration(1, f"listen: 127.0.0.1:{taken.getsockname()[1]}")))
    assert ended.returncode == 69, ended


def test_an_unknown_option_ends_with_64():
    assert run_gate("run", "--configuration", "x").returncode == 64


def test_version_names_the_libraries():
    ended = run_gate("version")
    assert ended.returncode == 0
    assert "nghttp2" in ended.stdout and "hiredis" in ended.stdout
