"""Faults on demand: what the stage asks the next calls or callbacks to suffer."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

ON_CALLBACK = frozenset({"drop", "reordered", "late", "twice"})  # taken once for a callback
ON_TRY = frozenset({"lost", "5xx"})  # taken for each try of it
ON_CALL = frozenset(
    {
        "twice", "late", "lost", "drop", "5xx", "throttled", "busy", "untrusted_ip", "refuse", "expire_token",
    }
)  # fmt: skip
KINDS = {"in": ON_CALLBACK | ON_TRY, "out": ON_CALL}


@dataclass
class Fault:
    """`in` is platform to app, `out` is app to platform; `at` is part of an API path or callback type."""

    direction: str
    kind: str
    count: int = 1
    at: str = ""
    seconds: float = 6.0
    errcode: int = -1

    def __post_init__(self) -> None:
        if self.kind not in KINDS.get(self.direction, ()):
            raise ValueError(f"no fault {self.kind!r} in direction {self.direction!r}")


class Faults:
    def __init__(self) -> None:
        self._armed: list[Fault] = []
        self._lock = Lock()

    def arm(self, fault: Fault) -> None:
        with self._lock:
            self._armed.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()

    def armed(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._armed]

    def take(self, direction: str, kinds: Collection[str], at: str) -> Fault | None:
        """The first armed fault that fits, one of its count used up."""
        with self._lock:
            for fault in self._armed:
                if fault.direction == direction and fault.kind in kinds and fault.at in at:
                    fault.count -= 1
                    if fault.count <= 0:
                        self._armed.remove(fault)
                    return fault
        return None
