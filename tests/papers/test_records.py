"""Papers of real cases: records of acts, the ledger of a period, the whole file, what a shielded unit gets of them."""

from collections.abc import Iterator
from datetime import date
from io import BytesIO
from zipfile import ZipFile

import pytest
import sqlalchemy as sa

from bot.papers import bundle, page
from core import case as cases
from core import papers, record, store, uploads
from core.case import Case
from core.forms import SHIELD_LINE, LedgerSheet, Sheet
from core.papers import CaseFile
from core.refusals import Refusal
from tests.stories.reading import scan
from tests.world import World

APPLICANT = ("李桂兰", "13800001234", "示范商贸")


def answers(sheet: Sheet) -> list[tuple[str, str]]:
    return [(cell.label, "\n".join(cell.paragraphs)) for row in sheet.rows for cell in row.cells]


def file_of(world: World, who: str, case: Case) -> CaseFile:
    person = world.who(who)
    with store.transaction(world.office.engine) as conn:
        return papers.case_file(world.office, conn, cases.load(conn, case.id), person, world.now)


def archive_of(world: World, file: CaseFile) -> bytes:
    out = BytesIO()
    bundle.write(
        file, lambda a: uploads.load(world.office.files, a.storage_key or "", world.office.vault), out
    )
    return out.getvalue()


def ledger_of(world: World, who: str, first: str, last: str) -> LedgerSheet:
    person = world.who(who)
    days = date.fromisoformat(first), date.fromisoformat(last)
    with store.transaction(world.office.engine) as conn:
        return papers.listed(world.office, conn, person, "", *days, world.now).kept()


def value(world: World, who: str, case: Case, field: str) -> str:
    person = world.who(who)
    with store.transaction(world.office.engine) as conn:
        (known,) = record.Reader(world.office, conn, person).read([cases.load(conn, case.id)], history=True)
    return record.values(known, [field])[field]


@pytest.fixture
def extended(hall: World) -> Case:
    """Dispatched, extended with the applicant's understanding, approved."""
    case = hall.dispatch(hall.tell("li", about_conduct="否"))
    hall.do("zhang", case, "sign_for")
    hall.pass_to("2022-04-13T10:00")
    understood = {"consent_way": "phone", "consent_at": "2022-04-13T09:50", "consent_words": "同意等到五一后"}
    asked = {"extension_reason": "设计图要重新审查", "extension_due": "2022-05-05"}
    hall.do("zhang", case, "extend", **asked, **understood)
    hall.pass_to("2022-04-13T11:00")
    return hall.do("xiao", case, "approve_extension")


def test_the_record_of_an_extension_says_who_asked_who_approved_and_both_days(
    hall: World, extended: Case
) -> None:
    sheet = hall.paper("zhou", extended, "extension")

    told = answers(sheet)
    assert sheet.title == "延期记录"
    assert told[0] == ("申请延期", "张伟　2022年4月13日 10:00")
    assert ("需要延期的原因", "设计图要重新审查") in told
    assert ("怎样取得申请人理解", "电话") in told
    assert ("原期限", "2022年4月24日 17:00") in told
    assert ("批准延期", "肖静　2022年4月13日 11:00") in told
    assert ("新期限", "2022年5月5日") in told
    assert told[-1][0] == "依据"


