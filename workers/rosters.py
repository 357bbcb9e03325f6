"""The command about rosters: who sits when, and filling the empty days by rotation."""

from __future__ import annotations

from datetime import timedelta

from core import proposals, rosters, store
from core.workdays import local_day
from workers import console
from workers.console import Args, Mistake, say

HALVES = {"": "", "am": " 上午", "pm": " 下午"}


def roster(args: Args) -> None:
    """The days of a roster; with --fill, the empty ones are laid out by rotation first."""
    from workers.build import build

    service = build(console.settings())
    office, now = service.office, service.now()
    found = next((r for r in office.profile.rosters if r.key == args.name), None)
    if found is None:
        known = "、".join(r.key for r in office.profile.rosters) or "没有"
        raise Mistake(f"没有值守表 {args.name}。有：{known}")
    first = args.first or local_day(now)
    last = args.last or first + timedelta(days=28)
    with store.transaction(office.engine) as conn:
        filled = rosters.lay_out(office, conn, found, first, last, now) if args.fill else 0
        days = rosters.shifts(office, conn, found, first, last)
    lines = [
        f"{shift.day}{HALVES[shift.half]}  {shift.person.name if shift.person else '（还没有人）'}"
        + (f"（{proposals.ABSENCES[shift.absent]}）" if shift.absent else "")
        for shift in days
    ]
    data = [
        {
            "day": shift.day,
            "half": shift.half,
            "person": shift.person.key if shift.person else None,
            "by_hand": shift.by_hand,
            "gap": shift.gap,
        }
        for shift in days
    ]
    say(
        args,
        data,
        [f"{found.title}（{found.clause}）", *lines, *([f"新排 {filled} 天"] if args.fill else [])],
    )
