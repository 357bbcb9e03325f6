"""What `bancheng policy verify` proves, and that it catches each kind of mistake when somebody makes it."""

from functools import cache
from pathlib import Path

import pytest

from bot.words import FOLDER
from core.policy.load import read, shipped, shipped_names
from core.policy.verify import CLAIMS, UNSERVED, Finding, Proof, verify

TEXTS = frozenset(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.txt"))


@cache
def proof_of(name: str) -> Proof:
    return verify(shipped(name)[0], TEXTS)


@pytest.mark.parametrize("name", shipped_names())
def test_what_ships_is_proved(name: str) -> None:
    assert [finding.story for finding in proof_of(name).findings if finding.fails] == []


@pytest.mark.parametrize("name", shipped_names())
def test_a_proof_says_how_much_was_looked_at(name: str) -> None:
    counts = proof_of(name).counts
    assert counts["states"] > 100 and counts["transitions"] > 5 * counts["states"]
    assert counts["clauses"] - counts["served"] == sum(f.kind == UNSERVED for f in proof_of(name).findings)


# --- mistakes made on purpose: a child of a profile that ships, with one thing wrong ----------------------

HEAD = 'name = "seeded"\nversion = "1"\nextends = "xiangjiang"\n'
C = 'clause = "XJ-2.2b"'
# The kind of finding, what it must say, and the mistake.
MISTAKES = {
    "a delivery nobody can record": (
        "dead_end",
        "到这里走不下去了，因为“结果送窗口",
        '[[duties]]\nkey = "to_window"\nmet_by = ["deliver:to_nobody"]\n',
    ),
    "a stage without a way on": (
        "dead_end",
        "没有开能往下走的动作",
        'drop = ["acts.sign_off", "acts.reject"]\n',
    ),
    "an act that waits for what never comes": (
        "never",
        "acts.hand_in：“提交结果”开着，可是没有一种情形做得成：它要求 先有 blessed_at",
        '[acts.hand_in]\nafter = ["blessed_at"]\n',
    ),
    "a duty nobody can meet": (
        "stuck",
        "认定不满意的原因”（duties.judge）还开着",
        'drop = ["acts.judge_objective", "acts.redo"]\n',
    ),
    "an automatic act that is not open": (
        "automatic",
        "自动做“认定为主观原因，发回重办”，这时却做不成",
        f'[slots]\nredo_judge = ["operator", "system"]\n[[automatic]]\nact = "redo"\non = ["rate"]\n{C}\n',
    ),
    "an automatic act that nobody lets the system do": (
        "automatic",
        'slots.redo_judge 里要有 "system"',
        f'[[automatic]]\nact = "redo"\non = ["rate"]\n{C}\n',
    ),
    "an automatic act with a field to fill in": (
        "automatic",
        "没有人来填“理由”",
        f'[[automatic]]\nact = "redo"\non = ["rate"]\n{C}\n',
    ),
    "an automatic act that sets itself off": (
        "automatic",
        "记一次通话”，这时却做不成",
        f'[slots]\nhandler = ["handler", "system"]\n[[automatic]]\nact = "note_call"\non = ["note_call"]\n{C}\n',
    ),
    "an automatic act that the clock sets off where it is not open": (
        "automatic",
        "超时没有签收，视为收到”，这时却做不成",
        'timeout_default = true\n[[automatic]]\nact = "deem_received"\non = ["limit.overdue"]\n',
    ),
    "a stage that nobody watches": (
        "unwatched",
        "没有一件该做的事有日期，也没有写明为什么没有（undated）（TRIAGE）",
        '[[duties]]\nkey = "limit"\nopens_on = ["dispatch"]\n',
    ),
    "a wait with a reason and without a date": (
        "undated",
        "还没有答复，却没有一项带日期的事在走（TRIAGE）",
        '[[duties]]\nkey = "limit"\nopens_on = ["dispatch"]\n'
        '[[duties]]\nkey = "look"\ntitle = "看"\nopens_on = ["register", "submit", "insist", "send_back"]\n'
        f'holder = "receiver"\nmet_by = ["dispatch"]\nundated = "不急"\n{C}\n',
    ),
    "two limits at a time": (
        "two_limits",
        "两个办理期限同时在走",
        '[[duties]]\nkey = "second"\ntitle = "又一个期限"\nopens_on = ["dispatch"]\nholder = "handler"\n'
        f'due = {{ wd = 2 }}\nmet_by = ["replied_at"]\nclosing = true\n{C}\n',
    ),
    "sent away without a word": (
        "unanswered",
        "到这里就结束了（GUIDED），申请人没有得到答复",
        'drop = ["notices.guided:applicant"]\n',
    ),
    "no reminder before the day": (
        "ladder",
        "duties.supervision：“督办期限”到期以前没有提醒",
        'drop = ["duties.supervision.steps.remind_day"]\n',
    ),
    "nobody hears that it was missed": (
        "ladder",
        "duties.supervision：“督办期限”过了期没有人知道",
        '[[duties]]\nkey = "supervision"\nsteps = [{ key = "overdue", at = "due" }]\n',
    ),
    "a ladder that ends in the unit": (
        "ladder",
        "最后一级要报到大厅的常设岗位，现在是 handler",
        '[[duties]]\nkey = "limit"\nsteps = [{ key = "overdue", tell = ["handler"] }]\n',
    ),
    "a soft target that says nothing": (
        "ladder",
        "duties.confirm：“窗口确认受理”有日期，没有一步提醒",
        'drop = ["duties.confirm.steps.unconfirmed"]\n',
    ),
    "a step at the end of what has no end": (
        "ladder",
        "duties.judge：没有日期（due），late 这几步永远不会到",
        '[[duties]]\nkey = "judge"\nsteps = [{ key = "late", at = "missed", tell = ["redo_judge"],'
        f' notice = "judge_card", {C} }}]\n',
    ),
    "two limits for one matter": (
        "overlap",
        "limits.ordinary 和 limits.twin：level = ordinary 两条都对得上",
        f'[[limits]]\nkey = "twin"\ntitle = "又一条"\ndue = {{ wd = 2 }}\nwhen = {{ level = "ordinary" }}\n{C}\n',
    ),
    "a level without a limit": (
        "unlimited",
        "level = odd 没有一条时限对得上",
        f'[[levels]]\ncode = "odd"\nlabel = "怪"\n{C}\n',
    ),
    "a limit that nothing uses": (
        "unlimited",
        "limits.idle：没有写 when，也没有哪件事用到它",
        f'[[limits]]\nkey = "idle"\ntitle = "没用"\ndue = {{ wd = 2 }}\n{C}\n',
    ),
    "a number without its year": ("number", "编号里要有 {yyyy}", '[number]\nformat = "XJ{seq:5}"\n'),
    "a number of the day without its day": (
        "number",
        "编号里要有 {yyyymmdd}",
        '[number]\nformat = "XJ{yyyy}{day_seq:3}"\n',
    ),
    "a number without a width": ("number", "流水号要写几位", '[number]\nformat = "XJ{yyyy}{seq}"\n'),
    "a number without a serial": ("number", "要有且只有一个，现在有 0 个", '[number]\nformat = "XJ{yyyy}"\n'),
    "a number with an unknown part": (
        "number",
        "不认得 {moon}",
        '[number]\nformat = "{yyyy}{moon}{seq:3}"\n',
    ),
    "an act without anybody": (
        "slot",
        "acts.sign_off：没有人做，请在 slots 里写 signer",
        "[slots]\nsigner = []\n",
    ),
    "an act that is none": ("slot", "acts.sing：没有这个动作", f'[acts.sing]\nlabel = "唱"\n{C}\n'),
    "a notice to nobody": (
        "slot",
        "notices.dispatch_cc:mayor：没有人听，请在 slots 里写 mayor",
        f'[[notices]]\non = ["dispatch"]\nto = "mayor"\ntemplate = "dispatch_cc"\n{C}\n',
    ),
    "a duty that tells nobody": (
        "slot",
        "duties.judge.remind.tell：没有人听，请在 slots 里写 mayor",
        '[[duties]]\nkey = "judge"\nsteps = [{ key = "remind", tell = ["mayor"] }]\n',
    ),
    "a condition on what nobody states": (
        "condition",
        "duties.judge.when：没有谁会填 weather",
        '[[duties]]\nkey = "judge"\nwhen = { weather = "fine" }\n',
    ),
    "a condition on a value nobody can choose": (
        "condition",
        "limits.ordinary.when：level 没有 ordinery 这个值，可选 ordinary、complex、external",
        '[[limits]]\nkey = "ordinary"\nwhen = { level = "ordinery" }\n',
    ),
    "an act held up by a duty that is none": (
        "condition",
        "blocked_by 里的 aproval 不在 duties 里",
        '[acts.extend]\nblocked_by = ["aproval"]\n',
    ),
    "a notice without words": (
        "words",
        "没有 templates/notices/hello.txt 这份字样",
        f'[[notices]]\non = ["dispatch"]\nto = "handler"\ntemplate = "hello"\n{C}\n',
    ),
    "a question without words": (
        "words",
        "没有 templates/intake/ask_shoe_size.txt 这份字样",
        f'[[intake.questions]]\nid = "shoe_size"\nlabel = "鞋码"\nkind = "number"\n{C}\n',
    ),
    "a role without a title": ("words", "没有 unit_head 的称呼", 'drop = ["titles.unit_head"]\n'),
    "a form that cannot be read": ("words", "表单读不通", '[forms.registration]\ncolumns = "wide"\n'),
    "a clause that nothing serves": (
        "unserved",
        "XJ-9 没人管的一条",
        '[clauses."XJ-9"]\ntitle = "没人管的一条"\nplace = "附"\ntext = "应当……"\n',
    ),
}


def found(mistake: str, folder: Path) -> list[Finding]:
    """What is found in the child that was not found in its parent."""
    path = folder / "seeded.toml"
    path.write_text(HEAD + mistake, "utf-8")
    known = set(proof_of("xiangjiang").findings)
    return [finding for finding in verify(read(path)[0], TEXTS).findings if finding not in known]


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_caught(name: str, tmp_path: Path) -> None:
    kind, words, mistake = MISTAKES[name]
    told = [finding for finding in found(mistake, tmp_path) if finding.kind == kind]
    assert any(words in finding.story for finding in told), [finding.story for finding in told]


def test_every_claim_is_tried() -> None:
    assert {kind for kind, _, _ in MISTAKES.values()} == CLAIMS.keys()


def test_a_clause_that_nothing_serves_is_listed_and_breaks_nothing(tmp_path: Path) -> None:
    _, _, gap = MISTAKES["a clause that nothing serves"]
    assert [finding.fails for finding in found(gap, tmp_path)] == [False]


def test_a_clause_may_say_what_serves_it_or_why_software_does_not(tmp_path: Path) -> None:
    _, _, gap = MISTAKES["a clause that nothing serves"]
    assert found(gap + 'by = "统计"\n', tmp_path) == []
    assert found(gap + 'not_served = "口号"\n', tmp_path) == []


def test_a_failure_is_told_as_a_story_from_the_first_word(tmp_path: Path) -> None:
    _, _, mistake = MISTAKES["a stage without a way on"]
    story = next(f.story for f in found(mistake, tmp_path) if f.kind == "dead_end")
    way, _, why = story.partition("：")
    assert way.split(" → ")[0] == "坐窗人员登记来访、来电"
    assert way.split(" → ")[-1] == "责任人提交结果"
    assert why.startswith("到这里走不下去了，因为")


def test_a_sound_child_finds_nothing_new(tmp_path: Path) -> None:
    assert found('[[limits]]\nkey = "complex"\ndue = { wd = 8 }\n', tmp_path) == []
