"""What the benches share: a lean HTTP client with keep-alive, and how figures are printed."""

import http.client
import statistics
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit


def quantile(values: list[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie; nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def line(name: str, value: float, unit: str = "", note: str = "") -> None:
    print(f"{name:<46} {value:>10.3f} {unit:<6} {note}".rstrip(), flush=True)


def milliseconds(values: list[float]) -> str:
    return f"median {statistics.median(values) * 1000:.2f} ms, p99 {quantile(values, 0.99) * 1000:.2f} ms, {len(values)} times"


@dataclass
class Client:
    """One connection of a signed-in person. Not for two threads."""

    base_url: str
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        self.connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=30)

    def get(self, path: str) -> int:
        self.connection.request("GET", path, headers=self._headers())
        return self._read()

    def post(self, path: str, key: str, fields: dict[str, str]) -> int:
        headers = self._headers() | {
            "Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": key, "HX-Request": "true",
            "X-CSRFToken": self.cookies.get("csrftoken", ""),
        }  # fmt: skip
        self.connection.request("POST", path, body=urlencode(fields), headers=headers)
        return self._read()

    def timed(self, send) -> float:  # type: ignore[no-untyped-def]
        """Seconds from sending to the last byte of the answer."""
        started = time.perf_counter()
        send()
        return time.perf_counter() - started

    def _headers(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def _read(self) -> int:
        answer = self.connection.getresponse()
        self.body = answer.read()
        return answer.status
