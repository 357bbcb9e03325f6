"""The set-up wizard: plain questions, two files, nothing written over, and what is still to do."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import setup
from core.privacy import Vault
from core.settings import from_env
from workers import cli, console, wizard

AES_KEY = "a1" * 21 + "b"
ANSWERS = {
    "profile": "xiangjiang",
    "name": "测试区“办不成事”反映窗口",
    "site": "一楼 8 号窗口",
    "window_phone": "0731-88880001",
    "window_address": "示范路 1 号",
    "hours": "09:00-12:00，13:30-17:00",
    "units_unit": "住建局、税务局",
    "units_company": "水务公司",
    "window_staff": "周敏 0731-88880001 ZhouMin、谭立新",
    "operator": "肖静 0731-88880011 xiaojing",
    "channels": "企业微信",
    "wecom_corp_id": "ww1234",
    "wecom_agent_id": "1000002",
    "wecom_secret": "it's a secret",
    "wecom_token": "token",
    "wecom_aes_key": AES_KEY,
    "base_url": "https://bbc.example.gov.cn/",
}


def answers(folder: Path, **other: str) -> Path:
    path = folder / "answers.toml"
    given = {**ANSWERS, **other}
    path.write_text("\n".join(f"{key} = '''{text}'''" for key, text in given.items()), "utf-8")
    return path


def init(folder: Path, capsys: pytest.CaptureFixture[str], **other: str) -> tuple[int, str]:
    code = cli.main(["init", "--folder", str(folder), "--answers", str(answers(folder, **other))])
    said = capsys.readouterr()
    return code, said.out + said.err


def environment(folder: Path) -> dict[str, str]:
    """What a shell makes of the settings, as the guide reads them."""
    script = f"set -a; . {folder / '.env'}; exec env"
    lines = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True, env={}).stdout
    pairs = (line.partition("=") for line in lines.splitlines())
    return {name: value for name, _, value in pairs}


def test_the_answers_become_settings_and_a_hall_file_that_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = init(tmp_path, capsys)
    assert code == 0, said
    settings = from_env(environment(tmp_path))
    assert settings.wecom_secret.get_secret_value() == "it's a secret"
    assert settings.base_url == "https://bbc.example.gov.cn" and not settings.wechat_app_id
    Vault.from_setting(settings.keys.get_secret_value())
    hall = setup.read_hall(settings.hall)
    assert [unit.name for unit in hall.units if unit.kind == "unit"] == ["住建局", "税务局"]
    assert [p.name for p in hall.people] == ["周敏", "谭立新", "肖静"]
    assert hall.people[0].addresses == {"wecom": "ZhouMin"}
    assert hall.hours[0]["sessions"] == ["09:00-12:00", "13:30-17:00"]
    assert "# [guidance.petition]" in settings.hall.read_text("utf-8")


def test_it_ends_by_saying_what_is_still_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, said = init(tmp_path, capsys)
    assert "请运行 bancheng db upgrade" in said and "住建局的联系人：缺" in said
    assert "it's a secret" not in said


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(tmp_path, capsys)
    before = (tmp_path / ".env").read_text("utf-8")
    code, said = init(tmp_path, capsys, hall_key="other", name="另一个大厅")
    assert code == console.FAILED and "已经有了，不覆盖" in said
    assert (tmp_path / ".env").read_text("utf-8") == before and not (tmp_path / "halls/other.toml").exists()


def test_nobody_else_may_read_the_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(tmp_path, capsys)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("key", "text", "advice"),
    [
        ("base_url", "http://bbc.example.gov.cn", "https://"),
        ("wecom_aes_key", "short", "43 位"),
        ("hours", "9点到5点", "09:00-12:00"),
        ("profile", "nowhere", "现有"),
        ("window_phone", "", "window_phone"),
        ("wecom_secret", "", "wecom_secret"),
        ("channels", "飞鸽", "wechat"),
    ],
)
def test_an_answer_that_cannot_stand_is_named_and_nothing_is_written(
    key: str, text: str, advice: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = init(tmp_path, capsys, **{key: text})
    assert code == console.FAILED and advice in said and "Traceback" not in said
    assert not (tmp_path / ".env").exists()


def test_at_the_terminal_a_wrong_answer_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed: Iterator[str] = iter(["", "ftp://x", "https://bbc.example.gov.cn"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    question = next(q for q in wizard.settings_questions(Path("/srv")) if q.key == "base_url")
    assert wizard.from_terminal(question) == "https://bbc.example.gov.cn"
    said = capsys.readouterr().out
    assert "这一项要填" in said and "写成 https://" in said
