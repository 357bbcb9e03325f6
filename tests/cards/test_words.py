"""Every sentence of notices, cards and refusals, drawn for the people of whole cases when they are told."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from jinja2 import UndefinedError
from sqlalchemy.engine import Connection, Engine

from bot.cards.card import Card
from bot.cards.draw import group_card, notice_card, status_card
from bot.channels.messages import PASSIVE_BYTES
from bot.channels.wechat import menu_id
from bot.words import FOLDER, Words, clip, cut, day, moment
from core import case as cases
from core import duties, outbox, people, store, views
from core.case import Case
from core.desk import clock
from core.desk.act import Actor, perform
from core.desk.deliver import delivered, unreachable
from core.forms import SHIELD_LINE
from core.office import Office
from core.outbox import Message
from core.people import Guidance, Hall, HallPerson, HallPost, HallUnit, Person
from core.policy.load import publish, shipped, shipped_names
from core.policy.model import Profile
from core.privacy import Vault, make_key
from core.refusals import Incomplete, Refusal
from core.views import CaseView
from core.workdays import SHANGHAI, Calendar, OfficeHours

HOURS: tuple[dict[str, object], ...] = ({"sessions": ["09:00-12:00", "13:30-17:00"]},)
BASE = "https://hall.example.gov.cn"
# What is the applicant's alone, and no other word of the stories contains it.
CODES = ("about_conduct", "conduct_suspected", "relation", "applicant_type", "ground")
NAME, PHONE, STORY, ANSWER, MORE, ASIDE = (
    "李梅花",
    "13800001111",
    "跑了三趟都没办成",
    "房产证在我手上",
    "还有一张收条",
    "我住三号楼",
)
WORDS = Words()


def staff(key: str, name: str, unit: str, *roles: str, phone: str = "") -> HallPerson:
    return HallPerson(
        key=key, name=name, phone=phone, posts=tuple(HallPost(unit=unit, role=r) for r in roles)
    )


HALL = Hall(
    name="demo",
    profile="xiangjiang",
    site="政务大厅",
    window_phone="0731-88880000",
    window_address="政务大厅一楼3号窗口",
    hours=HOURS,
    units=(
        HallUnit(key="w", name="窗口", kind="window"),
        HallUnit(key="zj", name="住房建设局", kind="unit", group="wecom:zjgroup"),
        HallUnit(key="dis", name="纪工委", kind="discipline"),
        HallUnit(key="com", name="管委会", kind="higher"),
    ),
    people=(
        staff("win", "周窗", "w", "window_staff"),
        staff("op", "吴科", "w", "operator"),
        staff("h", "郑办", "zj", "handler", phone="0731-88881111"),
        staff("head", "王头", "zj", "unit_head", "unit_deputy_head"),
        staff("dis", "冯纪", "dis", "discipline_office"),
        staff("com", "褚委", "com", "higher_body"),
    ),
    guidance={
        "petition": Guidance(
            department="信访局", address="府前路1号", phone="0731-88882222", channel="来访、来信"
        )
    },
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@dataclass(frozen=True)
class Told:
    """One notice as its reader got it."""

    notice: str
    reader: str  # key of a member of staff, "citizen" or "group"
    view: CaseView | None
    card: Card
    shielded: bool


@dataclass
class Story:
    """One case, played through core; every notice is drawn at once for whoever is told."""

    office: Office
    citizen: Person
    staff: Mapping[str, Person]
    case: Case
    told: list[Told] = field(default_factory=list)

    @property
    def rules(self) -> Profile:
        return self.office.profile

    def do(self, who: str, act: str, when: str, /, **values: Any) -> None:
        actor = Actor(self.citizen if who == "citizen" else self.staff[who], "page")
        self._then(
            lambda conn: perform(self.office, conn, actor, self.case, act, now=at(when), values=values)
        )

    def refused(self, who: str, act: str, when: str, /, **values: Any) -> Refusal:
        with pytest.raises(Refusal) as caught:
            self.do(who, act, when, **values)
        return caught.value

    def say(self, when: str, **texts: str) -> None:
        """The conversation of intake keeps what the citizen says."""
        with store.transaction(self.office.engine) as conn:
            for name, text in texts.items():
                keeps = {"code": text} if name in CODES else {"text": text}
                cases.note(
                    conn, self.office.vault, self.case, name, now=at(when), by=self.citizen.id, **keeps
                )

    def wait(self, until: str) -> None:
        """Every step due by then, in order, each at its own moment."""
        while True:
            with store.transaction(self.office.engine) as conn:
                steps = duties.claim_steps(conn, now=at(until), machine=datetime.now(UTC))
            for step in steps:
                self._then(partial(clock.fire, self.office, step=step, now=step.due_at))
            if not steps:
                return

    def arrives(self, effect: str, when: str) -> None:
        """The result reaches somebody (or, for the applicant, nobody can be reached)."""
        self._then(lambda conn: delivered(self.office, conn, self._sent(conn, effect), "wechat", at(when)))

    def lost(self, effect: str, when: str) -> None:
        self._then(lambda conn: unreachable(self.office, conn, self._sent(conn, effect), at(when)))

    def view(self, who: str) -> CaseView:
        person = self.citizen if who == "citizen" else self.staff[who]
        with store.transaction(self.office.engine) as conn:
            return views.see(self.office, conn, cases.load(conn, self.case.id), person)

    def status(self, who: str) -> Card:
        return status_card(WORDS, self.rules, HALL, self.view(who), case_id=self.case.id, base_url=BASE)

    def to(self, reader: str, notice: str) -> Card:
        """The last card of that notice to that reader."""
        return [t.card for t in self.told if (t.reader, t.notice) == (reader, notice)][-1]

    def _sent(self, conn: Connection, effect: str) -> Message:
        return next(m for m in outbox.listed(conn, case_id=self.case.id) if m.effect == effect)

    def _then(self, happens: Callable[[Connection], object]) -> None:
        with store.transaction(self.office.engine) as conn:
            before = {m.id for m in outbox.listed(conn, case_id=self.case.id)}
            happens(conn)
            self.case = cases.load(conn, self.case.id)
            for message in outbox.listed(conn, case_id=self.case.id):
                if message.id not in before:
                    self.told.append(self._draw(conn, message))

    def _draw(self, conn: Connection, message: Message) -> Told:
        rules, notice, clause = self.rules, message.notice, message.clause
        if message.person_id is None:
            due = next(
                (d.due_at for d in duties.of_case(conn, self.case.id) if rules.duty(d.key).closing), None
            )
            card = group_card(WORDS, rules, self.case, due, notice, clause=clause, base_url=BASE)
            return Told(notice, "group", None, card, self.case.shielded)
        person = people.get(conn, message.person_id)
        view = views.see(self.office, conn, self.case, person)
        card = notice_card(
            WORDS,
            rules,
            HALL,
            view,
            notice,
            case_id=self.case.id,
            clause=clause,
            data=message.data,
            base_url=BASE,
        )
        return Told(notice, person.key or "citizen", view, card, self.case.shielded)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder: Path = tmp_path_factory.mktemp("office")
    engine: Engine = store.open_engine(f"sqlite:///{folder}/cases.db")
    store.metadata.create_all(engine)
    rules, text = shipped("xiangjiang")
    with store.transaction(engine) as conn:
        publish(conn, text, "xiangjiang.toml", at("2022-04-08T09:00"))
        people.load_hall(conn, HALL)
    vault = Vault.from_setting(f"k1:{make_key()}")
    yield Office(engine, vault, Calendar.load(), OfficeHours.read(HOURS), HALL, rules, folder)
    engine.dispose()


def begin(office: Office, openid: str, when: str, **said: str) -> Story:
    """A citizen has said everything the form asks for."""
    with store.transaction(office.engine) as conn:
        citizen = people.citizen(conn, "wechat", openid)
        rows = conn.execute(sa.select(store.person).where(store.person.c.key.is_not(None)))
        by_key = {row.key: people.get(conn, row.id) for row in rows}
        case = cases.open_case(
            conn,
            profile=office.profile.name,
            version=office.profile.version,
            channel="wechat",
            contact_id=citizen.id,
            now=at(when),
        )
    story = Story(office, citizen, by_key, case)
    who = {"relation": "self", "applicant_type": "citizen", "applicant_name": NAME, "applicant_phone": PHONE}
    story.say(when, content=STORY, ground="repeated_trips", **who, **said)
    return story


def dispatch(story: Story, when: str, **more: str) -> None:
    story.do(
        "win", "dispatch", when, subject="商铺报建", scope_code="policy", level="ordinary", unit="zj", **more
    )


RESULT = {"handled": "商铺报建", "result": "已经补发受理通知书", "solved": "yes"}


@pytest.fixture(scope="module")
def long(office: Office) -> Story:
    """From the first word to a redo, an overdue limit and a second 督办."""
    story = begin(office, "o-long", "2022-04-11T10:00")
    story.do("citizen", "submit", "2022-04-11T10:00")
    story.do("win", "accept", "2022-04-11T10:10")
    dispatch(story, "2022-04-11T10:20")
    story.do("h", "send_back", "2022-04-11T10:40", send_back_reason="应由规划部门办")
    dispatch(story, "2022-04-11T11:00")
    story.wait("2022-04-12T12:00")
    story.do("h", "sign_for", "2022-04-12T14:00")
    story.do("h", "ask", "2022-04-12T14:05", question="房产证在谁手上？")
    story.do("win", "relevel", "2022-04-12T14:20", level="complex", relevel_reason="要和规划部门会商")
    story.wait("2022-04-14T10:00")
    story.do("citizen", "answer", "2022-04-14T10:00", answer=ANSWER)
    story.do("citizen", "add", "2022-04-14T10:05", supplement=MORE)
    extension = {
        "extension_reason": "要等专家评审",
        "extension_due": "2022-04-29",
        "consent_way": "phone",
        "consent_at": "2022-04-14T11:00",
        "consent_words": "可以等，别太久",
    }
    story.do("h", "extend", "2022-04-14T14:00", **extension)
    story.do("citizen", "object", "2022-04-14T14:10")
    story.do("op", "refuse_extension", "2022-04-14T14:20", extension_opinion="申请人没有同意")
    story.do("h", "extend", "2022-04-15T10:00", **extension)
    story.do("op", "approve_extension", "2022-04-15T11:00")
    story.do("h", "hand_in", "2022-04-15T14:00", **RESULT)
    story.do("head", "reject", "2022-04-15T14:10", reject_reason="写清楚去哪里取")
    story.do("h", "hand_in", "2022-04-15T14:30", **RESULT)
    story.do("head", "sign_off", "2022-04-15T15:00")
    story.lost("to_applicant", "2022-04-15T15:01")
    for effect in ("to_discipline_office", "to_window", "to_applicant"):
        story.arrives(effect, "2022-04-15T15:05")
    story.wait("2022-04-20T16:00")
    visit = {"visit_way": "phone", "visit_satisfied": "dissatisfied", "visit_opinion": "通知书还没到"}
    story.do("win", "follow_up", "2022-04-20T16:30", **visit)
    story.do("win", "propose_cause", "2022-04-20T16:40", cause_proposed="subjective", cause_reason="没有送出")
    story.do("op", "redo", "2022-04-20T16:50", judge_reason="单位没有送出通知书")
    story.do("h", "sign_for", "2022-04-21T10:00")
    story.wait("2022-05-11T09:00")
    story.do("dis", "supervise", "2022-05-11T09:30")
    story.wait("2022-05-18T09:00")
    return story


@pytest.fixture(scope="module")
def short(office: Office) -> Story:
    """Nobody at the window looks; she is sent elsewhere, insists, asks for a person, and withdraws."""
    story = begin(office, "o-short", "2022-04-11T10:00")
    story.do("citizen", "submit", "2022-04-11T10:00")
    story.wait("2022-04-12T10:00")
    story.do("win", "guide", "2022-04-12T10:10", exclusion="petition", guidance_note="他们上午接待")
    story.do("citizen", "insist", "2022-04-12T10:20")
    story.do("citizen", "ask_human", "2022-04-12T10:30")
    story.do("win", "answer_citizen", "2022-04-12T10:40", human_answer="我们今天看")
    story.do("win", "accept", "2022-04-12T11:00")
    dispatch(story, "2022-04-12T11:10")
    story.do("citizen", "withdraw", "2022-04-12T11:20")
    return story


@pytest.fixture(scope="module")
def conduct(office: Office) -> Story:
    """A complaint about the conduct of the very unit that handles it."""
    story = begin(office, "o-conduct", "2022-04-11T10:00", about_conduct="yes")
    story.do("citizen", "submit", "2022-04-11T10:00")
    story.do("win", "accept", "2022-04-11T10:10")
    dispatch(story, "2022-04-11T10:20", content_for_unit="反映窗口态度生硬")
    story.do("h", "sign_for", "2022-04-11T10:30")
    story.do("h", "ask", "2022-04-11T10:40", question="是哪一天？")
    story.do("citizen", "answer", "2022-04-11T10:50", answer=ANSWER)
    story.do("citizen", "add", "2022-04-11T10:55", supplement=MORE)
    story.do("win", "redact", "2022-04-11T10:58", words_for_unit="群众说是上周的事")
    story.do("win", "relevel", "2022-04-11T11:00", level="complex", relevel_reason=ASIDE)
    story.do("h", "extend", "2022-04-11T13:40", extension_reason="要调监控", extension_due="2022-04-27")
    said = {"consent_way": "phone", "consent_at": "2022-04-11T13:44", "consent_words": ASIDE}
    story.do("win", "consent", "2022-04-11T13:45", **said)
    story.do("op", "refuse_extension", "2022-04-11T13:50", extension_opinion="三天内看得完")
    story.do("h", "hand_in", "2022-04-11T14:00", handled="态度问题", result="已批评教育", solved="yes")
    story.do("head", "sign_off", "2022-04-11T15:00")
    for effect in ("to_discipline_office", "to_window", "to_applicant"):
        story.arrives(effect, "2022-04-11T15:05")
    visit = {"visit_way": "phone", "visit_satisfied": "dissatisfied", "visit_opinion": ASIDE}
    story.do("win", "follow_up", "2022-04-12T10:00", **visit)
    story.do("win", "propose_cause", "2022-04-12T10:10", cause_proposed="subjective", cause_reason=ASIDE)
    story.do("op", "redo", "2022-04-12T10:20", judge_reason=ASIDE)
    story.wait("2022-05-06T09:00")
    story.do("dis", "supervise", "2022-05-06T09:30")
    return story


@pytest.fixture(scope="module")
def silent(office: Office) -> Story:
    """She does not answer the unit's question, the window closes it, and she comes back."""
    story = begin(office, "o-silent", "2022-04-11T10:00")
    story.do("citizen", "submit", "2022-04-11T10:00")
    story.do("win", "accept", "2022-04-11T10:10")
    dispatch(story, "2022-04-11T10:20")
    story.do("h", "sign_for", "2022-04-11T10:30")
    story.do("h", "ask", "2022-04-11T10:40", question="是哪一栋？")
    story.wait("2022-04-14T17:30")
    story.do("win", "close_no_response", "2022-04-15T09:10", no_response_note="电话也打不通")
    story.do("citizen", "reopen", "2022-04-18T10:00")
    return story


