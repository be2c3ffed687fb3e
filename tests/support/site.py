"""One Worker and its origins for a test module, whose `configuration` function describes them.

    def configuration(one: Origin, two: Origin) -> str: ...

The function has one parameter for each origin. Each test starts with the site reset.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature

import pytest

from support.origins import Origin, origins
from support.workerd import Workerd, workerd


@dataclass(frozen=True, slots=True)
class Site:
    """The Worker and the origins of a test module."""

    worker: Workerd
    origins: tuple[Origin, ...]

    def reset(self) -> None:
        """Restore everything to its start, except the Worker's memory."""
        for origin in self.origins:
            origin.reset()
        self.worker.forget()


@pytest.fixture(scope="module")
def lasting_site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Run what the module's `configuration` describes, with its VARIABLES.

    If the module's STATE is true, the Worker has a Durable Object.
    """
    configuration = request.module.configuration
    variables = getattr(request.module, "VARIABLES", {})
    state = getattr(request.module, "STATE", False)
    count = len(signature(configuration).parameters)
    with (
        origins(count) as running,
        workerd(configuration(*running), variables, state=state) as worker,
    ):
        yield Site(worker, running)


@pytest.fixture
def site(lasting_site: Site) -> Site:
    """The module's site, reset for each test."""
    lasting_site.reset()
    return lasting_site


@pytest.fixture
def worker(site: Site) -> Workerd:
    """The module's Worker."""
    return site.worker


@pytest.fixture
def one(site: Site) -> Origin:
    """The module's first origin."""
    return site.origins[0]


@pytest.fixture
def two(site: Site) -> Origin:
    """The module's second origin."""
    return site.origins[1]


@pytest.fixture
def three(site: Site) -> Origin:
    """The module's third origin."""
    return site.origins[2]
