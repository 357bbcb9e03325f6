"""What a citizen means: her own words, dialect and slips of the finger included, read as the answer to a question.

Tables and pure functions: text in, meaning out; nothing is kept or decided here. What no table knows means nothing
("" or None), and she is asked again. Texts are compared in a plain form (`plain`) and never stored in it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from core.desk.fields import EMAIL
from core.policy.model import Choice

# Traditional characters and what Cantonese and Hunan speakers write, as the tables below spell them.
_SPELLING: Final = str.maketrans(
    "沒這個說電話媽們幫別問題為誰單號錯對樣網線還報過辦進選聯繫係唔嘅冇咗",
    "没这个说电话妈们帮别问题为谁单号错对样网线还报过办进选联系是不的没了",
)
_END: Final = r"(?:了|的|吧|啊|呀|哦|嘛|呢|哈|咯|喽|啦|噢|哒|嘞|么)*"
_FAMILY: Final = (
    r"[爸妈爹娘爷奶姥婆父母岳哥姐弟妹叔舅姑姨伯崽娃]|老[人公伴头]|丈夫|妻|爱人|媳妇|儿子|女儿|闺女|孩|亲戚"
    r"|家[人里属]|屋里"
)

# What may be said at any question; each must fit the whole text, marks and blanks left out.
_SAYINGS: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(rf"(?:{words}){_END}", re.I)
    for name, words in {
        "hello": r"(?:你好|您好|在吗|在不在|有人在?吗|hi|hello|喂|哈喽|早上好|上午好|下午好|晚上好|请问)+",
        "done": (
            r"(?:嗯|哦|噢|好|那)*(?:(?:我|都|已经|就|大概)*(?:说|讲|写|打|发)?完|(?:就|就是|只有)(?:这些?|这样|这么多|这个事?|这件事|这点?事)"
            r"|(?:我|暂时|目前)*没(?:有|得)?(?:别的|其[他它]|什么|啥)*(?:要说的|补充)?|(?:好|行|可以|差不多)了)|1"
        ),
        "skip": (
            r"(?:(?:我|这个?|现在|暂时|都|也|是|真|先)*(?:(?:邮箱|邮件|材料|资料|照片|图片)*"
            r"(?:跳过|略过|下一[步项个题]|(?:没|莫|木)(?:有|得)?|无|不用|不要|不需要|不补充|不方便|不想[填说]|不会用?|不填|免|算)"
            r"|记不[清得住到]*楚?|不记得|忘记?|不(?:知道|晓得|清楚)|[说数搞]不清|好几|好多|很多|无数|几)"
            r"(?:邮箱|邮件|材料|资料|照片|图片|那个|[次趟回])?)+"
        ),
        "sent": (
            r"(?:刚[才刚]|[前上]面|之前|已经|都|我|早|就|材料|照片|图片|资料)*(?:[发传拍给交][过了完上来]+|有了?)"
            r"|.{0,4}(?:没带|不在(?:身边|手[边头])|在(?:家|屋)里?|找不到|不见|不发|丢|改天|以后|下次).{0,4}"
        ),
        "thanks": (
            r"(?:好|行|嗯|哦|噢|ok|谢谢?|多谢|感谢|辛苦|知道|收到|明白|晓得|麻烦|要得|可以|再见)"
            r"(?:好|行|嗯|谢谢?|多谢|感谢|辛苦|知道|收到|明白|麻烦|您|你们?|了|的|啊)*"
        ),
        "wait": (
            r"(?:(?:请|你|您|先|我|去|再)*"
            r"(?:等一?[下会等哈]儿?|稍等|等我.{1,6}|[找问看想]一?[下想看找哈].{0,4}|马上[发来]?))+"
        ),
        "confirm": (
            r"(?!对了)(?:(?:是|对|嗯|确认|提交|没错|没问题|没有错|无误|正确|可以|行|好|要得|中|ok|不用改|不改|都对|就这样|交|发|1)"
            r"[了的吧啊呀哈嘛]*)+"
        ),
        "withdraw": r"(?:是|对|嗯|确认|撤回|确定|要|撤|不反映|不办)+",
        "go": r"(?:那|我|就|先|好|行)*(?:去(?:找|问).{0,4}|(?:不用|不)看|算|不用|不要)",
        "news": (
            r".{0,8}(?:怎么|咋|有没有|有|还|没)(?:还|没|个)*(?:结果|消息|动静|进展|回复|答复|下文|回音|人管|人联系我?)了?(?:吗|没有?|不)?"
            r"|.{0,8}(?:办好|办完|办成|弄好|解决)了?(?:吗|没有?|不)|.{0,6}(?:怎么样|咋样|什么情况|啥情况)"
        ),
        "unhappy": (
            r"(?:我|我们|还是|根本|问题|这?事情?|这个?|你们|一点|真的|结果|对|也|都|就|可|压根|其实|到现在|还|并)*"
            r"(?:(?:很|太|非常)?不(?:太)?满意|没有?(?:真正|得到)?(?:解决|办[成好])|不(?:服|认可)|解决不了|没用|糊弄人?|敷衍)"
            r"(?:结果|答复|问题|我|人|这个?|的|了|啊)*"
        ),
        "me": r"(?:就|还|也|都)?是?(?:我|本人|我自己|我本人|同上|一样|同一个人)",
    }.items()
}

# What each choice is called in people's own words. Two of them in one text: the one said first.
_MEANS: Final[Mapping[str, re.Pattern[str]]] = {
    code: re.compile(words, re.I)
    for code, words in {
        "self": r"自己|本人|亲自|我个人|我的事|我家|^(?:就|是|为|帮)*我$",
        "family": _FAMILY,
        "employer": r"公司|企业|单位|厂|合作社|[商协]会|学校|机构|老板|业委会|业主|小区|村[里委组]|集体|卫生室",
        "someone": r"朋友|邻居|同事|同学|别[人个]|人家|他人|熟人|客户|战友|老乡|街坊|[帮替代][他她人]",
        "citizen": (
            r"个[人体]|自己|本人|私人|百姓|群众|[居农市]民|退休|打工|工人|朋友|邻居|^(?:就|是)*我$|" + _FAMILY
        ),
        "legal_person": r"公司|企业|法人|厂|有限|集团|^(?:是|以)*(?:我们?)?的?单位",
        "other_organisation": (
            r"[商协]会|业委会|业主|合作社|小区|村[里委组民]|居委|社区|社团|组织|联名|几十?[户家]|卫生室|学校"
        ),
        "not_done_after_submission": (
            r"(?<![没未])交[过了上齐]|材料|资料|[递提]交|申请|申报|报[上了]|下文|回音|没(?:批|受理|通过|动静)|不(?:批|受理|给)"
            r"|办不[成下了]|退[回件了]"
        ),
        "repeated_trips": r"跑|趟|[次回遍]|来回|往返|推|皮球|转圈",
        "limit_missed": (
            r"超[期时过]|过[了期]|时限|拖|没(?:受理|动静|下文|办[完好])|(?<![没未])交[过了上齐]|材料|[递提]交"
        ),
        "conduct": r"态度|作风|骂|凶|吼|不理|不耐烦|脸色|刁难|[慢不]作为",
        "bad_attitude": r"态度|骂|凶|吼|不理|不耐烦|脸色|难听|刁难",
        "slow_action": r"慢|拖|磨|敷衍|推",
        "inaction": r"不(?:作为|办|管|干事)|没人(?:管|办)|不搭理",
        "other": (
            r"都不是|都没|别的|其[他它]|另外|[说搞]不[清好]|不(?:清楚|知道|晓得|懂)|咨询|[打问][听问一]"
            r"|建议|意见|投诉"
        ),
        "online": r"网|线上|手机|app|小程序|平台|系统|电脑|12123|微信",
        "offline": r"窗口|现场|大厅|柜台|当面|亲自|人去|去交|送[去过到]|跑|[局所村镇]里|中心|社区|街道|派出所",
        "yes": (
            r"^(?:是|对|嗯+|有|就是|当然|肯定|要|也有|都有|没错)(?:是|的|啊|了|呀|这个|这样|问题)*$"
            r"|态度|作风|骂|凶"
        ),
        "no": r"^(?:不(?![光只仅但])|没(?!错)|否|无|莫)|主要(?!.*(?:态度|作风|骂|凶))|事情?没",
    }.items()
}
_DENIED: Final = re.compile(r"不是[^,。;、\s]*?(?=是|[,。;、\s]|$)")

# Short questions she may ask in between; the answers stand in `templates/intake/faq.txt`.
_FAQ: Final[Mapping[str, re.Pattern[str]]] = {
    key: re.compile(words)
    for key, words in {
        "how_long": r"多久|几天|多少天|什么时候[能有回答才]|啥时候|几时|多长时间|要等",
        "privacy": r"保密|泄露|会不会知道|他们会知道|知道是[我谁]|隐私|实名|匿名|报复|穿小鞋",
        "cost": r"收费|多少钱|要钱|花钱|免费",
        "where": r"在哪|地址|^.{0,6}怎么[去走]|电话多少|打什么电话|上班|下班|几点|周末",
        "material": r"带什么|什么材料|哪些材料|发照片|怎么[拍发]|复印|原件",
        "who": r"你是谁|你是不是人|机器人?|真人|你是人|人工智能",
        "why": (
            r"[为凭](?:什么|啥|么子)要?.{0,4}(?:填|问|写|电话|姓名|名字)|[要问].{0,4}(?:干什么|干嘛|做什么|搞么子)"
            r"|必须|(?:一定|非)要[填写留]"
        ),
    }.items()
}
LONGEST_NAME: Final = 6  # with a title; longer Chinese names are sentences
SHORT: Final = 24  # a longer text is no question in between
# While she tells, only what sounds like a question is one: 注册地址变更办不下来 is a matter.
_QUESTION: Final = re.compile(r".*(?:[?？]|吗|呢)[。！!]*", re.S)
_ASKING: Final = re.compile(
    r".*(?:[?？]|吗|呢)[。！!]*|"
    r".{0,6}(?:多久|多长时间|几天|多少钱?|在哪里?|怎么去|几点|上班时间|(?:什么|哪些)材料|带什么|谁|真人|机器人)"
)


class Contacts(NamedTuple):
    """A telephone number and an e-mail address found in a text ("" where there is none), and what else it says."""

    phone: str
    email: str
    rest: str


def plain(text: str) -> str:
    """A text as the tables compare it: one width, simplified, small letters, no marks at its ends."""
    return _trim(_spelt(text).lower())


def says(name: str, text: str) -> bool:
    """Whether a whole text is one of the sayings of that name."""
    bare = re.sub(r"\W+", "", plain(text))
    return len(bare) <= 20 and _SAYINGS[name].fullmatch(bare) is not None


def choice_of(choices: Sequence[Choice], text: str) -> str | None:
    """The choice that a text means: its code or label, its number in the list, or words for it."""
    said = plain(text)
    for choice in choices:
        if said in (choice.code, plain(choice.label)):
            return choice.code
    number = number_of(said)
    if 1 <= number <= len(choices):
        return choices[number - 1].code
    near = [c for c in choices if len(said) >= 2 and said in plain(c.label)]
    if len(near) == 1:
        return near[0].code
    short = [c for c in choices if _is_short_for(said, plain(c.label))]
    if len(short) == 1:
        return short[0].code
    affirmed = plain(_DENIED.sub("", said))
    meant = [(found.start(), c.code) for c in choices if (found := _found(c, affirmed))]
    return min(meant)[1] if meant else None


def choice_named(choices: Sequence[Choice], text: str) -> str | None:
    """The choice that somebody means who was asked something else: named by a word of its own, not by a number, and
    not the one for all else."""
    own = [choice for choice in choices if choice.code != "other"]
    return None if number_of(text) or _is_answer(text) else choice_of(own, text)


def yes_or_no(text: str) -> str | None:
    """ "yes", "no", or None."""
    said = plain(text)
    if said in ("1", "2"):
        return {"1": "yes", "2": "no"}[said]
    return next((code for code in ("no", "yes") if said == code or _MEANS[code].search(said)), None)


def faq(text: str, *, asking: bool = False) -> str:
    """The question in between that a text asks, if any; `asking`: only if it sounds like a question."""
    said = _spelt(text)
    if len(said) > SHORT or (asking and not _ASKING.fullmatch(said)):
        return ""
    return next((key for key, words in _FAQ.items() if words.search(said)), "")


def asks(text: str) -> bool:
    """Whether a text is put as a question."""
    return _QUESTION.fullmatch(_spelt(text)) is not None


def _spelt(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_SPELLING)


def _trim(text: str) -> str:
    return re.sub(r"^\W+|\W+$", "", text)


def _is_answer(text: str) -> bool:
    """对的, 没有 or 个人 answer another question; nobody is called so."""
    return _KINDS.fullmatch(plain(text)) is not None or any(
        says(n, text) for n in ("confirm", "skip", "thanks", "me")
    )


def _is_short_for(said: str, label: str) -> bool:
    """住建局 for 住房和城乡建设局: its letters in their order, alone or with other words around them."""
    if len(said) < 2 or len(label) <= 4:
        return False
    # A short name is no longer than the long one: what is looked at grows with the text, not with its square.
    starts = (at for at, letter in enumerate(said) if letter == label[0])
    around = (said[at : at + len(label)] for at in starts)
    named = (part[: end + 1] for part in around for end in range(2, len(part)) if part[end] == label[-1])
    return _in_order(said, label) or any(_in_order(short, label) for short in named)


def _in_order(short: str, label: str) -> bool:
    letters = iter(label)
    return all(letter in letters for letter in short)


def _found(choice: Choice, said: str) -> re.Match[str] | None:
    words = _MEANS.get(choice.code)
    return re.search(re.escape(plain(choice.label)), said) or (words.search(said) if words else None)


# --- numbers --------------------------------------------------------------------------------------------

_DIGITS: Final = {
    c: n
    for n, row in enumerate(("零〇", "一幺", "二两", "三", "四", "五", "六", "七", "八", "九"))
    for c in row
}
_AMOUNT: Final = r"(\d{1,4}|[一二两三四五六七八九十百]{1,6})"
_RANGE: Final = r"几?(?:[-~到至、,或]\s*[\d一二两三四五六七八九十]{1,6})?[来多几]*\s*"
_TIMES: Final = re.compile(rf"{_AMOUNT}{_RANGE}[趟次回遍]")
_TRIPS: Final = re.compile(rf"{_AMOUNT}{_RANGE}趟|[跑去来]\D{{0,3}}?{_AMOUNT}{_RANGE}[次回遍]")
_ALONE: Final = re.compile(rf"\D{{0,6}}?{_AMOUNT}{_RANGE}(?:左右|以上|上下|吧|了)*")
_ORDINAL: Final = re.compile(rf"(?:选|第)*\s*{_AMOUNT}\s*[个项条号种]?{_END}")
_SPOKEN: Final = re.compile(r"[零〇幺一二三四五六七八九]{7,}")


def number_of(text: str) -> int:
    """A number that is a whole text, as in 第三项 or 2; 0 for none."""
    found = _ORDINAL.fullmatch(plain(text))
    return _value(found[1]) if found else 0


def times_of(text: str, *, asked: bool = True) -> int:
    """How often, said roughly: 七八回 is 7, 不下二十趟 is 20, 十几次 is 10 (never more than was said); 0 for none.
    A bare number counts only if it was `asked` for."""
    said = plain(text)
    found = _TIMES.search(said) or (_ALONE.fullmatch(said) if asked else None)
    return _value(found[1]) if found else 0


def trips_in(story: str) -> int:
    """How often somebody says in a story that she went; 0 if she does not. 材料交了三次 is no trip."""
    found = _TRIPS.search(plain(story))
    return _value(found[1] or found[2]) if found else 0


def _value(text: str) -> int:
    if text.isdecimal():
        return int(text)
    hundreds, _, rest = text.rpartition("百")
    tens, ten, ones = rest.rpartition("十")
    total = 100 * _DIGITS.get(hundreds[:1], 1) if hundreds or "百" in text else 0
    total += 10 * _DIGITS.get(tens[:1], 1) if ten else 0
    return total + _DIGITS.get(ones[:1], 0)


_DAY: Final = re.compile(r"(?:(\d{4})[年./-])?(\d{1,2})[月./-](\d{1,2})[日号]?")
_AGO: Final = {
    "今天": 0,
    "昨天": 1,
    "前天": 2,
    "大前天": 3,
    "上周": 7,
    "上个星期": 7,
    "上星期": 7,
    "上个月": 30,
}


def day_of(text: str, today: date) -> date | None:
    """The day somebody names, in the past: 3月5号 is the last one that was, 上个月 roughly thirty days ago."""
    said = plain(text)
    if found := _DAY.search(said):
        year = int(found[1] or today.year)
        try:
            day = date(year, int(found[2]), int(found[3]))
            return day.replace(year=year - 1) if day > today and not found[1] else day
        except ValueError:
            return None
    longest = max((word for word in _AGO if word in said), key=len, default="")
    return today - timedelta(days=_AGO[longest]) if longest else None


# --- names and addresses --------------------------------------------------------------------------------

_LEAD: Final = r"(?:[我他她]的?)?(?:联系)?(?:(?:电话|手机|号码|邮箱)(?:号码?)?)*(?:是|为|[:：])?\s*"
_NUMBER: Final = (
    r"(?<![\dA-Za-z])(?:\+?86[- ]?)?(1[3-9](?:[- ]?\d){9}|0\d{2,3}(?:[- ]?\d){7,8})(?![\dA-Za-z])"
)
_PHONE: Final = re.compile(_LEAD + _NUMBER)
_MAIL: Final = re.compile(_LEAD + f"({EMAIL.pattern})", re.ASCII)
_OWN: Final = re.compile(
    r"(?:[我俺]|本人)的?(?:联系)?(?:电话|手机|号码)(?:号码?)?(?:是|:)?\W*$|(?:联系|打|打给|找)我(?:女儿|儿子)?\W*$"
)
_TITLED: Final = re.compile(
    r"^(?:您好|你好|\W)*(?:我[爸妈]{0,2}|[他她]|本人|申请人|名字|姓名|写|填)*(?:的?(?:名字|姓名))?(?:就?[是叫写填]做?)?[:：,，\s]*"
)
_NO_NAME: Final = re.compile(
    r"[我你您他她们吗怎啥谁?？@]|什么|哪[个位里些儿]|为啥|没有|没得|不[想方愿告说知填]|几点|\d{3,}"
    r"|政府|街道|大厅|窗口|[局厅]$|[跑趟]|^好多|蛮多|^[滴的得嘞咯哒呀啊嗯哦好对要]$|^不?晓得|[骂滚烦]|^等[下等]|改成"
)
_KINDS: Final = re.compile(r"(?:个人|单位|公司|企业|组织|法人|自己|我自己|本人|替.{1,3}|的)+")
_BODY: Final = re.compile(
    r".{2,}(?:公司|厂|合作社|协会|商会|委员会|业委会|中心|集团|村|小区|学校|医院|卫生室)"
)
_UNIT_TITLED: Final = re.compile(
    r"^(?:我们)?(?:的|单位|公司|全称|名称|名字|全名)*(?:就?是|叫做?|为|[:：])\s*|^我们"
)


def contacts_in(text: str) -> Contacts:
    """Take a telephone number and an e-mail address, with the words that lead to them, out of a text."""
    said = _in_digits(text)
    phone, mail = _PHONE.search(said), _MAIL.search(said)
    if phone is None and mail is None:
        return Contacts("", "", text)
    rest = _trim(_MAIL.sub(" ", _PHONE.sub(" ", said)))
    return Contacts(re.sub(r"\D", "", phone[1]) if phone else "", mail[1] if mail else "", rest)


def own_phone(text: str) -> str:
    """The number that somebody who tells a story calls her own, or that is the whole text; never another's."""
    said = _in_digits(text.translate(_SPELLING))
    found = re.search(_NUMBER, said)
    if found is None or not (_OWN.search(said[: found.start()]) or not contacts_in(text).rest):
        return ""
    return contacts_in(text).phone