@pytest.fixture(scope="module")
def beyond(office: Office) -> Story:
    """A major matter goes to the office above; its late result is looked into."""
    story = begin(office, "o-beyond", "2022-04-11T10:00")
    story.do("citizen", "submit", "2022-04-11T10:00")
    story.do("win", "accept", "2022-04-11T10:10")
    screened = {"screening_opinion": "本级定不了", "legal_basis": "《电力法》第五十三条"}
    story.do("win", "report", "2022-04-11T10:20", subject="商铺报建", **screened)
    story.do("com", "return_doable", "2022-04-12T10:00", unit="zj", opinion="请牵头办")
    story.do("h", "sign_for", "2022-04-12T10:30")
    story.wait("2022-05-05T09:30")
    story.do("h", "hand_in", "2022-05-05T10:00", **RESULT)
    story.do("head", "sign_off", "2022-05-05T11:00")
    story.wait("2022-05-10T10:00")
    return story


@pytest.fixture(scope="module")
def told(long: Story, short: Story, conduct: Story, silent: Story, beyond: Story) -> list[Told]:
    return [*long.told, *short.told, *conduct.told, *silent.told, *beyond.told]


def all_text(card: Card) -> str:
    rows = [f"{label}：{value}" for label, value in card.rows]
    labels = [button.label for button in card.buttons]
    return "\n".join([card.title, card.text, *rows, *labels, card.subject, card.status, card.basis])


