"""淮安市淮阴区: unit by unit from section to principal head, four opinions of the office, feedback until it is done."""

from __future__ import annotations

import re
from typing import Final

from deploy.sandbox.players import Citizen, Member
from deploy.sandbox.tours.story import Story, has, must, page_of, ref_of

START: Final = "2023-09-25T09:00"  # a Monday; from Friday on eight days of rest
CITIZENS: Final = (("o-lv", "吕厂长"), ("o-qi", "齐老板"), ("o-mai", "麦师傅"), ("o-jin", "靳女士"))
TANK: Final = "厂房消防水池没有受理"


def play(story: Story) -> None:
    """The whole story. Raises `Unexpected` at the first step that does not hold."""
    tank = by_the_code_of_the_section(story)
    through_the_unit(story, tank)
    declined_on_the_spot(story)
    several_units_together(story, tank)
    doable = sent_back_as_doable(story)
    shelved = led_by_a_district_leader_and_shelved(story)
    transferred(story)
    about_conduct(story)
    fed_back(story, tank)
    late_and_supervised(story, doable)
    filed_and_visited(story, tank)
    restarted(story, shelved)
    story.tell("收尾：事件链逐条核对。")
    must(story.chain() is None, "an event of the log does not hold")


def registered(member: Member, number: str, **values: str) -> str:
    """Somebody of a unit registers what cannot be done; the reference of the case."""
    page = member.visit("/new/register").done(
        {
            "intake_channel": "hall",
            "applicant_type": "citizen",
            "scope_code": "applied_demand",
            "submitted_on": "2023-07-20",
            **values,
        }
    )
    return ref_of(page.shows(number))


def applied(who: Citizen, code: str, matter: str, name: str, phone: str, item: str, number: str) -> None:
    """A citizen scans the code of a section and tells of a formal application that came to nothing."""
    who.scan(code)
    who.say(matter)
    who.tap("说完了")
    for answer in ("我自己", "个人", name, phone, "正式申请过，没有办成", item, "7月20日"):
        who.say(answer)
    who.tap("没有了")
    has(who.tap("确认提交"), number)


def reported(
    story: Story, number: str, ref: str, people: tuple[str, str, str, str], **classified: str
) -> None:
    """Section, deputy head, lead section, principal head: from the judgement to the report to the office."""
    section, deputy, lead, head = (story.member(who) for who in people)
    section.visit(f"/c/{ref}/judge").done(
        {"judgement": "cannot_for_now", "judgement_reason": "单靠本单位办不了"}
    )
    deputy.press("同意", number)
    lead.open("研判分类", number).done({"cause_code": "between_units", **classified})
    head.press("同意上报", number)


def by_the_code_of_the_section(story: Story) -> str:
    story.tell("一、9月25日上午，吕厂长扫了住建局审批科的码：归哪个单位，不用再问")
    story.until("2023-09-25T09:10")
    lv = story.citizen("o-lv")
    has(lv.scan("zj-shenpi"), "告知版本")
    lv.say("老厂房加装消防水池，规划说要住建先出意见，住建说要规划先出，申请交了两个月没人接")
    asked = lv.tap("说完了")
    must("哪个单位" not in asked, "the unit is known from the code")
    lv.say("我自己")
    lv.say("个人")
    lv.say("吕传志")
    lv.say("13800006789")
    lv.say("项目推不动")
    lv.say("消防水池改造")
    has(lv.tap("没有了"), "请您看一遍", "吕传志")
    told = has(lv.tap("确认提交"), "9月28日", "住房和城乡建设局")
    found = re.search(r"HYZJ\d{8}", told)
    must(found is not None, told)
    return found[0] if found else ""


def through_the_unit(story: Story, number: str) -> None:
    story.tell(
        "二、住建局：科室登记、写明原因，研判办不了；分管领导把关，退回过一次；牵头科室分类，主要领导同意上报"
    )
    song, ren, gao = story.member("songyang"), story.member("renxiaomei"), story.member("gaojie")
    sun, qiu = story.member("sunguodong"), story.member("qiuzhengming")
    song.open("登记受理", number).done(
        {
            "scope_code": "project",
            "project_name": "消防水池改造",
            "subject": TANK,
            "cause_text": "两家互为前置，谁也不先出意见",
        }
    )
    ref = ref_of(song.open("", number))
    gao.visit(f"/c/{ref}/classify").shows("初步研判")
    judged = {"judgement": "cannot_for_now", "judgement_reason": "要规划先出意见"}
    song.visit(f"/c/{ref}/judge").done(judged)
    ren.open("退回科室", number).done({"return_reason": "先问规划一次"})
    song.open("初步研判", "先问规划一次", number).done(
        {**judged, "judgement_reason": "问过规划，要两家一起定"}
    )
    ren.press("同意", number)
    qiu.never_heard("请研判")
    gao.open("研判分类", number).done(
        {"class": "2", "cause_code": "between_units", "level": "complex", "subject": TANK}
    )
    sun.press("同意上报", number)
    qiu.heard("请研判上报的事项", number)
    story.citizen("o-lv").never_heard("退回")


