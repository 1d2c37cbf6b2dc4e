"""Counters of one process in Prometheus' text format."""

from __future__ import annotations

import threading
from collections import defaultdict

_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Safe to use from all threads. Labels come from code, never from a request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[str, dict[_Labels, float]] = defaultdict(lambda: defaultdict(float))
        self._gauges: dict[str, float] = defaultdict(float)
        self._seconds: dict[_Labels, list[int]] = defaultdict(lambda: [0] * (len(_BUCKETS) + 1))
        self._sums: dict[_Labels, float] = defaultdict(float)

    def count(self, name: str, **labels: str) -> None:
        with self._lock:
            self._counters[name][tuple(labels.items())] += 1

    def change(self, name: str, by: float) -> None:
        """Adds to a gauge."""
        with self._lock:
            self._gauges[name] += by

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request, from its first byte to the end of its answer."""
        self.count("census_http_requests_total", method=method, route=route, status=str(status))
        labels = (("route", route),)
        place = next((index for index, bound in enumerate(_BUCKETS) if seconds <= bound), len(_BUCKETS))
        with self._lock:
            self._seconds[labels][place] += 1
            self._sums[labels] += seconds

    def text(self) -> str:
        with self._lock:
            lines = [line for name in sorted(self._counters) for line in _lines(name, "counter", self._counters[name])]
            lines += [line for name in sorted(self._gauges) for line in _lines(name, "gauge", {(): self._gauges[name]})]
            lines += self._histogram("census_http_request_seconds")
        return "\n".join(lines) + "\n"

    def _histogram(self, name: str) -> list[str]:
        lines = [f"# TYPE {name} histogram"] if self._seconds else []
        for labels, counts in sorted(self._seconds.items()):
            total = 0
            for bound, number in zip((*_BUCKETS, "+Inf"), counts, strict=True):
                total += number
                lines.append(f"{name}_bucket{_shown((*labels, ('le', str(bound))))} {total}")
            lines += [f"{name}_sum{_shown(labels)} {self._sums[labels]:.6f}", f"{name}_count{_shown(labels)} {total}"]
        return lines


def _lines(name: str, kind: str, values: dict[_Labels, float]) -> list[str]:
    return [f"# TYPE {name} {kind}", *(f"{name}{_shown(labels)} {value:g}" for labels, value in sorted(values.items()))]


def _shown(labels: _Labels) -> str:
    return "{" + ",".join(f'{key}="{value}"' for key, value in labels) + "}" if labels else ""