def named(rules: Profile) -> set[str]:
    """Every template the profile names."""
    steps = {step.notice for duty in rules.duties for step in duty.steps if step.notice}
    return steps | {notice.template for notice in rules.notices}


# --- all of them ----------------------------------------------------------------------------------


def test_every_notice_of_the_profile_is_told_in_the_stories(told: list[Told], office: Office) -> None:
    assert named(office.profile) - {t.notice for t in told} == set()


def test_no_notice_lies_about_that_nobody_sends() -> None:
    files = {path.stem for path in (FOLDER / "notices").glob("*.txt")}
    sent = {template for name in shipped_names() for template in named(shipped(name)[0])}
    core = "".join(path.read_text("utf-8") for path in (FOLDER.parent / "core").rglob("*.py"))
    assert {name for name in files - sent if f'"{name}"' not in core} == set()
    assert sent <= files


def test_every_card_is_whole(told: list[Told], office: Office) -> None:
    for one in told:
        card = one.card
        where = f"{one.notice} to {one.reader}"
        assert card.title and card.text, where
        assert card.url == f"{BASE}/c/{card.ref}", where
        assert card.clause in office.profile.clauses, where
        assert card.basis.startswith("依据《“办不成事”反映窗口工作办法（试行）》"), where
        assert card.basis.endswith(office.profile.clauses[card.clause].place), where
        assert 1 <= len(card.subject) <= 20, where
        text = all_text(card)
        assert not re.search(r"None|\{|\}|｜|undefined|【】|“”|  |，，|。。", text), f"{where}: {text}"
        assert not re.search(r"最晚前|前答复您前|（\s*）|截止\s*$", text), f"{where}: {text}"
        assert not any(value in ("前", "次") for _, value in card.rows), f"{where}: {text}"


