"""隆回县: the first receiver to the end, no bare no, a work order of three working days, a bad rating that redoes."""

from __future__ import annotations

import re
from typing import Final

from deploy.sandbox.tours.story import Story, has, must, page_of, ref_of

START: Final = "2022-04-11T09:00"
CITIZENS: Final = (("o-pan", "潘女士"), ("o-shi", "石先生"), ("o-zeng", "曾师傅"))
TRIAGE: Final = {"cause_code": "delay", "category": "handling", "level": "work_order"}


def play(story: Story) -> None:
    """The whole story. Raises `Unexpected` at the first step that does not hold."""
    number = told_online(story)
    first_receiver(story, number)
    work_order(story, number)
    shown_the_way(story)
    conditions_unmet(story)
    called_to_the_window(story)
    grey_area(story)
    extension(story, number)
    unanswered = nobody_answers(story)
    answered_to_three(story, number)
    bad_rating(story, number)
    overdue_climbs(story, unanswered)
    bad_again(story, number)
    story.tell("收尾：事件链逐条核对。")
    must(story.chain() is None, "an event of the log does not hold")


def told_online(story: Story) -> str:
    story.tell(
        "一、4月11日上午，潘女士反映：过户材料交了一个多月没办完。超过时限的，问清事项、渠道、哪天交的"
    )
    story.until("2022-04-11T09:05")
    pan = story.citizen("o-pan")
    has(pan.follow(), "兜底服务", "告知版本")
    pan.say("办不动产过户，材料交了一个多月，窗口一直说在走流程")
    pan.tap("说完了")
    pan.say("我自己")
    pan.say("个人")
    pan.say("潘秀兰")
    pan.say("13800003456")
    pan.say("交了材料，过了规定时限还没受理或没办完")
    pan.say("不动产过户")
    pan.say("窗口现场交的")
    pan.say("3月7日")
    has(pan.tap("没有了"), "请您看一遍", "潘秀兰", "不动产过户")
    told = has(pan.tap("确认提交"), "已收到", "0739-88880001")
    found = re.search(r"LH\d{9}", told)
    must(found is not None, told)
    return found[0] if found else ""


def first_receiver(story: Story, number: str) -> None:
    story.tell("二、毛志刚先接，就是首接负责人，一跟到底；原因、分类、层级，受理时就要写明")
    mao, ouyang = story.member("maozhigang"), story.member("ouyanghong")
    mao.heard("新反映", number, "潘秀兰")
    mao.open("确认受理", number).fill({"level": "work_order"}).shows("原因", "分类")
    mao.open("确认受理", number).done(TRIAGE)
    story.tell("　　下午他要外出：交接给欧阳红，有记录；首接负责人还是他，动一步听一步")
    ref = ref_of(mao.open("", number))
    mao.visit(f"/c/{ref}/handover").done({"keeper": "ouyang", "handover_note": "下午外出，请接着派工单"})
    ouyang.heard("交接给您", number)
    paper = ouyang.visit(f"/c/{ref}/papers/handover")
    must(paper.status == 200 and paper.body[:2] == b"PK", f"the record of the handover: {paper.status}")


def work_order(story: Story, number: str) -> None:
    story.tell("三、派发工单：从派发起 3 个工作日，4月14日前回复；首席审批员是第一责任人")
    ouyang, mao, pan = story.member("ouyanghong"), story.member("maozhigang"), story.citizen("o-pan")
    ref = ref_of(ouyang.open("", number))
    ouyang.visit(f"/c/{ref}/dispatch").done({"subject": "不动产过户超期未办", **TRIAGE, "unit": "registry"})
    pan.heard(number, "不动产登记窗口", "4月14日")
    for who in ("buli", "jianzhi"):
        story.member(who).heard("工单", number, "首席审批员", "回春生")
    group = story.group("registry")
    group.heard(number, "不动产过户超期未办", "4月14日")
    for secret in ("潘秀兰", "13800003456", "走流程"):
        group.never_heard(secret)
    story.member("buli").press("签收", number)
    mao.heard("有进展", number)


