"""湘江新区: one whole story played through the wire, each step checked. 李梅 speaks for her mother, 王秀英."""

from __future__ import annotations

import re
from typing import Final

from deploy.sandbox.tours.story import Story, has, must

START: Final = "2022-04-11T09:00"
CITIZENS: Final = (("o-li", "李阿姨"), ("o-sun", "孙先生"), ("o-qian", "老钱"))


def play(story: Story) -> None:
    """The whole story. Raises `Unexpected` at the first step that does not hold."""
    number = telling(story)
    at_the_window(story, number)
    with_the_unit(story, number)
    extension(story, number)
    overdue(story, number)
    result(story, number)
    rating_and_redo(story, number)
    a_shielded_complaint(story)
    a_walk_in(story)
    an_excluded_matter(story)
    story.tell("收尾：事件链逐条核对。")
    must(story.chain() is None, "an event of the log does not hold")


def telling(story: Story) -> str:
    story.tell("一、4月11日晚上八点，李梅替母亲在公众号里反映")
    story.until("2022-04-11T20:05")
    li = story.citizen("o-li")
    has(li.follow(), "没办成", "告知版本", "转人工")
    has(li.say("我妈家老房子想加装电梯，材料交了三回都没受理"), "说完了")
    li.say("每回都说还缺一样东西，前后跑了五趟，老人家腿脚不好")
    has(li.send("image", story.picture), "图片收到了")
    has(li.send("voice", story.voice), "语音收到了")
    has(li.tap("说完了"), "为自己反映")
    has(li.say("替父母、家人"), "怎么称呼")
    has(li.say("李梅"), "个人还是单位")
    has(li.say("要多久才有结果？"), "1—3个工作日", "个人还是单位")
    has(li.say("个人"), "姓名")
    has(li.say("王秀英"), "联系电话")
    has(li.say("电话是12345"), "联系电话")
    has(li.say("13800001234"), "邮箱")
    li.tap("跳过")
    has(li.say("跑了好几趟，没有解决"), "材料")
    has(li.tap("没有了"), "请您看一遍", "王秀英", "5")
    story.tell("　　改第 3 项，又确认一遍；下班时间找真人，她听到几点有人")
    has(li.say("改第3项"), "怎么称呼")
    has(li.say("李小梅"), "请您看一遍", "李小梅")
    has(li.say("转人工 我妈的身份证要不要复印"), "4月12日 09:00")
    submitted = has(li.tap("确认提交"), "已收到", "1—3个工作日", "0731-88880001")
    found = re.search(r"XJ\d{9}", submitted)
    must(found is not None, submitted)
    number = found[0] if found else ""
    has(li.say("依据"), "依据《")
    return number


def at_the_window(story: Story, number: str) -> None:
    story.tell("二、4月12日早上，窗口周敏确认受理、答复群众、交办住建局")
    story.until("2022-04-12T09:00")
    li, zhou = story.citizen("o-li"), story.member("zhoumin")
    zhou.heard("新反映", number, "王秀英")
    zhou.press("确认受理", number)
    has(zhou.say(f"回复 {number} 不用复印，拍照发来就行"), number)
    li.heard("不用复印，拍照发来就行")
    page = zhou.open("交办", number).shows("事项名称")
    page.fill({"subject": "加装电梯申请未获受理", "scope_code": "approval_project"}).shows(
        "层级与时限", "不会丢"
    )
    zhou.open("交办", number).done(
        {
            "subject": "加装电梯申请未获受理",
            "scope_code": "approval_project",
            "level": "complex",
            "unit": "housing",
        }
    )
    told = li.heard("住房和城乡建设局", "张伟", "4月24日")
    must(number in str(told), "the citizen hears her number")


def with_the_unit(story: Story, number: str) -> None:
    story.tell("三、住建局：群里只有单号、事项、期限；签收一点就成，第二个人点了不出错")
    group = story.group("housing")
    group.heard(number, "加装电梯申请未获受理")
    for secret in ("王秀英", "李小梅", "13800001234", "老人家"):
        group.never_heard(secret)
    zhang, liu = story.member("zhangwei"), story.member("liuyang")
    story.member("chenguoping").heard(number)
    story.member("guzheng").heard(number)
    zhang.press("签收", number)
    zhang.never_heard("没有办成这一步")
    liu_card = liu.heard(number)
    must("签收" not in [b["text"] for b in (liu_card["card"].get("button_list") or ())], "刘洋的卡片应已重画")
    has(liu.say(f"签收 {number}"), "张伟")
    story.tell("　　问申请人一句，她在聊天里答")
    story.until("2022-04-13T10:00")
    zhang.open("问申请人", number).done({"question": "楼里其他住户都签字了吗？"})
    li = story.citizen("o-li")
    li.heard("楼里其他住户都签字了吗")
    has(li.say("都签了，十二户都同意"), "转给经办人")
    zhang.heard("十二户都同意")
    has(li.say("到哪一步了"), "住房和城乡建设局")