def test_short_words_fit_the_fixed_fields_of_a_template_message(told: list[Told]) -> None:
    for one in told:
        if one.reader == "citizen":
            assert re.fullmatch(r"[一-鿿]{2,5}", one.card.status), one.notice


def test_a_citizen_always_reads_how_to_reach_a_person_and_fits_in_one_message(told: list[Told]) -> None:
    for one in told:
        if one.reader == "citizen":
            text = all_text(one.card)
            assert HALL.window_phone in text, one.notice
            assert "转人工" in text or one.notice == "human_soon", one.notice
            assert len(text.encode()) < PASSIVE_BYTES, one.notice


def test_a_citizens_choices_are_answered_on_the_spot_and_understood_weeks_later(told: list[Told]) -> None:
    for one in told:
        if one.reader == "citizen":
            for button in one.card.buttons:
                assert button.url == ""
                assert menu_id(one.card.case_id, button.act)


def test_buttons_are_the_acts_open_to_the_reader(told: list[Told]) -> None:
    for one in told:
        offers = {offer.act: offer for offer in one.view.offers} if one.view else {}
        for button in one.card.buttons:
            act = button.act.partition(":")[0]
            assert act in offers, one.notice
            if one.reader != "citizen":
                page = f"{BASE}/c/{one.card.ref}/{act}?rev={one.card.rev}"
                assert button.url == (page if offers[act].needs_form else ""), one.notice


