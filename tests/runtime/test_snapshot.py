"""The start of the Worker from a snapshot, as after a deploy."""

from __future__ import annotations

from pathlib import Path

from evenkeel.dev import checkout
from support.origins import origins
from support.toml import load_balancer, pool
from support.waiting import until
from support.workerd import workerd

SNAPSHOT = "snapshot.bin"


def snapshot_options(folder: Path, option: str) -> list[str]:
    """Workerd's options for a snapshot in a folder, in place of the usual one."""
    usual = checkout.workerd_options(snapshot=None)
    kept = [each for each in usual if not each.startswith("--python-snapshot-dir")]
    return [*kept, f"--python-snapshot-dir={folder}", option]


def test_the_snapshot_of_a_deploy_can_be_taken(tmp_path: Path) -> None:
    """A snapshot of the Worker's top level can be taken, and a Worker that starts from it serves.

    Randomness is not part of the snapshot and differs in each isolate.
    """
    with origins(2) as (one, two):
        config = pool("p", one, two) + load_balancer("*", "p")
        taking = snapshot_options(tmp_path, "--python-save-snapshot")
        with workerd(config, options=taking) as worker:
            assert worker.get("/").status == 200
            until((tmp_path / SNAPSHOT).exists)
            assert [line for line in worker.output if "serialize" in line] == []

        loading = snapshot_options(tmp_path, f"--python-load-snapshot={SNAPSHOT}")
        rolls = []
        for _ in range(2):
            with workerd(config, options=loading) as worker:
                rolls.append([worker.get("/").served_by for _ in range(40)])

    assert set(rolls[0]) == {"one", "two"}
    assert rolls[0] != rolls[1]