def extension(story: Story, number: str) -> None:
    story.tell("四、4月20日：延期要先取得她的理解、报窗口、经批准；她能说“没同意”")
    story.until("2022-04-20T09:30")
    li, zhang, xiao = story.citizen("o-li"), story.member("zhangwei"), story.member("xiaojing")
    asked = {
        "extension_reason": "图审机构排队，材料要到下周才能出",
        "extension_due": "2022-04-28",
        "consent_way": "phone",
        "consent_at": "2022-04-20T09:10",
        "consent_words": "可以等几天",
    }
    zhang.open("申请延期", number).done(asked)
    story.tell("　　她七天没说话，公众号只剩模板消息；点开就是这件事的页面")
    note = li.heard(number, "请您核对")
    must(note["kind"] == "template", f"the route was {note['kind']}")
    li.browser.get(note["content"]["url"]).shows("可以等几天")
    has(li.say("我没同意"), "不会延期")
    xiao.open("不批准", number).done({"extension_opinion": "申请人没有同意，请再沟通"})
    story.until("2022-04-20T15:00")
    zhang.open("申请延期", number).done(
        {**asked, "consent_at": "2022-04-20T14:30", "consent_words": "说清楚了，同意等到28号"}
    )
    li.heard("同意等到28号")
    xiao.press("批准延期", number)
    li.heard("4月28日")
    story.member("zhoumin").heard("备案", number)


def overdue(story: Story, number: str) -> None:
    story.tell("五、提醒在办公时间来，各一次；期限过了，第二天上班纪工委收到提醒，督办由人签发，只算一次")
    story.until("2022-04-28T16:59")
    zhang, gu = story.member("zhangwei"), story.member("guzheng")
    zhang.heard("4月28日")
    gu.never_heard("超期")
    story.until("2022-04-28T17:01")
    gu.never_heard("超期")
    story.until("2022-04-29T09:00")
    gu.heard("超期", number, "第二部分（二）")
    gu.press("签发督办单", number)
    zhang.heard("督办", number)
    has(gu.say(number), "1 次")


def result(story: Story, number: str) -> None:
    story.tell("六、结果：填反馈单，主要负责同志退回一次再审签，三方送达")
    story.until("2022-04-29T10:00")
    li, zhang, chen = story.citizen("o-li"), story.member("zhangwei"), story.member("chenguoping")
    fields = {"handled": "加装电梯申请", "solved": "yes"}
    page = zhang.open("提交结果", number).fill({**fields, "result": ""})
    page.shows("办理结果")
    files = {"result_files": ("受理通知.jpg", story.picture)}
    zhang.open("提交结果", number).done({**fields, "result": "已经受理。"}, files)
    chen.open("退回修改", number).done({"reject_reason": "写清楚下一步什么时候出证"})
    zhang.heard("写清楚下一步")
    zhang.open("提交结果", number).done(
        {**fields, "result": "已受理并通过图审，5月10日前上门发施工许可。"}, files
    )
    chen.open("审签同意", number).shows("5月10日前").done({})
    story.settle()
    story.member("guzheng").heard("5月10日前")
    story.member("zhoumin").heard("5月10日前")
    story.tell("　　李梅 48 小时内没说过话：公众号只剩模板消息这条路")
    note = li.heard(number, "已有结果")
    must(note["kind"] == "template", f"the route was {note['kind']}")
    li.browser.get(note["content"]["url"]).shows("5月10日前")


def rating_and_redo(story: Story, number: str) -> None:
    story.tell("七、请她评价一次；回访另记；不满意且属单位主观原因，由人认定，发回重办")
    story.until("2022-04-29T14:00")
    li, zhou, xiao = story.citizen("o-li"), story.member("zhoumin"), story.member("xiaojing")
    has(li.say("到哪一步了"), "办结")
    has(li.say("不满意"), "谢谢", "不满意")
    has(li.say("跑了这么多趟，早干什么去了"), "谢谢")
    zhou.open("登记回访", number).done(
        {
            "visit_way": "phone",
            "visit_satisfied": "dissatisfied",
            "visit_opinion": "施工许可至今没有送来，材料早就齐了",
        }
    )
    zhou.visit("/desk").shows(number)
    case_page = zhou.open("", number)
    ref = case_page.url.split("/c/")[1].split("/")[0].split("?")[0]
    zhou.visit(f"/c/{ref}/propose_cause").done(
        {"cause_proposed": "subjective", "cause_reason": "材料齐全仍要求补正，属审核把关不当"}
    )
    xiao.open("认定为主观原因，发回重办", number).done({"judge_reason": "同意窗口意见"})
    story.member("chenguoping").heard("重", number)
    zhang, chen = story.member("zhangwei"), story.member("chenguoping")
    story.until("2022-05-05T10:00")
    zhang.press("签收", number)
    zhang.open("提交结果", number).done(
        {"handled": "加装电梯申请", "solved": "yes", "result": "施工许可已上门送达，并向申请人当面致歉。"}
    )
    chen.open("审签同意", number).done({})
    story.until("2022-05-05T14:00")
    has(li.say("到哪一步了"), "办结")
    has(li.say("满意"), "谢谢")
    li.say("不补充了")
    story.tell("　　申请单、交办单、反馈单都能打印；台账一行不缺")
    for form in ("registration", "dispatch?variant=assign", "result"):
        paper = zhou.visit(f"/c/{ref}/papers/{form}")
        must(paper.status == 200 and paper.body[:2] == b"PK", f"{form}: {paper.status}")
    zhou.visit("/desk/ledger?day=2022-04-11").shows(number, "核对人签字")


