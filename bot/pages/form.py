"""The one form page: drawn from an act's fields, it serves every act that needs words or files.

What was typed and what was uploaded survives every failure. Sending twice does what sending once does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from flask import Blueprint, Response, abort, redirect, request
from sqlalchemy.engine import Connection
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from bot.cards.draw import notice_card
from bot.pages import session
from bot.pages.session import FORM_CAP, Ticket, page
from bot.service import Service
from core import case as cases
from core import flow, people, suggest, uploads, views
from core.case import Case
from core.desk import fields, gaps
from core.desk.act import Actor, perform
from core.desk.attach import CAP, NewFile, take_room
from core.logins import Login
from core.policy.model import Act, Asked, Choice, Profile, When, holds
from core.policy.outline import UNIT_KINDS
from core.privacy import redact
from core.refusals import NOT_NOW, NOT_YOURS, Incomplete, Refusal
from core.store import transaction
from core.views import CaseView
from core.workdays import SHANGHAI, local_day

NEW: Final = ""  # the reference of a case that is not there yet
# Acts whose words reach the applicant as the notice `result`: shown beforehand as they will read.
PREVIEWED: Final = frozenset({"resolve", "hand_in", "sign_off"})
# Acts that may come back to be done again: their form starts with what it held before.
DRAFTED: Final = frozenset({"resolve", "dispatch", "hand_in"})
# Fields for which the matter itself may suggest something, and acts beside which entries of the library help.
GUESSED: Final = frozenset({"unit", "level", "scope_code"})
HELPED: Final = frozenset({"resolve", "dispatch", "hand_in", "reply"})
RADIOS: Final = 6  # more choices than that become a list to open


@dataclass(frozen=True)
class Sent:
    """What came with a form: texts by field, files inspected, and what was wrong with those that were not taken."""

    typed: Mapping[str, str]
    files: tuple[tuple[str, NewFile], ...]
    problems: Mapping[str, str]
    dropped: frozenset[str]


@dataclass(frozen=True)
class Input:
    """A field as the page draws it. Conditions on other fields of the form are JSON for the script."""

    id: str
    label: str
    kind: str
    help: str
    clause: str
    limit: int
    required: bool
    value: str
    problem: str
    groups: tuple[tuple[str, tuple[Choice, ...]], ...]
    radios: bool
    files: tuple[tuple[str, str, int], ...]  # key, name, bytes
    shown_when: str
    required_when: str
    guess: suggest.Suggestion | None = None


@dataclass(frozen=True)
class Matter:
    """What a form is about: a case as the viewer may see it, or none yet."""

    rules: Profile
    act: str
    definition: Act
    case: Case | None = None
    view: CaseView | None = None

    @property
    def ref(self) -> str:
        return self.case.ref if self.case else NEW

    @property
    def facts(self) -> dict[str, object]:
        return self.case.facts() if self.case else {}


def add(pages: Blueprint, service: Service) -> None:
    @pages.get("/new/<act>")
    def open_new(act: str) -> Response:
        return _opened(service, NEW, act)

    @pages.post("/new/<act>")
    def send_new(act: str) -> AnyResponse:
        return _received(service, NEW, act)

    @pages.get("/c/<ref>/<act>")
    def open_form(ref: str, act: str) -> Response:
        return _opened(service, ref, act)

    @pages.post("/c/<ref>/<act>")
    def send(ref: str, act: str) -> AnyResponse:
        return _received(service, ref, act)


def _opened(service: Service, ref: str, act: str) -> Response:
    with transaction(service.office.engine) as conn:
        who = session.login(service, conn)
        matter = _matter(service, conn, who, ref, act)
        if matter.case and matter.view and not any(o.act == act for o in matter.view.offers):
            # Says why not; nothing is done, because a refusal undoes it.
            perform(service.office, conn, Actor(who.person, "page"), matter.case, act, now=service.now())
            raise Refusal(NOT_NOW, stage=matter.case.stage)
        typed = {f.id: _suggested(service, conn, matter, f) for f in matter.definition.fields}
        ticket = session.issue(service, conn, who, matter.ref)
        return _draw(service, conn, who, matter, ticket, typed)


def _received(service: Service, ref: str, act: str) -> AnyResponse:
    engine = service.office.engine
    with transaction(engine) as conn:
        who = session.login(service, conn)
        matter = _matter(service, conn, who, ref, act)
    request.max_content_length = FORM_CAP
    sent = _with_room(service, who, matter, _read(matter.definition.fields))
    ticket, good = _parked(service, who, matter, sent)
    if not good:
        return _again(service, who, ref, act, sent, ticket, notice="stale")
    if ticket.did:
        return redirect(ticket.to if ticket.did == act else f"/c/{ticket.about}", 303)
    if "preview" in request.form or sent.problems:
        return _again(service, who, ref, act, sent, ticket, preview="preview" in request.form)
    try:
        done, case_id = _done(service, who, ref, act, sent)
    except Refusal as refusal:
        _pass_on(service, matter, refusal)
        return _again(service, who, ref, act, sent, ticket, refusal=refusal)
    session.clear_away(service, ticket.files)
    service.ring("deliver")
    service.ring("redraw", case_id)
    return redirect(done.to, 303)


def _matter(service: Service, conn: Connection, who: Login, ref: str, act: str) -> Matter:
    """The case and the act of an address. Strangers are refused; an act the profile does not know is 404."""
    office = service.office
    if ref == NEW:
        row, definition = flow.MOVES.get(("DRAFT", act)), office.profile.acts.get(act)
        if row is None or definition is None or row.slot == "applicant" or row.to == row.stage:
            abort(404)
        held = {post.role for post in people.roles(conn, who.person.id)}
        if not held & set(office.profile.slots.get(row.slot, ())):
            raise Refusal(NOT_YOURS)
        return Matter(office.profile, act, definition)
    case = cases.find(conn, ref=ref)
    view = views.see(office, conn, case, who.person, history=False)
    rules = office.rules(conn, case)
    if act not in rules.acts:
        abort(404)
    return Matter(rules, act, rules.acts[act], case, view)


# --- what came ----------------------------------------------------------------------------------------------


def _read(asked: Sequence[Asked]) -> Sent:
    typed = {f.id: ",".join(request.form.getlist(f.id))[: f.limit * 2] for f in asked if f.kind != "files"}
    files: list[tuple[str, NewFile]] = []
    problems: dict[str, str] = {}
    for field in asked:
        for upload in request.files.getlist(field.id) if field.kind == "files" else ():
            try:
                files += [(field.id, file) for file in _inspected(upload)]
            except uploads.Refused as refused:
                problems[field.id] = refused.code
    return Sent(typed, tuple(files), problems, frozenset(request.form.getlist("drop")))


def _inspected(upload: FileStorage) -> tuple[NewFile, ...]:
    """The file as it may be kept; none where the browser sent an empty choice. Raises `uploads.Refused`."""
    name = upload.filename or ""
    data = upload.stream.read(CAP + 1)
    if not name and not data:
        return ()
    accepted = uploads.inspect(data, name, CAP)
    return (NewFile(accepted, uploads.download_name(name, accepted.suffix)),)


def _with_room(service: Service, who: Login, matter: Matter, sent: Sent) -> Sent:
    """What was sent, without its files if they are more than one person may hand in for one case in a day."""
    sizes = [len(file.accepted.data) for _, file in sent.files]
    today = local_day(service.machine())
    if sizes:
        with transaction(service.office.engine) as conn:
            if not take_room(conn, who.person.id, matter.ref, sizes, today):
                full = {field: "too_many" for field, _ in sent.files}
                return replace(sent, files=(), problems={**sent.problems, **full})
    return sent


def _parked(service: Service, who: Login, matter: Matter, sent: Sent) -> tuple[Ticket, bool]:
    """The ticket of the form with the files that came now and before, and whether it is good. Of a page too old
    to count, texts and files wait under a new ticket."""
    new = tuple(session.park(service, field, file) for field, file in sent.files)
    with transaction(service.office.engine) as conn:
        held = session.hold(service, conn, who, matter.ref)
        ticket = held or session.issue(service, conn, who, matter.ref)
        unwanted = new if ticket.did else tuple(f for f in ticket.files if f.key in sent.dropped)
        if not ticket.did:
            kept = tuple(f for f in ticket.files if f.key not in sent.dropped)
            ticket = session.keep(conn, replace(ticket, files=(*kept, *new)))
    session.clear_away(service, unwanted)
    return ticket, held is not None


def _done(service: Service, who: Login, ref: str, act: str, sent: Sent) -> tuple[Ticket, int]:
    """Do the act and use the ticket up, together. Raises `Refusal`; then neither happened."""
    office, now = service.office, service.now()
    with transaction(office.engine) as conn:
        matter = _matter(service, conn, who, ref, act)
        ticket = session.hold(service, conn, who, matter.ref)
        if ticket is None:
            raise Refusal(NOT_NOW)
        if ticket.did:  # the same form, sent twice at one moment
            return ticket, ticket.case_id
        values: dict[str, Any] = dict(sent.typed)
        for field in matter.definition.fields:
            if field.kind == "files":
                mine = [f for f in ticket.files if f.field == field.id]
                values[field.id] = tuple(session.unpark(service, f) for f in mine)
        case = matter.case or cases.open_case(
            conn,
            profile=matter.rules.name,
            version=matter.rules.version,
            channel="hall",
            contact_id=None,
            now=now,
        )
        rev = _revision() if matter.case else None
        case = perform(office, conn, Actor(who.person, "page"), case, act, now=now, values=values, rev=rev)
        # Passing a matter on may take it out of one's own sight.
        to = f"/c/{case.ref}?did={act}" if people.role_in_case(conn, case, who.person.id) else "/done"
        return session.keep(conn, replace(ticket, files=(), did=act, to=to, case_id=case.id)), case.id


def _pass_on(service: Service, matter: Matter, refusal: Refusal) -> None:
    """Tell whoever can mend it what stood in the way, if that is neither the person at the screen nor the case."""
    with transaction(service.office.engine) as conn:
        told = gaps.tell(service.office, conn, matter.case, refusal, service.now())
    if told:
        service.ring("deliver")


def _revision() -> int:
    """The revision the page was drawn from; one that says none counts as the oldest."""
    text = request.form.get("rev", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


# --- what is drawn ------------------------------------------------------------------------------------------


def _again(
    service: Service,
    who: Login,
    ref: str,
    act: str,
    sent: Sent,
    ticket: Ticket,
    *,
    refusal: Refusal | None = None,
    preview: bool = False,
    notice: str = "",
) -> Response:
    """The form once more, with everything that was in it."""
    problems: Mapping[str, str] = sent.problems
    status = 422 if problems else 409 if notice else 200
    if refusal:
        problems = {**problems, **(refusal.problems if isinstance(refusal, Incomplete) else {})}
        status = 422 if problems else 403 if refusal.code == NOT_YOURS else 409
    with transaction(service.office.engine) as conn:
        matter = _matter(service, conn, who, ref, act)
        if matter.case and not people.fills(conn, matter.rules, matter.case, who.person.id, flow.SLOTS[act]):
            raise Refusal(NOT_YOURS, clause=matter.definition.clause)
        if preview and not problems:
            problems = _check(service, conn, matter, sent)
            status = 422 if problems else 200
        return _draw(
            service,
            conn,
            who,
            matter,
            ticket,
            sent.typed,
            problems=problems,
            refusal=refusal,
            preview=preview and not problems,
            notice=notice,
            status=status,
        )


def _check(service: Service, conn: Connection, matter: Matter, sent: Sent) -> Mapping[str, str]:
    if matter.case is None:
        return {}
    try:
        asked = [f for f in matter.definition.fields if f.kind != "files"]
        fields.check(service.office, conn, matter.rules, matter.case, asked, sent.typed)
    except Incomplete as gaps:
        return gaps.problems
    return {}


def _draw(
    service: Service,
    conn: Connection,
    who: Login,
    matter: Matter,
    ticket: Ticket,
    typed: Mapping[str, str],
    *,
    problems: Mapping[str, str] | None = None,
    refusal: Refusal | None = None,
    preview: bool = False,
    notice: str = "",
    status: int = 200,
) -> Response:
    rules, view = matter.rules, matter.view
    if matter.case:
        views.log_view(conn, matter.case, who.person, f"form:{matter.act}", service.now())
    guesses = _guesses(service, conn, matter)
    inputs = [
        replace(
            _input(service, conn, matter, f, typed.get(f.id, ""), (problems or {}).get(f.id, ""), ticket),
            guess=guesses.get(f.suggest),
        )
        for f in matter.definition.fields
        if _may_show(matter, f)
    ]
    signs = matter.act in PREVIEWED and not any(i.id == "result" for i in inputs)
    return page(
        service,
        "form",
        status,
        rules=rules,
        act=matter.act,
        definition=matter.definition,
        basis=service.words.basis(rules, matter.definition.clause),
        inputs=inputs,
        view=view,
        words=view.words if view else {},
        like=suggest.like_entries(conn, _told(matter)) if matter.act in HELPED else (),
        twins=_twins(service, conn, who, matter),
        attachments=view.attachments if view else (),
        ticket=ticket.secret,
        # Whose words the browser keeps over a reload: the same for one person, and says nothing about them.
        owner=service.office.vault.index(f"draft {who.person.id}")[:16],
        action=f"/c/{matter.ref}/{matter.act}" if matter.case else f"/new/{matter.act}",
        rev=view.rev if view and (request.method == "GET" or notice) else _revision(),
        refusal=service.words.refusal(refusal, rules, who.person.id) if refusal else "",
        card=_preview(service, matter, typed) if preview or signs else None,
        may_preview=matter.act in PREVIEWED and not signs,
        notice=notice,
    )


def _input(
    service: Service, conn: Connection, matter: Matter, asked: Asked, value: str, problem: str, ticket: Ticket
) -> Input:
    words, rules = service.words, matter.rules
    groups = _choices(conn, rules, asked)
    kind: str = "choice" if asked.kind in ("level", "unit", "yesno", "site", "person") else asked.kind
    if asked.kind == "date" and asked.suggest == "now":
        kind = "moment"
    own = {f.id for f in matter.definition.fields}
    known = dict(matter.facts)
    return Input(
        id=asked.id,
        label=asked.label,
        kind=kind,
        help=asked.help,
        clause=words.basis(rules, asked.clause) if asked.clause in rules.clauses else "",
        limit=asked.limit,
        required=asked.required or _certain(asked.required_when, own, known),
        value=value,
        problem=words.problem(problem, asked.label) if problem else "",
        groups=groups,
        radios=sum(len(choices) for _, choices in groups) <= RADIOS and asked.kind != "unit",
        files=tuple(
            (f.key, session.name_of(service.office.vault, f), f.size)
            for f in ticket.files
            if f.field == asked.id
        ),
        shown_when=_condition(asked.shown_when, own),
        required_when=_condition(asked.required_when, own),
    )


def _choices(conn: Connection, rules: Profile, asked: Asked) -> tuple[tuple[str, tuple[Choice, ...]], ...]:
    """The choices of a field in labelled groups (one without a label where there is nothing to group)."""
    if asked.kind == "yesno":
        return (("", (Choice(code="yes", label="是"), Choice(code="no", label="否"))),)
    if asked.kind in ("unit", "units"):
        fitting = asked.unit_kinds or {kind for level in rules.levels for kind in level.unit_kinds}
        units = people.units(conn, *fitting)
        kinds = dict.fromkeys((*UNIT_KINDS, *(unit.kind for unit in units)))
        grouped = (
            (
                UNIT_KINDS.get(kind, ""),
                tuple(Choice(code=u.key, label=u.name) for u in units if u.kind == kind),
            )
            for kind in kinds
        )
        return tuple((label, choices) for label, choices in grouped if choices)
    if asked.kind == "site":
        return (("", tuple(Choice(code=u.key, label=u.name) for u in people.units(conn, people.SITE))),)
    if asked.kind == "person":
        colleagues = people.staff(conn, *rules.slots.get("receiver", ()))
        return (("", tuple(Choice(code=p.key or "", label=p.name) for p in colleagues)),)
    return (("", rules.choices(asked)),)


def _may_show(matter: Matter, asked: Asked) -> bool:
    """Whether a field can come up at all: what the case itself decides is decided before it is drawn."""
    own = {f.id for f in matter.definition.fields}
    settled = {k: v for k, v in asked.shown_when.items() if k not in own}
    return holds(settled, matter.facts)


def _certain(when: When, own: set[str], facts: Mapping[str, object]) -> bool:
    return bool(when) and not set(when) & own and holds(when, facts)


def _condition(when: When, own: set[str]) -> str:
    open_ = {k: v for k, v in when.items() if k in own}
    return json.dumps(open_, ensure_ascii=False) if open_ else ""


def _suggested(service: Service, conn: Connection, matter: Matter, asked: Asked) -> str:
    """What a field starts with. A subject is never made of the citizen's words (AMB-G16)."""
    if asked.suggest == "now":
        return service.now().astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M")
    case, view = matter.case, matter.view
    if case is None or view is None:
        return ""
    before = view.words.get(asked.id) or case.codes.get(asked.id, "")
    if before and matter.act in DRAFTED:
        return before
    match asked.suggest:
        case "subject":
            return view.subject or _scope_label(matter.rules, case)
        case "content_for_unit":
            content = view.words.get("content", "")
            for name in filter(None, (view.words.get("applicant_name"), view.words.get("contact_name"))):
                content = content.replace(name, "反映人")
            return redact(content)
        case "visit_with":
            return _companions(conn, case)
        case "scope_code":
            return case.codes.get("scope_code", "")
        case "level":
            return case.level or ""
        case "unit":
            return people.unit(conn, case.unit_id).key if case.unit_id else ""
    return ""


