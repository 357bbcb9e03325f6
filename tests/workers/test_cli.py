"""The command line: what scripts rely on, and mistakes in one plain line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import people, schema, store
from core.privacy import make_key
from core.settings import from_env
from tests.world import ROOT, at
from workers import cli, console
from workers.build import build, file_clock
from workers.doctor import checks

HALL = ROOT / "deploy/sandbox/halls/xiangjiang.toml"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of an installation whose database is empty."""
    values = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/bancheng.db",
        "KEYS": f"k1:{make_key()}",
        "HALL": str(HALL),
        "FILES": str(tmp_path / "files"),
        "BASE_URL": "http://127.0.0.1:8000",
        "SANDBOX_CLOCK": str(tmp_path / "clock"),
    }
    for name, value in values.items():
        monkeypatch.setenv(f"BANCHENG_{name}", value)
    (tmp_path / "clock").write_text("2022-04-11T10:00:00+08:00", "utf-8")
    return tmp_path


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = cli.main(words)
    said = capsys.readouterr()
    return code, said.out + said.err


@pytest.mark.clause("XJ-2.3a")
def test_due_counts_day_by_day(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = ask(capsys, "due", "xiangjiang", "ordinary", "2022-04-29T10:00")
    assert code == 0 and "到期：2022-05-07" in said and "2022-05-07  调休上班  第 3 个工作日" in said
    code, said = ask(capsys, "due", "xiangjiang", "ordinary", "2022-04-11T10:00", "--json")
    assert json.loads(said)["due"] == "2022-04-14"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("due", "nowhere", "ordinary", "2022-04-11"), "没有名为 nowhere 的规则"),
        (("due", "xiangjiang", "weekly", "2022-04-11"), "ordinary"),
        (("due", "xiangjiang", "ordinary", "morgen"), "2022-04-11T10:00"),
        (("policy", "verify", "nowhere"), "没有名为 nowhere 的规则"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    words: tuple[str, ...], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = ask(capsys, *words)
    assert code != 0 and part in said and "Traceback" not in said


def test_without_settings_the_variables_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BANCHENG_DATABASE_URL", raising=False)
    code, said = ask(capsys, "case", "list")
    assert code == console.WRONG and "BANCHENG_DATABASE_URL" in said


def test_an_empty_database_is_upgraded_saved_and_restored(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(capsys, "case", "list")[0] == console.FAILED
    assert ask(capsys, "db", "upgrade") == (0, f"数据库结构：{schema.head()}\n")
    build(from_env(os.environ)).office.engine.dispose()
    saved = installed / "saved.db"
    assert ask(capsys, "db", "backup", str(saved))[0] == 0
    assert ask(capsys, "db", "backup", str(saved))[0] == console.FAILED  # never over an older one
    assert ask(capsys, "db", "restore", str(saved))[0] == console.FAILED  # not without --yes
    (installed / "bancheng.db").unlink()
    assert ask(capsys, "db", "restore", str(saved))[0] == 0
    assert ask(capsys, "audit", "verify")[0] == 0
    assert ask(capsys, "case", "show", "XJ202299999") == (console.FAILED, "没有这个单号\n")


def test_the_doctor_says_what_is_missing_and_what_to_do(
    installed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = ask(capsys, "doctor")
    assert code == console.FAILED and "请运行 bancheng db upgrade" in said
    ask(capsys, "db", "upgrade")
    hall = HALL.read_text("utf-8").replace("[guidance.petition]", "[guidance.elsewhere]")
    (installed / "hall.toml").write_text(
        hall.replace('role = "discipline_office"', 'role = "operator"'), "utf-8"
    )
    monkeypatch.setenv("BANCHENG_HALL", str(installed / "hall.toml"))
    monkeypatch.setenv("BANCHENG_REDIS_URL", f"unix://{installed}/none.sock")
    settings = from_env(os.environ)
    wrong = {c.what: c.advice for c in checks(settings, file_clock(installed / "clock")()) if not c.ok}
    assert "Redis" in wrong and "渠道" in wrong
    assert any("信访维稳" in what for what in wrong)
    assert any(what.startswith("supervisor") for what in wrong)


def test_a_hall_seals_with_sm4_if_it_says_so_and_opens_what_was_sealed_before(
    installed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(capsys, "db", "upgrade")
    before = build(from_env(os.environ)).office.vault
    sealed = before.seal("身份证号")
    monkeypatch.setenv("BANCHENG_CIPHER", "sm4")
    after = build(from_env(os.environ)).office.vault
    assert after.open(sealed) == "身份证号" and after.is_stale(sealed)
    assert not after.is_stale(after.seal("身份证号"))
    monkeypatch.setenv("BANCHENG_CIPHER", "des")
    code, said = ask(capsys, "doctor")
    assert code != 0 and "BANCHENG_CIPHER" in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("line", "ok", "said"),
    [
        ("trial = true", True, "试运行"),
        ("", False, "一件也不受理"),
        ('effective_from = "2023-09-01"\nnumber = "淮营商办〔2023〕1号"', True, "规则从 2023-09-01 起施行"),
        ('effective_from = "2023-09-29"\nnumber = "淮营商办〔2023〕1号"', True, "在那以前不受理"),
    ],
)
def test_the_doctor_says_whether_a_draft_may_take_matters(
    line: str, ok: bool, said: str, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = (HALL.parent / "huaiyin.toml").read_text("utf-8").replace("trial = true", line, 1)
    (installed / "hall.toml").write_text(hall, "utf-8")
    monkeypatch.setenv("BANCHENG_HALL", str(installed / "hall.toml"))
    found = [c for c in checks(from_env(os.environ), at("2023-09-28T10:00")) if "施行" in c.what]
    assert [(c.ok, said in c.what, bool(c.advice)) for c in found] == [(ok, True, not ok)]


def test_a_service_takes_the_rules_published_last_and_the_clock_of_the_story(installed: Path) -> None:
    settings = from_env(os.environ)
    engine = store.open_engine(settings.database_url)
    schema.upgrade(engine)
    first = build(settings)
    text = (ROOT / "core/policies/xiangjiang.toml").read_text("utf-8")
    newer = text.replace('version = "2022-04-08"', 'version = "2022-06-01"', 1)
    (installed / "newer.toml").write_text(newer, "utf-8")
    assert cli.main(["policy", "publish", str(installed / "newer.toml")]) == 0
    second = build(settings)
    versions = [x.office.profile.version.partition("+")[0] for x in (first, second)]
    assert versions == ["2022-04-08", "2022-06-01"]
    assert first.now().isoformat() == "2022-04-11T10:00:00+08:00"
    (installed / "next").write_text("2022-04-12T09:00:00+08:00", "utf-8")
    (installed / "next").replace(installed / "clock")
    assert first.now().isoformat() == "2022-04-12T09:00:00+08:00"
    for one in (first, second):
        one.office.engine.dispose()
    engine.dispose()


def test_a_database_is_saved_and_brought_back(
    database_url: str, installed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANCHENG_DATABASE_URL", database_url)
    ask(capsys, "db", "upgrade")
    build(from_env(os.environ)).office.engine.dispose()
    saved = installed / "saved"
    assert ask(capsys, "db", "backup", str(saved))[0] == 0
    engine = store.open_engine(database_url)
    with store.transaction(engine) as conn:
        conn.execute(sa.delete(store.post))
    engine.dispose()
    assert ask(capsys, "db", "restore", str(saved))[0] == console.FAILED  # not without --yes
    assert ask(capsys, "db", "restore", "--yes", str(saved))[0] == 0
    with store.transaction(engine) as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(store.post)).scalar_one() > 10
    engine.dispose()


def test_without_the_tools_of_the_database_a_backup_says_what_to_install(
    installed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANCHENG_DATABASE_URL", "postgresql+psycopg://me:secret@nowhere/x")
    monkeypatch.setenv("PATH", str(installed))
    code, said = ask(capsys, "db", "backup", str(installed / "saved"))
    assert code == console.FAILED and "postgresql-client" in said and "secret" not in said


def test_retention_tells_what_would_go(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask(capsys, "db", "upgrade")
    code, said = ask(capsys, "db", "retention", "--dry-run", "--json")
    assert code == 0 and json.loads(said)["dry_run"] is True and json.loads(said)["cases"] == 0
    assert "保留" in ask(capsys, "db", "retention")[1]


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://bbc.example.gov.cn", True),
        ("http://127.0.0.1:8000", True),
        ("http://bbc.example.gov.cn", False),
        ("https://bbc.example.gov.cn/", False),
    ],
)
def test_the_doctor_warns_of_an_address_that_leaks_sign_ins(
    url: str, fine: bool, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BANCHENG_SANDBOX_CLOCK")
    monkeypatch.setenv("BANCHENG_BASE_URL", url)
    found = checks(from_env(os.environ), file_clock(installed / "clock")())
    assert [c.ok for c in found if c.what.startswith("网址")] == [fine]


def test_ids_of_the_hall_file_lead_to_their_people_as_each_platform_writes_them(
    installed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(capsys, "db", "upgrade")
    hall = HALL.read_text("utf-8").replace(
        '{ wecom = "zhoumin" }', '{ wecom = "ZhouMin", wechat = "oZhou_AbC" }'
    )
    (installed / "hall.toml").write_text(hall, "utf-8")
    monkeypatch.setenv("BANCHENG_HALL", str(installed / "hall.toml"))
    service = build(from_env(os.environ))
    with store.transaction(service.office.engine) as conn:
        assert people.by_address(conn, "wecom", "zhoumin") == people.by_address(conn, "wechat", "oZhou_AbC")
        assert people.by_address(conn, "wecom", "zhoumin") is not None
        assert people.by_address(conn, "wechat", "ozhou_abc") is None
    service.office.engine.dispose()


def test_reports_rosters_and_the_ledger_from_the_command_line(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(capsys, "db", "upgrade")[0] == 0
    build(from_env(os.environ))
    code, said = ask(capsys, "report", "list")
    assert code == 0 and "XJ-3.3a" in said
    code, said = ask(capsys, "report", "list", "--json")
    keys = [each["key"] for each in json.loads(said)]
    for key in keys:
        code, said = ask(capsys, "report", key, "--from", "2022-03-01", "--to", "2022-03-31")
        assert code == 0 and "统计截至" in said, said
    target = installed / "analysis.xlsx"
    code, said = ask(capsys, "report", keys[0], "--format", "xlsx", "--out", str(target))
    assert code == 0 and target.read_bytes()[:2] == b"PK", said
    code, said = ask(capsys, "report", "nothing")
    assert code != 0 and "没有报告 nothing" in said
    for ending, head in (("xlsx", b"PK"), ("html", b"<!")):
        target = installed / f"ledger.{ending}"
        days = ("--from", "2022-04-01", "--to", "2022-04-30", "--format", ending, "--by", "zhou")
        code, said = ask(capsys, "export", "ledger", *days, str(target))
        assert code == 0 and target.read_bytes().startswith(head), said
    code, said = ask(capsys, "roster", "nothing")
    assert code != 0 and "Traceback" not in said
