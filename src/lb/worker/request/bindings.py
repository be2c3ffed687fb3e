"""Calls of the Durable Object, KV and Analytics Engine through the Worker's bindings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import js

from lb.state.kv import KV_REFRESH
from lb.state.refresh import DATASET
from lb.worker.runtime import js_object

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lb.state.ports import DataPoint

MAIN = "main"
"""Name of the object that all isolates ask; each region that probes has an object of its own."""

KEY = "health"
"""Key of the shared view in KV."""


def bindings_of(env: Any) -> frozenset[str]:
    """Return the names of what is bound."""
    return frozenset(name for name in js.Object.keys(env).to_py() if getattr(env, name, None))


class BoundObject:
    """The StateObject port over LB_STATE."""

    def __init__(self, env: Any) -> None:
        self._env = env

    async def pull(self, text: str) -> str | None:
        answer: str | None = await self._env.LB_STATE.getByName(MAIN).pull(text)
        return answer or None


class BoundKv:
    """The KvStore port over LB_KV. A missing key is JavaScript's null, which is false."""

    def __init__(self, env: Any) -> None:
        self._env = env

    async def get(self) -> str | None:
        text: str | None = await self._env.LB_KV.get(KEY, js_object(cacheTtl=KV_REFRESH))
        return text or None

    async def put(self, text: str) -> None:
        await self._env.LB_KV.put(KEY, text)


class BoundDataset:
    """The Dataset port over LB_ANALYTICS."""

    def __init__(self, env: Any) -> None:
        self._env = env

    def write(self, points: Iterable[DataPoint]) -> None:
        write = getattr(self._env, DATASET).writeDataPoint
        for key, blobs, doubles in points:
            write(js_object(indexes=[key], blobs=blobs, doubles=doubles))
