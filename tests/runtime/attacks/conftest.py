"""The Worker that all attacks share, checked after each attack."""

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
    """Reset the shared Worker before each test and check it afterwards."""
    lasting_siege.reset()
    yield lasting_siege
    lasting_siege.check()


@pytest.fixture
def one(under: Siege) -> Origin:
    """The first origin in failover order."""
    return under.one


@pytest.fixture
def two(under: Siege) -> Origin:
    """The origin that serves if the first one fails."""
    return under.two
