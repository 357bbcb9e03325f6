"""内乡县: numbers of the day, three levels that only rise, two limits side by side, and no “no” before its report."""

from __future__ import annotations

import re
from typing import Final

from deploy.sandbox.tours.story import Story, has, must, page_of, ref_of

START: Final = "2021-08-10T08:30"  # the day of the plan's own example
CITIZENS: Final = (("o-gu", "谷师傅"), ("o-ye", "叶女士"), ("o-jiang", "姜经理"), ("o-pang", "庞先生"))
SIGNED: Final = {"handler_signed": "yes"}  # 经办人员签字


def play(story: Story) -> None:
    """The whole story. Raises `Unexpected` at the first step that does not hold."""
    shop = told_online(story)
    to_the_zone(story, shop)
    at_the_window_itself(story)
    chicken = never_a_bare_no(story)
    border = difficult(story)
    answered_no(story, chicken)
    first_feedback_and_raised(story, shop)
    reviewed_together(story, shop)
    not_satisfied(story, shop)
    verified_and_signed(story, shop)
    shown_the_way(story)
    until_it_is_done(story, border)
    story.tell("收尾：事件链逐条核对。")
    must(story.chain() is None, "an event of the log does not hold")


def told_online(story: Story) -> str:
    story.tell("一、8月10日上午，谷师傅在公众号里反映；他看过汇总再点确认，就是对记录的确认")
    story.until("2021-08-10T08:40")
    gu = story.citizen("o-gu")
    has(gu.follow(), "没办成", "告知版本")
    gu.say("奶茶店换了地址，营业执照变更在大厅交了三次，每次都说缺一样，也不写给我缺什么")
    gu.tap("说完了")
    gu.say("我自己")
    gu.say("个人")
    gu.say("谷长河")
    has(gu.say("13800002345"), "什么事项")
    has(gu.say("营业执照地址变更"), "怎么交的")
    has(gu.say("在大厅窗口交的"), "哪一种情形")
    gu.say("网上、窗口跑了好几趟，没有办成")
    gu.say("3")
    has(gu.tap("没有了"), "请您看一遍", "谷长河", "营业执照地址变更")
    told = has(gu.tap("确认提交"), "已收到", "5个工作日", "0377-88880001")
    found = re.search(r"\d{10}", told)
    must(found is not None and found[0] == "2021081001", f"the first of the day, not {told}")
    return "2021081001"


def to_the_zone(story: Story, number: str) -> None:
    story.tell("二、当日值班人员兰玉洁确认受理，窗口当场办不了，写明理由转派商事登记区：二级响应")
    lan, gu = story.member("lanyujie"), story.citizen("o-gu")
    lan.heard("新反映", number, "谷长河")
    lan.press("确认受理", number)
    lan.open("转派（提级响应）", number).done(
        {
            "subject": "营业执照变更未获受理",
            "level": "complex",
            "raise_reason": "三次补件的依据要由商事登记区核实",
            "unit": "business_zone",
        }
    )
    story.tell("　　他听到哪个区、哪个人、哪一天；首席代表听到；群里只有编号、事项、期限")
    gu.heard(number, "商事登记区", "齐雨薇", "0377-88880702", "8月17日")
    story.member("fangzhenguo").heard(number, "8月17日")
    group = story.group("business")
    group.heard(number, "营业执照变更未获受理")
    for secret in ("谷长河", "13800002345"):
        group.never_heard(secret)
    story.member("miaozhiyuan").press("签收", number)
    lan.heard("有进展", number)
    story.member("geqingfeng").never_heard(number)  # the head of another zone