def shown_the_way(story: Story) -> None:
    story.tell("四、窗口没有否决权。第一条路：不归窗口管的，由人告知办理的方法和路径，一句“不归我管”发不出去")
    story.until("2022-04-11T10:00")
    shi, ouyang = story.citizen("o-shi"), story.member("ouyanghong")
    shi.follow()
    shi.say("市监局罚了我两千块，我不服这个行政处罚，跑了两趟没人理")
    has(shi.tap("说完了"), "行政复议", "仍请窗口看一看")
    shi.tap("仍请窗口看一看")
    shi.say("我自己")
    shi.say("个人")
    shi.say("石大川")
    shi.say("13900004567")
    shi.say("都不是，另有难处")
    shi.tap("没有了")
    has(shi.tap("确认提交"), "LH202200002")
    ouyang.open("告知办理路径", "LH202200002").fill({"exclusion": "penalty"}).shows("办理的方法、路径")
    ouyang.open("告知办理路径", "LH202200002").done(
        {"exclusion": "penalty", "guidance_note": "带上处罚决定书，六十日内到县行政复议接待室申请复议。"}
    )
    shi.heard("六十日内", "行政复议", "0739-88880903", "LH202200002")


def conditions_unmet(story: Story) -> None:
    story.tell("五、第二条路：条件不符合，逐项列明缺什么、怎么补；补齐了点一下，接着办")
    story.until("2022-04-11T10:30")
    zeng, ouyang = story.citizen("o-zeng"), story.member("ouyanghong")
    zeng.follow()
    zeng.say("开餐馆办食品经营许可，来了四次都说差东西")
    zeng.tap("说完了")
    zeng.say("我自己")
    zeng.say("个人")
    zeng.say("曾庆云")
    zeng.say("13700005678")
    zeng.say("来了县政务服务中心好几次，没办成")
    zeng.say("食品经营许可")
    zeng.tap("没有了")
    number = "LH202200003"
    has(zeng.tap("确认提交"), number)
    unmet = {
        "no_reason": "后厨平面图和实际不一致",
        "supplement_list": "一、改正的平面图\n二、从业人员健康证",
        "improvement": "一、在原图上标出粗加工区，拍照发来\n二、县疾控中心上午可办，当天出证",
    }
    ouyang.open("条件不符合，列明怎么补", number).fill({**unmet, "improvement": ""}).shows("每一项怎么补")
    ouyang.open("条件不符合，列明怎么补", number).done(unmet)
    zeng.heard(number, "改正的平面图", "县疾控中心上午可办")
    has(zeng.tap("仍请窗口看一看"), number)


def called_to_the_window(story: Story) -> None:
    story.tell("六、曾师傅就在大厅：请市监窗口的人到现场来，半小时没到的提醒一次，到了记一笔，当场办结")
    story.until("2022-04-11T11:00")
    zeng, ouyang, number = story.citizen("o-zeng"), story.member("ouyanghong"), "LH202200003"
    ouyang.open("确认受理", number).done(
        {"cause_code": "material", "category": "handling", "level": "on_site"}
    )
    ref = ref_of(ouyang.open("", number))
    ouyang.visit(f"/c/{ref}/call_on_site").done({"unit": "market", "subject": "食品经营许可平面图"})
    ge = story.member("gelan")
    ge.heard("请到窗口来", number)
    story.until("2022-04-11T11:31")
    ge.heard("群众还在等", number)
    ouyang.visit(f"/c/{ref}/note_arrival").done({})
    ouyang.visit(f"/c/{ref}/resolve").done(
        {
            "level": "on_site",
            "inquiry_asked": "市场监督管理局窗口",
            "inquiry_note": "葛兰当面看过图，可以受理",
            "result": "当场改好平面图，食品经营许可已经受理。",
        }
    )
    zeng.heard(number, "当场改好平面图")


