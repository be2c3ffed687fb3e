"""What `wrangler deploy` would upload, as its dry run tells without a network."""

import py_compile
import re
import subprocess
from pathlib import Path

import pytest

from evenkeel.dev import checkout

# The free plan takes 3 MB; the balancer should stay far below, as its size is start-up time.
LARGEST_UPLOAD_KIB = 1200.0


@pytest.fixture(scope="module")
def dry_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of what would be uploaded, and what wrangler said."""
    # Compiled files beside the sources are the normal state of a checkout.
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
    """The entry, the balancer and its configuration go up; tools, tests and caches do not."""
    folder, _ = dry_run
    uploaded = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    sources = {
        path.relative_to(checkout.SOURCE).as_posix()
        for kind in ("*.py", "*.html")
        for path in checkout.SOURCE.rglob(kind)
    }
    # wrangler puts a note for the reader of the folder beside the modules.
    assert uploaded == {*sources, "loadbalancer.toml", "README.md"}
    assert "entry.py" in uploaded
    assert "lb/worker/request/edge.py" in uploaded
    assert "lb/admin/pages/status.html" in uploaded


def test_the_upload_is_small(dry_run: tuple[Path, str]) -> None:
    """The size that wrangler tells stays far below what the platform takes."""
    _, said = dry_run
    found = re.search(r"Total Upload: ([\d.]+) KiB / gzip: ([\d.]+) KiB", said)
    assert found is not None
    print(found[0])
    assert float(found[1]) < LARGEST_UPLOAD_KIB