def declined_on_the_spot(story: Story) -> None:
    story.tell("三、明显违反法律法规的，可以当场说不能办：要写明哪一条、谁说的，给一份书面的，不服可以再看")
    story.until("2023-09-25T10:30")
    song, qi = story.member("songyang"), story.citizen("o-qi")
    number = "HYZJ20230002"
    applied(
        qi,
        "zj-shenpi",
        "饭店想先开业，消防验收以后再补，窗口不同意",
        "齐广顺",
        "13700008901",
        "消防验收",
        number,
    )
    words = {"no_reason": "没有通过消防验收，不能先开业；整改好了随时可以申请。"}
    song.open("当场告知不能办理", number).fill(words).shows("明显违反哪一条法律法规")
    song.open("当场告知不能办理", number).done({**words, "no_basis": "《中华人民共和国消防法》第十五条"})
    qi.heard("消防法》第十五条", number, "仍请窗口看一看")
    paper = song.visit(f"/c/{ref_of(song.open('', number))}/papers/registration")
    must(paper.status == 200 and paper.body[:2] == b"PK", f"the form: {paper.status}")


def several_units_together(story: Story, number: str) -> None:
    story.tell("四、区“办不成事”办公室会办：规划、市监各领任务、各有期限；意见出来，由住建局落实")
    story.until("2023-09-26T09:30")
    qiu, lv, song = story.member("qiuzhengming"), story.citizen("o-lv"), story.member("songyang")
    qiu.open("办公室牵头会办", number).done(
        {
            "members": "land,market",
            "task": "规划出意见，市监核材料",
            "task_due": "2023-09-27",
            "session_at": "9月26日下午三点，区行政中心 301",
        }
    )
    lv.heard(number, "住房和城乡建设局")
    group = story.group("land")
    group.heard("几家一起办", number, TANK)
    group.never_heard("吕传志")
    for who, said in (("mengfan", "规划意见两天内出"), ("jiaming", "材料齐，没有意见")):
        story.member(who).open("报任务办理情况", number).done({"contribution": said})
    story.until("2023-09-26T16:30")
    qiu.open("形成会办意见", number).done({"joint_opinion": "规划先出意见，住建同步受理"})
    song.heard("会办意见", number, "住建同步受理")


def sent_back_as_doable(story: Story) -> str:
    story.tell("五、办公室认定能办的：退回重新办理，写明意见和难易，从退回起算日子")
    story.until("2023-09-26T16:40")
    number = "HYZJ20230003"
    song, qiu = story.member("haoqiang"), story.member("qiuzhengming")
    ref = registered(
        song,
        number,
        content="老小区加装充电桩，说没有先例，交了申请没人收",
        applicant_name="施卫民",
        applicant_phone="0517-88887777",
        subject="老小区加装充电桩",
        cause_text="没有先例，不敢收",
    )
    people = ("haoqiang", "renxiaomei", "gaojie", "sunguodong")
    reported(story, number, ref, people, level="simple", subject="老小区加装充电桩", **{"class": "2"})
    qiu.open("认定可以办理，退回重新办理", number).done(
        {"opinion_text": "外区办过三例，容缺受理", "level": "simple"}
    )
    song.heard("认定可以办理", number, "容缺受理", "10月7日")
    song.press("签收", "认定可以办理", number)
    return number