def test_who_must_act_can_act_from_the_card(long: Story, short: Story) -> None:
    buttons = {
        ("win", "intake_card"): "accept",
        ("h", "dispatch_card"): "sign_for",
        ("h", "answer_card"): "hand_in",
        ("op", "extension_request"): "approve_extension",
        ("head", "sign_off_card"): "sign_off",
        ("win", "call_task"): "log_attempt",
        ("win", "visit_task"): "follow_up",
        ("op", "judge_card"): "redo",
        ("dis", "overdue_alert"): "supervise",
        ("dis", "supervision_missed"): "supervise",
        ("win", "sent_back_card"): "dispatch",
        ("citizen", "extension_check"): "object",
    }
    for (reader, notice), act in buttons.items():
        assert act in [button.act for button in long.to(reader, notice).buttons], notice
    assert [button.act for button in short.to("citizen", "guided").buttons] == ["insist"]
    assert [button.act for button in short.to("win", "human_card").buttons] == ["answer_citizen"]


# --- what people are told -------------------------------------------------------------------------


@pytest.mark.clause("XJ-2.1f")
def test_she_hears_number_phone_and_limits_at_once_and_who_and_when_at_dispatch(short: Story) -> None:
    first = short.to("citizen", "acceptance")
    number = dict(first.rows)["单号"]
    assert dict(first.rows) == {"单号": number, "窗口电话": "0731-88880000"}
    for promise in ("1—3个工作日", "10个工作日", "15个工作日"):
        assert promise in first.text
    assert dict(short.to("citizen", "dispatched").rows) == {
        "单号": number,
        "责任单位": "住房建设局",
        "责任人": "郑办",
        "联系电话": "0731-88881111",
        "答复期限": "4月14日（周四）前",
    }
    told = [one.notice for one in short.told if one.reader == "citizen"]
    assert told.index("acceptance") < told.index("dispatched")
    assert (told.count("acceptance"), told.count("dispatched")) == (1, 1)


