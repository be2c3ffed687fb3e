"""The upload of `wrangler deploy`, taken from its dry run without a network."""

import py_compile
import re
import subprocess
from pathlib import Path

import pytest

from evenkeel.dev import checkout

# The free plan accepts 3 MB; the limit is far lower, because size costs start-up time.
LARGEST_UPLOAD_KIB = 1200.0


@pytest.fixture(scope="module")
def dry_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of the upload and the output of wrangler."""
    # Compiled files beside the sources are normal in a checkout.
    py_compile.compile(str(checkout.SOURCE / "entry.py"))
    folder = tmp_path_factory.mktemp("upload")
    command: list[str | Path] = [checkout.node(), checkout.WRANGLER, "deploy", "--dry-run"]
    said = subprocess.run(
        [*command, f"--outdir={folder}"],
        cwd=checkout.ROOT,
        env=checkout.tool_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    return folder, said.stdout


def test_the_upload_is_the_worker_and_nothing_else(dry_run: tuple[Path, str]) -> None:
    """The upload holds the entry, the balancer and its configuration, and nothing else."""
    folder, _ = dry_run
    uploaded = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    sources = {
        path.relative_to(checkout.SOURCE).as_posix()
        for kind in ("*.py", "*.html")
        for path in checkout.SOURCE.rglob(kind)
    }
    # wrangler adds a README for the reader of the folder.
    assert uploaded == {*sources, "loadbalancer.toml", "README.md"}
    assert "entry.py" in uploaded
    assert "lb/worker/request/edge.py" in uploaded
    assert "lb/admin/pages/status.html" in uploaded


def test_the_upload_is_small(dry_run: tuple[Path, str]) -> None:
    """The size that wrangler reports stays far below the platform's limit."""
    _, said = dry_run
    found = re.search(r"Total Upload: ([\d.]+) KiB / gzip: ([\d.]+) KiB", said)
    assert found is not None
    print(found[0])
    assert float(found[1]) < LARGEST_UPLOAD_KIB
