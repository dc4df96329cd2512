"""Waiting for something to become true, never for time to pass."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def wait_until(what: str, check: Callable[[], Value], seconds: float = 10, every: float = 0.005) -> Value:
    """The first true value of `check`; fails with `what`, and with what check said last, after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what} (last: {value!r})")
        time.sleep(every)


def settled(read: Callable[[], int], quiet: float = 0.3, seconds: float = 10) -> int:
    """The value of `read` once it has not changed for a while."""
    deadline = time.monotonic() + seconds
    last, since = read(), time.monotonic()
    while time.monotonic() - since < quiet:
        assert time.monotonic() < deadline, "it never comes to rest"
        time.sleep(0.02)
        if (now := read()) != last:
            last, since = now, time.monotonic()
    return last