def test_who_is_sent_elsewhere_hears_where_and_may_insist(short: Story) -> None:
    card = short.to("citizen", "guided")
    shown = dict(card.rows)
    assert (shown["部门"], shown["地址"]) == ("信访局", "府前路1号")
    assert (shown["电话"], shown["办理渠道"]) == ("0731-88882222", "来访、来信")
    assert "他们上午接待" in card.text and "仍请窗口看一看" in card.text


def test_she_reads_what_the_unit_says_she_said(long: Story) -> None:
    card = long.to("citizen", "extension_check")
    assert "“可以等，别太久”" in card.text and "“我没同意”" in card.text
    assert "4月29日（周五）" in card.text


def test_the_head_reads_before_signing_what_the_applicant_will_read(long: Story) -> None:
    preview = long.to("head", "sign_off_card").text.removeprefix("申请人将看到：\n")
    assert preview and preview in long.to("citizen", "result").text


def test_rating_is_five_equal_levels_in_the_words_of_the_profile(long: Story) -> None:
    card = long.to("citizen", "rating_prompt")
    assert [(b.act, b.label) for b in card.buttons] == [
        ("rate:5", "非常满意"),
        ("rate:4", "满意"),
        ("rate:3", "基本满意"),
        ("rate:2", "不满意"),
        ("rate:1", "非常不满意"),
    ]
    assert len({b.style for b in card.buttons}) == 1
    assert "可以不评" in card.text


def test_a_status_says_where_it_stands_in_plain_words(long: Story, short: Story) -> None:
    assert re.fullmatch(r"XJ2022\d{5}：已撤回", short.status("citizen").title)
    card = long.status("citizen")
    assert card.status == "办理中" and dict(card.rows)["责任人"] == "郑办"
    assert "hand_in" in [button.act for button in long.status("h").buttons]


def test_staff_read_limits_and_supervision_each_in_a_row(long: Story) -> None:
    shown = dict(long.status("dis").rows)
    assert (shown["督办"], shown["责任单位"]) == ("1 次", "住房建设局")
    assert shown["期限"] == "5月6日 17:00"


def test_a_refused_tap_is_answered_on_a_card_of_its_own(long: Story) -> None:
    card = notice_card(
        WORDS,
        long.rules,
        HALL,
        long.view("h"),
        "refused",
        case_id=long.case.id,
        clause="XJ-A3.2",
        data={"sentence": "郑办 已经签收了。"},
        base_url=BASE,
    )
    assert (card.text, card.buttons, card.url) == ("郑办 已经签收了。", (), f"{BASE}/c/{card.ref}")


