"""Whatever is wrong in a file of rules is said in Chinese, with file and key; and the service goes on as before."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from core import store
from core.policy.load import SHIPPED, ProfileError, pinned, publish, read, shipped
from tests.world import World, at

HEAD = 'name = "seeded"\nversion = "1"\nextends = "xiangjiang"\n'
C = 'clause = "XJ-2.2b"'
# What is wrong, and what must be said.
WRONG = {
    "an unknown key": ('[acts.sign_off]\nlable = "审"\n', ("acts.sign_off.lable", "没有这个键")),
    "an unknown key at the top": ('colour = "red"\n', ("colour", "没有这个键")),
    "a wrong clause": (
        '[acts.sign_off]\nclause = "XJ-99"\n',
        ("acts.sign_off", "条款 XJ-99 不在 [clauses] 里"),
    ),
    "a clause that was left to fill in": (
        '[acts.sign_off]\nclause = "@signing"\n',
        ("basis.signing", "请写明这件事依据哪一条"),
    ),
    "a limit below nothing": (
        '[[limits]]\nkey = "complex"\ndue = { wd = -3 }\n',
        ("limits", "due.wd", "数值太小"),
    ),
    "a length told twice": (
        '[[limits]]\nkey = "complex"\ndue = { wd = 3, cd = 5 }\n',
        ("limits", "due", "写且只写一个"),
    ),
    "a limit longer than the one above": (
        '[[limits]]\nkey = "complex"\ndue = { wd = 12 }\n',
        ("limits.complex.due", "上级规则是 10", "不能放宽到 12"),
    ),
    "something dropped that is not there": (
        'drop = ["acts.sing"]\n',
        ("drop：acts.sing", "上级规则里没有这一项"),
    ),
    "a duty on what never happens": (
        '[[duties]]\nkey = "judge"\nmet_by = ["sing"]\n',
        ("duties.judge.met_by", "没有 sing 这件事"),
    ),
    "a list of choices that is none": (
        '[acts.resolve]\nfields = [{ id = "scope_code", choices_from = "songs" }]\n',
        ("scope_code.choices_from", "没有名为 songs 的选项表"),
    ),
    "a moment that cannot be read": (
        '[[duties]]\nkey = "judge"\nsteps = [{ key = "remind", at = "tomorrow" }]\n',
        ("duties", "steps", "写成 open（可加 +1wd、+4h、+30min）"),
    ),
    "hours before a day": (
        '[[duties]]\nkey = "judge"\nsteps = [{ key = "remind", at = "due-4h" }]\n',
        ("duties", "steps", "target 或 due（可加 +1wd、-1wd）"),
    ),
    "hours after a missed day": (
        '[[duties]]\nkey = "judge"\nsteps = [{ key = "remind", at = "missed+4h" }]\n',
        ("duties", "steps", "missed（可加 +1wd）"),
    ),
    "a time before the beginning": (
        '[[duties]]\nkey = "judge"\nsteps = [{ key = "remind", at = "open-1wd" }]\n',
        ("duties", "steps", "写成 open（可加 +1wd"),
    ),
    "a number in words": ('[extension]\ntimes = "twice"\n', ("extension.times", "这里要写整数")),
    "no word where one is needed": (
        f'[[notices]]\non = ["dispatch"]\nto = "handler"\n{C}\n',
        ("notices", "template", "缺少这一项"),
    ),
}


def said(path: Path) -> str:
    with pytest.raises(ProfileError) as error:
        read(path)
    return str(error.value)


def written(folder: Path, text: str, name: str = "seeded.toml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_file_and_key(name: str, tmp_path: Path) -> None:
    mistake, words = WRONG[name]
    told = said(written(tmp_path, HEAD + mistake))
    assert told.startswith("seeded.toml：")
    for word in words:
        assert word in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name = "a"\nextends = "a"\n', ("extends", "a → a 绕成了圈")),
        ('name = "a"\nextends = "b"\n', ("extends", "a → b → a 绕成了圈")),
        ('name = "a"\nextends = "nowhere"\n', ("extends", "nowhere.toml", "找不到文件")),
        ('name = "a"\nextends = 3\n', ("extends", "写上级规则的名字")),
        ("name = \n", ("TOML 写法有误", "line 1")),
        ('name = "a"\nname = "b"\n', ("TOML 写法有误", "line 2")),
    ],
)
def test_a_pile_that_does_not_stand(text: str, words: tuple[str, ...], tmp_path: Path) -> None:
    written(tmp_path, 'name = "b"\nextends = "a"\n', "b.toml")
    told = said(written(tmp_path, text, "a.toml"))
    for word in ("a.toml", *words):
        assert word in told


def test_the_same_key_twice(tmp_path: Path) -> None:
    text = (SHIPPED / "xiangjiang.toml").read_text("utf-8")
    again = '\n[[limits]]\nkey = "complex"\ntitle = "又"\ndue = { wd = 9 }\nclause = "XJ-2.3b"\n'
    assert "limits: complex 写了两次" in said(written(tmp_path, text + again))


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "seeded.toml"
    path.write_bytes('title = "湘江"'.encode("gb18030"))
    assert "不是 UTF-8 编码（第 9 个字节），请另存为 UTF-8" in said(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "找不到文件 nowhere.toml" in said(tmp_path / "nowhere.toml")


def test_every_mistake_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    told = said(written(tmp_path, HEAD + '[extension]\ntimes = "twice"\n[number]\ncolour = "red"\n'))
    assert "extension.times" in told and "number.colour" in told


# --- the service goes on ----------------------------------------------------------------------------------


def test_a_bad_file_is_not_published_and_the_old_version_goes_on(world: World) -> None:
    case = world.dispatch(world.tell("li"))
    rules, text = shipped("xiangjiang")
    broken = text.replace('format = "XJ{yyyy}{seq:5}"', "format = 5", 1)
    assert broken != text
    with pytest.raises(ProfileError, match=r"number\.format"), store.transaction(world.office.engine) as conn:
        publish(conn, broken, "xiangjiang.toml", at("2022-04-12T09:00"))
    with store.transaction(world.office.engine) as conn:
        versions = conn.execute(sa.select(store.policy.c.version)).scalars().all()
        assert versions == [rules.version]
        assert pinned(conn, rules.name, case.policy_version).number.format == "XJ{yyyy}{seq:5}"
    assert world.do("zhang", case, "sign_for").at("signed_for_at")


def test_a_published_version_never_changes(world: World) -> None:
    _, text = shipped("xiangjiang")
    again = at("2022-04-12T09:00")
    with (
        pytest.raises(ProfileError, match="已发布过，内容不同"),
        store.transaction(world.office.engine) as conn,
    ):
        publish(conn, f"# 改过\n{text}", "xiangjiang.toml", again)


def test_a_version_nobody_published_is_said_to_be_missing(world: World) -> None:
    with (
        pytest.raises(ProfileError, match="版本 1999-01-01 没有发布过"),
        store.transaction(world.office.engine) as conn,
    ):
        pinned(conn, "xiangjiang", "1999-01-01")