def led_by_a_district_leader_and_shelved(story: Story) -> str:
    story.tell(
        "六、示范镇的事牵涉两家：提请区领导牵头会办，点谁的名谁听到；另一件眼下办不了，留档暂存，说明为什么"
    )
    story.until("2023-09-27T09:30")
    cui, qiu = story.member("cuiliang"), story.member("qiuzhengming")
    people = ("cuiliang", "nifang", "zongwei", "gechanglin")
    road = "HYSF20230001"
    ref = registered(
        cui,
        road,
        content="村口断头路，修路要占一段河堤，几家都说不归自己",
        applicant_name="卜大妈",
        applicant_phone="0517-88886666",
        scope_code="inter_unit",
        submitted_on="",
        subject="村口断头路",
        cause_text="路和堤分属两家",
    )
    reported(story, road, ref, people, level="very_complex", subject="村口断头路", **{"class": "4"})
    qiu.open("提请区领导牵头会办", road).done(
        {
            "leader": "jin",
            "members": "land,street",
            "task": "定下由谁修、占堤怎么批",
            "task_due": "2023-10-09",
            "level": "very_complex",
        }
    )
    story.member("jinhai").heard("请牵头会办", road)
    story.member("wanqing").never_heard(road)
    story.until("2023-09-27T14:30")
    mill = "HYSF20230002"
    mai = story.citizen("o-mai")
    applied(
        mai,
        "sf-bianmin",
        "磨坊想办小作坊登记，房子在规划绿地里，办不了",
        "麦德福",
        "13600009012",
        "食品小作坊登记",
        mill,
    )
    page = cui.open("登记受理", mill)
    ref = ref_of(page)
    page.done(
        {
            "scope_code": "applied_demand",
            "submitted_on": "2023-07-20",
            "subject": "食品小作坊登记",
            "cause_text": "房屋在规划绿地里",
        }
    )
    reported(story, mill, ref, people, level="complex", subject="食品小作坊登记", **{"class": "3"})
    qiu.visit(f"/c/{ref}/shelve").fill({}).shows("为什么眼下办不了")
    qiu.visit(f"/c/{ref}/shelve").done({"shelve_reason": "规划调整要等省里批复，批了就办"})
    qiu.visit(f"/c/{ref}").shows("留档")
    mai.heard("已留档", "规划调整要等省里批复", mill)
    return mill


def transferred(story: Story) -> None:
    story.tell("七、涉访的转区信访局，热线的事转 12345：对方的编号、谁收到、怎么办的，都要回来")
    story.until("2023-09-28T09:10")
    qiu, tao = story.member("qiuzhengming"), story.member("taojing")
    for number, target, who, values in (
        ("HY20230001", "petition_office", "mijun", {"intake_channel": "field_visit"}),
        ("HY20230002", "hotline", "xuqing", {"intake_channel": "hotline", "external_no": "HA202309280077"}),
    ):
        ref = registered(
            qiu,
            number,
            content="老厂改制时的身份问题，找了好几家",
            applicant_name="常师傅",
            applicant_phone="0517-88884444",
            subject="改制身份认定",
            cause_text="涉及多年前的改制",
            **values,
        )
        qiu.visit(f"/c/{ref}/transfer").done(
            {"transfer_target": target, "transfer_reason": "由主管部门按程序办", "transfer_no": "ZB-0928"}
        )
        story.member(who).heard("转办", number)
        tao.visit(f"/c/{ref}/note_receipt").done({"receipt_note": "值班员收到", "transfer_no": "ZB-0928"})
        tao.visit(f"/c/{ref}/note_transfer_result").done({"transfer_result": "已约本人面谈，十月给书面答复"})
        qiu.visit(f"/c/{ref}").shows("ZB-0928", "十月给书面答复", values.get("external_no", number))
    for theirs in ("HA202309280077", "ZB-0928"):
        qiu.visit(f"/find?q={theirs}").shows("HY20230002")


def about_conduct(story: Story) -> None:
    story.tell("八、反映作风的：扫了住建局的码，也不进住建局，直接到区办公室；住建局看不到是谁")
    story.until("2023-09-28T09:40")
    jin, qiu = story.citizen("o-jin"), story.member("qiuzhengming")
    jin.scan("zj-shenpi")
    jin.say("审批科那个人态度很差，把材料扔出来，说不懂就别来")
    has(jin.tap("说完了"), "不会知道您是谁")
    jin.tap("是")
    jin.say("我自己")
    jin.say("个人")
    jin.say("靳秋兰")
    jin.say("13900007890")
    jin.say("要投诉或者举报")
    jin.say("投诉")
    jin.say("审批科窗口")
    jin.tap("没有了")
    has(jin.tap("确认提交"), "已登记")
    story.settle()
    unit = ("songyang", "haoqiang", "gaojie", "renxiaomei", "sunguodong")
    for who in unit:
        story.member(who).never_heard("靳秋兰")
    number = "HY20230003"
    qiu.heard("新反映", number)
    page = qiu.open("登记受理", number)
    ref = ref_of(page)
    page.done(
        {
            "scope_code": "complaint",
            "sub_kind": "complaint",
            "subject": "窗口服务态度",
            "cause_text": "当众扔材料",
        }
    )
    qiu.visit(f"/c/{ref}/dispatch").done(
        {
            "subject": "窗口服务态度",
            "level": "simple",
            "unit": "housing",
            "content_for_unit": "群众反映审批窗口态度生硬、没有一次告知。",
        }
    )
    story.settle()
    for who in unit:
        for secret in ("靳秋兰", "13900007890", "扔出来"):
            story.member(who).never_heard(secret)
    shown = story.member("songyang").visit(f"/c/{ref}").shows("态度生硬")
    must("靳秋兰" not in shown.text and "扔出来" not in shown.text, "the complainant on the unit's page")