def _in_digits(text: str) -> str:
    return _SPOKEN.sub(
        lambda run: "".join(str(_DIGITS[c]) for c in run[0]), unicodedata.normalize("NFKC", text)
    )


def name_of(text: str) -> str:
    """The name in 我叫李桂兰，今年六十三; "" if it is none (a question, a refusal, a number)."""
    said = _trim(_TITLED.sub("", unicodedata.normalize("NFKC", text), count=1))
    parts = [part for part in re.split(r"[,，。;；、\s]+", said) if part]
    if not parts:
        return ""
    foreign = said.isascii() or all(len(part) == 1 for part in parts)
    name = re.sub(r"[啊呀哦]$", "", (said if said.isascii() else "".join(parts)) if foreign else parts[0])
    if len(name) > LONGEST_NAME and not re.search(r"[A-Za-z·•.]", name) and not is_body(name):
        return ""
    return "" if _NO_NAME.search(name) or _is_answer(name) or not any(c.isalpha() for c in name) else name


def unit_of(text: str) -> str:
    """The name of a body in 我们单位叫示范商贸有限公司; "" if it is none."""
    name = re.sub(r"^\W+|[。,，!！\s]+$", "", _UNIT_TITLED.sub("", text.strip(), count=1))
    return "" if _is_answer(text) else name


def is_body(text: str) -> bool:
    """Whether a name is that of a firm or another body."""
    return _BODY.fullmatch(plain(text)) is not None