def test_a_record_exists_once_its_act_was_done_and_not_for_the_applicant(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"))

    for who in ("zhou", "li"):
        with pytest.raises(Refusal) as refused:
            hall.paper(who, case, "extension")
        assert refused.value.code == "not_now"


@pytest.mark.clause("XJ-2.1e")
def test_a_case_has_one_file_with_all_that_happened_in_the_order_of_time(hall: World, extended: Case) -> None:
    hall.do(
        "zhang",
        extended,
        "hand_in",
        handled="电梯",
        result="已受理。",
        solved="yes",
        result_files=[scan("图.txt")],
    )
    case = hall.delivered(hall.do("chen", extended, "sign_off"))

    file = file_of(hall, "zhou", case)

    assert file.sort == "工程项目报建未能正常受理、审批"
    assert [leaf.at for leaf in file.leaves] == sorted(leaf.at for leaf in file.leaves)
    assert [paper.form for paper, _ in file.sheets] == ["registration", "dispatch", "result", "extension"]
    kinds = {
        sort: [leaf for leaf in file.leaves if leaf.sort == sort] for sort in ("event", "message", "file")
    }
    assert len(kinds["event"]) == len(hall.events(case))
    assert len(kinds["message"]) == len(hall.outbox(case))
    assert [leaf.lines for leaf in kinds["file"]] == [(("文件", "图.txt"),)]
    (handed,) = [leaf for leaf in kinds["event"] if leaf.what == "提交结果"]
    assert ("办理结果", "已受理。") in handed.lines and handed.who == "张伟"
    html = page.case_file_html(file)
    assert all(text in html for text in (*APPLICANT[:2], "延期记录", "图.txt"))


def test_the_archive_holds_an_index_every_form_and_every_attachment(hall: World, extended: Case) -> None:
    hall.do(
        "zhang",
        extended,
        "hand_in",
        handled="电梯",
        result="好。",
        solved="yes",
        result_files=[scan("图.txt")],
    )
    file = file_of(hall, "zhou", extended)

    archive = archive_of(hall, file)

    assert archive == archive_of(hall, file)
    with ZipFile(BytesIO(archive)) as members:
        names = members.namelist()
        assert members.read(names[-1]) == "图.txt".encode()
        assert {member.date_time for member in members.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert names[0] == "00 卷宗目录.html"
    assert sum(name.endswith(".docx") for name in names) == len(file.sheets)
    assert len(names) == 1 + len(file.sheets) + 1


@pytest.mark.parametrize("who", ["li", "wang"])
def test_a_file_is_for_those_who_work_on_it(hall: World, who: str) -> None:
    case = hall.dispatch(hall.tell("li"))

    with pytest.raises(Refusal) as refused:
        file_of(hall, who, case)

    assert refused.value.code == "not_yours"


def words_of(archive: bytes) -> Iterator[str]:
    with ZipFile(BytesIO(archive)) as members:
        for name in members.namelist():
            body = members.read(name)
            yield name
            if name.endswith(".docx"):
                with ZipFile(BytesIO(body)) as parts:
                    yield from (parts.read(part).decode("utf-8", "ignore") for part in parts.namelist())
            else:
                yield body.decode("utf-8", "ignore")


def test_the_unit_complained_about_gets_a_file_without_the_applicant(hall: World) -> None:
    told = hall.tell("li", "窗口人员态度恶劣，骂人，推诿", relation="替父母、家人", contact_name="李梅")
    assert told.shielded
    case = hall.dispatch(told, scope_code="conduct")

    file = file_of(hall, "zhang", case)

    everything = "\n".join(words_of(archive_of(hall, file)))
    assert SHIELD_LINE in everything and "群众反映窗口受理态度问题" in everything
    for secret in (*APPLICANT, "李梅", "骂人"):
        assert secret not in everything
    assert not [leaf for leaf in file.leaves if leaf.sort == "message" and leaf.who == "申请人"]
    full = "\n".join(words_of(archive_of(hall, file_of(hall, "zhou", case))))
    assert "李桂兰" in full and "骂人" in full


def test_a_look_into_the_file_is_on_record(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"))
    zhou = hall.who("zhou")

    file_of(hall, "zhou", case)

    v = store.view_log.c
    with store.transaction(hall.office.engine) as conn:
        looks = conn.execute(sa.select(v.what).where(v.person_id == zhou.id)).scalars().all()
    assert "case_file" in looks


def test_a_signed_scan_is_filed_under_its_form(hall: World) -> None:
    case = hall.dispatch(hall.tell("li"))

    hall.do("zhou", case, "file_scan", paper="registration", scan_files=[scan("签字页.txt")])

    (leaf,) = [leaf for leaf in file_of(hall, "zhou", case).leaves if leaf.sort == "file"]
    assert leaf.what == "签字盖章件：“办不成事”反映窗口反映事项申请单"
    assert leaf.lines == (("文件", "签字页.txt"),)


def test_the_ledger_of_a_period_goes_day_by_day_in_the_order_of_numbers(hall: World) -> None:
    first, second = hall.tell("li"), hall.register()
    hall.pass_to("2022-04-12T09:30")
    third = hall.tell("wang")
    hall.pass_to("2022-04-14T09:30")
    hall.register()

    sheet = ledger_of(hall, "xiao", "2022-04-11", "2022-04-13")

    rows = list(sheet.rows)
    assert [row[:2] for row in rows] == [(1, first.number), (2, second.number), (3, third.number)]
    assert sheet.period == "2022年4月11日至2022年4月13日"
    with store.transaction(hall.office.engine) as conn:
        v = store.view_log.c
        seen = conn.execute(sa.select(v.case_id).where(v.what == "ledger")).scalars().all()
    assert sorted(seen) == sorted(case.id for case in (first, second, third))


def test_more_rows_than_anybody_prints_are_refused_and_not_cut(
    hall: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(papers, "PRINTED", 1)
    hall.register()
    hall.register()

    with pytest.raises(Refusal) as refused:
        papers.to_print(ledger_of(hall, "zhou", "2022-04-11", "2022-04-11"))

    assert refused.value.code == "too_long_to_print"


def test_the_process_tells_the_steps_with_their_days_and_names(hall: World, extended: Case) -> None:
    assert value(hall, "zhou", extended, "process").split("\n") == [
        "2022年4月11日 09:30 提交",
        "2022年4月11日 09:30 确认受理（周敏）",
        "2022年4月11日 09:30 交办（周敏）",
        "2022年4月11日 09:30 签收（张伟）",
    ]


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("first_receiver", "周敏"),
        ("unit_head", "陈国平"),
        ("head_signature", "陈国平"),
        ("dispatched_by", "周敏"),
        ("level", "较复杂（10个工作日）"),
        ("rating", "不满意：太慢了"),
        ("follow_up", "不满意：再快些"),
        ("applicant_opinion", "再快些\n评价：不满意：太慢了"),
        ("supervision_count", "0"),
        ("extension", "设计图要重新审查；新时限：2022年5月5日"),
        ("row_signatures", "陈国平"),
        ("applicant_email", ""),
        ("no_such_field", ""),
    ],
)
def test_what_papers_print_of_a_case(hall: World, extended: Case, field: str, wanted: str) -> None:
    hall.do("zhang", extended, "hand_in", handled="电梯", result="好。", solved="yes")
    hall.do("chen", extended, "sign_off")
    case = hall.delivered(extended)
    hall.do("li", case, "rate", score="2")
    hall.do("li", case, "comment", rating_comment="太慢了")
    hall.do(
        "zhou", case, "follow_up", visit_way="phone", visit_satisfied="dissatisfied", visit_opinion="再快些"
    )

    assert value(hall, "zhou", case, field) == wanted