def test_every_status_has_words_for_both(office: Office) -> None:
    for code in (*set(views._STAGE_STATUS.values()), "submitted", "dispatched", "in_progress", "redo"):
        row = WORDS.status(code)
        assert len(row["short"]) <= 5 and row["citizen"].endswith("。") and row["staff"].endswith("。")


# --- what nobody is told --------------------------------------------------------------------------


def test_groups_read_number_subject_and_date_and_nothing_of_a_person(told: list[Told]) -> None:
    groups = [one for one in told if one.reader == "group"]
    assert {one.notice for one in groups} == {"dispatch_group", "redo_group", "supervise_group"}
    for one in groups:
        text = all_text(one.card)
        for secret in (NAME, PHONE, STORY, ANSWER, MORE, *(p.name for p in HALL.people)):
            assert secret not in text
        assert not re.search(r"1\d{10}|\d{3}\*+\d+", text)
        assert one.card.buttons == ()
        assert [label for label, _ in one.card.rows][:2] == ["单号", "事项"]


def test_the_unit_complained_about_reads_nothing_of_the_applicant(conduct: Story) -> None:
    unit = [one for one in conduct.told if one.reader in ("h", "head", "group")]
    read = {one.notice for one in unit}
    assert {"dispatch_card", "releveled", "redo_card", "supervise_card"} <= read
    assert not {"answer_card", "added_card"} & read  # the window passes on what it has redacted
    for one in unit:
        for secret in (NAME, PHONE, PHONE[-4:], STORY, ANSWER, MORE, ASIDE):
            assert secret not in all_text(one.card), one.notice
    assert ("申请人", SHIELD_LINE) in conduct.to("h", "dispatch_card").rows
    assert "反映窗口态度生硬" in conduct.to("h", "dispatch_card").text
    for who in ("h", "head"):
        assert NAME not in all_text(conduct.status(who))


def test_the_discipline_office_reads_who_complained(conduct: Story) -> None:
    assert ("申请人", NAME) in conduct.to("dis", "dispatch_cc").rows


def test_phones_stay_masked_on_the_cards_of_staff(told: list[Told]) -> None:
    for one in told:
        if one.reader != "citizen":
            assert PHONE not in all_text(one.card), one.notice


# --- refusals and problems ------------------------------------------------------------------------


def codes_of_core() -> set[str]:
    """The codes in core's own words: every `Refusal("code"`."""
    text = "\n".join(path.read_text("utf-8") for path in (FOLDER.parent / "core").rglob("*.py"))
    return set(re.findall(r'Refusal\(\s*"(\w+)"', text))


def test_every_refusal_of_core_has_its_words() -> None:
    known = {path.stem for path in (FOLDER / "refusals").glob("*.txt")}
    wanted = {"not_yours", "not_now", "done_already", "unknown_case", "incomplete", "extend_not_now", "other"}
    assert codes_of_core() | wanted <= known


FACTS: dict[str, dict[str, Any]] = {
    "done_already": {"act": "sign_for", "by": 7, "name": "郑办", "at": at("2022-04-11T10:30")},
    "not_before": {"needs": "signed_for_at"},
    "pending": {"act": "extend", "waits": "批准延期"},
    "no_guidance": {"exclusion": "信访维稳"},
    "level_only_up": {"level": "二级响应"},
    "files_full": {"most": 60},
    "nobody_to_tell": {"slot": "supervisor"},
    "level_does_not_fit_unit": {"unit": "住房建设局", "level": "一般事项"},
    "unit_lacks_contacts": {"unit": "住房建设局", "roles": "责任人"},
    "too_long_to_print": {"most": 500},
    "shielded_visit": {"units": "住房建设局"},
    "extension_length": {"earliest": at("2022-04-14T17:00").date(), "latest": at("2022-04-28T17:00").date()},
}