def at_the_window_itself(story: Story) -> None:
    story.tell("三、8月10日9点，老人来窗口：口头确认先记下、写明为什么；简单问题，窗口当场办，是三级响应")
    story.until("2021-08-10T09:00")
    lan = story.member("lanyujie")
    walk_in = {
        "intake_channel": "hall",
        "content": "公租房申请在综合窗口交了两回，说照片不合格，没给收",
        "applicant_type": "citizen",
        "applicant_name": "孟秀英",
        "applicant_phone": "0377-88889999",
        "item": "公租房申请",
        "prior_channel": "offline",
        "ground": "not_accepted",
        "record_confirmed": "oral",
    }
    lan.visit("/new/register").fill(walk_in).shows("为什么先口头确认")
    page = (
        lan.visit("/new/register")
        .done({**walk_in, "record_note": "老人看不清字，念给她听过"})
        .shows("2021081002")
    )
    ref = ref_of(page)
    lan.visit(f"/c/{ref}/resolve").done(
        {
            "subject": "公租房申请照片",
            "result": "当场拍了照片，综合窗口已经受理。",
            "cause_code": "material",
        }
    )
    story.settle()
    lan.visit(f"/c/{ref}/log_attempt").done({"reached": "yes", "attempt_note": "人还在大厅，当面告诉了"})
    lan.visit(f"/c/{ref}").shows("办结")
    lan.press("在台账上签字", "2021081002")


def never_a_bare_no(story: Story) -> str:
    story.tell("四、当天第三件，编号 2021081003：看着不能办的，窗口也不说“不”，先写否定答复报告")
    story.until("2021-08-10T10:00")
    ye, feng = story.citizen("o-ye"), story.member("fengzhigang")
    ye.follow()
    ye.say("在家里开了个烘焙工作室，住宅办营业执照，窗口不收，来了两趟")
    ye.tap("说完了")
    ye.say("我自己")
    ye.say("个人")
    ye.say("叶小荷")
    ye.say("13900003456")
    ye.say("营业执照设立")
    ye.say("在大厅窗口交的")
    ye.say("交了申请，没有受理")
    ye.tap("没有了")
    number = "2021081003"
    has(ye.tap("确认提交"), number)
    feng.press("确认受理", number)
    dispatched = {
        "subject": "住宅登记营业执照",
        "level": "complex",
        "raise_reason": "住宅能不能登记要由登记机关答复",
        "nature": "cannot_do",
        "unit": "business_zone",
    }
    feng.open("转派（提级响应）", number).fill(dispatched).shows("拟怎样答复。改好再提交")
    feng.open("转派（提级响应）", number).done(
        {
            **dispatched,
            "cannot_reason": "住宅改经营用房，没有有利害关系业主同意的证明",
            "cannot_basis": "民法典第二百七十九条",
            "proposed_answer": "取得业主同意，或换到商业用房以后可以再来申请",
        }
    )
    ye.heard(number, "商事登记区", "8月13日")
    story.tell("　　领导小组办公室没有同意：能不能先按集群登记办？期限跟着变回 5 个工作日")
    jing, miao = story.member("jinghao"), story.member("miaozhiyuan")
    jing.heard("否定答复报告", number, "民法典")
    miao.press("签收", number)
    miao.visit(f"/c/{ref_of(miao.open('', number))}/reply_cannot").shows("否定答复报告")
    jing.open("不同意，应当想办法办", number).done({"no_opinion": "先看看能不能按集群登记办"})
    miao.heard("没有同意", number, "集群登记", "8月17日")
    return number


def difficult(story: Story) -> str:
    story.tell("五、8月11日：两县交界的厂房，谁登记说不清。难点问题报中心领导小组，当天报县里")
    story.until("2021-08-11T08:40")
    feng, jing, jiang = story.member("fengzhigang"), story.member("jinghao"), story.citizen("o-jiang")
    jiang.follow()
    jiang.say("厂房在两县交界，不动产登记两边都不收，跑了四趟")
    jiang.tap("说完了")
    jiang.say("替单位")
    jiang.say("姜海波")
    jiang.say("企业")
    jiang.say("姜海波")
    jiang.say("示范包装有限公司")
    jiang.say("13700004567")
    jiang.say("不动产首次登记")
    jiang.say("在大厅窗口交的")
    jiang.say("网上、窗口跑了好几趟，没有办成")
    jiang.tap("没有了")
    number = "2021081101"
    has(jiang.tap("确认提交"), number)
    feng.press("确认受理", number)
    ref = ref_of(feng.open("", number))
    feng.visit(f"/c/{ref}/report").done(
        {
            "subject": "两县交界厂房不动产登记",
            "relevel_reason": "地籍调查两县各做一半，由谁登记定不下来",
            "custom_due": "2021-08-25",
        }
    )
    for leader in ("gongmingyuan", "mengshuhua"):
        story.member(leader).heard("请研判", number)
    jing.open("中心协调不了：报县里", number).done(
        {
            "above_body": "县优化营商环境领导小组办公室",
            "above_reason": "要两县自然资源局一起定",
            "custom_due": "2021-08-25",
        }
    )
    story.member("cenwei").heard(number, "8月25日")
    jiang.heard(number, "县优化营商环境领导小组办公室", "8月25日")
    return number