def a_shielded_complaint(story: Story) -> None:
    story.tell("八、反映作风：被反映的单位在卡片、页面、表单、附件上都看不到是谁")
    story.until("2022-05-06T09:30")
    sun = story.citizen("o-sun")
    sun.follow()
    sun.say("窗口那个人态度很差，摆脸色，说我不懂就别来")
    has(sun.tap("说完了"), "不会知道您是谁")
    sun.tap("是")
    sun.say("我自己")
    sun.say("个人")
    sun.say("孙志强")
    sun.say("13900005678")
    sun.tap("跳过")
    sun.say("都不是，另有情况")
    sun.tap("没有了")
    has(sun.tap("确认提交"), "已收到", "窗口保管")
    zhou = story.member("zhoumin")
    zhou.press("确认受理", "受保护")
    zhou.open("交办", "受保护").done(
        {
            "subject": "窗口服务态度问题",
            "scope_code": "conduct",
            "level": "ordinary",
            "unit": "housing",
            "content_for_unit": "群众反映住建窗口工作人员态度生硬、未一次性告知。",
        }
    )
    story.settle()
    for who in ("zhangwei", "chenguoping", "housing"):
        story.member(who).never_heard("孙志强")
        story.member(who).never_heard("13900005678")
        story.member(who).never_heard("摆脸色")
    page = story.member("zhangwei").open("", "窗口服务态度问题").shows("申请人信息由窗口保管")
    must("孙志强" not in page.text, "the complainant's name on the unit's page")
    story.member("guzheng").open("", "窗口服务态度问题").shows("孙志强")


def a_walk_in(story: Story) -> None:
    story.tell("九、来访登记、当场办结；没有微信的，由窗口打电话，打通为止")
    story.until("2022-05-06T10:00")
    zhou = story.member("zhoumin")
    done = zhou.visit("/new/register").done(
        {
            "intake_channel": "hall",
            "told_at": "2022-05-06T09:40",
            "content": "问公租房补贴怎么重新申请，上次材料被退回",
            "applicant_type": "citizen",
            "applicant_name": "吴老伯",
            "applicant_phone": "0731-88889999",
            "ground": "not_done_after_submission",
            "prior_channel": "offline",
        }
    )
    ref = done.url.split("/c/")[1].split("/")[0].split("?")[0]
    zhou.visit(f"/c/{ref}/resolve").done(
        {"scope_code": "policy", "result": "当场补齐收入证明，已重新受理。", "solved": "yes"}
    )
    story.settle()
    for reached, note in (("no", "无人接听"), ("yes", "接通了，说清楚了")):
        zhou.visit(f"/c/{ref}/log_attempt").done({"reached": reached, "attempt_note": note})
    zhou.visit(f"/c/{ref}").shows("办结")


def an_excluded_matter(story: Story) -> None:
    story.tell("十、看着不归窗口管的：机器人只指路，由人确认；群众仍可请窗口看")
    story.until("2022-05-06T11:00")
    qian = story.citizen("o-qian")
    qian.follow()
    qian.say("我家的地被征地了，青苗费算得不对，去了好几次没人管")
    has(qian.tap("说完了"), "征地拆迁", "0731-", "仍请窗口看一看")
    qian.tap("仍请窗口看一看")
    qian.say("我自己")
    qian.say("个人")
    qian.say("钱进")
    qian.say("13700001111")
    qian.tap("跳过")
    qian.say("2")
    qian.say("4")
    qian.tap("没有了")
    has(qian.tap("确认提交"), "已收到")
    zhou = story.member("zhoumin")
    zhou.open("指路", "钱进").done({"exclusion": "expropriation"})
    qian.heard("征地", "0731-", "XJ202200004")