@pytest.mark.parametrize(
    "code", sorted(codes_of_core() | {"not_yours", "not_now", "done_already", "unheard_of"})
)
def test_a_refusal_says_what_to_do_next(code: str, office: Office) -> None:
    text = WORDS.refusal(Refusal(code, clause="XJ-2.3d", **FACTS.get(code, {})), office.profile)
    assert re.search(r"请|不用|打开|回复", text) and text.endswith("。")
    assert "{" not in text and "None" not in text


def test_done_already_says_who_and_when_or_you(long: Story) -> None:
    story_refusal = Refusal("done_already", **FACTS["done_already"])
    assert WORDS.refusal(story_refusal, long.rules).startswith("郑办 已经在4月11日 10:30做过“签收”了")
    assert WORDS.refusal(story_refusal, long.rules, viewer=7).startswith("您已经在4月11日 10:30做过")


def test_refusals_of_real_acts_are_said_in_words(long: Story) -> None:
    again = long.refused("h", "sign_for", "2022-05-18T10:00")
    assert "郑办 已经在4月21日 10:00做过“签收”了" in WORDS.refusal(again, long.rules)
    stranger = long.refused("dis", "hand_in", "2022-05-18T10:00")
    assert "办不了" in WORDS.refusal(stranger, long.rules)
    gaps = long.refused("h", "hand_in", "2022-05-18T10:00", handled="x")
    assert "办理结果" in WORDS.refusal(gaps, long.rules)


def test_problems_name_the_field() -> None:
    for code in ("missing", "too_long", "no_words", "phone", "email", "number", "date", "yesno", "choice"):
        assert WORDS.problem(code, "联系电话").startswith("“联系电话”")
    for code in ("empty", "too_big", "kind_not_allowed", "corrupt", "name_lies", "new_code"):
        assert WORDS.problem(code, "收条.pdf").startswith("“收条.pdf”")


def test_a_gap_in_a_form_is_no_gap_in_the_sentence(office: Office) -> None:
    refusal = Incomplete(
        {"result": "missing", "solved": "missing"}, {"result": "办理结果", "solved": "是否解决"}
    )
    assert "办理结果、是否解决" in WORDS.refusal(refusal, office.profile)


# --- the tools ------------------------------------------------------------------------------------


def test_a_clause_is_quoted_with_its_place(office: Office) -> None:
    text = Words.basis(office.profile, "XJ-2.1f")
    clause = office.profile.clauses["XJ-2.1f"]
    assert text.startswith(f"依据《“办不成事”反映窗口工作办法（试行）》{clause.place}：“") and text.endswith(
        "”"
    )
    assert text.count("“") == text.count("”") == 2


def test_days_and_moments_are_shanghais() -> None:
    evening = datetime(2022, 4, 13, 16, 30, tzinfo=UTC)
    assert (day(evening), moment(evening)) == ("4月14日（周四）", "4月14日 00:30")
    assert day("2022-04-14T17:00:00+08:00") == day("2022-04-14") == day(at("2022-04-14T09:00").date())
    assert moment("2022-04-14") == "4月14日"
    assert day(None) == moment("") == ""


def test_what_is_too_long_says_so() -> None:
    assert clip("一二三\n四五", 20) == "一二三 四五"
    assert clip("一二三四五", 4) == "一二三…"
    assert cut("一二三四五", 15) == "一二三四五"
    assert cut("一二三四五", 14) == "一二三…"


def test_a_name_nobody_gave_is_an_error_and_pages_are_escaped(tmp_path: Path) -> None:
    for name in ("problems.toml", "status.toml", "gaps.toml"):
        (tmp_path / name).write_text((FOLDER / name).read_text("utf-8"), "utf-8")
    (tmp_path / "gap.txt").write_text("您好{{ nobody }}", "utf-8")
    (tmp_path / "plain.txt").write_text("\n\n{{ word }}  \n\n\n\n完\n\n", "utf-8")
    (tmp_path / "page.html").write_text("<p>{{ word }}</p>", "utf-8")
    words = Words(tmp_path)
    with pytest.raises(UndefinedError):
        words.say("gap")
    assert words.say("plain", word="<b>") == "<b>\n\n完"
    assert words.page("page", word="<b>") == "<p>&lt;b&gt;</p>"
