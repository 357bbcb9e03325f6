"""上海市普陀区: many sites with a code each, four kinds of matters, a department that says how it can be done."""

from __future__ import annotations

import re
from typing import Final

from deploy.sandbox.tours.story import Story, has, must

START: Final = "2023-09-28T09:00"  # the last working day before eight days of rest
CITIZENS: Final = (("o-he", "何师傅"), ("o-qiu", "邱女士"), ("o-fu", "傅先生"))


def play(story: Story) -> None:
    """The whole story. Raises `Unexpected` at the first step that does not hold."""
    number = by_the_code_on_the_wall(story)
    the_cause_the_same_day(story, number)
    the_department(story, number)
    verified_and_visited(story, number)
    at_the_wrong_site(story)
    not_accepted(story)
    story.tell("收尾：事件链逐条核对。")
    must(story.chain() is None, "an event of the log does not hold")


def by_the_code_on_the_wall(story: Story) -> str:
    story.tell("一、9月28日上午，何师傅扫了区政务服务中心窗口的码：在哪个中心，不用再问")
    story.until("2023-09-28T09:30")
    he = story.citizen("o-he")
    has(he.scan("zw"), "没办成", "告知版本")
    he.say("餐饮店换地址，食品经营许可证来窗口办了三次，每次都说缺材料，也不说缺哪一样")
    he.tap("说完了")
    he.say("办事类")
    he.say("食品经营许可证变更")
    he.say("来了好几趟，没有解决")
    asked = he.say("3")
    must("哪个中心" not in asked, "the site is known from the code")
    he.say("我自己")
    he.say("个人")
    he.say("何大勇")
    he.say("13800004321")
    has(he.tap("没有了"), "请您看一遍", "何大勇")
    submitted = has(he.tap("确认提交"), "已收到", "3个工作日")
    found = re.search(r"ZW20230928\d{3}", submitted)
    must(found is not None, submitted)
    return found[0] if found else ""


def the_cause_the_same_day(story: Story, number: str) -> None:
    story.tell("二、窗口当天分析原因，定等级；两个市级系统的编号记上；承办单写明要求")
    fang = story.member("fangmin")
    fang.press("确认受理", number)
    fang.open("分析原因、研判", number).done(
        {
            "level": "ordinary",
            "cause_code": "material",
            "cause_analysis": "变更材料清单有两版，窗口没有一次告知",
            "confirmed_with": "区市场监督管理局",
        }
    )
    page = fang.open("", number)
    ref = page.url.split("/c/")[1].split("/")[0].split("?")[0]
    for system, external in (("woodpecker", "ZMN-5521"), ("city_center", "SZW-0928-17")):
        fang.visit(f"/c/{ref}/note_upload").done({"system": system, "external_no": external})
    fang.visit(f"/c/{ref}/dispatch").done(
        {
            "subject": "食品经营许可证变更未获受理",
            "unit": "market",
            "requirement": "请一次说清所需材料，能容缺的先受理",
        }
    )
    story.citizen("o-he").heard("区市场监督管理局", "10月9日")
    story.tell("　　十月一日前后连休八天，3个工作日到10月9日；群里只有单号、事项、期限")
    group = story.group("market")
    group.heard(number, "食品经营许可证变更未获受理", "10月9日")
    for secret in ("何大勇", "13800004321"):
        group.never_heard(secret)


def the_department(story: Story, number: str) -> None:
    story.tell("三、指定的专人签收；经办人员反馈怎么办；延时最长10个工作日")
    hua, jin = story.member("huamin"), story.member("jinhui")
    hua.press("签收", number)
    story.until("2023-10-09T10:00")
    jin.heard(number, "10月9日")
    page = jin.open("", number)
    ref = page.url.split("/c/")[1].split("/")[0].split("?")[0]
    late = {"extension_reason": "新址环评意见还没到", "extension_due": "2023-10-19"}
    jin.visit(f"/c/{ref}/extend").fill(late).shows("10月18日")
    jin.visit(f"/c/{ref}/extend").done({**late, "extension_due": "2023-10-13"})
    he = story.citizen("o-he")
    he.browser.get(he.heard(number, "进度提醒")["content"]["url"]).shows("10月13日")
    story.member("fangmin").heard("10月13日")
    story.until("2023-10-13T17:01")
    story.member("shenwanqing").never_heard("超期")
    story.until("2023-10-16T09:00")
    story.tell("　　逾期：区政务服务办公室上班时收到提醒，具名签发督办，承办单上督办次数是 1")
    shen = story.member("shenwanqing")
    shen.heard(number, "超期")
    shen.press("签发督办单", number)
    jin.heard("督办", number)
    jin.visit(f"/c/{ref}/reply").done(
        {
            "unit_cause": "材料清单有两版，窗口用的是旧版",
            "outcome": "done",
            "result": "按新版清单容缺受理，三个工作日内发证。",
        }
    )
    story.settle()
    he.browser.get(he.heard(number, "已有结果")["content"]["url"]).shows("容缺受理")


