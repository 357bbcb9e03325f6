"""The forms of 湘江 say what the annexes say, and a shielded copy says nothing of the applicant."""

import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from pydantic import ValidationError

from core.forms import (
    SHIELD_LINE,
    Form,
    LedgerSheet,
    Line,
    Papers,
    Sheet,
    digest_of,
    fill,
    fill_ledger,
    read_papers,
)

APPLICANT = ("applicant_name", "applicant_unit", "applicant_phone", "applicant_email")
APPLICANT_LABELS = ("申请人姓名", "单位", "联系电话", "邮箱")


def words(line: Line) -> str:
    return "".join(ink.words for ink in line)


def answers(sheet: Sheet) -> dict[str, str]:
    return {cell.label: "\n".join(cell.paragraphs) for row in sheet.rows for cell in row.cells}


def labels(sheet: Sheet) -> list[str]:
    return [words(line).partition("：")[0] for line in sheet.head] + list(answers(sheet))


@pytest.mark.clause("XJ-A2.1")
def test_the_application_form_has_the_seven_labels_of_the_annex(papers: Papers) -> None:
    sheet = fill(papers.forms["registration"], {}, shielded=False)

    assert labels(sheet) == ["申请日期", "单号", "申请人姓名", "单位", "联系电话", "邮箱", "反映事项"]
    assert [words(foot.line) for foot in sheet.foot] == [
        "“办不成事”反映窗口受理人签字：__________　______年____月____日",
        "申请人同步提交问题相关资料，新区权限内一般事项1—3个工作日内答复，复杂事项10个工作日内答复；"
        "新区权限外需协调的事项15个工作日内答复；特殊情况需延期的，经批准后可适当延期。",
    ]


def test_the_dispatch_sheet_has_the_labels_of_the_annex(papers: Papers) -> None:
    sheet = fill(papers.forms["dispatch"], {}, shielded=False)

    assert sheet.title == "“办不成事”反映窗口受理事项交办（协办、督办）单"
    assert labels(sheet) == [
        "办理责任单位",
        "单号",
        "交办（协办、督办）事项",
        *APPLICANT_LABELS,
        "事项具体内容",
    ]


def test_the_result_form_has_the_labels_of_the_annex(papers: Papers, matter: dict[str, str]) -> None:
    sheet = fill(papers.forms["result"], matter, shielded=False)

    assert labels(sheet) == ["单号", "所办理事项（可附页）", "办理结果", "是否解决", "未解决的原因"]
    assert answers(sheet)["是否解决"] == "是 ☑　否 □"
    assert [words(foot.line) for foot in sheet.foot] == [
        "由责任单位分别反馈至事项申请人、纪工委（执纪监督处）和“办不成事”反映窗口。",
        "责任单位主要负责同志签字（盖公章）：__________",
        "反馈时间：2022年4月20日",
    ]


def test_the_boxes_of_a_blank_result_form_are_empty(papers: Papers) -> None:
    assert answers(fill(papers.forms["result"], {}, shielded=False))["是否解决"] == "是 □　否 □"


@pytest.mark.clause("XJ-A3.1")
def test_the_three_kinds_of_dispatch_sheet_differ_by_their_title_alone(
    papers: Papers, matter: dict[str, str]
) -> None:
    sheets = [
        fill(papers.forms["dispatch"], matter, shielded=False, variant=kind)
        for kind in ("assign", "coordinate", "supervise")
    ]

    assert [sheet.title for sheet in sheets] == [
        "“办不成事”反映窗口受理事项交办单",
        "“办不成事”反映窗口受理事项协办单",
        "“办不成事”反映窗口受理事项督办单",
    ]
    assert len({replace(sheet, title="") for sheet in sheets}) == 1


def test_the_dispatch_sheet_names_the_due_date_and_the_three_recipients(
    papers: Papers, matter: dict[str, str]
) -> None:
    sheet = fill(papers.forms["dispatch"], matter, shielded=False)

    assert words(sheet.foot[-1].line) == (
        "上述交办事项结果反馈时间为：2022年4月25日前，由责任单位分别反馈至事项申请人、"
        "纪工委（执纪监督处）和“办不成事”反映窗口。（附：“办不成事”反映事项申请单）"
    )


def test_the_signature_line_shows_the_receiver_and_the_day_in_shanghai(
    papers: Papers, matter: dict[str, str]
) -> None:
    sheet = fill(papers.forms["registration"], matter, shielded=False)

    assert words(sheet.foot[0].line) == "“办不成事”反映窗口受理人签字：王小美　2022年4月12日"


