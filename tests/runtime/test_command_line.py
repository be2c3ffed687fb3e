"""The commands against a deployed balancer on workerd."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from evenkeel.live.client.host import Host
from evenkeel.output.errors import Exit
from support.commands import Ran, run
from support.origins import Origin, origins
from support.toml import load_balancer, monitor, pool
from support.waiting import until
from support.worker import Worker, running_worker

TOKEN = "t" * 20 + "-0123456789_" + "t" * 20
READ_TOKEN = "r" * 43


@dataclass(frozen=True, slots=True)
class Deployed:
    """A balancer with a token and two origins, the first of which serves."""

    worker: Worker
    one: Origin
    two: Origin

    def run(self, *arguments: str, answers: str = "", token: str = TOKEN) -> Ran:
        """Run `evenkeel` against the balancer."""
        environment = {"EVENKEEL_URL": self.worker.url, "EVENKEEL_TOKEN": token}
        host = Host(environment=environment, has_user=lambda: bool(answers))
        ran = run(*arguments, answers=answers, environment=environment, host=host)
        assert token not in ran.out + ran.err
        return ran

    def served_by(self) -> str:
        """The origin that serves a request."""
        return httpx.get(self.worker.url, trust_env=False, timeout=30).text


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    """Serve two origins, active-passive, from a file."""
    with origins(2) as (one, two):
        config = "\n".join(
            [
                "state = { refresh = 1 }",
                monitor("m"),
                pool("first", one, monitor="m"),
                pool("second", two, monitor="m"),
                load_balancer("*", "first", "second"),
            ]
        )
        secrets = {"LB_ADMIN_TOKEN": TOKEN, "LB_READ_TOKEN": READ_TOKEN}
        with running_worker(config, env=secrets) as worker:
            yield Deployed(worker, one, two)


def test_a_configuration_lives_from_the_file_to_a_rollback(
    deployed: Deployed, tmp_path: Path
) -> None:
    """A configuration is exported, adopted, changed by apply, and rolled back."""
    file = tmp_path / "lb.toml"
    assert deployed.served_by() == "one"

    assert deployed.run("export", "-o", str(file)).code == Exit.FINE
    assert deployed.run("apply", str(file), "--check").code == Exit.FINE
    assert deployed.run("adopt", "--yes", "--json").json["version"] == 1
    assert deployed.run("export").out == file.read_text()

    text = file.read_text()
    file.write_text(text.replace('["first", "second"]', '["second", "first"]'))
    assert deployed.run("apply", str(file), "--check").code == Exit.NO
    applied = deployed.run("apply", str(file), answers="y\n")
    assert applied.code == Exit.FINE, applied
    assert "default_pools[0]" in applied.out
    until(lambda: deployed.served_by() == "two")

    assert [each["version"] for each in deployed.run("versions", "--json").json] == [2, 1]
    assert '"first" → "second"' in deployed.run("versions", "2").out
    assert deployed.run("rollback", "--yes").code == Exit.FINE
    until(lambda: deployed.served_by() == "one")
    assert deployed.run("export").out == text


def test_an_origin_is_drained_and_traffic_moves(deployed: Deployed) -> None:
    """Traffic follows the drain, enable and weight commands."""
    assert deployed.served_by() == "one"

    ran = deployed.run("drain", "one", "--adopt", "--wait", "--yes")
    assert ran.code == Exit.FINE, ran
    assert deployed.served_by() == "two"

    assert deployed.run("enable", "first/one").code == Exit.FINE
    until(lambda: deployed.served_by() == "one")
    assert deployed.run("weight", "one", "0", "--yes").code == Exit.FINE
    assert deployed.served_by() == "two"
    assert deployed.run("weight", "one", "1").code == Exit.FINE
    until(lambda: deployed.served_by() == "one")


def test_the_status_is_that_of_the_origins(deployed: Deployed) -> None:
    """The status shows the health and the traffic share of origins, and --check exits with 0."""
    until(lambda: deployed.run("status", "--check").code == Exit.FINE)
    until(
        lambda: all(
            each["origins"][0]["health"] == "healthy"
            for each in deployed.run("status", "--json").json["pools"]
        )
    )

    def share() -> float:
        """The first origin's share of the traffic; each call sends one more request."""
        deployed.served_by()
        pools = deployed.run("status", "--json").json["pools"]
        return float(pools[0]["origins"][0]["share"] or 0)

    until(lambda: share() > 0, seconds=30)
    shown = deployed.run("status").out

    assert "first" in shown
    assert "available" in shown
    assert "% of traffic" in shown


def test_events_are_followed_until_ctrl_c(deployed: Deployed, tmp_path: Path) -> None:
    """`events -f` prints a change of health and exits with code 0 after an interrupt."""
    until(lambda: deployed.run("events", "--pool=second", "--json").out)
    written = tmp_path / "events"

    def told() -> list[bool | None]:
        """The printed health values of the second pool."""
        events = [json.loads(line) for line in written.read_text().splitlines()]
        return [each["pool"]["healthy"] for each in events if each["pool"]["name"] == "second"]

    with (
        written.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "evenkeel", "events", "-f", "--interval=1", "--json"],
            env={**os.environ, "EVENKEEL_URL": deployed.worker.url, "EVENKEEL_TOKEN": TOKEN},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
        ) as following,
    ):
        try:
            until(lambda: told()[-1:] == [True], seconds=30)
            deployed.two.fail_health()
            until(lambda: told()[-1:] == [False], seconds=30)
            following.send_signal(signal.SIGINT)
            _, errors = following.communicate(timeout=20)
        finally:
            following.kill()
            deployed.two.reset()

    assert following.returncode == Exit.FINE, errors
    assert b"Traceback" not in errors
    until(lambda: deployed.run("status", "--check").code == Exit.FINE, seconds=30)


def test_a_wrong_token_has_its_own_exit_code(deployed: Deployed) -> None:
    """A wrong token has an exit code of its own."""
    assert deployed.run("status", token="x" * 43).code == Exit.NOT_ALLOWED


def test_a_read_only_token_can_read(deployed: Deployed) -> None:
    """A read-only token can read; a change has the exit code of missing permission."""
    assert deployed.run("status", token=READ_TOKEN).code == Exit.FINE

    ran = deployed.run("disable", "two", "--yes", token=READ_TOKEN)

    assert ran.code == Exit.NOT_ALLOWED
    assert "may only read" in ran.err
    assert deployed.served_by() == "one"


def test_a_wrong_admin_path_is_reported(deployed: Deployed) -> None:
    """A wrong admin path, at which an origin answers, is reported."""
    ran = deployed.run("status", "--admin-path=/elsewhere")

    assert ran.code == Exit.UNREACHABLE
    assert "not the admin side" in ran.err
