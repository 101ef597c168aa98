"""Asks an application as a browser or TOPCAT would, without a port."""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio
import httpx


class AsgiClient:
    """`client.get("/path", headers={...})` of an application at an address."""

    def __init__(self, app: Any, address: str = "http://localhost:8501") -> None:
        self.app = app
        self.address = address

    def request(self, method: str, path: str, **words: Any) -> httpx.Response:
        return anyio.run(partial(self._ask, method, path, **words))

    def get(self, path: str, **words: Any) -> httpx.Response:
        return self.request("GET", path, **words)

    async def _ask(self, method: str, path: str, **words: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=self.address) as client:
            return await client.request(method, path, **words)