@pytest.mark.parametrize("name", ["registration", "dispatch"])
def test_a_shielded_copy_knows_nothing_of_the_applicant(
    papers: Papers, matter: dict[str, str], name: str
) -> None:
    full = fill(papers.forms[name], matter, shielded=False)
    shielded = fill(papers.forms[name], matter, shielded=True)

    assert [answers(full)[label] for label in APPLICANT_LABELS] == [matter[field] for field in APPLICANT]
    assert [answers(shielded)[label] for label in APPLICANT_LABELS] == [SHIELD_LINE] * 4
    assert matter["content_redacted"] in answers(shielded).values()
    for field in (*APPLICANT, "content"):
        assert matter[field] not in repr(shielded)


def test_a_text_not_yet_redacted_is_left_out_of_a_shielded_copy(
    papers: Papers, matter: dict[str, str]
) -> None:
    del matter["content_redacted"]

    assert answers(fill(papers.forms["dispatch"], matter, shielded=True))["事项具体内容"] == ""


def test_characters_that_no_printer_knows_are_dropped_and_lines_are_kept(
    papers: Papers, matter: dict[str, str]
) -> None:
    matter["content"] = "第一\x00行\x1b\r\n第\u202e二行\ufffe\ud800\u2028第三行"

    assert answers(fill(papers.forms["registration"], matter, shielded=False))["反映事项"] == (
        "第一行\n第二行\n第三行"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [("replied_at", "13800001234"), ("replied_at", "2022-04-20T08:00:00"), ("solved", "李秀兰")],
)
def test_a_value_of_the_wrong_kind_is_refused_without_being_repeated(
    papers: Papers, field: str, value: str
) -> None:
    with pytest.raises(ValueError, match=field) as caught:
        fill(papers.forms["result"], {field: value}, shielded=False)

    assert value not in str(caught.value)


# A form of another make: a label above with a signature inside its frame, two shares of a row, a row alone.
OTHER = """
id = "F-NX-REG"
clause = "NX-A3.1"
title = "“办不成事”事项登记表"
dates = ["handler_signed_at"]
shield = ["applicant_name", "applicant_phone"]
columns = [1, 2, 1, 2]
head = ["事项编号：{case_no}"]
grid = [
    [{ label = "办理对象姓名", field = "applicant_name" }, { label = "联系电话", field = "applicant_phone" }],
    [{ label = "受理人员", field = "received_by" }],
    [{ label = "处理情况", field = "result", place = "above", sign = "签字：{signer} {handler_signed_at}" }],
]
"""


def other_papers(change: Callable[[str], str] = str) -> Papers:
    form = tomllib.loads(change(OTHER))
    column = {"field": "case_no", "label": "事项编号", "width": 1}
    ledger = {"id": "F", "clause": "NX-1", "title": "台账", "columns": [column]}
    return read_papers({"forms": {"registration": form}, "ledger": ledger})