def answered_no(story: Story, number: str) -> None:
    story.tell("六、8月11日上午：商事登记区想过办法，确实不能办；再报告，办公室同意，由登记区自己答复")
    story.until("2021-08-11T10:00")
    miao, jing, ye = story.member("miaozhiyuan"), story.member("jinghao"), story.citizen("o-ye")
    miao.open("报告：不能办（否定答复报告）", number).done(
        {
            "cannot_reason": "集群登记只收商业地址；住宅要有利害关系业主同意",
            "cannot_basis": "民法典第二百七十九条",
            "proposed_answer": "取得业主同意，或换到商业用房以后可以再来申请",
        }
    )
    ye.never_heard("民法典")
    jing.open("同意这样答复", number).done({"no_opinion": "同意，讲清楚怎样才能办"})
    miao.heard("可以答复了", number, "8月13日")
    miao.open("答复：不能办，说明原因", number).done(
        {
            "cannot_reason": "集群登记只收商业地址；住宅要有利害关系业主同意",
            "cannot_basis": "民法典第二百七十九条",
            "explanation": "给了业主同意书的样张，也介绍了两处可以入驻的商业用房",
            "cause_code": "conditions",
            **SIGNED,
        }
    )
    ye.heard(number, "商事登记区", "民法典第二百七十九条")
    paper = jing.visit(f"/c/{ref_of(jing.open('', number))}/papers/negative")
    must(paper.status == 200 and paper.body[:2] == b"PK", f"the report on paper: {paper.status}")


def first_feedback_and_raised(story: Story, number: str) -> None:
    story.tell("七、8月12日：转派起 3 个工作日内先给初步反馈，最终期限还是 8月17日，两个期限各算各的")
    story.until("2021-08-12T08:35")
    qi, gu, lan = story.member("qiyuwei"), story.citizen("o-gu"), story.member("lanyujie")
    qi.heard(number, "初步反馈", "8月13日")
    qi.open("初步反馈、进展", number).done(
        {"progress": "三次补件都没有写清单；新铺是商住楼，用途要几家一起认"}
    )
    gu.heard(number, "三次补件都没有写清单", "8月17日")
    story.tell("　　提级：二级到一级（特殊），写理由；7 个工作日到 8月19日，级别只升不降")
    lan.heard("有进展", number)
    ref = ref_of(lan.open("", number))
    lan.visit(f"/c/{ref}/relevel").done(
        {"level": "special", "relevel_reason": "商住楼的用途要房管、住建一起认定"}
    )
    gu.heard(number, "8月19日")
    lan.visit(f"/c/{ref}/relevel").fill({"level": "complex", "relevel_reason": "又简单了"}).shows(
        "只能往上提"
    )


def reviewed_together(story: Story, number: str) -> None:
    story.tell("八、一事一议、联动会审：办公室召集房管、住建，各家限 2 个工作日交意见，商事登记区牵头")
    jing, gu = story.member("jinghao"), story.citizen("o-gu")
    jing.open("召集联动会审", number).done(
        {"members": "housing_zone,construction", "requirement": "商住楼底层能不能按商业用途登记"}
    )
    gu.heard(number, "会审")
    story.until("2021-08-13T09:00")
    story.member("luxiaoman").open("提交会审意见", number).done({"contribution": "档案里底层是商业用途"})
    story.member("liaomin").open("提交会审意见", number).done({"contribution": "规划核实为商业，同意"})
    jing.open("会审有了意见，交责任单位办", number).done({"opinion": "底层按商业用途办，不再要业主同意书"})
    story.until("2021-08-13T15:00")
    miao = story.member("miaozhiyuan")
    reply = {"result": "执照地址已经变更，请带身份证来领。", "cause_code": "process"}
    miao.open("回复、处理情况", number).fill(reply).shows("经办人员签字")
    miao.open("回复、处理情况", number).done({**reply, **SIGNED})
    page_of(gu, number, "已有结果").shows("商事登记区", "执照地址已经变更")