def _companions(conn: Connection, case: Case) -> str:
    """The bodies with which a visit was last planned or drawn, as the form takes them."""
    planned = [e for e in cases.events(conn, case.id) if e.act in ("plan_visit", "draw_visit")]
    units = planned[-1].data.get("companions", ()) if planned else ()
    return ",".join(people.unit(conn, unit).key for unit in units)


def _guesses(service: Service, conn: Connection, matter: Matter) -> Mapping[str, suggest.Suggestion]:
    """What like matters suggest for the fields that the case itself does not fill. Nothing is chosen beforehand."""
    case, view = matter.case, matter.view
    if case is None or view is None or not any(f.suggest in GUESSED for f in matter.definition.fields):
        return {}
    known = {"unit": case.unit_id, "level": case.level, "scope_code": case.codes.get("scope_code")}
    found = suggest.at_triage(service.office, conn, case, _told(matter))
    return {field: guess for field, guess in found.items() if not known[field]}


def _twins(service: Service, conn: Connection, who: Login, matter: Matter) -> tuple[str, ...]:
    """Open cases told with the same telephone, at triage, of those that the viewer works on."""
    case, view = matter.case, matter.view
    if case is None or view is None or case.stage != "TRIAGE" or view.hidden:
        return ()
    phone = cases.words(service.office.vault, case).get("applicant_phone", "")
    return suggest.same_caller(service.office, conn, case, phone, who.person)


