"""Records of procedures left midway, brought in as a table: each good row a matter once, each bad row named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
import sqlalchemy as sa
import xlsxwriter

from core import imports, schema, store
from core.case import Case
from core.privacy import make_key
from core.refusals import Incomplete, Refusal
from tests.reports.desk import unit_id
from tests.world import ROOT, World
from workers import cli, console, tables
from workers.build import build

HEADS = ("记录编号", "退出时间", "办理事项", "退出步骤", "遇到的问题", "姓名", "联系电话")
GOOD = (
    "ZT-001",
    "2023-09-27 16:40",
    "食品经营许可证变更",
    "上传租赁合同",
    "合同传不上去",
    "李桂兰",
    "13800001234",
)
ROW = dict(zip(HEADS, GOOD, strict=True))


@pytest.fixture
def putuo(database_url: str, tmp_path: Path) -> Iterator[World]:
    made = World.of("putuo", database_url, tmp_path / "files", start="2023-09-28T10:00")
    yield made
    made.office.engine.dispose()


def take(world: World, who: str = "bao", **other: str) -> Case | None:
    person, table = world.who(who), imports.find(world.rules, "midway_exit")
    with store.transaction(world.office.engine) as conn:
        return imports.take_in(world.office, conn, table, {**ROW, **other}, person, world.now)


@pytest.mark.clause("PT-2b")
def test_a_record_becomes_a_case_with_item_and_step(putuo: World) -> None:
    case = take(putuo)
    assert case is not None and case.number == "XS20230928001"
    assert case.channel == "midway_exit" and case.site_id == unit_id(putuo, "xs")
    assert (case.codes["item"], case.codes["exit_step"]) == ("食品经营许可证变更", "上传租赁合同")
    assert case.codes["exit_at"] == "2023-09-27T16:40:00+08:00"
    words = putuo.words(case)
    assert (words["applicant_name"], words["content"]) == ("李桂兰", "合同传不上去")
    (event,) = putuo.events(case)
    assert (event.act, event.actor_id, event.via) == ("register", putuo.who("bao").id, "import")
    accepted = case.at("accepted_at")
    assert accepted == putuo.now, "the window knows of it from now on"
    assert putuo.due_day(case) == "2023-10-09"


@pytest.mark.clause("PT-2b")
def test_the_same_record_is_one_case_however_often_it_comes(putuo: World) -> None:
    assert take(putuo) is not None
    assert take(putuo) is None
    assert take(putuo, 遇到的问题="又导了一次", 姓名="别人") is None
    assert take(putuo, 记录编号="ZT-002") is not None
    with store.transaction(putuo.office.engine) as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(store.case)).scalar_one() == 2
    assert putuo.numbers() == ["XS20230928001", "XS20230928002"]


def test_what_a_row_does_not_say_the_profile_says(putuo: World) -> None:
    case = take(putuo, 遇到的问题="", 退出时间="")
    assert case is not None and putuo.words(case)["content"] == "网上办理没有办完，中途退出"
    assert case.codes["category"] == "service" and "exit_at" not in case.codes
    assert case.at("applicant_confirmed_at") is None, "nobody has confirmed the record yet"
    assert putuo.words(take(putuo, 记录编号="ZT-9", 办理对象类型="企业等法人", 单位名称="示范商贸") or case)


@pytest.mark.parametrize(
    ("other", "problems"),
    [
        ({"记录编号": " "}, {"number": "missing"}),
        ({"记录编号": "9" * 65}, {"number": "too_long"}),
        ({"退出步骤": ""}, {"exit_step": "missing"}),
        ({"办理事项": "", "联系电话": "1380000123"}, {"item": "missing", "applicant_phone": "digits"}),
        ({"退出时间": "前天下午"}, {"exit_at": "date"}),
        ({"办理对象类型": "外星人"}, {"applicant_type": "choice"}),
    ],
)
def test_a_row_that_does_not_do_leaves_nothing(
    putuo: World, other: dict[str, str], problems: dict[str, str]
) -> None:
    with pytest.raises(Incomplete) as refused:
        take(putuo, **other)
    assert refused.value.problems == problems
    with store.transaction(putuo.office.engine) as conn:
        for table in (store.case, store.brought_in, store.fact):
            assert conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 0


@pytest.mark.parametrize("who", ["jin", "shen", "yan"])
def test_only_the_window_takes_records_in(putuo: World, who: str) -> None:
    with pytest.raises(Refusal) as refused:
        take(putuo, who)
    assert refused.value.code == "not_yours"


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("2023-09-27", "2023-09-27"),
        ("2023/9/7 8:05", "2023-09-07T08:05:00+08:00"),
        ("2023年9月7日", "2023-09-07"),
        ("45196.694444444445", "2023-09-27T16:40:00+08:00"),
    ],
)
def test_a_day_is_read_as_people_and_spreadsheets_write_it(
    sqlite_url: str, tmp_path: Path, told: str, kept: str
) -> None:
    world = World.of("putuo", sqlite_url, tmp_path / "files", start="2023-09-28T10:00")
    case = take(world, 退出时间=told)
    assert case is not None and case.codes["exit_at"] == kept
    world.office.engine.dispose()


# --- the command ------------------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "files").mkdir()
    (tmp_path / "clock").write_text("2023-09-28T10:00:00+08:00", "utf-8")
    for name, value in {
        "DATABASE_URL": f"sqlite:///{tmp_path}/bancheng.db",
        "KEYS": f"k1:{make_key()}",
        "HALL": str(ROOT / "deploy/sandbox/halls/putuo.toml"),
        "FILES": str(tmp_path / "files"),
        "BASE_URL": "http://127.0.0.1:8000",
        "SANDBOX_CLOCK": str(tmp_path / "clock"),
    }.items():
        monkeypatch.setenv(f"BANCHENG_{name}", value)
    schema.upgrade(store.open_engine(f"sqlite:///{tmp_path}/bancheng.db"))
    return tmp_path


BAD = ("ZT-003", "2023-09-27 16:40", "居住证办理", "", "刷脸过不去", "王建国", "1380000")
ROWS = (
    HEADS,
    GOOD,
    ("",) * 7,
    BAD,
    ("ZT-004", "2023-09-28", "社保转移", "选择险种", "", "赵敏", "021-88889999"),
)


def as_csv(path: Path, encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(",".join(row) for row in ROWS), encoding)
    return path


def as_xlsx(path: Path) -> Path:
    book = xlsxwriter.Workbook(path)
    page = book.add_worksheet("记录")
    for line, row in enumerate(ROWS):
        for column, text in enumerate(row):
            if text:
                page.write(line, column, int(text) if text.isdigit() else text)
    book.close()
    return path


def bring(capsys: pytest.CaptureFixture[str], path: Path, *more: str, by: str = "bao") -> tuple[int, str]:
    code = cli.main(["import", "cases", "midway_exit", str(path), "--by", by, *more])
    told = capsys.readouterr()
    return code, told.out + told.err


@pytest.mark.clause("PT-2b")
@pytest.mark.parametrize("kind", ["utf-8", "gb18030", "xlsx"])
def test_good_rows_are_kept_and_bad_ones_named_by_line_and_reason(
    installed: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    path = as_xlsx(installed / "t.xlsx") if kind == "xlsx" else as_csv(installed / "t.csv", kind)
    code, said = bring(capsys, path)
    assert code == console.FAILED
    assert said.splitlines() == [
        "“一网通办”中途退出：登记 2 件，以前导入过的 0 条，没有导入的 1 行。",
        "  第 4 行（ZT-003）：“退出步骤”还没有填，请补上。“联系电话”的位数不对，手机号是 11 位。请对一对再填。",
        "改好以后把整份再导一次就行，导过的不会重复。",
    ]
    code, said = bring(capsys, path, "--json")
    assert (code, json.loads(said)["taken"], json.loads(said)["known"]) == (console.FAILED, 0, 2)
    service = build(console.settings())
    with store.transaction(service.office.engine) as conn:
        rows = conn.execute(
            sa.select(store.case.c.number, store.case.c.stage).order_by(store.case.c.id)
        ).all()
    assert [tuple(row) for row in rows] == [("XS20230928001", "TRIAGE"), ("XS20230928002", "TRIAGE")]
    service.office.engine.dispose()


@pytest.mark.clause("PT-6.1b")
def test_what_was_taken_in_goes_out_to_the_other_systems_as_a_file(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(capsys, as_csv(installed / "t.csv"))
    out = installed / "out.csv"
    assert cli.main(["export", "uploads", "woodpecker", str(out), "--by", "bao"]) == 0
    assert "待上传事项 2 件" in capsys.readouterr().out
    assert out.read_text("utf-8-sig").startswith("工单编号,") and (out.stat().st_mode & 0o777) == 0o600
    assert len(list(tables.read(out))) == 2
    assert cli.main(["export", "uploads", "elsewhere", str(out), "--by", "bao"]) == console.FAILED
    assert "有：city_center、woodpecker" in capsys.readouterr().err
    assert cli.main(["export", "uploads", "woodpecker", str(out), "--by", "jin"]) == console.FAILED


@pytest.mark.parametrize(
    ("text", "by", "told"),
    [
        ("编号,办理事项\n1,居住证\n", "bao", "第一行没有“记录编号”。栏目写：记录编号、退出时间、办理事项"),
        ("", "bao", "是空的"),
        ("记录编号\n1\n", "nobody", "大厅文件里没有 nobody"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_in_a_line(
    installed: Path, capsys: pytest.CaptureFixture[str], text: str, by: str, told: str
) -> None:
    (installed / "t.csv").write_text(text, "utf-8")
    code, said = bring(capsys, installed / "t.csv", by=by)
    assert code == console.FAILED and told in said and len(said.splitlines()) == 1


def test_a_file_that_is_no_excel_file_is_named(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (installed / "t.xlsx").write_bytes(b"no zip")
    assert "不是 Excel 文件" in bring(capsys, installed / "t.xlsx")[1]
    assert "打不开" in bring(capsys, installed / "none.csv")[1]
    assert cli.main(["import", "cases", "elsewhere", "x.csv", "--by", "bao"]) == console.FAILED
    assert "有：midway_exit" in capsys.readouterr().err


def test_a_table_from_excel_reads_as_it_was_typed(tmp_path: Path) -> None:
    """Numbers, empty cells, cells far to the right, texts set in several types."""
    book = xlsxwriter.Workbook(tmp_path / "t.xlsx")
    page = book.add_worksheet()
    page.write_row(0, 0, ["编号", "", "电话"])
    page.write(0, 27, "远处")
    bold = book.add_format({"bold": True})
    page.write_rich_string(1, 0, "Z", bold, "T", "-1")
    page.write(1, 2, 13800001234)
    page.write(1, 27, "有")
    book.close()
    assert list(tables.read(tmp_path / "t.xlsx")) == [
        (2, {"编号": "ZT-1", "电话": "13800001234", "远处": "有"})
    ]


@pytest.mark.parametrize("place", ["9", "-1", "x"])
def test_a_cell_whose_words_are_not_in_the_file_is_no_table(tmp_path: Path, place: str) -> None:
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f'<row r="1"><c r="A1" t="s"><v>{place}</v></c></row></sheetData></worksheet>'
    )
    with ZipFile(tmp_path / "t.xlsx", "w") as parts:
        parts.writestr("xl/worksheets/sheet1.xml", sheet)
    with pytest.raises(tables.BadTable):
        list(tables.read(tmp_path / "t.xlsx"))


def test_quoted_cells_may_run_over_lines(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('\ufeff编号,问题\n1,"第一行\n第二行"\n2,好\n', "utf-8")
    assert list(tables.read(tmp_path / "t.csv")) == [
        (3, {"编号": "1", "问题": "第一行\n第二行"}),
        (4, {"编号": "2", "问题": "好"}),
    ]
