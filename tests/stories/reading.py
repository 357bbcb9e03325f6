"""Reading forms and messages as people do."""

from bot.cards.draw import group_card, notice_card
from bot.papers import page
from bot.words import Words
from core import case as cases
from core import duties, papers, people, store, uploads, views
from core.case import Case
from core.desk import attach
from core.forms import Line, Sheet
from core.outbox import Message
from tests.world import World

WORDS = Words()
BASE = "https://hall.example.gov.cn"


def words(line: Line) -> str:
    return "".join(ink.words for ink in line)


def answers(sheet: Sheet) -> dict[str, str]:
    """What stands under each label of the grid."""
    return {cell.label: "\n".join(cell.paragraphs) for row in sheet.rows for cell in row.cells}


def all_words(sheet: Sheet) -> str:
    """Everything on the sheet, from head to foot."""
    grid = [f"{label}\n{text}" for label, text in answers(sheet).items()]
    return "\n".join([sheet.title, *map(words, sheet.head), *grid, *(words(f.line) for f in sheet.foot)])


def drawn(world: World, message: Message) -> str:
    """A notice as its reader gets it: title, text, rows and buttons of the card."""
    rules, hall = world.rules, world.office.hall
    with store.transaction(world.office.engine) as conn:
        case = cases.load(conn, message.case_id or 0)
        if message.person_id is None:
            due = next((d.due_at for d in duties.of_case(conn, case.id) if rules.duty(d.key).closing), None)
            card = group_card(WORDS, rules, case, due, message.notice, clause=message.clause, base_url=BASE)
        else:
            view = views.see(world.office, conn, case, people.get(conn, message.person_id))
            card = notice_card(
                WORDS,
                rules,
                hall,
                view,
                message.notice,
                case_id=case.id,
                clause=message.clause,
                data=message.data,
                base_url=BASE,
            )
    rows = [f"{label}：{value}" for label, value in card.rows]
    return "\n".join([card.title, card.text, *rows, *(button.label for button in card.buttons)])


def ledger_page(world: World, who: str, day: str) -> str:
    return page.ledger_html(world.ledger(who, day))


def papers_of(world: World, who: str, case: Case) -> list[str]:
    """The forms of a case that somebody may print."""
    role = world.see(who, case).role
    return [paper.form for paper in papers.available(world.rules, world.again(case), role)]


def scan(name: str) -> attach.NewFile:
    """A page somebody scanned, as it comes from a form."""
    return attach.NewFile(uploads.Accepted("text", "text/plain", "txt", name.encode()), name)
