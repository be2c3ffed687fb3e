"""One Worker for all attacks, and a look at it after each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.origins import Origin
from support.siege import Siege, siege


@pytest.fixture(scope="package")
def lasting_siege() -> Iterator[Siege]:
    """Run the Worker that all attacks share."""
    with siege() as made:
        yield made


@pytest.fixture(autouse=True)
def under(lasting_siege: Siege) -> Iterator[Siege]:
    """Give each test the Worker as it was, and look at it afterwards."""
    lasting_siege.reset()
    yield lasting_siege
    lasting_siege.check()


@pytest.fixture
def one(under: Siege) -> Origin:
    """The origin that answers."""
    return under.one


@pytest.fixture
def two(under: Siege) -> Origin:
    """The origin that answers in its place."""
    return under.two