def not_satisfied(story: Story, number: str) -> None:
    story.tell("九、8月16日：谷师傅不满意，自动发回重新核实，3 个工作日到 8月19日，首席代表和办公室都听到")
    story.until("2021-08-16T09:00")
    gu, miao = story.citizen("o-gu"), story.member("miaozhiyuan")
    has(gu.say("到哪一步了"), "办结")
    has(gu.say("不满意"), "谢谢")
    gu.say("领到的执照上门牌号印错了")
    miao.heard("重办", number, "8月19日")
    for who in ("fangzhenguo", "jinghao"):
        story.member(who).heard("发回重办", number)
    gu.heard(number, "8月19日")
    story.until("2021-08-17T10:00")
    miao.press("签收", number)
    miao.open("回复、处理情况", number).done(
        {"result": "重新打印了执照，送到店里，当面致了歉。", "cause_code": "staff", **SIGNED}
    )
    gu.heard(number, "送到店里")
    has(gu.say("到哪一步了"), "办结")
    has(gu.say("满意"), "谢谢")


def verified_and_signed(story: Story, number: str) -> None:
    story.tell("十、8月18日：办公室核查、回访，值班人员在台账上签字；少一样都不能归档")
    story.until("2021-08-18T09:00")
    lan, jing = story.member("lanyujie"), story.member("jinghao")
    ledger = "/desk/ledger?day=2021-08-10"
    lan.visit(ledger).shows(number, "缺当日值班人员签字")
    ref = ref_of(lan.open("", number))
    lan.visit(f"/c/{ref}/archive").shows("核查")
    jing.open("核查结果", number).done({"verified": "yes", "verify_note": "打过电话，执照在店里挂着"})
    jing.open("登记回访", number).done(
        {"visit_way": "phone", "visit_satisfied": "satisfied", "visit_opinion": "清单早点贴出来就好"}
    )
    lan.press("在台账上签字", number)
    lan.visit(ledger).shows("苗志远、兰玉洁", "2021081001", "2021081002", "2021081003")
    lan.visit(f"/c/{ref}/archive").done({})
    paper = lan.visit(f"/c/{ref}/papers/registration")
    must(paper.status == 200 and paper.body[:2] == b"PK", f"the form: {paper.status}")


def shown_the_way(story: Story) -> None:
    story.tell("十一、8月18日：还没有申请过的，机器人只指路，由窗口的人定；指路也写明部门、地址、电话")
    story.until("2021-08-18T10:00")
    pang, feng = story.citizen("o-pang"), story.member("fengzhigang")
    pang.follow()
    pang.say("想开个小超市，不知道证照怎么办")
    pang.tap("说完了")
    pang.say("我自己")
    pang.say("个人")
    pang.say("庞立新")
    pang.say("13600005678")
    pang.say("食品经营许可")
    pang.say("还没有交过申请")
    has(pang.tap("没有了"), "咨询导办台", "仍请窗口看一看")
    pang.tap("仍请窗口看一看")
    has(pang.tap("确认提交"), "2021081801")
    feng.open("指路", "2021081801").done({"exclusion": "not_applied"})
    pang.heard("咨询导办台", "0377-88881305", "2021081801")


def until_it_is_done(story: Story, number: str) -> None:
    story.tell("十二、难点问题限期回复释因：到 8月24日还没办结，先回复，再定下一个日子，直到办结")
    story.until("2021-08-24T10:00")
    jing, jiang = story.member("jinghao"), story.citizen("o-jiang")
    answered = {"above_answer": "两县开过会，正在补地籍调查"}
    page = jing.open("", number).shows("回复释因（还没有办结）", "难点有了结果：答复办理对象")
    ref = ref_of(page)
    jing.visit(f"/c/{ref}/explain").fill(answered).shows("下一次最晚哪一天答复")
    jing.visit(f"/c/{ref}/explain").done({**answered, "custom_due": "2021-08-30"})
    page_of(jiang, number, "进度提醒").shows("补地籍调查", "8月30日")
    story.until("2021-08-27T10:00")
    jing.visit(f"/c/{ref}/conclude_above").done(
        {"result": "县里定了由我县登记，证已经办好。", "cause_code": "authority"}
    )
    page_of(jiang, number, "已有结果").shows("由我县登记")