def grey_area(story: Story) -> None:
    story.tell("七、第三条路：规定没写清的，不能推，向领导小组办公室请示；答复了照办，再报备一次")
    story.until("2022-04-11T14:00")
    ouyang, nie = story.member("ouyanghong"), story.member("niejianhua")
    page = ouyang.visit("/new/register").done(
        {
            "intake_channel": "hall",
            "content": "农房是九十年代建的，没有规划证，想办登记，来了三次",
            "applicant_type": "citizen",
            "applicant_name": "胡老伯",
            "applicant_phone": "0739-88889999",
            "scope_code": "repeated_trips",
            "item": "农房登记",
            "trip_count": "3",
            "cause_code": "policy",
            "category": "consult",
            "level": "window",
        }
    )
    number, ref = "LH202200004", ref_of(page.shows("LH202200004"))
    ouyang.visit(f"/c/{ref}/consult").done(
        {"asked_to": "office", "consult_question": "农房没有规划证能不能登记？"}
    )
    nie.open("答复请示", number).done({"advice": "可以，按历史遗留问题办理"})
    ouyang.heard("请示有答复了", number, "历史遗留")
    ouyang.visit(f"/c/{ref}/resolve").done(
        {
            "level": "window",
            "inquiry_asked": "不动产登记窗口",
            "inquiry_note": "可以补登记",
            "result": "可以登记，今天就受理了。",
        }
    )
    story.settle()
    ouyang.visit(f"/c/{ref}/log_attempt").done({"reached": "yes", "attempt_note": "人在大厅，当面说了"})
    nie.heard("答复报备", number)


def extension(story: Story, number: str) -> None:
    story.tell(
        "八、4月13日：延时写明到哪一天，加起来不过 10 个工作日（4月24日补班，也算），申请人、窗口、监督考核科三方都知道"
    )
    story.until("2022-04-13T10:00")
    bu, pan = story.member("buli"), story.citizen("o-pan")
    bu.heard(number, "4月14日")
    ref = ref_of(bu.open("", number))
    late = {"extension_reason": "原始档案在省里，系统升级到下周"}
    bu.visit(f"/c/{ref}/extend").fill({**late, "extension_due": "2022-04-26"}).shows("4月24日（周日）")
    bu.visit(f"/c/{ref}/extend").done({**late, "extension_due": "2022-04-20"})
    page_of(pan, number, "进度提醒").shows("4月20日")
    story.member("ouyanghong").heard(number, "4月20日")
    story.member("kuangzhengping").heard(number, "4月20日")


def nobody_answers(story: Story) -> str:
    story.tell("　　同一天，住建窗口收到一张工单，没有人回")
    ouyang = story.member("ouyanghong")
    page = ouyang.visit("/new/register").done(
        {
            "intake_channel": "phone",
            "content": "自建房验收申请交了两个月，没有人来看",
            "applicant_type": "citizen",
            "applicant_name": "阳建军",
            "applicant_phone": "0739-88887777",
            "scope_code": "limit_missed",
            "item": "自建房验收",
            "prior_channel": "offline",
            "submitted_on": "2022-02-15",
            **TRIAGE,
        }
    )
    number = "LH202200005"
    ref = ref_of(page.shows(number))
    ouyang.visit(f"/c/{ref}/dispatch").done({"subject": "自建房验收没有人来", **TRIAGE, "unit": "housing"})
    story.settle()
    ouyang.visit(f"/c/{ref}/log_attempt").done(
        {"reached": "yes", "attempt_note": "打电话告诉了：住建窗口，4月18日前"}
    )
    story.member("shumin").heard("工单", number, "4月18日")
    return number


