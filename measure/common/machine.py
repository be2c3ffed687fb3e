"""The machine that figures are taken on."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Cores, processor and system, as they stand in every JSON file."""
    model = ""
    cpu_info = Path("/proc/cpuinfo")
    if cpu_info.exists():
        lines = cpu_info.read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")
    return {
        "cores": os.cpu_count(),
        "processor": model or platform.processor(),
        "system": f"{platform.system()} {platform.machine()}",
    }