def verified_and_visited(story: Story, number: str) -> None:
    story.tell("四、中心核查、回访、归档：受理、研判、办理、反馈、归档，一环都不能少")
    story.until("2023-10-16T14:00")
    fang, he = story.member("fangmin"), story.citizen("o-he")
    has(he.say("到哪一步了"), "办结")
    page = fang.open("", number)
    ref = page.url.split("/c/")[1].split("/")[0].split("?")[0]
    fang.visit(f"/c/{ref}/archive").shows("核查反馈情况", "回访")
    fang.visit(f"/c/{ref}/verify_result").done({"verified": "yes"})
    fang.visit(f"/c/{ref}/follow_up").done(
        {"visit_way": "phone", "visit_satisfied": "satisfied", "visit_opinion": "清单早点贴出来就好"}
    )
    paper = fang.visit(f"/c/{ref}/papers/dispatch?variant=assign")
    must(paper.status == 200 and paper.body[:2] == b"PK", f"the sheet: {paper.status}")


def at_the_wrong_site(story: Story) -> None:
    story.tell("五、走错了中心：转到对的中心，原来的人从此看不到，新的中心接着办，期限不重算")
    story.until("2023-10-16T15:00")
    qiu = story.citizen("o-qiu")
    qiu.scan("zw")
    qiu.say("公积金贷款买的房，产证办了两个月没批下来")
    qiu.tap("说完了")
    qiu.say("办事类")
    qiu.say("不动产登记")
    qiu.say("受理了，没批下来")
    qiu.say("我自己")
    qiu.say("个人")
    qiu.say("邱月")
    qiu.say("13900006543")
    qiu.tap("没有了")
    has(qiu.tap("确认提交"), "已收到")
    fang = story.member("fangmin")
    ref = fang.open("", "邱月").url.split("/c/")[1].split("/")[0].split("?")[0]
    fang.visit(f"/c/{ref}/pass_on").done({"site": "zr", "pass_reason": "不动产登记由确权登记中心办理"})
    qiu.heard("区自然资源确权登记事务中心")
    story.member("wentao").heard("转")
    must(fang.visit(f"/c/{ref}").status in (403, 404), "the first site is a stranger now")


def not_accepted(story: Story) -> None:
    story.tell("六、不予受理也要回：由人认定，写明依据，3个工作日内说清原因，件件在台账")
    story.until("2023-10-17T09:30")
    fu, fang = story.citizen("o-fu"), story.member("fangmin")
    fu.scan("zw")
    fu.say("阳台外面自己搭了一间，想办产证，窗口不收")
    fu.tap("说完了")
    fu.say("办事类")
    fu.say("违章搭建部分办产证")
    fu.say("没能成功受理")
    fu.say("我自己")
    fu.say("个人")
    fu.say("傅强")
    fu.say("13700007654")
    fu.tap("没有了")
    fu.tap("确认提交")
    ref = fang.open("", "傅强").url.split("/c/")[1].split("/")[0].split("?")[0]
    fang.visit(f"/c/{ref}/decline").done(
        {"exclusion": "law_limited", "no_basis": "《城乡规划法》第四十条、《不动产登记暂行条例》第二十二条"}
    )
    fang.visit(f"/c/{ref}/answer_no").done(
        {
            "no_reason": "搭建部分没有规划许可，不能登记。",
            "explanation": "原有房屋的产证不受影响；想改建，先到区规划资源局申请规划许可。",
        }
    )
    story.settle()
    fu.heard("没有规划许可")
    fang.visit("/desk/ledger?day=2023-10-17").shows("傅强")