def fed_back(story: Story, number: str) -> None:
    story.tell("九、9月28日：反馈一次进展，期限就从这天重新算，直到办成；节前节后八天不算")
    story.until("2023-09-28T10:30")
    song, lv = story.member("songyang"), story.citizen("o-lv")
    ref = ref_of(song.open("", number))
    song.open("反馈进展", "会办意见", number).done({"progress": "规划意见出来了，住建已经收件，正在图审"})
    page_of(lv, number, "进度提醒").shows("正在图审", "10月11日")
    story.until("2023-10-07T10:00")
    song.visit(f"/c/{ref}/carry_out").done({"carried_out": "两局联合受理，图审通过"})
    song.visit(f"/c/{ref}/reply").done(
        {"result": "两局一次出齐意见，已经受理，十日内出证。", "outcome": "done"}
    )
    page_of(lv, number, "已有结果").shows("一次出齐意见")


def late_and_supervised(story: Story, number: str) -> None:
    story.tell("十、退回重新办理的到 10月7日（周六补班）没有反馈：提醒，督办单备好，由办公室的人签发才算")
    story.until("2023-10-08T09:00")
    tao = story.member("taojing")
    tao.heard("超期", number)
    tao.press("签发督办单", number)
    hao = story.member("haoqiang")
    hao.heard("督办", number)
    ref = ref_of(hao.open("", "督办", number))
    hao.visit(f"/c/{ref}/reply").done({"result": "按外区做法受理，桩已装好。", "outcome": "done"})
    story.settle()
    hao.visit(f"/c/{ref}/log_attempt").done({"reached": "yes", "attempt_note": "打电话告诉了"})


def filed_and_visited(story: Story, number: str) -> None:
    story.tell("十一、办结后 1 个工作日内报备案；办公室会同单位回访，再归档")
    story.until("2023-10-08T10:00")
    gao, qiu = story.member("gaojie"), story.member("qiuzhengming")
    gao.open("报办公室备案", number).done({"filing_note": "两局联合受理，图审通过"})
    visited = {"visit_way": "phone", "visit_satisfied": "satisfied", "visit_opinion": "早这样一起办就好了"}
    qiu.open("登记回访", number).fill(visited).shows("会同哪个单位回访")
    qiu.open("登记回访", number).done({**visited, "visit_with": "住房和城乡建设局"})
    ref = ref_of(gao.open("", number))
    gao.visit(f"/c/{ref}/archive").done({})
    ledger = qiu.visit("/desk/ledger?day=2023-09-25")
    ledger.shows(number, "HYZJ20230002")


def restarted(story: Story, number: str) -> None:
    story.tell("十二、10月9日，省里批了规划调整：留档的重启办理，写明依据哪份新政策，期限重新算")
    story.until("2023-10-09T09:30")
    qiu, cui = story.member("qiuzhengming"), story.member("cuiliang")
    ref = ref_of(cui.open("", number))
    qiu.visit(f"/c/{ref}/restart").fill({"restart_ground": "policy"}).shows("依据哪份新政策")
    qiu.visit(f"/c/{ref}/restart").done(
        {"restart_ground": "policy", "policy_document": "苏自然资〔2023〕12号批复"}
    )
    cui.heard("重启办理", number)
    cui.press("签收", "重启办理", number)
    cui.open("反馈办理结果", "重启办理", number).done({"result": "已经登记，证可以来取。", "outcome": "done"})
    mai = story.citizen("o-mai")
    page_of(mai, number, "已有结果").shows("已经登记")
    mai.say("到哪一步了")
    cui.visit(f"/c/{ref}").shows("办结")