def answered_to_three(story: Story, number: str) -> None:
    story.tell("九、4月18日：回复要写解决办法；回复申请人、窗口、监督考核科三方，都送到了才办结")
    story.until("2022-04-18T10:00")
    bu, pan = story.member("buli"), story.citizen("o-pan")
    ref = ref_of(bu.open("", number))
    answer = {"result": "证书已经办好，可以来取。", "outcome": "done"}
    bu.visit(f"/c/{ref}/reply").fill(answer).shows("解决办法")
    bu.visit(f"/c/{ref}/reply").done({**answer, "solution": "当天补录系统，加急出证"})
    for who in ("ouyanghong", "kuangzhengping"):
        story.member(who).heard("办理结果", number, "证书已经办好")
    has(pan.say("到哪一步了"), "办结")


def overdue_climbs(story: Story, number: str) -> None:
    story.tell(
        "十一、住建窗口到期没有回复：首席审批员、监督考核科、领导小组办公室，一级一级听到；没有“督办”，只有提醒"
    )
    kuang, nie = story.member("kuangzhengping"), story.member("niejianhua")
    story.until("2022-04-19T09:00")
    story.member("xiangdong").heard("超过时限", number)
    kuang.never_heard("超过时限没有回复")
    story.until("2022-04-20T09:00")
    kuang.heard("超过时限没有回复", number)
    nie.never_heard("超过时限没有回复")
    story.until("2022-04-21T09:00")
    nie.heard("超过时限没有回复", number)
    for who in (kuang, nie):
        who.never_heard("督办")


def bad_rating(story: Story, number: str) -> None:
    story.tell("十、潘女士评“不满意”：自动退回重办，3 个工作日到 4月21日；结果一样的，也要写明理由")
    pan, bu = story.citizen("o-pan"), story.member("buli")
    has(pan.say("不满意"), "谢谢")
    has(pan.say("证书上名字错了一个字"), "谢谢")
    pan.heard(number, "4月21日")
    bu.heard("重办", number, "4月21日")
    story.until("2022-04-18T15:00")
    bu.press("签收", number)
    again = {"solution": "收回错证重新打印", "result": "新证周三可以取。", "outcome": "done"}
    bu.open("回复工单", number).fill(again).shows("这次和上次有什么不同")
    bu.open("回复工单", number).done({**again, "redo_reason": "上次没有核对姓名，这次重新出证"})
    pan.heard(number, "新证周三可以取")
    story.tell("　　差评重办以后，首接负责人回访")
    story.member("maozhigang").heard("请回访", number)


def bad_again(story: Story, number: str) -> None:
    story.tell("十二、又是差评：照样重办，同时报领导小组办公室；办公室出面，牵头协调两个窗口")
    pan, nie, mao = story.citizen("o-pan"), story.member("niejianhua"), story.member("maozhigang")
    pan.say("到哪一步了")
    has(pan.say("非常不满意"), "谢谢")
    pan.say("名字对了，日期又错了，还要我自己跑去完税")
    for who in ("niejianhua", "kuangzhengping", "lingxia"):
        story.member(who).heard("又是差评", number)
    story.until("2022-04-21T10:00")
    page = nie.open("协调调度几个单位", number)
    ref = ref_of(page)
    page.done({"unit": "registry", "members": "tax"})
    pan.heard(number, "不动产登记窗口")
    story.member("jichun").open("报送办理意见", number).done({"contribution": "完税证明一并送去，不用她再跑"})
    nie.open("形成协调意见", number).done({"opinion": "新证和完税证明一起送上门"})
    bu = story.member("buli")
    bu.press("签收", "请按意见办", number)
    bu.visit(f"/c/{ref}/reply").done(
        {
            "solution": "两个窗口一起送证上门",
            "result": "新证和完税证明已经送到家里。",
            "outcome": "done",
            "redo_reason": "不用她再跑一趟",
        }
    )
    pan.heard(number, "送到家里")
    pan.say("到哪一步了")
    has(pan.say("满意"), "谢谢")
    mao.open("登记回访", number).done({"visit_way": "phone", "visit_satisfied": "satisfied"})
    ledger = mao.visit("/desk/ledger?day=2022-04-11").shows("首接负责人", "毛志刚", "评价意见", "满意")
    ledger.shows("LH202200001", "LH202200002", "LH202200003", "LH202200004")
