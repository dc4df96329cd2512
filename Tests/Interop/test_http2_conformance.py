"""RFC 9113 and RFC 7541 as a client sees them, byte by byte: each case a connection of its own to Gate in front of the endpoint."""

import collections

import pytest

from support.frames import Raw
from support.http2_cases import CASES

_passed: collections.Counter[str] = collections.Counter()

#: h2spec's own default cases, by group.
COUNTS = {"generic": 44, "http2": 94, "hpack": 8}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_http2(site, case):
    with Raw(site.gate.target, greet=not case.bare) as connection:
        connection.send(case.send(connection))
        case.expect(connection)
    site.gate.process.fail_if_ended()
    _passed["+" if case.more else case.group] += 1


def test_the_list_is_whole(measured):
    counts = collections.Counter(case.group for case in CASES if not case.more)
    assert counts == COUNTS
    assert len({case.name for case in CASES}) == len(CASES)
    more = len(CASES) - sum(COUNTS.values())
    measured("HTTP/2 conformance: " + ", ".join(
        f"{group} {_passed[group]} of {count}" for group, count in [*COUNTS.items(), ("+", more)]))