def test_the_same_keys_describe_a_form_with_signatures_inside_its_grid() -> None:
    form = other_papers().forms["registration"]

    sheet = fill(form, {"handler_signed_at": "2023-05-04"}, shielded=False)

    assert [[cell.span for cell in row.cells] for row in sheet.rows] == [[2, 2], [4], [4]]
    assert words(sheet.rows[-1].cells[0].sign) == "签字：__________ 2023年5月4日"
    assert set(form.fields) >= {"case_no", "signer", "handler_signed_at"}


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('["applicant_name", ', '["applicant_name", "aplicant_phone", ', "shield 写了“aplicant_phone”"),
        ('shield = ["applicant_name", "applicant_phone"]', "", "shield 漏了“applicant_name”"),
        ('field = "result"', 'field = "content"', "redact 漏了“content”"),
        ('field = "applicant_name" }', 'field = "applicant_name", span = 1 }', "grid 第 1 行"),
        ("{case_no}", "{}", "请写栏目名"),
        ("columns = [1, 2, 1, 2]", "columns = [1, 2, 1]", "grid 第 1 行"),
        ('place = "above"', 'place = "under"', "grid.2.0.place"),
        ('label = "受理人员", ', "", "grid.1.0.label"),
        ("title =", 'colour = "red"\ntitle =', "colour"),
    ],
)
def test_a_slip_in_a_definition_is_refused_by_its_key(right: str, wrong: str, told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        other_papers(lambda text: text.replace(right, wrong))

    assert told in str(caught.value)


def day_of(papers: Papers, *entries: dict[str, str], shielded: tuple[str, ...] = ()) -> LedgerSheet:
    day = date(2022, 4, 11)
    told = [(entry, entry["case_no"] in shielded) for entry in entries]
    return fill_ledger(papers.ledger, told, first=day, last=day)


def test_the_print_of_a_day_has_a_row_an_entry_and_a_column_to_sign(
    papers: Papers, matter: dict[str, str]
) -> None:
    ledger = papers.ledger
    entries = [matter | {"dispatch_kind": "assign"}, matter | {"case_no": "2022-0013"}]

    sheet = day_of(papers, *entries).kept()

    assert "、".join(label for label, _ in sheet.heads) == (
        "序号、单号、申请日期、申请人姓名、单位、联系电话、反映事项、事项分类、办理方式、责任单位、责任人、联系电话、"
        "办理期限、签收时间、反馈时间、是否解决、办理结果、回访情况、核对人签字"
    )
    first, second = (
        dict(zip([column.field for column in ledger.columns], row, strict=True)) for row in sheet.rows
    )
    assert (first["row_no"], first["case_no"], first["dispatch_kind"]) == (1, "2022-0012", "交办")
    assert (first["application_date"], first["solved"], first["checked_by"]) == (date(2022, 4, 11), "是", "")
    assert (second["row_no"], second["case_no"]) == (2, "2022-0013")


def test_a_ledger_shields_the_cases_it_is_told_to_and_no_other(
    papers: Papers, matter: dict[str, str]
) -> None:
    other = matter | {"case_no": "2022-0013", "applicant_name": "赵大山"}

    sheet = day_of(papers, matter, other, shielded=("2022-0012",))

    shielded, open_row = sheet.rows
    assert shielded.count(SHIELD_LINE) == 3
    assert matter["content_redacted"] in shielded
    assert not {matter[field] for field in (*APPLICANT, "content")} & set(shielded)
    assert "赵大山" in open_row


def test_every_form_names_its_clause(papers: Papers) -> None:
    clauses = {form.id: form.clause for form in papers.forms.values()}

    assert clauses == {"F-XJ-APP": "XJ-A2.1", "F-XJ-DSP": "XJ-A3.1", "F-XJ-FBK": "XJ-A4.1"}
    assert all(isinstance(form, Form) and not form.inferred for form in papers.forms.values())
    assert papers.ledger.inferred


# A list with head and foot, as a week's summary is.
SUMMARY = """
id = "F-HY-SUM"
clause = "HY-A4"
title = "“办不成事”事项汇总表"
head = ["填报单位：{reporting_unit}"]
columns = [
    { field = "row_no", label = "序号", width = 7 },
    { field = "case_no", label = "工单编号", width = 20 },
    { field = "applicant_name", label = "办理对象", width = 20 },
]
foot = [{ text = "主要领导：{head_signature}　填报人：{compiled_by}　填报时间：{compiled_at}", signature = true }]
dates = ["compiled_at"]
shield = ["applicant_name"]
"""


def summary(entries: list[dict[str, str]]) -> LedgerSheet:
    column = {"field": "case_no", "label": "事项编号", "width": 1}
    ledger = {"id": "F", "clause": "HY-1", "title": "台账", "columns": [column]}
    papers = read_papers({"forms": {"weekly": tomllib.loads(SUMMARY)}, "ledger": ledger})
    around = {"reporting_unit": "住建局", "compiled_by": "王小美", "compiled_at": "2022-04-15"}
    told = [(entry, False) for entry in entries]
    return fill_ledger(
        papers.lists["weekly"], told, first=date(2022, 4, 11), last=date(2022, 4, 15), around=around
    )


def test_a_list_has_its_head_and_its_foot(matter: dict[str, str]) -> None:
    sheet = summary([matter])

    assert sheet.period == "2022年4月11日至2022年4月15日"
    assert words(sheet.head[0]) == "填报单位：住建局"
    assert words(sheet.foot[0].line) == "主要领导：__________　填报人：王小美　填报时间：2022年4月15日"
    assert list(sheet.rows) == [(1, "2022-0012", "李秀兰")]


def test_a_printed_ledger_that_says_something_else_has_another_digest(
    papers: Papers, matter: dict[str, str]
) -> None:
    sheet, other = day_of(papers, matter).kept(), day_of(papers, matter | {"result": "没有办"}).kept()

    assert digest_of(sheet, sheet.rows) == digest_of(sheet, tuple(sheet.rows))
    assert digest_of(sheet, sheet.rows) != digest_of(other, other.rows)
    assert digest_of(sheet, sheet.rows) != digest_of(sheet, ())


def test_where_only_a_signed_scan_signs_the_line_is_left_to_the_pen() -> None:
    form = other_papers(lambda text: f'signature_mode = "scan"\n{text}').forms["registration"]

    sheet = fill(form, {"signer": "张工", "handler_signed_at": "2023-05-04", "case_no": "1"}, shielded=False)

    assert words(sheet.rows[-1].cells[0].sign) == "签字：__________ ______年____月____日"
    assert words(sheet.head[0]) == "事项编号：1"


def test_room_under_an_entry_needs_no_label() -> None:
    entry = '[{ label = "", field = "result", place = "above" }],\n    [{ label = "受理人员"'
    form = other_papers(lambda text: text.replace('[{ label = "受理人员"', entry)).forms["registration"]

    sheet = fill(form, {"result": "写在下面"}, shielded=False)

    assert (sheet.rows[1].cells[0].label, sheet.rows[1].cells[0].paragraphs) == ("", ("写在下面",))