def _told(matter: Matter) -> str:
    """The matter in words that the viewer may read."""
    view = matter.view
    return "" if view is None else f"{view.subject}\n{view.words.get('content', '')}".strip()


def _scope_label(rules: Profile, case: Case) -> str:
    wanted = (case.codes.get("scope_code"), case.codes.get("ground"))
    return next((c.label for c in rules.intake.scope if c.code in wanted), "")


def _preview(service: Service, matter: Matter, typed: Mapping[str, str]) -> object:
    """The notice of the result, drawn from what was typed as it would be from the case."""
    if matter.case is None or matter.view is None:
        return None
    rules, now = matter.rules, service.now()
    codes = {f.id for f in matter.definition.fields if not f.personal}
    said = {k: v for k, v in typed.items() if v}
    chosen = {k: v for k, v in said.items() if k in codes}
    view = replace(
        matter.view,
        role="applicant",
        offers=(),
        words={**matter.view.words, **{k: v for k, v in said.items() if k not in codes}},
        codes={**matter.view.codes, **chosen},
        labels={**matter.view.labels, **{k: {"yes": "是", "no": "否"}.get(v, v) for k, v in chosen.items()}},
        moments={**matter.view.moments, **dict.fromkeys(("replied_at", "signed_off_at"), now)},
    )
    return notice_card(
        service.words,
        rules,
        service.office.hall,
        view,
        "result",
        case_id=matter.case.id,
        clause=next(n.clause for n in rules.notices if n.template == "result"),
        data={"rev": view.rev, "round": view.round},
        base_url=service.settings.base_url,
    )
